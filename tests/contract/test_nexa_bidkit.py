"""An independent library, nexa-bidkit, makes the same orders of the same bids, once its sign is turned.

Where it differs:
- Its Nord Pool adapter writes selling positive and buying negative. The exchange has it the other way:
  "Positive (+) volume means buy bids, and negative (-) volume means sell bids" (Nord Pool support, Excel
  templates, how to fill in curve orders), and so do the example of its order page and its starter kit.
- Its bid either buys or sells, so that one of ours that does both has no counterpart.
- It counts a day's contracts on the wall clock, 96 a day, also where the clocks change. The exchange has 92
  and 100 contracts then, which is what the calendar says.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from nexa_bidkit.bids import BlockBid as NexaBlockBid
from nexa_bidkit.bids import LinkedBlockBid, SimpleBid
from nexa_bidkit.nordpool import (
    block_bid_to_block_list,
    linked_block_bid_to_block_list,
    simple_bid_to_curve_order,
)
from nexa_bidkit.types import (
    BiddingZone,
    CurveType,
    DeliveryPeriod,
    Direction,
    MTUDuration,
    MTUInterval,
    PriceQuantityCurve,
    PriceQuantityStep,
)

from hydrobid.adapters.nordpool_content import blocks_of, curves_of
from hydrobid.domain.blocks import BlockBid, BlockOrder
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.identifiers import Identifier, PriceArea
from hydrobid.domain.time import MtuGrid, delivery_grid

NO2 = PriceArea("NO2")
TICK = LOT = Decimal("0.1")
START = datetime(2026, 11, 24, 23, tzinfo=UTC)
SEED = 20261127


def contract(interval: MTUInterval, _: BiddingZone) -> str:
    return interval.start.astimezone(UTC).isoformat()


def turned(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return points or periods with their volumes in the exchange's sign."""
    return [{**point, "volume": -point["volume"] + 0.0} for point in points]


@st.composite
def one_sided(draw: st.DrawFn) -> BidCurve:
    """Draw a curve that only sells, or only buys, in whole ticks and lots."""
    ticks = sorted(draw(st.sets(st.integers(-4999, 39999), max_size=20)))
    lots = sorted(
        draw(st.lists(st.integers(0, 9000), min_size=len(ticks) + 2, max_size=len(ticks) + 2))
    )
    if draw(st.booleans()):
        lots = [-lot for lot in reversed(lots)]
    return BidCurve((-5000, *ticks, 40000), tuple(lots))


@seed(SEED)
@settings(max_examples=200, deadline=None)
@given(one_sided())
def test_curve__the_same_points_once_the_sign_is_turned(curve: BidCurve):
    print(f"seed {SEED}")
    sells = curve.lots[-1] > 0
    points = [(TICK * t, LOT * abs(lot)) for t, lot in zip(curve.ticks, curve.lots, strict=True)]
    steps = [PriceQuantityStep(price=price, volume=volume) for price, volume in points]
    mtu = MTUInterval.from_start(START, MTUDuration.QUARTER_HOURLY)
    theirs = simple_bid_to_curve_order(
        SimpleBid(
            bid_id="bid",
            bidding_zone=BiddingZone.NO2,
            direction=Direction.SELL if sells else Direction.BUY,
            curve=PriceQuantityCurve(
                curve_type=CurveType.SUPPLY if sells else CurveType.DEMAND,
                # A demand curve begins at its highest price there.
                steps=steps if sells else steps[::-1],
                mtu=mtu,
            ),
        ),
        "auction",
        "portfolio",
        contract,
    ).model_dump(by_alias=True)["curves"]
    theirs[0]["curvePoints"].sort(key=lambda point: point["price"])

    grid = MtuGrid(START, 15, 1)
    ours = curves_of(BidMatrix(NO2, grid, TICK, LOT, (curve,)), {START: START.isoformat()})

    assert ours == [{**theirs[0], "curvePoints": turned(theirs[0]["curvePoints"])}]


@pytest.mark.parametrize("parent", [None, "p1"])
@pytest.mark.parametrize("sells", [True, False])
def test_block__the_same_periods_once_the_sign_is_turned(parent: str | None, sells: bool):
    period = DeliveryPeriod(
        start=START, end=START + timedelta(hours=1), duration=MTUDuration.QUARTER_HOURLY
    )
    common = {
        "bid_id": "b1",
        "bidding_zone": BiddingZone.NO2,
        "direction": Direction.SELL if sells else Direction.BUY,
        "delivery_period": period,
        "price": Decimal("45.5"),
        "volume": Decimal("12.3"),
        "min_acceptance_ratio": Decimal("0.5"),
    }
    if parent is None:
        made = block_bid_to_block_list(NexaBlockBid(**common), "a", "p", contract)
    else:
        linked = LinkedBlockBid(**common, parent_bid_id=parent)
        made = linked_block_bid_to_block_list(linked, "a", "p", contract)
    (theirs,) = made.model_dump(by_alias=True)["blocks"]

    grid = MtuGrid(START, 15, 8)
    lots = (123 if sells else -123,) * 4
    block = BlockOrder(
        Identifier("b1"),
        455,
        0,
        lots,
        Decimal("0.5"),
        None if parent is None else Identifier(parent),
    )
    before = () if parent is None else (BlockOrder(Identifier(parent), 400, 4, (10,)),)
    bid = BlockBid(NO2, grid, TICK, LOT, (*before, block))
    ours = blocks_of(bid, {start: start.isoformat() for start in grid.starts()})[-1]

    assert ours == {**theirs, "periods": turned(theirs["periods"])}


@pytest.mark.parametrize(("day", "contracts"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100)])
def test_day__where_the_clocks_change_it_counts_contracts_that_there_are_not(
    day: date, contracts: int
):
    oslo = ZoneInfo("Europe/Oslo")
    midnight = datetime(day.year, day.month, day.day, tzinfo=oslo)
    period = DeliveryPeriod(
        start=midnight, end=midnight + timedelta(days=1), duration=MTUDuration.QUARTER_HOURLY
    )
    assert period.mtu_count == 96
    assert len(delivery_grid(day, oslo, 15)) == contracts
