"""An operator's types as forms: what an instance of each may hold, as checked and as JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from types import GenericAlias
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, create_model

from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.time import parse_instant
from hydrobid.schema.checking import checked
from hydrobid.schema.conditions import INSTANT
from hydrobid.schema.domain_model.canonical import KINDS, Kind
from hydrobid.schema.domain_model.leaves import Leaf, leaves_of
from hydrobid.schema.domain_model.model_forms import (
    LARGEST,
    ModelForm,
    PropertyForm,
    RelationForm,
    TypeForm,
)
from hydrobid.schema.findings import Place
from hydrobid.schema.forms import Form, Unit

MAX_ITEMS = 100_000
MAX_TEXT = 10_000


@dataclass(frozen=True, eq=False)
class OperatorType:
    """A type of an operator's model. kind: the canonical kind that it extends, if any.

    form: what an instance is checked against; canonical fields take part, none of them required:
    a mapping may make them of others.
    """

    name: str
    stated: TypeForm
    form: type[BaseModel]

    @property
    def kind(self) -> Kind | None:
        """The canonical kind whose fields the type has as well."""
        return KINDS[self.stated.extends] if self.stated.extends else None

    @cached_property
    def leaves(self) -> Mapping[str, Leaf]:
        """Every field of an instance by path."""
        return leaves_of(self.form.model_json_schema())

    @property
    def own(self) -> frozenset[str]:
        """The properties and relations that are the operator's own."""
        return frozenset(self.stated.properties) | {
            name for name, relation in self.stated.relations.items() if relation.by is None
        }

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """What own properties are where an instance does not say."""
        properties = self.stated.properties.items()
        return {name: stated.default for name, stated in properties if stated.default is not None}


def types_of(model: ModelForm) -> dict[str, OperatorType]:
    """Return the types of a model by name."""
    return {
        name: OperatorType(name, stated, _form_of(name, stated))
        for name, stated in model.types.items()
    }


def check_defaults(types: Mapping[str, OperatorType], place: Place) -> None:
    """Note defaults that are no values of their properties."""
    for name, operator_type in types.items():
        for field, stated in operator_type.stated.properties.items():
            if stated.default is not None:
                form = create_model("Default", default=(_kind_of(field, stated), ...))
                at = place / "types" / name / "properties" / field
                checked(form, {"default": stated.default}, at)


def _form_of(name: str, stated: TypeForm) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    if stated.extends:
        for field, info in KINDS[stated.extends].form.model_fields.items():
            kind: Any = info.annotation
            kind = Annotated[kind, *info.metadata] if info.metadata else kind
            fields[field] = (kind | None, None)
    for field, relation in stated.relations.items():
        if relation.by is None:
            fields[field] = _related(relation)
    for field, own in stated.properties.items():
        fields[field] = _own(f"{name}_{field}", own)
    form: type[BaseModel] = create_model(
        name, __base__=Form, __doc__=stated.description or None, **fields
    )
    return form


def _related(relation: RelationForm) -> tuple[Any, Any]:
    kind: Any = Annotated[
        Identifier, Field(description=relation.description or f"{relation.to}'s id")
    ]
    if relation.many:
        kind = Annotated[list[kind], Field(max_length=MAX_ITEMS)]
    return (kind, ...) if relation.required else (kind | None, None)


def _own(name: str, stated: PropertyForm) -> tuple[Any, Any]:
    kind = _kind_of(name, stated)
    if stated.required:
        return kind, Field(..., description=stated.description or None)
    return kind | None, Field(stated.default, description=stated.description or None)


def _kind_of(name: str, stated: PropertyForm) -> Any:
    """Return the annotation of a property's values."""
    return _KINDS[stated.type](name, stated)


def _number(_: str, stated: PropertyForm) -> Any:
    low = -LARGEST if stated.minimum is None else stated.minimum
    high = LARGEST if stated.maximum is None else stated.maximum
    limits = Field(strict=True, ge=low, le=high)
    unit = [Unit(stated.unit)] if stated.unit else []
    base: Any = float if stated.type == "number" else int
    return Annotated[base, limits, *unit]


def _text(_: str, stated: PropertyForm) -> Any:
    length = MAX_TEXT if stated.max_length is None else stated.max_length
    return Annotated[str, Field(max_length=length, pattern=stated.pattern)]


def _list(name: str, stated: PropertyForm) -> Any:
    items = _kind_of(f"{name}_item", stated.items or stated)
    most = MAX_ITEMS if stated.max_items is None else stated.max_items
    return Annotated[GenericAlias(list, (items,)), Field(max_length=most)]


def _record(name: str, stated: PropertyForm) -> Any:
    parts = (stated.fields or {}).items()
    fields: dict[str, Any] = {field: _own(f"{name}_{field}", part) for field, part in parts}
    return create_model(name, __base__=Form, **fields)


def _date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError("a date, as 2026-03-28") from None
    return text


def _instant(text: str) -> str:
    try:
        parse_instant(text)
    except (InvalidInput, OverflowError):
        raise ValueError(INSTANT) from None
    return text


_KINDS: Mapping[str, Callable[[str, PropertyForm], Any]] = {
    "number": _number,
    "integer": _number,
    "text": _text,
    "boolean": lambda *_: Annotated[bool, Field(strict=True)],
    "choice": lambda _, stated: Literal[*(stated.options or ())],
    "date": lambda *_: Annotated[str, AfterValidator(_date)],
    "instant": lambda *_: Annotated[str, AfterValidator(_instant)],
    "list": _list,
    "record": _record,
}
