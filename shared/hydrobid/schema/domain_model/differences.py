"""What changed from one version of an operator's model to another, and whether that is compatible.

Compatible: every instance that the first takes, the second takes as well, and means the same by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from hydrobid.schema.domain_model.model_forms import (
    ModelForm,
    PropertyForm,
    RelationForm,
    TypeForm,
)

_LOWER = {"minimum"}
_UPPER = {"maximum", "max_length", "max_items"}
_SILENT = {"description"}
_WIDER = {("integer", "number")}


@dataclass(frozen=True)
class Difference:
    """One change. path: where it is in the model. what: in words."""

    path: str
    what: str
    compatible: bool

    def as_document(self) -> dict[str, Any]:
        """Return the change as JSON-ready data."""
        return {"path": self.path, "what": self.what, "compatible": self.compatible}


def differences(before: ModelForm, after: ModelForm) -> list[Difference]:
    """Return what changed, in order of its path."""
    found = list(_types(before.types, after.types))
    if before.model != after.model:
        found.append(Difference("model", f"{before.model} became {after.model}", compatible=False))
    if before.canonical != after.canonical:
        what = f"from version {before.canonical} of the canonical form to {after.canonical}"
        found.append(Difference("canonical", what, compatible=True))
    if found and after.version <= before.version:
        what = f"{after.version}, which is no step on from {before.version}"
        found.append(Difference("version", what, compatible=False))
    return sorted(found, key=lambda difference: difference.path)


def _types(before: Mapping[Any, TypeForm], after: Mapping[Any, TypeForm]) -> Iterator[Difference]:
    yield from _named(before, after, "types", "type", new_is_fine=lambda _: True)
    for name in before.keys() & after.keys():
        at = f"types.{name}"
        old, new = before[name], after[name]
        if old.extends != new.extends:
            what = f"extends {new.extends or 'nothing'}, before {old.extends or 'nothing'}"
            yield Difference(f"{at}.extends", what, compatible=old.extends is None)
        yield from _properties(old.properties, new.properties, f"{at}.properties")
        yield from _relations(old.relations, new.relations, f"{at}.relations")
        rules = {constraint.rule for constraint in old.constraints}
        later = {constraint.rule for constraint in new.constraints}
        for rule in sorted(later - rules):
            yield Difference(f"{at}.constraints", f"new: {rule}", compatible=False)
        for rule in sorted(rules - later):
            yield Difference(f"{at}.constraints", f"gone: {rule}", compatible=True)


def _properties(
    before: Mapping[str, PropertyForm], after: Mapping[str, PropertyForm], at: str
) -> Iterator[Difference]:
    yield from _named(before, after, at, "property", new_is_fine=lambda new: not new.required)
    for name in before.keys() & after.keys():
        yield from _property(before[name], after[name], f"{at}.{name}")


def _property(old: PropertyForm, new: PropertyForm, at: str) -> Iterator[Difference]:
    for field in _changed(old, new):
        one, other = getattr(old, field), getattr(new, field)
        if field == "fields" and one is not None and other is not None:
            yield from _properties(one, other, f"{at}.fields")
        elif field == "items" and one is not None and other is not None:
            yield from _property(one, other, f"{at}.items")
        else:
            compatible = _is_wider(field, one, other)
            yield Difference(f"{at}.{field}", f"{_told(other)}, before {_told(one)}", compatible)


def _is_wider(field: str, old: Any, new: Any) -> bool:
    """Whether what was taken before is taken still, and means the same."""
    if field in _LOWER:
        return new is None or (old is not None and new <= old)
    if field in _UPPER:
        return new is None or (old is not None and new >= old)
    if field == "options":
        return old is not None and new is not None and set(old) <= set(new)
    if field == "type":
        return (old, new) in _WIDER
    # A rule of text may go; units and defaults are what figures mean.
    return new is None if field == "pattern" else field == "required" and not new


def _relations(
    before: Mapping[str, RelationForm], after: Mapping[str, RelationForm], at: str
) -> Iterator[Difference]:
    yield from _named(before, after, at, "relation", new_is_fine=lambda new: not new.required)
    for name in before.keys() & after.keys():
        for field in _changed(before[name], after[name]):
            one, other = getattr(before[name], field), getattr(after[name], field)
            compatible = field in ("required", "acyclic") and not other
            what = f"{_told(other)}, before {_told(one)}"
            yield Difference(f"{at}.{name}.{field}", what, compatible)


def _named(
    before: Mapping[str, Any], after: Mapping[str, Any], at: str, what: str, *, new_is_fine: Any
) -> Iterator[Difference]:
    """Yield what is new and what is gone; of what is gone, the new one that is just like it."""
    new, gone = after.keys() - before.keys(), before.keys() - after.keys()
    for name in sorted(new):
        kind = "" if new_is_fine(after[name]) else ", which every instance needs"
        yield Difference(f"{at}.{name}", f"a new {what}{kind}", compatible=not kind)
    for name in sorted(gone):
        alike = _alike(
            before[name], (other for other in sorted(new) if after[other] == before[name])
        )
        yield Difference(f"{at}.{name}", f"the {what} is gone{alike}", compatible=False)


def _alike(form: BaseModel, others: Iterable[str]) -> str:
    name = next(iter(others), None)
    telling = form.model_dump(exclude_defaults=True)
    return f"; renamed to {name} perhaps" if name is not None and telling else ""


def _changed(old: BaseModel, new: BaseModel) -> list[str]:
    fields = [name for name in type(old).model_fields if name not in _SILENT]
    return [name for name in fields if getattr(old, name) != getattr(new, name)]


def _told(value: Any) -> str:
    if value is None:
        return "nothing"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
