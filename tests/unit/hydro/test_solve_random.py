"""Random problems: what any schedule must keep, and that it hangs on nothing but its scenario."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_problems.strategies import prices, problems, watercourses

from hydrobid.domain.identifiers import ScenarioId
from hydrobid.hydro.curves import convex_production
from hydrobid.hydro.limits import ramping_hours
from hydrobid.hydro.schedule import Schedule, ViolationCode
from hydrobid.hydro.solve import ScenarioSolver, solve_scenarios

quick = settings(max_examples=60, deadline=None)


def _arrivals(flow, minutes, horizon):
    """What of a flow (m3/s) arrives in each period, Mm3, followed drop by drop."""
    bounds = np.rint(horizon.hours_since_start * 60).astype(int)
    arrived = np.zeros(len(flow))
    for left, rate in enumerate(flow):
        for minute in range(bounds[left], bounds[left + 1]):
            came = int(np.searchsorted(bounds, minute + minutes, side="right")) - 1
            if came < len(flow):
                arrived[came] += rate * 60 / 1e6
    return arrived


def _ways(watercourse, schedule):
    """Each flow with where it leaves and where it is sent."""
    for plant in watercourse.plants:
        yield plant.reservoir, plant.to, schedule.discharge[plant.name]
        for pump in plant.pumps:
            yield plant.to, plant.reservoir, schedule.pumping[pump.name]
    for gate in watercourse.gates:
        yield gate.reservoir, gate.to, schedule.gate_flow[gate.name]
    for reservoir in watercourse.reservoirs:
        if reservoir.name in schedule.spill:
            outlets = [*watercourse.gates, *watercourse.plants]
            sent = next(outlet.to for outlet in outlets if outlet.reservoir == reservoir.name)
            overflow = reservoir.overflow
            to = sent if overflow is None else overflow.to
            yield reservoir.name, to, schedule.spill[reservoir.name]


@quick
@given(st.data())
def test_schedule__keeps_the_water_balance(data):
    problem = data.draw(problems())
    horizon, reservoirs = problem.horizon, problem.watercourse.reservoirs

    schedule = ScenarioSolver(problem).solve(data.draw(prices(len(problem), low=-300.0)))

    gains = {
        r.name: (problem.inflow[r.name] + problem.start.under_way.get(r.name, 0.0))
        * horizon.hours
        * 3600
        / 1e6
        for r in reservoirs
    }
    for source, to, flow in _ways(problem.watercourse, schedule):
        assert flow.min() >= 0
        gains[source] = gains[source] - flow * horizon.hours * 3600 / 1e6
        target, minutes = problem.watercourse.downstream(to)
        if target is not None:
            gains[target] = gains[target] + _arrivals(flow, minutes, horizon)
    for at, reservoir in enumerate(reservoirs):
        volume = schedule.volume[reservoir.name]
        assert volume[0] == pytest.approx(problem.start.volume[at])
        np.testing.assert_allclose(np.diff(volume), gains[reservoir.name], atol=1e-6)
    power = np.sum(list(schedule.plant_power.values()), axis=0)
    np.testing.assert_allclose(schedule.net_power, power, atol=1e-5)


def _excesses(problem, schedule):
    """By how much each limit is passed in each period, whoever has to say so."""
    limits, code = problem.limits, ViolationCode
    for at, reservoir in enumerate(problem.watercourse.reservoirs):
        name, volume = reservoir.name, schedule.volume[reservoir.name][1:]
        # A start beyond a limit may stay there.
        start = problem.start.volume[at]
        least = np.where(limits.volume_min[name] > reservoir.volume_min, limits.volume_min[name], 0)
        yield code.VOLUME_BELOW_MINIMUM, name, least - volume
        yield None, name, min(reservoir.volume_min, start) - volume
        yield None, name, volume - max(reservoir.volume_max, start)
        for soft, sign, kind in (
            (reservoir.volume_soft_min, 1, code.VOLUME_BELOW_SOFT_MINIMUM),
            (reservoir.volume_soft_max, -1, code.VOLUME_ABOVE_SOFT_MAXIMUM),
        ):
            if soft is not None:
                yield kind, name, sign * (soft.volume - volume)
    outlets = [
        (problem.watercourse.plants, schedule.discharge, limits.discharge_min, "DISCHARGE"),
        (problem.watercourse.gates, schedule.gate_flow, limits.gate_flow_min, "GATE_FLOW"),
    ]
    for elements, flows, least, kind in outlets:
        for element in elements:
            flow = flows[element.name]
            yield code[f"{kind}_BELOW_MINIMUM"], element.name, least[element.name] - flow
            yield code[f"{kind}_RAMP"], element.name, _ramp(problem, element, flow)
    for plant in problem.watercourse.plants:
        (part,) = convex_production(problem)[plant.name].ranges
        most = np.minimum(limits.discharge_max[plant.name], part.widths.sum(axis=0))
        yield None, plant.name, schedule.discharge[plant.name] - most


def _ramp(problem, element, flow):
    before = problem.start.flow.get(element.name, np.nan)
    change = np.diff(np.concatenate([[before], flow])) / ramping_hours(problem.horizon)
    up = -np.inf if element.ramp_up is None else change - element.ramp_up
    down = -np.inf if element.ramp_down is None else -change - element.ramp_down
    return np.nan_to_num(np.maximum(up, down), nan=-1.0)


@quick
@given(st.data())
def test_schedule__breaks_no_limit_that_it_does_not_report(data):
    problem = data.draw(problems())

    schedule = ScenarioSolver(problem).solve(data.draw(prices(len(problem), low=-300.0)))

    told = {(v.code, v.element): set(v.mtus) for v in schedule.violations}
    for code, element, excess in _excesses(problem, schedule):
        broken = set(np.flatnonzero(excess > 5e-5).tolist())
        assert broken <= told.get((code, element), set()), (code, element, excess)
    priced = sum(violation.penalty for violation in schedule.violations)
    assert schedule.objective.penalties == pytest.approx(priced, abs=1e-3)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_solve__is_the_same_whatever_the_chunk_and_the_order(data, hours):
    watercourse, grid = data.draw(watercourses()), hours(12, 15)
    series = data.draw(st.lists(prices(12, low=-300.0), min_size=2, max_size=5))
    scenarios = {ScenarioId(f"s{number}"): values for number, values in enumerate(series)}
    wet = {watercourse.reservoirs[0].name: np.full(12, 30.0)}
    inflows = {ScenarioId("s1"): wet}

    together = dict(solve_scenarios(watercourse, grid, scenarios, inflows))
    reverse = dict(reversed(scenarios.items()))
    reversed_order = dict(solve_scenarios(watercourse, grid, reverse, inflows))

    for scenario, values in scenarios.items():
        alone = dict(solve_scenarios(watercourse, grid, {scenario: values}, inflows))
        document = _text(together[scenario])
        assert _text(reversed_order[scenario]) == document
        assert _text(alone[scenario]) == document  # iterations included


def _text(schedule):
    assert isinstance(schedule, Schedule)
    return json.dumps(schedule.to_document(), sort_keys=True)


def test_solve__yields_in_the_order_given_before_the_next_is_solved(watercourse, hours):
    scenarios = {ScenarioId(name): np.array([1.0, 2.0]) for name in ("b", "a")}
    scenarios[ScenarioId("c")] = np.array([np.inf, 0.0])

    outcomes = solve_scenarios(watercourse(), hours(2), scenarios)

    assert next(outcomes)[0] == "b"
    assert [scenario for scenario, _ in outcomes] == ["a", "c"]
