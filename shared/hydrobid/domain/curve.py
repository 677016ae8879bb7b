"""Bids: curves, and blocks beside them, in whole ticks and lots so that equal bids are equal to the digit.

Volumes are generation-positive: selling is positive, and a curve rises with the price. Only the
exchange's adapter knows another sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.blocks import BlockBid, BlockOrder, in_order
from hydrobid.domain.canonical import digest
from hydrobid.domain.errors import CorruptDocument, InvalidInput
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.time import MtuGrid, parse_instant, utc_text


@dataclass(frozen=True)
class BidCurve:
    """The volume offered in one MTU over the price, linear between points, flat beyond them.

    ticks: P prices in price ticks, strictly rising. lots: P volumes in volume lots, never falling.
    """

    ticks: tuple[int, ...]
    lots: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.ticks) != len(self.lots) or len(self.ticks) < 2:
            raise InvalidInput.of(
                "bid curve", "points", (len(self.ticks), len(self.lots)), "two or more, in pairs"
            )
        if any(right <= left for left, right in zip(self.ticks, self.ticks[1:], strict=False)):
            raise InvalidInput.of("bid curve", "prices", self.ticks, "strictly rising prices")
        if any(right < left for left, right in zip(self.lots, self.lots[1:], strict=False)):
            raise InvalidInput.of("bid curve", "volumes", self.lots, "volumes that never fall")

    def lots_at(self, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the interpolated volumes, in lots and not rounded, at prices in ticks."""
        return np.interp(ticks, self.ticks, self.lots)


def summed(curves: Sequence[BidCurve]) -> BidCurve:
    """Return the sum of one or more curves, exact at every price at which any of them bends.

    Volumes between a curve's own points are interpolated, and the sum is rounded to whole lots:
    rounding keeps a rising curve rising.
    """
    if len(curves) == 1:
        return curves[0]
    ticks = np.unique(np.concatenate([np.asarray(curve.ticks) for curve in curves]))
    lots = np.rint(np.sum([curve.lots_at(ticks) for curve in curves], axis=0)).astype(np.int64)
    return BidCurve(tuple(ticks.tolist()), tuple(lots.tolist()))


@dataclass(frozen=True)
class BidMatrix:
    """All that is bid for a delivery day in one price area: a curve for each MTU, and blocks.

    tick: currency per MWh in a tick. lot: MW in a lot. blocks: parents before those linked to them.
    """

    price_area: PriceArea
    grid: MtuGrid
    tick: Decimal
    lot: Decimal
    curves: tuple[BidCurve, ...]
    blocks: tuple[BlockOrder, ...] = ()

    def __post_init__(self) -> None:
        if len(self.curves) != len(self.grid):
            raise InvalidInput.of(
                "bid matrix", "curves", len(self.curves), f"one for each of {len(self.grid)} MTUs"
            )
        _ = self.block_bid  # which checks them

    @cached_property
    def block_bid(self) -> BlockBid:
        """The blocks by themselves."""
        return BlockBid(self.price_area, self.grid, self.tick, self.lot, self.blocks)

    @property
    def without_blocks(self) -> BidMatrix:
        """The curves by themselves."""
        return replace(self, blocks=()) if self.blocks else self

    @property
    def span(self) -> tuple[float, float]:
        """The least and the most MW that may be sold in any MTU, blocks included; bought is negative."""
        most = [curve.lots[-1] for curve in self.curves] + self.block_bid.most
        least = [curve.lots[0] for curve in self.curves] + self.block_bid.least
        return self.volume(int(least.min())), self.volume(int(most.max()))

    def price(self, ticks: int) -> float:
        """Return a price in currency per MWh."""
        return float(self.tick * ticks)

    def volume(self, lots: int) -> float:
        """Return a volume in MW, generation-positive."""
        return float(self.lot * lots)

    def digest(self) -> str:
        """Return the digest of the content: 64 hexadecimal digits."""
        return digest(self.to_document())

    def to_document(self) -> dict[str, Any]:
        """Return the matrix as JSON-ready data, in ticks and lots."""
        blocks = [block.to_document() for block in self.blocks]
        return {
            "price_area": str(self.price_area),
            "start": utc_text(self.grid.start),
            "mtu_minutes": self.grid.minutes,
            "tick": str(self.tick),
            "lot": str(self.lot),
            "curves": [{"t": list(curve.ticks), "v": list(curve.lots)} for curve in self.curves],
            # No blocks are not written: bids keep the digests they had before there were any.
            **({"blocks": blocks} if blocks else {}),
        }

    @classmethod
    def from_document(cls, document: Any) -> BidMatrix:
        """Return the matrix that a document holds; raise CorruptDocument where it holds none."""
        try:
            curves = tuple(
                BidCurve(tuple(curve["t"]), tuple(curve["v"])) for curve in document["curves"]
            )
            return cls(
                PriceArea(document["price_area"]),
                MtuGrid(parse_instant(document["start"]), document["mtu_minutes"], len(curves)),
                Decimal(document["tick"]),
                Decimal(document["lot"]),
                curves,
                tuple(map(BlockOrder.from_document, document.get("blocks", ()))),
            )
        except (KeyError, TypeError, ArithmeticError) as error:
            raise CorruptDocument(f"not a bid matrix: {error}") from error


def total_matrix(matrices: Sequence[BidMatrix]) -> BidMatrix:
    """Return the sum of partial bid matrices of one price area, day and market: all their blocks."""
    first = matrices[0]
    for other in matrices[1:]:
        if (other.price_area, other.grid, other.tick, other.lot) != (
            first.price_area,
            first.grid,
            first.tick,
            first.lot,
        ):
            raise InvalidInput.of(
                "bid matrix",
                "frame",
                (other.price_area, str(other.tick), str(other.lot)),
                f"the frame of the others: {first.price_area}, {first.tick}, {first.lot}",
            )
    curves = tuple(
        summed([matrix.curves[index] for matrix in matrices]) for index in range(len(first.grid))
    )
    blocks = in_order(block for matrix in matrices for block in matrix.blocks)
    return BidMatrix(first.price_area, first.grid, first.tick, first.lot, curves, blocks)
