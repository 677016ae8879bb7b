"""Schedules whose right answer can be computed on paper. One hour at full flow is 0.036 Mm3."""

from __future__ import annotations

import numpy as np
import pytest

from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.watercourse import Gate
from hydrobid.hydro import highs
from hydrobid.hydro.curves import convex_production
from hydrobid.hydro.penalties import penalty_prices
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.schedule import FailureCode, SolveFailure, Termination, ViolationCode
from hydrobid.hydro.solve import solve_scenarios

FULL = 8.829  # MW at 10 m3/s
WATER = 0.036  # Mm3 an hour at 10 m3/s
WORTH = FULL / WATER  # MWh for each Mm3


def test_solve__produces_in_the_dearest_hours_until_the_water_is_gone(watercourse, solve):
    schedule = solve(watercourse({"start_volume": 2.5 * WATER}), [10, 40, 30, 20])

    assert schedule.termination is Termination.OPTIMAL
    assert schedule.net_power == pytest.approx([0, FULL, FULL, FULL / 2], abs=1e-6)
    assert schedule.volume["Upper"] == pytest.approx([0.09, 0.09, 0.054, 0.018, 0], abs=1e-9)
    assert schedule.objective.sales == pytest.approx(FULL * 80, abs=1e-3)
    assert schedule.objective.total == schedule.objective.sales
    assert schedule.violations == ()


def test_solve__keeps_water_that_is_worth_more_later(watercourse, solve):
    schedule = solve(watercourse({"water_value": 25 * WORTH}), [10, 40, 30, 20])

    assert schedule.net_power == pytest.approx([0, FULL, FULL, 0], abs=1e-6)
    assert schedule.objective.end_value == pytest.approx((0.5 - 2 * WATER) * 25 * WORTH, rel=1e-6)


def test_solve__uses_equal_hours_from_the_first_on(watercourse, solve):
    schedule = solve(watercourse({"start_volume": 1.5 * WATER}), [20, 20, 20, 20])

    assert schedule.discharge["P"] == pytest.approx([10, 5, 0, 0], abs=1e-6)


def test_solve__sells_the_spike_and_nothing_below_zero(watercourse, solve):
    schedule = solve(watercourse({"start_volume": WATER}), [4000, -500, 3999.9, -0.1])

    assert schedule.net_power == pytest.approx([FULL, 0, 0, 0], abs=1e-6)


def test_solve__spills_through_a_gate_rather_than_pay_for_power(watercourse, solve):
    full = {"start_volume": 1.0, "inflow": 5}
    gate = {"name": "G", "reservoir": "Upper"}

    schedule = solve(watercourse(full, gates=[gate]), [-100, -100])

    assert schedule.gate_flow["G"] == pytest.approx([5, 5], abs=1e-6)
    assert (schedule.objective.total, schedule.violations) == (0, ())


def test_solve__pays_for_power_rather_than_spill_past_every_gate(watercourse, solve):
    schedule = solve(watercourse({"start_volume": 1.0, "inflow": 5}), [-500, -500])

    assert sum(schedule.discharge["P"]) == pytest.approx(10, abs=1e-6)
    assert schedule.violations == ()


def test_solve__reports_the_spill_that_nothing_else_could_take(watercourse, solve, hours):
    flooded = watercourse({"start_volume": 1.0, "inflow": 14}, below=[{"name": "Lower"}])

    schedule = solve(flooded, [50, 50])

    (violation,) = schedule.violations
    assert schedule.spill["Upper"] == pytest.approx([4, 4], abs=1e-6)
    assert (violation.code, violation.element) == (ViolationCode.EMERGENCY_SPILL, "Upper")
    assert (violation.mtus, violation.water) == ((0, 1), pytest.approx(8 * 0.0036))
    problem = Problem.of(flooded, hours(2))
    price = penalty_prices(problem, convex_production(problem)).flow
    assert violation.penalty == pytest.approx(8 * price)
    assert schedule.objective.penalties == violation.penalty


def test_solve__reports_a_minimum_flow_that_the_water_does_not_suffice_for(watercourse, solve):
    gate = {"name": "G", "reservoir": "Upper", "flow_min": 3.0}

    schedule = solve(watercourse({"start_volume": 0.0, "inflow": 2}, gates=[gate]), [4000, 4000])

    (violation,) = schedule.violations
    assert schedule.gate_flow["G"] == pytest.approx([2, 2], abs=1e-6)
    assert violation.code is ViolationCode.GATE_FLOW_BELOW_MINIMUM
    assert violation.water == pytest.approx(2 * 0.0036)


