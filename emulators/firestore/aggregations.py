"""Aggregation queries: count, sum and average over the documents of a query."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from emulators.firestore.errors import InvalidArgumentError
from emulators.firestore.fields import NAME, FieldPath, lookup, parse_path
from emulators.firestore.messages import AggregationResult, Message, Value
from emulators.firestore.values import is_number

_MOST_AGGREGATIONS = 5
_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1
_RESERVED = re.compile(r"__.*__\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Aggregation:
    """One checked aggregation; `path` None counts, at most `up_to` when that is given."""

    alias: str
    operator: str
    path: FieldPath | None
    up_to: int | None


def plan_aggregations(messages: Iterable[Message]) -> tuple[Aggregation, ...]:
    """Return checked aggregations; those without an alias are called field_1, field_2 and so on."""
    given = list(messages)
    if not given:
        raise InvalidArgumentError("Aggregations can not be empty.")
    if len(given) > _MOST_AGGREGATIONS:
        raise InvalidArgumentError(
            f"The maximum number of aggregations allowed in an aggregation query is "
            f"{_MOST_AGGREGATIONS}. Received: {len(given)}"
        )
    planned: list[Aggregation] = []
    unnamed = 0
    for message in given:
        unnamed += not message.alias
        alias = message.alias or f"field_{unnamed}"
        if any(alias == earlier.alias for earlier in planned):
            raise InvalidArgumentError(f"Aggregation aliases contain duplicate alias: {alias}.")
        planned.append(_plan(message, alias))
    return tuple(planned)


def _plan(message: Message, alias: str) -> Aggregation:
    if _RESERVED.match(alias):
        raise InvalidArgumentError(f'The property.name "{alias}" is reserved.')
    operator = message.WhichOneof("operator")
    match operator:
        case "count":
            up_to = message.count.up_to.value if message.count.HasField("up_to") else None
            if up_to is not None and up_to <= 0:
                raise InvalidArgumentError("Aggregation count up_to must be greater than zero.")
            return Aggregation(alias, operator, None, up_to)
        case "sum" | "avg":
            path = parse_path(getattr(message, operator).field.field_path)
            if path == NAME:
                raise InvalidArgumentError(
                    "Aggregations are not supported for the property: __key__"
                )
            return Aggregation(alias, operator, path, None)
        case _:
            raise InvalidArgumentError("Operator field in Aggregation is not set.")


def aggregated_paths(aggregations: Iterable[Aggregation]) -> tuple[FieldPath, ...]:
    """Return the fields that a document must have to count in any of the aggregations."""
    return tuple(one.path for one in aggregations if one.path is not None)


def aggregate(aggregations: tuple[Aggregation, ...], documents: Iterable[Message]) -> Message:
    """Return the AggregationResult over a query's Documents."""
    counted = list(documents)
    result = AggregationResult()
    for one in aggregations:
        value = _value(one, counted)
        result.aggregate_fields[one.alias].CopyFrom(value)
    return result


def _value(one: Aggregation, documents: list[Message]) -> Message:
    if one.path is None:
        count = len(documents)
        return Value(integer_value=count if one.up_to is None else min(count, one.up_to))
    numbers = _numbers(one.path, documents)
    if one.operator == "sum":
        return _sum(numbers)
    if not numbers:
        return Value(null_value=0)
    return Value(double_value=_float_sum(numbers) / len(numbers))


def _numbers(path: FieldPath, documents: list[Message]) -> list[int | float]:
    numbers: list[int | float] = []
    for document in documents:
        value = lookup(document.fields, path)
        if value is not None and is_number(value):
            is_integer = value.HasField("integer_value")
            numbers.append(value.integer_value if is_integer else value.double_value)
    return numbers


def _sum(numbers: list[int | float]) -> Message:
    """Integers alone stay an integer unless the total leaves 64 bits."""
    if all(isinstance(number, int) for number in numbers):
        total = sum(numbers)
        if _SMALLEST <= total <= _LARGEST:
            return Value(integer_value=int(total))
    return Value(double_value=_float_sum(numbers))


def _float_sum(numbers: list[int | float]) -> float:
    """Sum integers exactly and doubles in turn; only the total is rounded."""
    integers = sum(number for number in numbers if isinstance(number, int))
    return sum((number for number in numbers if isinstance(number, float)), float(integers))
