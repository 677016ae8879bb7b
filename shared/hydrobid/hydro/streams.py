"""A problem as streams: every flow that a schedule chooses, in one form.

A segment of a plant or unit, a unit's least flow, a pump, a gate and a spill differ only in where
their water goes, how much of it may flow and what power it makes, so the linear model needs no
case for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.watercourse import Reservoir
from hydrobid.hydro.curves import Production, ProductionCurve
from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.routing import WATER_OF_FLOW, Route, Routes

Array = NDArray[np.float64]


class StreamKind(StrEnum):
    """What a stream is part of; its `element` is the plant, pump, gate or reservoir."""

    DISCHARGE = "discharge"
    PUMPING = "pumping"
    GATE = "gate"
    OVERFLOW = "overflow"
    EMERGENCY_SPILL = "emergency_spill"


@dataclass(frozen=True, eq=False)
class Stream:
    """A choice between 0 and (T,) `upper` in each period, and what one unit of it does.

    flow: (T,) m3/s; one, save for the least flow of a committed machine, whose choice is off or
    on. power: (T,) MW. steepest: (T,) MW where the price is below zero: there the flattest segment
    would be used first, a production that no unit can run, so all of a curve's segments count
    like its steepest. machine: the plant, unit or pump whose curve it is of; part: its range of
    that curve. whole: it is off or on. asked: a minimum flow asks for all of it.
    """

    kind: StreamKind
    element: Identifier
    route: Route
    upper: Array
    flow: Array
    power: Array
    steepest: Array
    machine: Identifier | None = None
    part: int = 0
    whole: bool = False
    asked: bool = False


@dataclass(frozen=True, eq=False)
class Streams:
    """All streams of a problem, and their numbers as (S, T) arrays."""

    each: tuple[Stream, ...]
    upper: Array
    flow: Array
    power: Array
    steepest: Array

    @classmethod
    def of(cls, problem: Problem, production: Production) -> Streams:
        """Return the streams of a problem in the order of its watercourse's documents."""
        each = tuple(_streams(problem, production))
        return cls(
            each,
            *(
                np.array([getattr(stream, name) for stream in each])
                for name in ("upper", "flow", "power", "steepest")
            ),
        )

    def under_way(self, horizon: Horizon) -> Array:
        """Return the (S, T) Mm3 of one unit of each choice that have not arrived at the end."""
        late = np.zeros(self.flow.shape)
        for at, stream in enumerate(self.each):
            if stream.route.target is not None and stream.route.shares is not None:
                late[at] = np.maximum(1.0 - stream.route.shares.sum(axis=1), 0.0)
        under_way: Array = late * self.flow * WATER_OF_FLOW * horizon.hours
        return under_way

    def of_element(self, kind: StreamKind, element: Identifier) -> list[int]:
        """Return the positions of an element's streams of one kind."""
        return [
            at
            for at, stream in enumerate(self.each)
            if stream.kind is kind and stream.element == element
        ]

    def of_machine(self, machine: Identifier) -> list[int]:
        """Return the positions of the streams of a plant's, unit's or pump's curve."""
        return [at for at, stream in enumerate(self.each) if stream.machine == machine]


def _streams(problem: Problem, production: Production) -> Iterator[Stream]:
    watercourse, routes = problem.watercourse, Routes(problem.watercourse, problem.horizon)
    yield from _of_plants(problem, production, routes)
    for gate in watercourse.gates:
        route = routes.of(gate.reservoir, gate.to)
        most = problem.limits.gate_flow_max[gate.name]
        least = np.minimum(problem.limits.gate_flow_min[gate.name], most)
        if np.any(least > 0):
            yield _plain(StreamKind.GATE, gate.name, route, least, asked=True)
        yield _plain(StreamKind.GATE, gate.name, route, most - least)
    for reservoir in watercourse.reservoirs:
        kind = _last_way_out(problem, reservoir)
        if kind is not None:
            unlimited = np.full(len(problem), inf)
            yield _plain(kind, reservoir.name, routes.overflow(reservoir), unlimited)


def _of_plants(problem: Problem, production: Production, routes: Routes) -> Iterator[Stream]:
    for plant in problem.watercourse.plants:
        route = routes.of(plant.reservoir, plant.to)
        if plant.name in production:
            least = problem.limits.discharge_min[plant.name]
            yield from _whole_plant(plant.name, production[plant.name], route, least)
        else:
            for unit in plant.units:
                curve = production[unit.name]
                yield from _machine(StreamKind.DISCHARGE, plant.name, unit.name, curve, route)
        if plant.to is not None and plant.pumps:
            back = routes.of(plant.to, plant.reservoir)
            for pump in plant.pumps:
                if pump.name in production:
                    curve = production[pump.name]
                    yield from _machine(StreamKind.PUMPING, pump.name, pump.name, curve, back)


def _machine(
    kind: StreamKind,
    element: Identifier,
    machine: Identifier,
    curve: ProductionCurve,
    route: Route,
) -> Iterator[Stream]:
    """Yield a curve's streams: of each range the least flow, where it has one, and segments."""
    for part, piece in enumerate(curve.ranges):
        if curve.committed and np.any(piece.usable):
            upper = piece.usable.astype(np.float64)
            power = piece.power
            yield Stream(
                kind, element, route, upper, piece.flow, power, power, machine, part, whole=True
            )
        steepest = piece.steepest
        for width, slope in zip(piece.widths, piece.slopes, strict=True):
            if np.any(width > 0):
                one = np.ones(width.size)
                yield Stream(kind, element, route, width, one, slope, steepest, machine, part)


def _whole_plant(
    plant: Identifier, curve: ProductionCurve, route: Route, least: Array
) -> Iterator[Stream]:
    """Yield the segments of a plant, each cut in two where the plant's minimum discharge ends."""
    starts = np.zeros(least.size)
    for stream in _machine(StreamKind.DISCHARGE, plant, plant, curve, route):
        asked = np.clip(least - starts, 0.0, stream.upper)
        starts = starts + stream.upper
        for upper, wanted in ((asked, True), (stream.upper - asked, False)):
            if np.any(upper > 0):
                yield replace(stream, upper=upper, asked=wanted)


def _plain(
    kind: StreamKind, element: Identifier, route: Route, upper: Array, *, asked: bool = False
) -> Stream:
    nothing = np.zeros(upper.size)
    return Stream(kind, element, route, upper, np.ones(upper.size), nothing, nothing, asked=asked)


def _last_way_out(problem: Problem, reservoir: Reservoir) -> StreamKind | None:
    """Return how a reservoir that no unlimited gate leaves gets rid of what it cannot hold."""
    if reservoir.overflow is not None:
        return StreamKind.OVERFLOW
    gates: Sequence[Identifier] = [
        gate.name for gate in problem.watercourse.gates if gate.reservoir == reservoir.name
    ]
    limited = all(np.any(np.isfinite(problem.limits.gate_flow_max[name])) for name in gates)
    return StreamKind.EMERGENCY_SPILL if limited else None
