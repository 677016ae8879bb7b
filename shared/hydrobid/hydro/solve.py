"""Solves price scenarios of one watercourse; the only door to the solver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier, ScenarioId
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.accounting import TOLERANCE, Accounts, Choice
from hydrobid.hydro.curves import Production, committed_production, convex_production
from hydrobid.hydro.formulation import formulate, natural_water
from hydrobid.hydro.highs import LinearSolver, SearchLimits, WholeSolver
from hydrobid.hydro.inspection import Inspection
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import FailureCode, Method, Schedule, SolveFailure

Array = NDArray[np.float64]


def solve_scenarios(
    watercourse: Watercourse,
    grid: MtuGrid,
    prices: Mapping[ScenarioId, Array],
    inflows: Mapping[ScenarioId, Mapping[Identifier, Array]] | None = None,
) -> Iterator[tuple[ScenarioId, Schedule | SolveFailure]]:
    """Yield each scenario's schedule of a delivery day by itself, as `solve_problem` does.

    prices: (T,) currency per MWh of each scenario, T the MTUs of `grid`. inflows: m3/s (T,) to
    reservoirs in a scenario, where they are not the problem's.
    """
    scenarios = {
        scenario: Scenario(values, (inflows or {}).get(scenario, {}))
        for scenario, values in prices.items()
    }
    return solve_problem(Problem.of(watercourse, grid), scenarios)


def solve_problem(
    problem: Problem, scenarios: Mapping[ScenarioId, Scenario]
) -> Iterator[tuple[ScenarioId, Schedule | SolveFailure]]:
    """Yield each scenario's schedule of one problem in the order given, as soon as it is solved.

    The model is built once; a scenario's schedule is the same whatever is solved before it. What
    cannot be solved yields a SolveFailure.
    """
    solver = ScenarioSolver(problem)
    for name, scenario in scenarios.items():
        yield name, solver.solve(scenario.prices, scenario.inflow)


class ScenarioSolver:
    """One problem at the head of its start, solved at many prices and inflows.

    commitment: whether units are on or off, which makes a mixed-integer model; without it the
    model is linear. limits: of its search.
    """

    def __init__(
        self, problem: Problem, *, commitment: bool = False, limits: SearchLimits | None = None
    ) -> None:
        self.problem, self._limits = problem, limits or SearchLimits()
        if commitment:
            self._production = committed_production(problem)
            self._method = Method.MIXED_INTEGER
            self._reason = _COMMITMENT
        else:
            self._production = convex_production(problem)
            self._method, self._reason = Method.LINEAR, _reason(problem)
        self._model = _Model(problem, self._production, self._limits)

    def solve(
        self, prices: Array, inflow: Mapping[Identifier, Array] | None = None
    ) -> Schedule | SolveFailure:
        """Return the best schedule at (T,) prices and, where given, other (T,) inflows in m3/s."""
        if prices.shape != (len(self.problem),) or not np.all(np.isfinite(prices)):
            return _invalid_prices(prices, len(self.problem))
        choice = Choice(self._method, self._reason)
        schedule = self._model.solve(prices, inflow, choice)
        if isinstance(schedule, Schedule) and self._runs_in_circles(schedule, prices):
            choice = Choice(Method.MIXED_INTEGER, f"{self._reason}; {_ONE_WAY}")
            return self._one_way.solve(prices, inflow, choice)
        return schedule

    def _runs_in_circles(self, schedule: Schedule, prices: Array) -> bool:
        """Whether a plant pumps and generates at once, only to use up power at negative prices."""
        for plant in self.problem.watercourse.plants if np.any(prices < 0) else ():
            pumped = np.sum([schedule.pumping[pump.name] for pump in plant.pumps], axis=0)
            both = np.minimum(pumped, schedule.discharge[plant.name])
            if np.any((both > TOLERANCE) & (prices < 0)):
                return True
        return False

    @cached_property
    def _one_way(self) -> _Model:
        """The model in which a plant pumps or generates; built when first a price asks for it."""
        return _Model(self.problem, self._production, self._limits, one_way=True)


_COMMITMENT = "mixed-integer model: units are on or off, at the head of the start"
_ONE_WAY = "either pumping or generating in a plant, since prices below zero would pay for both"


class _Model:
    """A formulation with its solver and its accounts."""

    def __init__(
        self,
        problem: Problem,
        production: Production,
        limits: SearchLimits,
        *,
        one_way: bool = False,
    ) -> None:
        self._problem = problem
        self._model = formulate(problem, production, one_way=one_way)
        self._accounts = Accounts(self._model)
        sparse, basic, nonbasic = self._model.sparse, self._model.basic, self._model.nonbasic
        self._solver: LinearSolver | WholeSolver
        if np.any(sparse.integer):
            self._solver = WholeSolver(sparse, basic, nonbasic, limits)
        else:
            self._solver = LinearSolver(sparse, basic, nonbasic)
        self._inspection = (
            Inspection(self._model, self._accounts.moves) if self._model.plain else None
        )
        self._natural = self._accounts.natural
        self._changed = False

    def solve(
        self, prices: Array, inflow: Mapping[Identifier, Array] | None, choice: Choice
    ) -> Schedule | SolveFailure:
        """Return the best schedule, or why there is none."""
        natural = self._natural if not inflow else self._natural_at(inflow)
        costs = self._model.costs(prices)
        solution = None if self._inspection is None else self._inspection.solve(costs, natural)
        if solution is None:
            if inflow or self._changed:
                self._solver.change_rows(self._model.balance.ravel(), natural.ravel())
                self._changed = bool(inflow)
            found = self._solver.solve(costs)
            if isinstance(found, SolveFailure):
                return found
            solution = found
        return self._accounts.schedule(solution, prices, choice, natural)

    def _natural_at(self, inflow: Mapping[Identifier, Array]) -> Array:
        reservoirs = self._problem.watercourse.reservoirs
        return np.array(
            [
                natural_water(self._problem, at, inflow.get(r.name))
                for at, r in enumerate(reservoirs)
            ]
        )


def beyond_linear(problem: Problem) -> list[str]:
    """Return what units and pumps state that no linear model can hold."""
    plants = problem.watercourse.plants
    units = [unit for plant in plants for unit in plant.units]
    stated = {
        "power_min": any(unit.power_min for unit in units),
        "start_cost": any(machine.start_cost for plant in plants for machine in plant.machines),
        "stop_cost": any(unit.stop_cost for unit in units),
        "up_time_min": any(unit.up_time_min for unit in units),
        "down_time_min": any(unit.down_time_min for unit in units),
        "forbidden_zones": any(unit.forbidden_zones for unit in units),
    }
    return [name for name, is_stated in stated.items() if is_stated]


def _reason(problem: Problem) -> str:
    """Say why the model is linear and what it leaves out for that."""
    names = beyond_linear(problem)
    if not names:
        return "linear model: production is concave and no unit's commitment is at stake"
    return f"linear model: bids are made of convex schedules, without {', '.join(names)}"


def _invalid_prices(values: Array, mtus: int) -> SolveFailure:
    finite = int(np.count_nonzero(np.isfinite(values)))
    return SolveFailure(
        FailureCode.INVALID_PRICES,
        f"{finite} finite prices in an array of shape {values.shape}; expected {mtus}, one an MTU",
        {"shape": list(values.shape), "finite": finite, "expected": mtus},
    )
