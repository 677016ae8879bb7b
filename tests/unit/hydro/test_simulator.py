"""The simulator: where water goes, what it earns, and which limits an operation breaks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_problems.strategies import problems

from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.physics import level
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.routing import WATER_OF_FLOW, arrival_shares
from hydrobid.hydro.schedule import ViolationCode
from hydrobid.hydro.simulator import Operation, Simulator
from hydrobid.hydro.violations import Limiter

START = datetime(2026, 3, 28, tzinfo=UTC)


def operation(problem, flow=0.0, on=None, gate_flow=0.0):
    """Return an operation in which every machine and gate has the flow that is given."""
    periods = len(problem)
    plants = problem.watercourse.plants
    machines = [machine.name for plant in plants for machine in plant.machines]
    flows = {name: np.full(periods, flow, dtype=float) for name in machines}
    states = {
        name: np.full(periods, bool(flow)) if on is None else np.array(on) for name in machines
    }
    gates = {g.name: np.full(periods, gate_flow) for g in problem.watercourse.gates}
    return Operation(states, flows, gates)


def codes(problem, outcome):
    return {violation.code for violation in Limiter(problem).violations(outcome)}


@settings(max_examples=60, deadline=None)
@given(problem=problems(commitment=True), seed=st.integers(0, 2**32 - 1))
def test_water__neither_comes_from_nowhere_nor_is_lost(problem, seed):
    # Given a random problem, and flows that respect nothing
    rng, periods = np.random.default_rng(seed), len(problem)
    watercourse, chosen = problem.watercourse, operation(problem)
    flows = {name: rng.uniform(0, 40, periods).round(6) for name in chosen.flow}
    gates = {name: rng.uniform(0, 10, periods).round(6) for name in chosen.gate_flow}
    simulator = Simulator(problem)
    # When it is simulated
    water = simulator.water(Operation(chosen.on, flows, gates))
    # Then what was there and came is what is there, is under way or went to the sea
    per_flow = WATER_OF_FLOW * problem.horizon.hours
    before = problem.start.under_way
    came = sum(
        float((problem.inflow[r.name] + before.get(r.name, np.zeros(periods))) @ per_flow)
        for r in watercourse.reservoirs
    )
    to_sea = sum(
        float(amount @ per_flow)
        for routes, amounts in (
            (simulator.routes, flows),
            (simulator.gate_routes, gates),
            (dict(enumerate(simulator.overflow_routes)), dict(enumerate(water.spill))),
        )
        for name, amount in amounts.items()
        if routes[name].target is None
    )
    left = water.volume[:, -1].sum() + water.under_way.sum()
    assert left + to_sea == pytest.approx(water.volume[:, 0].sum() + came, abs=1e-6)
    assert np.all(water.spill >= 0)


def test_overflow__is_that_of_the_level_it_leaves(watercourse):
    # Given a small reservoir that overflows from 100 m on, and much more inflow than it can hold
    overflow = {"spill": {"x": [100, 101], "y": [0, 50]}}
    small = watercourse(
        reservoir={
            "level": {"x": [0, 1], "y": [99, 101]},
            "overflow": overflow,
            "inflow": 40,
        }
    )
    problem = Problem.over(small, Horizon.of(MtuGrid(START, 60, 90)))
    water = Simulator(problem).water(operation(problem))
    # Then in each hour the spill is that of the level at its end, and in the end what comes
    levels = level(small.reservoirs[0], water.volume[0, 1:])
    expected = np.interp(levels, overflow["spill"]["x"], overflow["spill"]["y"])
    assert water.spill[0] == pytest.approx(expected, abs=1e-9)
    assert water.spill[0, -1] == pytest.approx(40, abs=1e-3)


def test_arrival_shares__of_periods_of_mixed_length():
    minutes = [0, 15, 30, 90]
    bounds = tuple(START + timedelta(minutes=at) for at in minutes)
    shares = arrival_shares(Horizon(bounds, slice(0, 3)), delay=20 / 60)
    expected = [[0, 10 / 15, 5 / 15], [0, 0, 1], [0, 0, 40 / 60]]
    assert shares == pytest.approx(np.array(expected))


def test_head__is_that_of_the_volumes_at_the_start_of_each_period(watercourse):
    spot = watercourse(reservoir={"level": {"x": [0, 1], "y": [90, 110]}})
    problem = Problem.of(spot, MtuGrid(START, 60, 2))
    outcome = Simulator(problem).run(operation(problem, 10.0), np.array([10.0, 20.0]))
    # Half full it stands at 100 m; an hour at 10 m3/s takes 0.036 Mm3, 0.72 m.
    assert outcome.head["P"] == pytest.approx([100, 99.28])
    power = [8.829, 8.829 * 0.9928]
    assert outcome.power["U"] == pytest.approx(power)
    assert outcome.sales == pytest.approx(10 * power[0] + 20 * power[1])


def test_start_costs__are_counted_from_the_state_before(watercourse):
    unit = {"name": "U", "power_max": 100, "start_cost": 7, "stop_cost": 2}
    unit["turbine"] = [{"head": 100, "flow": [10], "efficiency": [0.9]}]
    problem = Problem.of(watercourse(plant={"units": [unit]}), MtuGrid(START, 60, 4))
    simulator = Simulator(problem)
    on = {"U": np.array([True, False, True, True])}
    assert simulator.start_costs(on) == 7 + 2
    off_before = replace(problem, start=replace(problem.start, on={"U": False}))
    assert Simulator(off_before).start_costs(on) == 2 * 7 + 2


def test_violations__none_of_an_operation_within_limits(watercourse):
    problem = Problem.of(watercourse(), MtuGrid(START, 60, 4))
    outcome = Simulator(problem).run(operation(problem, 10.0), np.full(4, 30.0))
    assert codes(problem, outcome) == set()


@pytest.mark.parametrize(
    ("reservoir", "unit", "plant", "flow", "expected"),
    [
        ({}, {}, {"discharge_max": 8}, 10.0, ViolationCode.DISCHARGE_ABOVE_MAXIMUM),
        ({}, {}, {"discharge_min": 12}, 10.0, ViolationCode.DISCHARGE_BELOW_MINIMUM),
        ({}, {"power_max": 8}, {}, 10.0, ViolationCode.POWER_ABOVE_MAXIMUM),
        ({}, {"power_min": 9}, {}, 10.0, ViolationCode.POWER_BELOW_MINIMUM),
        ({}, {}, {}, 9.0, ViolationCode.UNIT_FLOW_OUTSIDE_CURVE),
        (
            {},
            {"forbidden_zones": [{"power_from": 8, "power_to": 10}]},
            {},
            10.0,
            ViolationCode.FORBIDDEN_ZONE,
        ),
        ({"start_volume": 0.05}, {}, {}, 10.0, ViolationCode.VOLUME_BELOW_MINIMUM),
        ({"inflow": 100}, {}, {}, 10.0, ViolationCode.EMERGENCY_SPILL),
        (
            {"volume_soft_min": {"volume": 0.49, "penalty": 3}},
            {},
            {},
            10.0,
            ViolationCode.VOLUME_BELOW_SOFT_MINIMUM,
        ),
        (
            {"volume_soft_max": {"volume": 0.2, "penalty": 3}},
            {},
            {},
            10.0,
            ViolationCode.VOLUME_ABOVE_SOFT_MAXIMUM,
        ),
    ],
)
def test_violations__name_the_limit_that_is_broken(
    watercourse, reservoir, unit, plant, flow, expected
):
    turbine = [{"head": 100, "flow": [10], "efficiency": [0.9]}]
    units = [{"name": "U", "power_max": 100, "turbine": turbine} | unit]
    spot = watercourse(reservoir=reservoir, plant={"units": units} | plant)
    problem = Problem.of(spot, MtuGrid(START, 60, 3))
    outcome = Simulator(problem).run(operation(problem, flow), np.full(3, 30.0))
    found = codes(problem, outcome)
    assert expected in found
    assert found <= {expected}


def test_violations__soft_limit_is_priced_as_stated(watercourse):
    spot = watercourse(reservoir={"volume_soft_max": {"volume": 0.4, "penalty": 3}})
    problem = Problem.of(spot, MtuGrid(START, 30, 4))
    outcome = Simulator(problem).run(operation(problem), np.zeros(4))
    (found,) = Limiter(problem).violations(outcome)
    assert found.penalty == pytest.approx(0.1 * 3 * 2)  # 0.1 Mm3 for two hours
    assert found.excess == pytest.approx(0.1)


def test_violations__times_on_and_off(watercourse):
    unit = {"name": "U", "power_max": 100, "up_time_min": 120, "down_time_min": 120}
    unit["turbine"] = [{"head": 100, "flow": [10], "efficiency": [0.9]}]
    problem = Problem.of(watercourse(plant={"units": [unit]}), MtuGrid(START, 60, 6))

    def found(*on):
        chosen = operation(problem, 10.0, on=np.array(on, dtype=bool))
        chosen.flow["U"][~chosen.on["U"]] = 0.0
        outcome = Simulator(problem).run(chosen, np.zeros(6))
        return {v.code: v.excess for v in Limiter(problem).violations(outcome)}

    assert found(0, 1, 1, 0, 0, 1) == {}
    assert found(0, 1, 0, 0, 0, 0) == {ViolationCode.UP_TIME: pytest.approx(1)}
    assert found(1, 0, 1, 1, 1, 1) == {ViolationCode.DOWN_TIME: pytest.approx(1)}


def test_violations__maintenance_reserves_and_obligations(watercourse):
    problem = Problem.of(watercourse(), MtuGrid(START, 60, 2))
    limits = replace(problem.limits, available={"U": np.array([True, False])})
    trade = replace(
        problem.trade,
        obligation=np.array([20.0, 5.0]),
        sale_max=np.zeros(2),
        purchase_max=np.zeros(2),
    )
    reserves = {"P": np.array([100.0, 0.0])}
    asked = replace(problem, limits=limits, trade=trade, reserve_up=reserves)
    outcome = Simulator(asked).run(operation(asked, 10.0), np.full(2, 30.0))
    violations = {v.code: v for v in Limiter(asked).violations(outcome)}
    assert violations[ViolationCode.UNIT_UNAVAILABLE].mtus == (1,)
    assert violations[ViolationCode.RESERVE_UP].excess == pytest.approx(100 - (100 - 8.829))
    assert violations[ViolationCode.OBLIGATION_NOT_MET].excess == pytest.approx(20 - 8.829)
    assert violations[ViolationCode.OBLIGATION_EXCEEDED].excess == pytest.approx(8.829 - 5)
    assert outcome.sales == 0


def test_violations__ramping_of_plants_and_gates(watercourse):
    gate = {"name": "G", "reservoir": "Upper", "ramp_down": 2}
    spot = watercourse(plant={"ramp_up": 4}, gates=[gate])
    problem = Problem.of(spot, MtuGrid(START, 60, 3))
    chosen = operation(problem, 10.0, gate_flow=0.0)
    chosen.flow["U"][0] = 0.0
    chosen.on["U"][0] = False
    chosen.gate_flow["G"][:] = [5.0, 5.0, 1.0]
    outcome = Simulator(problem).run(chosen, np.zeros(3))
    violations = {v.code: v for v in Limiter(problem).violations(outcome)}
    assert violations[ViolationCode.DISCHARGE_RAMP].excess == pytest.approx(10 - 4)
    assert violations[ViolationCode.GATE_FLOW_RAMP].mtus == (2,)
