"""An operation as a schedule: decisions rounded first, everything else simulated from the rounded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.canonical import MONEY_DECIMALS, POWER_DECIMALS, WATER_DECIMALS, rounded
from hydrobid.hydro.problem import Problem, Series
from hydrobid.hydro.schedule import Method, Objective, Schedule, Termination
from hydrobid.hydro.simulator import Operation, Outcome, Simulator
from hydrobid.hydro.violations import Limiter, discharge_of

FLOW_DECIMALS = 6
# m3/s below which a spill is rounding.
FLOW_TOLERANCE = 1e-5


def schedule_of(
    problem: Problem,
    prices: Series,
    operation: Operation,
    *,
    method: Method,
    reason: str,
    termination: Termination,
    iterations: int = 0,
) -> Schedule:
    """Return the schedule that an operation is at (T,) prices, all of it by exact physics."""
    operation = Operation(
        on=operation.on,
        flow={name: _rounded(flow, FLOW_DECIMALS) for name, flow in operation.flow.items()},
        gate_flow={
            name: _rounded(flow, FLOW_DECIMALS) for name, flow in operation.gate_flow.items()
        },
    )
    outcome = Simulator(problem).run(operation, prices)
    violations = Limiter(problem).violations(outcome)
    penalties = sum(violation.penalty for violation in violations)
    plants, reservoirs = problem.watercourse.plants, problem.watercourse.reservoirs
    return Schedule(
        net_power=_rounded(outcome.net, POWER_DECIMALS),
        plant_power={
            plant.name: _rounded(
                np.sum([outcome.power[machine.name] for machine in plant.machines], axis=0),
                POWER_DECIMALS,
            )
            for plant in plants
        },
        discharge={
            plant.name: _rounded(discharge_of(outcome, plant), FLOW_DECIMALS) for plant in plants
        },
        pumping={pump.name: operation.flow[pump.name] for plant in plants for pump in plant.pumps},
        gate_flow=dict(operation.gate_flow),
        spill={
            reservoir.name: _rounded(spill, FLOW_DECIMALS)
            for reservoir, spill in zip(reservoirs, outcome.water.spill, strict=True)
            if np.any(spill > FLOW_TOLERANCE)
        },
        volume={
            reservoir.name: _rounded(volume, WATER_DECIMALS)
            for reservoir, volume in zip(reservoirs, outcome.water.volume, strict=True)
        },
        objective=_objective(outcome, penalties),
        violations=violations,
        termination=termination,
        iterations=iterations,
        method=method,
        reason=reason,
        unit_on=dict(operation.on),
        unit_flow=dict(operation.flow),
        unit_power={name: _rounded(p, POWER_DECIMALS) for name, p in outcome.power.items()},
        head={name: _rounded(head, WATER_DECIMALS) for name, head in outcome.head.items()},
    )


def _objective(outcome: Outcome, penalties: float) -> Objective:
    total = outcome.sales + outcome.end_value - outcome.start_costs - penalties
    return Objective(
        sales=rounded(outcome.sales, MONEY_DECIMALS),
        end_value=rounded(outcome.end_value, MONEY_DECIMALS),
        start_costs=rounded(outcome.start_costs, MONEY_DECIMALS),
        penalties=rounded(penalties, MONEY_DECIMALS),
        total=rounded(total, MONEY_DECIMALS),
    )


def _rounded(values: NDArray[np.float64], decimals: int) -> NDArray[np.float64]:
    """Return values as `canonical.rounded` gives them one by one: adding zero drops its sign."""
    result: NDArray[np.float64] = np.round(values, decimals) + 0.0
    return result
