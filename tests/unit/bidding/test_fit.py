"""The isotonic fit: by hand, against SciPy's, and what holds for every curve."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from hydrobid.bidding.fit import fit_curve
from hydrobid.bidding.isotonic import isotonic
from hydrobid.domain.curve import summed
from hydrobid.domain.errors import InvalidInput

ONES = np.ones(3)
PRICES = st.floats(-700, 4500, allow_nan=False)
VOLUMES = st.floats(-300, 900, allow_nan=False)
WEIGHTS = st.floats(1e-4, 1.0)
SAMPLES = st.lists(st.tuples(PRICES, VOLUMES, WEIGHTS), min_size=1, max_size=60).map(
    lambda rows: np.array(rows).T
)


def test_fit_curve__is_flat_beyond_the_scenarios_and_ends_at_the_price_limits(market):
    curve = fit_curve(np.array([20.0, 30.0]), np.array([0.0, 50.0]), np.ones(2), market)

    assert curve.ticks == (-5000, 200, 300, 40000)
    assert curve.lots == (0, 0, 500, 500)


def test_fit_curve__joins_scenarios_that_fall_at_their_weighted_mean(market):
    prices, volumes = np.array([10.0, 20.0, 30.0]), np.array([0.0, 40.0, 10.0])

    curve = fit_curve(prices, volumes, np.array([1.0, 1.0, 2.0]), market)

    assert curve.ticks == (-5000, 100, 200, 40000)
    assert curve.lots == (0, 0, 200, 200)


def test_fit_curve__counts_prices_on_one_tick_as_one(market):
    prices, volumes = np.array([20.01, 19.99, 30.0]), np.array([0.0, 30.0, 40.0])

    curve = fit_curve(prices, volumes, np.array([2.0, 1.0, 1.0]), market)

    assert curve.lots_at(np.array([200, 300])) == pytest.approx([100, 400])


def test_fit_curve__brings_prices_beyond_the_limits_to_them(market):
    curve = fit_curve(np.array([-900.0, 5000.0]), np.array([1.0, 2.0]), np.ones(2), market)

    assert (curve.ticks, curve.lots) == ((-5000, 40000), (10, 20))


def test_fit_curve__one_scenario_is_bid_at_every_price(market):
    curve = fit_curve(np.array([33.3]), np.array([12.34]), np.ones(1), market)

    assert (curve.ticks, curve.lots) == ((-5000, 40000), (123, 123))


@pytest.mark.parametrize("volumes", [np.array([1.0]), np.array([])])
def test_fit_curve__without_a_volume_for_each_price_is_refused(volumes, market):
    with pytest.raises(InvalidInput, match="a volume and a weight each"):
        fit_curve(volumes[:0] if not volumes.size else ONES, volumes, volumes, market)


@given(SAMPLES)
def test_isotonic__is_what_scipy_fits(rows):
    _, values, weights = rows

    expected = isotonic_regression(values, weights=weights).x

    np.testing.assert_allclose(isotonic(values, weights), expected, atol=1e-9)


@given(rows=SAMPLES, max_points=st.integers(2, 12))
def test_fit_curve__keeps_the_markets_rules_whatever_the_scenarios(market, rows, max_points):
    tight = market.model_copy(update={"max_points": max_points})

    curve = fit_curve(*rows, tight)

    assert curve.ticks[0] == -5000
    assert curve.ticks[-1] == 40000
    assert len(curve.ticks) <= max_points
    assert np.all(np.diff(curve.ticks) > 0)
    assert np.all(np.diff(curve.lots) >= 0)
    assert min(rows[1]) * 10 - 0.5 <= curve.lots[0]
    assert curve.lots[-1] <= max(rows[1]) * 10 + 0.5


@given(SAMPLES)
def test_fit_curve__is_within_a_lot_of_the_fitted_volumes(market, rows):
    prices, volumes, weights = rows
    ticks = np.clip(np.rint(prices * 10), -5000, 40000).astype(int)
    order = np.unique(ticks)
    pooled = np.array([weights[ticks == tick].sum() for tick in order])
    means = [np.average(volumes[ticks == tick], weights=weights[ticks == tick]) for tick in order]
    fitted = isotonic_regression(means, weights=pooled).x

    curve = fit_curve(prices, volumes, weights, market)

    np.testing.assert_allclose(curve.lots_at(order) / 10, fitted, atol=0.0500001)


@given(SAMPLES)
def test_fit_curve__has_no_point_that_its_neighbours_make_needless(market, rows):
    curve = fit_curve(*rows, market)

    for at in range(1, len(curve.ticks) - 1):
        (before, tick, after), (low, lot, high) = (
            curve.ticks[at - 1 : at + 2],
            curve.lots[at - 1 : at + 2],
        )
        assert (lot - low) * (after - tick) != (high - lot) * (tick - before)


@given(st.lists(SAMPLES, min_size=2, max_size=4))
def test_fit_curve__curves_add_up_in_any_order(market, samples):
    curves = [fit_curve(*rows, market) for rows in samples]

    assert summed(curves) == summed(curves[::-1])


def test_fit_curve__is_one_curve_whatever_the_order_of_scenarios(market):
    rng = np.random.default_rng(7)
    prices, volumes = rng.normal(50, 200, 400), rng.normal(100, 50, 400)
    weights = np.full(400, 1 / 400)
    order = rng.permutation(400)

    curve = fit_curve(prices, volumes, weights, market)

    assert fit_curve(prices[order], volumes[order], weights, market) == curve


def test_fit_curve__fits_a_thousand_scenarios_of_a_day_in_a_fraction_of_the_gates_time(market):
    rng = np.random.default_rng(3)
    prices = rng.normal(50, 40, (1000, 96))
    volumes = np.clip(3 * (prices - 20) + rng.normal(0, 20, prices.shape), 0, 300)
    weights = np.full(1000, 1e-3)

    started = time.process_time()
    for mtu in range(96):
        fit_curve(prices[:, mtu], volumes[:, mtu], weights, market)

    assert time.process_time() - started < 1.0
