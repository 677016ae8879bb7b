"""`results`: what a delivery day's auction came to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.text import Text

from hydrobid.bidding.block_outcomes import BlockOutcome
from hydrobid.cli.connection import connect, exchange_settings
from hydrobid.cli.exits import ExitCode
from hydrobid.cli.local_cloud.layout import DataFolder
from hydrobid.cli.local_cloud.state import CloudState
from hydrobid.cli.options import DEFAULT, DataDir, Json, data_folder, parse_day
from hydrobid.cli.output import out, print_json, say
from hydrobid.cli.owner import clients_asked
from hydrobid.cli.render import new_table
from hydrobid.domain.canonical import MONEY_DECIMALS, POWER_DECIMALS, rounded
from hydrobid.domain.errors import InvalidInput, NotFound
from hydrobid.domain.identifiers import ClientId, PriceArea
from hydrobid.domain.messages import ResultsDue
from hydrobid.domain.plan import Plan
from hydrobid.domain.results import AuctionResult
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Clock, Documents, Messages
from hydrobid.pipeline.publish_inputs import current_inputs
from hydrobid.pipeline.read_results import block_outcomes_of, results_of
from hydrobid.pipeline.read_run import newest_run, run_alerts
from hydrobid.pipeline.run_inputs import plan_of
from hydrobid.schema import configuration_of

if TYPE_CHECKING:
    from hydrobid.bootstrap.console import Console

LOOKS_A_SECOND = 4
WAIT = 10.0
RESULT_CODES = ("RESULTS_OVERDUE", "RESULT_MISMATCH")


def results(
    client: Annotated[str, typer.Argument(metavar="CLIENT", help="The client's id.")],
    day: Annotated[
        str | None,
        typer.Option(
            "--date",
            help="Delivery day; the last one whose gate has closed if not given.",
            show_default=False,
        ),
    ] = None,
    area: Annotated[
        str | None,
        typer.Option("--area", help="Show every market time unit of this price area."),
    ] = None,
    out_dir: Annotated[
        Path | None,
        typer.Option(
            "--out",
            file_okay=False,
            help="Folder for the run's files and report, results among them.",
        ),
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait for what is not known yet.")
    ] = WAIT,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Show what an auction came to: prices, what was sold, and whether it agrees with the bid.

    Results are fetched by themselves once they are published; what is not known yet is asked for.
    Ends with exit code 6 when not every price area has its final result.

    Example: hydrobid results sintef-example --date 2026-03-29
    """
    folder = data_folder(data_dir)
    console, state = connect(folder)
    (owner,) = clients_asked(state, client, "CLIENT")
    documents = console.documents(owner)
    plan = _plan(documents, console.clock, parse_day(day))
    if area is not None and area not in plan.price_areas:
        expected = f"one of {', '.join(plan.price_areas)}"
        raise InvalidInput.of("command line", "--area", area, expected)
    found = _awaited(documents, console.messages(owner), plan, wait)
    if out_dir is not None:
        _write_files(console, folder, state, owner, plan, out_dir)
    alerts = [alert for alert in run_alerts(documents, plan.run) if alert.code in RESULT_CODES]
    if as_json:
        told = {
            str(name): {
                **result.to_document(),
                "blocks": [_described(one) for one in block_outcomes_of(documents, result)],
            }
            for name, result in found.items()
        }
        print_json(
            {
                "client": owner,
                "run": str(plan.run),
                "day": plan.run.day.isoformat(),
                "results": told,
                "missing": [name for name in plan.price_areas if name not in found],
                "alerts": [alert.to_document() for alert in alerts],
            }
        )
    else:
        _print(plan, found)
        if area is not None and area in found:
            _print_units(found[PriceArea(area)])
            _print_blocks(block_outcomes_of(documents, found[PriceArea(area)]))
        for alert in alerts:
            if alert.resolved is None:
                say(f"{alert.severity} {alert.code}: {alert.message}", "bold red")
        if out_dir is not None:
            say(f"Files of the run are in {out_dir}.")
    if not _final(plan, found):
        raise typer.Exit(ExitCode.NOT_PUBLISHED)


