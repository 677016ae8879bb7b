"""What rules can aim at: the calls of each service, by what they are told apart, what befalls them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from emulators.faults.rules import Condition, Kind

Test: TypeAlias = Callable[[Any], bool]

_GRPC_STATUSES: Final = (
    "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
    "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
_HTTP_ERRORS: Final = range(400, 600)
_FIRESTORE_RPCS: Final = (
    "GetDocument", "ListDocuments", "ListCollectionIds", "CreateDocument", "UpdateDocument",
    "DeleteDocument", "BeginTransaction", "Commit", "Rollback", "BatchWrite", "BatchGetDocuments",
    "RunQuery", "RunAggregationQuery",
)  # fmt: skip
_METHODS: Final = ("DELETE", "GET", "PATCH", "POST")

_REQUEST_FAULTS: Final = frozenset(
    {
        Kind.LATENCY,
        Kind.ERROR,
        Kind.DROP,
        Kind.HANG,
        Kind.ACCEPT_THEN_BREAK,
        Kind.CRASH_BEFORE,
        Kind.CRASH_AFTER,
    }
)


class Wrong(Exception):
    """What is wrong with a field of a faults file, wherever that file is."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Target:
    """One sort of call.

    conditions: what a rule's `where` may hold, each a fact of the call and how a value of the file
    becomes a test of it. required: conditions of which one makes a rule aim at this sort, none for
    the service's only one. statuses: what an error may answer, None when its errors carry no status.
    """

    service: str
    required: tuple[str, ...]
    conditions: Mapping[str, tuple[str, Callable[[str, Any], Test]]]
    kinds: frozenset[Kind]
    statuses: Collection[str | int] | None = None


def _equal_to(field: str, value: Any) -> Test:
    wanted = _text(field, value)
    return lambda found: bool(found == wanted)


def _one_of(*allowed: str) -> Callable[[str, Any], Test]:
    def test_of(field: str, value: Any) -> Test:
        if value not in allowed:
            raise Wrong(field, f"has to be one of {', '.join(allowed)}, not {value!r}")
        return _equal_to(field, value)

    return test_of


def _beginning_with(field: str, value: Any) -> Test:
    prefix = _text(field, value)
    return lambda found: bool(found.startswith(prefix))


def _containing(field: str, value: Any) -> Test:
    part = _text(field, value)
    return lambda found: part in found


def _found_by(field: str, value: Any) -> Test:
    try:
        pattern = re.compile(_text(field, value))
    except re.error as error:
        raise Wrong(field, f"{value!r} is no regular expression: {error}") from None
    return lambda found: pattern.search(found) is not None


def _having(field: str, value: Any) -> Test:
    if not isinstance(value, dict) or not value:
        raise Wrong(field, f"has to be an object with the fields to look for, not {value!r}")
    return lambda found: _has(found, value)


def _has(found: Any, wanted: Any) -> bool:
    """Return whether a JSON value has all that is wanted; objects may hold more."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(name in found and _has(found[name], wanted[name]) for name in wanted)
    return bool(found == wanted)


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise Wrong(field, f"has to be a text, not {value!r}")
    return value


TARGETS: Final = (
    Target(
        "firestore",
        (),
        {
            "rpc": ("rpc", _one_of(*_FIRESTORE_RPCS)),
            "database": ("database", _equal_to),
            "path": ("path", _beginning_with),
            "path_regex": ("path", _found_by),
        },
        _REQUEST_FAULTS,
        _GRPC_STATUSES,
    ),
    Target(
        "pubsub",
        ("publish",),
        {"publish": ("publish", _equal_to), "body": ("body", _having)},
        _REQUEST_FAULTS | {Kind.DUPLICATE},
        _GRPC_STATUSES,
    ),
    Target(
        "pubsub",
        ("delivery",),
        {"delivery": ("delivery", _equal_to), "body": ("body", _having)},
        (_REQUEST_FAULTS | {Kind.DUPLICATE, Kind.REORDER}) - {Kind.HANG, Kind.ACCEPT_THEN_BREAK},
    ),
    Target(
        "workflows",
        ("http", "body"),
        {
            "http": ("http", _containing),
            "body": ("body", _having),
            "workflow": ("workflow", _equal_to),
        },
        _REQUEST_FAULTS | {Kind.DUPLICATE},
        _HTTP_ERRORS,
    ),
    Target(
        "workflows",
        ("workflow",),
        {"workflow": ("workflow", _equal_to)},
        frozenset({Kind.LATENCY, Kind.FAIL, Kind.FREEZE, Kind.CRASH_BEFORE, Kind.CRASH_AFTER}),
    ),
    Target(
        "exchange",
        (),
        {"method": ("method", _one_of(*_METHODS)), "path": ("path", _beginning_with)},
        _REQUEST_FAULTS | {Kind.EXPIRE, Kind.DRIFT},
        _HTTP_ERRORS,
    ),
)


def target_of(service: Any, where: Mapping[str, Any]) -> Target:
    """Return what a rule for the service with these conditions aims at; raises Wrong if nothing."""
    candidates = [target for target in TARGETS if target.service == service]
    if not candidates:
        known = ", ".join(dict.fromkeys(target.service for target in TARGETS))
        raise Wrong("service", f"has to be one of {known}, not {service!r}")
    for target in candidates:
        if not target.required or any(name in where for name in target.required):
            return target
    needed = " or ".join(name for target in candidates for name in target.required)
    raise Wrong("where", f"a rule for {service} needs {needed}; it has {_names(where)}")


def condition_of(target: Target, name: str, value: Any) -> Condition:
    """Return a condition of a rule's `where`; raises Wrong when the target has no such one."""
    field = f"where.{name}"
    if name not in target.conditions:
        known = ", ".join(target.conditions)
        raise Wrong(field, f"is no condition here; there are {known}")
    fact, test_of = target.conditions[name]
    return Condition(fact, test_of(field, value))


def _names(where: Mapping[str, Any]) -> str:
    return ", ".join(where) or "none"
