"""Inputs that are hard on a solver: its optimum is the one that SciPy finds with presolve on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import csc_array

from hydrobid.hydro.curves import convex_production
from hydrobid.hydro.formulation import formulate
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.schedule import ViolationCode
from hydrobid.hydro.solve import ScenarioSolver

PRICES = 40 + 30 * np.sin(np.arange(24) / 24 * 2 * np.pi)
SPIKE = np.where(np.arange(24) == 17, 4000.0, PRICES)


def _problem(watercourse, hours, upper=None, lower=None, plant=None):
    valley = watercourse(
        {"inflow": 8, "water_value": 5000} | (upper or {}),
        {"to": "Lower"} | (plant or {}),
        below=[{"inflow": 3, "water_value": 2000} | (lower or {})],
        plants_below=[
            {
                "name": "P2",
                "reservoir": "Lower",
                "outlet_level": -60,
                "units": [
                    {
                        "name": "U2",
                        "power_max": 50,
                        "turbine": [{"head": 60, "flow": [9, 15], "efficiency": [0.9, 0.85]}],
                    }
                ],
            }
        ],
    )
    return Problem.of(valley, hours(24))


def _dry(unit_level=0):
    return {"level": {"x": [0, 1], "y": [unit_level, unit_level]}}


@pytest.mark.parametrize(
    ("changes", "prices"),
    [
        pytest.param({"upper": {"water_value": 1e7}}, PRICES, id="dear water"),
        pytest.param({"lower": {"water_value": 1e-3}}, PRICES, id="worthless water"),
        pytest.param(
            {"upper": {"water_value": 1e7}, "lower": {"water_value": 1e-3}}, SPIKE, id="both"
        ),
        pytest.param({"upper": {"water_value": -500}}, PRICES, id="water that is a burden"),
        pytest.param({}, -PRICES, id="negative prices"),
        pytest.param({}, SPIKE, id="spike"),
        pytest.param({}, np.zeros(24), id="prices of zero"),
        pytest.param({"upper": {"start_volume": 1.0}}, SPIKE, id="full"),
        pytest.param({"upper": {"start_volume": 0.0, "inflow": 0}}, SPIKE, id="empty"),
        pytest.param({"upper": {"inflow": 0}, "lower": {"inflow": 0}}, PRICES, id="no inflow"),
        pytest.param({"upper": _dry()}, SPIKE, id="dry unit"),
        pytest.param({"upper": {"volume_max": 1e4, "start_volume": 5e3}}, PRICES, id="sea"),
        pytest.param({"upper": {"volume_max": 1e-3, "start_volume": 5e-4}}, SPIKE, id="puddle"),
    ],
)
def test_solve__is_optimal_where_numbers_are_hard(changes, prices, watercourse, hours):
    problem = _problem(watercourse, hours, **changes)

    schedule = ScenarioSolver(problem).solve(prices)

    model = formulate(problem, convex_production(problem))
    sparse = model.sparse
    shape = (sparse.height, sparse.width)
    found = linprog(
        model.costs(prices),
        A_eq=csc_array((sparse.value, sparse.index, sparse.starts), shape=shape),
        b_eq=sparse.row_lower,
        bounds=np.column_stack([sparse.lower, sparse.upper]),
    )
    assert found.status == 0
    # Below zero the model counts a curve's steepest slope, the schedule its own.
    slack = 1e-6 if prices.min() >= 0 else 0.02
    assert schedule.objective.total == pytest.approx(
        -found.fun - model.constant, rel=slack, abs=0.05
    )


def test_solve__a_full_reservoir_that_inflow_fills_spills_no_more_than_it_must(watercourse, hours):
    flooded = _problem(watercourse, hours, upper={"start_volume": 1.0, "inflow": 25})

    schedule = ScenarioSolver(flooded).solve(SPIKE)

    codes = {violation.code for violation in schedule.violations}
    assert codes == {ViolationCode.EMERGENCY_SPILL}
    assert schedule.discharge["P"] == pytest.approx([10.0] * 24)
    assert schedule.spill["Upper"] == pytest.approx([15.0] * 24)


def test_solve__a_dry_unit_produces_nothing(watercourse, hours):
    problem = _problem(watercourse, hours, upper=_dry())

    schedule = ScenarioSolver(problem).solve(SPIKE)

    assert schedule.plant_power["P"].tolist() == [0.0] * 24


def test_solve__scaling_prices_and_water_values_leaves_the_schedule(watercourse, hours):
    base = ScenarioSolver(_problem(watercourse, hours)).solve(PRICES)
    dear = _problem(watercourse, hours, upper={"water_value": 5e6}, lower={"water_value": 2e6})

    scaled = ScenarioSolver(dear).solve(1000 * PRICES)

    np.testing.assert_allclose(scaled.net_power, base.net_power, atol=1e-6)
