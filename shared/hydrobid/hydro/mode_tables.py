"""A plant's power over its total flow and gross head in each of its modes, at the best split.

What runs shares the plant's flow so that the power is greatest. A split is sought where all but
one machine are at a corner of their efficiency curves or at a limit: between corners power is
linear in flow, or nearly. Machines of one penstock see one net head, and the tunnel's loss hangs
on the plant's total flow, so tables are made from the machines upwards: machines at a net head,
joined to penstocks, penstocks to the plant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.watercourse import GeneratingUnit, Plant, Pump
from hydrobid.hydro.modes import Kind, Mode, Running
from hydrobid.hydro.physics import flow_range, pump_power, unit_power

Array = NDArray[np.float64]

# Points of a table over flow and over head, and of a machine's curve where limits of power cut it.
FLOWS = 65
HEADS = 33
CUT_FLOWS = 257
# Corners of joined machines that are tried; more would be nearer to each other than it matters.
MAX_CORNERS = 64
# MW in place of a power that cannot be: no price makes it worth choosing.
NEVER = -1e9
# Pieces of the grid by which its outermost go on.
REACH = 4.0
# Halvings that find where a flow and the head it leaves itself agree.
HALVINGS = 40


@dataclass(frozen=True, eq=False)
class Table:
    """Power over flow and head, linear between the points of an even grid.

    heads: (H,) m. least, most: (H,) m3/s. power: (F, H) MW at F flows from least to most, NEVER at
    heads at which it cannot run. corners: (C,) m3/s where a part of a split is well placed.
    lifts: it pumps, so that losses add to the head.
    """

    heads: Array
    least: Array
    most: Array
    power: Array
    corners: Array
    lifts: bool

    def at(self, flow: Array, head: Array) -> Array:
        """Return the MW at flows and heads of one shape, near the limits at most beyond them."""
        step = self.heads[1] - self.heads[0]
        column = np.clip((head - self.heads[0]) / step, 0.0, self.heads.size - 1 - 1e-9)
        left = column.astype(np.intp)
        share = column - left
        result: Array = self._in_column(flow, left) * (1 - share)
        result += self._in_column(flow, left + 1) * share
        return result

    def _in_column(self, flow: Array, column: NDArray[np.intp]) -> Array:
        """Return the MW at flows at the heads of the grid; the outermost pieces go on a little.

        Limits differ between the heads of a cell: what is within them at a head between may lie
        just beyond at one of the two.
        """
        least, last = self.least[column], self.power.shape[0] - 1
        row = (flow - least) / np.maximum(self.most[column] - least, 1e-9) * last
        below = np.clip(row, 0, last - 1).astype(np.intp)
        part = np.clip(row - below, -REACH, 1 + REACH)
        at = self.power[below, column]
        result: Array = at + part * (self.power[below + 1, column] - at)
        return result

    def limits(self, head: Array) -> tuple[Array, Array]:
        """Return the least and greatest flow in m3/s at heads."""
        return np.interp(head, self.heads, self.least), np.interp(head, self.heads, self.most)

    def before_loss(self, coefficient: float) -> Table:
        """Return the table over the head before a loss of coefficient x flow squared."""
        if not coefficient:
            return self
        loss = -coefficient if self.lifts else coefficient
        least = self._where_it_agrees(self.least, loss)
        most = self._where_it_agrees(self.most, loss)
        flows = _between(least, most, self.power.shape[0])
        power = self.at(flows, self.heads - loss * flows**2)
        return Table(self.heads, least, most, power, self.corners, self.lifts)

    def _where_it_agrees(self, limit: Array, loss: float) -> Array:
        """Return (H,) flows that are the limit at the head which they leave."""
        low, high = np.zeros_like(limit), np.full_like(limit, limit.max())
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            beyond = middle > np.interp(self.heads - loss * middle**2, self.heads, limit)
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
        return low


class ModeTables:
    """The tables of a plant's modes over evenly spaced gross heads in m, parts shared."""

    def __init__(self, plant: Plant, kinds: tuple[Kind, ...], heads: Array) -> None:
        self._plant = plant
        self._kinds = kinds
        self._heads = heads
        self._joined: dict[tuple[tuple[int, int], ...], Table] = {}

    def of(self, mode: Mode) -> Table:
        """Return the table of a mode in which something runs."""
        penstocks: dict[int | None, list[tuple[int, int]]] = {}
        for at, (kind, running) in enumerate(zip(self._kinds, mode.running, strict=True)):
            for position in running:
                penstock = kind.ranges[position].machine.penstock
                penstocks.setdefault(penstock, []).append((at, position))
        losses = self._plant.penstock_loss
        tables = [
            self._join(tuple(machines)).before_loss(losses[penstock - 1] if penstock else 0.0)
            for penstock, machines in penstocks.items()
        ]
        return reduce(join, tables).before_loss(self._plant.main_loss)

    def _join(self, machines: tuple[tuple[int, int], ...]) -> Table:
        """Return the machines at one net head as one table."""
        if machines not in self._joined:
            kind, position = machines[-1]
            last = machine_table(self._kinds[kind].ranges[position], self._heads)
            self._joined[machines] = (
                join(last, self._join(machines[:-1])) if machines[:-1] else last
            )
        return self._joined[machines]


