"""What a plant's power cannot exceed in a mode, from the machines upwards.

Machines at one net head are joined to penstocks, penstocks to the plant. A value at a point may
lie above the power there; between points what is interpolated lies above the power.
`docs/head-search.md`, "Why the bound holds", says why of each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.watercourse import GeneratingUnit, Plant, Pump
from hydrobid.hydro.proof.machines import Ceiling, machine_ceiling

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Member:
    """A machine that runs. greatest: MW of a unit beyond which a limit forbids it to run."""

    machine: GeneratingUnit | Pump
    greatest: float


class Ceilings:
    """The ceilings of one plant's machines, all at the same (H,) heads and flows `cell` apart.

    optional: whether a machine that is meant to run may stand still, and start for nothing.
    """

    def __init__(self, plant: Plant, heads: Array, cell: float, *, optional: bool = False) -> None:
        self._plant = plant
        self._heads = heads
        self._cell = cell
        self._optional = optional
        self._joined: dict[tuple[int, ...], Ceiling] = {}
        self._members: list[Member] = []

    def of(self, members: Sequence[Member]) -> Ceiling:
        """Return the ceiling of machines of one direction over the plant's flow and gross head."""
        penstocks: dict[int | None, list[int]] = {}
        for member in members:
            penstocks.setdefault(member.machine.penstock, []).append(self._number(member))
        losses = self._plant.penstock_loss
        parts = [
            before_loss(self._together(tuple(numbers)), losses[penstock - 1] if penstock else 0.0)
            for penstock, numbers in penstocks.items()
        ]
        return before_loss(reduce(joined, parts), self._plant.main_loss)

    def _number(self, member: Member) -> int:
        """Return a number that machines of one ceiling share."""
        for number, known in enumerate(self._members):
            same = known.machine.model_copy(update={"name": member.machine.name})
            if same == member.machine and known.greatest == member.greatest:
                return number
        self._members.append(member)
        return len(self._members) - 1

    def _together(self, numbers: tuple[int, ...]) -> Ceiling:
        """Return the ceiling of machines at one net head."""
        if numbers not in self._joined:
            *others, last = numbers
            if others:
                alone = self._together((last,))
                self._joined[numbers] = joined(alone, self._together(tuple(others)))
            else:
                member = self._members[last]
                alone = machine_ceiling(member.machine, member.greatest, self._heads, self._cell)
                self._joined[numbers] = _or_still(alone) if self._optional else alone
        return self._joined[numbers]


def joined(one: Ceiling, other: Ceiling) -> Ceiling:
    """Return the ceiling of two parts that share a flow.

    Of two functions linear between points of even flows the best split of a flow has one of them
    at a point. So the sum is exact at its points, and bends up between them.
    """
    if one.flows.size > other.flows.size:
        one, other = other, one
    count = one.flows.size + other.flows.size - 1
    power = np.full((one.heads.size, count), -np.inf)
    for at in range(one.flows.size):
        part = power[:, at : at + other.flows.size]
        np.maximum(part, one.power[:, at, None] + other.power, out=part)
    flows = one.flows[0] + other.flows[0] + one.cell * np.arange(count)
    return Ceiling(one.heads, flows, power, one.sign)


