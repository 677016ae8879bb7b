"""The solver as a backtest uses it: schedules at known prices, and the delivery of a sold day.

A sold day is delivered by the best physical schedule, given what imbalances cost.

What was sold is paid at the spot price. What is produced less is bought at a dearer price, what is
produced more is sold at a cheaper one: a problem with an obligation, whose market buys and sells at
imbalance prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.errors import PermanentError
from hydrobid.domain.identifiers import Identifier, ScenarioId
from hydrobid.domain.imbalance import ImbalancePrices
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.highs import SearchLimits
from hydrobid.hydro.problem import Problem, Trade
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import Schedule, SolveFailure
from hydrobid.hydro.solve import ScenarioSolver

Floats = NDArray[np.float64]

# Where units are on or off: shares of a day's worth, the water left included, that a search leaves.
# What is measured must be finer than what is compared.
BIDDING = SearchLimits(gap=2e-5, nodes=20)
MEASURING = SearchLimits(gap=5e-6, nodes=200)


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


@dataclass(frozen=True)
class Day:
    """A day as the solver sees it: its water, its MTUs, and whether units are on or off.

    commitment: at the head of the start; without it production is a concave curve. on: of units and
    pumps when the day begins; a start of one that is not named costs nothing in the first MTU.
    inflow: (T,) m3/s by reservoir that comes, where it is not what the watercourse states.
    """

    watercourse: Watercourse
    grid: MtuGrid
    commitment: bool = False
    on: Mapping[Identifier, bool] = field(default_factory=dict)
    inflow: Mapping[Identifier, Floats] = field(default_factory=dict)

    @property
    def problem(self) -> Problem:
        """The day by itself, in a market that buys and sells whatever there is."""
        problem = Problem.of(self.watercourse, self.grid)
        start = replace(problem.start, on=self.on)
        return replace(problem, start=start, inflow={**problem.inflow, **self.inflow})

    def solver(self, problem: Problem, limits: SearchLimits) -> ScenarioSolver:
        """Return the solver of a problem of this day."""
        return ScenarioSolver(problem, commitment=self.commitment, limits=limits)


def schedules_of(
    day: Day, scenarios: Mapping[ScenarioId, Scenario], limits: SearchLimits
) -> dict[ScenarioId, Schedule]:
    """Return the best schedule of each scenario.

    Raises:
        NoSchedule: one of them has none.
    """
    solver = day.solver(day.problem, limits)
    return {
        name: _scheduled(solver, scenario.prices, name, scenario.inflow)
        for name, scenario in scenarios.items()
    }


def perfect_foresight(day: Day, spot: Floats) -> Schedule:
    """Return the best schedule at (T,) prices that are known; raise NoSchedule where there is none."""
    return _scheduled(day.solver(day.problem, MEASURING), spot, "perfect foresight")


def worth_idle(day: Day) -> float:
    """Return what a day is worth, in the market's currency, if no power is traded.

    Water goes where it is worth most, by plants as well as by gates, but power is worth nothing;
    nothing is pumped, which would take power. Raises NoSchedule where there is no schedule.
    """
    plants = tuple(plant.model_copy(update={"pumps": ()}) for plant in day.watercourse.plants)
    idle = replace(day, watercourse=day.watercourse.model_copy(update={"plants": plants}))
    solver = idle.solver(idle.problem, MEASURING)
    return _scheduled(solver, np.zeros(len(day.grid)), "idle").objective.total


def deliver(day: Day, sold: Floats, spot: Floats, imbalance: ImbalancePrices) -> Delivery:
    """Return the delivery worth most. sold: (T,) MW; spot: (T,) currency per MWh.

    Raises:
        NoSchedule: there is no feasible schedule.
    """
    away, free = imbalance.away(spot), day.problem
    unlimited = free.trade.sale_max
    problem = replace(free, trade=Trade(sold, unlimited, unlimited, 2 * away))
    schedule = _scheduled(day.solver(problem, MEASURING), spot - away, "delivery")
    missing = sold - schedule.net_power
    shortage, surplus = np.maximum(missing, 0.0), np.maximum(-missing, 0.0)
    # The schedule's sales are the imbalances alone: surplus paid, shortage bought.
    value = day.grid.hours * float(spot @ sold) + schedule.objective.total
    return Delivery(schedule, sold, shortage, surplus, value)


def _scheduled(
    solver: ScenarioSolver,
    prices: Floats,
    what: str,
    inflow: Mapping[Identifier, Floats] | None = None,
) -> Schedule:
    solved = solver.solve(prices, inflow)
    if isinstance(solved, SolveFailure):
        raise NoSchedule(f"{what}: {solved.message}", **solved.to_document())
    return solved
