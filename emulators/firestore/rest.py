"""The REST form of the service: Google's v1 paths and JSON around the same methods.

Beside it, what Google's emulator has for tests, `DELETE /emulator/v1/{database}/documents`, which
empties a database, and of the Admin API a database's `concurrencyMode`.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import grpc
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulators.firestore.concurrency import ConcurrencyMode, ConcurrencyModes
from emulators.firestore.errors import InvalidArgumentError, NotFoundError, ServiceError
from emulators.firestore.injection import InjectedStatus
from emulators.firestore.messages import Message
from emulators.firestore.names import parse_database

_log = logging.getLogger(__name__)

_DATABASE: Final = r"projects/[^/]+/databases/[^/:]+"
_OF_DATABASE: Final = re.compile(f"({_DATABASE})")
_ROOT_VERB: Final = re.compile(rf"({_DATABASE})/documents:(\w+)")
_VERB: Final = re.compile(rf"({_DATABASE}/documents(?:/.+)?):(\w+)", re.DOTALL)
_RESOURCE: Final = re.compile(rf"({_DATABASE}/documents)/(.+)", re.DOTALL)
_EMPTIED: Final = re.compile(rf"emulator/v1/({_DATABASE})/documents")

_OF_THE_ROOT: Final = {
    "batchGet": "BatchGetDocuments",
    "batchWrite": "BatchWrite",
    "beginTransaction": "BeginTransaction",
    "commit": "Commit",
    "rollback": "Rollback",
}
_OF_A_PARENT: Final = {
    "listCollectionIds": "ListCollectionIds",
    "partitionQuery": "PartitionQuery",
    "runAggregationQuery": "RunAggregationQuery",
    "runQuery": "RunQuery",
}
_FLAGS: Final = {"true": True, "false": False}
_HTTP_CODES: Final = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


@dataclass(frozen=True, slots=True)
class Rpc:
    """A method of the service: exactly one of `unary` and `streaming` is given."""

    request_type: Any
    unary: Callable[[Message], Awaitable[Message]] | None = None
    streaming: Callable[[Message], AsyncIterator[Message]] | None = None


class RestApi:
    """An ASGI application for the methods of the service by their names."""

    def __init__(
        self,
        rpcs: Mapping[str, Rpc],
        modes: ConcurrencyModes,
        empty: Callable[[str], Awaitable[None]],
        request_limit: int,
    ) -> None:
        self._rpcs = rpcs
        self._modes = modes
        self._empty = empty
        self._request_limit = request_limit
        methods = ["DELETE", "GET", "PATCH", "POST"]
        self.application = Starlette(routes=[Route("/{path:path}", self._respond, methods=methods)])

    async def _respond(self, request: Request) -> Response:
        try:
            return JSONResponse(await self._answer(request))
        except (ServiceError, InjectedStatus) as error:
            return _refusal(error.code, error.message)
        except Exception as error:  # noqa: BLE001 - whatever fails, the client gets a status
            _log.error("The request failed in the emulator itself.", exc_info=error)
            return _refusal(grpc.StatusCode.INTERNAL, f"Internal error: {type(error).__name__}.")

    async def _answer(self, request: Request) -> Any:
        path = request.path_params["path"]
        if request.method == "GET" and not path:
            return {"service": "firestore"}
        emptied = _EMPTIED.fullmatch(path)
        if emptied is not None and request.method == "DELETE":
            await self._empty(parse_database(emptied[1]))
            return {}
        if path.startswith("v1/"):
            name = path.removeprefix("v1/")
            body = await self._body(request)
            if _OF_DATABASE.fullmatch(name) and request.method in {"GET", "PATCH"}:
                return self._database(name, body if request.method == "PATCH" else {})
            called = _called(request.method, name, _query(request), body)
            if called is not None:
                return await self._call(*called)
        raise NotFoundError(f"No method answers {request.method} /{path}.")

    async def _body(self, request: Request) -> dict[str, Any]:
        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            if len(content) > self._request_limit:
                raise InvalidArgumentError(
                    f"Request payload size exceeds the limit: {self._request_limit} bytes."
                )
        try:
            body = json.loads(content) if content else {}
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise InvalidArgumentError("Payload isn't valid for request: it is no JSON object.")
        return body

    def _database(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        mode = body.get("concurrencyMode")
        if mode is not None:
            if mode not in list(ConcurrencyMode):
                raise InvalidArgumentError(
                    f"concurrencyMode is {mode!r}; this emulator knows "
                    f"{' and '.join(ConcurrencyMode)}."
                )
            self._modes.choose(name, ConcurrencyMode(mode))
        return {"name": name, "concurrencyMode": self._modes.of(name)}

    async def _call(self, method: str, fields: dict[str, Any]) -> Any:
        rpc = self._rpcs[method]
        try:
            message = json_format.ParseDict(fields, rpc.request_type())
        except (json_format.ParseError, ValueError, TypeError, RecursionError) as error:
            raise InvalidArgumentError(f"Payload isn't valid for request: {error}") from None
        if rpc.unary is not None:
            return json_format.MessageToDict(await rpc.unary(message))
        assert rpc.streaming is not None  # noqa: S101 - one of the two is given
        return [json_format.MessageToDict(one) async for one in rpc.streaming(message)]


_Call: TypeAlias = tuple[str, dict[str, Any]]  # a method of the service and its request's fields


def _called(
    http_method: str, name: str, query: dict[str, Any], body: dict[str, Any]
) -> _Call | None:
    """Return what a request calls; None when there is no such method."""
    verb = _called_by_verb(name, body) if http_method == "POST" else None
    match = _RESOURCE.fullmatch(name)
    if verb is not None or match is None:
        return verb
    if match[2].count("/") % 2 == 0:
        parent, _, collection_id = name.rpartition("/")
        within = {**query, "parent": parent, "collectionId": collection_id}
        of_collections: dict[str, _Call] = {
            "GET": ("ListDocuments", within),
            "POST": ("CreateDocument", {**within, "document": body}),
        }
        return of_collections.get(http_method)
    of_documents: dict[str, _Call] = {
        "GET": ("GetDocument", {**query, "name": name}),
        "PATCH": ("UpdateDocument", {**query, "document": {**body, "name": name}}),
        "DELETE": ("DeleteDocument", {**query, "name": name}),
    }
    return of_documents.get(http_method)


def _called_by_verb(name: str, body: dict[str, Any]) -> _Call | None:
    if (match := _ROOT_VERB.fullmatch(name)) and match[2] in _OF_THE_ROOT:
        return _OF_THE_ROOT[match[2]], {**body, "database": match[1]}
    if (match := _VERB.fullmatch(name)) and match[2] in _OF_A_PARENT:
        return _OF_A_PARENT[match[2]], {**body, "parent": match[1]}
    return None


def _query(request: Request) -> dict[str, Any]:
    """Return the query's parameters as JSON: `mask.fieldPaths=a` is `{"mask": {"fieldPaths": ["a"]}}`."""
    fields: dict[str, Any] = {}
    for key, text in request.query_params.multi_items():
        if key in {"alt", "$alt", "key", "prettyPrint", "$prettyPrint"}:
            continue
        *outer, last = key.split(".")
        place = fields
        for part in outer:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise InvalidArgumentError(f'Invalid query parameter "{key}".')
        if last == "fieldPaths":
            place.setdefault(last, []).append(text)
        else:
            place[last] = _FLAGS.get(text, text)
    return fields


def _refusal(code: grpc.StatusCode, message: str) -> Response:
    status = _HTTP_CODES.get(code.name, 500)
    error = {"code": status, "message": message, "status": code.name}
    return JSONResponse({"error": error}, status)
