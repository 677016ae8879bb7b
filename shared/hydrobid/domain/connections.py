"""What the elements of a watercourse say of each other: names, references and ways of water."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hydrobid.domain.conditions import Kind
from hydrobid.domain.identifiers import Identifier

if TYPE_CHECKING:  # a watercourse is checked as it is made
    from hydrobid.domain.watercourse import Gate, Plant, Watercourse


def connection_faults(watercourse: Watercourse) -> Iterable[tuple[str, str | None, str]]:
    """Yield (field, value, what would be right) for each reference or name that is wrong."""
    faults = [
        *_repeated_names(watercourse),
        *_unknown_references(watercourse),
        *_unknown_in_conditions(watercourse),
    ]
    yield from faults
    if not faults:  # only ways that lead somewhere can be followed
        yield from _circles(watercourse)


def _unknown_references(watercourse: Watercourse) -> Iterable[tuple[str, str | None, str]]:
    reservoirs = [reservoir.name for reservoir in watercourse.reservoirs]
    rivers = {river.name: river.to for river in watercourse.rivers}
    known = ", ".join(reservoirs)
    takers = ", ".join([*reservoirs, *rivers])
    for where, element in _outlets(watercourse):
        if element.reservoir not in reservoirs:
            yield f"{where}.reservoir", element.reservoir, f"one of the reservoirs: {known}"
        if element.to is not None and element.to not in (*reservoirs, *rivers):
            yield f"{where}.to", element.to, f"a reservoir or river: {takers}; or none: the sea"
    for plant in watercourse.plants:
        if plant.pumps and plant.to not in reservoirs:
            yield f"plants.{plant.name}.to", plant.to, f"a reservoir to pump from: {known}"
    for reservoir in watercourse.reservoirs:
        overflow = reservoir.overflow
        if overflow is not None and overflow.to not in (None, *reservoirs, *rivers):
            where = f"reservoirs.{reservoir.name}.overflow.to"
            yield where, overflow.to, f"a reservoir or river: {takers}; or none: the sea"
    for name in sorted({name for cut in watercourse.cuts for name in cut.slopes} - {*reservoirs}):
        yield "cuts.slopes", name, f"one of the reservoirs: {known}"
    yield from _rivers_astray(rivers, reservoirs, takers)


def _rivers_astray(
    rivers: dict[Identifier, Identifier | None], reservoirs: list[Identifier], takers: str
) -> Iterable[tuple[str, str | None, str]]:
    for name, to in rivers.items():
        if to is not None and to not in (*reservoirs, *rivers):
            yield f"rivers.{name}.to", to, f"a reservoir or river: {takers}; or none: the sea"
        if _runs_into_itself(name, rivers):
            yield f"rivers.{name}.to", to, "a way that ends in a reservoir or the sea"


def _unknown_in_conditions(watercourse: Watercourse) -> Iterable[tuple[str, str | None, str]]:
    if watercourse.conditions is None:
        return
    plants = watercourse.plants
    names = {
        Kind.RESERVOIR: [reservoir.name for reservoir in watercourse.reservoirs],
        Kind.PLANT: [plant.name for plant in plants],
        Kind.GATE: [gate.name for gate in watercourse.gates],
        Kind.UNIT: [unit.name for plant in plants for unit in plant.units],
        Kind.PUMP: [pump.name for plant in plants for pump in plant.pumps],
    }
    for field, kinds, name in watercourse.conditions.references():
        known = [other for kind in kinds for other in names[kind]]
        if name not in known:
            expected = f"a {' or '.join(kinds)} of the watercourse: {', '.join(known) or 'none'}"
            yield f"conditions.{field}.{name}", name, expected


def _circles(watercourse: Watercourse) -> Iterable[tuple[str, str | None, str]]:
    """Yield the outlets from which water would come back to where it left, pumps aside."""
    outlets = list(_outlets(watercourse))
    below: dict[str, set[str]] = {}
    for _, element in outlets:
        reached, _ = watercourse.downstream(element.to)
        if reached is not None:
            below.setdefault(element.reservoir, set()).add(reached)
    for where, element in outlets:
        reached, _ = watercourse.downstream(element.to)
        if reached is not None and element.reservoir in _reachable(reached, below):
            yield f"{where}.to", element.to, f"a way that does not lead back to {element.reservoir}"


def _reachable(start: str, below: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            waiting.extend(below.get(at, ()))
    return seen


def _outlets(watercourse: Watercourse) -> Iterable[tuple[str, Plant | Gate]]:
    for plant in watercourse.plants:
        yield f"plants.{plant.name}", plant
    for gate in watercourse.gates:
        yield f"gates.{gate.name}", gate


def _repeated_names(watercourse: Watercourse) -> Iterable[tuple[str, str | None, str]]:
    reservoirs = [reservoir.name for reservoir in watercourse.reservoirs]
    rivers = [river.name for river in watercourse.rivers]
    units = [unit.name for plant in watercourse.plants for unit in plant.units]
    pumps = [pump.name for plant in watercourse.plants for pump in plant.pumps]
    for kind, names in (
        ("reservoirs and rivers", reservoirs + rivers),
        ("plants", [plant.name for plant in watercourse.plants]),
        ("gates", [gate.name for gate in watercourse.gates]),
        ("units and pumps", units + pumps),
    ):
        for name in sorted(name for name, count in Counter(names).items() if count > 1):
            yield kind, name, "a name of its own for each"


def _runs_into_itself(name: Identifier, rivers: dict[Identifier, Identifier | None]) -> bool:
    seen: set[str] = set()
    at: Identifier | None = name
    while at in rivers:
        if at in seen:
            return True
        seen.add(at)
        at = rivers[at]
    return False
