"""The multi-scenario method: its tasks, and its bid from whatever has been solved."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import zip_longest

import numpy as np
import pytest

from hydrobid.bidding.methods import method_of
from hydrobid.bidding.scenarios.anytime import balanced_order
from hydrobid.bidding.scenarios.selection import distances
from hydrobid.domain.configuration import CoveragePolicy
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.time import MtuGrid

SEED = 20261127
GRID = MtuGrid(datetime(2026, 3, 28, tzinfo=UTC), 60, 2)
S0, S1, S2 = (ScenarioId(f"s{number}") for number in range(3))


@pytest.fixture
def scenarios(scenario_set):
    return scenario_set([[10.0, 90.0], [20.0, 80.0], [30.0, 70.0]], [0.2, 0.3, 0.5])


def test_tasks__begin_with_what_stands_for_the_set_best(asset, scenario_set):
    levels = [0.0, 10.0, 20.0, 30.0, 40.0]
    scenarios = scenario_set([[level, level] for level in levels], [0.2] * 5)

    tasks = method_of(asset(chunk=2)).tasks(asset(chunk=2), scenarios)

    order = balanced_order(scenarios.prices["NO2"], scenarios.probabilities)
    ranked = [scenarios.ids[at] for at in order]
    assert ranked[0] == "s2"
    assert [task.id for task in tasks] == [f"independent-00{number}" for number in (1, 2, 3)]
    assert [set(task.scenarios) for task in tasks] == [
        set(ranked[:2]),
        set(ranked[2:4]),
        set(ranked[4:]),
    ]


def test_tasks__begin_with_the_scenarios_without_which_there_is_no_bid(asset, scenario_set):
    scenarios = scenario_set([[level] for level in (0.0, 10.0, 20.0, 90.0)], [0.25] * 4)
    policy = CoveragePolicy(must_have=(ScenarioId("s3"), ScenarioId("absent")))
    careful = asset(chunk=1).model_copy(update={"coverage": policy})

    tasks = method_of(careful).tasks(careful, scenarios)

    assert tasks[0].scenarios == ("s3",)
    assert {s for task in tasks for s in task.scenarios} == set(scenarios.ids)


@pytest.mark.parametrize("at_once", [1, 2, 5, 20])
def test_tasks__what_is_finished_first_stands_for_the_whole(asset, scenario_set, at_once):
    rng = np.random.default_rng(SEED)
    values = 40 + rng.normal(0, 2, (120, 24)).cumsum(axis=1)
    scenarios = scenario_set(values.tolist(), [1 / 120] * 120)
    chunked = asset(chunk=10)
    tasks = [task.scenarios for task in method_of(chunked).tasks(chunked, scenarios)]
    finished = [
        scenarios.ids.index(s)
        for start in range(0, len(tasks), at_once)
        for step in zip_longest(*tasks[start : start + at_once])
        for s in step
        if s is not None
    ]

    apart = distances(values, values)

    def unlike(order: list[int]) -> float:
        return float(2 * apart[order].mean() - apart[np.ix_(order, order)].mean() - apart.mean())

    assert sorted(finished) == list(range(120))
    for share in (0.1, 0.3, 0.5):
        count = round(share * 120)
        random = [unlike(rng.permutation(120)[:count].tolist()) for _ in range(20)]
        assert unlike(finished[:count]) < min(random)


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
