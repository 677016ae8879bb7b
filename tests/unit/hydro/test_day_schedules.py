"""Schedules of which an auction takes one: by hand, as they are delivered, and against foresight."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from hydrobid.domain.errors import CorruptDocument
from hydrobid.domain.identifiers import Identifier
from hydrobid.hydro import day_schedules as module
from hydrobid.hydro.day_program import DayProgram, DaySchedules
from hydrobid.hydro.day_schedules import day_schedules
from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.problem import Problem, Trade
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import Schedule
from hydrobid.hydro.solve import ScenarioSolver

MOST = 14.7  # MW
STARTING = {
    "name": "U",
    "power_min": 5.0,
    "power_max": 15.0,
    "start_cost": 50.0,
    "turbine": [{"head": 100, "flow": [5, 17], "efficiency": [0.9, 0.85]}],
}


@pytest.fixture(autouse=True)
def _few_moves(monkeypatch):
    """Move the expected day to the ends and the middle alone: each move is a search."""
    monkeypatch.setattr(module, "MOVES", 3)


def program_on(prices, most=MOST, count=60) -> DayProgram:
    prices = np.asarray(prices, dtype=float)
    return DayProgram(prices, np.ones(len(prices)), most, count)


def chosen(problem, program, *, commitment=True) -> DaySchedules:
    scenarios = [Scenario(prices) for prices in program.prices]
    found = day_schedules(problem, scenarios, program, commitment=commitment)
    assert isinstance(found, DaySchedules), found
    return found


def starting(watercourse, hours, water_value=40.0, **reservoir) -> Problem:
    """Return a unit that stands still, by the hour; its water is worth so much a MWh at best."""
    own = {"water_value": water_value * 245.25, **reservoir}
    problem = Problem.of(watercourse(own, {"units": [STARTING]}), hours)
    return replace(problem, start=replace(problem.start, on={Identifier("U"): False}))


def earned(program: DayProgram, found: DaySchedules):
    """Return (S, K) what each schedule earns at each scenario's prices, by the hour."""
    return program.prices @ found.volumes.T - found.costs


def worth(problem: Problem, prices) -> float:
    solved = ScenarioSolver(problem, commitment=True).solve(prices)
    assert isinstance(solved, Schedule), solved
    return solved.objective.total


def test_day_schedules__prices_that_pay_no_start__are_none(watercourse, hours):
    # An hour at 44 earns some 60 over its water, less than the start of 80 costs.
    unit = STARTING | {"start_cost": 80.0}
    own = {"water_value": 40 * 245.25}
    problem = Problem.of(watercourse(own, {"units": [unit]}), hours(3))
    problem = replace(problem, start=replace(problem.start, on={Identifier("U"): False}))

    found = chosen(problem, program_on([[30, 44, 30], [30, 30, 44]]))

    assert (found.volumes.shape[0], found.worth) == (0, 0.0)


def test_day_schedules__dear_hours__are_sold_at_their_water_and_their_start(watercourse, hours):
    problem = starting(watercourse, hours(3))
    program = program_on([[30, 60, 60], [30, 30, 30]])

    found = chosen(problem, program)

    first = found.volumes[0]
    assert first[0] == 0
    assert np.all(first[1:] >= 5)
    # 40 a MWh at an efficiency of 90 %, a little more where it is less, and a start.
    assert 50 + 40 * first.sum() < found.costs[0] < 50 + 43 * first.sum()
    assert found.worth == pytest.approx((60 * first.sum() - found.costs[0]) / 2, abs=0.01)


@pytest.mark.parametrize("seed", range(2))
def test_day_schedules__each__is_delivered_at_its_cost(seed, watercourse, hours):
    # With water for two or three hours.
    problem = starting(watercourse, hours(5), start_volume=0.1)
    program = program_on(np.random.default_rng(seed).normal(45, 8, (3, 5)))

    found = chosen(problem, program)

    idle = worth(problem, np.zeros(5))
    assert found.costs.size
    for volumes, cost in zip(found.volumes, found.costs, strict=True):
        nothing = np.zeros(5)
        sold = replace(problem, trade=Trade(volumes, nothing, nothing, nothing))
        assert idle - worth(sold, nothing) == pytest.approx(cost, abs=0.5)


