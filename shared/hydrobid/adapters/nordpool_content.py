"""What orders hold, between our form and Nord Pool's: the one place where the sign is turned.

Here a volume that is sold is positive; at the exchange selling is negative and buying positive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from hydrobid.domain.blocks import BlockBid, BlockOrder, in_order
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.errors import CorruptDocument, InvalidInput
from hydrobid.domain.identifiers import Identifier, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.time import MtuGrid

Contracts = Mapping[datetime, str]
"""The contract of each MTU by the start of its delivery."""


def curves_of(matrix: BidMatrix, contracts: Contracts) -> list[dict[str, Any]]:
    """Return a bid as the exchange takes it; KeyError where an MTU has no contract."""
    return [
        {
            "contractId": contracts[start],
            "curvePoints": [
                {"price": matrix.price(tick), "volume": matrix.volume(-lot)}
                for tick, lot in zip(curve.ticks, curve.lots, strict=True)
            ],
        }
        for start, curve in zip(matrix.grid.starts(), matrix.curves, strict=True)
    ]


def matrix_of(
    market: Market, grid: MtuGrid, area: PriceArea, raw: Mapping[str, Any], contracts: Contracts
) -> BidMatrix | None:
    """Return an order's content in our sign; None where it is none that we could have sent."""
    points = {curve["contractId"]: curve["curvePoints"] for curve in raw["curves"]}
    if set(points) != {contracts.get(start) for start in grid.starts()}:
        return None
    try:
        curves = tuple(_curve(market, points[contracts[start]]) for start in grid.starts())
        return BidMatrix(area, grid, market.price_tick, market.volume_lot, curves)
    except (InvalidInput, CorruptDocument):
        return None


def blocks_of(bid: BlockBid, contracts: Contracts) -> list[dict[str, Any]]:
    """Return blocks as the exchange takes them; KeyError where an MTU has no contract."""
    starts = bid.grid.starts()
    return [
        {
            "name": str(block.name),
            "price": float(bid.tick * block.price),
            "minimumAcceptanceRatio": float(block.acceptance_min),
            "linkedTo": None if block.linked_to is None else str(block.linked_to),
            "exclusiveGroup": None if block.group is None else str(block.group),
            "isSpreadBlock": False,
            "periods": [
                {"contractId": contracts[starts[mtu]], "volume": float(bid.lot * -lots)}
                for mtu, lots in zip(block.mtus, block.lots, strict=True)
            ],
        }
        for block in bid.blocks
    ]


def blocks_in(
    market: Market, grid: MtuGrid, area: PriceArea, raw: Mapping[str, Any], contracts: Contracts
) -> tuple[BlockOrder, ...] | None:
    """Return an order's blocks in our sign; None where they are none that we could have sent."""
    places = {contracts.get(start): index for index, start in enumerate(grid.starts())}
    try:
        blocks = in_order(_block(market, places, block) for block in raw["blocks"])
        return BlockBid(area, grid, market.price_tick, market.volume_lot, blocks).blocks
    except (InvalidInput, CorruptDocument):
        return None


def _curve(market: Market, points: Sequence[Mapping[str, Any]]) -> BidCurve:
    return BidCurve(
        tuple(_whole(point["price"], market.price_tick) for point in points),
        tuple(_whole(-point["volume"], market.volume_lot) for point in points),
    )


def _block(market: Market, places: Mapping[str | None, int], raw: Mapping[str, Any]) -> BlockOrder:
    mtus = [places.get(period["contractId"]) for period in raw["periods"]]
    first = mtus[0] if mtus else None
    if first is None or raw["isSpreadBlock"] or mtus != list(range(first, first + len(mtus))):
        raise CorruptDocument("a block that is not ours", name=str(raw["name"]))
    return BlockOrder(
        name=Identifier(raw["name"]),
        price=_whole(raw["price"], market.price_tick),
        first=first,
        lots=tuple(_whole(-period["volume"], market.volume_lot) for period in raw["periods"]),
        acceptance_min=Decimal(str(raw["minimumAcceptanceRatio"])),
        linked_to=Identifier(raw["linkedTo"]) if raw["linkedTo"] else None,
        group=Identifier(raw["exclusiveGroup"]) if raw["exclusiveGroup"] else None,
    )


def _whole(value: float, unit: Decimal) -> int:
    """Return how many units a number of the exchange's is; raise CorruptDocument between two."""
    count, rest = divmod(Decimal(str(value)), unit)
    if rest:
        raise CorruptDocument(f"{value} is not on a multiple of {unit}", value=value)
    return int(count)
