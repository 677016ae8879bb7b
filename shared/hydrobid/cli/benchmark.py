"""`benchmark`: which bid method would have earned most on the days that are over."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from hydrobid.cli.backtesting.shares import percent, percents
from hydrobid.cli.options import DEFAULT, DataDir, Json, data_folder
from hydrobid.cli.output import out, print_json, say
from hydrobid.cli.owner import clients_asked
from hydrobid.cli.render import new_table
from hydrobid.client.connection import connect
from hydrobid.client.errors import RunFailed
from hydrobid.domain.identifiers import AssetId, ClientId
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.publish_inputs import current_inputs
from hydrobid.pipeline.read_benchmarks import MethodStanding, benchmarks_of, method_standings
from hydrobid.schema import configuration_of

HORIZON_LEFT_OUT = (
    "Each day stands by itself: without the client's horizon, what is left counts by water values."
)

if TYPE_CHECKING:
    from hydrobid.bootstrap.console import Console

ACTIVE, SUCCEEDED = "ACTIVE", "SUCCEEDED"
LOOKS_A_SECOND = 4


def benchmark(
    client: Annotated[str, typer.Argument(metavar="CLIENT", help="The client's id.")],
    days: Annotated[
        int, typer.Option("--days", min=1, max=400, help="How many delivery days back.")
    ] = 30,
    try_now: Annotated[
        bool,
        typer.Option("--run", help="Try what is due first; else it is tried every night."),
    ] = False,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Show which bid method earns most on a client's own watercourses.

    Every method's bid for a day is made from what the day's own run was made from, read at the
    prices that came, and delivered as well as the day's water allows.

    Example: hydrobid benchmark sintef-example --run
    """
    console, state = connect(data_folder(data_dir))
    (owner,) = clients_asked(state, client, "CLIENT")
    if try_now:
        _tried(console, owner)
    documents = console.documents(owner)
    configuration = configuration_of(get_blob(documents, current_inputs(documents).configuration))
    last = configuration.market.next_open_day(console.clock.now()) - timedelta(days=1)
    found = benchmarks_of(
        documents, configuration, [last - timedelta(days=back) for back in range(days)][::-1]
    )
    standings = method_standings(found)
    if as_json:
        print_json(
            {
                "client": owner,
                "left_out": ["horizon"] if configuration.horizon is not None else [],
                "days": [day.to_document() for day in found],
                "methods": {str(asset): _described(ranked) for asset, ranked in standings.items()},
            }
        )
    else:
        _print(owner, configuration.market.currency, standings)
        if standings and configuration.horizon is not None:
            say(HORIZON_LEFT_OUT)


def _tried(console: Console, client: ClientId) -> None:
    """Return when what is due has been tried; raise RunFailed where it cannot be."""
    name = console.start_benchmark(client)
    execution = console.execution(name)
    while execution.state == ACTIVE:
        time.sleep(1 / LOOKS_A_SECOND)
        execution = console.execution(name)
    if execution.state != SUCCEEDED:
        raise RunFailed(
            f"the benchmark of {client} failed: {execution.error}",
            execution=name,
            error=execution.error,
        )


def _described(ranked: Sequence[MethodStanding]) -> list[dict[str, Any]]:
    return [asdict(standing) for standing in ranked]


def _print(
    client: ClientId, currency: str, standings: Mapping[AssetId, Sequence[MethodStanding]]
) -> None:
    if not standings:
        say(
            f"{client} has no day on which methods were compared yet: it takes a bid day whose result "
            "is final, and --run or the next night."
        )
    for asset, ranked in standings.items():
        best = ranked[0].whole
        title = Text.assemble(
            (str(asset), "bold"), f" of {client}: {best.days} {'day' if best.days == 1 else 'days'}"
        )
        table = new_table(
            "method", f">{currency} a day", ">behind the best", ">regret %", "95 %", ">starts", ""
        )
        for standing in ranked:
            whole = standing.whole
            share = whole.share
            remarks = ["bid by it"] if standing.own else []
            remarks += [f"no bid on {standing.failures} days"] if standing.failures else []
            table.add_row(
                *map(
                    Text,
                    (
                        standing.method,
                        f"{whole.gain / whole.days:,.0f}",
                        f"{(whole.regret - best.regret) / whole.days:,.0f}",
                        percent(share.estimate),
                        percents(share, whole.days),
                        str(whole.starts),
                        ", ".join(remarks),
                    ),
                )
            )
        out.print(title, table)
