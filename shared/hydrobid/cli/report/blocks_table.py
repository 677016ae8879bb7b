"""Block orders: a row a block on the page, and `blocks.csv` with every market time unit of each."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from hydrobid.bidding.block_outcomes import block_outcomes
from hydrobid.cli.report.facts import RunFacts
from hydrobid.cli.report.words import percent
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.time import utc_text

COLUMNS = (
    "price_area", "block", "mtu_start", "price", "volume", "acceptance_min", "linked_to", "group",
)  # fmt: skip


@dataclass(frozen=True)
class BlockRow:
    """One block. price: currency per MWh. volume: its highest MW. came_to: what the auction took."""

    area: PriceArea
    name: str
    begin: str
    end: str
    price: float
    volume: float
    bound: str
    came_to: str


def block_rows(facts: RunFacts) -> list[BlockRow]:
    """Return a row for each block of the total bids that passed their checks."""
    return [row for area, bid in facts.valid_bids().items() for row in _rows(facts, area, bid)]


def blocks_table(bids: Mapping[PriceArea, BidMatrix]) -> str:
    """Return every MTU of every block as CSV: units and sign are those of `bid_matrix.csv`.

    acceptance_min: the least share that may be accepted. linked_to: the block without which it is
    not; group: of whose blocks one is accepted at most; empty where there is none.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for area, bid in sorted(bids.items()):
        starts = bid.grid.starts()
        for block in bid.blocks:
            price = f"{bid.tick * block.price:f}"
            bound = (f"{block.acceptance_min:f}", block.linked_to or "", block.group or "")
            for mtu, lots in zip(block.mtus, block.lots, strict=True):
                volume = f"{bid.lot * lots:f}"
                table.writerow((area, block.name, utc_text(starts[mtu]), price, volume, *bound))
    return text.getvalue()


def _rows(facts: RunFacts, area: PriceArea, bid: BidMatrix) -> list[BlockRow]:
    result = facts.results.get(area)
    cleared = result is not None and result.matrix == bid.digest()
    shares = (
        {o.block.name: o for o in block_outcomes(bid.block_bid, result.published)}
        if result is not None and cleared
        else {}
    )
    starts, zone = [*bid.grid.starts(), bid.grid.end], facts.market.zone
    return [
        BlockRow(
            area=area,
            name=str(block.name),
            begin=f"{starts[block.first].astimezone(zone):%H:%M}",
            end=f"{starts[block.mtus.stop].astimezone(zone):%H:%M}",
            price=bid.price(block.price),
            volume=bid.volume(max(block.lots, key=abs)),
            bound=_bound(block.linked_to, block.group),
            came_to=percent(shares[block.name].share) if block.name in shares else "\u2013",
        )
        for block in bid.blocks
    ]


def _bound(linked_to: str | None, group: str | None) -> str:
    if linked_to is not None:
        return f"only with {linked_to}"
    return "by itself" if group is None else f"one of {group}"
