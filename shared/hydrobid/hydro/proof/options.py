"""What a plant may do with its reservoir's water, and what that cannot exceed, at even volumes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.watercourse import Pump, Reservoir
from hydrobid.hydro.modes import Kind, Mode, all_modes
from hydrobid.hydro.physics import POWER_OF_WATER, level
from hydrobid.hydro.plant_model import PlantModel
from hydrobid.hydro.problem import Flags, Problem
from hydrobid.hydro.proof.ceilings import Ceilings, Member
from hydrobid.hydro.proof.machines import Ceiling, NotCovered, flows_of, least_efficiency

Array = NDArray[np.float64]

# Flows of one mode at most.
MODE_FLOWS = 1000


@dataclass(frozen=True)
class Resolution:
    """Points over a reservoir's volume, over a plant's head, and over flow in all modes of a plant."""

    volumes: int
    heads: int
    flows: int


@dataclass(frozen=True, eq=False)
class Options:
    """What may be done in a period with the water of a reservoir whose (N,) volumes are even.

    mode: (K,) rising. flow: (K,) m3/s that leave, below zero where pumps lift; even within a mode,
    `cell` apart. power: (K, N) MW that each cannot exceed. least: (K,) MW that it is at least,
    where prices are below zero. switching: (M, M) cost from a mode to another. allowed: (T, M).
    before: the mode before the horizon, where it is known.
    """

    volumes: Array
    mode: NDArray[np.intp]
    flow: Array
    cell: float
    power: Array
    least: Array
    switching: Array
    allowed: Flags
    before: int | None

    @property
    def most(self) -> tuple[float, float]:
        """The greatest m3/s that may leave, and that may be lifted."""
        return max(float(self.flow.max()), 0.0), max(float(-self.flow.min()), 0.0)

    def thinned(self, volumes: int, flows: int) -> Options:
        """Return every so manieth volume and flow of each mode alone, and the outermost."""
        rows = np.flatnonzero(_every(self.mode, flows))
        columns = np.arange(0, self.volumes.size, volumes)
        return replace(
            self,
            volumes=self.volumes[columns],
            mode=self.mode[rows],
            flow=self.flow[rows],
            cell=self.cell * flows,
            power=self.power[np.ix_(rows, columns)],
            least=self.least[rows],
        )


def _every(mode: NDArray[np.intp], count: int) -> Flags:
    """Return which of (K,) modes' flows are kept: each `count`th, and the last of each."""
    last = np.append(mode[1:] != mode[:-1], True)
    place = np.arange(mode.size) - np.searchsorted(mode, mode)
    kept: Flags = last | (place % count == 0)
    return kept


def without_plant(problem: Problem, volumes: Array) -> Options:
    """Return that nothing can be done."""
    nothing, allowed = np.zeros(1), np.ones((len(problem), 1), dtype=bool)
    mode, power = np.zeros(1, dtype=np.intp), np.zeros((1, volumes.size))
    return Options(
        volumes, mode, nothing, 0.0, power, nothing, np.zeros((1, 1)), allowed, before=None
    )


def options_of(
    problem: Problem,
    model: PlantModel,
    volumes: Array,
    lower: Array,
    before: int | None,
    resolution: Resolution,
) -> Options:
    """Return what a plant may do at (N,) volumes of its upper reservoir.

    lower: volumes between which the reservoir stays whose level may be its tailwater. before: its
    mode before the horizon, where it is known.
    """
    reservoirs = problem.watercourse.reservoirs
    upper, tail = reservoirs[model.upper], np.full(2, model.plant.outlet_level)
    if model.lower is not None:
        tail = np.maximum(tail, _levels(reservoirs[model.lower], lower))
    gross = _levels(upper, volumes) - tail[::-1]
    listed = all_modes(model.kinds)
    modes = list(_modes(problem, model) if listed else _directions(problem, model))
    spans = [_span(members, float(gross[0])) for members in modes]
    if not np.isfinite(sum(spans)):
        raise NotCovered(f"{model.plant.name} may pump over no height, as much as it likes")
    cell = max(sum(spans) / resolution.flows, max(spans) / MODE_FLOWS, 1e-6)
    flow, power, least = [np.zeros(1)], [np.zeros((1, volumes.size))], [np.zeros(1)]
    for members in modes:
        lifts = isinstance(members[0].machine, Pump)
        heads = _heads(model, members, gross, resolution.heads)
        ceiling = Ceilings(model.plant, heads, cell, optional=not listed).of(members)
        flow.append(ceiling.flows * ceiling.sign)
        power.append(_over_volumes(ceiling, upper, volumes, float(tail[1 if lifts else 0])))
        least.append(-_most_drawn(members, float(heads[-1])) * ceiling.flows)
    count = len(modes) + 1
    return Options(
        volumes=volumes,
        mode=np.repeat(np.arange(count), [part.size for part in flow]),
        flow=np.concatenate(flow),
        cell=cell,
        power=np.vstack(power),
        least=np.concatenate(least),
        switching=model.switching if listed else np.zeros((count, count)),
        allowed=model.allowed if listed else np.ones((len(problem), count), dtype=bool),
        before=before if listed else None,
    )


