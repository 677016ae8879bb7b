"""A plant as a whole: its modes, their powers at the best split, and what may run when."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.watercourse import GeneratingUnit, Plant, Pump, Reservoir
from hydrobid.hydro.mode_tables import HEADS, NEVER, REACH, ModeTables
from hydrobid.hydro.modes import Kind, Mode, kinds_of, modes_of
from hydrobid.hydro.physics import POWER_OF_WATER
from hydrobid.hydro.problem import Problem

Array = NDArray[np.float64]
Positions = NDArray[np.intp]

# MW below which a power stands for none: NEVER, or what is drawn between it and a power.
IMPOSSIBLE = -1e6
# Points over a mode's flow.
ROWS = 33


@dataclass(frozen=True, eq=False)
class PlantModel:
    """Power of a plant over mode, flow and gross head.

    heads: (H,) m, even. least, most: (M, H) m3/s. power: (M, F, H) MW. sign: (M,) 1, or -1 for
    modes that pump. Flows are of the machines; what leaves the reservoir is sign x flow. Mode 0 is
    the one in which nothing runs. allowed: (T, M). upper, lower: positions of reservoirs; no lower
    one where the plant does not discharge into a reservoir directly.
    """

    plant: Plant
    kinds: tuple[Kind, ...]
    modes: tuple[Mode, ...]
    heads: Array
    least: Array
    most: Array
    power: Array
    sign: Array
    allowed: NDArray[np.bool_]
    upper: int
    lower: int | None

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """The (M, K) machines of each kind that run in each mode."""
        return np.array([mode.counts for mode in self.modes]).reshape(len(self.modes), -1)

    @cached_property
    def switching(self) -> Array:
        """The (M, M) cost of going from one mode (row) to another."""
        starts = np.array([kind.start_cost for kind in self.kinds])
        stops = np.array([kind.stop_cost for kind in self.kinds])
        change = self.counts[None, :, :] - self.counts[:, None, :]
        cost: Array = np.maximum(change, 0) @ starts + np.maximum(-change, 0) @ stops
        return cost

    def limits(self, head: Array) -> tuple[Array, Array]:
        """Return the least and greatest flows (..., M) at heads (...)."""
        left, share = self._column(head)
        share = share[..., None]
        return tuple(
            limit.T[left] * (1 - share) + limit.T[left + 1] * share
            for limit in (self.least, self.most)
        )  # type: ignore[return-value]  # two of them

    def choices(self, head: Array) -> tuple[Array, Array]:
        """Return flows and powers (..., M, F) of each mode, from its least to its greatest flow.

        A power below IMPOSSIBLE is of a mode that cannot run at that head.
        """
        least, most = self.limits(head)
        rows = np.linspace(0.0, 1.0, self.power.shape[1])
        flows = least[..., None] + rows * (most - least)[..., None]
        modes = np.broadcast_to(np.arange(len(self.modes))[:, None], flows.shape)
        return flows, self.powers(modes, flows, np.broadcast_to(head[..., None, None], flows.shape))

    def powers(self, mode: Positions, flow: Array, head: Array) -> Array:
        """Return the MW of modes at flows and heads, all of one shape."""
        left, share = self._column(head)
        result: Array = self._in_column(mode, flow, left) * (1 - share)
        result += self._in_column(mode, flow, left + 1) * share
        return np.where(mode == 0, 0.0, result)

    def _column(self, head: Array) -> tuple[Positions, Array]:
        step = self.heads[1] - self.heads[0]
        column = np.clip((head - self.heads[0]) / step, 0.0, self.heads.size - 1 - 1e-9)
        left = column.astype(np.intp)
        return left, column - left

    def _in_column(self, mode: Positions, flow: Array, column: Positions) -> Array:
        least, last = self.least[mode, column], self.power.shape[1] - 1
        row = (flow - least) / np.maximum(self.most[mode, column] - least, 1e-9) * last
        below = np.clip(row, 0, last - 1).astype(np.intp)
        part = np.clip(row - below, -REACH, 1 + REACH)
        at = self.power[mode, below, column]
        result: Array = at + part * (self.power[mode, below + 1, column] - at)
        return result


def plant_model(problem: Problem, plant: Plant) -> PlantModel:
    """Return the model of a plant over the heads that its reservoirs' limits allow."""
    kinds = kinds_of(plant)
    modes = modes_of(kinds)
    heads = _heads(problem, plant)
    tables = ModeTables(plant, kinds, heads)
    least, most = np.zeros((len(modes), HEADS)), np.zeros((len(modes), HEADS))
    power = np.zeros((len(modes), ROWS, HEADS))
    sign = np.ones(len(modes))
    for at, mode in enumerate(modes[1:], start=1):
        table = tables.of(mode)
        least[at], most[at] = table.least, table.most
        flows = least[at] + np.linspace(0, 1, ROWS)[:, None] * (most[at] - least[at])
        power[at] = np.maximum(table.at(flows, np.broadcast_to(heads, flows.shape)), NEVER)
        sign[at] = -1.0 if table.lifts else 1.0
    positions = {r.name: at for at, r in enumerate(problem.watercourse.reservoirs)}
    return PlantModel(
        plant=plant,
        kinds=kinds,
        modes=modes,
        heads=heads,
        least=least,
        most=most,
        power=power,
        sign=sign,
        allowed=_allowed(problem, kinds, modes),
        upper=positions[plant.reservoir],
        lower=None if plant.to is None else positions.get(plant.to),
    )


