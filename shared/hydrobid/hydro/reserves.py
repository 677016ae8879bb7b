"""Reserves that are sold: room that units keep above and below what they make (FCR, aFRR)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier
from hydrobid.hydro.draft import Draft
from hydrobid.hydro.schedule import ViolationCode

Array = NDArray[np.float64]


def add_reserves(draft: Draft) -> None:
    """Add what plants and single units must hold.

    Where a plant is modelled as a whole its units are not told apart: together they hold what the
    plant is asked for, or what all its units are, whichever is more.
    """
    for plant in draft.problem.watercourse.plants:
        for code, reserves in (
            (ViolationCode.RESERVE_UP, draft.problem.reserve_up),
            (ViolationCode.RESERVE_DOWN, draft.problem.reserve_down),
        ):
            units = [unit.name for unit in plant.units]
            of_units = {name: reserves[name] for name in units if name in reserves}
            of_plant = reserves.get(plant.name, np.zeros(len(draft.problem)))
            if plant.name in draft.production:
                asked = np.maximum(of_plant, np.sum([*of_units.values(), 0 * of_plant], axis=0))
                _hold(draft, plant.name, [plant.name], asked, code)
                continue
            for name, asked in of_units.items():
                _hold(draft, name, [name], asked, code)
            _hold(draft, plant.name, units, of_plant, code)


def _hold(
    draft: Draft,
    holder: Identifier,
    machines: Sequence[Identifier],
    asked: Array,
    code: ViolationCode,
) -> None:
    """Ask machines for room: sum of each one's + what is missing >= asked."""
    periods = np.flatnonzero(asked > 0)
    if not periods.size:
        return
    rows = draft.rows(
        periods,
        f"{code.value} of {holder}",
        lower=(asked - _always(draft, machines, code))[periods],
    )
    for machine in machines:
        streams = draft.streams.of_machine(machine)
        draft.add_streams(rows, periods, streams, _room(draft, machine, code))
    draft.may_miss(rows, periods, 1.0, code, holder, "MW", draft.penalties.power)


def _always(draft: Draft, machines: Sequence[Identifier], code: ViolationCode) -> Array:
    """Return the (T,) MW of room upwards that does not hang on whether anything runs."""
    room = np.zeros(len(draft.problem))
    if code is ViolationCode.RESERVE_UP:
        for machine in machines:
            curve = draft.production[machine]
            if not curve.committed:
                room += curve.ranges[0].power_full
    return room


def _room(draft: Draft, machine: Identifier, code: ViolationCode) -> Array:
    """Return the (S, T) MW of room that each stream of a machine adds.

    Upwards a running unit has what its range can still give, and what it makes takes from that;
    downwards it has what it makes beyond the least of its range.
    """
    power, each = draft.streams.power, draft.streams.each
    upwards = code is ViolationCode.RESERVE_UP
    room = -power if upwards else power.copy()
    for at in draft.streams.of_machine(machine):
        if each[at].whole:
            piece = draft.production[machine].ranges[each[at].part]
            room[at] = piece.power_full - piece.power if upwards else 0.0
    return room