def _modes(problem: Problem, model: PlantModel) -> Iterator[list[Member]]:
    """Yield what runs in each of a plant's modes but the first, in which nothing does."""
    for mode in model.modes[1:]:
        yield _members(problem, model.kinds, mode)


def _members(problem: Problem, kinds: tuple[Kind, ...], mode: Mode) -> list[Member]:
    members = []
    for kind, running in zip(kinds, mode.running, strict=True):
        for position in running:
            greatest = kind.ranges[position].power_to
            if position == len(kind.ranges) - 1:
                greatest = _greatest(problem, kind)
            members.append(Member(kind.ranges[position].machine, greatest))
    return members


def _directions(problem: Problem, model: PlantModel) -> Iterator[list[Member]]:
    """Yield all of a plant's units, and all of its pumps, where its modes are too many."""
    for pumping in (False, True):
        members = [
            Member(kind.ranges[0].machine, _greatest(problem, kind))
            for kind in model.kinds
            if kind.pumps is pumping
            for _ in kind.names
        ]
        if members:
            yield members


def _greatest(problem: Problem, kind: Kind) -> float:
    """Return the MW that a machine of a kind may make at most, whenever and whichever it is."""
    return max(float(problem.limits.power_max[name].max()) for name in kind.names)


def _span(members: list[Member], least_lift: float) -> float:
    ranges = [flows_of(member.machine, least_lift) for member in members]
    return sum(last - first for first, last in ranges)


def _levels(reservoir: Reservoir, volumes: Array) -> Array:
    """Return the lowest and the highest level in m between the first and the last volume."""
    corners = np.asarray(reservoir.level.x)
    within = corners[(corners > volumes[0]) & (corners < volumes[-1])]
    levels = level(reservoir, np.concatenate([volumes[:1], within, volumes[-1:]]))
    return np.array([levels.min(), levels.max()])


def _heads(model: PlantModel, members: list[Member], gross: Array, count: int) -> Array:
    """Return even heads in m, from what losses leave of the least to what they make of the most."""
    plant, lowest = model.plant, float(gross[0])
    flows = [flows_of(member.machine, lowest)[1] for member in members]
    lost = plant.main_loss * sum(flows) ** 2
    for number, loss in enumerate(plant.penstock_loss, start=1):
        pairs = zip(members, flows, strict=True)
        lost += loss * sum(flow for m, flow in pairs if m.machine.penstock == number) ** 2
    lifts = isinstance(members[0].machine, Pump)
    least = max(lowest - (0.0 if lifts else lost), 0.0)
    most = float(gross[1]) + (lost if lifts else 0.0)
    return np.linspace(least, max(most, least + 1.0), count)


def _most_drawn(members: list[Member], head: float) -> float:
    """Return the MW that a m3/s takes at most; units take none."""
    pumps = [member.machine for member in members if isinstance(member.machine, Pump)]
    return max((POWER_OF_WATER * head / least_efficiency(pump) for pump in pumps), default=0.0)


def _over_volumes(ceiling: Ceiling, upper: Reservoir, volumes: Array, tail: float) -> Array:
    """Return the (F, N) ceiling over the volumes of the upper reservoir, above it in between.

    In a cell of volumes the head follows the level's corners, and the ceiling its own.
    """
    heads = level(upper, volumes) - tail
    place = np.clip((heads - ceiling.heads[0]) / ceiling.step, 0, ceiling.heads.size - 1 - 1e-9)
    row = place.astype(np.intp)
    part = (place - row)[:, None]
    value = ceiling.power[row] * (1 - part) + ceiling.power[row + 1] * part
    lowest, highest = np.minimum(place[:-1], place[1:]), np.maximum(place[:-1], place[1:])
    first, last = np.ceil(lowest).astype(np.intp), np.floor(highest).astype(np.intp) + 1
    fallen = np.zeros((ceiling.heads.size + 1, ceiling.flows.size))
    fallen[2:-1] = np.cumsum(np.maximum(-np.diff(ceiling.power, n=2, axis=0), 0.0), axis=0)
    fallen[-1] = fallen[-2]
    bends = np.maximum(fallen[last] - fallen[first], 0.0) * (highest - lowest)[:, None]
    slopes = np.abs(np.diff(ceiling.power, axis=0)).max(axis=0) / ceiling.step
    above = bends / 4 + _off_the_chord(upper, volumes)[:, None] * slopes
    beyond = np.zeros((1, ceiling.flows.size))
    raised: Array = value + np.maximum(np.vstack([above, beyond]), np.vstack([beyond, above]))
    return raised.T


def _off_the_chord(reservoir: Reservoir, volumes: Array) -> Array:
    """Return the (N - 1,) m by which the level leaves its chord between two volumes at most."""
    off = np.zeros(volumes.size - 1)
    corners = np.asarray(reservoir.level.x)
    corners = corners[(corners > volumes[0]) & (corners < volumes[-1])]
    cells = np.clip(np.searchsorted(volumes, corners) - 1, 0, off.size - 1)
    chord = np.interp(corners, volumes, level(reservoir, volumes))
    np.maximum.at(off, cells, np.abs(level(reservoir, corners) - chord))
    return off