def test_solve__reports_a_minimum_discharge_beyond_the_units(watercourse, solve):
    schedule = solve(watercourse(plant={"discharge_min": 12}), [-10, 50])

    (violation,) = schedule.violations
    assert schedule.discharge["P"] == pytest.approx([10, 10], abs=1e-6)
    assert violation.code is ViolationCode.DISCHARGE_BELOW_MINIMUM
    assert (violation.element, violation.mtus) == ("P", (0, 1))
    assert violation.water == pytest.approx(4 * 0.0036)


def test_solve__counts_a_minimum_below_zero_at_the_slope_that_units_have(watercourse, solve):
    turbine = [{"head": 100, "flow": [10, 20], "efficiency": [0.9, 0.8]}]
    unit = {"name": "U", "power_max": 100, "turbine": turbine}

    schedule = solve(watercourse(plant={"units": [unit], "discharge_min": 5}), [-10])

    assert schedule.net_power == pytest.approx([FULL / 2], abs=1e-6)


def test_solve__does_not_mistake_the_flattest_segment_for_the_first_below_zero(watercourse, solve):
    # Sending water down is worth 7.5 for each m3/s and hour. At -10 the first segment pays 8.8 to
    # do so; the second alone would pay 6.9, but no unit runs its second segment alone.
    turbine = [{"head": 100, "flow": [10, 20], "efficiency": [0.9, 0.8]}]
    plant = {"to": "Lower", "units": [{"name": "U", "power_max": 100, "turbine": turbine}]}
    lower = {"name": "Lower", "water_value": 7.5 / 0.0036}

    schedule = solve(watercourse(None, plant, below=[lower]), [-10])

    assert schedule.discharge["P"] == pytest.approx([0])


def test_solve__water_arrives_after_its_delay_in_the_mtus_that_it_falls_in(watercourse, solve):
    below = [{"name": "Lower", "start_volume": 0.0, "water_value": 100.0}]
    river = {"name": "V", "to": "Lower", "delay_minutes": 90}
    delayed = watercourse({"start_volume": WATER}, {"to": "V"}, below=below, rivers=[river])

    early = solve(delayed, [50, 1, 1, 1])
    late = solve(delayed, [1, 1, 50, 1])

    assert early.volume["Lower"] == pytest.approx([0, 0, WATER / 2, WATER, WATER], abs=1e-9)
    assert late.volume["Lower"] == pytest.approx([0, 0, 0, 0, WATER / 2], abs=1e-9)
    # Half is still under way when the horizon ends, and is worth as much as what has arrived.
    assert late.objective.end_value == early.objective.end_value == pytest.approx(100 * WATER)


def test_solve__pumps_when_power_is_cheap_and_produces_when_it_is_dear(watercourse, solve):
    pump = {"name": "X", "power_max": 9.81, "efficiency": 0.8}  # 8 m3/s over 100 m
    pumped = watercourse(
        {"start_volume": 0.0},
        {"to": "Lower", "pumps": [pump]},
        below=[{"name": "Lower", "start_volume": 1.0}],
    )

    schedule = solve(pumped, [5, 50])

    assert schedule.pumping["X"] == pytest.approx([8, 0], abs=1e-6)
    assert schedule.discharge["P"] == pytest.approx([0, 8], abs=1e-6)
    assert schedule.net_power == pytest.approx([-9.81, FULL * 0.8], abs=1e-6)
    assert schedule.volume["Upper"] == pytest.approx([0, 8 * 0.0036, 0], abs=1e-9)


def test_solve__does_not_pump_where_the_round_trip_loses(watercourse, solve):
    pump = {"name": "X", "power_max": 9.81, "efficiency": 0.8}
    pumped = watercourse(
        {"start_volume": 0.0},
        {"to": "Lower", "pumps": [pump]},
        below=[{"name": "Lower", "start_volume": 1.0}],
    )

    schedule = solve(pumped, [37, 50])  # 0.9 x 0.8 of 50 is 36

    assert schedule.net_power == pytest.approx([0, 0])


