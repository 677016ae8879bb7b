"""What one machine's power cannot exceed, at even heads and flows.

A value at a point may lie above the power there; between points the power lies below what is
interpolated along flow and head. So whatever is maximised over the interpolation is at least what
could be made. A pump's power is below zero: its ceiling is the least that it may draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.watercourse import Curve, GeneratingUnit, Pump, TurbineCurve
from hydrobid.hydro.mode_tables import machine_power
from hydrobid.hydro.physics import POWER_OF_WATER, efficiency, unit_power

Array = NDArray[np.float64]


class NotCovered(Exception):
    """The argument does not cover a watercourse; it says why."""


@dataclass(frozen=True, eq=False)
class Ceiling:
    """MW that machines cannot exceed: (H, F) power at (H,) heads in m and (F,) flows in m3/s.

    Both are even. What is interpolated at a head lies above the power at any lower head too; of
    pumps (sign -1), at any higher one.
    """

    heads: Array
    flows: Array
    power: Array
    sign: int

    @property
    def cell(self) -> float:
        """The m3/s between two flows."""
        return float(self.flows[1] - self.flows[0])

    @property
    def step(self) -> float:
        """The m between two heads."""
        return float(self.heads[1] - self.heads[0])


def flows_of(machine: GeneratingUnit | Pump, least_lift: float) -> tuple[float, float]:
    """Return the least and the greatest flow in m3/s at any head; infinite where nothing limits it.

    least_lift: m, over which a pump without curves moves the most.
    """
    curves = _curves(machine)
    if curves:
        return min(c.flow[0] for c in curves), max(c.flow[-1] for c in curves)
    if not isinstance(machine, Pump) or least_lift <= 0:
        return 0.0, np.inf
    return 0.0, machine.power_max * machine.efficiency / (POWER_OF_WATER * least_lift)


def machine_ceiling(
    machine: GeneratingUnit | Pump, greatest: float, heads: Array, cell: float
) -> Ceiling:
    """Return the ceiling of a machine at (H,) net heads, its flows `cell` m3/s apart.

    greatest: MW of a unit beyond which a limit forbids it to run.
    """
    first, last = flows_of(machine, float(heads[0]))
    count = max(int(np.ceil((last - first) / cell - 1e-9)), 1) + 1
    flows = np.linspace(first, first + cell * (count - 1), count)
    shape = (heads.size, flows.size)
    power = machine_power(
        machine, np.broadcast_to(flows, shape), np.broadcast_to(heads[:, None], shape)
    )
    raised = power + _of_neighbours(_above_flows(machine, heads, flows))
    raised += _above_heads(machine, heads, float(flows[-1]))
    if isinstance(machine, Pump):
        never_rising = np.maximum.accumulate(raised[::-1], axis=0)[::-1]
        return Ceiling(heads, flows, never_rising, -1)
    never_falling = np.maximum.accumulate(raised, axis=0)
    return Ceiling(heads, flows, _cut(never_falling, greatest), 1)


def least_efficiency(pump: Pump) -> float:
    """Return a pump's efficiency where it is at its worst."""
    return min((e for curve in pump.curves for e in curve.efficiency), default=pump.efficiency)


def _cut(power: Array, greatest: float) -> Array:
    """Return (H, F) power cut off at the greatest, but for cells in which it is reached.

    There what is interpolated has to lie above what is just allowed.
    """
    low, high = power < greatest, power > greatest
    mixed = _any_corner(low) & _any_corner(high)
    beside = np.zeros(power.shape, dtype=bool)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            beside[rows, columns] |= mixed
    cut: Array = np.where(beside, power, np.minimum(power, greatest))
    return cut


def _any_corner(points: NDArray[np.bool_]) -> NDArray[np.bool_]:
    along = points[:, :-1] | points[:, 1:]
    corners: NDArray[np.bool_] = along[:-1] | along[1:]
    return corners


def _of_neighbours(cells: Array) -> Array:
    """Return (H, F) the larger of what (H, F - 1) cells on either side of each point ask for."""
    beyond = np.zeros((cells.shape[0], 1))
    larger: Array = np.maximum(np.hstack([cells, beyond]), np.hstack([beyond, cells]))
    return larger


