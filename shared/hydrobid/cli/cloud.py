"""`up`, `down`, `status` and `clock`: the local cloud's life."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hydrobid.cli.clients import bidding_folders, clients_dir_of, portfolio_of
from hydrobid.cli.deploying import deploy_clients
from hydrobid.cli.exits import ExitCode
from hydrobid.cli.options import DEFAULT, ClientsDir, DataDir, Json, data_folder
from hydrobid.cli.output import out, print_json, say
from hydrobid.cli.render import new_table
from hydrobid.domain.time import parse_instant, utc_text
from hydrobid.local_cloud import clock
from hydrobid.local_cloud.layout import DataFolder
from hydrobid.local_cloud.lifecycle import (
    CloudRequest,
    UpReport,
    bring_down,
    bring_up,
    look,
)
from hydrobid.local_cloud.settings import LocalCloudSettings
from hydrobid.local_cloud.state import CloudState, load_state, require_state

clock_app = typer.Typer(invoke_without_command=True)

Now = Annotated[
    str | None,
    typer.Option(help="Market time at the start, as 2026-10-24T10:30+02:00.", show_default=False),
]
Duration = Annotated[str, typer.Argument(help="How far: 15m, 2h30m, 1d.")]


def start_cloud(
    folder: DataFolder, clients_dir: Path, now: str | None, *, scheduled: bool = False
) -> UpReport:
    """Bring a local cloud up for every client in a folder.

    scheduled: whether the daily runs and guards of its clients fire by themselves.
    """
    request = CloudRequest(
        folder=folder,
        clients_dir=clients_dir,
        portfolios={
            client: portfolio_of(path) for client, path in bidding_folders(clients_dir).items()
        },
        now=None if now is None else parse_instant(now),
    )
    settings = LocalCloudSettings.from_environment()
    return bring_up(
        request, settings, lambda state: deploy_clients(folder, scheduled=scheduled, state=state)
    )


def up(
    now: Now = None,
    data_dir: DataDir = DEFAULT,
    clients_dir: ClientsDir = None,
    schedule: Annotated[
        bool,
        typer.Option(
            "--schedule/--no-schedule",
            envvar="HYDROBID_SCHEDULE",
            help="Whether daily runs and guards fire by themselves, on the market's clock.",
        ),
    ] = True,
) -> None:
    """Start the local cloud, or what of it does not run.

    Its state stays in the data folder when it goes down, market time included. A service that
    FIRESTORE_EMULATOR_HOST or PUBSUB_EMULATOR_HOST names is used, not started. Ports are free ones,
    kept over restarts, unless set as HYDROBID_FIRESTORE_PORT or HYDROBID_EXCHANGE_PORT are.

    Example: hydrobid up --now 2026-10-24T10:30+02:00
    """
    folder = data_folder(data_dir)
    with out.status("starting the local cloud"):
        report = start_cloud(
            folder, clients_dir_of(clients_dir, load_state(folder)), now, scheduled=schedule
        )
    running = len(report.state.processes)
    if not report.started:
        say(f"The local cloud is up already: {running} processes.", "green")
    elif len(report.started) < running:
        say(f"Started {', '.join(report.started)}; the rest was up.", "green")
    else:
        say(f"The local cloud is up: {running} processes.", "green")
    _print_status(folder, report.state)


def down(data_dir: DataDir = DEFAULT) -> None:
    """Stop the local cloud; its state stays on disk.

    Example: hydrobid down
    """
    stopped = bring_down(data_folder(data_dir))
    say(f"Stopped {len(stopped)} processes." if stopped else "Nothing was running.")


def status(data_dir: DataDir = DEFAULT, as_json: Json = False) -> None:
    """Show each process, where it listens and whether it is alive, and market time.

    Ends with exit code 3 when something is dead or nothing was started.

    Example: hydrobid status --json
    """
    folder = data_folder(data_dir)
    state = require_state(folder)
    processes = look(folder, state)
    healthy = bool(processes) and all(process.alive for process in processes)
    if as_json:
        print_json(
            {
                "up": healthy,
                "market_time": _market_time(folder),
                "project": state.project,
                "clients_dir": str(state.clients_dir),
                "clients": list(state.clients),
                "outside": state.outside,
                "processes": [
                    {
                        "name": process.name,
                        "pid": process.pid,
                        "port": process.port,
                        "url": state.url(process.name),
                        "alive": process.alive,
                        "log": str(process.log),
                    }
                    for process in processes
                ],
            }
        )
    else:
        _print_status(folder, state)
    if not healthy:
        raise typer.Exit(ExitCode.NOT_UP)


@clock_app.callback()
def show_clock(context: typer.Context, data_dir: DataDir = DEFAULT, as_json: Json = False) -> None:
    """Show market time of the local cloud, or move it forward.

    Example: hydrobid clock
    """
    if context.invoked_subcommand is None:
        folder = data_folder(data_dir)
        require_state(folder)
        _print_time(folder, as_json=as_json)


@clock_app.command("advance")
def advance_clock(duration: Duration, data_dir: DataDir = DEFAULT, as_json: Json = False) -> None:
    """Move market time forward, for everything in the local cloud at once.

    Example: hydrobid clock advance 2h30m
    """
    folder = data_folder(data_dir)
    require_state(folder)
    clock.advance(folder.clock_file, clock.parse_duration(duration))
    _print_time(folder, as_json=as_json)


def _print_time(folder: DataFolder, *, as_json: bool) -> None:
    if as_json:
        print_json({"market_time": _market_time(folder)})
    else:
        say(f"Market time is {_market_time(folder)}.")


def _market_time(folder: DataFolder) -> str:
    return utc_text(clock.market_now(folder.clock_file).replace(microsecond=0))


def _print_status(folder: DataFolder, state: CloudState) -> None:
    table = new_table("process", ">pid", "address", "")
    for process in look(folder, state):
        alive = Text("alive", "green") if process.alive else Text("dead", "bold red")
        table.add_row(process.name, str(process.pid), state.host(process.name), alive)
    for service, host in state.outside.items():
        table.add_row(service, "", host, "not ours")
    if state.processes:
        out.print(table)
    else:
        say("The local cloud is down; start it: hydrobid up")
    say(f"Market time is {_market_time(folder)}. State and logs are in {folder.root}.")