def test_solve__an_empty_reservoir_without_inflow_stands_still(watercourse, solve):
    schedule = solve(watercourse({"start_volume": 0.0}), [4000] * 4)

    assert schedule.net_power == pytest.approx([0] * 4)
    assert schedule.objective.total == 0


def test_solve__two_reservoirs_follow_the_price_around_the_worth_of_their_water(watercourse, solve):
    efficiency = [0.86, 0.91, 0.94, 0.92]
    units = [
        {
            "name": name,
            "power_max": 120,
            "turbine": [{"head": 200, "flow": [28, 40, 52, 59], "efficiency": efficiency}],
        }
        for name in ("A", "B")
    ]
    upper = {
        "volume_max": 39,
        "start_volume": 30,
        "level": {"x": [0, 39], "y": [860, 905]},
        "water_value": 19_500,
    }
    lower = {
        "name": "Lower",
        "volume_max": 97,
        "start_volume": 56,
        "level": {"x": [0, 97], "y": [650, 679]},
        "inflow": 60,
        "water_value": 2_000,
    }
    second = {
        "name": "P2",
        "reservoir": "Lower",
        "outlet_level": 586,
        "units": [unit | {"name": unit["name"] + "2"} for unit in units],
    }
    gates = [
        {"name": "G1", "reservoir": "Upper", "to": "Lower"},
        {"name": "G2", "reservoir": "Lower"},
    ]
    plant = {"to": "Lower", "outlet_level": 672, "units": units}
    example = watercourse(upper, plant, below=[lower], plants_below=[second], gates=gates)
    prices = 35 + 30 * np.sin(np.arange(96) / 96 * 2 * np.pi)

    schedule = solve(example, prices.tolist(), minutes=15)

    order = np.argsort(prices)
    for name in ("P", "P2"):
        power = schedule.plant_power[name][order]
        assert np.all(np.diff(power) >= -1e-6), f"{name} falls as the price rises"
        assert power[0] == 0
        assert power[-1] > 85
    assert schedule.gate_flow["G2"].max() == 0
    assert schedule.violations == ()


def test_solve__prices_that_do_not_fit_fail_alone(watercourse, hours):
    prices = {
        ScenarioId("short"): np.array([1.0]),
        ScenarioId("holed"): np.array([1.0, np.nan]),
        ScenarioId("good"): np.array([1.0, 2.0]),
    }

    outcomes = dict(solve_scenarios(watercourse(), hours(2), prices))

    assert outcomes["short"].code is FailureCode.INVALID_PRICES
    assert outcomes["holed"].to_document()["details"] == {
        "shape": [2],
        "finite": 1,
        "expected": 2,
    }
    assert outcomes["good"].termination is Termination.OPTIMAL


def test_solve__water_that_cannot_get_away_is_a_failure_not_a_crash(watercourse, solve):
    """A circle, which the domain refuses, made behind its back: the solver must not trust it."""
    full = {"start_volume": 1.0, "inflow": 20}
    valley = watercourse(full, {"to": "Lower"}, below=[full | {"name": "Lower"}])
    circle = (
        Gate(name="Down", reservoir="Upper", to="Lower"),
        Gate(name="Up", reservoir="Lower", to="Upper"),
    )

    outcome = solve(valley.model_copy(update={"gates": circle}), [10, 10])

    assert isinstance(outcome, SolveFailure)
    assert outcome.code is FailureCode.INFEASIBLE


def test_solve__the_iteration_limit_leaves_a_feasible_schedule_or_a_failure(
    watercourse, solve, monkeypatch
):
    monkeypatch.setattr(highs, "ITERATIONS_PER_ROW", 0)

    feasible = solve(watercourse({"start_volume": WATER}), [10, 20, 30])
    flooded = solve(watercourse({"start_volume": 1.0, "inflow": 14}), [10, 20, 30])

    assert feasible.termination is Termination.ITERATION_LIMIT
    assert min(feasible.volume["Upper"]) >= 0
    assert flooded.code is FailureCode.ITERATION_LIMIT


def test_schedule__document_holds_no_negative_zero_and_no_numpy(watercourse, solve):
    document = solve(watercourse(), [-10, 10]).to_document()

    assert document["termination"] == "optimal"
    assert all(type(value) is float for value in document["net_power"])
    assert "-0.0" not in str(document)
