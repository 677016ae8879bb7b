"""What holds for a watercourse only for a while: inflow, limits, maintenance, trade, start states.

A watercourse says what it is; its conditions say how it stands and what is asked of it around a
delivery day. Values come in steps, each from an instant on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from operator import not_
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from hydrobid.domain.base import Value
from hydrobid.domain.identifiers import Identifier

UNSTATED = Field(exclude_if=not_)

Instant = Annotated[AwareDatetime, AfterValidator(lambda instant: instant.astimezone(UTC))]
NonNegative = Annotated[float, Field(ge=0)]


class Steps(Value):
    """A value from each instant on; None, and before the first instant: what holds otherwise."""

    times: Annotated[tuple[Instant, ...], Field(min_length=1)]
    values: Annotated[tuple[float | None, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if len(self.times) != len(self.values):
            raise ValueError(
                f"as many values as times: {len(self.times)} times, {len(self.values)} values"
            )
        if any(
            later <= earlier for earlier, later in zip(self.times, self.times[1:], strict=False)
        ):
            raise ValueError("times strictly rising")
        return self

    def at(self, instant: datetime) -> float | None:
        """Return the value that holds at an instant; None: what holds otherwise."""
        position = bisect_right(self.times, instant) - 1
        return None if position < 0 else self.values[position]


class NonNegativeSteps(Steps):
    """Steps of which none falls below zero."""

    values: Annotated[tuple[NonNegative | None, ...], Field(min_length=1)]


class Quantity(StrEnum):
    """What a limit is on, named as where it is stated for good."""

    VOLUME_MIN = "volume_min"
    VOLUME_MAX = "volume_max"
    DISCHARGE_MIN = "discharge_min"
    DISCHARGE_MAX = "discharge_max"
    GATE_FLOW_MIN = "gate_flow_min"
    GATE_FLOW_MAX = "gate_flow_max"
    POWER_MIN = "power_min"
    POWER_MAX = "power_max"


class Kind(StrEnum):
    """What an element of a watercourse is."""

    RESERVOIR = "reservoir"
    PLANT = "plant"
    GATE = "gate"
    UNIT = "unit"
    PUMP = "pump"


class Maintenance(Value):
    """A time `[start, end)` in which a unit or pump may not run."""

    start: Instant
    end: Instant

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.end <= self.start:
            raise ValueError("end after start")
        return self


class MachineState(Value):
    """How a unit or pump is found at the start. hours: for how long; None: for long enough."""

    on: bool
    hours: NonNegative | None = None


class TradeSteps(Value):
    """What the market asks and allows, MW. obligation: sold already, negative where bought.

    sale_max, purchase_max: what may be sold and bought on top. purchase_markup: currency per MWh
    that buying costs over the price at which is sold.
    """

    obligation: Annotated[Steps | None, UNSTATED] = None
    sale_max: Annotated[NonNegativeSteps | None, UNSTATED] = None
    purchase_max: Annotated[NonNegativeSteps | None, UNSTATED] = None
    purchase_markup: Annotated[NonNegativeSteps | None, UNSTATED] = None


class Conditions(Value):
    """What holds for a while, by element.

    inflow: m3/s to a reservoir. limits: by quantity, Mm3, m3/s or MW; the strictest counts in a
    period through which several hold. maintenance: of units and pumps. machines: how units and
    pumps are found at the start. flow: m3/s of plants and gates before the start, for ramping.
    reserve_up, reserve_down: MW that a unit, or a plant's units together, must hold.
    """

    inflow: Annotated[dict[Identifier, NonNegativeSteps], UNSTATED] = Field(default_factory=dict)
    limits: Annotated[dict[Quantity, dict[Identifier, NonNegativeSteps]], UNSTATED] = Field(
        default_factory=dict
    )
    maintenance: Annotated[dict[Identifier, tuple[Maintenance, ...]], UNSTATED] = Field(
        default_factory=dict
    )
    machines: Annotated[dict[Identifier, MachineState], UNSTATED] = Field(default_factory=dict)
    flow: Annotated[dict[Identifier, NonNegative], UNSTATED] = Field(default_factory=dict)
    trade: Annotated[TradeSteps | None, UNSTATED] = None
    reserve_up: Annotated[dict[Identifier, NonNegativeSteps], UNSTATED] = Field(
        default_factory=dict
    )
    reserve_down: Annotated[dict[Identifier, NonNegativeSteps], UNSTATED] = Field(
        default_factory=dict
    )

    def references(self) -> Iterator[tuple[str, tuple[Kind, ...], Identifier]]:
        """Yield (field, kinds that it may be of, name) of each element that is named."""
        for quantity, steps in self.limits.items():
            for name in steps:
                yield f"limits.{quantity}", _LIMITED[quantity.rpartition("_")[0]], name
        for field, kinds in _NAMED.items():
            for name in getattr(self, field):
                yield field, kinds, name


_LIMITED: dict[str, tuple[Kind, ...]] = {
    "volume": (Kind.RESERVOIR,),
    "discharge": (Kind.PLANT,),
    "gate_flow": (Kind.GATE,),
    "power": (Kind.UNIT, Kind.PUMP),
}
_NAMED: dict[str, tuple[Kind, ...]] = {
    "inflow": (Kind.RESERVOIR,),
    "maintenance": (Kind.UNIT, Kind.PUMP),
    "machines": (Kind.UNIT, Kind.PUMP),
    "flow": (Kind.PLANT, Kind.GATE),
    "reserve_up": (Kind.PLANT, Kind.UNIT),
    "reserve_down": (Kind.PLANT, Kind.UNIT),
}
