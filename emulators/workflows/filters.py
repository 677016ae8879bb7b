"""Filters and orders of lists: `state = "FAILED" AND startTime > "2026-10-24T00:00:00Z"`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

from emulators.workflows.api_errors import ApiError, invalid
from emulators.workflows.messages import State, WorkflowState, timestamp
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
# A field's value in a message, and what a filter's text is compared with it as.
Field: TypeAlias = tuple[Callable[[Any], Any], Callable[[str], Any]]
Fields: TypeAlias = dict[str, Field]
Predicate: TypeAlias = Callable[[Any], bool]


def instant(text: str) -> int:
    """Return the Unix nanoseconds of a timestamp, or raise a ValueError."""
    nanoseconds: int = timestamp(datetime.fromisoformat(text)).ToNanoseconds()
    return nanoseconds


EXECUTION_FIELDS: Fields = {
    "executionid": (lambda execution: last_part(execution.name), str),
    "state": (lambda execution: State(execution.state).name, str),
    "starttime": (lambda execution: execution.start_time.ToNanoseconds(), instant),
    "endtime": (lambda execution: execution.end_time.ToNanoseconds(), instant),
    "duration": (
        lambda execution: execution.duration.ToNanoseconds() / 1e9,
        lambda text: float(text.removesuffix("s")),
    ),
    "workflowrevisionid": (lambda execution: execution.workflow_revision_id, str),
}
WORKFLOW_FIELDS: Fields = {
    "name": (lambda workflow: workflow.name, str),
    "createtime": (lambda workflow: workflow.create_time.ToNanoseconds(), instant),
    "updatetime": (lambda workflow: workflow.update_time.ToNanoseconds(), instant),
    "revisioncreatetime": (lambda flow: flow.revision_create_time.ToNanoseconds(), instant),
    "revisionid": (lambda workflow: workflow.revision_id, str),
    "state": (lambda workflow: WorkflowState(workflow.state).name, str),
    "serviceaccount": (lambda workflow: workflow.service_account, str),
}


def parse_filter(text: str, fields: Fields) -> Predicate:
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
        terms.append(_term(match, fields))
        position = match.end()
    return lambda message: all(term(message) for term in terms)


def sort_key(order_by: str, fields: Fields) -> tuple[Callable[[Any], Any], bool] | None:
    """Return the key of an order and whether it descends; None for the default order."""
    if not order_by.strip():
        return None
    name, _, direction = order_by.strip().partition(" ")
    field = fields.get(_plain(name))
    if field is None or direction.strip().lower() not in ("", "asc", "desc"):
        raise invalid(f"order_by {order_by!r} is invalid; it takes a field and asc or desc")
    return field[0], direction.strip().lower() == "desc"


def _term(match: re.Match[str], fields: Fields) -> Predicate:
    name = match["field"]
    wanted = match["bare"] if match["quoted"] is None else match["quoted"]
    compare = _OPERATORS[match["operator"]]
    prefix, _, label = name.partition(".")
    if prefix.lower() in ("label", "labels") and label:
        return lambda message: compare(message.labels.get(label, ""), wanted)
    field = fields.get(_plain(name))
    if field is None:
        raise invalid(f"filter field {name!r} is unknown")
    read, convert = field
    try:
        value = convert(wanted)
    except ValueError as error:
        raise invalid(f"filter value {wanted!r} of {name} is invalid") from error
    return lambda message: compare(read(message), value)


def _plain(field: str) -> str:
    return field.replace("_", "").lower()


def _malformed(text: str, position: int) -> ApiError:
    return invalid(f"filter {text!r} is malformed at position {position}")
