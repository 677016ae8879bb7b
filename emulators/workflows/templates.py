"""Values of a source that may hold expressions, and the left sides of assignments."""

from __future__ import annotations

from emulators.workflows import limits
from emulators.workflows.errors import DeploymentError
from emulators.workflows.expressions import (
    Expression,
    ExpressionSyntaxError,
    Item,
    ListOf,
    Literal,
    MapOf,
    Name,
    parse_expression,
)
from emulators.workflows.source import Node
from emulators.workflows.steps import Assignment


def template(node: Node, step: str) -> Expression:
    """Return the expression of a value: `${...}` parsed wherever a string is one, else literals."""
    value = node.value
    if isinstance(value, str):
        return _of_text(value, node.line, step)
    if isinstance(value, tuple):
        items = tuple(template(item, step) for item in value)
        literals = [item.value for item in items if isinstance(item, Literal)]
        return Literal(literals) if len(literals) == len(items) else ListOf(items)
    if isinstance(value, dict):
        entries = {key: template(item, step) for key, item in value.items()}
        plain = {key: item.value for key, item in entries.items() if isinstance(item, Literal)}
        if len(plain) == len(entries):
            return Literal(plain)
        return MapOf(tuple((Literal(key), item) for key, item in entries.items()))
    return Literal(value)


def assignment(node: Node, step: str) -> Assignment:
    """Return one entry of an `assign` step: `variable`, `variable.key`, `variable[index]: value`."""
    if not isinstance(node.value, dict) or len(node.value) != 1:
        problem = "an assignment is a map with one key, the variable"
        raise DeploymentError(problem, line=node.line, step=step)
    ((target, value),) = node.value.items()
    place = _parsed(target, value.line, step)
    path: list[Expression] = []
    while isinstance(place, Item):
        path.append(place.key)
        place = place.target
    if not isinstance(place, Name):
        problem = f"'{target}' is no variable that could be assigned"
        raise DeploymentError(problem, line=value.line, step=step)
    return Assignment(place.name, tuple(reversed(path)), template(value, step), value.line)


def _of_text(text: str, line: int, step: str) -> Expression:
    stripped = text.strip()
    if not (stripped.startswith("${") and stripped.endswith("}")):
        return Literal(text)
    return _parsed(stripped[2:-1], line, step)


def _parsed(text: str, line: int, step: str) -> Expression:
    if len(text) > limits.EXPRESSION_CHARACTERS:
        problem = (
            f"expression has {len(text)} characters, the limit is {limits.EXPRESSION_CHARACTERS}"
        )
        raise DeploymentError(problem, line=line, step=step)
    try:
        return parse_expression(text)
    except ExpressionSyntaxError as error:
        raise DeploymentError(f"parse error: {error}", line=line, step=step) from error
