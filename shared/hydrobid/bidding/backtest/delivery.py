"""The solver as a backtest uses it: schedules at known prices, and the delivery of a sold day.

A sold day is delivered by the best physical schedule, given what imbalances cost.

What was sold is paid at the spot price. What is produced less is bought at a dearer price, what is
produced more is sold at a cheaper one, so the schedule that is best to deliver follows from a model
like the one of `hydro.formulation` with two more columns and one more row for each MTU:

    sum of power x flow - surplus + shortage = sold                      MWh

Its flows are paid nothing by themselves; shortage and surplus are, at imbalance prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from hydrobid.bidding.backtest.settings import ImbalancePrices
from hydrobid.domain.errors import PermanentError
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.accounting import account
from hydrobid.hydro.formulation import LinearModel, linear_model
from hydrobid.hydro.highs import HighsSolver
from hydrobid.hydro.network import network
from hydrobid.hydro.schedule import Schedule, SolveFailure
from hydrobid.hydro.solve import solve_scenarios

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
    bought_at, sold_at = spot + away, spot - away
    frame = network(watercourse, grid)
    model = linear_model(frame)
    extended = _with_obligation(model, grid, sold, spot, bought_at, sold_at)
    solution = HighsSolver(extended).solve(extended.fixed_costs)
    if isinstance(solution, SolveFailure):
        raise NoSchedule(solution.message, **solution.to_document())
    flows = extended.flows(solution.columns)[:-1]
    schedule = account(frame, flows, spot, solution.termination, solution.iterations)
    missing = sold - schedule.net_power
    shortage, surplus = np.maximum(missing, 0.0), np.maximum(-missing, 0.0)
    money = grid.hours * float(spot @ sold - bought_at @ shortage + sold_at @ surplus)
    water = schedule.objective.end_value - schedule.objective.penalties
    return Delivery(schedule, sold, shortage, surplus, money + water)


def _with_obligation(
    model: LinearModel,
    grid: MtuGrid,
    sold: Floats,
    spot: Floats,
    bought_at: Floats,
    sold_at: Floats,
) -> LinearModel:
    """Return the model with surplus as one more stream, and shortage behind the volumes.

    With all flows and surpluses at zero, volumes and shortages are a basis, so that the solver
    starts from a schedule that produces nothing and buys what was sold.
    """
    mtus, flows = len(grid), model.energy.size
    rows, columns = model.right_hand_side.size, model.lower.size
    energy = np.where(spot >= 0, model.energy, model.energy_below_zero)
    balances = sparse.csc_array((model.value, model.index, model.starts), shape=(rows, columns))
    produced = sparse.hstack([sparse.diags_array(stream) for stream in energy])
    hours = grid.hours * sparse.eye_array(mtus)
    matrix = sparse.block_array(
        [
            [balances[:, :flows], None, balances[:, flows:], None],
            [produced, -hours, None, hours],
        ],
        format="csc",
    )
    matrix.sort_indices()
    none, open_end = np.zeros(mtus), np.full(mtus, np.inf)

    def joined(values: Floats, surplus: Floats, shortage: Floats) -> Floats:
        return np.concatenate([values[:flows], surplus, values[flows:], shortage])

    return replace(
        model,
        fixed_costs=joined(model.fixed_costs, -grid.hours * sold_at, grid.hours * bought_at),
        energy=np.zeros((len(energy) + 1, mtus)),
        energy_below_zero=np.zeros((len(energy) + 1, mtus)),
        lower=joined(model.lower, none, none),
        upper=joined(model.upper, open_end, open_end),
        right_hand_side=np.concatenate([model.right_hand_side, grid.hours * sold]),
        starts=matrix.indptr.astype(np.int32),
        index=matrix.indices.astype(np.int32),
        value=matrix.data,
    )
