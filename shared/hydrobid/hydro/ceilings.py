"""What a plant's power cannot exceed, as functions linear between points of even grids.

A value at a point may lie above the power there; between points the line lies above the power
too. So whatever is maximised over the lines is at least what could be made. `docs/head-search.md`,
"Why the bound holds", says why of each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.watercourse import GeneratingUnit
from hydrobid.hydro.modes import Mode
from hydrobid.hydro.physics import POWER_OF_WATER, unit_power
from hydrobid.hydro.plant_model import PlantModel

Array = NDArray[np.float64]

# m3/s between points over flow, at most; points over head.
FLOW_STEP = 0.5
HEADS = 49
# Parts into which a piece of an efficiency curve is cut.
PARTS = 4


@dataclass(frozen=True, eq=False)
class Ceiling:
    """MW that a mode cannot exceed: (H, F) power at (H,) gross heads and (F,) flows, both even."""

    heads: Array
    flows: Array
    power: Array


def mode_ceiling(model: PlantModel, mode: Mode) -> Ceiling:
    """Return the ceiling of a mode of units."""
    heads = np.linspace(max(model.heads[0], 0.0), model.heads[-1], HEADS)
    penstocks: dict[int | None, list[GeneratingUnit]] = {}
    for kind, running in zip(model.kinds, mode.running, strict=True):
        for position in running:
            unit = kind.ranges[position].machine
            if isinstance(unit, GeneratingUnit):
                penstocks.setdefault(unit.penstock, []).append(unit)
    losses = model.plant.penstock_loss
    parts = [
        _below_loss(_together(units, heads), losses[penstock - 1] if penstock else 0.0)
        for penstock, units in penstocks.items()
    ]
    return _below_loss(_joined(parts), model.plant.main_loss)


def _together(units: Sequence[GeneratingUnit], heads: Array) -> Ceiling:
    """Return the ceiling of units at one net head."""
    rows = [_unit_hulls(unit, heads) for unit in units]
    hulls = list(zip(*rows, strict=True))
    flows = _flow_grid(sum(h[0][0] for h in hulls[0]), sum(h[0][-1] for h in hulls[0]))
    power = np.array([_sampled(_summed(at), flows) for at in hulls])
    bend = sum(_bend_over_head(unit, heads[1] - heads[0], heads[-1]) for unit in units)
    return Ceiling(heads, flows, power + bend)


def _unit_hulls(unit: GeneratingUnit, heads: Array) -> list[tuple[Array, Array]]:
    """Return points of concave ceilings of a unit's power over all flows, at each of (H,) heads.

    Where the greatest power cuts power off between two heads or flows, the lower one takes it too:
    a line from what is made there would pass below.
    """
    flows, power = _uncut(unit, heads)
    cut = np.minimum(power, unit.power_max)
    cut[:-1] = np.where(power[1:] >= unit.power_max, unit.power_max, cut[:-1])
    cut[:, :-1] = np.where(cut[:, 1:] >= unit.power_max, unit.power_max, cut[:, :-1])
    return [_hull(flows, row) for row in cut]


def _uncut(unit: GeneratingUnit, heads: Array) -> tuple[Array, Array]:
    """Return flows, and (H, F) points of a line above a unit's power were there no greatest one.

    Between corners power bends by no more than its second derivative allows; that much is added.
    """
    corners = np.unique(np.concatenate([curve.flow for curve in unit.turbine]))
    if corners.size == 1:
        corners = np.repeat(corners, 2)
    steps = np.linspace(0.0, 1.0, PARTS, endpoint=False)
    flows = np.append((corners[:-1, None] + steps * np.diff(corners)[:, None]).ravel(), corners[-1])
    shape = (heads.size, flows.size)
    every = np.broadcast_to(flows, shape), np.broadcast_to(heads[:, None], shape)
    power = unit_power(unit, *every)
    plain = unit.model_copy(update={"generator_efficiency": None})
    turbine = unit_power(plain, *every)
    width = np.maximum(np.diff(flows), 1e-12)
    per_head = POWER_OF_WATER * np.maximum(heads[:, None], 1e-9)
    at = turbine / np.maximum(per_head * flows, 1e-12)  # efficiency, linear in flow on each part
    second = 2 * per_head * np.abs(np.diff(at)) / width
    if unit.generator_efficiency is not None:
        curve = unit.generator_efficiency
        slopes = np.abs(np.diff(curve.y) / np.diff(curve.x))
        steepest = per_head * (1.0 + flows[1:] * np.abs(np.diff(at)) / width)
        second = second * (1 + slopes.max() * turbine[:, 1:]) + 2 * slopes.max() * steepest**2
        # A corner of the generator's curve bends power at once.
        second = (
            second + 8 * _largest_bend(curve.x, curve.y) * turbine[:, 1:] * steepest / width / 4
        )
    added = second * width**2 / 8
    nothing = np.zeros((heads.size, 1))
    return flows, power + np.maximum(np.hstack([added, nothing]), np.hstack([nothing, added]))


def _largest_bend(x: Sequence[float], y: Sequence[float]) -> float:
    slopes = np.diff(y) / np.diff(x)
    # Beyond its ends the curve is flat.
    return float(np.max(np.abs(np.diff(np.concatenate([[0.0], slopes, [0.0]])))))


def _bend_over_head(unit: GeneratingUnit, step: float, head: float) -> float:
    """Return by how many MW a unit's power may rise above a line between two heads."""
    flow = max(curve.flow[-1] for curve in unit.turbine)
    slopes = [np.zeros(1)]
    for lower, upper in zip(unit.turbine, unit.turbine[1:], strict=False):
        at = np.unique([*lower.flow, *upper.flow])
        change = np.interp(at, upper.flow, upper.efficiency) - np.interp(
            at, lower.flow, lower.efficiency
        )
        slopes.append(change / (upper.head - lower.head))
    bends = [0.0]
    for before, after in zip(slopes, [*slopes[1:], np.zeros(1)], strict=True):
        # Where efficiency rises less above a head than below it, power bends down there.
        bends.append(max(float(np.max(before)) - float(np.min(after)), 0.0))
    falling = max(-min(float(np.min(slope)) for slope in slopes), 0.0)
    per_flow = POWER_OF_WATER * flow
    bend = per_flow * (2 * falling * step**2 / 8 + max(bends) * head * step / 4)
    if unit.generator_efficiency is not None:
        curve = unit.generator_efficiency
        slope = float(np.max(np.abs(np.diff(curve.y) / np.diff(curve.x))))
        steepest = per_flow * (1.0 + head * max(float(np.max(np.abs(s))) for s in slopes))
        bend += slope * steepest**2 * step**2 / 4
        bend += _largest_bend(curve.x, curve.y) * unit.power_max * steepest * step / 4
    return bend


