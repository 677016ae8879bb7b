"""Schedules of a day, so chosen that one of them is good whatever prices come.

Each scenario is solved by itself, and so is the expected day, moved up and down as a whole over what
the scenarios span. What a schedule would earn in every scenario is then known without another solve.
One by one the schedule is taken that adds most to what the best so far earn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.canonical import MONEY_DECIMALS
from hydrobid.hydro.daily import offered
from hydrobid.hydro.day_program import DayProgram, DaySchedules
from hydrobid.hydro.highs import SearchLimits
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import SolveFailure
from hydrobid.hydro.solve import ScenarioSolver

Array = NDArray[np.float64]

LIMITS = SearchLimits(gap=2e-5, nodes=20)
MOVES = 25
BEYOND = 1.2
"""How much further than the scenarios' own days the expected one is moved."""


def day_schedules(
    problem: Problem,
    scenarios: Sequence[Scenario],
    program: DayProgram,
    *,
    commitment: bool = False,
) -> DaySchedules | SolveFailure:
    """Return the schedules to choose from, or why there are none.

    scenarios: in the order of the program's, each over the problem's horizon; on the delivery day
    their prices are the program's. Around it all schedules are of the expected prices, and of the
    expected inflow, so that what they cost can be compared. commitment: whether units are on or off,
    at the head of the start. Equal input gives equal schedules.
    """
    weights = program.weights / np.sum(program.weights)
    day, hours = problem.horizon.delivery, problem.horizon.hours[problem.horizon.delivery]
    expected = weights @ np.array([scenario.prices for scenario in scenarios])
    own = _selling(_at_mean_inflow(problem, scenarios, weights), program.most)
    solver = ScenarioSolver(own, commitment=commitment, limits=LIMITS)
    volumes, worths = [], []
    for prices in _tried(program.prices, weights):
        # At a price of zero nothing is sold but what costs nothing, and that for nothing.
        over = expected.copy()
        over[day] = prices
        schedule = solver.solve(over)
        if isinstance(schedule, SolveFailure):
            return schedule
        sold = np.maximum(offered(own, schedule.net_power), 0.0)
        volumes.append(sold)
        worths.append(schedule.objective.total - float(hours * prices @ sold))
    idle, *others = worths
    tried, costs = np.array(volumes[1:]), idle - np.array(others)
    earned = (program.prices * hours) @ tried.T - costs
    chosen, worth = _best_together(earned, weights, program.count)
    return DaySchedules(tried[chosen], costs[chosen], worth)


def _tried(prices: Array, weights: Array) -> Iterator[Array]:
    """Yield the (T,) prices of a day to solve at: of zero first, then those that make candidates."""
    expected = weights @ prices
    apart = np.mean(prices - expected, axis=1)
    yield np.zeros(expected.size)
    yield from prices
    for move in np.linspace(BEYOND * np.min(apart), BEYOND * np.max(apart), MOVES):
        yield expected + move


def _best_together(earned: Array, weights: Array, count: int) -> tuple[list[int], float]:
    """Return which of the (S, N) schedules to take, at most `count`, and what they are worth."""
    best, chosen = np.zeros(len(earned)), list[int]()
    while len(chosen) < count:
        gains = np.round(weights @ np.maximum(earned - best[:, None], 0.0), MONEY_DECIMALS)
        first = int(np.argmax(gains))
        if gains[first] <= 0:
            break
        chosen.append(first)
        best = np.maximum(best, earned[:, first])
    return chosen, float(weights @ best)


def _selling(problem: Problem, most: float) -> Problem:
    """Return the problem with no more than that to be sold on the delivery day, and nothing bought."""
    trade, day = problem.trade, problem.horizon.delivery
    sale, purchase = trade.sale_max.copy(), trade.purchase_max.copy()
    sale[day], purchase[day] = np.minimum(sale[day], most), 0.0
    return replace(problem, trade=replace(trade, sale_max=sale, purchase_max=purchase))


def _at_mean_inflow(problem: Problem, scenarios: Sequence[Scenario], weights: Array) -> Problem:
    inflow = {
        reservoir: weights @ np.array([scenario.inflow[reservoir] for scenario in scenarios])
        for reservoir in scenarios[0].inflow
    }
    return replace(problem, inflow={**problem.inflow, **inflow})
