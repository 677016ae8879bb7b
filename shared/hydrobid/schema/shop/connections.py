"""SHOP's connections: which object gives to which, by kind and name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hydrobid.schema.checking import checked
from hydrobid.schema.findings import Place, one_of
from hydrobid.schema.shop.forms import ConnectionForm

# How objects that are understood may be connected, from above to below.
WAYS = {
    ("reservoir", "plant"),
    ("plant", "reservoir"),
    ("plant", "river"),
    ("generator", "plant"),
    ("pump", "plant"),
    ("reservoir", "gate"),
    ("gate", "reservoir"),
    ("reservoir", "river"),
    ("river", "reservoir"),
    ("river", "river"),
    ("cut_group", "reservoir"),
    ("reservoir", "junction"),
    ("reservoir", "creek_intake"),
    ("creek_intake", "creek_intake"),
    ("creek_intake", "junction"),
    ("creek_intake", "plant"),
    ("junction", "junction"),
    ("junction", "plant"),
}
PASSAGES = ("junction", "creek_intake")
"""What water of a reservoir passes on its way to a plant: parts of its tunnel, with no level of their own."""
SPILL = "connection_spill"


@dataclass(frozen=True, order=True)
class Object:
    """An object of a model."""

    kind: str
    name: str


@dataclass
class Connections:
    """The connections that are understood. spills: gates through which a reservoir overflows.

    ignored: paths of those between objects of which one is not understood.
    """

    places: dict[tuple[Object, Object], Place] = field(default_factory=dict)
    to: dict[Object, list[Object]] = field(default_factory=dict)
    since: dict[Object, list[Object]] = field(default_factory=dict)
    spills: set[str] = field(default_factory=set)
    ignored: list[str] = field(default_factory=list)

    def above(self, kind: str, name: str, *kinds: str) -> list[str]:
        """Return the names of the objects of some kinds that give to an object, as listed."""
        return [other.name for other in _reached(self.since, Object(kind, name), kinds)]

    def below(self, kind: str, name: str, *kinds: str) -> list[Object]:
        """Return the objects of some kinds that an object gives to, as listed."""
        return _reached(self.to, Object(kind, name), kinds)

    def add(self, start: Object, end: Object, place: Place) -> None:
        """Note a connection; it must not be known yet."""
        self.places[start, end] = place
        self.to.setdefault(start, []).append(end)
        self.since.setdefault(end, []).append(start)


def _reached(
    ways: Mapping[Object, list[Object]], start: Object, kinds: tuple[str, ...]
) -> list[Object]:
    """Return the objects of some kinds next to one, those behind passages included, each once."""
    found: dict[Object, None] = {}
    waiting, seen = [start], {start}
    while waiting:
        for other in ways.get(waiting.pop(0), ()):
            if other.kind in kinds:
                found[other] = None
            elif other.kind in PASSAGES and other not in seen:
                seen.add(other)
                waiting.append(other)
    return list(found)


def connections_of(listed: list[Any], model: Mapping[str, Any], place: Place) -> Connections:
    """Return the connections of a model, once every fault of them is noted."""
    found = Connections()
    for index, content in enumerate(listed):
        at = place / index
        form = checked(ConnectionForm, content, at)
        if form is None:
            continue
        known = {field.alias or name for name, field in ConnectionForm.model_fields.items()}
        found.ignored += [(at / key).field for key in content if key not in known]
        start = _object(form.start, form.from_type, model, at / "from")
        end = _object(form.to, form.to_type, model, at / "to")
        if start is None or end is None:
            continue
        if (start.kind, end.kind) not in WAYS:
            found.ignored.append(at.field)
        elif (start, end) in found.places:
            at.refuse(f"{start.name} to {end.name}", "each connection once")
        else:
            found.add(start, end, at)
            if (start.kind, end.kind, form.connection_type) == ("reservoir", "gate", SPILL):
                found.spills.add(end.name)
    return found


def _object(name: str, kind: str | None, model: Mapping[str, Any], place: Place) -> Object | None:
    kinds = [known for known, objects in model.items() if _holds(objects, name)]
    if kind is None and len(kinds) == 1:
        return Object(kinds[0], name)
    if kind in kinds:
        return Object(kind, name)
    if not kinds:
        place.refuse(name, f"an object of the model: {one_of(name, _names(model))}")
    else:
        where = "to_type" if place.field.endswith(".to") else "from_type"
        place.refuse(name, f"with a {where}, one of {', '.join(kinds)}")
    return None


def _holds(objects: Any, name: str) -> bool:
    return isinstance(objects, dict) and name in objects


def _names(model: Mapping[str, Any]) -> Iterable[str]:
    return (name for objects in model.values() if isinstance(objects, dict) for name in objects)
