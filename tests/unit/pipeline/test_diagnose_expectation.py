"""What a bid is expected to sell, by hand."""

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.time import MtuGrid
from hydrobid.pipeline.diagnosis.expectation import Expectation, expectation

RISING = BidCurve((-5000, 100, 300, 40000), (0, 0, 200, 200))
BUYING = BidCurve((-5000, 100, 101, 40000), (-50, -50, 0, 0))


def matrix(*curves: BidCurve, minutes: int = 30) -> BidMatrix:
    """Return a bid in ticks of 0.1 and lots of 0.5, so that neither can be left out unnoticed."""
    grid = MtuGrid(datetime(2026, 11, 24, 23, tzinfo=UTC), minutes, len(curves))
    return BidMatrix(PriceArea("NO2"), grid, Decimal("0.1"), Decimal("0.5"), curves)


def test_expectation__reads_each_curve_at_each_price():
    # At 20.0 the rising curve is halfway: 100 lots, 50 MW; at 30.0 it offers all of 100 MW.
    # The other one buys 25 MW at 5.0 and nothing at 30.0. Half an hour each.
    prices = np.array([[20.0, 5.0], [30.0, 30.0]])

    found = expectation(matrix(RISING, BUYING), prices, np.array([0.4, 0.6]))

    energy = 0.4 * (50 - 25) * 0.5 + 0.6 * 100 * 0.5
    assert found.energy == pytest.approx(energy)
    assert found.power == pytest.approx(energy / 1.0)
    assert found.sales == pytest.approx(0.4 * (50 * 20.0 - 25 * 5.0) * 0.5 + 0.6 * 100 * 30.0 * 0.5)


def test_expectation__power_is_the_mean_over_the_day():
    prices = np.full((1, 4), 30.0)

    found = expectation(matrix(RISING, RISING, RISING, RISING), prices, np.array([1.0]))

    assert (found.energy, found.power, found.sales) == (200.0, 100.0, 6000.0)


def test_expectation__of_no_scenarios_is_nothing():
    found = expectation(matrix(RISING), np.empty((0, 1)), np.empty(0))
    assert found == Expectation()


def test_expectation__adds_and_subtracts():
    some, more = Expectation(energy=1, power=2, sales=3), Expectation(energy=10, power=20, sales=30)
    assert some + more == Expectation(energy=11, power=22, sales=33)
    assert more - some == Expectation(energy=9, power=18, sales=27)
