"""Filters of a query: checked once, then one predicate over documents.

What matches what was recorded on Google's emulator: equality crosses integers and doubles, a range
stays within its type, null and NaN are found by the unary filters only, and every negation asks for
a field that is there and is not null.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TypeAlias

from emulators.firestore.errors import InvalidArgumentError
from emulators.firestore.fields import NAME, FieldPath, lookup, parse_path
from emulators.firestore.messages import (
    CompositeFilter,
    FieldFilter,
    Message,
    UnaryFilter,
    Value,
)
from emulators.firestore.names import parse_document
from emulators.firestore.values import NAN_KEY, NULL_KEY, OrderKey, order_key

Predicate: TypeAlias = Callable[[Message], bool]
KeyTest: TypeAlias = Callable[[OrderKey], bool]

LESS, LESS_EQUAL = FieldFilter.LESS_THAN, FieldFilter.LESS_THAN_OR_EQUAL
GREATER, GREATER_EQUAL = FieldFilter.GREATER_THAN, FieldFilter.GREATER_THAN_OR_EQUAL
EQUAL, NOT_EQUAL = FieldFilter.EQUAL, FieldFilter.NOT_EQUAL
IN, NOT_IN = FieldFilter.IN, FieldFilter.NOT_IN
CONTAINS, CONTAINS_ANY = FieldFilter.ARRAY_CONTAINS, FieldFilter.ARRAY_CONTAINS_ANY

_RANGES = frozenset({LESS, LESS_EQUAL, GREATER, GREATER_EQUAL})
_ORDERING = _RANGES | {NOT_EQUAL, NOT_IN}
_LISTS = {IN: ("IN", 30), CONTAINS_ANY: ("ARRAY_CONTAINS_ANY", 30), NOT_IN: ("NOT_IN", 10)}
_NEGATIVE_UNARY = frozenset({UnaryFilter.IS_NOT_NULL, UnaryFilter.IS_NOT_NAN})
_MOST_DISJUNCTIONS = 30


def document_value(document: Message, path: FieldPath) -> Message | None:
    """Return the Value of a Document at `path`; its own name, as a reference, for `__name__`."""
    if path == NAME:
        return Value(reference_value=document.name)
    return lookup(document.fields, path)


def plan_filter(message: Message) -> Predicate:
    """Return the predicate over Documents that a Filter message stands for."""
    match message.WhichOneof("filter_type"):
        case "composite_filter":
            return _plan_composite(message.composite_filter)
        case "unary_filter":
            return _plan_unary(message.unary_filter)
        case "field_filter":
            return _plan_field(message.field_filter)
        case _:
            return lambda _: True


def _plan_composite(message: Message) -> Predicate:
    parts = [plan_filter(part) for part in message.filters]
    match message.op:
        case CompositeFilter.AND:
            return lambda document: all(part(document) for part in parts)
        case CompositeFilter.OR:
            return lambda document: any(part(document) for part in parts)
        case _:
            raise InvalidArgumentError("Unsupported CompositeFilter operator.")


def _plan_unary(message: Message) -> Predicate:
    path = parse_path(message.field.field_path)
    if path == NAME:
        raise InvalidArgumentError("__key__ filter value must be a Key")
    tests: dict[int, KeyTest] = {
        UnaryFilter.IS_NULL: lambda key: key == NULL_KEY,
        UnaryFilter.IS_NAN: lambda key: key == NAN_KEY,
        UnaryFilter.IS_NOT_NULL: lambda key: key != NULL_KEY,
        UnaryFilter.IS_NOT_NAN: lambda key: key not in (NULL_KEY, NAN_KEY),
    }
    if message.op not in tests:
        raise InvalidArgumentError("Unknown UnaryFilter operator.")
    return _on_key(path, tests[message.op])


def _plan_field(message: Message) -> Predicate:
    path = parse_path(message.field.field_path)
    operands = _list_operands(message) if message.op in _LISTS else [message.value]
    if path == NAME:
        _check_name_filter(message.op, operands)
    keys = [order_key(operand) for operand in operands]
    if message.op in {CONTAINS, CONTAINS_ANY}:
        return _contains(path, {key for key in keys if _is_comparable(key)})
    return _on_key(path, _key_test(message.op, keys))


def _list_operands(message: Message) -> list[Message]:
    name, most = _LISTS[message.op]
    if not message.value.HasField("array_value"):
        raise InvalidArgumentError(f"'{name}' requires an ArrayValue.")
    operands = list(message.value.array_value.values)
    if not operands:
        raise InvalidArgumentError(f"'{name}' requires an non-empty ArrayValue.")
    if len(operands) > most:
        raise InvalidArgumentError(f"'{name}' supports up to {most} comparison values.")
    return operands


def _check_name_filter(operator: int, operands: list[Message]) -> None:
    if operator in {CONTAINS, CONTAINS_ANY}:
        raise InvalidArgumentError("the name __key__ is reserved")
    for operand in operands:
        if not operand.HasField("reference_value"):
            raise InvalidArgumentError("__key__ filter value must be a Key")
        parse_document(operand.reference_value)


def _is_comparable(key: OrderKey) -> bool:
    return key not in (NULL_KEY, NAN_KEY)


def _key_test(operator: int, keys: list[OrderKey]) -> KeyTest:
    wanted = {key for key in keys if _is_comparable(key)}
    if operator in {EQUAL, IN}:
        return lambda key: key in wanted
    if operator in {NOT_EQUAL, NOT_IN}:
        if NULL_KEY in keys:
            return lambda _: False
        return lambda key: key != NULL_KEY and key not in wanted
    if operator not in _RANGES:
        raise InvalidArgumentError("Unknown FieldFilter operator.")
    bound = keys[0]
    if not wanted:
        return lambda _: False
    within: dict[int, KeyTest] = {
        LESS: lambda key: key < bound,
        LESS_EQUAL: lambda key: key <= bound,
        GREATER: lambda key: key > bound,
        GREATER_EQUAL: lambda key: key >= bound,
    }
    test = within[operator]
    return lambda key: key[0] == bound[0] and key != NAN_KEY and test(key)


def _on_key(path: FieldPath, test: KeyTest) -> Predicate:
    def matches(document: Message) -> bool:
        value = document_value(document, path)
        return value is not None and test(order_key(value))

    return matches


def _contains(path: FieldPath, wanted: set[OrderKey]) -> Predicate:
    def matches(document: Message) -> bool:
        value = document_value(document, path)
        if value is None or not value.HasField("array_value"):
            return False
        return any(order_key(element) in wanted for element in value.array_value.values)

    return matches


def leaves(message: Message) -> Iterator[Message]:
    """Yield the unary and field Filters within a Filter."""
    if message.WhichOneof("filter_type") == "composite_filter":
        for part in message.composite_filter.filters:
            yield from leaves(part)
    elif message.WhichOneof("filter_type") is not None:
        yield message


def filtered_paths(message: Message) -> Iterator[FieldPath]:
    """Yield the field of every comparison within a Filter."""
    for leaf in leaves(message):
        kind = leaf.field_filter if leaf.HasField("field_filter") else leaf.unary_filter
        yield parse_path(kind.field.field_path)


def inequality_paths(message: Message) -> list[FieldPath]:
    """Return the fields that a Filter compares by order or negation, sorted, each once.

    A query's results are ordered by them when it does not say otherwise.
    """
    paths = set()
    for leaf in leaves(message):
        if leaf.HasField("field_filter") and leaf.field_filter.op in _ORDERING:
            paths.add(parse_path(leaf.field_filter.field.field_path))
        elif leaf.HasField("unary_filter") and leaf.unary_filter.op in _NEGATIVE_UNARY:
            paths.add(parse_path(leaf.unary_filter.field.field_path))
    return sorted(paths)


def check_combination(message: Message) -> None:
    """Raise when a Filter combines what one query cannot: negations, arrays, disjunctions."""
    operators = [leaf.field_filter.op for leaf in leaves(message) if leaf.HasField("field_filter")]
    unary = [leaf.unary_filter.op for leaf in leaves(message) if leaf.HasField("unary_filter")]
    negations = sum(op in {NOT_EQUAL, NOT_IN} for op in operators)
    negations += sum(op in _NEGATIVE_UNARY for op in unary)
    if negations > 1:
        raise InvalidArgumentError(
            "Only a single 'NOT_EQUAL', 'NOT_IN', 'IS_NOT_NAN', or 'IS_NOT_NULL' filter allowed "
            "per query."
        )
    if NOT_IN in operators and (_has_or(message) or {IN, CONTAINS_ANY} & set(operators)):
        raise InvalidArgumentError(
            "'NOT_IN' cannot be used in the same query with 'IN', 'ARRAY_CONTAINS_ANY' or 'OR'."
        )
    if _most_array_clauses(message) > 1:
        raise InvalidArgumentError(
            "A maximum of 1 'ARRAY_CONTAINS' filter is allowed per disjunction."
        )
    disjunctions = _disjunctions(message)
    if disjunctions > _MOST_DISJUNCTIONS:
        raise InvalidArgumentError(
            f"Too many disjunctions after normalization. Result had {disjunctions} disjunctions "
            f"which is more than the maximum of {_MOST_DISJUNCTIONS}"
        )


def _has_or(message: Message) -> bool:
    if message.WhichOneof("filter_type") != "composite_filter":
        return False
    composite = message.composite_filter
    is_or = composite.op == CompositeFilter.OR and len(composite.filters) > 1
    return is_or or any(_has_or(part) for part in composite.filters)


def _most_array_clauses(message: Message) -> int:
    """Return how many array clauses one disjunct of the normalised filter has at most."""
    match message.WhichOneof("filter_type"):
        case "composite_filter":
            counts = [_most_array_clauses(part) for part in message.composite_filter.filters]
            combine = max if message.composite_filter.op == CompositeFilter.OR else sum
            return combine(counts) if counts else 0
        case "field_filter":
            return int(message.field_filter.op in {CONTAINS, CONTAINS_ANY})
        case _:
            return 0


def _disjunctions(message: Message) -> int:
    """Return the number of disjuncts of the filter's disjunctive normal form."""
    match message.WhichOneof("filter_type"):
        case "composite_filter":
            counts = [_disjunctions(part) for part in message.composite_filter.filters]
            if message.composite_filter.op == CompositeFilter.OR:
                return sum(counts)
            return math.prod(counts)
        case "field_filter" if message.field_filter.op in {IN, CONTAINS_ANY}:
            return len(message.field_filter.value.array_value.values)
        case _:
            return 1
