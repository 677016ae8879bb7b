"""Production around a trajectory, as the linear model takes it.

Two linearisations: of plants with all their modes mixed, at given heads, from which a search
starts; and of the machines that run in an operation, around the flows that they have. The worth
of head, which these hold fixed, comes in as the worth of the volumes that make it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.watercourse import Plant
from hydrobid.hydro.curves import OperatingRange, ProductionCurve
from hydrobid.hydro.dispatch import Dispatch
from hydrobid.hydro.mode_tables import NEVER
from hydrobid.hydro.physics import machine_powers
from hydrobid.hydro.plant_model import PlantModel, Positions
from hydrobid.hydro.problem import Flags

Array = NDArray[np.float64]

# MW by which power must lie above the line between its neighbours to be a corner.
FLAT = 1e-9
# Step in m of the head's derivative.
HEAD_STEP = 0.1


def mixed_modes(model: PlantModel, head: Array) -> dict[Identifier, ProductionCurve]:
    """Return curves of the hull of the origin and what each mode makes at (T,) heads.

    Pumps lift together, under the name of the first.
    """
    flows, powers = model.choices(head)
    powers = np.where(model.allowed[..., None], powers, NEVER)
    always = np.ones(head.size, dtype=np.bool_)
    numbers = np.arange(len(model.modes))
    ways = {model.plant.name: (model.sign > 0) & (numbers > 0)}
    if model.plant.pumps:
        ways[model.plant.pumps[0].name] = model.sign < 0
    return {
        name: ProductionCurve(
            (_range([hull([0.0, *q], [0.0, *p]) for q, p in _each(flows, powers, here)], always),)
        )
        for name, here in ways.items()
    }


def running_machines(
    plant: Plant,
    dispatch: Dispatch,
    mode: Positions,
    flow: Mapping[Identifier, Array],
    on: Mapping[Identifier, Flags],
    head: Array,
) -> dict[Identifier, ProductionCurve]:
    """Return the curve of each machine around (T,) flows that all of a plant's have.

    A machine's curve is what the whole plant makes more as its flow moves between its corners and
    limits while the others' stay: so losses that they share are in it.
    """
    least, most = dispatch.limits(mode, flow, head, on)
    now = machine_powers(plant, flow, head)
    curves = {}
    for machine in plant.machines:
        name = machine.name
        corners = dispatch.corners(name)
        points = np.vstack(
            [least[name], flow[name], most[name], *np.tile(corners[:, None], head.size)]
        )
        points = np.sort(np.clip(points, least[name], most[name]), axis=0)
        moved = {other: np.broadcast_to(q, points.shape) for other, q in flow.items()}
        moved[name] = points
        powers = np.sum(list(machine_powers(plant, moved, head).values()), axis=0)
        powers = powers - np.sum([p for other, p in now.items() if other != name], axis=0)
        pieces = [
            hull(q, p) if runs else ([0.0], [0.0])
            for q, p, runs in zip(points.T.tolist(), powers.T.tolist(), on[name], strict=True)
        ]
        curves[name] = ProductionCurve((_range(pieces, on[name]),), committed=True, settled=True)
    return curves


def head_worth(plant: Plant, flow: Mapping[Identifier, Array], head: Array, price: Array) -> Array:
    """Return what another m of gross head earns in an hour of each of (T,) periods, currency."""
    above = machine_powers(plant, flow, head + HEAD_STEP)
    below = machine_powers(plant, flow, head - HEAD_STEP)
    rise: Array = np.sum([above[name] - below[name] for name in above], axis=0)
    return price * rise / (2 * HEAD_STEP)


def hull(flow: list[float], power: list[float]) -> tuple[list[float], list[float]]:
    """Return the corners of the upper hull of points by rising flow, from the first to the last."""
    flows: list[float] = []
    powers: list[float] = []
    for q, p in zip(flow, power, strict=True):
        if p <= NEVER / 2 or (flows and q <= flows[-1]):
            continue
        while (
            len(flows) > 1
            and (powers[-1] - powers[-2]) * (q - flows[-1])
            <= (p - powers[-1]) * (flows[-1] - flows[-2]) + FLAT
        ):
            flows.pop()
            powers.pop()
        flows.append(q)
        powers.append(p)
    return flows or [0.0], powers or [0.0]


def _each(
    flows: Array, powers: Array, here: NDArray[np.bool_]
) -> list[tuple[list[float], list[float]]]:
    """Return the points of some modes in each period, by rising flow, the best of equal ones first."""
    points = []
    for q, p in zip(flows[:, here], powers[:, here], strict=True):
        order = np.lexsort((-p.ravel(), q.ravel()))
        points.append((q.ravel()[order].tolist(), p.ravel()[order].tolist()))
    return points


def _range(
    pieces: list[tuple[list[float], list[float]]], usable: NDArray[np.bool_]
) -> OperatingRange:
    count = max(len(flows) for flows, _ in pieces) - 1
    widths, slopes = np.zeros((count, len(pieces))), np.zeros((count, len(pieces)))
    for period, (flows, powers) in enumerate(pieces):
        here = slice(0, len(flows) - 1)
        widths[here, period] = np.diff(flows)
        slopes[here, period] = np.diff(powers) / np.diff(flows)
    return OperatingRange(
        usable=usable,
        flow=np.array([flows[0] for flows, _ in pieces]),
        power=np.array([powers[0] for _, powers in pieces]),
        widths=widths,
        slopes=slopes,
    )
