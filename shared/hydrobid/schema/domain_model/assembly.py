"""Canonical elements to canonical documents, and faults of these back to what the elements were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from hydrobid.domain.errors import Problem
from hydrobid.schema.client import CLIENT_FILE
from hydrobid.schema.domain_model.elements import Element, put
from hydrobid.schema.domain_model.mapping import Mapped
from hydrobid.schema.domain_model.series_sets import Series
from hydrobid.schema.versions import CANONICAL_VERSION

_MACHINES = "machines."
_MACHINE_SECTIONS = ("units", "pumps")


@dataclass(frozen=True, eq=False)
class Documents:
    """Documents as YAML would hold them, by name. origins: elements by document and path."""

    contents: Mapping[str, dict[str, Any]]
    origins: Mapping[tuple[str, str], Element]

    def told(self, problem: Problem, folder: str) -> Problem:
        """Return a problem where the operator has it, if a mapping made what it is about."""
        document = problem.document.removeprefix(f"{folder}/")
        element, rest = self._origin(document, problem.field)
        if element is None:
            return problem
        source = _source(element, rest)
        at = element.origin / source if source else element.origin
        about = f"{rest} of " if rest else ""
        expected = f"{problem.expected} ({about}{element.kind.name} {element.name})"
        return Problem(at.document, at.field, problem.value, expected)

    def _origin(self, document: str, field: str) -> tuple[Element | None, str]:
        """Return the innermost element that a field belongs to, and the field within it."""
        for end in _ends(field):
            element = self.origins.get((document, field[:end]))
            if element is not None:
                return element, field[end:].lstrip(".")
        return self.origins.get((document, "")), field


def documents_of(
    mapped: Mapped, client: Mapping[str, Any], days: tuple[date, date] | None
) -> Documents:
    """Return the documents that elements make up, `client.yaml` among them.

    client: what it says beside them. days: of series, from which one on and before which one they
    are kept. None keeps all.
    """
    assembly = _Assembly({}, {}, days)
    for watercourse in mapped.of("watercourse"):
        assembly.watercourse(watercourse)
    for kind in ("reservoir", "plant", "gate", "river", "unit", "pump"):
        for element in mapped.of(kind):
            assembly.part(element)
    assembly.client(mapped, client)
    return Documents(assembly.contents, assembly.origins)


@dataclass
class _Assembly:
    contents: dict[str, dict[str, Any]]
    origins: dict[tuple[str, str], Element]
    days: tuple[date, date] | None

    def client(self, mapped: Mapped, client: Mapping[str, Any]) -> None:
        """Add a market, assets and scenario sets to what a client states of these."""
        content = dict(client)
        for element in mapped.of("market"):
            content["market"] = {"id": element.name, **element.fields}
            self.origins[CLIENT_FILE, "market"] = element
        if assets := mapped.of("asset"):
            stated = client.get("assets")
            listed: list[Any] = list(stated) if isinstance(stated, list) else []
            for position, element in enumerate(assets, start=len(listed)):
                self.origins[CLIENT_FILE, f"assets[{position}]"] = element
                listed.append({"asset": element.name, **element.fields})
            content["assets"] = listed
        if sets := mapped.of("scenario_set"):
            named = client.get("scenario_sets")
            content["scenario_sets"] = dict(named) if isinstance(named, dict) else {}
            for element in sets:
                self.origins[CLIENT_FILE, f"scenario_sets.{element.name}"] = element
                content["scenario_sets"][element.name] = dict(element.fields)
        self.contents[CLIENT_FILE] = content

    def watercourse(self, element: Element) -> None:
        content = {"version": CANONICAL_VERSION, "watercourse": element.name, **element.fields}
        self.contents[element.name] = content
        self.origins[element.name, ""] = element
        for path, value in element.conditions.items():
            put(content, ("conditions", *path.split(".")), self._dated(value))

    def part(self, element: Element) -> None:
        """Put an element into its watercourse's document, or into its plant there."""
        document, *outer = element.within
        path = [part for name in outer for part in ("plants", name)]
        path += [element.kind.section, element.name]
        content = self.contents[document]
        at: dict[str, Any] = content
        for step in path[:-1]:
            at = at.setdefault(step, {})
        if element.name in at:  # among a plant's units that stand with it
            expected = f"a {element.kind.name} that does not stand with {'.'.join(outer)} already"
            element.origin.refuse(element.name, expected)
            return
        # What will be added to is no longer the operator's.
        at[element.name] = {
            k: dict(v) if k in _MACHINE_SECTIONS and isinstance(v, dict) else v
            for k, v in element.fields.items()
        }
        self.origins[document, ".".join(path)] = element
        for quantity, value in element.conditions.items():
            way = ("conditions", *_by_element(quantity, element.name))
            put(content, way, self._dated(value))
            self.origins[document, ".".join(way)] = element

    def _dated(self, value: Any) -> Any:
        return value.steps(self.days) if isinstance(value, Series) else value


def _by_element(quantity: str, name: str) -> tuple[str, ...]:
    """Return where a document's conditions have a quantity of an element."""
    if quantity.startswith(_MACHINES):
        return (_MACHINES[:-1], name, quantity.removeprefix(_MACHINES))
    return (*quantity.split("."), name)


def _source(element: Element, path: str) -> str:
    """Return the operator's field that a canonical one was read from, itself where it was passed."""
    for end in _ends(path):
        source = element.sources.get(path[:end])
        if source is not None:
            return source
    return path or ""


def _ends(path: str) -> Iterator[int]:
    """Yield where a path may be cut, longest first."""
    yield len(path)
    for at in range(len(path) - 1, 0, -1):
        if path[at] in ".[":
            yield at
