"""The best schedule of one problem at one scenario's prices, by the method that suits it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from hydrobid.domain.canonical import MONEY_DECIMALS, rounded
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.watercourse import Plant, Reservoir
from hydrobid.hydro.evaluation import schedule_of
from hydrobid.hydro.head_search import HeadSearch, searched
from hydrobid.hydro.problem import Problem, Series
from hydrobid.hydro.proof.proving import Proof
from hydrobid.hydro.proof.proving import prove as proved
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import Method, Schedule, SolveFailure, Termination, Timings
from hydrobid.hydro.solve import ScenarioSolver, beyond_linear


@dataclass(frozen=True)
class Optimised:
    """What came of it, how long each part took and, where no bound could be proven, why."""

    result: Schedule | SolveFailure
    timings: Timings
    unproven: str = ""


def optimise(problem: Problem, prices: Series, *, prove: bool = False) -> Optimised:
    """Return the best schedule at (T,) prices in currency per MWh, or why there is none.

    Where all that is asked for is linear the optimum of one linear model is it. Where units'
    commitment or changing heads are at stake it is searched by exact simulation. prove: whether
    to look for an upper bound on what any schedule is worth, under a budget of its own.
    """
    started = perf_counter()
    stakes = at_stake(problem)
    if not stakes or not _sound(prices, len(problem)):  # the linear way out says what is unsound
        solver = ScenarioSolver(problem)
        built = perf_counter()
        result = solver.solve(prices)
        return Optimised(result, Timings(build=built - started, solve=perf_counter() - built))
    found = searched(problem, prices)
    solved = perf_counter()
    if isinstance(found, SolveFailure):
        return Optimised(found, Timings(solve=solved - started))
    schedule = _schedule(problem, prices, found, f"exact search: {', '.join(stakes)} at stake")
    simulated = perf_counter()
    proof = proved(found) if prove else Proof(None)
    schedule = replace(schedule, bound=proof.bound)
    timings = Timings(
        solve=solved - started, simulate=simulated - solved, prove=perf_counter() - simulated
    )
    return Optimised(schedule, timings, proof.why_not)


def _sound(prices: Series, periods: int) -> bool:
    return prices.shape == (periods,) and bool(np.all(np.isfinite(prices)))


def optimise_problem(
    problem: Problem, scenarios: Mapping[ScenarioId, Scenario]
) -> Iterator[tuple[ScenarioId, Schedule | SolveFailure]]:
    """Yield each scenario's best schedule of one problem in the order given, as it is found."""
    for name, scenario in scenarios.items():
        yield name, optimise(scenario.of(problem), scenario.prices).result


def at_stake(problem: Problem) -> list[str]:
    """Return what a linear model of the problem would leave out; nothing: it is exact enough."""
    changing = any(_changes_level(reservoir) for reservoir in problem.watercourse.reservoirs)
    shared = any(_shares_a_loss(plant) for plant in problem.watercourse.plants)
    return [
        *beyond_linear(problem),
        *(["changing heads"] if changing else []),
        *(["losses of several machines"] if shared else []),
    ]


def _shares_a_loss(plant: Plant) -> bool:
    """Whether what one machine lets through costs another head, or a pump has to lift over more."""
    if plant.main_loss and len(plant.machines) > 1:
        return True
    losses = enumerate(plant.penstock_loss, start=1)
    lossy = {number for number, loss in losses if loss}
    users = [machine.penstock for machine in plant.machines if machine.penstock in lossy]
    return len(users) > len(set(users)) or any(p.penstock in lossy for p in plant.pumps)


def _changes_level(reservoir: Reservoir) -> bool:
    limits = [reservoir.volume_min, reservoir.volume_max]
    low, high = np.interp(limits, reservoir.level.x, reservoir.level.y)
    return bool(high > low)


def _schedule(problem: Problem, prices: Series, found: HeadSearch, reason: str) -> Schedule:
    schedule = schedule_of(
        problem,
        prices,
        found.best.outcome.operation,
        method=Method.COMMITMENT,
        reason=reason,
        termination=Termination.CONVERGED,
        iterations=len(found.steps),
    )
    names = [reservoir.name for reservoir in problem.watercourse.reservoirs]
    return replace(
        schedule,
        water_price={
            name: np.array([rounded(value, MONEY_DECIMALS) for value in values])
            for name, values in zip(names, found.worth, strict=True)
        },
        convergence=tuple(found.steps),
    )
