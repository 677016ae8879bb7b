"""`demo`: both example clients' bids, from nothing to accepted orders, on a cloud that is gone after."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from hydrobid.cli.clients import client_folders, clients_dir_of
from hydrobid.cli.cloud import start_cloud
from hydrobid.cli.connection import connect
from hydrobid.cli.exits import ExitCode, exit_code_of_run
from hydrobid.cli.follow import start_run
from hydrobid.cli.local_cloud.files import exclusive
from hydrobid.cli.local_cloud.layout import DataFolder
from hydrobid.cli.local_cloud.lifecycle import bring_down
from hydrobid.cli.local_cloud.settings import DEFAULT_DATA_DIR
from hydrobid.cli.options import ClientsDir, data_folder
from hydrobid.cli.output import out, say
from hydrobid.cli.render import result_view, submitted_table
from hydrobid.cli.run import read_request, summary_of, watch, write_files
from hydrobid.domain.errors import InvalidInput

Handler = signal.Handlers | Callable[[int, FrameType | None], None]

MARKET_TIME = "2026-11-24T10:30+01:00"


def demo(
    out_dir: Annotated[
        Path, typer.Option("--out", file_okay=False, help="Folder for the runs' files and reports.")
    ] = Path("out/demo"),
    data_dir: Annotated[
        Path, typer.Option(file_okay=False, help="Folder of the demo's local cloud; it is wiped.")
    ] = DEFAULT_DATA_DIR / "demo",
    clients_dir: ClientsDir = None,
) -> None:
    """Show everything at once: a fresh local cloud, a bid of each client, the orders, the end.

    Market time is 10:30 on 24 November 2026, so that the next delivery day is the 25th.

    Example: hydrobid demo
    """
    began = time.monotonic()
    folder = data_folder(data_dir)
    clients_dir = clients_dir_of(clients_dir, None)
    with _demo_cloud(folder, clients_dir):
        say(f"The local cloud is up after {time.monotonic() - began:.1f} s.")
        console, state = connect(folder)
        requests = [
            read_request(folder, path, None) for path in client_folders(clients_dir).values()
        ]
        runs = [start_run(console, r.inputs, r.configuration, r.day) for r in requests]
        watch(console, runs, silent=False)
        summaries = [summary_of(run) for run in runs]
        for run, summary in zip(runs, summaries, strict=True):
            directory = out_dir / f"{summary['client']}~{summary['run']}"
            write_files(console, folder, state, run, directory)
            out.print(result_view(summary))
            say(f"Report: {directory / 'report.html'}\n")
    out.print(submitted_table(summaries))
    say(f"Done in {time.monotonic() - began:.1f} s.")
    codes = [exit_code_of_run(run.finished_view().state) for run in runs]
    if any(codes):
        raise typer.Exit(max(codes, default=ExitCode.OK))


@contextmanager
def _demo_cloud(folder: DataFolder, clients_dir: Path) -> Iterator[None]:
    """A fresh local cloud that goes down whatever happens, short of a kill by force."""
    lock = folder.root.parent / f"{folder.root.name}.lock"
    with exclusive(lock, seconds=0), _on_signals(_interrupt, signal.SIGTERM, signal.SIGHUP):
        try:
            _wipe(folder)
            with out.status("starting the local cloud"):
                start_cloud(folder, clients_dir, MARKET_TIME)
            yield
        finally:
            # A second Ctrl-C must not leave half of it running.
            with _on_signals(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                bring_down(folder)


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
