"""Whole days in one exclusive group: within the market's rules, at their cost, and taken where they pay."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrobid.bidding.block_clearing import accepted_blocks
from hydrobid.bidding.clearing import sold_at
from hydrobid.bidding.methods import exclusive_group
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import Identifier, PriceArea, ScenarioId
from hydrobid.domain.market import BlockRules, Market
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.day_program import DayProgram, DaySchedules

NO2 = PriceArea("NO2")
HOURS = 6
GRID = MtuGrid(datetime(2026, 3, 28, tzinfo=UTC), 60, HOURS)
MOST = 14.7  # MW


@pytest.fixture(scope="module")
def asset() -> AssetConfiguration:
    turbine = [{"head": 100, "flow": [5, 17], "efficiency": [0.9, 0.9]}]
    unit = {"name": "U", "power_max": MOST, "start_cost": 300.0, "turbine": turbine}
    level = {"x": [0, 10], "y": [100, 100]}
    reservoir = {"name": "R", "volume_max": 10, "level": level, "start_volume": 5}
    plant = {"name": "P", "reservoir": "R", "outlet_level": 0, "units": [unit]}
    return AssetConfiguration.model_validate(
        {
            "asset": "one-unit",
            "price_area": NO2,
            "scenario_set": "day",
            "method": {"name": "exclusive_group", "scenarios": 40, "blocks": 3},
            "watercourse": {
                "name": "w",
                "reservoirs": [reservoir | {"water_value": 9810}],
                "plants": [plant],
            },
        }
    )


def program_of(market: Market, asset: AssetConfiguration, prices) -> DayProgram:
    prices = np.asarray(prices, dtype=float)
    ids = tuple(ScenarioId(f"s{number}") for number in range(len(prices)))
    given = ScenarioSet(ids, np.full(len(prices), 1 / len(prices)), {NO2: prices})
    return exclusive_group.program(market, GRID, asset, given)


def bid_of(market: Market, asset: AssetConfiguration, volumes, costs) -> BidMatrix:
    program = program_of(market, asset, [np.full(HOURS, 40.0), np.full(HOURS, 50.0)])
    found = DaySchedules(np.array(volumes, float), np.array(costs, float), 0.0)
    return exclusive_group.joint_bid(market, GRID, asset, program, found)


VOLUMES = st.lists(
    st.lists(st.just(0.0) | st.floats(0, MOST), min_size=HOURS, max_size=HOURS),
    min_size=1,
    max_size=3,
)
DAYS = st.lists(st.floats(-500, 4000), min_size=HOURS, max_size=HOURS)


@given(volumes=VOLUMES, costs=st.lists(st.floats(-1e3, 1e6), min_size=3, max_size=3), spot=DAYS)
def test_joint_bid__keeps_the_rules_and_sells_no_day_below_its_cost(
    volumes, costs, spot, market: Market, asset
):
    costs = costs[: len(volumes)]
    matrix = bid_of(market, asset, volumes, costs)

    assert matrix.block_bid.breaches(market) == []
    lot, prices = float(market.volume_lot), np.array(spot)
    assert lot * np.max(matrix.block_bid.most) <= MOST + 1e-9
    assert not any(any(curve.lots) for curve in matrix.curves)
    assert {block.group for block in matrix.blocks} <= {Identifier("one-unit")}
    taken = accepted_blocks(matrix.block_bid, prices)
    assert len(taken) <= 1
    for name in taken:
        sold = sold_at(matrix, prices, market)
        cost = costs[int(name.rpartition("-")[2]) - 1]
        assert sold @ prices >= cost - 0.01


def test_joint_bid__prices_that_come__take_the_day_that_earns_most(market: Market, asset):
    morning, whole = [10, 10, 0, 0, 0, 0], [10] * HOURS
    matrix = bid_of(market, asset, [whole, morning], [300 + 40 * 60, 300 + 40 * 20])

    # 45 and 55 EUR/MWh: what a MWh costs with its share of the start.
    assert [block.price for block in matrix.blocks] == [450, 550]
    dear, early, cheap = np.full(HOURS, 50.0), np.array([70, 70, 1, 1, 1, 1.0]), np.full(HOURS, 44)
    assert sold_at(matrix, dear, market) == pytest.approx(whole)
    assert sold_at(matrix, early, market) == pytest.approx(morning)
    assert sold_at(matrix, cheap, market) == pytest.approx(np.zeros(HOURS))


def test_joint_bid__a_day_that_stands_still_in_between__sells_a_lot_there(market: Market, asset):
    (block,) = bid_of(market, asset, [[0, 5, 0, 0, 5, 0]], [400]).blocks
    assert (block.first, block.lots) == (1, (50, 1, 1, 50))


def test_program__market_with_limits__asks_for_no_more(market: Market, asset):
    rules = BlockRules(volume_max=5, group_max=2)
    limited = market.model_copy(update={"blocks": rules})
    program = program_of(limited, asset, [[40.0] * HOURS, [50.0] * HOURS])
    assert (program.most, program.count) == (5.0, 2)
    longer = market.model_copy(update={"blocks": BlockRules(mtus_min=3)})
    assert not bid_of(longer, asset, [[5, 5, 0, 0, 0, 0]], [100]).blocks


def test_program__market_without_blocks__is_refused(market: Market, asset):
    without = market.model_copy(update={"blocks": None})
    with pytest.raises(InvalidInput, match="rules for block orders"):
        program_of(without, asset, [[40.0] * HOURS, [50.0] * HOURS])
