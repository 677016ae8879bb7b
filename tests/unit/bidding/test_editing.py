"""What a person changes of a bid: curves and volumes, in the market's units, faults named."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrobid.bidding.editing import edited
from hydrobid.domain.bid_edits import CurveEdit, GivenCurve, Point, VolumeEdit
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.market import Market

NO2 = PriceArea("NO2")
DAY = date(2026, 3, 29)
CURVE = BidCurve((-5000, 200, 300, 40000), (0, 0, 1000, 2000))


@pytest.fixture(scope="module")
def bid(market: Market) -> BidMatrix:
    grid = market.grid(DAY)
    return BidMatrix(NO2, grid, market.price_tick, market.volume_lot, (CURVE,) * len(grid))


def volume(kind: str, mw: str, **span) -> VolumeEdit:
    return VolumeEdit(kind=kind, volume=Decimal(mw), **span)


def curve_at(start, *points: tuple[str, str]) -> CurveEdit:
    given = [Point(price=Decimal(p), volume=Decimal(v)) for p, v in points]
    return CurveEdit(curves=(GivenCurve(start=start, points=tuple(given)),))


def test_edited__volume_of_a_stretch_leaves_the_rest(bid, market):
    start = bid.grid.starts()[8]
    span = {"start": start, "end": start + timedelta(hours=2)}

    after = edited(bid, market, NO2, DAY, volume("volume", "120.5", **span))

    changed = [n for n, curve in enumerate(after.curves) if curve != CURVE]
    assert changed == [8, 9]
    assert after.curves[8] == BidCurve((-5000, 40000), (1205, 1205))


def test_edited__given_curve_is_flat_beyond_its_points(bid, market):
    edit = curve_at(bid.grid.start, ("35", "10"), ("55.1", "40"))

    after = edited(bid, market, NO2, DAY, edit)

    assert after.curves[0] == BidCurve((-5000, 350, 551, 40000), (100, 100, 400, 400))
    assert after.curves[1:] == bid.curves[1:]


@given(
    bound=st.integers(0, 2500),
    most=st.booleans(),
    points=st.lists(
        st.tuples(st.integers(-4999, 39999), st.integers(0, 2000)),
        min_size=1,
        max_size=30,
        unique_by=lambda point: point[0],
    ),
)
def test_edited__bounds_cut_a_curve_and_change_nothing_else(market, bound, most, points):
    ticks = sorted(tick for tick, _ in points)
    lots = sorted(lot for _, lot in points)
    curve = BidCurve((-5000, *ticks, 40000), (lots[0], *lots, lots[-1]))
    grid = market.grid(DAY)
    before = BidMatrix(NO2, grid, market.price_tick, market.volume_lot, (curve,) * len(grid))
    kind = "at_most" if most else "at_least"

    after = edited(before, market, NO2, DAY, volume(kind, str(Decimal(bound) / 10)))

    at = np.arange(-5000, 40001, 7)
    cut = np.minimum if most else np.maximum
    wanted, found = cut(curve.lots_at(at), bound), after.curves[0].lots_at(at)
    # The bend lies on a tick: within the one tick before it, a line ends a little early.
    steepest = max(np.diff(curve.lots) / np.diff(curve.ticks))
    assert np.abs(found - wanted).max() <= steepest + 1e-6
    assert cut(found, bound) == pytest.approx(found)


def test_edited__bound_on_a_step_market(bid, market):
    steps = market.model_copy(update={"interpolation": "step"})

    after = edited(bid, steps, NO2, DAY, volume("at_most", "50"))

    assert {lots for curve in after.curves for lots in curve.lots} <= {0, 500}


@pytest.mark.parametrize(
    ("points", "faults"),
    [
        ((("35.05", "1"),), "price is '35.05'; expected a multiple of 0.1"),
        ((("5000", "1"),), "price is '5000'"),
        ((("35", "1"), ("35", "2")), "each once"),
        ((("35", "1.05"),), "volume is '1.05'; expected a multiple of 0.1"),
        ((("35", "20"), ("45", "10")), "volumes that never fall"),
    ],
)
def test_edited__faults_are_named(bid, market, points, faults):
    with pytest.raises(InvalidInput) as refused:
        edited(bid, market, NO2, DAY, curve_at(bid.grid.start, *points))

    assert faults in str(refused.value)
    assert "curve of 2026-03-28T23:00:00Z" in str(refused.value)


def test_edited__another_days_mtu(bid, market):
    with pytest.raises(InvalidInput, match="the start of an MTU from 2026-03-28T23:00:00Z"):
        edited(bid, market, NO2, DAY, curve_at(bid.grid.end, ("35", "10")))


def test_edited__stretch_outside_the_day(bid, market):
    with pytest.raises(InvalidInput, match="a stretch of the day"):
        edited(bid, market, NO2, DAY, volume("volume", "10", start=bid.grid.end))


def test_edited__where_there_is_no_bid__every_mtu_is_needed(market):
    start = market.grid(DAY).start
    whole = edited(None, market, NO2, DAY, volume("volume", "10"))
    assert len(whole.curves) == 23

    with pytest.raises(InvalidInput, match="22 missing"):
        edited(None, market, NO2, DAY, curve_at(start, ("35", "10")))
    with pytest.raises(InvalidInput, match="23 missing"):
        edited(None, market, NO2, DAY, volume("at_most", "10"))
