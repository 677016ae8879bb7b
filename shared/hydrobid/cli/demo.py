"""`demo`: both example clients' bids, from nothing to accepted orders, on a cloud that is gone after."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from hydrobid.cli.clients import bidding_folders, clients_dir_of
from hydrobid.cli.cloud import start_cloud
from hydrobid.cli.exits import ExitCode, exit_code_of_run
from hydrobid.cli.injected_day import FollowedDay, alerts_table, verdict
from hydrobid.cli.injections import INJECTIONS, Injection, injection_named, target_of
from hydrobid.cli.options import ClientsDir, data_folder
from hydrobid.cli.output import out, say
from hydrobid.cli.render import new_table, result_view, submitted_table
from hydrobid.cli.run import RunRequest, read_request, summary_of, watch, write_files
from hydrobid.cli.tending import tended
from hydrobid.client.connection import connect
from hydrobid.client.following import FollowedRun, start_run
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.time import parse_instant
from hydrobid.local_cloud.clock import set_market_time
from hydrobid.local_cloud.files import exclusive, write_atomically
from hydrobid.local_cloud.layout import DataFolder
from hydrobid.local_cloud.lifecycle import bring_down
from hydrobid.local_cloud.settings import DEFAULT_DATA_DIR
from hydrobid.local_cloud.state import CloudState

if TYPE_CHECKING:
    from hydrobid.bootstrap.console import Console

Handler = signal.Handlers | Callable[[int, FrameType | None], None]

MARKET_TIME = "2026-11-24T10:30+01:00"
LIST = "list"


def demo(
    inject: Annotated[
        str | None,
        typer.Option(
            metavar="CASE",
            help=f"Break something on purpose, in a cloud of its own: {LIST} explains each of "
            f"{', '.join(injection.name for injection in INJECTIONS)}.",
            show_default=False,
        ),
    ] = None,
    out_dir: Annotated[
        Path | None,
        typer.Option(
            "--out",
            file_okay=False,
            help="Folder for the runs' files and reports; out/demo or out/demo-CASE if not given.",
            show_default=False,
        ),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="Folder of the demo's local cloud, which is wiped; .hydrobid/demo or "
            ".hydrobid/demo-CASE if not given.",
            show_default=False,
        ),
    ] = None,
    clients_dir: ClientsDir = None,
) -> None:
    """Show everything at once: a fresh local cloud, a bid of each client, the orders, the end.

    Market time is 10:30 on 24 November 2026, so that the next delivery day is the 25th.

    With --inject something breaks, and the day goes on to its end all the same: dead processes are
    brought up again, and whenever nothing moves, market time goes to the next cut-off.

    Example: hydrobid demo --inject exchange-breaks
    """
    if inject == LIST:
        out.print(_injections_table())
        return
    injection = None if inject is None else injection_named(inject)
    name = "demo" if injection is None else f"demo-{injection.name}"
    folder = data_folder(data_dir or DEFAULT_DATA_DIR / name)
    codes = _show(
        injection, folder, clients_dir_of(clients_dir, None), out_dir or Path("out") / name
    )
    if any(codes):
        raise typer.Exit(max(codes, default=ExitCode.OK))


def _show(
    injection: Injection | None, folder: DataFolder, clients_dir: Path, out_dir: Path
) -> list[ExitCode]:
    """Return the exit code of each client's run, after everything was shown."""
    began = time.monotonic()
    if injection is not None:
        say(f"Injected: {injection.injected}.\nExpected: {injection.expected}.")
    with _demo_cloud(folder, clients_dir, injection) as requests:
        say(f"The local cloud is up after {time.monotonic() - began:.1f} s.")
        console, state = connect(folder)
        runs = [start_run(console, r.configuration, r.day, r.inputs) for r in requests]
        if injection is None:
            watch(console, runs, silent=False)
        else:
            runs = _watched_to_the_end(console, runs, folder, clients_dir, injection)
        summaries = _left_behind(console, state, runs, folder, out_dir)
        alerts = None if injection is None else alerts_table(runs)
    out.print(submitted_table(summaries))
    if injection is not None:
        out.print(alerts)
        say(verdict(injection, summaries))
    say(f"Done in {time.monotonic() - began:.1f} s.")
    return [exit_code_of_run(run.finished_view().state) for run in runs]


def _watched_to_the_end(
    console: Console,
    runs: Sequence[FollowedRun],
    folder: DataFolder,
    clients_dir: Path,
    injection: Injection,
) -> list[FollowedRun]:
    """Follow days on which something is broken; return them when they are over."""
    days = [FollowedDay(run.configuration, run.day, run.documents, run.execution) for run in runs]
    with tended(folder, clients_dir, days, injection):
        watch(console, days, silent=False)
    return list(days)


def _left_behind(
    console: Console,
    state: CloudState,
    runs: Sequence[FollowedRun],
    folder: DataFolder,
    out_dir: Path,
) -> list[dict[str, Any]]:
    """Show how each run ended, write its files, and return the runs' summaries."""
    summaries = [summary_of(run) for run in runs]
    for run, summary in zip(runs, summaries, strict=True):
        directory = out_dir / f"{summary['client']}~{summary['run']}"
        write_files(console, folder, state, run, directory)
        out.print(result_view(summary))
        say(f"Report: {directory / 'report.html'}\n")
    return summaries


def _injections_table() -> Table:
    table = new_table("case", "what is broken", "how the day ends")
    for injection in INJECTIONS:
        table.add_row(*map(Text, (injection.name, injection.injected, injection.expected)))
    return table


@contextmanager
def _demo_cloud(
    folder: DataFolder, clients_dir: Path, injection: Injection | None
) -> Iterator[list[RunRequest]]:
    """A fresh local cloud that goes down whatever happens, short of a kill by force.

    Yields what each client's folder asks for.
    """
    lock = folder.root.parent / f"{folder.root.name}.lock"
    with exclusive(lock, seconds=0), _on_signals(_interrupt, signal.SIGTERM, signal.SIGHUP):
        try:
            _wipe(folder)
            requests = _prepare(folder, clients_dir, injection)
            with out.status("starting the local cloud"):
                start_cloud(folder, clients_dir, None, scheduled=injection is not None)
            yield requests
        finally:
            # A second Ctrl-C must not leave half of it running.
            with _on_signals(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                bring_down(folder)


def _prepare(
    folder: DataFolder, clients_dir: Path, injection: Injection | None
) -> list[RunRequest]:
    """Set the clock and what is to be broken; return what each client's folder asks for."""
    with exclusive(folder.lock_file):
        set_market_time(folder.clock_file, parse_instant(MARKET_TIME))
        requests = [
            read_request(folder, path, None) for path in bidding_folders(clients_dir).values()
        ]
        if injection is not None:
            targets = [target_of(r.inputs, r.configuration, r.day) for r in requests]
            content = json.dumps(injection.faults(targets), indent=2)
            write_atomically(folder.faults_file, content.encode())
    return requests


@contextmanager
def _on_signals(handler: Handler, *numbers: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _wipe(folder: DataFolder) -> None:
    """Remove what an earlier demo left; a folder that is no local cloud's is left alone."""
    if not folder.root.exists():
        return
    if any(folder.root.iterdir()) and not folder.lock_file.exists():
        expected = "a folder that is empty, absent or a local cloud's"
        raise InvalidInput.of("command line", "--data-dir", str(folder.root), expected)
    bring_down(folder)
    shutil.rmtree(folder.root)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