def _below_loss(ceiling: Ceiling, coefficient: float) -> Ceiling:
    """Return the ceiling over the head before a loss of coefficient x flow squared.

    Each point takes its own loss. In a cell the head falls along a parabola and the ceiling is
    linear in flow and in head: above the chord lies a quarter of the cross difference at most, of
    the parabola's height and of what rows of heads bend down.
    """
    if not coefficient:
        return ceiling
    flows, heads = ceiling.flows, ceiling.heads
    width = flows[1] - flows[0]
    net = heads[:, None] - coefficient * flows**2
    value = _at(ceiling, net, np.arange(flows.size))
    left, right = np.arange(flows.size - 1), np.arange(1, flows.size)
    left_up, left_down = value[:, :-1], _at(ceiling, net[:, 1:], left)
    right_up, right_down = _at(ceiling, net[:, :-1], right), value[:, 1:]
    crossed = np.maximum((right_up - left_up) - (right_down - left_down), 0.0)
    fall = net[:, :-1] - net[:, 1:]
    steepest = np.maximum(left_up - left_down, right_up - right_down) / np.maximum(fall, 1e-12)
    above = (crossed + coefficient * width**2 * np.maximum(steepest, 0.0)) / 4
    nothing = np.zeros((heads.size, 1))
    raised = np.maximum(np.hstack([above, nothing]), np.hstack([nothing, above]))
    return Ceiling(heads, flows, value + raised + _bends(ceiling, net))


