"""Random problems against an independent formulation of them: what the best schedule is worth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_problems.independent import IndependentModel
from random_problems.strategies import prices, problems

from hydrobid.hydro.curves import committed_production, convex_production
from hydrobid.hydro.formulation import formulate
from hydrobid.hydro.highs import SearchLimits, WholeSolver
from hydrobid.hydro.schedule import Method, Termination
from hydrobid.hydro.solve import ScenarioSolver

# Linopy takes half a second for a model: few examples, always the same ones.
few = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
EXACT = SearchLimits(gap=1e-9)
# Flows are rounded to 1e-6 m3/s, each worth up to 4000 a MWh or a penalty of 20 000.
ROUNDING = 0.5


@few
@given(st.data())
def test_linear_schedule__is_worth_what_an_independent_optimum_is(data):
    problem = data.draw(problems())
    values = data.draw(prices(len(problem)))

    schedule = ScenarioSolver(problem).solve(values)

    expected = IndependentModel(problem, convex_production(problem), values).worth()
    assert (schedule.termination, schedule.method) == (Termination.OPTIMAL, Method.LINEAR)
    assert schedule.objective.total == pytest.approx(expected, rel=1e-6, abs=ROUNDING)
    assert schedule.bound == schedule.objective.total


@few
@given(st.data())
def test_committed_schedule__is_worth_what_an_independent_optimum_is(data):
    problem = data.draw(problems(commitment=True))
    values = data.draw(prices(len(problem)))

    schedule = ScenarioSolver(problem, commitment=True, limits=EXACT).solve(values)

    expected = IndependentModel(problem, committed_production(problem), values).worth()
    assert schedule.method is Method.MIXED_INTEGER
    assert schedule.objective.total == pytest.approx(expected, rel=1e-6, abs=ROUNDING)


@few
@given(st.data())
def test_model__is_an_independent_one_below_zero_and_with_one_way_through_a_plant(data):
    problem = data.draw(problems())
    values = data.draw(prices(len(problem), low=-300.0))
    production = convex_production(problem)
    model = formulate(problem, production, one_way=True)

    solution = WholeSolver(model.sparse, model.basic, model.nonbasic, EXACT).solve(
        model.costs(values)
    )

    expected = IndependentModel(problem, production, values, one_way=True).worth()
    trade, hours = problem.trade, problem.horizon.hours
    free = np.isinf(trade.sale_max) & np.isinf(trade.purchase_max) & (trade.purchase_markup == 0)
    sold = float(np.sum((values * trade.obligation * hours)[free]))
    # What breaks ties costs at most 2e-5 a MWh.
    worth = -solution.objective - model.constant - sold
    assert worth == pytest.approx(expected, rel=1e-6, abs=0.05)
