"""What a solve returns: a schedule with its worth and its broken limits, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier

Series = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Method(StrEnum):
    """How a schedule was found.

    LINEAR: one convex model, without commitment, at the head of the start. MIXED_INTEGER: the
    same with whole choices, of units on or off or of ways to run. COMMITMENT: units on
    or off and the head of every period, by successive linear models and exact simulation.
    EXTERNAL: another program's schedule.
    """

    LINEAR = "linear"
    MIXED_INTEGER = "mixed_integer"
    COMMITMENT = "commitment"
    EXTERNAL = "external"


class Termination(StrEnum):
    """Why the solver stopped with a schedule in hand.

    GAP_REACHED: worth so near the bound that searching on was not asked for. TIME_LIMIT,
    ITERATION_LIMIT: the best schedule found until then. CONVERGED: no step that the method knows
    betters the schedule; there is no proof that nothing else does.
    """

    OPTIMAL = "optimal"
    GAP_REACHED = "gap_reached"
    CONVERGED = "converged"
    ITERATION_LIMIT = "iteration_limit"
    NODE_LIMIT = "node_limit"
    TIME_LIMIT = "time_limit"


class ViolationCode(StrEnum):
    """A limit that a schedule breaks; `element` is what it belongs to.

    The optimiser breaks one only where the input makes it impossible to keep.
    """

    EMERGENCY_SPILL = "emergency_spill"
    VOLUME_BELOW_MINIMUM = "volume_below_minimum"
    VOLUME_ABOVE_MAXIMUM = "volume_above_maximum"
    VOLUME_BELOW_SOFT_MINIMUM = "volume_below_soft_minimum"
    VOLUME_ABOVE_SOFT_MAXIMUM = "volume_above_soft_maximum"
    DISCHARGE_BELOW_MINIMUM = "discharge_below_minimum"
    DISCHARGE_ABOVE_MAXIMUM = "discharge_above_maximum"
    DISCHARGE_RAMP = "discharge_ramp"
    GATE_FLOW_BELOW_MINIMUM = "gate_flow_below_minimum"
    GATE_FLOW_ABOVE_MAXIMUM = "gate_flow_above_maximum"
    GATE_FLOW_RAMP = "gate_flow_ramp"
    UNIT_FLOW_OUTSIDE_CURVE = "unit_flow_outside_curve"
    POWER_BELOW_MINIMUM = "power_below_minimum"
    POWER_ABOVE_MAXIMUM = "power_above_maximum"
    FORBIDDEN_ZONE = "forbidden_zone"
    UNIT_UNAVAILABLE = "unit_unavailable"
    UP_TIME = "up_time"
    DOWN_TIME = "down_time"
    RESERVE_UP = "reserve_up"
    RESERVE_DOWN = "reserve_down"
    OBLIGATION_NOT_MET = "obligation_not_met"
    OBLIGATION_EXCEEDED = "obligation_exceeded"


class FailureCode(StrEnum):
    """Why there is no schedule; none of these is mended by trying again."""

    INVALID_PRICES = "INVALID_PRICES"
    INFEASIBLE = "INFEASIBLE"
    UNBOUNDED = "UNBOUNDED"
    ITERATION_LIMIT = "ITERATION_LIMIT"
    SOLVER_ERROR = "SOLVER_ERROR"


@dataclass(frozen=True)
class Violation:
    """A broken limit: which, of which element, how much.

    mtus: positions in the horizon. water: what was spilled or is missing, Mm3; zero where the
    limit is not one of water. penalty: its price in the market's currency. excess: the largest
    amount by which the limit is passed, in `unit`.
    """

    code: ViolationCode
    element: Identifier
    mtus: tuple[int, ...]
    water: float
    penalty: float
    excess: float = 0.0
    unit: str = ""

    def to_document(self) -> dict[str, Any]:
        """Return the violation as JSON-ready data."""
        return {
            "code": self.code.value,
            "element": str(self.element),
            "mtus": list(self.mtus),
            "water": self.water,
            "penalty": self.penalty,
            "excess": self.excess,
            "unit": self.unit,
        }


@dataclass(frozen=True)
class Objective:
    """A schedule's worth in the market's currency, computed from the rounded schedule.

    sales: what is sold at the scenario's prices, less what is bought. end_value: water left in
    reservoirs and under way to one, as the end valuation has it. start_costs: of starts and stops.
    penalties: of the violations. total: sales + end_value - start_costs - penalties.
    """

    sales: float
    end_value: float
    penalties: float
    total: float
    start_costs: float = 0.0

    def to_document(self) -> dict[str, float]:
        """Return the parts as JSON-ready data."""
        return {
            "sales": self.sales,
            "end_value": self.end_value,
            "start_costs": self.start_costs,
            "penalties": self.penalties,
            "total": self.total,
        }


@dataclass(frozen=True)
class Step:
    """One step of a search: its stage, its number and what the best schedule was then worth."""

    stage: str
    iteration: int
    total: float

    def to_document(self) -> dict[str, Any]:
        """Return the step as JSON-ready data."""
        return {"stage": self.stage, "iteration": self.iteration, "total": self.total}


@dataclass(frozen=True)
class Timings:
    """Seconds of a solve by what they were spent on; never part of a schedule or a digest."""

    build: float = 0.0
    solve: float = 0.0
    simulate: float = 0.0
    prove: float = 0.0

    def to_document(self) -> dict[str, float]:
        """Return the seconds as JSON-ready data."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Schedule:
    """The best use of a watercourse's water at one scenario's prices, canonically rounded.

    net_power: (T,) MW, generation less pumping. plant_power: of each plant, less its pumps.
    discharge, gate_flow: m3/s of each plant and gate. pumping: m3/s of each pump. spill: m3/s of
    each reservoir in an emergency, none named where none spills. volume: (T + 1,) Mm3 of each
    reservoir, the start first. It holds no timings: equal input makes an equal schedule.

    unit_on, unit_flow (m3/s), unit_power (MW): of each unit and pump where the method commits
    them, pumps' power negative; empty where it does not. head: gross, of each plant, m.
    water_price: what another Mm3 in each reservoir at the end of each period would be worth.
    bound: no schedule is worth more, where one was proven. reason: why this method.
    """

    net_power: Series
    plant_power: Mapping[Identifier, Series]
    discharge: Mapping[Identifier, Series]
    pumping: Mapping[Identifier, Series]
    gate_flow: Mapping[Identifier, Series]
    spill: Mapping[Identifier, Series]
    volume: Mapping[Identifier, Series]
    objective: Objective
    violations: tuple[Violation, ...]
    termination: Termination
    iterations: int
    method: Method = Method.LINEAR
    reason: str = ""
    unit_on: Mapping[Identifier, Flags] = field(default_factory=dict)
    unit_flow: Mapping[Identifier, Series] = field(default_factory=dict)
    unit_power: Mapping[Identifier, Series] = field(default_factory=dict)
    head: Mapping[Identifier, Series] = field(default_factory=dict)
    water_price: Mapping[Identifier, Series] = field(default_factory=dict)
    convergence: tuple[Step, ...] = ()
    bound: float | None = None

    @property
    def gap(self) -> float | None:
        """The share of its worth that the best schedule may be worth more; None: not proven."""
        if self.bound is None:
            return None
        return max(self.bound - self.objective.total, 0.0) / max(abs(self.objective.total), 1.0)

    def to_document(self) -> dict[str, Any]:
        """Return the schedule as JSON-ready data, in the units of its fields."""
        return {
            "termination": self.termination.value,
            "iterations": self.iterations,
            "objective": self.objective.to_document(),
            "violations": [violation.to_document() for violation in self.violations],
            "net_power": self.net_power.tolist(),
            "plant_power": _lists(self.plant_power),
            "discharge": _lists(self.discharge),
            "pumping": _lists(self.pumping),
            "gate_flow": _lists(self.gate_flow),
            "spill": _lists(self.spill),
            "volume": _lists(self.volume),
            "method": self.method.value,
            "reason": self.reason,
            "unit_on": _lists(self.unit_on),
            "unit_flow": _lists(self.unit_flow),
            "unit_power": _lists(self.unit_power),
            "head": _lists(self.head),
            "water_price": _lists(self.water_price),
            "convergence": [step.to_document() for step in self.convergence],
            "bound": self.bound,
        }


@dataclass(frozen=True)
class SolveFailure:
    """Why a scenario has no schedule. details: JSON-ready data to diagnose it."""

    code: FailureCode
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """Return the failure as JSON-ready data."""
        return {"code": self.code.value, "message": self.message, "details": dict(self.details)}


def _lists(series: Mapping[Identifier, Series | Flags]) -> dict[str, list[float | bool]]:
    return {str(name): values.tolist() for name, values in series.items()}