@pytest.mark.parametrize("seed", range(2))
def test_day_schedules__as_many_as_there_are__are_worth_what_foresight_is(seed, watercourse, hours):
    problem = starting(watercourse, hours(5), start_volume=0.1)
    program = program_on(np.random.default_rng(seed).normal(45, 8, (4, 5)))
    idle = worth(problem, np.zeros(5))
    perfect = [worth(problem, prices) - idle for prices in program.prices]

    found = chosen(problem, program)
    few = chosen(problem, replace(program, count=2))

    assert found.worth == pytest.approx(np.mean(perfect), abs=0.5)
    assert found.worth == pytest.approx(
        np.mean(np.maximum(earned(program, found).max(axis=1), 0)), abs=0.01
    )
    assert np.array_equal(few.volumes, found.volumes[:2])
    assert 0 < few.worth <= found.worth


def test_day_schedules__solved_again__are_the_same(watercourse, hours):
    problem = starting(watercourse, hours(4), start_volume=0.1)
    program = program_on(np.random.default_rng(5).normal(45, 8, (3, 4)))
    first, second = (chosen(problem, program).to_document() for _ in range(2))
    assert first == second
    assert program.read(first).to_document() == first


def test_day_schedules__less_that_may_be_sold__keep_to_it(watercourse, hours):
    problem = starting(watercourse, hours(4))
    found = chosen(problem, program_on([[60, 60, 60, 60], [50, 70, 50, 70]], most=7.0))
    assert found.volumes.max() == pytest.approx(7.0, abs=1e-6)


def test_day_schedules__a_pump__buys_nothing(watercourse, hours):
    # At prices of ten a pump would lift water that is worth 40 above.
    pump = {"name": "Q", "power_max": 5.0, "efficiency": 0.8}
    plant = {"units": [STARTING], "to": "Lower", "pumps": [pump]}
    water = watercourse({"water_value": 40 * 245.25}, plant, below=[{}])
    found = chosen(Problem.of(water, hours(4)), program_on([[10, 10, 60, 60], [10, 70, 10, 70]]))
    assert found.volumes.min() == 0
    assert found.worth > 0


def test_day_schedules__hours_before_and_after_the_day__are_no_part_of_them(watercourse, hours):
    # Two hours are sold before the day begins; after it the expected 52 an hour is what water earns.
    day, hour = hours(2), timedelta(hours=1)
    horizon = Horizon.mixed(day.start - 2 * hour, day, [(hour, 2 * hour)])
    free = Problem.over(watercourse({"start_volume": 4 * 0.036}), horizon)
    sold = np.array([8.829, 8.829, 0, 0, 0, 0])
    closed = np.array([0.0, 0.0, np.inf, np.inf, np.inf, np.inf])
    problem = replace(free, trade=Trade(sold, closed, closed, np.zeros(6)))
    program = program_on([[50, 60], [60, 70]], most=8.829)
    before = np.zeros(2)
    scenarios = [
        Scenario(np.concatenate([before, prices, after]))
        for prices, after in zip(program.prices, ([44.0, 44.0], [60.0, 60.0]), strict=True)
    ]

    found = day_schedules(problem, scenarios, program)

    assert isinstance(found, DaySchedules)
    # Of two hours' water both are sold in the day where it pays more than 52, else the second alone.
    by_energy = dict(zip(np.round(found.volumes.sum(axis=1), 3), found.costs, strict=True))
    assert by_energy == pytest.approx({8.829: 52 * 8.829, 17.658: 52 * 17.658}, abs=0.05)
    assert found.worth == pytest.approx(8.829 * ((60 - 52) + (60 - 52 + 70 - 52)) / 2, abs=0.05)


def test_read__no_schedules__is_refused():
    with pytest.raises(CorruptDocument, match="schedules of a day"):
        program_on([[1.0]]).read({"volumes": []})
