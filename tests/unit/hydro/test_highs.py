"""What the solver says of models that have no optimum, or that it may not finish."""

from __future__ import annotations

import numpy as np
import pytest

from hydrobid.hydro import highs
from hydrobid.hydro.highs import LinearSolver, SearchLimits, WholeSolver
from hydrobid.hydro.schedule import FailureCode, SolveFailure, Termination
from hydrobid.hydro.sparse import ModelBuilder

NONE = np.zeros(0, dtype=int)


def _knapsack(items, seed=0):
    """Whole items, worth what they weigh, under several limits: a search of many nodes."""
    rng = np.random.default_rng(seed)
    builder = ModelBuilder()
    weights = rng.integers(20, 100, (4, items))
    items_in = builder.columns(items, upper=1.0, integer=True, cost=-weights.sum(axis=0))
    for weight in weights:
        row = builder.rows(1, "weight", upper=weight.sum() // 2)
        builder.add(np.repeat(row, items), items_in, weight)
    return builder.build()


def test_linear_solver__names_the_rows_that_cannot_hold_together():
    builder = ModelBuilder()
    x = builder.columns(3, upper=10.0)
    builder.add(builder.rows(3, "harmless", upper=8.0), x, 1.0)
    builder.add(builder.rows(3, "at least", lower=[0.0, 7.0, 0.0]), x, 1.0)
    builder.add(builder.rows(3, "at most", upper=[9.0, 6.0, 9.0]), x, 1.0)
    model = builder.build()

    failure = LinearSolver(model, NONE, NONE).solve(model.costs)

    assert isinstance(failure, SolveFailure)
    assert failure.code is FailureCode.INFEASIBLE
    assert sorted(failure.details["conflict"]) == ["at least [1]", "at most [1]"]
    assert "at least [1]" in failure.message


def test_linear_solver__says_that_a_model_is_unbounded():
    builder = ModelBuilder()
    x = builder.columns(2, cost=-1.0)
    builder.add(builder.rows(2, "lower", lower=1.0), x, 1.0)
    model = builder.build()

    assert LinearSolver(model, NONE, NONE).solve(model.costs).code is FailureCode.UNBOUNDED


def test_linear_solver__stops_at_its_iteration_limit(monkeypatch):
    monkeypatch.setattr(highs, "ITERATIONS_PER_ROW", 0)
    builder = ModelBuilder()
    x = builder.columns(2, cost=1.0)
    row = builder.rows(1, "both", lower=1.0)
    builder.add(np.repeat(row, 2), x, 1.0)
    model = builder.build()

    assert LinearSolver(model, NONE, NONE).solve(model.costs).code is FailureCode.ITERATION_LIMIT


def test_whole_solver__stops_at_its_node_limit_with_what_it_has():
    model = _knapsack(14)
    limits = SearchLimits(gap=0.0, nodes=1)

    stopped = WholeSolver(model, NONE, NONE, limits).solve(model.costs)
    finished = WholeSolver(model, NONE, NONE, SearchLimits(gap=0.0)).solve(model.costs)

    assert stopped.termination is Termination.NODE_LIMIT
    assert stopped.bound <= finished.objective + 1e-9 <= stopped.objective + 2e-9
    assert finished.termination is Termination.OPTIMAL
    assert set(np.unique(finished.columns)) == {0.0, 1.0}


def test_whole_solver__counts_its_seconds_anew_for_each_solve():
    model = _knapsack(25)
    limits = SearchLimits(gap=0.0, nodes=10**9, seconds=0.5)
    solver = WholeSolver(model, NONE, NONE, limits)

    results = [solver.solve(model.costs) for _ in range(3)]

    # The second would have no time left to find anything, were the first's counted.
    assert [result.termination for result in results] == [Termination.TIME_LIMIT] * 3


def test_whole_solver__names_the_rows_that_cannot_hold_together():
    builder = ModelBuilder()
    x = builder.columns(1, upper=1.0, integer=True)
    builder.add(builder.rows(1, "on", lower=1.0), x, 1.0)
    builder.add(builder.rows(1, "off", upper=0.0), x, 1.0)
    model = builder.build()

    failure = WholeSolver(model, NONE, NONE, SearchLimits()).solve(model.costs)

    assert failure.code is FailureCode.INFEASIBLE
    assert failure.details["conflict"] == pytest.approx(["on [0]", "off [0]"])
