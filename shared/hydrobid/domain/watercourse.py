"""A watercourse: reservoirs, plants with their generating units and pumps, gates and rivers.

Water leaves a plant or a gate towards a reservoir, a river or, where nothing is named, the sea.
Volumes in Mm3, flows in m3/s, levels and heads in m, powers in MW, efficiencies as fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from operator import not_
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from hydrobid.domain.base import Value
from hydrobid.domain.canonical import WATER_DECIMALS, rounded
from hydrobid.domain.conditions import Conditions
from hydrobid.domain.connections import connection_faults
from hydrobid.domain.identifiers import Identifier

NonNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0, le=1)]

# What is not stated is not written either: documents keep the digests they had before a field came.
UNSTATED = Field(exclude_if=not_)


class Curve(Value):
    """A function by its points, linear between them and flat beyond; x strictly rising."""

    x: Annotated[tuple[float, ...], Field(min_length=2)]
    y: Annotated[tuple[float, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _points(self) -> Self:
        if len(self.x) != len(self.y):
            raise ValueError(f"as many y as x: {len(self.x)} x, {len(self.y)} y")
        if any(right <= left for left, right in zip(self.x, self.x[1:], strict=False)):
            raise ValueError("x strictly rising")
        return self


def volume_at(level: float, levels: Sequence[float], volumes: Sequence[float]) -> float:
    """Return the volume, Mm3, at a water level, m, by the points of a curve of both."""
    return rounded(float(np.interp(level, levels, volumes)), WATER_DECIMALS)


class Overflow(Value):
    """Water that leaves a reservoir by itself once its level is high enough.

    spill: level (m) to flow (m3/s), falling nowhere; none below the first level, and beyond the
    last level the last two points' line goes on. to: a reservoir or a river; none: the sea.
    """

    to: Identifier | None = None
    spill: Curve

    @model_validator(mode="after")
    def _rising_from_none(self) -> Self:
        if self.spill.y[0] != 0:
            raise ValueError(f"spill begins at 0 m3/s: {self.spill.y[0]:g}")
        if any(right <= left for left, right in zip(self.spill.y, self.spill.y[1:], strict=False)):
            raise ValueError("spill strictly rising with the level")
        return self


class SoftLimit(Value):
    """A volume (Mm3) that may be passed at a price: currency per Mm3 beyond it and hour."""

    volume: NonNegative
    penalty: Positive


class WaterValueSegment(Value):
    """Width in Mm3 of a part of the stored volume, and what a Mm3 in it is worth at the end."""

    width: Positive
    water_value: float


class Reservoir(Value):
    """Stored water between two limits.

    level: volume (Mm3) to water level (m). inflow: natural inflow in m3/s. water_value: what a
    Mm3 left at the end of the horizon is worth, in the market's currency. water_value_segments:
    takes its place where stated, from the empty reservoir up, worth less and less; beyond the
    last one the last one's value goes on. volume_soft_min, volume_soft_max: limits within the
    hard ones. overflow: without it a full reservoir spills whatever comes.
    """

    name: Identifier
    volume_min: NonNegative = 0.0
    volume_max: Positive
    level: Curve
    start_volume: NonNegative
    inflow: NonNegative = 0.0
    water_value: float
    water_value_segments: Annotated[tuple[WaterValueSegment, ...], UNSTATED] = ()
    volume_soft_min: Annotated[SoftLimit | None, UNSTATED] = None
    volume_soft_max: Annotated[SoftLimit | None, UNSTATED] = None
    overflow: Annotated[Overflow | None, UNSTATED] = None

    @property
    def level_limits(self) -> tuple[float, float]:
        """The lowest and the highest level, m, by the limits of the volume."""
        low, high = np.interp((self.volume_min, self.volume_max), self.level.x, self.level.y)
        return float(low), float(high)

    @model_validator(mode="after")
    def _start_within_limits(self) -> Self:
        if self.volume_min >= self.volume_max:
            raise ValueError("volume_min below volume_max")
        if not self.volume_min <= self.start_volume <= self.volume_max:
            raise ValueError(
                f"start_volume within [{self.volume_min:g}, {self.volume_max:g}] Mm3: "
                f"{self.start_volume:g}"
            )
        return self

    @model_validator(mode="after")
    def _water_worth_less_the_more_there_is(self) -> Self:
        values = [segment.water_value for segment in self.water_value_segments]
        if any(right > left for left, right in pairwise(values)):
            raise ValueError("water_value_segments in falling order of water_value")
        return self


class TurbineCurve(Value):
    """Efficiency of a turbine, or of a pump, over flow (m3/s) at one net head (m)."""

    head: Positive
    flow: Annotated[tuple[Positive, ...], Field(min_length=1)]
    efficiency: Annotated[tuple[Fraction, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _points(self) -> Self:
        if len(self.flow) != len(self.efficiency):
            raise ValueError(
                f"as many efficiencies as flows: {len(self.flow)} flows, "
                f"{len(self.efficiency)} efficiencies"
            )
        if any(right <= left for left, right in zip(self.flow, self.flow[1:], strict=False)):
            raise ValueError("flow strictly rising")
        return self


class ForbiddenZone(Value):
    """Powers in MW between which a running unit may not stay; the ends are allowed."""

    power_from: NonNegative
    power_to: Positive

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.power_from >= self.power_to:
            raise ValueError("power_from below power_to")
        return self


class GeneratingUnit(Value):
    """A turbine with its generator, fed by one of its plant's penstocks (counted from 1).

    generator_efficiency: over the turbine's power in MW; one where there is none. start_cost,
    stop_cost: currency per start and stop. up_time_min, down_time_min: minutes that a unit stays
    on once started, and off once stopped.
    """

    name: Identifier
    penstock: Annotated[int, Field(ge=1)] = 1
    power_min: NonNegative = 0.0
    power_max: Positive
    turbine: Annotated[tuple[TurbineCurve, ...], Field(min_length=1)]
    generator_efficiency: Curve | None = None
    start_cost: NonNegative = 0.0
    stop_cost: Annotated[NonNegative, UNSTATED] = 0.0
    up_time_min: Annotated[NonNegative, UNSTATED] = 0.0
    down_time_min: Annotated[NonNegative, UNSTATED] = 0.0
    forbidden_zones: Annotated[tuple[ForbiddenZone, ...], UNSTATED] = ()

    @model_validator(mode="after")
    def _limits(self) -> Self:
        if self.power_min > self.power_max:
            raise ValueError("power_min at most power_max")
        zones = self.forbidden_zones
        if any(right.power_from < left.power_to for left, right in pairwise(zones)):
            raise ValueError("forbidden_zones in rising order, none within another")
        heads = [curve.head for curve in self.turbine]
        if sorted(set(heads)) != heads:
            raise ValueError("turbine curves in strictly rising order of head")
        return self


class Pump(Value):
    """A pump that lifts water from where its plant discharges into the plant's reservoir.

    efficiency: at any flow and head, unless `curves` state it by both, as turbine curves do.
    power_min: what it draws at least while it runs. penstock: one of its plant's, counted from 1,
    whose loss it has to overcome; none: a pipe of its own without loss.
    """

    name: Identifier
    power_max: Positive
    efficiency: Fraction
    power_min: Annotated[NonNegative, UNSTATED] = 0.0
    curves: Annotated[tuple[TurbineCurve, ...], UNSTATED] = ()
    penstock: Annotated[Annotated[int, Field(ge=1)] | None, UNSTATED] = None
    start_cost: Annotated[NonNegative, UNSTATED] = 0.0

    @model_validator(mode="after")
    def _limits(self) -> Self:
        if self.power_min > self.power_max:
            raise ValueError("power_min at most power_max")
        heads = [curve.head for curve in self.curves]
        if sorted(set(heads)) != heads:
            raise ValueError("curves in strictly rising order of head")
        return self


class Plant(Value):
    """Generating units, and pumps, between an upper reservoir and an outlet.

    outlet_level: level of the tailwater in m; where the reservoir below stands higher, its level
    counts. main_loss, penstock_loss: head loss in m per (m3/s) squared, of the tunnel and of each
    penstock. ramp_up, ramp_down: how much the discharge may rise and fall, m3/s per hour.
    """

    name: Identifier
    reservoir: Identifier
    to: Identifier | None = None
    outlet_level: float
    main_loss: NonNegative = 0.0
    penstock_loss: Annotated[tuple[NonNegative, ...], Field(min_length=1)] = (0.0,)
    units: Annotated[tuple[GeneratingUnit, ...], Field(min_length=1)]
    pumps: tuple[Pump, ...] = ()
    discharge_min: NonNegative = 0.0
    discharge_max: Positive | None = None
    ramp_up: Annotated[Positive | None, UNSTATED] = None
    ramp_down: Annotated[Positive | None, UNSTATED] = None

    @model_validator(mode="after")
    def _limits_and_penstocks(self) -> Self:
        if self.discharge_max is not None and self.discharge_min > self.discharge_max:
            raise ValueError("discharge_min at most discharge_max")
        for unit in self.machines:
            if (unit.penstock or 1) > len(self.penstock_loss):
                raise ValueError(
                    f"penstock of {unit.name} between 1 and {len(self.penstock_loss)}: "
                    f"{unit.penstock}"
                )
        return self

    @property
    def machines(self) -> tuple[GeneratingUnit | Pump, ...]:
        """Units and pumps: all that is switched on and off."""
        return (*self.units, *self.pumps)


class Gate(Value):
    """Water past the plants: spill, bypass or an environmental release.

    ramp_up, ramp_down: how much the flow may rise and fall, m3/s per hour.
    """

    name: Identifier
    reservoir: Identifier
    to: Identifier | None = None
    flow_min: NonNegative = 0.0
    flow_max: Positive | None = None
    ramp_up: Annotated[Positive | None, UNSTATED] = None
    ramp_down: Annotated[Positive | None, UNSTATED] = None

    @model_validator(mode="after")
    def _limits(self) -> Self:
        if self.flow_max is not None and self.flow_min > self.flow_max:
            raise ValueError("flow_min at most flow_max")
        return self


class River(Value):
    """A reach that delivers what enters it to a reservoir, a river or the sea after a delay."""

    name: Identifier
    to: Identifier | None = None
    delay_minutes: Annotated[int, Field(ge=0)]


class Cut(Value):
    """An upper bound on the worth of the water left: constant + slopes times volumes in Mm3.

    slopes: currency per Mm3 by reservoir; a reservoir that is not named adds nothing.
    """

    constant: float
    slopes: dict[Identifier, float]


class Watercourse(Value):
    """A directed graph of reservoirs, plants, gates and rivers.

    cuts: where stated, the lowest of them values the water left at the end of the horizon and
    the reservoirs' water values do not. conditions: what holds for a while only.
    """

    name: Identifier
    source: str | None = None
    reservoirs: Annotated[tuple[Reservoir, ...], Field(min_length=1)]
    plants: Annotated[tuple[Plant, ...], Field(min_length=1)]
    gates: tuple[Gate, ...] = ()
    rivers: tuple[River, ...] = ()
    cuts: Annotated[tuple[Cut, ...], UNSTATED] = ()
    conditions: Annotated[Conditions | None, UNSTATED] = None

    @model_validator(mode="after")
    def _connected(self) -> Self:
        faults = list(connection_faults(self))
        if faults:
            raise ValueError("; ".join(f"{where}: {what}" for where, _value, what in faults))
        return self

    def downstream(self, to: str | None) -> tuple[str | None, int]:
        """Return the reservoir that water sent `to` reaches (None: the sea) and the delay, min."""
        rivers = {river.name: river for river in self.rivers}
        delay = 0
        while to in rivers:
            river = rivers[Identifier(to)]
            delay += river.delay_minutes
            to = river.to
        return to, delay
