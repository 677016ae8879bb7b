"""A bid carried over to another delivery day, clock changes and changed rules included."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from hydrobid.bidding.fallback import bid_of_another_day, on_other_water
from hydrobid.bidding.tails import Reach
from hydrobid.domain.blocks import BlockOrder
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import Identifier, PriceArea

WINTER, SPRING, SUMMER, AUTUMN = (
    date(2026, 1, 7),
    date(2026, 3, 29),
    date(2026, 7, 7),
    date(2026, 10, 25),
)


def _changed(market, **changes):
    """The market under other rules; a copy would keep the time zone that it has looked up."""
    return type(market).model_validate(market.model_dump() | changes)


def _matrix(market, day, **changes):
    """A bid whose curves differ: the n-th of the day sells n lots at the highest price."""
    grid = market.grid(day)
    prices = (market.min_ticks, 0, market.max_ticks)
    content = {
        "price_area": PriceArea("NO2"),
        "grid": grid,
        "tick": market.price_tick,
        "lot": market.volume_lot,
        "curves": tuple(BidCurve(prices, (0, 0, number)) for number in range(len(grid))),
    }
    return BidMatrix(**content | changes)


def _taken(market, source, day):
    """Which of the source day's curves stand in each MTU of the other day."""
    carried = bid_of_another_day(_matrix(market, source), market, day)
    assert carried.grid == market.grid(day)
    return [curve.lots[-1] for curve in carried.curves]


@pytest.mark.parametrize(
    ("source", "day", "taken"),
    [
        (WINTER, SUMMER, [*range(24)]),
        (WINTER, SPRING, [0, 1, *range(3, 24)]),
        (WINTER, AUTUMN, [0, 1, 2, 2, *range(3, 24)]),
        (SPRING, SUMMER, [0, 1, 1, *range(2, 23)]),  # what skipped 02:00 takes 01:00
        (AUTUMN, WINTER, [0, 1, 2, *range(4, 25)]),  # of 02:00 the first occurrence
        (SPRING, AUTUMN, [0, 1, 1, 1, *range(2, 23)]),
        (AUTUMN, AUTUMN, [*range(25)]),
        (AUTUMN, date(2027, 10, 31), [*range(25)]),
    ],
)
def test_bid_of_another_day__takes_the_curve_of_the_same_wall_clock(market, source, day, taken):
    assert _taken(market, source, day) == taken


def test_bid_of_another_day__takes_the_last_quarter_before_a_skipped_hour(market):
    quarters = _changed(market, mtu_minutes=15)

    assert _taken(quarters, SPRING, SUMMER) == [*range(8), 7, 7, 7, 7, *range(8, 92)]


def test_bid_of_another_day__repeats_the_autumn_hours_quarters_in_their_order(market):
    quarters = _changed(market, mtu_minutes=15)

    assert _taken(quarters, SUMMER, AUTUMN) == [*range(12), 8, 9, 10, 11, *range(12, 96)]


def test_bid_of_another_day__takes_the_first_curve_where_midnight_was_skipped(market):
    chile = _changed(market, time_zone="America/Santiago")

    assert _taken(chile, date(2026, 9, 6), date(2026, 9, 7)) == [0, *range(23)]


@pytest.mark.parametrize("by_way_of", [SUMMER, AUTUMN])
def test_bid_of_another_day__comes_back_as_it_went(market, by_way_of):
    matrix = _matrix(market, WINTER)

    there = bid_of_another_day(matrix, market, by_way_of)

    assert bid_of_another_day(there, market, WINTER) == matrix