def machine_table(running: Running, heads: Array) -> Table:
    """Return the table of one machine over evenly spaced net heads in m."""
    machine = running.machine
    curves = machine.turbine if isinstance(machine, GeneratingUnit) else machine.curves
    lifts = isinstance(machine, Pump)
    if curves:
        first, last = flow_range(machine, heads)
        corners = np.unique(np.concatenate([curve.flow for curve in curves]))
    else:  # a pump of one efficiency: its limits are those of its power
        first, last = np.zeros_like(heads), np.full_like(heads, _flow_at_full(machine, heads))
        corners = np.zeros(0)
    flows = _between(first, last, CUT_FLOWS)
    powers = np.abs(machine_power(machine, flows, np.broadcast_to(heads, flows.shape)))
    least, most = np.empty_like(heads), np.empty_like(heads)
    for column in range(heads.size):
        least[column] = _reaching(flows[:, column], powers[:, column], running.power_from)
        most[column] = _exceeding(flows[:, column], powers[:, column], running.power_to)
    can = (least <= most) & (heads > 0)
    least = np.minimum(least, most)
    flows = _between(least, most, CUT_FLOWS)
    power = machine_power(machine, flows, np.broadcast_to(heads, flows.shape))
    return Table(heads, least, most, np.where(can, power, NEVER), corners, lifts)


def machine_power(machine: GeneratingUnit | Pump, flow: Array, net_head: Array) -> Array:
    """Return the MW that a machine makes of flows, or a pump takes, below zero."""
    if isinstance(machine, GeneratingUnit):
        return unit_power(machine, flow, net_head)
    return -pump_power(machine, flow, net_head)


def join(one: Table, other: Table) -> Table:
    """Return two tables over the same heads as one, the flow split so that power is greatest."""
    least, most = one.least + other.least, one.most + other.most
    flows = _between(least, most)
    heads = np.broadcast_to(one.heads, flows.shape)
    best = np.full_like(flows, NEVER)
    for part in _parts(one, other, flows):
        own = np.clip(part, np.maximum(one.least, flows - other.most), one.most)
        own = np.minimum(own, flows - other.least)
        np.maximum(best, one.at(own, heads) + other.at(flows - own, heads), out=best)
    corners = _thinned(np.add.outer(one.corners, other.corners).ravel())
    return Table(one.heads, least, most, np.maximum(best, NEVER), corners, one.lifts)


def _parts(one: Table, other: Table, flows: Array) -> Iterator[Array]:
    """Yield flows of `one` worth trying: corners and limits of either, and an even share."""
    span = np.maximum(one.most - one.least + other.most - other.least, 1e-12)
    yield one.least + (flows - one.least - other.least) * (one.most - one.least) / span
    yield np.broadcast_to(one.least, flows.shape)
    yield np.broadcast_to(one.most, flows.shape)
    for corner in one.corners:
        yield np.full_like(flows, corner)
    for corner in other.corners:
        yield flows - corner


def _thinned(corners: Array) -> Array:
    distinct = np.unique(np.round(corners, 6))
    if distinct.size <= MAX_CORNERS:
        return distinct
    return distinct[np.linspace(0, distinct.size - 1, MAX_CORNERS).round().astype(np.intp)]


def _between(least: Array, most: Array, count: int = FLOWS) -> Array:
    """Return (count, H) flows, evenly spaced from (H,) least to (H,) most."""
    flows: Array = least + np.linspace(0.0, 1.0, count)[:, None] * (most - least)
    return flows


def _flow_at_full(pump: GeneratingUnit | Pump, heads: Array) -> float:
    """Return the m3/s that the least lift lets a pump's full power move."""
    lift = np.min(heads[heads > 0], initial=np.inf)
    return float(pump.power_max / -machine_power(pump, np.ones(()), np.full((), lift)))


def _reaching(flows: Array, powers: Array, power: float) -> float:
    """Return the least of rising flows from which on the power is reached; beyond all, if none."""
    above = np.flatnonzero(powers >= power)
    if not above.size:
        return float(flows[-1]) + 1.0
    first = int(above[0])
    if first == 0:
        return float(flows[0])
    share = (power - powers[first - 1]) / (powers[first] - powers[first - 1])
    return float(flows[first - 1] + share * (flows[first] - flows[first - 1]))


def _exceeding(flows: Array, powers: Array, power: float) -> float:
    """Return the flow at which rising flows come to exceed the power; the last, if none does."""
    above = np.flatnonzero(powers > power)
    if not above.size:
        return float(flows[-1])
    first = int(above[0])
    if first == 0:
        return float(flows[0]) - 1.0
    share = (power - powers[first - 1]) / (powers[first] - powers[first - 1])
    return float(flows[first - 1] + share * (flows[first] - flows[first - 1]))
