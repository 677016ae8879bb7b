"""Curves of a day are fitted together where a day's water binds, and each by itself where not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, minimize

from hydrobid.bidding.day_energy import CLOSE_ENOUGH, within_the_days
from hydrobid.bidding.isotonic import isotonic

SEED = 20261127


def each_by_itself(prices: np.ndarray, volumes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    fitted = np.empty_like(volumes)
    for mtu in range(volumes.shape[1]):
        order = np.argsort(prices[:, mtu], kind="stable")
        fitted[order, mtu] = isotonic(volumes[order, mtu], weights[order])
    return fitted


def limited_water(scenarios: int, mtus: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Prices whose whole day is high or low, and 60 MW in each scenario's six best hours."""
    rng = np.random.default_rng(SEED)
    shape = 10 * np.sin(np.arange(mtus) / 4)
    prices = 40 + shape + rng.normal(0, 12, (scenarios, 1)) + rng.normal(0, 3, (scenarios, mtus))
    ranks = np.argsort(np.argsort(-prices, axis=1), axis=1)
    return prices, np.where(ranks < 6, 60.0, 0.0)


def test_within_the_days__sells_no_more_than_a_limited_reservoir_has():
    prices, volumes = limited_water(40)
    weights = np.full(40, 1 / 40)

    apart = each_by_itself(prices, volumes, weights).sum(axis=1)
    together = within_the_days(prices, volumes, weights).sum(axis=1)

    assert apart.max() > 1.2 * 360
    assert together.max() < 1.05 * 360
    assert together.min() > 0.85 * 360
    assert together @ weights == pytest.approx(360, rel=0.02)


@given(st.integers(1, 8), st.integers(1, 3), st.integers(0, 10**6))
def test_within_the_days__rises_with_the_price_whatever_the_volumes(scenarios, mtus, seed):
    rng = np.random.default_rng(seed)
    prices, volumes = rng.normal(40, 20, (2, scenarios, mtus))

    fitted = within_the_days(prices, volumes, rng.dirichlet(np.ones(scenarios)))

    for mtu in range(mtus):
        assert np.all(np.diff(fitted[np.argsort(prices[:, mtu]), mtu]) >= -1e-9)


def test_within_the_days__with_water_enough_fits_each_mtu_by_itself():
    rng = np.random.default_rng(SEED)
    prices = rng.normal(40, 10, (30, 12)) + rng.normal(0, 15, (30, 1))
    volumes = np.where(prices > 40, 60.0, 0.0)
    weights = rng.dirichlet(np.ones(30))

    fitted = within_the_days(prices, volumes, weights)

    np.testing.assert_array_equal(fitted, each_by_itself(prices, volumes, weights))


def test_within_the_days__is_the_nearest_that_rises_and_keeps_the_days(monkeypatch):
    monkeypatch.setattr("hydrobid.bidding.day_energy.MOST_SWEEPS", 5000)
    rng = np.random.default_rng(SEED)
    prices, volumes = limited_water(5, mtus=8)
    volumes = volumes * rng.uniform(0.8, 1.0, (5, 1))
    weights = rng.dirichlet(np.ones(5))

    fitted = within_the_days(prices, volumes, weights)

    days = volumes.sum(axis=1)
    rows, lower, upper = [], [], []
    for mtu in range(8):
        order = np.argsort(prices[:, mtu])
        for low, high in pairwise(order):
            row = np.zeros((5, 8))
            row[low, mtu], row[high, mtu] = -1, 1
            rows.append(row.ravel())
            lower.append(0.0)
            upper.append(np.inf)
    for scenario in range(5):
        row = np.zeros((5, 8))
        row[scenario] = 1
        rows.append(row.ravel())
        lower.append(days.min())
        upper.append(days.max())
    best = minimize(
        lambda x: np.sum(weights[:, None] * (x.reshape(5, 8) - volumes) ** 2),
        fitted.ravel(),
        jac=lambda x: (2 * weights[:, None] * (x.reshape(5, 8) - volumes)).ravel(),
        constraints=LinearConstraint(np.array(rows), lower, upper),
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    missed = float(np.sum(weights[:, None] * (fitted - volumes) ** 2))
    assert np.all(fitted.sum(axis=1) <= days.max() * (1 + CLOSE_ENOUGH) + 1e-9)
    assert missed == pytest.approx(best.fun, rel=0.01)