def test_bid_of_another_day__is_written_in_the_markets_own_tick_and_lot(market):
    matrix = _matrix(market, WINTER, tick=Decimal("0.10"), lot=Decimal("0.100"))

    carried = bid_of_another_day(matrix, market, WINTER)

    assert carried.digest() == _matrix(market, WINTER).digest()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"mtu_minutes": 15}, "mtu_minutes is 60; expected 15"),
        ({"price_tick": Decimal("0.01")}, "price_tick is '0.1'; expected 0.01"),
        ({"volume_lot": Decimal(1)}, "volume_lot is '0.1'; expected 1"),
        ({"price_min": Decimal(-600)}, "price_min is '-500.0'; expected -600"),
        ({"price_max": Decimal(5000)}, "price_max is '4000.0'; expected 5000"),
        ({"price_areas": (PriceArea("NO3"),)}, "price_area is 'NO2'; expected one of NO3"),
        ({"time_zone": "Europe/Helsinki"}, "MTUs is 24; expected the 24 of 2026-01-07"),
    ],
)
def test_bid_of_another_day__refuses_a_bid_under_other_rules(market, changes, named):
    changed = _changed(market, **changes)

    with pytest.raises(InvalidInput) as refused:
        bid_of_another_day(_matrix(market, WINTER), changed, SUMMER)

    assert [str(problem) for problem in refused.value.problems] == [
        f"bid of 2026-01-07 in NO2: {named}"
    ]


def test_bid_of_another_day__refuses_one_curve_of_too_many_points(market):
    matrix = _matrix(market, WINTER)
    longer = BidCurve((market.min_ticks, 0, 1, market.max_ticks), (0, 0, 0, 0))
    mixed = _matrix(market, WINTER, curves=(longer, *matrix.curves[1:]))
    three = _changed(market, max_points=3)

    assert bid_of_another_day(matrix, three, WINTER) == matrix
    with pytest.raises(InvalidInput, match="points is 4; expected at most 3 a curve"):
        bid_of_another_day(mixed, three, SUMMER)


def test_bid_of_another_day__names_everything_that_differs_at_once(market):
    changed = _changed(market, mtu_minutes=30, price_max=Decimal(3000))

    with pytest.raises(InvalidInput) as refused:
        bid_of_another_day(_matrix(market, WINTER), changed, SUMMER)

    assert [problem.field for problem in refused.value.problems] == ["mtu_minutes", "price_max"]


# Sells 100 lots from 40 EUR/MWh up.
STEP = BidCurve((-5000, 399, 400, 40000), (0, 0, 100, 100))
REACH = Reach(0, 160)


def _one_curve(market, curve):
    grid = market.grid(WINTER)
    return _matrix(market, WINTER, curves=(curve,) * len(grid))


def _step(tick, most=100):
    return BidCurve((-5000, tick - 1, tick, 40000), (0, 0, most, most))


@pytest.mark.parametrize("tick", [300, 450])
def test_on_other_water__moves_a_step_with_the_price_of_water(market, tick):
    bid = _one_curve(market, STEP)

    moved = on_other_water(bid, market, STEP, _step(tick), REACH)

    assert set(moved.curves) == {_step(tick)}
    assert moved.grid == bid.grid


def test_on_other_water__of_the_same_water_is_the_same_bid(market):
    bid = _one_curve(market, BidCurve((-5000, 380, 420, 40000), (0, 0, 90, 90)))

    assert on_other_water(bid, market, STEP, STEP, REACH) is bid


def test_on_other_water__offers_what_the_water_has_more_as_far_as_the_units_can(market):
    moved = on_other_water(_one_curve(market, STEP), market, STEP, _step(400, 200), REACH)

    assert set(moved.curves) == {_step(400, 160)}


def test_on_other_water__of_an_empty_reservoir_offers_nothing(market):
    nothing = BidCurve(STEP.ticks[::3], (0, 0))

    moved = on_other_water(_one_curve(market, STEP), market, STEP, nothing, REACH)

    assert {lot for curve in moved.curves for lot in curve.lots} == {0}


def test_on_other_water__of_a_slope_never_falls(market):
    slope = BidCurve((-5000, 300, 500, 40000), (0, 0, 100, 100))

    dearer = on_other_water(_one_curve(market, slope), market, STEP, _step(450), REACH)

    (curve,) = set(dearer.curves)
    offered, before = (one.lots_at(np.array([399, 440, 500])) for one in (curve, slope))
    assert np.all(offered <= before)
    assert offered[1] < before[1]
    assert offered[2] == 100


def test_bid_of_another_day__with_blocks__keeps_them_for_their_own_day_alone(market):
    matrix = _matrix(market, WINTER)
    block = BlockOrder(Identifier("a-1"), 400, 8, (100, 100))
    bid = replace(matrix, blocks=(block,))

    assert bid_of_another_day(bid, market, WINTER) == bid
    assert bid_of_another_day(bid, market, WINTER + timedelta(days=1)).blocks == ()
