"""The water that a day leaves to the next, what was spilled, and which plants run."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.routing import WATER_OF_FLOW, Route, Routes
from hydrobid.hydro.schedule import Schedule, Series

# m3/s above which a plant runs: less is what rounding leaves.
RUNNING_FLOW = 1e-3


def with_water_after(
    watercourse: Watercourse, grid: MtuGrid, schedule: Schedule
) -> tuple[Watercourse, float]:
    """Return the watercourse as it is when a schedule has ended, and the Mm3 spilled by then.

    Water that is under way at the end of the day stands in the reservoir that it flows to when
    the next day begins, since the model knows none under way at a start; what that reservoir has
    no room for is spilled. So is what gates release beyond their minimum, and emergency spill.
    """
    arriving = _under_way(watercourse, grid, schedule)
    reservoirs = []
    spilled = _released(watercourse, grid, schedule)
    for reservoir in watercourse.reservoirs:
        volume = float(schedule.volume[reservoir.name][-1]) + arriving[reservoir.name]
        kept = min(max(volume, reservoir.volume_min), reservoir.volume_max)
        spilled += max(volume - kept, 0.0)
        reservoirs.append(reservoir.model_copy(update={"start_volume": kept}))
    return watercourse.model_copy(update={"reservoirs": tuple(reservoirs)}), spilled


def running_plants(schedule: Schedule) -> frozenset[Identifier]:
    """Return the plants that run in the last MTU."""
    return frozenset(n for n, flow in schedule.discharge.items() if flow[-1] > RUNNING_FLOW)


def starts(schedule: Schedule, running: Collection[Identifier]) -> int:
    """Return how often a plant begins to run; running: those that run when the day begins."""
    count = 0
    for name, flow in schedule.discharge.items():
        runs = np.concatenate([[name in running], flow > RUNNING_FLOW])
        count += int(np.count_nonzero(runs[1:] & ~runs[:-1]))
    return count


def _under_way(
    watercourse: Watercourse, grid: MtuGrid, schedule: Schedule
) -> dict[Identifier, float]:
    """Return the Mm3 that have left one reservoir and not reached the next."""
    names = [reservoir.name for reservoir in watercourse.reservoirs]
    water = dict.fromkeys(names, 0.0)
    for route, flow in _ways(watercourse, grid, schedule):
        if route.target is not None:
            late = route.under_way(flow * WATER_OF_FLOW * grid.hours)
            water[names[route.target]] += late
    return water


def _ways(
    watercourse: Watercourse, grid: MtuGrid, schedule: Schedule
) -> Iterator[tuple[Route, Series]]:
    """Yield what flows, (T,) m3/s, with where it goes."""
    routes = Routes(watercourse, Horizon.of(grid))
    for plant in watercourse.plants:
        yield routes.of(plant.reservoir, plant.to), schedule.discharge[plant.name]
        if plant.to is not None:
            for pump in plant.pumps:
                yield routes.of(plant.to, plant.reservoir), schedule.pumping[pump.name]
    for gate in watercourse.gates:
        yield routes.of(gate.reservoir, gate.to), schedule.gate_flow[gate.name]
    for reservoir in watercourse.reservoirs:
        if reservoir.name in schedule.spill:
            yield routes.overflow(reservoir), schedule.spill[reservoir.name]


def _released(watercourse: Watercourse, grid: MtuGrid, schedule: Schedule) -> float:
    """Return the Mm3 that gates let past beyond what they must, and that spilled."""
    beyond = [
        np.maximum(schedule.gate_flow[gate.name] - gate.flow_min, 0.0) for gate in watercourse.gates
    ]
    flow = sum(float(np.sum(series)) for series in (*beyond, *schedule.spill.values()))
    return flow * WATER_OF_FLOW * grid.hours