def _bends(ceiling: Ceiling, net: Array) -> Array:
    """Return (H, F) MW by which rows bend down next to (H, F) net heads, between the new rows.

    Old rows come to lie between the new ones, where a line would cut off their corners.
    """
    bend = np.zeros_like(ceiling.power)
    bend[1:-1] = np.maximum(-np.diff(ceiling.power, n=2, axis=0), 0.0) / 4
    step = ceiling.heads[1] - ceiling.heads[0]
    row = np.clip((net - ceiling.heads[0]) / step, 0, HEADS - 2).astype(np.intp)
    column = np.arange(net.shape[1])
    # Of its own cell, and of the cells of the flows and heads beside it.
    own = np.maximum(bend[row, column], bend[row + 1, column])
    beside = np.maximum(np.roll(own, 1, axis=1), np.roll(own, -1, axis=1))
    result: Array = np.maximum(own, beside)
    return result


def _at(ceiling: Ceiling, heads: Array, columns: NDArray[np.intp]) -> Array:
    """Return the (H, F) ceiling at (H, F) heads, in columns of its grid of flows."""
    step = ceiling.heads[1] - ceiling.heads[0]
    place = np.clip((heads - ceiling.heads[0]) / step, 0.0, HEADS - 1 - 1e-9)
    row = place.astype(np.intp)
    part = place - row
    value: Array = ceiling.power[row, columns] * (1 - part) + ceiling.power[row + 1, columns] * part
    return value


def _joined(parts: Sequence[Ceiling]) -> Ceiling:
    """Return the ceiling of parts that share the flow."""
    if len(parts) == 1:
        return parts[0]
    flows = _flow_grid(sum(p.flows[0] for p in parts), sum(p.flows[-1] for p in parts))
    rows = [
        _sampled(_summed([_hull(p.flows, p.power[row]) for p in parts]), flows)
        for row in range(HEADS)
    ]
    return Ceiling(parts[0].heads, flows, np.array(rows))


def _summed(hulls: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Return the most that concave curves make together: the steepest piece of any first."""
    widths = np.concatenate([np.diff(flows) for flows, _ in hulls])
    rises = np.concatenate([np.diff(powers) for _, powers in hulls])
    order = np.argsort(-rises / np.maximum(widths, 1e-12), kind="stable")
    start = sum(flows[0] for flows, _ in hulls), sum(powers[0] for _, powers in hulls)
    return (
        start[0] + np.concatenate([[0.0], np.cumsum(widths[order])]),
        start[1] + np.concatenate([[0.0], np.cumsum(rises[order])]),
    )


def _sampled(curve: tuple[Array, Array], flows: Array) -> Array:
    """Return points of a line above a concave curve, at even flows.

    In a cell the curve lies below its chord's neighbours drawn on into it, so above its own chord
    by a quarter of their difference in slope times the cell at most.
    """
    values = np.interp(flows, *curve)
    slopes = np.diff(values) / np.diff(flows)
    first, last = _end_slopes(curve)
    around = np.concatenate([[max(first, slopes[0])], slopes, [min(last, slopes[-1])]])
    above = (around[:-2] - around[2:]) * np.diff(flows) / 4
    raised: Array = values + np.maximum(np.append(above, 0.0), np.append(0.0, above))
    return raised


def _end_slopes(curve: tuple[Array, Array]) -> tuple[float, float]:
    flows, powers = curve
    wide = np.flatnonzero(np.diff(flows) > 1e-12)
    if not wide.size:
        return 0.0, 0.0
    slopes = np.diff(powers)[wide] / np.diff(flows)[wide]
    return float(slopes[0]), float(slopes[-1])


def _flow_grid(least: float, most: float) -> Array:
    count = max(int(np.ceil((most - least) / FLOW_STEP)), 1) + 1
    return np.linspace(least, max(most, least + 1e-6), count)


def _hull(flows: Array, powers: Array) -> tuple[Array, Array]:
    """Return the corners of the upper hull of points by rising flow."""
    corners: list[tuple[float, float]] = []
    for q, p in zip(flows.tolist(), powers.tolist(), strict=True):
        while len(corners) > 1 and (corners[-1][1] - corners[-2][1]) * (q - corners[-1][0]) <= (
            p - corners[-1][1]
        ) * (corners[-1][0] - corners[-2][0]):
            corners.pop()
        corners.append((q, p))
    points = np.array(corners)
    return points[:, 0], points[:, 1]