def _plan(documents: Documents, clock: Clock, day: date | None) -> Plan:
    """Return the newest plan of a day, the last one whose gate has closed if None."""
    configuration = configuration_of(get_blob(documents, current_inputs(documents).configuration))
    market = configuration.market
    day = day or market.next_open_day(clock.now()) - timedelta(days=1)
    run = newest_run(documents, market.id, day)
    if run is None:
        raise NotFound(f"{day} was not bid: it has no run", day=day.isoformat())
    return plan_of(documents, run)


def _awaited(
    documents: Documents, messages: Messages, plan: Plan, seconds: float
) -> dict[PriceArea, AuctionResult]:
    """Return the results once all are final, or what there is of them when time is up."""
    until = time.monotonic() + seconds
    found = results_of(documents, plan)
    if not _final(plan, found):
        messages.publish(ResultsDue(client=ClientId(plan.client)))
    while not _final(plan, found) and time.monotonic() < until:
        time.sleep(1 / LOOKS_A_SECOND)
        found = results_of(documents, plan)
    return found


def _final(plan: Plan, found: dict[PriceArea, AuctionResult]) -> bool:
    return all(
        area in found and found[area].published.status == "final" for area in plan.price_areas
    )


def _write_files(
    console: Console,
    folder: DataFolder,
    state: CloudState,
    client: ClientId,
    plan: Plan,
    directory: Path,
) -> None:
    # What draws the report takes a second to import, as for `run`.
    from hydrobid.cli.report import write_run  # noqa: PLC0415 - see above

    orders = console.exchange_orders(client, exchange_settings(folder, state, client), plan)
    write_run(directory, client, console.documents(client), plan.run, orders)


def _print(plan: Plan, found: dict[PriceArea, AuctionResult]) -> None:
    out.print(Text.assemble((str(plan.run), "bold"), f" of {plan.client}: what was sold"))
    table = new_table("area", "result", "found at", ">mean price", ">MWh sold", ">worth", "bid")
    for area in plan.price_areas:
        result = found.get(area)
        if result is None:
            table.add_row(*map(Text, (area, "not published", "-", "-", "-", "-", "-")))
            continue
        published = result.published
        energy = float(published.sold.sum()) * published.grid.hours
        table.add_row(
            *map(
                Text,
                (
                    area,
                    published.status,
                    utc_text(result.published_at.replace(microsecond=0)),
                    f"{np.mean(published.prices):.2f}",
                    f"{energy:,.1f}",
                    f"{published.revenue:,.0f} {published.currency}",
                    "none of ours" if result.run is None else str(result.run),
                ),
            )
        )
    out.print(table)


def _described(outcome: BlockOutcome) -> dict[str, Any]:
    return {
        "name": str(outcome.block.name),
        "average_price": rounded(outcome.average, MONEY_DECIMALS),
        "margin": rounded(outcome.margin, MONEY_DECIMALS),
        "share": rounded(outcome.share, POWER_DECIMALS),
    }


def _print_blocks(outcomes: Sequence[BlockOutcome]) -> None:
    if not outcomes:
        return
    table = new_table("block", ">average price", ">above its price", ">accepted", "")
    for outcome in outcomes:
        remark = "in the money, and not taken whole" if outcome.missed else ""
        figures = (f"{outcome.average:.2f}", f"{outcome.margin:+.2f}", f"{outcome.share:.0%}")
        table.add_row(*map(Text, (str(outcome.block.name), *figures, remark)))
    out.print(table)


def _print_units(result: AuctionResult) -> None:
    published = result.published
    table = new_table("delivery", ">price", ">MW", ">MW by the bid")
    expected: tuple[Any, ...] = result.expected or (None,) * len(published.prices)
    rows = zip(published.grid.starts(), published.prices, published.volumes, expected, strict=True)
    for start, price, volume, by_bid in rows:
        shown = "-" if by_bid is None else f"{by_bid:.2f}"
        table.add_row(*map(Text, (utc_text(start), f"{price:.2f}", f"{volume:.1f}", shown)))
    out.print(table)
