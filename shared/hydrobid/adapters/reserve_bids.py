"""A bid matrix as the bids of a reserve bid document, and the bids of documents one after the other."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from hydrobid.adapters.reserve_documents import ReserveBid
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import ExchangeRefused
from hydrobid.domain.reserves import ReserveProduct
from hydrobid.domain.time import MtuGrid

IDS: Final = uuid.UUID("6a0f2f5c-5f0b-4d8e-9f57-0f6a3c1d7e21")
"""The namespace of the ids of bids and documents, which follow from what they are of."""


def by_id(bids: Iterable[ReserveBid]) -> dict[str, ReserveBid]:
    """Return bids by their ids, of one that comes again the last."""
    return {bid.id: bid for bid in bids}


def steps_of(product: ReserveProduct, subject: str, matrix: BidMatrix) -> list[ReserveBid]:
    """Return the bids for each step of each curve; raise ExchangeRefused where one buys."""
    bids = []
    for start, curve in zip(matrix.grid.starts(), matrix.curves, strict=True):
        if curve.lots[0] < 0:
            raise ExchangeRefused(
                f"{matrix.volume(curve.lots[0])} MW at {start.isoformat()}: reserves are sold only"
            )
        before = (0, *curve.lots)
        steps = [
            (tick, lots - below)
            for tick, lots, below in zip(curve.ticks, curve.lots, before, strict=False)
            if lots > below
        ]
        pieces = [
            (matrix.tick * tick, quantity)
            for tick, lots in steps
            for quantity in _pieces(matrix.lot * lots, product.bid_max)
        ]
        for number, (price, quantity) in enumerate(pieces):
            name = f"{subject}/{start.isoformat()}/{number}"
            bid_id, end = str(uuid.uuid5(IDS, name)), start + matrix.grid.step
            bids.append(ReserveBid(bid_id, start, end, quantity, price))
    return bids


def _pieces(quantity: Decimal, most: Decimal) -> list[Decimal]:
    """Return quantities that add up to one, each as large as a bid may be, but the last."""
    whole, rest = divmod(quantity, most)
    return [most] * int(whole) + ([rest] if rest else [])


def taken_back(bids: Iterable[ReserveBid]) -> list[ReserveBid]:
    """Return the same bids with no quantity, which takes them back."""
    return [replace(bid, quantity=Decimal(0)) for bid in bids]


def span_of(bids: Sequence[ReserveBid]) -> MtuGrid:
    """Return the span of bids, in units of the first one's length."""
    first, last = min(bid.start for bid in bids), max(bid.end for bid in bids)
    step = bids[0].end - bids[0].start
    return MtuGrid(first, int(step.total_seconds() // 60), (last - first) // step)
