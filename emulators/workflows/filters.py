"""Filters and orders of ListExecutions: `state = "FAILED" AND startTime > "2026-10-24T00:00:00Z"`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

from emulators.workflows.api_errors import ApiError, invalid
from emulators.workflows.messages import Message, State, timestamp
from emulators.workflows.names import last_part

_TERM = re.compile(
    r"\s*(?P<field>[A-Za-z_.]+)\s*(?P<operator>!=|<=|>=|=|<|>|:)\s*"
    r'(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s"]+))\s*'
)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ":": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FIELDS: dict[str, Callable[[Message], Any]] = {
    "executionid": lambda execution: last_part(execution.name),
    "state": lambda execution: State(execution.state).name,
    "starttime": lambda execution: execution.start_time.ToNanoseconds(),
    "endtime": lambda execution: execution.end_time.ToNanoseconds(),
    "duration": lambda execution: execution.duration.ToNanoseconds() / 1e9,
    "workflowrevisionid": lambda execution: execution.workflow_revision_id,
}

Predicate: TypeAlias = Callable[[Message], bool]


def parse_filter(text: str) -> Predicate:
    """Return the predicate of a filter: terms joined with AND; INVALID_ARGUMENT for others."""
    terms: list[Predicate] = []
    position = 0
    while position < len(text) and not text[position:].isspace():
        if terms:
            joint = re.compile(r"\s*AND\s").match(text, position)
            if joint is None:
                raise _malformed(text, position)
            position = joint.end()
        match = _TERM.match(text, position)
        if match is None:
            raise _malformed(text, position)
        terms.append(_term(match))
        position = match.end()
    return lambda execution: all(term(execution) for term in terms)


def sort_key(order_by: str) -> tuple[Callable[[Message], Any], bool] | None:
    """Return the key of an order and whether it descends; None for the default order."""
    if not order_by.strip():
        return None
    field, _, direction = order_by.strip().partition(" ")
    read = _FIELDS.get(_plain(field))
    if read is None or direction.strip().lower() not in ("", "asc", "desc"):
        raise invalid(f"order_by {order_by!r} is invalid; it takes a field and asc or desc")
    return read, direction.strip().lower() == "desc"


def _term(match: re.Match[str]) -> Predicate:
    field = match["field"]
    wanted = match["bare"] if match["quoted"] is None else match["quoted"]
    compare = _OPERATORS[match["operator"]]
    prefix, _, label = field.partition(".")
    if prefix.lower() in ("label", "labels") and label:
        return lambda execution: compare(execution.labels.get(label, ""), wanted)
    read = _FIELDS.get(_plain(field))
    if read is None:
        raise invalid(f"filter field {field!r} is unknown")
    value = _value(_plain(field), wanted)
    return lambda execution: compare(read(execution), value)


def _value(field: str, text: str) -> Any:
    try:
        if field in ("starttime", "endtime"):
            return timestamp(datetime.fromisoformat(text)).ToNanoseconds()
        if field == "duration":
            return float(text.removesuffix("s"))
    except ValueError as error:
        raise invalid(f"filter value {text!r} of {field} is invalid") from error
    return text


def _plain(field: str) -> str:
    return field.replace("_", "").lower()


def _malformed(text: str, position: int) -> ApiError:
    return invalid(f"filter {text!r} is malformed at position {position}")
