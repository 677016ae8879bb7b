"""Reading the nodes of a source: maps with known keys, lists, names; errors say where and what."""

from __future__ import annotations

import re
from typing import TypeAlias

from emulators.workflows.errors import DeploymentError
from emulators.workflows.source import Node

Fields: TypeAlias = dict[str, Node]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOTHING: frozenset[str] = frozenset()


def fields_of(
    node: Node,
    owner: str,
    *,
    required: set[str] | frozenset[str] = _NOTHING,
    optional: set[str] | frozenset[str] = _NOTHING,
) -> Fields:
    """Return the map's entries: every required key is there, and none that is not known."""
    if not isinstance(node.value, dict):
        problem = f"a map is needed here, not {node.plain()!r}"
        raise DeploymentError(problem, line=node.line, step=owner)
    for key, value in node.value.items():
        if key not in required and key not in optional:
            known = ", ".join(sorted(required | optional))
            problem = f"unknown key '{key}'; known are {known}"
            raise DeploymentError(problem, line=value.line, step=owner)
    for key in sorted(required):
        if key not in node.value:
            raise DeploymentError(f"'{key}' is missing", line=node.line, step=owner)
    return node.value


def child_of(body: Node, key: str) -> Node:
    """Return the value under a key that the caller has found in the map."""
    fields = body.value
    assert isinstance(fields, dict)  # noqa: S101 - the caller found the key in it
    return fields[key]


def items_of(node: Node, owner: str, what: str) -> tuple[Node, ...]:
    """Return the list's items; `what` names the list in the error."""
    if not isinstance(node.value, tuple):
        problem = f"{what} takes a list, not {node.plain()!r}"
        raise DeploymentError(problem, line=node.line, step=owner)
    return node.value


def next_of(fields: Fields, owner: str) -> str | None:
    """Return the step that `next` names, None without one."""
    target = fields.get("next")
    if target is None:
        return None
    if not isinstance(target.value, str):
        problem = f"next takes the name of a step, not {target.plain()!r}"
        raise DeploymentError(problem, line=target.line, step=owner)
    return target.value


def variable_of(name: object, node: Node, owner: str) -> str:
    """Return the name of a variable, checked."""
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
        problem = f"{name if isinstance(name, str) else node.plain()!r} is no name of a variable"
        raise DeploymentError(problem, line=node.line, step=owner)
    return name


def at_most(limit: int, items: tuple[Node, ...], what: str, node: Node, owner: str) -> None:
    """Refuse a list that is longer than the limit of its kind."""
    if len(items) > limit:
        problem = f"{len(items)} {what}, the limit is {limit}"
        raise DeploymentError(problem, line=node.line, step=owner)
