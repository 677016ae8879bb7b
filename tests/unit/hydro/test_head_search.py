"""The search over commitment and heads: never worse than it says, the same each time, in bounds."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_problems.strategies import prices, problems

from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.optimise import at_stake, optimise
from hydrobid.hydro.physics import machine_powers
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.schedule import FailureCode, Method, SolveFailure, Termination
from hydrobid.hydro.search import Search
from hydrobid.hydro.simulator import Operation, Simulator
from hydrobid.hydro.solve import ScenarioSolver
from hydrobid.hydro.violations import Limiter

START = datetime(2026, 3, 28, tzinfo=UTC)
TURBINE = {"head": 100, "flow": [10, 16, 20], "efficiency": [0.85, 0.92, 0.9]}
UNIT = {"power_min": 6, "power_max": 18, "start_cost": 50, "turbine": [TURBINE]}
DAY = np.array([20, 18, 17, 19, 30, 55, 60, 45, 35, 33, 50, 25], dtype=float)


@pytest.fixture
def two_units(watercourse):
    """Two unlike units on two penstocks under a reservoir whose head changes."""
    other = {"head": 100, "flow": [14, 24, 30], "efficiency": [0.86, 0.93, 0.91]}
    units = [
        UNIT | {"name": "Small", "penstock": 1},
        UNIT | {"name": "Large", "penstock": 2, "turbine": [other], "power_max": 28},
    ]
    spot = watercourse(
        reservoir={
            "level": {"x": [0, 1, 4], "y": [90, 105, 120]},
            "volume_max": 4,
            "start_volume": 2.5,
            "water_value": 7000,
            "inflow": 5,
        },
        plant={"units": units, "penstock_loss": [0.01, 0.004], "main_loss": 0.001},
    )
    return Problem.of(spot, MtuGrid(START, 60, DAY.size))


def simulated(problem, schedule, at):
    """Return the total of what a committed schedule decides, and the limits that it breaks."""
    operation = Operation(schedule.unit_on, schedule.unit_flow, schedule.gate_flow)
    outcome = Simulator(problem).run(operation, at)
    violations = Limiter(problem).violations(outcome)
    penalties = sum(violation.penalty for violation in violations)
    total = outcome.sales + outcome.end_value - outcome.start_costs - penalties
    return total, violations


def test_optimise__says_what_is_at_stake(two_units):
    stakes = ["power_min", "start_cost", "changing heads", "losses of several machines"]
    assert at_stake(two_units) == stakes
    schedule = optimise(two_units, DAY).result
    assert schedule.method is Method.COMMITMENT
    assert schedule.termination is Termination.CONVERGED
    assert "start_cost" in schedule.reason


def test_optimise__linear_where_nothing_is_at_stake(watercourse):
    problem = Problem.of(watercourse(), MtuGrid(START, 60, 4))
    schedule = optimise(problem, DAY[:4]).result
    assert at_stake(problem) == []
    assert schedule.method is Method.LINEAR


def test_optimise__searches_where_units_share_a_loss_of_head(watercourse):
    # Given two like units, alone on their penstocks, behind one tunnel
    units = [{"power_max": 30, "turbine": [TURBINE], "name": name} for name in ("A", "B")]
    alone = {"units": [units[0] | {"penstock": 1}, units[1] | {"penstock": 2}]}
    own = watercourse(plant=alone | {"penstock_loss": [0.01, 0.01]})
    shared = watercourse(plant=alone | {"penstock_loss": [0.01, 0.01], "main_loss": 0.01})
    same = watercourse(plant={"units": units, "penstock_loss": [0.01]})
    grid = MtuGrid(START, 60, 4)
    assert at_stake(Problem.of(own, grid)) == []
    assert at_stake(Problem.of(same, grid)) == ["losses of several machines"]
    problem = Problem.of(shared, grid)
    assert at_stake(problem) == ["losses of several machines"]
    # Then both at once are worth what the tunnel leaves them
    schedule = optimise(problem, np.full(4, 40.0)).result
    total, violations = simulated(problem, schedule, np.full(4, 40.0))
    assert violations == ()
    assert schedule.objective.total == pytest.approx(total, abs=1e-3)


def test_optimise__refuses_prices_that_are_none(two_units):
    found = optimise(two_units, np.full(DAY.size, np.nan)).result
    assert isinstance(found, SolveFailure)
    assert found.code is FailureCode.INVALID_PRICES


def test_optimise__is_worth_more_than_whole_choices_at_the_head_of_the_start(two_units):
    schedule = optimise(two_units, DAY).result
    fixed_head = ScenarioSolver(two_units, commitment=True).solve(DAY)
    total, violations = simulated(two_units, fixed_head, DAY)
    assert schedule.violations == ()
    assert schedule.objective.total > total - 1e-6 or violations


def test_optimise__never_falls_behind_what_it_met(two_units):
    totals = [step.total for step in optimise(two_units, DAY).result.convergence]
    assert totals == sorted(totals)


def test_optimise__finds_the_best_of_all_commitments_of_a_short_day(watercourse):
    # Given three hours, one unit that runs at one flow, and a level that sinks as it runs
    unit = UNIT | {"name": "U", "turbine": [{"head": 100, "flow": [10], "efficiency": [0.9]}]}
    spot = watercourse(
        reservoir={
            "level": {"x": [0, 1], "y": [80, 120]},
            "volume_max": 1,
            "start_volume": 0.5,
            "water_value": 9000,
        },
        plant={"units": [unit]},
    )
    problem = Problem.of(spot, MtuGrid(START, 60, 3))
    at = np.array([30.0, 45.0, 38.0])
    # When each of the eight commitments is simulated
    totals = []
    for code in range(8):
        on = np.array([bool(code >> hour & 1) for hour in range(3)])
        outcome = Simulator(problem).run(Operation({"U": on}, {"U": 10.0 * on}, {}), at)
        totals.append(outcome.sales + outcome.end_value - outcome.start_costs)
    # Then the search's schedule is the best of them
    assert optimise(problem, at).result.objective.total == pytest.approx(max(totals), abs=1e-3)


def test_optimise__pumps_where_the_spread_pays(watercourse):
    lower = {"name": "Lower", "level": {"x": [0, 1], "y": [0, 1]}, "water_value": 1000}
    unit = UNIT | {"name": "U", "start_cost": 1}
    spot = watercourse(
        reservoir={"level": {"x": [0, 1], "y": [95, 105]}, "water_value": 6000},
        plant={
            "units": [unit],
            "to": "Lower",
            "pumps": [{"name": "X", "power_max": 15, "efficiency": 0.85}],
        },
        below=[lower],
    )
    problem = Problem.of(spot, MtuGrid(START, 60, 6))
    schedule = optimise(problem, np.array([1.0, 1.0, 1.0, 90.0, 90.0, 90.0])).result
    assert schedule.violations == ()
    assert np.all(schedule.pumping["X"][:3] > 0)
    assert np.all(schedule.discharge["P"][3:] > 0)
    assert not np.any((schedule.pumping["X"] > 0) & (schedule.discharge["P"] > 0))


def test_optimise__keeps_times_on_that_its_courses_do_not_know(watercourse):
    unit = UNIT | {"name": "U", "start_cost": 1, "up_time_min": 240}
    spot = watercourse(
        reservoir={"level": {"x": [0, 1], "y": [98, 102]}, "water_value": 8000},
        plant={"units": [unit]},
    )
    problem = Problem.of(spot, MtuGrid(START, 60, 8))
    problem = replace(problem, start=replace(problem.start, on={"U": False}))
    spikes = np.array([10.0, 60.0, 10.0, 10.0, 10.0, 60.0, 10.0, 10.0])
    schedule = optimise(problem, spikes).result
    assert schedule.violations == ()


@settings(max_examples=12, deadline=None)
@given(data=st.data(), problem=problems(commitment=True))
def test_optimise__any_problem(data, problem):
    # Given any problem at any prices
    at = data.draw(prices(len(problem)))
    found = optimise(problem, at).result
    # Then what it says is what its decisions come to, and it says the same again
    if isinstance(found, SolveFailure):
        assert found.code in {FailureCode.INFEASIBLE, FailureCode.UNBOUNDED}
        return
    if found.method is Method.COMMITMENT:
        total, violations = simulated(problem, found, at)
        assert found.objective.total == pytest.approx(total, abs=1e-3)
        assert found.violations == violations
    again = optimise(problem, at).result
    assert json.dumps(found.to_document()) == json.dumps(again.to_document())


def test_mode_tables__split_is_as_good_as_any_that_is_tried(two_units):
    search = Search(two_units, DAY)
    (model,) = search.models.values()
    both = len(model.modes) - 1
    assert model.modes[both].counts == (1, 1)
    rng = np.random.default_rng(7)
    head = np.full(2000, 105.0)
    flows = {"Small": rng.uniform(10, 20, 2000), "Large": rng.uniform(14, 30, 2000)}
    power = machine_powers(model.plant, flows, head)
    kept = np.all([power[u.name] >= u.power_min for u in model.plant.units], axis=0)
    kept &= np.all([power[u.name] <= u.power_max for u in model.plant.units], axis=0)
    best = model.powers(np.full(2000, both), sum(flows.values()), head)
    assert np.all((sum(power.values()) <= best + 0.03)[kept])


def test_optimise__a_start_at_once_is_paid_for_where_the_state_before_is_known(watercourse):
    # Given a unit whose start costs more than the one hour at a high price brings
    unit = UNIT | {"name": "U", "start_cost": 300}
    spot = watercourse(
        reservoir={"level": {"x": [0, 1], "y": [98, 102]}, "water_value": 8000},
        plant={"units": [unit]},
    )
    free = Problem.of(spot, MtuGrid(START, 60, 3))
    off = replace(free, start=replace(free.start, on={"U": False}))
    at = np.array([45.0, 10.0, 10.0])
    # Then it runs where it may have run before, and stays off where it did not
    assert optimise(free, at).result.unit_on["U"].tolist() == [True, False, False]
    assert optimise(off, at).result.unit_on["U"].tolist() == [False, False, False]
