"""The forms of an operator's domain model: its types and where their instances are."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, TypeAdapter, model_validator
from pydantic_core import SchemaError

from hydrobid.domain.identifiers import Identifier
from hydrobid.schema.domain_model.canonical import KINDS
from hydrobid.schema.domain_model.expressions import ExpressionText
from hydrobid.schema.domain_model.units import UnitText
from hydrobid.schema.findings import one_of
from hydrobid.schema.forms import FileName, Form, Number, Text, Whole
from hydrobid.schema.versions import CANONICAL_VERSION

MAX_TYPES = 200
MAX_PROPERTIES = 300
LARGEST = 1e15
RELATED = "related"
# Models are as old as version 2 of the canonical form.
FIRST_CANONICAL = 2
RESERVED = {"id", RELATED}
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

Bound = Annotated[Number, Field(ge=-LARGEST, le=LARGEST)]
Count = Annotated[Whole, Field(ge=0, le=1_000_000)]
Version = Annotated[Whole, Field(ge=1, le=1_000_000)]


def _no_reserved(name: str) -> str:
    if not _FIELD.fullmatch(name):
        raise ValueError("letters, digits and '_', a letter first")
    if name in RESERVED or hasattr(BaseModel, name):
        raise ValueError(f"another name: {name} means something else already")
    return name


def _linear(pattern: str) -> str:
    """Return a pattern that is matched in time linear in the text."""
    try:
        TypeAdapter(Annotated[str, Field(pattern=pattern)])
    except SchemaError:
        raise ValueError("a regular expression without look-around and back references") from None
    return pattern


def _kind(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f"a canonical kind: {one_of(name, KINDS)}")
    return name


FieldName = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_no_reserved)]
KindName = Annotated[str, AfterValidator(_kind)]
PropertyType = Literal[
    "number", "integer", "text", "boolean", "choice", "date", "instant", "list", "record"
]


class PropertyForm(Form):
    """An operator's own property.

    unit, minimum, maximum: of numbers. pattern, max_length: of text. options: of a choice.
    items: what a list is of, at most max_items of it. fields: what a record is made of.
    """

    type: PropertyType
    description: Text = ""
    required: bool = False
    default: Any = None
    unit: UnitText | None = None
    minimum: Bound | None = None
    maximum: Bound | None = None
    pattern: Annotated[str, Field(max_length=200), AfterValidator(_linear)] | None = None
    max_length: Count | None = None
    options: Annotated[list[str], Field(min_length=1, max_length=1000)] | None = None
    items: PropertyForm | None = None
    max_items: Count | None = None
    fields: Annotated[dict[FieldName, PropertyForm], Field(max_length=MAX_PROPERTIES)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> PropertyForm:
        for name, types in _OF_TYPES.items():
            if getattr(self, name) is not None and self.type not in types:
                raise ValueError(f"{name} with {' or '.join(types)} only, and not with {self.type}")
        for kind, name in _NEEDED.items():
            if self.type == kind and getattr(self, name) is None:
                raise ValueError(f"{name} needed by a property that is a {kind}")
        if self.required and self.default is not None:
            raise ValueError("required or a default, not both")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum at most maximum, {self.maximum:g}")
        inner = [*(self.fields or {}).values(), *([self.items] if self.items else [])]
        if any(part.default is not None for part in inner):
            raise ValueError("default of a property as a whole, and not of a part of it")
        return self


_NUMBERS = ("number", "integer")
_OF_TYPES = {
    "unit": _NUMBERS,
    "minimum": _NUMBERS,
    "maximum": _NUMBERS,
    "pattern": ("text",),
    "max_length": ("text",),
    "options": ("choice",),
    "items": ("list",),
    "max_items": ("list",),
    "fields": ("record",),
}
_NEEDED = {"choice": "options", "list": "items", "record": "fields"}


class RelationForm(Form):
    """A relation to instances of a type, which states their id.

    by: makes it the other side of one: the instances of `to` whose relation `by` leads here.
    acyclic: no way along it leads back to where it began.
    """

    to: Identifier
    by: FieldName | None = None
    many: bool = False
    required: bool = False
    acyclic: bool = False
    description: Text = ""

    @model_validator(mode="after")
    def _fits(self) -> RelationForm:
        if self.by is not None and (self.many or self.required or self.acyclic):
            raise ValueError("by alone: it reads another type's relation")
        return self


class ConstraintForm(Form):
    """A rule that each instance keeps: an expression that has to be true, and what it says."""

    rule: ExpressionText
    says: Annotated[str, Field(min_length=1, max_length=300)]


class TypeForm(Form):
    """A type of an operator's model; `extends` gives it a canonical kind's fields as well."""

    extends: KindName | None = None
    description: Text = ""
    properties: Annotated[dict[FieldName, PropertyForm], Field(max_length=MAX_PROPERTIES)] = Field(
        default_factory=dict
    )
    relations: Annotated[dict[FieldName, RelationForm], Field(max_length=100)] = Field(
        default_factory=dict
    )
    constraints: Annotated[list[ConstraintForm], Field(max_length=100)] = Field(
        default_factory=list
    )


class FilesForm(Form):
    """Files of a client's folder. sheet: of those that are Excel workbooks, their only one if not said."""

    files: Annotated[list[FileName], Field(min_length=1, max_length=100)]
    sheet: Annotated[str, Field(min_length=1, max_length=31)] | None = None


