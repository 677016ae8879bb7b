"""The multi-scenario method: its tasks, and its bid from whatever has been solved."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from hydrobid.bidding.methods import method_of
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.time import MtuGrid

GRID = MtuGrid(datetime(2026, 3, 28, tzinfo=UTC), 60, 2)
S0, S1, S2 = (ScenarioId(f"s{number}") for number in range(3))


@pytest.fixture
def scenarios(scenario_set):
    return scenario_set([[10.0, 90.0], [20.0, 80.0], [30.0, 70.0]], [0.2, 0.3, 0.5])


def test_tasks__are_chunks_in_the_order_of_the_set(asset, scenarios):
    tasks = method_of(asset(chunk=2)).tasks(asset(chunk=2), scenarios)

    assert [(task.id, task.scenarios) for task in tasks] == [
        ("independent-001", (S0, S1)),
        ("independent-002", (S2,)),
    ]


def test_bid__has_a_curve_for_each_mtu(asset, scenarios, market):
    volumes = {S0: np.array([0.0, 5.0]), S1: np.array([1.0, 4.0]), S2: np.array([2.0, 3.0])}

    matrix = method_of(asset()).bid(market, GRID, asset(), scenarios, volumes)

    assert (matrix.price_area, matrix.grid, matrix.price(1), matrix.volume(1)) == (
        "NO2",
        GRID,
        0.1,
        0.1,
    )
    assert matrix.curves[0].lots_at(np.array([100, 200, 300])) == pytest.approx([0, 10, 20])
    assert matrix.curves[1].lots_at(np.array([700, 800, 900])) == pytest.approx([30, 40, 50])


def test_bid__shares_the_probability_of_the_absent_in_proportion(asset, scenarios, market):
    # Falling volumes are joined at their mean: 0.2 and 0.5 of what was 1 make 2/7 and 5/7.
    volumes = {S2: np.array([0.0, 0.0]), S0: np.array([7.0, 0.0])}

    matrix = method_of(asset()).bid(market, GRID, asset(), scenarios, volumes)

    assert set(matrix.curves[0].lots) == {20}


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ({}, "one or more solved scenarios"),
        ({ScenarioId("stranger"): np.zeros(2)}, "scenarios of the asset's set"),
        ({S0: np.zeros(3)}, r"\(2,\) finite numbers"),
        ({S0: np.array([0.0, np.nan])}, r"\(2,\) finite numbers"),
    ],
)
def test_bid__refuses_volumes_that_do_not_fit(volumes, expected, asset, scenarios, market):
    with pytest.raises(InvalidInput, match=expected):
        method_of(asset()).bid(market, GRID, asset(), scenarios, volumes)


def test_bid__refuses_scenarios_of_another_day(asset, scenarios, market):
    longer = MtuGrid(GRID.start, 60, 3)

    with pytest.raises(InvalidInput, match="expected 3 MTUs"):
        method_of(asset()).bid(market, longer, asset(), scenarios, {S0: np.zeros(3)})
