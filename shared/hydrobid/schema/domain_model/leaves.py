"""The fields of a JSON Schema by path, with what each holds and in which unit.

A path has a dot for each level and `[]` for the elements of a list: `turbine[].flow`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MAX_LEVELS = 12


@dataclass(frozen=True)
class Leaf:
    """What stands at a path. kind: a type of JSON, or `any`. many: a list of it. unit: None for none."""

    kind: str
    unit: str | None = None
    many: bool = False


def leaves_of(schema: Mapping[str, Any]) -> dict[str, Leaf]:
    """Return every field of an object's schema by path, objects and lists of objects included."""
    return dict(_within(schema, schema.get("$defs", {}), "", 0))


def _within(
    schema: Mapping[str, Any], known: Mapping[str, Any], before: str, level: int
) -> Iterator[tuple[str, Leaf]]:
    if level > MAX_LEVELS:
        return
    for name, stated in schema.get("properties", {}).items():
        path = f"{before}{name}"
        field = _resolved(stated, known)
        if field.get("type") == "array":
            element = _resolved(field.get("items", {}), known)
            yield path, Leaf(_kind(element), element.get("unit"), many=True)
            yield from _within(element, known, f"{path}[].", level + 1)
        else:
            yield path, Leaf(_kind(field), field.get("unit"))
            yield from _within(field, known, f"{path}.", level + 1)


def _resolved(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a schema means: a reference's target, an optional field's one form."""
    while True:
        others = [part for part in schema.get("anyOf", ()) if part.get("type") != "null"]
        if "$ref" in schema:
            schema = known[schema["$ref"].rpartition("/")[2]]
        elif len(others) == 1:
            schema = others[0]
        else:
            return schema


def _kind(schema: Mapping[str, Any]) -> str:
    return str(schema.get("type", "any"))
