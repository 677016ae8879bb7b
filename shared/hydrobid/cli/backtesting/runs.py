"""The methods of a backtest in processes of their own: days of one method follow each other."""

from __future__ import annotations

import multiprocessing
import os
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hydrobid.bidding.backtest.archive import Archive
from hydrobid.bidding.backtest.entrant import Entrant
from hydrobid.bidding.backtest.rolling import backtest_days
from hydrobid.bidding.backtest.settings import BacktestSettings
from hydrobid.bidding.backtest.statistics import Track
from hydrobid.cli.output import err
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.local_cloud.errors import ProcessFailed

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

LOOKS_A_SECOND = 5


def run_tracks(
    archive: Archive,
    asset: AssetConfiguration,
    entrants: Sequence[Entrant],
    settings: BacktestSettings,
    workers: int | None,
) -> list[Track]:
    """Return each method's days, in the order given, showing how far it is on standard error.

    workers: processes; as many as the machine has processors where it is None. With one, all is
    done in this process.
    """
    count = min(workers or os.cpu_count() or 1, len(entrants))
    with _progress() as progress:
        bar = progress.add_task("days", total=len(settings.days()) * len(entrants))
        if count == 1:
            return [
                _track(archive, asset, entrant, settings, lambda: progress.advance(bar))
                for entrant in entrants
            ]
        return _in_processes(
            archive, asset, entrants, settings, count, lambda done: progress.advance(bar, done)
        )


def _in_processes(
    archive: Archive,
    asset: AssetConfiguration,
    entrants: Sequence[Entrant],
    settings: BacktestSettings,
    count: int,
    advance: Callable[[int], None],
) -> list[Track]:
    # Spawned, not forked: a fork would copy this process's threads' locks as they happen to be.
    context = multiprocessing.get_context("spawn")
    done: Queue[int] = context.Queue()
    # The longest first, so that none is left to run alone at the end.
    order = sorted(range(len(entrants)), key=lambda at: -entrants[at].scenarios)
    with ProcessPoolExecutor(count, context, _share_queue, (done,)) as pool:
        futures = {at: pool.submit(_told, archive, asset, entrants[at], settings) for at in order}
        try:
            _follow(list(futures.values()), done, advance)
        except BrokenProcessPool as error:
            raise ProcessFailed(f"a process of the backtest was ended: {error}") from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        return [futures[at].result() for at in range(len(entrants))]


def _follow(futures: list[Future[Track]], done: Queue[int], advance: Callable[[int], None]) -> None:
    """Return when all have ended; raise what the first that fails raises."""
    waiting = set(futures)
    while waiting:
        ended, waiting = wait(waiting, 1 / LOOKS_A_SECOND, FIRST_COMPLETED)
        for future in ended:
            future.result()
        try:
            while True:
                advance(done.get_nowait())
        except queue.Empty:
            pass


_done: Queue[int] | None = None


def _share_queue(done: Queue[int]) -> None:
    global _done  # noqa: PLW0603 - a queue reaches a pool's process at its start only
    _done = done
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that started it is gone: a pool's would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _told(
    archive: Archive, asset: AssetConfiguration, entrant: Entrant, settings: BacktestSettings
) -> Track:
    """Return a method's days from within a process of the pool."""

    def tell() -> None:
        if _done is not None:
            _done.put(1)

    return _track(archive, asset, entrant, settings, tell)


def _track(
    archive: Archive,
    asset: AssetConfiguration,
    entrant: Entrant,
    settings: BacktestSettings,
    tell: Callable[[], None],
) -> Track:
    days = []
    for day in backtest_days(archive, asset, entrant, settings):
        days.append(day)
        tell()
    return Track(entrant, tuple(days))


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
    )
