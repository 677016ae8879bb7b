"""The multi-scenario method: its tasks, and its bid from whatever has been solved."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from hydrobid.bidding.methods import method_of
from hydrobid.bidding.scenarios.selection import representative_order
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.time import MtuGrid

GRID = MtuGrid(datetime(2026, 3, 28, tzinfo=UTC), 60, 2)
S0, S1, S2 = (ScenarioId(f"s{number}") for number in range(3))


@pytest.fixture
def scenarios(scenario_set):
    return scenario_set([[10.0, 90.0], [20.0, 80.0], [30.0, 70.0]], [0.2, 0.3, 0.5])


def test_tasks__deal_the_most_representative_first_to_those_that_run_side_by_side(
    asset, scenario_set
):
    levels = [0.0, 10.0, 20.0, 30.0, 40.0]
    scenarios = scenario_set([[level, level] for level in levels], [0.2] * 5)

    tasks = method_of(asset(chunk=2)).tasks(asset(chunk=2), scenarios)

    # The middle one, then a quarter from either end, then what is left.
    order = representative_order(scenarios.prices["NO2"], scenarios.probabilities)
    first, second, third, *rest = (scenarios.ids[at] for at in order)
    assert first == "s2"
    assert [(task.id, task.scenarios) for task in tasks] == [
        ("independent-001", (first, rest[0])),
        ("independent-002", (second, rest[1])),
        ("independent-003", (third,)),
    ]


def test_tasks__begin_a_new_wave_when_all_that_run_side_by_side_are_full(asset, scenario_set):
    rng = np.random.default_rng(1)
    scenarios = scenario_set(rng.normal(40, 9, (45, 2)).tolist(), [1 / 45] * 45)

    tasks = method_of(asset(chunk=2)).tasks(asset(chunk=2), scenarios)

    order = representative_order(scenarios.prices["NO2"], scenarios.probabilities)
    firsts = {s for task in tasks[:20] for s in task.scenarios}
    assert [len(task.scenarios) for task in tasks] == [2] * 22 + [1]
    assert firsts == {scenarios.ids[at] for at in order[:40]}


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


def test_bid__gives_the_probability_of_the_absent_to_the_nearest_present(
    asset, scenario_set, market
):
    scenarios = scenario_set([[10.0, 90.0], [28.0, 72.0], [30.0, 70.0]], [0.2, 0.3, 0.5])
    # Falling volumes are joined at their mean: 0.2 of 7 and 0.8, with the absent one's, of 0.
    volumes = {S2: np.array([0.0, 0.0]), S0: np.array([7.0, 0.0])}

    matrix = method_of(asset()).bid(market, GRID, asset(), scenarios, volumes)

    assert matrix.curves[0].lots_at(np.array([100, 300])).tolist() == [14, 14]


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
