"""`run`: one client's bid for one delivery day, from its folder to the exchange."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.live import Live

from hydrobid.cli.clients import (
    check_day,
    client_folder,
    clients_dir_of,
    inputs_in,
    read_bytes,
    scenario_set_named,
)
from hydrobid.cli.exits import ExitCode, exit_code_of_run
from hydrobid.cli.options import DEFAULT, ClientsDir, DataDir, Json, data_folder, parse_day
from hydrobid.cli.output import err, out, print_json, say
from hydrobid.cli.owner import clients_asked
from hydrobid.cli.render import progress_lines, progress_view, result_view
from hydrobid.client.connection import connect, exchange_settings
from hydrobid.client.following import FollowedRun, follow, start_run
from hydrobid.client.platform import Client
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import InvalidInput
from hydrobid.local_cloud.clock import market_now
from hydrobid.local_cloud.errors import LocalCloudDown
from hydrobid.local_cloud.layout import DataFolder
from hydrobid.local_cloud.state import CloudState, require_state
from hydrobid.pipeline.summarise_run import run_summary
from hydrobid.schema import ClientInputs, configuration_of, with_prices

if TYPE_CHECKING:
    from hydrobid.bootstrap.console import Console

REPAINTS_A_SECOND = 4
NOTHING_NEW = {
    "unchanged": "has these inputs already; what is solved is not solved again",
    "older": "was planned from inputs that were published later than these",
}


@dataclass(frozen=True)
class RunRequest:
    """A client's checked inputs and the day that they are to be bid for."""

    inputs: ClientInputs
    configuration: ClientConfiguration
    day: date


def run(
    client: Annotated[str, typer.Argument(help="The client's id: its folder's name.")],
    date_: Annotated[
        str | None,
        typer.Option(
            "--date",
            help="Delivery day; the next one whose gate is open if not given.",
            show_default=False,
        ),
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option(help="CSV or Parquet file of scenarios, used in place of the client's own."),
    ] = None,
    scenario_set: Annotated[
        str | None, typer.Option(help="Which scenario set --prices replaces, if there are several.")
    ] = None,
    current: Annotated[
        bool,
        typer.Option(
            "--current", help="Bid from what is current; the client's folder is not read."
        ),
    ] = False,
    out_dir: Annotated[
        Path | None,
        typer.Option("--out", file_okay=False, help="Folder for the run's files and report."),
    ] = None,
    data_dir: DataDir = DEFAULT,
    clients_dir: ClientsDir = None,
    as_json: Json = False,
) -> None:
    """Bid a client's next delivery day, and follow the run to its end.

    The same inputs for the same day again change nothing and solve nothing; other prices make the
    next revision, which amends the standing order. Series that arrived by themselves (hydrobid data)
    go before what the folder states.

    Example: hydrobid run sintef-example --date 2026-03-29 --json
    """
    folder = data_folder(data_dir)
    state = require_state(folder)
    if current and prices is not None:
        expected = "nothing beside --current: hydrobid data push makes prices current"
        raise InvalidInput.of("command line", "--prices", prices.name, expected)
    request = (
        None
        if current
        else read_request(
            folder,
            client_folder(clients_dir_of(clients_dir, state), client),
            parse_day(date_),
            prices,
            scenario_set,
        )
    )
    console, state = connect(folder)
    if request is None:
        (owner,) = clients_asked(state, client, "CLIENT")
        configuration = Client(console, owner).configuration
        day = parse_day(date_) or configuration.market.next_open_day(console.clock.now())
        started = start_run(console, configuration, day)
    else:
        require_client(state, request)
        started = start_run(console, request.configuration, request.day, request.inputs)
    try:
        watch(console, [started], silent=as_json)
    except KeyboardInterrupt:
        err.print("Left; the run goes on in the local cloud.")
        raise
    summary = summary_of(started)
    if out_dir is not None:
        write_files(console, folder, state, started, out_dir)
    if as_json:
        print_json(summary)
    else:
        out.print(result_view(summary))
        if started.inputs in NOTHING_NEW:
            say(f"Unchanged: {summary['run']} {NOTHING_NEW[started.inputs]}.")
        if out_dir is not None:
            say(f"Files of the run are in {out_dir}.")
    code = exit_code_of_run(started.finished_view().state)
    if code is not ExitCode.OK:
        raise typer.Exit(code)


def read_request(
    folder: DataFolder,
    client: Path,
    day: date | None,
    prices: Path | None = None,
    scenario_set: str | None = None,
) -> RunRequest:
    """Return what a client's folder asks for; raise InvalidInput with every problem found.

    client: the client's folder. day: None for the next one whose gate is open in market time.
    """
    now = market_now(folder.clock_file)
    inputs = inputs_in(client, day, now)
    if prices is not None:
        name = scenario_set_named(inputs, scenario_set)
        inputs = with_prices(inputs, name, prices.name, read_bytes(prices))
    configuration = configuration_of(inputs.configuration)
    day = day or configuration.market.next_open_day(now)
    check_day(inputs, configuration, day)
    return RunRequest(inputs, configuration, day)


def require_client(state: CloudState, request: RunRequest) -> None:
    """Return when the local cloud serves the client; raise LocalCloudDown otherwise."""
    client = request.configuration.client
    if client not in state.clients:
        raise LocalCloudDown(
            f"the local cloud has no functions for {client}; start them: hydrobid up",
            client=client,
            clients=list(state.clients),
        )


def watch(console: Console, runs: Sequence[FollowedRun], *, silent: bool) -> None:
    """Follow runs to their end, showing how they go on unless `silent`."""
    if silent:
        follow(console, runs, lambda _: None)
    elif out.is_terminal:
        with Live(console=out, refresh_per_second=REPAINTS_A_SECOND, transient=True) as live:
            follow(console, runs, lambda seen: live.update(progress_view(seen)))
    else:
        follow(console, runs, _line_printer())


def summary_of(run: FollowedRun) -> dict[str, Any]:
    """Return the summary of a run that has ended; raise what it ended with if it failed."""
    view = run.finished_view()
    return {
        **run_summary(run.documents, view),
        "new": run.inputs == "new",
        "inputs_were": run.inputs,
    }


def write_files(
    console: Console, folder: DataFolder, state: CloudState, run: FollowedRun, directory: Path
) -> None:
    """Write a run's files, the orders as the exchange holds them among these."""
    # What draws the report takes a second to import: only a run that is written waits for it.
    from hydrobid.cli.report import write_run  # noqa: PLC0415 - see above

    plan = run.finished_view().plan
    settings = exchange_settings(folder, state, plan.client)
    orders = console.exchange_orders(plan.client, settings, plan)
    write_run(directory, plan.client, run.documents, plan.run, orders)


def _line_printer() -> Callable[[Sequence[FollowedRun]], None]:
    """Return what prints each fact once, as it becomes true."""
    said: set[str] = set()

    def show(runs: Sequence[FollowedRun]) -> None:
        for run in runs:
            for line in progress_lines(run):
                if line not in said:
                    said.add(line)
                    say(line)

    return show
