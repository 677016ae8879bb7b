"""What holds for every bid of every method, whatever the scenarios and the market's rules."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from hydrobid.bidding.day_energy import within_the_days
from hydrobid.bidding.methods import METHODS, joint_method_of, method_of
from hydrobid.bidding.reduction import points_of, within_points
from hydrobid.bidding.scenarios.selection import redistributed
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidMatrix, total_matrix
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.curve_program import SharedCurves

NO2 = PriceArea("NO2")
MTUS = 2
GRID = MtuGrid(datetime(2026, 3, 28, tzinfo=UTC), 60, MTUS)
MOST, LEAST = 57.38, -13.0
PRICES = st.floats(-600, 4200, allow_nan=False)
VOLUMES = st.floats(LEAST, MOST, allow_nan=False)


def asset_named(name: str, method: str) -> AssetConfiguration:
    """Return two units above a pump, with water worth 40 EUR/MWh."""
    levels = {"level": {"x": [0, 100], "y": [100, 100]}, "volume_max": 100, "start_volume": 50}
    turbine = [{"head": 100, "flow": [10, 20, 30], "efficiency": [0.9, 0.92, 0.85]}]
    units = [
        {"name": "A", "power_max": 26.03, "turbine": turbine},
        {"name": "B", "power_max": 31.35, "turbine": turbine},
    ]
    pumps = [{"name": "X", "power_max": 13.0, "efficiency": 0.75}]
    return AssetConfiguration.model_validate(
        {
            "asset": name,
            "price_area": NO2,
            "scenario_set": "day",
            "method": {"name": method},
            "watercourse": {
                "name": name,
                "reservoirs": [
                    {"name": "Upper", "water_value": 9810.0, **levels},
                    {"name": "Lower", "water_value": 0.0, **levels},
                ],
                "plants": [
                    {
                        "name": "P",
                        "reservoir": "Upper",
                        "to": "Lower",
                        "outlet_level": 0,
                        "units": units,
                        "pumps": pumps,
                    }
                ],
            },
        }
    )


@st.composite
def markets(draw) -> Market:
    tick, lot = draw(st.sampled_from([("0.1", "0.1"), ("0.01", "0.1"), ("1", "1"), ("0.5", "0.3")]))
    return Market.model_validate(
        {
            "id": "drawn",
            "time_zone": "Europe/Oslo",
            "mtu_minutes": 60,
            "gate_closure": {"local_time": "12:00"},
            "currency": "EUR",
            "price_min": "-500",
            "price_max": "4000",
            "price_tick": tick,
            "volume_lot": lot,
            "max_points": draw(st.sampled_from([3, 4, 7, 20, 200])),
            "interpolation": draw(st.sampled_from(["linear", "step"])),
            "price_areas": ["NO2"],
        }
    )


@st.composite
def given_sets(draw) -> ScenarioSet:
    count = draw(st.integers(1, 12))
    weights = np.array(draw(st.lists(st.integers(1, 9), min_size=count, max_size=count)), float)
    prices = draw(
        st.lists(st.lists(PRICES, min_size=MTUS, max_size=MTUS), min_size=count, max_size=count)
    )
    ids = tuple(ScenarioId(f"s{number}") for number in range(count))
    return ScenarioSet(ids, weights / weights.sum(), {NO2: np.array(prices)})


def bid_of(data, market: Market, asset: AssetConfiguration, given: ScenarioSet) -> BidMatrix:
    """Return the bid of a method when a drawn part of its scenarios has been solved."""
    method = method_of(asset)
    derived = method.scenarios(asset, given)
    planned = [s for task in method.tasks(asset, derived) for s in task.scenarios]
    solved = data.draw(st.sets(st.sampled_from(planned), min_size=1)) if planned else set()
    volumes = {
        s: np.array(data.draw(st.lists(VOLUMES, min_size=MTUS, max_size=MTUS)))
        for s in sorted(solved)
    }
    return method.bid(market, GRID, asset, derived, volumes)


def assert_within_the_rules(matrix: BidMatrix, market: Market) -> None:
    lot = Decimal(str(market.volume_lot))
    for curve in matrix.curves:
        assert (curve.ticks[0], curve.ticks[-1]) == (market.min_ticks, market.max_ticks)
        assert all(isinstance(number, int) for number in (*curve.ticks, *curve.lots))
        assert np.all(np.diff(curve.ticks) > 0)
        assert np.all(np.diff(curve.lots) >= 0)
        assert points_of(curve, market) <= market.max_points
        assert Decimal(str(LEAST)) <= lot * curve.lots[0]
        assert lot * curve.lots[-1] <= Decimal(str(MOST))


@pytest.mark.parametrize("name", sorted(METHODS))
@given(data=st.data(), market=markets(), scenarios=given_sets())
def test_bid__keeps_the_markets_rules_and_the_assets_capacity(name, data, market, scenarios):
    assert_within_the_rules(bid_of(data, market, asset_named("valley", name), scenarios), market)


@given(data=st.data(), market=markets(), scenarios=given_sets())
def test_joint_bid__keeps_the_markets_rules_and_the_assets_capacity(data, market, scenarios):
    asset = asset_named("valley", "stochastic")
    method = joint_method_of(asset)
    assert method is not None
    program = method.program(market, GRID, asset, scenarios)
    shares = st.floats(0, 1)
    curves = SharedCurves(
        tuple(
            program.least
            + (program.most - program.least)
            * np.sort(data.draw(st.lists(shares, min_size=points.size, max_size=points.size)))
            for points in program.points
        ),
        worth=0.0,
    )

    matrix = method.joint_bid(market, GRID, asset, program, curves)

    assert_within_the_rules(matrix, market)
    for taken in range(MTUS):
        assert np.all(np.diff(program.points[taken]) > 0)


@given(data=st.data(), market=markets(), scenarios=given_sets())
def test_bid__before_reduction_is_within_a_lot_of_the_fitted_volumes(data, market, scenarios):
    roomy = market.model_copy(update={"max_points": 1000})
    asset = asset_named("valley", "multi_scenario")
    method, prices = method_of(asset), scenarios.prices[NO2]
    solved = data.draw(st.sets(st.sampled_from(scenarios.ids), min_size=1))
    volumes = {
        s: np.array(data.draw(st.lists(VOLUMES, min_size=MTUS, max_size=MTUS)))
        for s in sorted(solved)
    }

    matrix = method.bid(roomy, GRID, asset, scenarios, volumes)

    present = np.array([s in solved for s in scenarios.ids])
    weights = redistributed(prices, scenarios.probabilities, present)
    sold = np.array([volumes[s] for s in scenarios.ids if s in solved])
    sold = within_the_days(prices[present], sold, weights)
    for mtu, curve in enumerate(matrix.curves):
        ticks = np.rint(prices[present, mtu] / float(roomy.price_tick)).astype(int)
        ticks = np.clip(ticks, roomy.min_ticks, roomy.max_ticks)
        at = np.unique(ticks)
        pooled = np.array([weights[ticks == tick].sum() for tick in at])
        means = [np.average(sold[ticks == t, mtu], weights=weights[ticks == t]) for t in at]
        fitted = isotonic_regression(means, weights=pooled).x
        offered = curve.lots_at(at) * float(roomy.volume_lot)
        np.testing.assert_allclose(offered, fitted, atol=float(roomy.volume_lot) * (1 + 1e-9))


@given(data=st.data(), market=markets(), scenarios=given_sets())
def test_merging__of_assets_commutes_and_keeps_the_markets_rules(data, market, scenarios):
    names = data.draw(st.lists(st.sampled_from(sorted(METHODS)), min_size=2, max_size=4))
    bids = [
        bid_of(data, market, asset_named(f"valley-{number}", name), scenarios)
        for number, name in enumerate(names)
    ]
    order = data.draw(st.permutations(range(len(bids))))

    total = total_matrix(bids)

    assert total_matrix([bids[at] for at in order]) == total
    for curve, *parts in zip(total.curves, *(bid.curves for bid in bids), strict=True):
        fewer = within_points(curve, market)
        assert points_of(fewer, market) <= market.max_points
        assert (fewer.ticks[0], fewer.ticks[-1]) == (market.min_ticks, market.max_ticks)
        assert (fewer.lots[0], fewer.lots[-1]) == (
            sum(part.lots[0] for part in parts),
            sum(part.lots[-1] for part in parts),
        )


@given(data=st.data(), market=markets(), scenarios=given_sets())
def test_bid__is_one_bid_whatever_the_order_in_which_scenarios_were_solved(data, market, scenarios):
    asset = asset_named("valley", "multi_scenario")
    volumes = {
        s: np.array(data.draw(st.lists(VOLUMES, min_size=MTUS, max_size=MTUS)))
        for s in scenarios.ids
    }
    order = data.draw(st.permutations(scenarios.ids))

    matrix = method_of(asset).bid(market, GRID, asset, scenarios, volumes)

    again = {scenario: volumes[scenario] for scenario in order}
    assert method_of(asset).bid(market, GRID, asset, scenarios, again) == matrix
