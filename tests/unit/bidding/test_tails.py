"""Beyond the scenarios' prices: by marginal cost, within what the asset can do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrobid.bidding.fit import fit_curve
from hydrobid.bidding.tails import Reach, with_tails
from hydrobid.domain.curve import BidCurve

# Buys 50 lots up to 15 EUR/MWh, sells 100 from 25 and 160 from 40.
MARGINAL = BidCurve(
    (-5000, 149, 150, 249, 250, 399, 400, 40000), (-50, -50, 0, 0, 100, 100, 160, 160)
)
REACH = Reach(least=-50, most=200, marginal=MARGINAL)


def tails(market, ticks, lots, reach=REACH):
    ticks, lots, below, above = with_tails(np.array(ticks), np.array(lots), market, reach)
    curve = BidCurve(tuple(ticks.tolist()), tuple(lots.tolist()))
    return curve, below, above


def test_tails__take_up_the_marginal_curve_where_the_scenarios_end(market):
    curve, below, above = tails(market, [200, 300], [0, 100])

    assert curve.ticks == (-5000, 149, 150, 200, 300, 399, 400, 40000)
    assert curve.lots == (-50, -50, 0, 0, 100, 100, 160, 160)
    assert (below, above) == (3, 3)


def test_tails__are_moved_where_the_days_water_is_dearer_than_its_end_value(market):
    # At 30 EUR/MWh nothing is sold though 100 lots would be at end values: 5.1 EUR/MWh dearer.
    curve, _, _ = tails(market, [200, 300], [0, 0])

    assert curve.lots_at(np.array([300, 301, 450, 451])).tolist() == [0, 100, 100, 160]


def test_tails__are_moved_in_volume_where_scenarios_sell_more_than_the_curves_most(market):
    curve, _, _ = tails(market, [500, 600], [190, 200])

    # 30 lots more than the curve's 160 at 50 EUR/MWh, and 30 more than its others below that.
    assert curve.lots_at(np.array([500, 399, 249, 149])).tolist() == [190, 130, 30, -20]


def test_tails__never_go_beyond_what_the_asset_can_do(market):
    curve, _, _ = tails(market, [200, 300], [-50, 120], Reach(-50, 130, MARGINAL))

    assert (curve.lots[0], curve.lots[-1]) == (-50, 130)


def test_tails__without_a_marginal_curve_are_flat(market):
    curve, below, above = tails(market, [200, 300], [10, 20], Reach(0, 30))

    assert (curve.ticks, curve.lots) == ((-5000, 200, 300, 40000), (10, 10, 20, 20))
    assert (below, above) == (1, 1)


def test_tails__of_scenarios_at_the_price_limits_are_none(market):
    curve, below, above = tails(market, [-5000, 40000], [0, 100])

    assert (curve.ticks, below, above) == ((-5000, 40000), 0, 0)


LEVELS = st.integers(-80, 230)


@st.composite
def fitted(draw) -> tuple[list[int], list[int]]:
    ticks = draw(st.lists(st.integers(-5000, 40000), min_size=1, max_size=6, unique=True))
    lots = draw(st.lists(LEVELS, min_size=len(ticks), max_size=len(ticks)))
    return sorted(ticks), sorted(lots)


@given(fitted(), LEVELS, LEVELS)
def test_tails__run_from_limit_to_limit_through_every_point(market, points, one, other):
    ticks, lots = points
    reach = Reach(min(one, other, lots[0]), max(one, other, lots[-1]), MARGINAL)

    curve, _, _ = tails(market, ticks, lots, reach)

    assert (curve.ticks[0], curve.ticks[-1]) == (-5000, 40000)
    assert curve.lots_at(np.array(ticks)).tolist() == lots
    assert reach.least <= curve.lots[0]
    assert curve.lots[-1] <= reach.most


def test_fit_curve__is_cut_to_whole_lots_within_the_reach(market):
    reach = Reach(least=0, most=367, marginal=None)

    curve = fit_curve(np.array([20.0, 30.0]), np.array([-0.04, 36.78]), np.ones(2), market, reach)

    assert curve.lots == (0, 0, 367, 367)


def test_reach__is_whole_lots_within_units_and_pumps(asset, market):
    watercourse = asset().watercourse
    plant = watercourse.plants[0]
    unit = plant.units[0].model_copy(update={"power_max": 36.78})
    plants = (plant.model_copy(update={"units": (unit,)}),)

    reach = Reach.of(watercourse.model_copy(update={"plants": plants}), market)

    assert (reach.least, reach.most, reach.marginal) == (0, 367, None)


def test_fit_curve__tails_count_as_half_a_scenario_when_points_are_dear(market):
    tight = market.model_copy(update={"max_points": 6})
    rng = np.random.default_rng(2)
    prices = rng.normal(30, 3, 400)
    volumes = np.clip(prices - 25, 0, 10)

    curve = fit_curve(prices, volumes, np.full(400, 1 / 400), tight, REACH)

    at = np.rint(np.quantile(prices, [0.1, 0.5, 0.9]) * 10).astype(int)
    assert len(curve.ticks) <= 6
    assert curve.lots_at(at) == pytest.approx(np.clip(at - 250, 0, 100), abs=4)
