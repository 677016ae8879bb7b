"""Fewer points: the choice is the best one in money, and has the market's form."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrobid.bidding.expected_loss import Points
from hydrobid.bidding.fit import fit_curve
from hydrobid.bidding.reduction import fitting, points_of, within_points, without_collinear
from hydrobid.bidding.shortlist import shortlisted
from hydrobid.domain.curve import BidCurve, summed

LIMITS = (-5000, 40000)


@st.composite
def curves(draw, most: int = 9) -> Points:
    """Draw a fitted curve from price limit to price limit, the limits without weight."""
    count = draw(st.integers(2, most))
    inner = draw(
        st.lists(st.integers(-4000, 9000), min_size=count, max_size=count, unique=True).map(sorted)
    )
    steps = draw(st.lists(st.integers(0, 900), min_size=count, max_size=count))
    weights = draw(st.lists(st.integers(1, 20), min_size=count, max_size=count))
    lots = np.cumsum(steps) - draw(st.integers(0, 500))
    return Points(
        np.array([LIMITS[0], *inner, LIMITS[1]]),
        np.array([lots[0], *lots, lots[-1]]),
        np.array([0.0, *weights, 0.0]) / sum(weights),
    )


def with_points(market, count, form="linear"):
    return market.model_copy(update={"max_points": count, "interpolation": form})


def loss_by_area(points: Points, volumes: np.ndarray) -> float:
    """Sum up in small steps of volume what selling it at a price under its cost loses."""
    total = 0.0
    for tick, lot, weight, sold in zip(
        points.ticks, points.lots, points.weights, volumes, strict=True
    ):
        between = np.linspace(lot, sold, 4001)
        middle = (between[1:] + between[:-1]) / 2
        costs = np.interp(middle, points.lots, points.ticks)
        total += weight * float(np.sum((costs - tick) * np.diff(between)))
    return total


@given(curves(), st.data())
def test_expected_loss__is_the_area_between_price_and_marginal_cost(points, data):
    kept = sorted(data.draw(st.sets(st.sampled_from(range(1, len(points.ticks) - 1)))))
    kept = [0, *kept, len(points.ticks) - 1]
    volumes = np.interp(points.ticks, points.ticks[kept], points.lots[kept])

    loss = points.expected_loss(points.ticks[kept], points.lots[kept])

    expected = loss_by_area(points, volumes)
    assert loss == pytest.approx(expected, rel=0.02, abs=0.02 * float(np.ptp(points.ticks)))
    assert points.expected_loss(points.ticks, points.lots) == pytest.approx(0.0, abs=1e-6)


@given(curves(), st.integers(2, 8))
def test_fitting__no_other_choice_of_points_loses_less(market, points, count):
    curve = fitting(points, with_points(market, count))

    bends = without_collinear(points.ticks, points.lots)
    least = min(
        points.expected_loss(points.ticks[[0, *some, -1]], points.lots[[0, *some, -1]])
        for some in combinations(bends[1:-1], min(count, len(bends)) - 2)
    )
    assert len(curve.ticks) <= count
    lost = points.expected_loss(np.array(curve.ticks), np.array(curve.lots))
    assert lost == pytest.approx(least, rel=1e-9, abs=1e-6)


@given(curves(), st.integers(3, 8))
def test_fitting__no_other_choice_of_steps_loses_less(market, points, count):
    curve = fitting(points, with_points(market, count, "step"))

    levels = np.unique(points.lots)
    at = np.arange(len(points.ticks))
    least = min(
        sum(
            min(points.losses(at[[p]], np.array([float(level)]))[0] for level in some)
            for p in range(len(points.ticks))
        )
        for some in combinations(levels, min(count - 1, len(levels)))
        if {levels[0], levels[-1]} <= set(some)
    )
    assert points_of(curve, with_points(market, count, "step")) <= count
    sold = curve.lots_at(points.ticks)
    assert float(np.sum(points.losses(at, sold))) == pytest.approx(least, rel=1e-6, abs=400)


@given(curves(most=30), st.integers(3, 12))
def test_fitting__on_a_step_market_has_nothing_but_steps(market, points, count):
    stepped = with_points(market, count, "step")

    curve = fitting(points, stepped)

    slopes = [
        (right - left, above - below)
        for left, right, below, above in zip(
            curve.ticks, curve.ticks[1:], curve.lots, curve.lots[1:], strict=False
        )
    ]
    assert all(width == 1 or rise == 0 for width, rise in slopes)
    assert (curve.ticks[0], curve.ticks[-1]) == LIMITS
    assert within_points(curve, stepped) == curve


@given(curves(most=30), curves(most=30), st.integers(3, 12))
def test_summed__steps_add_up_to_steps(market, one, other, count):
    stepped = with_points(market, count, "step")
    total = summed([fitting(one, stepped), fitting(other, stepped)])

    curve = within_points(total, stepped)

    assert points_of(curve, stepped) <= count
    assert (curve.lots[0], curve.lots[-1]) == (total.lots[0], total.lots[-1])
    if points_of(total, stepped) <= count:
        assert curve.lots_at(np.arange(-5000, 40001, 7)) == pytest.approx(
            total.lots_at(np.arange(-5000, 40001, 7))
        )


def test_fitting__a_step_is_where_the_difference_breaks_even(market):
    points = Points(
        np.array([-5000, 100, 300, 700, 40000]),
        np.array([0, 0, 200, 600, 600]),
        np.array([0, 1, 1, 1, 0]) / 3,
    )

    every = fitting(points, with_points(market, 10, "step"))
    fewest = fitting(points, with_points(market, 3, "step"))

    # Between 0 and 200 lots the cost rises from 100 to 300 ticks, between 200 and 600 to 700.
    assert every.ticks == (-5000, 199, 200, 499, 500, 40000)
    assert every.lots == (0, 0, 200, 200, 600, 600)
    # All of it at once costs (200 x 200 + 400 x 500) / 600 = 400 a lot.
    assert fewest.ticks == (-5000, 399, 400, 40000)
    assert fewest.lots == (0, 0, 600, 600)


def smooth(seed: int) -> Points:
    rng = np.random.default_rng(seed)
    ticks = np.unique(np.rint(rng.normal(500, 200, 90)).astype(int))
    lots = np.rint(2000 * np.tanh((ticks - 500) / rng.uniform(40, 400))).astype(int)
    weights = rng.dirichlet(np.ones(len(ticks)))
    return Points(
        np.concatenate([[LIMITS[0]], ticks, [LIMITS[1]]]),
        np.concatenate([lots[:1], lots, lots[-1:]]),
        np.concatenate([[0], weights, [0]]),
    )


@pytest.mark.parametrize("count", [6, 12, 25])
def test_fitting__of_many_points_is_near_the_best_and_far_from_one_by_one(
    market, monkeypatch, count
):
    cases = [smooth(seed) for seed in range(6)]

    def losses() -> np.ndarray:
        fitted = [fitting(points, with_points(market, count)) for points in cases]
        return np.array(
            [
                points.expected_loss(np.array(curve.ticks), np.array(curve.lots))
                for points, curve in zip(cases, fitted, strict=True)
            ]
        )

    quick = losses()
    monkeypatch.setattr("hydrobid.bidding.reduction.LARGEST_PROGRAMME", 10**9)
    exact = losses()
    kept = [shortlisted(p, without_collinear(p.ticks, p.lots), count) for p in cases]
    greedy = [p.expected_loss(p.ticks[k], p.lots[k]) for p, k in zip(cases, kept, strict=True)]

    assert np.all(exact <= quick + 1e-9)
    assert np.sum(quick) <= 1.25 * np.sum(exact)
    assert np.sum(greedy) >= 1.15 * np.sum(exact)


def test_reduction__keeps_what_is_likely(market):
    tight = with_points(market, 5)
    prices, volumes = np.array([0.0, 10.0, 20.0, 30.0]), np.array([0.0, 10.0, 11.0, 30.0])

    likely = fit_curve(prices, volumes, np.array([1.0, 1e3, 1.0, 1.0]), tight)
    unlikely = fit_curve(prices, volumes, np.array([1.0, 1e-3, 1.0, 1.0]), tight)

    assert 100 in likely.ticks
    assert 100 not in unlikely.ticks


def test_within_points__leaves_a_curve_that_fits_and_drops_what_is_needless(market):
    curve = BidCurve((-5000, 100, 200, 300, 40000), (0, 0, 10, 20, 20))

    assert within_points(curve, market) == BidCurve((-5000, 100, 300, 40000), (0, 0, 20, 20))