def before_loss(ceiling: Ceiling, coefficient: float) -> Ceiling:
    """Return the ceiling over the head before a loss of coefficient x flow squared.

    Each point takes its own loss. Within a cell the net head follows a parabola, and corners of
    the ceiling over the head come to lie between heads: what either could add is added.
    """
    if not coefficient:
        return ceiling
    heads, flows, count = ceiling.heads, ceiling.flows, ceiling.heads.size
    net = heads[:, None] - ceiling.sign * coefficient * flows**2
    value, up, down = (
        _at(ceiling, net, 0, flows.size),
        _at(ceiling, net[:, :-1], 1, flows.size),
        _at(ceiling, net[:, 1:], 0, flows.size - 1),
    )
    # Along a row: (1 - s) of the left column and s of the right, each at heads between the two.
    crossed = np.maximum((up - value[:, 1:]) - (value[:, :-1] - down), 0.0)
    slopes = np.abs(np.diff(ceiling.power, axis=0)).max(axis=0) / ceiling.step
    steepest = np.maximum(slopes[:-1], slopes[1:])
    above = (crossed + coefficient * ceiling.cell**2 * steepest) / 4
    above = np.maximum(above[:-1], above[1:])
    # Corners between the lowest and the highest net head of a cell of the new grid.
    place = (net - heads[0]) / ceiling.step
    lowest = np.minimum(place[:-1, :-1], place[:-1, 1:])
    highest = np.maximum(place[1:, :-1], place[1:, 1:])
    first = np.clip(np.ceil(lowest - 1e-9), 0, count - 1).astype(np.intp)
    last = np.clip(np.floor(highest + 1e-9), -1, count - 1).astype(np.intp) + 1
    fallen = np.zeros((count + 1, flows.size))
    fallen[2:-1] = np.cumsum(np.maximum(-np.diff(ceiling.power, n=2, axis=0), 0.0), axis=0)
    fallen[-1] = fallen[-2]
    column = np.arange(flows.size - 1)
    bends = np.maximum(
        fallen[last, column] - fallen[first, column],
        fallen[last, column + 1] - fallen[first, column + 1],
    )
    apart = np.abs(place[:-1, 1:] - place[:-1, :-1])
    above += np.maximum(bends, 0.0) * (1 + apart) / 4
    return Ceiling(heads, flows, value + _at_corners(above), ceiling.sign)


def _or_still(ceiling: Ceiling) -> Ceiling:
    """Return the ceiling of a machine that may stand still too: lines from nothing on."""
    first, cell, last = ceiling.flows[0], ceiling.cell, ceiling.flows.size - 1
    if first <= 0:
        return (
            Ceiling(ceiling.heads, ceiling.flows, np.maximum(ceiling.power, 0.0), ceiling.sign)
            if ceiling.sign > 0
            else ceiling
        )
    below = int(np.ceil(first / cell - 1e-9))
    flows = np.linspace(0.0, cell * (below + last + 1), below + last + 2)
    # A point between two of the machine's takes the greater one.
    place = np.clip((flows[below:] - first) / cell, 0, last)
    left, right = np.floor(place).astype(np.intp), np.ceil(place).astype(np.intp)
    power = np.maximum(ceiling.power[:, left], ceiling.power[:, right])
    # And no point lies below a line from nothing to a later one, the machine's first among them.
    steepest = np.maximum.accumulate((power / flows[below:])[:, ::-1], axis=1)[:, ::-1]
    steepest[:, 0] = np.maximum(steepest[:, 0], ceiling.power[:, 0] / first)
    under = steepest[:, :1] * flows[:below]
    return Ceiling(ceiling.heads, flows, np.hstack([under, steepest * flows[below:]]), ceiling.sign)


def _at(ceiling: Ceiling, heads: Array, first: int, last: int) -> Array:
    """Return the (H, F') ceiling at (H, F') heads, in its columns from `first` to `last`."""
    place = np.clip((heads - ceiling.heads[0]) / ceiling.step, 0, ceiling.heads.size - 1 - 1e-9)
    row = place.astype(np.intp)
    part, columns = place - row, np.arange(first, last)
    value: Array = ceiling.power[row, columns] * (1 - part) + ceiling.power[row + 1, columns] * part
    return value


def _at_corners(cells: Array) -> Array:
    """Return (H, F) the largest of what (H - 1, F - 1) cells around each point ask for."""
    padded = np.pad(cells, 1)
    rows = np.maximum(padded[:-1], padded[1:])
    corners: Array = np.maximum(rows[:, :-1], rows[:, 1:])
    return corners
