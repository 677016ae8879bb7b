"""What a solve returns: a schedule with its worth and its broken limits, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier

Series = NDArray[np.float64]


class Termination(StrEnum):
    """Why the solver stopped with a schedule in hand."""

    OPTIMAL = "optimal"
    ITERATION_LIMIT = "iteration_limit"


class ViolationCode(StrEnum):
    """A limit that the input makes impossible to keep; `element` is what it belongs to."""

    EMERGENCY_SPILL = "emergency_spill"
    DISCHARGE_BELOW_MINIMUM = "discharge_below_minimum"
    GATE_FLOW_BELOW_MINIMUM = "gate_flow_below_minimum"


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

    mtus: positions in the grid. water: what was spilled or is missing, Mm3. penalty: its price in
    the market's currency.
    """

    code: ViolationCode
    element: Identifier
    mtus: tuple[int, ...]
    water: float
    penalty: float

    def to_document(self) -> dict[str, Any]:
        """Return the violation as JSON-ready data."""
        return {
            "code": self.code.value,
            "element": str(self.element),
            "mtus": list(self.mtus),
            "water": self.water,
            "penalty": self.penalty,
        }


@dataclass(frozen=True)
class Objective:
    """A schedule's worth in the market's currency, computed from the rounded schedule.

    sales: net power at the scenario's prices. end_value: water left in reservoirs and under way
    to one, at water values. penalties: of the violations, zero or above.
    """

    sales: float
    end_value: float
    penalties: float
    total: float

    def to_document(self) -> dict[str, float]:
        """Return the parts as JSON-ready data."""
        return {
            "sales": self.sales,
            "end_value": self.end_value,
            "penalties": self.penalties,
            "total": self.total,
        }


@dataclass(frozen=True, eq=False)
class Schedule:
    """The best use of a watercourse's water at one scenario's prices, canonically rounded.

    net_power: (T,) MW, generation less pumping. plant_power: of each plant, less its pumps.
    discharge, gate_flow: m3/s of each plant and gate. pumping: m3/s of each pump. spill: m3/s of
    each reservoir in an emergency, none named where none spills. volume: (T + 1,) Mm3 of each
    reservoir, the start first. It holds no timings: equal input makes an equal schedule.
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


def _lists(series: Mapping[Identifier, Series]) -> dict[str, list[float]]:
    return {str(name): values.tolist() for name, values in series.items()}
