from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrobid.domain.curve import BidCurve, BidMatrix, summed, total_matrix
from hydrobid.domain.errors import CorruptDocument, InvalidInput
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.time import MtuGrid

GRID = MtuGrid(datetime(2026, 1, 1, tzinfo=UTC), 60, 1)


def matrix(*curves: BidCurve, area: str = "NO2") -> BidMatrix:
    grid = MtuGrid(GRID.start, 60, len(curves))
    return BidMatrix(PriceArea(area), grid, Decimal("0.1"), Decimal("0.1"), curves)


@st.composite
def bid_curves(draw: st.DrawFn) -> BidCurve:
    inner = draw(st.sets(st.integers(-4999, 39999), max_size=8))
    ticks = (-5000, *sorted(inner), 40000)
    steps = [draw(st.integers(0, 500)) for _ in ticks]
    return BidCurve(ticks, tuple((np.cumsum(steps) - 300).tolist()))


@pytest.mark.parametrize(
    ("ticks", "lots", "named"),
    [
        ((0, 0), (1, 2), "strictly rising prices"),
        ((0, 1), (2, 1), "volumes that never fall"),
        ((0,), (1,), "two or more"),
        ((0, 1), (1, 2, 3), "two or more, in pairs"),
    ],
)
def test_bid_curve__bad_points(ticks: tuple[int, ...], lots: tuple[int, ...], named: str):
    with pytest.raises(InvalidInput, match=named):
        BidCurve(ticks, lots)


@given(st.lists(bid_curves(), min_size=2, max_size=4))
def test_summed__is_the_sum_at_every_bend(curves: list[BidCurve]):
    total = summed(curves)
    ticks = np.asarray(total.ticks)

    exact = np.sum([curve.lots_at(ticks) for curve in curves], axis=0)
    assert np.max(np.abs(np.asarray(total.lots) - exact)) <= 0.5
    assert set(total.ticks) == {tick for curve in curves for tick in curve.ticks}


@given(st.lists(bid_curves(), min_size=2, max_size=4), st.randoms())
def test_summed__order_does_not_matter(curves: list[BidCurve], random):
    shuffled = list(curves)
    random.shuffle(shuffled)

    assert summed(curves) == summed(shuffled)


@given(bid_curves())
def test_bid_matrix__document_round_trip(curve: BidCurve):
    original = matrix(curve)
    restored = BidMatrix.from_document(original.to_document())

    assert restored == original
    assert restored.digest() == original.digest()


def test_bid_matrix__corrupt_document():
    with pytest.raises(CorruptDocument, match="not a bid matrix"):
        BidMatrix.from_document({"curves": []})


def test_total_matrix__of_two_areas():
    flat = BidCurve((-5000, 40000), (0, 10))
    with pytest.raises(InvalidInput, match="frame"):
        total_matrix([matrix(flat), matrix(flat, area="NO5")])
