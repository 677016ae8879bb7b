"""`override`: a person changes a bid, which is checked and approved anew."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from hydrobid.bootstrap.requests import request_of
from hydrobid.cli.approvals import show_decided
from hydrobid.cli.clients import read_bytes
from hydrobid.cli.desk import WAIT, Bid, By, Client, Desk, Reason, Wait
from hydrobid.cli.options import DEFAULT, DataDir, Json
from hydrobid.domain.bid_edits import (
    BidEdit,
    ComputedEdit,
    CurveEdit,
    VolumeEdit,
)
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.market import Market
from hydrobid.domain.time import MtuGrid, parse_instant
from hydrobid.pipeline.open_bids import OpenBid, bid_named
from hydrobid.pipeline.override_bid import Change, override_bid

COLUMNS = ("price_area", "mtu_start", "price", "volume")


def override(
    client: Client,
    bid: Bid,
    reason: Reason,
    volume: Annotated[
        str | None,
        typer.Option(help="MW at every price, generation positive.", show_default=False),
    ] = None,
    at_most: Annotated[
        str | None, typer.Option(help="MW that are sold at most.", show_default=False)
    ] = None,
    at_least: Annotated[
        str | None, typer.Option(help="MW that are sold at least.", show_default=False)
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", help="First MTU, 08:00 or with date and offset.", show_default=False
        ),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="End of the last MTU.", show_default=False)
    ] = None,
    curves: Annotated[
        Path | None,
        typer.Option(help="CSV of curves, as bid_matrix.csv of run --out.", show_default=False),
    ] = None,
    computed: Annotated[
        bool, typer.Option("--computed", help="All as it was computed, before it was changed.")
    ] = False,
    by: By = None,
    wait: Wait = WAIT,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Change a bid: its volume in a stretch of the day, or whole curves.

    The changed bid is checked, and approved anew as the client's policy has it, by somebody else
    than who changed it. What is solved later does not take its place; a newer bid needs a person's
    approval then. What stands stays until the change is approved.

    Example: hydrobid override sintef-example 3f2a91c0b7de --at-most 120 --from 08:00 --to 12:00
    --reason "unit 2 is out"
    """
    desk = Desk.of(data_dir, client, by, reason)
    named = bid_named(desk.documents, desk.clock, bid)
    amounts = {"volume": volume, "at_most": at_most, "at_least": at_least}
    edit = _edit(named, amounts, (start, end), curves, computed=computed)
    change = Change(named.plan.run, named.record.price_area, named.record.matrix, edit, desk.act)
    record = override_bid(desk.documents, desk.clock, desk.messages, change)
    show_decided(desk, record, named.configuration.approval.people, wait, as_json=as_json)


def _edit(
    bid: OpenBid,
    amounts: dict[str, str | None],
    span: tuple[str | None, str | None],
    curves: Path | None,
    *,
    computed: bool,
) -> BidEdit:
    """Return the one change that the options ask for; raise InvalidInput."""
    given = {kind: text for kind, text in amounts.items() if text is not None}
    if len(given) + (curves is not None) + computed != 1 or (not given and any(span)):
        told = ", ".join(f"--{kind.replace('_', '-')}" for kind in given) or "nothing"
        expected = (
            "one of --volume, --at-most, --at-least with --from and --to; or --curves, or --computed, "
            "alone"
        )
        raise InvalidInput.of("command line", "change", told, expected)
    if computed:
        return ComputedEdit()
    if curves is not None:
        text = read_bytes(curves).decode("utf-8-sig", errors="replace")
        return _curves(bid.record.price_area, curves.name, text)
    start, end = span
    ((kind, amount),) = given.items()
    market = bid.configuration.market
    grid = market.grid(bid.plan.run.day)
    return request_of(
        VolumeEdit,
        {
            "kind": kind,
            "volume": _number("command line", f"--{kind.replace('_', '-')}", amount),
            "start": _instant("--from", start, market, grid),
            "end": _instant("--to", end, market, grid),
        },
    )


def _instant(option: str, text: str | None, market: Market, grid: MtuGrid) -> datetime | None:
    """Return the instant of a local time of day, or of one with its date and offset."""
    if text is None:
        return None
    try:
        clock = time.fromisoformat(text)
    except ValueError:
        return parse_instant(text)
    if option == "--to" and clock == time(0):
        return grid.end
    found = [
        start
        for start, local in zip(grid.starts(), grid.local_times(market.zone), strict=True)
        if local == clock
    ]
    if len(found) != 1:
        expected = (
            f"the start of one of the day's MTUs, as 08:00; there are {len(found)} of it: an instant "
            "with its offset, as 2026-10-25T02:00+02:00, is always one"
        )
        raise InvalidInput.of("command line", option, text, expected)
    return found[0]


def _curves(area: str, file: str, text: str) -> CurveEdit:
    """Return the curves of a price area that a CSV file holds; rows of other areas are left out."""
    points: dict[str, list[dict[str, Any]]] = {}
    for row, (where, start, price, volume) in _rows(file, text):
        if where == area:
            place = f"{file}: row {row}"
            point = {
                "price": _number(place, "price", price),
                "volume": _number(place, "volume", volume),
            }
            points.setdefault(start, []).append(point)
    if not points:
        raise InvalidInput.of(file, "price_area", "no row", f"curves of {area}")
    curves = [{"start": start, "points": of} for start, of in points.items()]
    return request_of(CurveEdit, {"curves": curves})


def _rows(file: str, text: str) -> Iterator[tuple[int, tuple[str, str, str, str]]]:
    rows = csv.reader(io.StringIO(text))
    heading = tuple(next(rows, ()))
    if heading != COLUMNS:
        raise InvalidInput.of(file, "row 1", ",".join(heading), ",".join(COLUMNS))
    for number, row in enumerate(rows, start=2):
        if len(row) != len(COLUMNS):
            raise InvalidInput.of(file, f"row {number}", ",".join(row), f"{len(COLUMNS)} cells")
        yield number, (row[0], row[1], row[2], row[3])


def _number(document: str, field: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise InvalidInput.of(document, field, text, "a number with a decimal point, as 41.5")
    return number
