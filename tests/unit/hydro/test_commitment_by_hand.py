"""Units that are on or off, by hand. U makes LEAST MW of 5 m3/s and FULL of 10, and nothing less."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hydrobid.hydro.highs import SearchLimits
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.schedule import Method, Termination, ViolationCode
from hydrobid.hydro.solve import ScenarioSolver

RATE = 9.81e-3 * 0.9 * 100
LEAST, FULL = 5 * RATE, 10 * RATE
HOUR = 0.036
# What an hour at full flow costs in water.
WATER_VALUE = 40 * FULL / HOUR


def _unit(name="U", **changes):
    turbine = [{"head": 100, "flow": [5, 10], "efficiency": [0.9, 0.9]}]
    return {"name": name, "power_max": 100, "turbine": turbine} | changes


@pytest.fixture
def day(watercourse, hours):
    def make(periods, *units, minutes=60, start=None, **plant):
        lake = {"volume_max": 100.0, "start_volume": 50, "water_value": WATER_VALUE}
        level = {"level": {"x": [0, 100], "y": [100, 100]}}
        valley = watercourse(lake | level, {"units": [*units] or [_unit()]} | plant)
        problem = Problem.of(valley, hours(periods, minutes))
        return replace(problem, start=replace(problem.start, **(start or {})))

    return make


def _solved(problem, prices):
    solver = ScenarioSolver(problem, commitment=True, limits=SearchLimits(gap=1e-9))
    schedule = solver.solve(np.array(prices, dtype=float))
    assert schedule.method is Method.MIXED_INTEGER
    return schedule


def _on(schedule, unit="U"):
    return schedule.unit_on[unit].astype(int).tolist()


def test_commitment__starts_where_the_gain_covers_the_start(day):
    problem = day(4, _unit(start_cost=3 * FULL), start={"on": {"U": False}})

    short, long = _solved(problem, [30, 42, 30, 30]), _solved(problem, [30, 42, 42, 30])

    assert _on(short) == [0, 0, 0, 0]
    assert _on(long) == [0, 1, 1, 0]
    assert long.objective.start_costs == pytest.approx(3 * FULL, abs=1e-3)


def test_commitment__runs_through_a_dip_that_costs_less_than_stop_and_start(day):
    unit = _unit(start_cost=2 * LEAST, stop_cost=2 * LEAST)
    problem = day(3, unit, start={"on": {"U": True}})

    shallow, deep = _solved(problem, [60, 37, 60]), _solved(problem, [60, 35, 60])

    # In the dip it runs at its least: 3 or 5 below what its water is worth.
    assert shallow.unit_power["U"] == pytest.approx([FULL, LEAST, FULL], abs=1e-5)
    assert _on(deep) == [1, 0, 1]
    assert deep.objective.start_costs == pytest.approx(4 * LEAST, abs=1e-3)


def test_commitment__what_nothing_is_known_of_starts_for_nothing(day):
    problem = day(2, _unit(start_cost=1e6))

    assert _on(_solved(problem, [60, 60])) == [1, 1]


@pytest.mark.parametrize(("minutes", "lasting"), [(60, 3), (30, 5)])
def test_commitment__stays_on_for_its_time_counted_in_hours(day, minutes, lasting):
    problem = day(7, _unit(up_time_min=150), minutes=minutes, start={"on": {"U": False}})

    schedule = _solved(problem, [0, 500, 35, 35, 35, 35, 35])

    assert _on(schedule) == [0, *[1] * lasting, *[0] * (6 - lasting)]


def test_commitment__stays_off_for_its_time(day):
    problem = day(5, _unit(down_time_min=120), start={"on": {"U": True}})

    schedule = _solved(problem, [60, -90, 41, 60, 60])

    assert _on(schedule) == [1, 0, 0, 1, 1]


def test_commitment__stays_on_for_what_is_left_from_before(day):
    start = {"on": {"U": True}, "hours_in_state": {"U": 0.5}}
    problem = day(4, _unit(up_time_min=150), start=start)

    assert _on(_solved(problem, [0, 0, 0, 0])) == [1, 1, 0, 0]


def test_commitment__names_a_time_that_maintenance_cuts_short(day):
    start = {"on": {"U": True}, "hours_in_state": {"U": 0.5}}
    problem = day(3, _unit(up_time_min=150), start=start)
    off = {"U": np.array([True, False, True])}
    problem = replace(problem, limits=replace(problem.limits, available=off))

    schedule = _solved(problem, [0, 0, 0])

    (violation,) = schedule.violations
    assert (violation.code, violation.element) == (ViolationCode.UP_TIME, "U")
    assert violation.mtus == (1,)


def test_commitment__keeps_out_of_a_forbidden_zone(day):
    zone = {"power_from": 0.6 * FULL, "power_to": 0.9 * FULL}
    problem = day(1, _unit(forbidden_zones=[zone]), discharge_max=8)

    schedule = _solved(problem, [60])

    assert schedule.unit_power["U"] == pytest.approx([0.6 * FULL], abs=1e-5)


def test_commitment__a_unit_runs_at_its_least_or_not_at_all(day):
    problem = day(2, _unit(power_min=0.7 * FULL), discharge_min=1.0)

    schedule = _solved(problem, [60, 1])

    assert schedule.unit_power["U"] == pytest.approx([FULL, 0.7 * FULL], abs=1e-5)
    assert schedule.violations == ()


def test_commitment__reserves_are_held_by_what_runs(day):
    problem = day(1, _unit("U"), _unit("V", start_cost=10.0), start={"on": {"V": False}})
    room = {"P": np.array([LEAST + 1])}

    without, holding = _solved(problem, [60]), _solved(replace(problem, reserve_up=room), [60])

    assert without.net_power == pytest.approx([2 * FULL], abs=1e-5)
    assert holding.net_power == pytest.approx([2 * FULL - LEAST - 1], abs=1e-5)
    assert (_on(holding), _on(holding, "V")) == ([1], [1])


def test_commitment__a_search_that_may_stop_early_says_so_and_keeps_its_bound(day):
    units = [_unit(f"U{n}", start_cost=7.0 + n, up_time_min=120) for n in range(4)]
    problem = day(12, *units, start={"on": {unit["name"]: False for unit in units}})
    prices = 40 + 6 * np.sin(np.arange(12))

    rough = ScenarioSolver(problem, commitment=True, limits=SearchLimits(gap=0.5)).solve(prices)
    exact = _solved(problem, prices)

    assert exact.termination is Termination.OPTIMAL
    assert rough.objective.total <= exact.objective.total + 1e-3 <= rough.bound + 2e-3
    assert exact.gap == pytest.approx(0.0, abs=1e-9)


def test_commitment__is_the_same_whatever_was_solved_before(day):
    units = [_unit(f"U{n}", start_cost=7.0) for n in range(3)]
    problem = day(8, *units, start={"on": {unit["name"]: False for unit in units}})
    first, second = 40 + 6 * np.sin(np.arange(8)), 40 + 6 * np.cos(np.arange(8))
    solver = ScenarioSolver(problem, commitment=True)

    solver.solve(first)
    after_another = solver.solve(second).to_document()

    alone = ScenarioSolver(problem, commitment=True).solve(second).to_document()
    assert after_another == alone
