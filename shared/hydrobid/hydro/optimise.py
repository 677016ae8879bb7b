"""The best schedule of one problem at one scenario's prices, by the method that suits it."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from hydrobid.hydro.problem import Problem, Series
from hydrobid.hydro.schedule import Schedule, SolveFailure, Timings
from hydrobid.hydro.solve import ScenarioSolver


@dataclass(frozen=True)
class Optimised:
    """What came of it, and how long each part took."""

    result: Schedule | SolveFailure
    timings: Timings


def optimise(problem: Problem, prices: Series, *, prove: bool = False) -> Optimised:
    """Return the best schedule at (T,) prices in currency per MWh, or why there is none.

    prove: whether to look for an upper bound on what any schedule is worth, under a budget of
    its own.
    """
    del prove  # a linear model's optimum is its own bound
    started = perf_counter()
    solver = ScenarioSolver(problem)
    built = perf_counter()
    result = solver.solve(prices)
    return Optimised(result, Timings(build=built - started, solve=perf_counter() - built))
