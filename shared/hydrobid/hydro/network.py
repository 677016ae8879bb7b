"""A watercourse as streams: every flow that a schedule chooses, in one form.

A segment of a plant, a pump, a gate and an emergency spill differ only in where their water goes,
how much of it may flow and what power it makes, so the linear model needs no case for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Gate, Plant, Reservoir, Watercourse
from hydrobid.hydro.production import Segments, plant_segments, pump_rate, reference_head

# Mm3 that 1 m3/s brings in an hour.
WATER_OF_FLOW = 0.0036

# Currency per MWh at which a broken limit is priced: five times the highest price limit of
# European auctions, so that no price pays for one that could have been kept.
PENALTY_PRICE = 20_000.0


class StreamKind(StrEnum):
    """What a stream is part of; `element` names the plant, pump, gate or reservoir."""

    DISCHARGE = "discharge"
    PUMPING = "pumping"
    GATE = "gate"
    EMERGENCY_SPILL = "emergency_spill"


@dataclass(frozen=True)
class Route:
    """The way of water out of a reservoir.

    source, target: positions in the watercourse's reservoirs; no target: the sea. delay: in MTUs.
    """

    source: int
    target: int | None
    delay: float

    def shares(self) -> tuple[tuple[int, float], ...]:
        """Return (MTUs later, share) of the arriving water.

        Water that leaves evenly during an MTU and is under way for a fraction of one arrives in
        two: that fraction in the later.
        """
        whole = int(self.delay)
        late = self.delay - whole
        return ((whole, 1.0),) if not late else ((whole, 1.0 - late), (whole + 1, late))


@dataclass(frozen=True)
class Stream:
    """A flow between 0 and `capacity` in m3/s, chosen in each MTU.

    power: MW per m3/s where the price is zero or above; pumps' is negative. steepest: MW per m3/s
    below zero. There the flattest segment would be used first, a production that no unit can run,
    so all segments of a plant are taken at the first one's slope. penalty: currency per m3/s and
    hour; negative rewards the part of a flow that a minimum asks for.
    """

    kind: StreamKind
    element: Identifier
    route: Route
    capacity: float
    power: float = 0.0
    steepest: float = 0.0
    penalty: float = 0.0


@dataclass(frozen=True)
class Network:
    """A watercourse over a grid, ready to be formulated and to be accounted for.

    production: of each plant. pump_rates: MW per m3/s of each pump that has a head to lift over.
    penalty: currency per m3/s and hour of a broken limit.
    """

    watercourse: Watercourse
    grid: MtuGrid
    streams: tuple[Stream, ...]
    production: Mapping[Identifier, Segments]
    pump_rates: Mapping[Identifier, float]
    penalty: float

    @property
    def water_of_flow(self) -> float:
        """Mm3 that 1 m3/s brings in one MTU."""
        return WATER_OF_FLOW * self.grid.hours


def network(watercourse: Watercourse, grid: MtuGrid) -> Network:
    """Return the streams of a watercourse over a grid, in the order of its documents."""
    production: dict[Identifier, Segments] = {}
    pump_rates: dict[Identifier, float] = {}
    for plant in watercourse.plants:
        head = reference_head(watercourse, plant)
        production[plant.name] = plant_segments(plant, head)
        if head > 0:
            pump_rates |= {pump.name: pump_rate(pump, head) for pump in plant.pumps}
    dearest_water = max(abs(reservoir.water_value) for reservoir in watercourse.reservoirs)
    power_of_flow = sum(curve.steepest for curve in production.values()) + sum(pump_rates.values())
    penalty = PENALTY_PRICE * max(power_of_flow, 1.0) + WATER_OF_FLOW * dearest_water
    builder = _Builder(watercourse, grid, production, pump_rates, penalty)
    return Network(watercourse, grid, tuple(builder.streams()), production, pump_rates, penalty)


@dataclass(frozen=True)
class _Builder:
    watercourse: Watercourse
    grid: MtuGrid
    production: Mapping[Identifier, Segments]
    pump_rates: Mapping[Identifier, float]
    penalty: float

    def streams(self) -> Iterator[Stream]:
        for plant in self.watercourse.plants:
            yield from self._discharge(plant)
            yield from self._pumping(plant)
        for gate in self.watercourse.gates:
            yield from self._gate(gate)
        for reservoir in self.watercourse.reservoirs:
            yield from self._emergency_spill(reservoir)

    def _discharge(self, plant: Plant) -> Iterator[Stream]:
        """Yield the segments, split where the minimum discharge ends."""
        route = self._route(plant.reservoir, plant.to)
        curve = self.production[plant.name]
        asked, free = curve.up_to(plant.discharge_min), curve.beyond(plant.discharge_min)
        for part, penalty in ((asked, -self.penalty), (free, 0.0)):
            for width, slope in zip(part.widths.tolist(), part.slopes.tolist(), strict=True):
                yield Stream(
                    StreamKind.DISCHARGE,
                    plant.name,
                    route,
                    capacity=width,
                    power=slope,
                    steepest=curve.steepest,
                    penalty=penalty,
                )

    def _pumping(self, plant: Plant) -> Iterator[Stream]:
        for pump in plant.pumps:
            if plant.to is not None and pump.name in self.pump_rates:
                rate = self.pump_rates[pump.name]
                yield Stream(
                    StreamKind.PUMPING,
                    pump.name,
                    self._route(plant.to, plant.reservoir),
                    capacity=pump.power_max / rate,
                    power=-rate,
                    steepest=-rate,
                )

    def _gate(self, gate: Gate) -> Iterator[Stream]:
        route = self._route(gate.reservoir, gate.to)
        flow_max = inf if gate.flow_max is None else gate.flow_max
        asked = min(gate.flow_min, flow_max)
        for capacity, penalty in ((asked, -self.penalty), (flow_max - asked, 0.0)):
            if capacity > 0:
                yield Stream(StreamKind.GATE, gate.name, route, capacity, penalty=penalty)

    def _emergency_spill(self, reservoir: Reservoir) -> Iterator[Stream]:
        """Yield a last way out of a reservoir that no unlimited gate leaves.

        Overflow takes the way of the first gate or, without one, of the first plant.
        """
        gates = [gate for gate in self.watercourse.gates if gate.reservoir == reservoir.name]
        if all(gate.flow_max is not None for gate in gates):
            plants = [p for p in self.watercourse.plants if p.reservoir == reservoir.name]
            ways = [gate.to for gate in gates] + [plant.to for plant in plants]
            yield Stream(
                StreamKind.EMERGENCY_SPILL,
                reservoir.name,
                self._route(reservoir.name, ways[0] if ways else None),
                capacity=inf,
                penalty=self.penalty,
            )

    def _route(self, source: str, to: str | None) -> Route:
        positions = {r.name: index for index, r in enumerate(self.watercourse.reservoirs)}
        target, minutes = self.watercourse.downstream(to)
        return Route(
            positions[Identifier(source)],
            None if target is None else positions[Identifier(target)],
            minutes / self.grid.minutes,
        )
