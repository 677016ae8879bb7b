"""The REST side: Google's v1 paths of both services, and the callback endpoints of executions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulators.workflows import messages
from emulators.workflows.api_errors import ApiError, Status, invalid
from emulators.workflows.callbacks import Callbacks
from emulators.workflows.http_calls import canonical_headers, decoded_body
from emulators.workflows.messages import Message, as_map
from emulators.workflows.rpc import Methods, answered
from emulators.workflows.step_entries import StepEntries

_METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
_LOCATION = r"projects/[^/]+/locations/[^/]+"
_WORKFLOW = rf"{_LOCATION}/workflows/[^/:]+"
_EXECUTION = rf"{_WORKFLOW}/executions/[^/:]+"


def _create_workflow(name: str, query: dict[str, str], body: Any) -> Message:
    request = messages.CreateWorkflowRequest(parent=name, workflow_id=query.get("workflowId", ""))
    json_format.ParseDict(body, request.workflow)
    return request


def _update_workflow(name: str, query: dict[str, str], body: Any) -> Message:
    request = messages.UpdateWorkflowRequest()
    json_format.ParseDict(body, request.workflow)
    request.workflow.name = name
    request.update_mask.FromJsonString(query.get("updateMask", ""))
    return request


def _create_execution(name: str, _: dict[str, str], body: Any) -> Message:
    request = messages.CreateExecutionRequest(parent=name)
    json_format.ParseDict(body, request.execution)
    return request


def _by_query(request_class: Any, field: str) -> Callable[[str, dict[str, str], Any], Message]:
    """Return what builds a request from a resource name and the parameters of the query."""

    def build(name: str, query: dict[str, str], _: Any) -> Message:
        return json_format.ParseDict({**query, field: name}, request_class())

    return build


# HTTP method, path, RPC, and what makes its request of the path's name, the query and the body.
_ROUTES: tuple[tuple[str, re.Pattern[str], str, Callable[..., Message]], ...] = tuple(
    (method, re.compile(path), rpc, build)
    for method, path, rpc, build in (
        ("POST", f"({_LOCATION})/workflows", "CreateWorkflow", _create_workflow),
        ("GET", f"({_LOCATION})/workflows", "ListWorkflows",
         _by_query(messages.ListWorkflowsRequest, "parent")),
        ("GET", f"({_WORKFLOW})", "GetWorkflow", _by_query(messages.GetWorkflowRequest, "name")),
        ("GET", f"({_WORKFLOW}):listRevisions", "ListWorkflowRevisions",
         _by_query(messages.ListWorkflowRevisionsRequest, "name")),
        ("PATCH", f"({_WORKFLOW})", "UpdateWorkflow", _update_workflow),
        ("DELETE", f"({_WORKFLOW})", "DeleteWorkflow",
         _by_query(messages.DeleteWorkflowRequest, "name")),
        ("POST", f"({_WORKFLOW})/executions", "CreateExecution", _create_execution),
        ("GET", f"({_WORKFLOW})/executions", "ListExecutions",
         _by_query(messages.ListExecutionsRequest, "parent")),
        ("GET", f"({_EXECUTION})", "GetExecution",
         _by_query(messages.GetExecutionRequest, "name")),
        ("POST", f"({_EXECUTION}):cancel", "CancelExecution",
         _by_query(messages.CancelExecutionRequest, "name")),
    )
)  # fmt: skip
_CALLBACKS = re.compile(f"({_EXECUTION})/callbacks")
_STEP_ENTRIES = re.compile(f"({_EXECUTION})/stepEntries(?:/([^/:]+))?")
_CALLBACK = re.compile(f"{_EXECUTION}/callbacks/[^/:]+")


class RestApi:
    """An ASGI application for the methods of both services and for callbacks."""

    def __init__(self, methods: Methods, callbacks: Callbacks, step_entries: StepEntries) -> None:
        self._methods = methods
        self._callbacks = callbacks
        self._step_entries = step_entries
        route = Route("/v1/{path:path}", self._respond, methods=_METHODS)
        self.application = Starlette(routes=[route, Route("/", _alive)])

    async def _respond(self, request: Request) -> Response:
        try:
            return JSONResponse(await self._answer(request))
        except ApiError as error:
            return _error_response(error)

    async def _answer(self, request: Request) -> Any:
        path = request.path_params["path"]
        if _CALLBACK.fullmatch(path):
            self._callbacks.receive(path, request.method, await _received(request))
            return {}
        listed = _CALLBACKS.fullmatch(path)
        if listed is not None and request.method == "GET":
            return {"callbacks": self._callbacks.list_of(listed[1])}
        entries = _STEP_ENTRIES.fullmatch(path)
        if entries is not None and request.method == "GET":
            execution, number = entries.groups()
            if number is not None:
                return self._step_entries.get(execution, number)
            return self._step_entries.page(execution, request.query_params)
        for method, pattern, rpc, build in _ROUTES:
            match = pattern.fullmatch(path)
            if match is not None and method == request.method:
                message = await _built(request, build, match[1])
                return as_map(await answered(self._methods[rpc][0], message))
        raise ApiError(Status.NOT_FOUND, f"no method answers {request.method} /v1/{path}")


async def _built(request: Request, build: Callable[..., Message], name: str) -> Message:
    query = {
        key: value for key, value in request.query_params.items() if key not in ("alt", "$alt")
    }
    content = await request.body()
    try:
        body = json.loads(content) if content else {}
        return build(name, query, body)
    except (ValueError, TypeError, json_format.ParseError) as error:
        raise invalid(f"malformed request: {error}") from error


async def _received(request: Request) -> Any:
    """Return a request to a callback as the workflow that awaits it sees it."""
    headers = canonical_headers(request.headers)
    return {
        "body": decoded_body(await request.body(), request.headers.get("content-type", "")),
        "headers": headers,
        "method": request.method,
        "query": dict(request.query_params),
        "url": request.url.path,
    }


def _error_response(error: ApiError) -> Response:
    code = error.status.http_code
    status = {"code": code, "message": error.message, "status": error.status.name}
    return JSONResponse({"error": status}, status_code=code)


async def _alive(_: Request) -> Response:
    return JSONResponse({"service": "workflows"})