def _heads(problem: Problem, plant: Plant) -> Array:
    """Return HEADS heads in m from the least that losses may leave to the greatest to lift over.

    Tables over net heads, from which those over gross heads are made, are over the same heads.
    """
    named = {r.name: r for r in problem.watercourse.reservoirs}
    upper, lower = named[plant.reservoir], named.get(plant.to) if plant.to else None
    top = _levels(problem, upper)
    tail = [plant.outlet_level] * 2
    if lower is not None:
        tail = [max(level, plant.outlet_level) for level in _levels(problem, lower)]
    lost = {
        lifting: plant.main_loss * sum(flows.values()) ** 2
        + max(
            (loss * flows.get(penstock, 0.0) ** 2)
            for penstock, loss in enumerate(plant.penstock_loss, start=1)
        )
        for lifting, flows in _greatest_flows(plant, top[1] - tail[0]).items()
    }
    span = top[0] - tail[1] - lost[False], top[1] - tail[0] + lost[True]
    return np.linspace(span[0], max(span[1], span[0] + 1.0), HEADS)


def _levels(problem: Problem, reservoir: Reservoir) -> tuple[float, float]:
    """Return the lowest and the highest level in m that a reservoir may have."""
    at = problem.watercourse.reservoirs.index(reservoir)
    least = min(reservoir.volume_min, float(problem.start.volume[at]))
    level = reservoir.level
    return float(np.interp(least, level.x, level.y)), float(level.y[-1])


def _greatest_flows(plant: Plant, head: float) -> dict[bool, dict[int | None, float]]:
    """Return m3/s by penstock that units let down (False) and pumps lift (True)."""
    flows: dict[bool, dict[int | None, float]] = {False: {}, True: {}}
    for machine in plant.machines:
        if isinstance(machine, GeneratingUnit):
            greatest = max(curve.flow[-1] for curve in machine.turbine)
        elif machine.curves:
            greatest = max(curve.flow[-1] for curve in machine.curves)
        else:
            greatest = machine.power_max * machine.efficiency / (POWER_OF_WATER * max(head, 1.0))
        through = flows[isinstance(machine, Pump)]
        through[machine.penstock] = through.get(machine.penstock, 0.0) + greatest
    return flows


def _allowed(
    problem: Problem, kinds: tuple[Kind, ...], modes: tuple[Mode, ...]
) -> NDArray[np.bool_]:
    """Return (T, M) whether as many machines are available as a mode needs."""
    available = problem.limits.available
    there = np.array([np.sum([available[name] for name in kind.names], axis=0) for kind in kinds])
    needed = np.array([mode.counts for mode in modes])
    allowed: NDArray[np.bool_] = np.all(needed[None, :, :] <= there.T[:, None, :], axis=2)
    return allowed