class InstancesForm(FilesForm):
    """Where the instances of a type are: files, a table of them or a document by id."""


class SeriesForm(FilesForm):
    """Time series by name of their column, in one unit, in files with a column `time`."""

    unit: UnitText


class ModelForm(Form):
    """An operator's domain model. version: the operator's own. canonical: what it extends."""

    model: Identifier
    version: Version
    canonical: Annotated[Whole, Field(ge=FIRST_CANONICAL, le=CANONICAL_VERSION)]
    description: Text = ""
    types: Annotated[dict[Identifier, TypeForm], Field(min_length=1, max_length=MAX_TYPES)]
    instances: Annotated[dict[str, InstancesForm], Field(max_length=MAX_TYPES)] = Field(
        default_factory=dict
    )
    series: Annotated[dict[Identifier, SeriesForm], Field(max_length=100)] = Field(
        default_factory=dict
    )
    mapping: FileName | None = None


class FieldRuleForm(Form):
    """How one canonical field comes about.

    value: an expression on the instance; or constant; or each: an expression that finds a list, and
    the fields of what each of its elements becomes. unit: of the value, where it is not the unit of
    a property. lookup: a table that the value is looked up in. series: the value names a column of
    these series. default: what the field is where there is no value; without one it is left out.
    """

    value: ExpressionText | None = None
    constant: Any = None
    each: ExpressionText | None = None
    fields: dict[str, FieldRule] | None = None
    unit: UnitText | None = None
    lookup: Identifier | None = None
    default: Any = None
    series: Identifier | None = None

    @model_validator(mode="after")
    def _one_source(self) -> FieldRuleForm:
        stated = [name for name in ("value", "constant", "each") if name in self.model_fields_set]
        if len(stated) != 1:
            raise ValueError("one of the three: value, constant or each")
        if (self.each is None) != (self.fields is None):
            raise ValueError("each and fields together: what is made of each element")
        return self


def _spelled_out(stated: Any) -> Any:
    return {"value": stated} if isinstance(stated, str) else stated


FieldRule = Annotated[
    FieldRuleForm,
    BeforeValidator(_spelled_out, json_schema_input_type=ExpressionText | FieldRuleForm),
]


class RuleForm(Form):
    """How instances of a type become canonical elements of a kind.

    where: those that do; all if not stated. within: the watercourse or plant that the element is
    in. name: the element's name; the instance's id if not stated.
    """

    from_type: Annotated[Identifier, Field(alias="from")]
    to: KindName
    where: ExpressionText | None = None
    within: Annotated[ExpressionText | None, Field(alias="in")] = None
    name: ExpressionText = "id"
    fields: Annotated[dict[str, FieldRule], Field(max_length=MAX_PROPERTIES)] = Field(
        default_factory=dict
    )


class MappingForm(Form):
    """A mapping from an operator's model to the canonical form.

    version: its own. model: the version of the model that it reads. canonical: the version of the
    form that it makes. currency: what `currency` in the canonical units is. lookups: by name, from
    what operators write to what is meant. fixtures: documents that say what becomes of what.
    """

    mapping: Identifier
    version: Version
    model: Version
    canonical: Annotated[Whole, Field(ge=FIRST_CANONICAL, le=CANONICAL_VERSION)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    description: Text = ""
    lookups: Annotated[
        dict[Identifier, Annotated[dict[str, Any], Field(max_length=100_000)]],
        Field(max_length=100),
    ] = Field(default_factory=dict)
    rules: Annotated[list[RuleForm], Field(max_length=1000)] = Field(default_factory=list)
    fixtures: Annotated[list[FileName], Field(max_length=100)] = Field(default_factory=list)


FieldRuleForm.model_rebuild()
