"""The solver as a backtest uses it: schedules at known prices, and the delivery of a sold day.

A sold day is delivered by the best physical schedule, given what imbalances cost.

What was sold is paid at the spot price. What is produced less is bought at a dearer price, what is
produced more is sold at a cheaper one: a problem with an obligation, whose market buys and sells at
imbalance prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.backtest.settings import ImbalancePrices
from hydrobid.domain.errors import PermanentError
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.problem import Problem, Trade
from hydrobid.hydro.schedule import Schedule, SolveFailure
from hydrobid.hydro.solve import ScenarioSolver, solve_scenarios

Floats = NDArray[np.float64]


class NoSchedule(PermanentError):
    """A day of a backtest has no feasible schedule; the details hold what the solver says."""

    code = "NO_SCHEDULE"


@dataclass(frozen=True, eq=False)
class Delivery:
    """How a sold day was delivered.

    sold, shortage, surplus: (T,) MW. value: sales and imbalances, and the water left less penalties,
    in the market's currency.
    """

    schedule: Schedule
    sold: Floats
    shortage: Floats
    surplus: Floats
    value: float


def schedules_at(
    watercourse: Watercourse, grid: MtuGrid, prices: Mapping[ScenarioId, Floats]
) -> dict[ScenarioId, Schedule]:
    """Return the best schedule at each scenario's (T,) prices in currency per MWh.

    Raises:
        NoSchedule: one of them has none.
    """
    schedules: dict[ScenarioId, Schedule] = {}
    for scenario, solved in solve_scenarios(watercourse, grid, prices):
        if isinstance(solved, SolveFailure):
            raise NoSchedule(f"{scenario}: {solved.message}", **solved.to_document())
        schedules[scenario] = solved
    return schedules


def worth_idle(watercourse: Watercourse, grid: MtuGrid) -> float:
    """Return what a day is worth, in the market's currency, if no power is traded.

    Water goes where it is worth most, by plants as well as by gates, but power is worth nothing;
    nothing is pumped, which would take power. Raises NoSchedule where there is no schedule.
    """
    plants = tuple(plant.model_copy(update={"pumps": ()}) for plant in watercourse.plants)
    idle = watercourse.model_copy(update={"plants": plants})
    only = ScenarioId("idle")
    return schedules_at(idle, grid, {only: np.zeros(len(grid))})[only].objective.total


def deliver(
    watercourse: Watercourse,
    grid: MtuGrid,
    sold: Floats,
    spot: Floats,
    imbalance: ImbalancePrices,
) -> Delivery:
    """Return the delivery worth most. sold: (T,) MW; spot: (T,) currency per MWh.

    Raises:
        NoSchedule: there is no feasible schedule.
    """
    away = imbalance.share * np.abs(spot) + imbalance.margin
    free = Problem.of(watercourse, grid)
    unlimited = free.trade.sale_max
    problem = replace(free, trade=Trade(sold, unlimited, unlimited, 2 * away))
    schedule = ScenarioSolver(problem).solve(spot - away)
    if isinstance(schedule, SolveFailure):
        raise NoSchedule(schedule.message, **schedule.to_document())
    missing = sold - schedule.net_power
    shortage, surplus = np.maximum(missing, 0.0), np.maximum(-missing, 0.0)
    # The schedule's sales are the imbalances alone: surplus paid, shortage bought.
    value = grid.hours * float(spot @ sold) + schedule.objective.total
    return Delivery(schedule, sold, shortage, surplus, value)
