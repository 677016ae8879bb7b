"""Connectors of Pub/Sub, Firestore and the workflow executions' plain methods: a table of RPCs.

Source: Google's connector reference and the HTTP rules of the APIs. An argument goes into the
field of the request that the rule names; `body` is the request itself or one field of it. What
the reference passes as a query parameter may stand among the arguments or inside `query`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emulators.workflows import limits
from emulators.workflows.effects import CallApi
from emulators.workflows.errors import type_error
from emulators.workflows.stdlib.registry import (
    REQUIRED,
    Kind,
    Parameter,
    Surroundings,
    declare,
    need_map,
    need_number,
    need_string,
)
from emulators.workflows.values import Value

_WHOLE = "*"
_PUBSUB = "googleapis.pubsub.v1.projects"
_FIRESTORE = "googleapis.firestore.v1.projects.databases.documents"
_EXECUTIONS = "googleapis.workflowexecutions.v1.projects.locations.workflows.executions"
_EMPTY = "google.protobuf.Empty"
_PAGE = ("pageSize", "pageToken")
_READ = ("transaction", "readTime")
_CONDITION = ("currentDocument.exists", "currentDocument.updateTime")


@dataclass(frozen=True, slots=True)
class _Rule:
    """A method's HTTP rule: required arguments and their fields, query parameters, the body's field."""

    method: str
    request: str
    response: str
    path: dict[str, str]
    query: tuple[str, ...] = ()
    body: str | None = None
    streams: bool = False


def _rule(
    service: str,
    method: str,
    path: str | dict[str, str],
    response: str | None = None,
    request: str | None = None,
    **rest: Any,
) -> _Rule:
    return _Rule(
        f"{service}/{method}",
        request or f"{method}Request",
        response or f"{method}Response",
        {path: path} if isinstance(path, str) else path,
        **rest,
    )


def _publisher(method: str, path: str | dict[str, str], *types: str, **rest: Any) -> _Rule:
    return _rule("google.pubsub.v1.Publisher", method, path, *types, **rest)


def _subscriber(method: str, path: str | dict[str, str], *types: str, **rest: Any) -> _Rule:
    return _rule("google.pubsub.v1.Subscriber", method, path, *types, **rest)


def _firestore(method: str, path: str | dict[str, str], *types: str, **rest: Any) -> _Rule:
    return _rule("google.firestore.v1.Firestore", method, path, *types, **rest)


def _executions(method: str, path: str, *types: str, **rest: Any) -> _Rule:
    service = "google.cloud.workflows.executions.v1.Executions"
    return _rule(service, method, path, *types, **rest)


_RULES: dict[str, _Rule] = {
    f"{_PUBSUB}.topics.create": _publisher("CreateTopic", "name", "Topic", "Topic", body=_WHOLE),
    f"{_PUBSUB}.topics.delete": _publisher("DeleteTopic", "topic", _EMPTY),
    f"{_PUBSUB}.topics.get": _publisher("GetTopic", "topic", "Topic"),
    f"{_PUBSUB}.topics.list": _publisher("ListTopics", "project", query=_PAGE),
    f"{_PUBSUB}.topics.patch": _publisher(
        "UpdateTopic", {"name": "topic.name"}, "Topic", body=_WHOLE
    ),
    f"{_PUBSUB}.topics.publish": _publisher("Publish", "topic", body=_WHOLE),
    f"{_PUBSUB}.subscriptions.acknowledge": _subscriber(
        "Acknowledge", "subscription", _EMPTY, body=_WHOLE
    ),
    f"{_PUBSUB}.subscriptions.create": _subscriber(
        "CreateSubscription", "name", "Subscription", "Subscription", body=_WHOLE
    ),
    f"{_PUBSUB}.subscriptions.delete": _subscriber("DeleteSubscription", "subscription", _EMPTY),
    f"{_PUBSUB}.subscriptions.get": _subscriber("GetSubscription", "subscription", "Subscription"),
    f"{_PUBSUB}.subscriptions.list": _subscriber("ListSubscriptions", "project", query=_PAGE),
    f"{_PUBSUB}.subscriptions.modifyAckDeadline": _subscriber(
        "ModifyAckDeadline", "subscription", _EMPTY, body=_WHOLE
    ),
    f"{_PUBSUB}.subscriptions.pull": _subscriber("Pull", "subscription", body=_WHOLE),
    f"{_FIRESTORE}.batchGet": _firestore(
        "BatchGetDocuments", "database", body=_WHOLE, streams=True
    ),
    f"{_FIRESTORE}.batchWrite": _firestore("BatchWrite", "database", body=_WHOLE),
    f"{_FIRESTORE}.beginTransaction": _firestore("BeginTransaction", "database", body=_WHOLE),
    f"{_FIRESTORE}.commit": _firestore("Commit", "database", body=_WHOLE),
    f"{_FIRESTORE}.createDocument": _firestore(
        "CreateDocument",
        {"parent": "parent", "collectionId": "collectionId"},
        "Document",
        query=("documentId", "mask.fieldPaths"),
        body="document",
    ),
    f"{_FIRESTORE}.delete": _firestore("DeleteDocument", "name", _EMPTY, query=_CONDITION),
    f"{_FIRESTORE}.get": _firestore(
        "GetDocument", "name", "Document", query=("mask.fieldPaths", *_READ)
    ),
    f"{_FIRESTORE}.list": _firestore(
        "ListDocuments",
        {"parent": "parent", "collectionId": "collectionId"},
        query=("mask.fieldPaths", "orderBy", "showMissing", *_PAGE, *_READ),
    ),
    f"{_FIRESTORE}.listCollectionIds": _firestore("ListCollectionIds", "parent", body=_WHOLE),
    f"{_FIRESTORE}.patch": _firestore(
        "UpdateDocument",
        {"name": "document.name"},
        "Document",
        query=("mask.fieldPaths", "updateMask.fieldPaths", *_CONDITION),
        body="document",
    ),
    f"{_FIRESTORE}.rollback": _firestore("Rollback", "database", _EMPTY, body=_WHOLE),
    f"{_FIRESTORE}.runAggregationQuery": _firestore(
        "RunAggregationQuery", "parent", body=_WHOLE, streams=True
    ),
    f"{_FIRESTORE}.runQuery": _firestore("RunQuery", "parent", body=_WHOLE, streams=True),
    f"{_EXECUTIONS}.cancel": _executions("CancelExecution", "name", "Execution", body=_WHOLE),
    f"{_EXECUTIONS}.get": _executions("GetExecution", "name", "Execution", query=("view",)),
    f"{_EXECUTIONS}.list": _executions(
        "ListExecutions", "parent", query=("filter", "orderBy", "view", *_PAGE)
    ),
}


def _declare(name: str, rule: _Rule) -> None:
    optional = [*rule.query, "query", *(["body"] if rule.body else []), "connector_params"]
    parameters = (
        *(Parameter(argument, REQUIRED) for argument in rule.path),
        *(Parameter(argument, None) for argument in optional),
    )

    async def call(surroundings: Surroundings, *values: Value) -> Value:
        given = dict(zip((parameter.name for parameter in parameters), values, strict=True))
        effect = CallApi(
            rule.method,
            rule.request,
            rule.response,
            rule.streams,
            _request(rule, given),
            _timeout(given["connector_params"]),
        )
        return await surroundings.perform(effect)

    declare(name, Kind.BLOCKING, call, parameters)


def _request(rule: _Rule, given: dict[str, Value]) -> Value:
    request: dict[str, Value] = {}
    body = need_map(given.get("body") or {}, "body")
    if rule.body == _WHOLE:
        request |= body
    elif rule.body is not None:
        request[rule.body] = dict(body)
    for argument, field in rule.path.items():
        _put(request, field, need_string(given[argument], argument))
    query = need_map(given["query"] or {}, "query")
    for name in query:
        if name not in rule.query:
            raise type_error(f"query has no parameter '{name}'; it has {', '.join(rule.query)}")
    for name in rule.query:
        value = given[name] if given[name] is not None else query.get(name)
        if value is not None:
            # A repeated parameter that is given once is written without a list.
            lone = name.endswith(".fieldPaths") and isinstance(value, str)
            _put(request, name, [value] if lone else value)
    return request


def _put(request: dict[str, Value], path: str, value: Value) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        inner = request.get(parent)
        request[parent] = dict(inner) if isinstance(inner, dict) else {}
        request = request[parent]
    request[last] = value


def _timeout(params: Value) -> float:
    given = need_map(params or {}, "connector_params")
    return need_number(given.get("timeout", limits.CONNECTOR_TIMEOUT_DEFAULT), "timeout")


for _name, _of_name in _RULES.items():
    _declare(_name, _of_name)
