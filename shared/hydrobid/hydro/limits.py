"""Limits on volumes and flows. Each that an input could make impossible may be missed at a price."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.watercourse import Gate, Plant, Reservoir
from hydrobid.hydro.draft import Draft
from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.schedule import ViolationCode
from hydrobid.hydro.sparse import Positions
from hydrobid.hydro.streams import StreamKind

Array = NDArray[np.float64]


def add_limits(draft: Draft, *, one_way: bool) -> None:
    """Add the limits that are not bounds of a single column."""
    for position, reservoir in enumerate(draft.problem.watercourse.reservoirs):
        _volume(draft, position, reservoir)
    for plant in draft.problem.watercourse.plants:
        _discharge(draft, plant)
        if one_way and plant.pumps:
            _one_way(draft, plant)
    for gate in draft.problem.watercourse.gates:
        _gate(draft, gate)


def _volume(draft: Draft, position: int, reservoir: Reservoir) -> None:
    """Add limits by time, where they are not those of the columns, and the soft ones."""
    limits, start = draft.problem.limits, draft.problem.start.volume[position]
    least, most = limits.volume_min[reservoir.name], limits.volume_max[reservoir.name]
    lower = np.flatnonzero(least > min(reservoir.volume_min, start))
    upper = np.flatnonzero(most < max(reservoir.volume_max, start))
    price, every = draft.penalties.volume, np.arange(len(draft.problem))
    wanted: list[tuple[ViolationCode, float, Positions, Array, float]] = [
        (ViolationCode.VOLUME_BELOW_MINIMUM, 1.0, lower, least[lower], price),
        (ViolationCode.VOLUME_ABOVE_MAXIMUM, -1.0, upper, most[upper], price),
    ]
    for code, sign, soft in (
        (ViolationCode.VOLUME_BELOW_SOFT_MINIMUM, 1.0, reservoir.volume_soft_min),
        (ViolationCode.VOLUME_ABOVE_SOFT_MAXIMUM, -1.0, reservoir.volume_soft_max),
    ):
        if soft is not None:
            limit = np.full(every.size, soft.volume)
            wanted.append((code, sign, every, limit, soft.penalty))
    for code, sign, periods, limit, at in wanted:
        if periods.size:
            # Both ways round: sign x (volume - limit) + what is missed >= 0.
            name = f"{code.value} of {reservoir.name}"
            rows = draft.rows(periods, name, lower=sign * limit)
            draft.builder.add(rows, draft.volume[position, periods], sign)
            draft.may_miss(rows, periods, 1.0, code, reservoir.name, "Mm3", at)


def _discharge(draft: Draft, plant: Plant) -> None:
    limits, streams = draft.problem.limits, draft.streams
    own = streams.of_element(StreamKind.DISCHARGE, plant.name)
    most = limits.discharge_max[plant.name]
    # A plant that is modelled as a whole keeps both by its segments.
    if plant.name not in draft.production:
        _discharge_min(draft, own, plant.name)
    possible = np.sum(streams.upper[own] * streams.flow[own], axis=0)
    periods = np.flatnonzero(possible > most + 1e-9)
    if periods.size:
        name = f"discharge_max of {plant.name}"
        rows = draft.rows(periods, name, upper=most[periods])
        draft.add_streams(rows, periods, own, streams.flow)
    _ramping(draft, own, plant, ViolationCode.DISCHARGE_RAMP)


def _gate(draft: Draft, gate: Gate) -> None:
    own = draft.streams.of_element(StreamKind.GATE, gate.name)
    _ramping(draft, own, gate, ViolationCode.GATE_FLOW_RAMP)


def _discharge_min(draft: Draft, own: Sequence[int], plant: Identifier) -> None:
    """Ask a plant's units together for a flow: theirs + what is missing >= least."""
    least = draft.problem.limits.discharge_min[plant]
    periods = np.flatnonzero(least > 0)
    if periods.size:
        code, price = ViolationCode.DISCHARGE_BELOW_MINIMUM, draft.penalties.flow
        rows = draft.rows(periods, f"{code.value} of {plant}", lower=least[periods])
        draft.add_streams(rows, periods, own, draft.streams.flow)
        draft.may_miss(rows, periods, 1.0, code, plant, "m3/s", price)


def _ramping(draft: Draft, own: Sequence[int], outlet: Plant | Gate, code: ViolationCode) -> None:
    """Bound what an element's flow changes by from period to period, and from the one before."""
    if outlet.ramp_up is None and outlet.ramp_down is None:
        return
    hours = ramping_hours(draft.problem.horizon)
    rising = np.full(hours.size, np.inf) if outlet.ramp_up is None else outlet.ramp_up * hours
    falling = np.full(hours.size, np.inf) if outlet.ramp_down is None else outlet.ramp_down * hours
    before = draft.problem.start.flow.get(outlet.name)
    periods = np.arange(0 if before is not None else 1, hours.size)
    earlier = np.zeros(periods.size)
    if before is not None:
        earlier[0] = before
    rows = draft.rows(
        periods,
        f"{code.value} of {outlet.name}",
        lower=earlier - falling[periods],
        upper=earlier + rising[periods],
    )
    flow = draft.streams.flow
    draft.add_streams(rows, periods, own, flow)
    later = periods > 0
    draft.add_streams(rows[later], periods[later] - 1, own, flow, factor=-1.0)
    for factor in (1.0, -1.0):
        draft.may_miss(rows, periods, factor, code, outlet.name, "m3/s", draft.penalties.flow)


def ramping_hours(horizon: Horizon) -> Array:
    """Return the (T,) hours from the middle of the period before to the middle of each.

    The period before the first is taken to be as long as the first.
    """
    hours = horizon.hours
    between: Array = (np.append(hours[0], hours[:-1]) + hours) / 2
    return between


def _one_way(draft: Draft, plant: Plant) -> None:
    """Let a plant's units or its pumps run, not both."""
    streams, periods = draft.streams, np.arange(len(draft.problem))
    units = streams.of_element(StreamKind.DISCHARGE, plant.name)
    pumps = [
        stream
        for pump in plant.pumps
        for stream in streams.of_element(StreamKind.PUMPING, pump.name)
    ]
    if not units or not pumps:
        return
    generating = draft.builder.columns(periods.size, upper=1.0, integer=True)
    for own, factor, limit in ((units, -1.0, 0.0), (pumps, 1.0, 1.0)):
        possible = np.sum(streams.upper[own] * streams.flow[own], axis=0)
        # flow <= possible x generating, or flow <= possible x (1 - generating)
        rows = draft.rows(periods, f"one way at a time in {plant.name}", upper=possible * limit)
        draft.add_streams(rows, periods, own, streams.flow)
        draft.builder.add(rows, generating, factor * possible)
