"""Evaluating expressions: no coercion but integer to double, errors as the language raises them."""

from __future__ import annotations

import math
import operator
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias

from emulators.workflows.errors import system_error, type_error
from emulators.workflows.expressions import (
    Apply,
    Binary,
    Expression,
    Item,
    ListOf,
    Literal,
    Logical,
    MapOf,
    Name,
    Unary,
    dotted_name,
)
from emulators.workflows.scope import Scope
from emulators.workflows.stdlib import CONSTANTS, FUNCTIONS
from emulators.workflows.values import (
    FunctionReference,
    Value,
    checked_integer,
    equal,
    is_number,
    item_of,
    type_name,
)


class Evaluation(Protocol):
    """What an expression sees: the variables, and the functions that it can call."""

    scope: Scope

    def is_routine(self, name: str) -> bool:
        """Tell whether the program has a subworkflow of this name."""

    def apply(self, function: str, arguments: list[Value]) -> Awaitable[Value]:
        """Return what a function or subworkflow gives for positional arguments."""


async def evaluate(node: Expression, context: Evaluation) -> Value:
    """Return the expression's value."""
    return await _EVALUATORS[type(node)](node, context)


async def _literal(node: Literal, _: Evaluation) -> Value:
    return node.value


async def _name(node: Name, context: Evaluation) -> Value:
    if node.name not in context.scope and context.is_routine(node.name):
        return FunctionReference(node.name)
    return context.scope.get(node.name)


async def _item(node: Item, context: Evaluation) -> Value:
    if node.dotted:
        name = dotted_name(node)
        if name is not None and name.partition(".")[0] not in context.scope:
            if name in CONSTANTS:
                return CONSTANTS[name]
            if name in FUNCTIONS:
                return FunctionReference(name)
    return item_of(await evaluate(node.target, context), await evaluate(node.key, context))


async def _apply(node: Apply, context: Evaluation) -> Value:
    arguments = [await evaluate(argument, context) for argument in node.arguments]
    return await context.apply(node.function, arguments)


async def _list_of(node: ListOf, context: Evaluation) -> Value:
    return [await evaluate(item, context) for item in node.items]


async def _map_of(node: MapOf, context: Evaluation) -> Value:
    result: dict[str, Value] = {}
    for key_node, value_node in node.items:
        key = await evaluate(key_node, context)
        if not isinstance(key, str):
            raise type_error(f"a map key must be a string, not {type_name(key)}")
        result[key] = await evaluate(value_node, context)
    return result


async def _unary(node: Unary, context: Evaluation) -> Value:
    value = await evaluate(node.operand, context)
    if node.operator == "not":
        return not _boolean(value, "not")
    if not is_number(value):
        raise type_error(f"cannot negate {type_name(value)}")
    return checked_integer(-value) if isinstance(value, int) else -value


async def _logical(node: Logical, context: Evaluation) -> Value:
    left = _boolean(await evaluate(node.left, context), node.operator)
    if left is (node.operator == "or"):
        return left
    return _boolean(await evaluate(node.right, context), node.operator)


async def _binary(node: Binary, context: Evaluation) -> Value:
    left = await evaluate(node.left, context)
    right = await evaluate(node.right, context)
    return _OPERATORS[node.operator](left, right)


def _boolean(value: Value, name: str) -> bool:
    if isinstance(value, bool):
        return value
    raise type_error(f"'{name}' takes booleans, not {type_name(value)}")


def _unsupported(symbol: str, left: Value, right: Value) -> Exception:
    types = f"{type_name(left)} and {type_name(right)}"
    return type_error(f"'{symbol}' is not defined between {types}")


def _arithmetic(symbol: str, compute: Callable[[Any, Any], Any]) -> _Operator:
    def operate(left: Value, right: Value) -> Value:
        if not (is_number(left) and is_number(right)):
            raise _unsupported(symbol, left, right)
        try:
            result = compute(left, right)
        except ZeroDivisionError:
            raise system_error("ZeroDivisionError", "division by zero") from None
        except OverflowError:
            return math.inf
        return checked_integer(result) if isinstance(result, int) else result

    return operate


def _comparison(symbol: str, compare: Callable[[Any, Any], bool]) -> _Operator:
    def operate(left: Value, right: Value) -> Value:
        strings = isinstance(left, str) and isinstance(right, str)
        if strings or (is_number(left) and is_number(right)):
            return compare(left, right)
        raise _unsupported(symbol, left, right)

    return operate


def _plus(left: Value, right: Value) -> Value:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    return _sum(left, right)


def _contains(left: Value, right: Value) -> Value:
    if isinstance(right, dict):
        return isinstance(left, str) and left in right
    if isinstance(right, list):
        return any(equal(left, item) for item in right)
    raise _unsupported("in", left, right)


def _lacks(left: Value, right: Value) -> Value:
    return not _contains(left, right)


def _differ(left: Value, right: Value) -> Value:
    return not equal(left, right)


_Operator: TypeAlias = Callable[[Value, Value], Value]
_sum = _arithmetic("+", operator.add)
_OPERATORS: dict[str, _Operator] = {
    "+": _plus,
    "-": _arithmetic("-", operator.sub),
    "*": _arithmetic("*", operator.mul),
    "/": _arithmetic("/", operator.truediv),
    "//": _arithmetic("//", operator.floordiv),
    "%": _arithmetic("%", operator.mod),
    "==": equal,
    "!=": _differ,
    "<": _comparison("<", operator.lt),
    "<=": _comparison("<=", operator.le),
    ">": _comparison(">", operator.gt),
    ">=": _comparison(">=", operator.ge),
    "in": _contains,
    "not in": _lacks,
}
_EVALUATORS: dict[type, Callable[[Any, Evaluation], Awaitable[Value]]] = {
    Literal: _literal,
    Name: _name,
    Item: _item,
    Apply: _apply,
    ListOf: _list_of,
    MapOf: _map_of,
    Unary: _unary,
    Logical: _logical,
    Binary: _binary,
}