def _above_flows(machine: GeneratingUnit | Pump, heads: Array, flows: Array) -> Array:
    """Return (H, F - 1) MW by which power may exceed its chord between two flows.

    The efficiency is linear in flow between corners, so that power bends by no more than its
    second derivative there, and at once where the efficiency's slope falls.
    """
    left, right = flows[:-1], flows[1:]
    width = float(right[0] - left[0])
    corners, slopes = _pieces(machine, heads)
    first = np.searchsorted(corners, left, side="right")
    last = np.searchsorted(corners, right, side="left")
    # Of a cell's pieces of the efficiency: (H, F - 1) least and greatest slope, and falls of slope.
    drops = np.maximum(-np.diff(slopes, axis=1), 0.0)
    fallen = np.hstack([np.zeros((heads.size, 1)), np.cumsum(drops, axis=1)])
    dropped = fallen[:, last] - fallen[:, first]
    falling = np.maximum(-np.minimum(slopes[:, first], slopes[:, last]), 0.0)
    rising = np.maximum(np.maximum(slopes[:, first], slopes[:, last]), 0.0)
    for inner in np.flatnonzero(last - first > 1):  # corners nearer to each other than flows
        falling[:, inner] = np.maximum(-slopes[:, first[inner] : last[inner] + 1].min(axis=1), 0)
        rising[:, inner] = np.maximum(slopes[:, first[inner] : last[inner] + 1].max(axis=1), 0)
    per_head = POWER_OF_WATER * np.maximum(heads[:, None], 0.0)
    steepest = np.maximum(falling, rising)
    if isinstance(machine, Pump):
        least = least_efficiency(machine)
        second = 2 * per_head * (1 + right * steepest) * steepest / least**3
        above: Array = second * width**2 / 8 + per_head * right * dropped / least**2 * width / 4
        return above
    second = 2 * per_head * falling
    bend: Array = second * width**2 / 8 + per_head * right * dropped * width / 4
    curve = machine.generator_efficiency
    if curve is None:
        return bend
    shape = (heads.size, flows.size)
    turbine = unit_power(
        machine.model_copy(update={"generator_efficiency": None}),
        np.broadcast_to(flows, shape),
        np.broadcast_to(heads[:, None], shape),
    )
    change = per_head * (1 + right * steepest)
    lowest = np.minimum(turbine[:, :-1], turbine[:, 1:]) - change * width
    return _behind_generator(curve, bend, change * width, lowest)


def _above_heads(machine: GeneratingUnit | Pump, heads: Array, flow: float) -> float:
    """Return MW by which power may exceed its chord between two heads, at any flow up to `flow`."""
    step, top = float(heads[1] - heads[0]), float(heads[-1])
    slopes = _slopes_over_head(machine)
    steepest = max(float(np.max(np.abs(slope))) for slope in slopes)
    falling = max(-min(float(np.min(slope)) for slope in slopes), 0.0)
    dropped = sum(max(float(np.max(before - after)), 0.0) for before, after in pairwise(slopes))
    per_flow = POWER_OF_WATER * flow
    if isinstance(machine, Pump):
        least = least_efficiency(machine)
        second = 2 * per_flow * (1 + top * steepest) * steepest / least**3
        return second * step**2 / 8 + per_flow * top * dropped / least**2 * step / 4
    bend = per_flow * (2 * falling * step**2 / 8 + dropped * top * step / 4)
    curve = machine.generator_efficiency
    if curve is None:
        return bend
    change = per_flow * (1 + top * steepest) * step
    corners = np.asarray(curve.x)
    return float(np.max(_behind_generator(curve, bend, change, corners - change)))


def _behind_generator(
    curve: Curve, bend: Array | float, change: Array | float, low: Array
) -> Array:
    """Return what a bend of the turbine's power becomes, and what the generator's curve adds.

    change: MW by which the turbine's power changes in the cell at most; low: what it is at least.
    What is made of x at efficiency g is x g(x): its slope is g + x g', which bends by 2 g'.
    """
    x, y = np.asarray(curve.x), np.asarray(curve.y)
    slopes = np.diff(y) / np.diff(x)
    changes = np.concatenate(
        [at + x[piece] * slopes for at, piece in ((y[:-1], slice(-1)), (y[1:], slice(1, None)))]
    )
    if changes.min() < 0:
        raise NotCovered("a generator's efficiency falls so fast that more water makes less power")
    steepest = max(float(changes.max()), 1.0)
    falling = max(-float(slopes.min()), 0.0)
    drops = x * np.maximum(-np.diff(np.concatenate([[0.0], slopes, [0.0]])), 0.0)
    dropped = np.concatenate([[0.0], np.cumsum(drops)])
    within = dropped[np.searchsorted(x, low + 3 * change)] - dropped[np.searchsorted(x, low)]
    made: Array = steepest * bend + 2 * falling * change**2 / 8 + within * change
    return made


def _pieces(machine: GeneratingUnit | Pump, heads: Array) -> tuple[Array, Array]:
    """Return (C,) corners of the efficiency over flow, and its (H, C + 1) slopes between them."""
    curves = _curves(machine)
    if not curves:
        return np.zeros(0), np.zeros((heads.size, 1))
    corners = np.unique(np.concatenate([curve.flow for curve in curves]))
    shape = (heads.size, corners.size)
    at = efficiency(curves, np.broadcast_to(corners, shape), np.broadcast_to(heads[:, None], shape))
    flat = np.zeros((heads.size, 1))
    return corners, np.hstack([flat, np.diff(at, axis=1) / np.diff(corners), flat])


def _slopes_over_head(machine: GeneratingUnit | Pump) -> list[Array]:
    """Return slopes of the efficiency over head, at all corners of flow, from low heads to high."""
    curves = _curves(machine)
    if not curves:
        return [np.zeros(1)]
    flows = np.unique(np.concatenate([curve.flow for curve in curves]))
    flat = np.zeros(flows.size)
    along = [np.interp(flows, curve.flow, curve.efficiency) for curve in curves]
    between = [
        (above - below) / (upper.head - lower.head)
        for lower, upper, below, above in zip(curves, curves[1:], along, along[1:], strict=False)
    ]
    return [flat, *between, flat]


def _curves(machine: GeneratingUnit | Pump) -> tuple[TurbineCurve, ...]:
    return machine.turbine if isinstance(machine, GeneratingUnit) else machine.curves
