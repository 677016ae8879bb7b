"""Checks of data against forms, told in an operator's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from hydrobid.schema.findings import MAX_PROBLEMS, Place, one_of

Form = TypeVar("Form", bound=BaseModel)

_EXPECTED = {
    "missing": "a value: the field is required",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "model_attributes_type": "a mapping: fields, colons and values",
    "dict_type": "a mapping: names, colons and what belongs to each",
    "model_type": "a mapping: fields, colons and values",
    "list_type": "a list",
    "tuple_type": "a list",
    "greater_than": "above {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than": "below {lt:g}",
    "less_than_equal": "at most {le:g}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "text of the form {pattern}",
    "literal_error": "{expected}",
}


def checked(form: type[Form], content: Any, place: Place) -> Form | None:
    """Return `content` as a form, or None once every fault of it is noted."""
    try:
        return form.model_validate(content)
    except ValidationError as error:
        for fault in error.errors(include_url=False)[: MAX_PROBLEMS + 1]:
            _note(form, fault, place)
        return None


def _note(form: type[BaseModel], fault: ErrorDetails, place: Place) -> None:
    form, steps, variants = _walked(form, fault["loc"])
    for step in steps:
        place = place / step
    value = None if fault["type"] == "missing" else fault["input"]
    if fault["type"] == "extra_forbidden":
        place.refuse(value, f"a known field: {one_of(steps[-1], form.model_fields)}")
    elif fault["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        tag = fault["ctx"].get("tag")
        (place / fault["ctx"]["discriminator"].strip("'")).refuse(tag, one_of(tag, variants))
    elif fault["type"] == "value_error":
        _note_rule(str(fault["ctx"]["error"]), value, place)
    else:
        expected = _EXPECTED.get(fault["type"])
        place.refuse(value, expected.format(**fault.get("ctx", {})) if expected else fault["msg"])


def _note_rule(rule: str, value: Any, place: Place) -> None:
    """Note a broken rule of the domain; a rule of several fields begins with the one it is about."""
    about = rule.split(" ", 1)[0]
    if isinstance(value, dict) and about in value:
        place, value = place / about, value[about]
    place.refuse(value, rule)


def _walked(
    form: type[BaseModel], way: Sequence[str | int]
) -> tuple[type[BaseModel], list[str | int], dict[str, type[BaseModel]]]:
    """Return the form at the end of a fault's way, the fields that lead there, and its variants.

    Where a field takes one of several forms, the way names the one that was meant behind it.
    """
    steps: list[str | int] = []
    variants: dict[str, type[BaseModel]] = {}
    for step in way:
        if step in variants:
            form, variants = variants[str(step)], {}
        elif step != "[key]":
            steps.append(step)
            known = form.model_fields.get(str(step))
            variants = _variants(known) if known else {}
            form = (_form_within(known.annotation) if known else None) or form
    return form, steps, variants


def _variants(field: FieldInfo) -> dict[str, type[BaseModel]]:
    """Return the forms that a field takes by the name that tells them apart."""
    if not isinstance(field.discriminator, str):
        return {}
    forms = get_args(field.annotation)
    return {form.model_fields[field.discriminator].default: form for form in forms}


def _form_within(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    within = (_form_within(part) for part in get_args(annotation))
    return next((form for form in within if form is not None), None)
