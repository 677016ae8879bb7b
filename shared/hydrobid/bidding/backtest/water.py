"""The water that a day leaves to the next, what was spilled, and which plants run."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.network import Network, StreamKind, network
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
    frame = network(watercourse, grid)
    arriving = _under_way(frame, schedule)
    reservoirs = []
    spilled = _released(frame, schedule)
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


def _under_way(frame: Network, schedule: Schedule) -> dict[Identifier, float]:
    """Return the Mm3 that have left one reservoir and not reached the next."""
    reservoirs = frame.watercourse.reservoirs
    water = dict.fromkeys((reservoir.name for reservoir in reservoirs), 0.0)
    flows = {
        StreamKind.DISCHARGE: schedule.discharge,
        StreamKind.PUMPING: schedule.pumping,
        StreamKind.GATE: schedule.gate_flow,
        StreamKind.EMERGENCY_SPILL: schedule.spill,
    }
    # An element's streams share one route, and the schedule has one flow for them.
    routes = {(stream.kind, stream.element): stream.route for stream in frame.streams}
    for (kind, element), route in routes.items():
        series: Mapping[Identifier, Series] = flows[kind]
        if route.target is None or element not in series:
            continue
        for later, share in route.shares():
            late = series[element][max(len(frame.grid) - later, 0) :]
            name = reservoirs[route.target].name
            water[name] += share * float(np.sum(late)) * frame.water_of_flow
    return water


def _released(frame: Network, schedule: Schedule) -> float:
    """Return the Mm3 that gates let past beyond what they must, and that spilled."""
    beyond = [
        np.maximum(schedule.gate_flow[gate.name] - gate.flow_min, 0.0)
        for gate in frame.watercourse.gates
    ]
    flow = sum(float(np.sum(series)) for series in (*beyond, *schedule.spill.values()))
    return flow * frame.water_of_flow
