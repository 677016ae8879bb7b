"""Bids of curves with blocks: what the market's rules ask of both, and where a block pays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrobid.bidding.block_clearing import accepted_blocks
from hydrobid.bidding.methods import blocks
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import Identifier, PriceArea, ScenarioId
from hydrobid.domain.market import BlockRules, Market
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.curve_program import SharedCurves
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.two_stage import shared_curves

NO2 = PriceArea("NO2")
HOURS = 8
GRID = MtuGrid(datetime(2026, 3, 28, tzinfo=UTC), 60, HOURS)
MOST = 14.7  # MW


def starting_asset(start_cost: float) -> AssetConfiguration:
    """Return one unit of 5 to 15 MW whose water is worth 40 EUR/MWh."""
    turbine = [{"head": 100, "flow": [5, 17], "efficiency": [0.9, 0.9]}]
    unit = {
        "name": "U",
        "power_min": 5.0,
        "power_max": MOST,
        "start_cost": start_cost,
        "turbine": turbine,
    }
    reservoir = {
        "name": "R",
        "volume_max": 10,
        "level": {"x": [0, 10], "y": [100, 100]},
        "start_volume": 5,
        "water_value": 40 * 245.25,
    }
    plant = {"name": "P", "reservoir": "R", "outlet_level": 0, "units": [unit]}
    return AssetConfiguration.model_validate(
        {
            "asset": "one-unit",
            "price_area": NO2,
            "scenario_set": "day",
            "method": {"name": "blocks", "scenarios": 40, "blocks": 3},
            "watercourse": {"name": "w", "reservoirs": [reservoir], "plants": [plant]},
        }
    )


def scenario_set(prices) -> ScenarioSet:
    ids = tuple(ScenarioId(f"s{number}") for number in range(len(prices)))
    return ScenarioSet(ids, np.full(len(prices), 1 / len(prices)), {NO2: np.asarray(prices)})


@st.composite
def price_sets(draw) -> ScenarioSet:
    count = draw(st.integers(2, 6))
    prices = draw(
        st.lists(
            st.lists(st.floats(-50, 150), min_size=HOURS, max_size=HOURS),
            min_size=count,
            max_size=count,
        )
    )
    return scenario_set(prices)


@given(data=st.data(), scenarios=price_sets())
def test_blocks__with_its_curves__keeps_the_rules_and_the_capacity(data, scenarios, market: Market):
    asset = starting_asset(300.0)
    program = blocks.program(market, GRID, asset, scenarios)
    # As the programme allows: in each hour no more together than the asset can sell.
    held = data.draw(
        st.lists(st.floats(0, 1), min_size=len(program.blocks), max_size=len(program.blocks))
    )
    kept = np.zeros(len(program.blocks))
    for at in data.draw(st.permutations(range(len(program.blocks))))[:3]:
        kept[at] = held[at] * program.most / 3
    curves = SharedCurves(
        tuple(np.linspace(0, program.most, points.size) for points in program.points), 0.0, kept
    )

    matrix = blocks.joint_bid(market, GRID, asset, program, curves)
    offered = matrix.block_bid

    assert offered.breaches(market) == []
    lot = float(market.volume_lot)
    for mtu, curve in enumerate(matrix.curves):
        assert np.all(np.diff(curve.ticks) > 0)
        assert np.all(np.diff(curve.lots) >= 0)
        assert (curve.ticks[0], curve.ticks[-1]) == (market.min_ticks, market.max_ticks)
        inside = sum(block.lots[0] for block in offered.blocks if mtu in block.mtus)
        assert lot * (curve.lots[-1] + inside) <= MOST + 1e-9
    # Each scenario takes the blocks that the programme counted on.
    by_window = [c for c, mw in zip(program.blocks, curves.blocks, strict=True) if mw >= lot]
    for candidate, block in zip(by_window, offered.blocks, strict=True):
        for at, prices in enumerate(program.prices):
            taken = block.name in accepted_blocks(offered, prices)
            assert taken == bool(program.accepting(candidate)[at])


def test_blocks__starts_that_cost__are_bought_back_by_a_block(market: Market):
    # Water is worth 40. Eight hours at 46 earn a start of 300, two do not: but a curve that sells the
    # first two hours at 46 on the one day sells them on the other, too.
    low, high = np.full(HOURS, 38.0), np.full(HOURS, 46.0)
    spike = np.where(np.arange(HOURS) < 2, 46.0, 38.0)
    scenarios, asset = scenario_set([low, high, spike]), starting_asset(300.0)
    offered = blocks.program(market, GRID, asset, scenarios)
    free = Problem.of(asset.watercourse, GRID)
    problem = replace(free, start=replace(free.start, on={Identifier("U"): False}))
    taken = [
        Scenario(scenarios.prices_of(NO2, scenario))
        for scenario in blocks.taken_together(asset, scenarios)
    ]

    curves = shared_curves(problem, taken, replace(offered, blocks=()), commitment=True)
    both = shared_curves(problem, taken, offered, commitment=True)

    assert isinstance(curves, SharedCurves)
    assert isinstance(both, SharedCurves)
    # The first two hours of the day at 46 throughout: 2 x 6 EUR/MWh on all that the unit can do.
    assert both.worth - curves.worth == pytest.approx(2 * 6 * MOST / 3, rel=0.1)
    (block,) = blocks.joint_bid(market, GRID, asset, offered, both).blocks
    # It takes the first two hours from the curve, at a price that the day of two dear hours is below.
    assert {0, 1} <= set(block.mtus)
    average = np.mean(spike[block.mtus])
    assert 10 * average < block.price <= 460


def test_program__market_without_blocks__is_refused(market: Market):
    without = market.model_copy(update={"blocks": None})
    with pytest.raises(InvalidInput, match="rules for block orders"):
        blocks.program(without, GRID, starting_asset(0.0), scenario_set([np.full(HOURS, 50.0)] * 2))


def test_program__market_with_limits__offers_within_them(market: Market):
    rules = BlockRules(volume_max=5, mtus_min=4, orders_max=2)
    limited = market.model_copy(update={"blocks": rules})
    rng = np.random.default_rng(3)
    scenarios = scenario_set(rng.normal(45, 8, (10, HOURS)))
    program = blocks.program(limited, GRID, starting_asset(100.0), scenarios)
    assert (program.most, program.blocks_max) == (5.0, 2)
    assert min(block.count for block in program.blocks) >= 4
