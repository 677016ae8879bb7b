"""CloudScheduler v1 over REST: addresses and bodies; what is allowed, `SchedulerService` decides."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from emulators.exchange.body_limit import BodyLimit
from emulators.scheduler.protojson import timestamp
from emulators.scheduler.service import SchedulerService
from emulators.scheduler.store import Job
from emulators.workflows.api_errors import ApiError, Status, invalid

_ABSENT = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
_JOBS = "/v1/projects/{project}/locations/{location}/jobs"


class Lifespan(Protocol):
    """What runs beside the application: begun before the first request, ended after the last."""

    def __call__(self, app: Starlette, /) -> AbstractAsyncContextManager[None]: ...


class _Api:
    """The methods by their addresses.

    All are coroutines: the store belongs to the event loop's thread.
    """

    def __init__(self, service: SchedulerService) -> None:
        self._service = service
        self.routes = [
            Route(_JOBS, self._create, methods=["POST"]),
            Route(_JOBS, self._list, methods=["GET"]),
            *(
                Route(f"{_JOBS}/{{job}}:{verb}", self._verb(method), methods=["POST"])
                for verb, method in {
                    "pause": service.pause,
                    "resume": service.resume,
                    "run": service.run,
                }.items()
            ),
            Route(_JOBS + "/{job}", self._get, methods=["GET"]),
            Route(_JOBS + "/{job}", self._update, methods=["PATCH"]),
            Route(_JOBS + "/{job}", self._delete, methods=["DELETE"]),
            Route("/", _alive),
        ]

    async def _create(self, request: Request) -> JSONResponse:
        return _answer(self._service.create(_parent(request), await _body(request)))

    async def _list(self, request: Request) -> JSONResponse:
        token = request.query_params.get("pageToken", "")
        page = self._service.list(_parent(request), _page_size(request), token)
        document: dict[str, Any] = {}
        if page.jobs:
            document["jobs"] = [job_document(job) for job in page.jobs]
        if page.next_token:
            document["nextPageToken"] = page.next_token
        return JSONResponse(document)

    async def _get(self, request: Request) -> JSONResponse:
        return _answer(self._service.get(_name(request)))

    async def _update(self, request: Request) -> JSONResponse:
        mask = request.query_params.get("updateMask", "")
        return _answer(self._service.update(_name(request), await _body(request), mask))

    async def _delete(self, request: Request) -> JSONResponse:
        self._service.delete(_name(request))
        return JSONResponse({})

    def _verb(self, method: Callable[[str], Job]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> JSONResponse:
            return _answer(method(_name(request)))

        return answer


async def _alive(_: Request) -> JSONResponse:
    return JSONResponse({"service": "scheduler"})


def _parent(request: Request) -> str:
    return "projects/{project}/locations/{location}".format(**request.path_params)


def _name(request: Request) -> str:
    return f"{_parent(request)}/jobs/{request.path_params['job']}"


def _page_size(request: Request) -> int:
    text = request.query_params.get("pageSize", "0")
    try:
        return int(text)
    except ValueError:
        raise invalid(f"Invalid request. pageSize: {text!r} is no integer.") from None


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise invalid(f"Invalid request. body: {error}") from error
    if not isinstance(body, dict):
        raise invalid(f"Invalid request. body: want an object, not {type(body).__name__}.")
    return body


def create_app(service: SchedulerService, lifespan: Lifespan) -> Starlette:
    """Return the HTTP application of one scheduler."""
    return Starlette(
        routes=_Api(service).routes,
        middleware=[Middleware(BodyLimit)],
        exception_handlers={
            ApiError: _refused,
            HTTPException: _unanswerable,
            Exception: _fault,
        },
        lifespan=lifespan,
    )


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for it alone
    return _error(error.status.http_code, error.status, error.message)


async def _unanswerable(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
    if error.status_code in _ABSENT:
        message = f"No method answers {request.method} {request.url.path}."
        return _error(HTTPStatus.NOT_FOUND, Status.NOT_FOUND, message)
    return _error(error.status_code, Status.INVALID_ARGUMENT, error.detail)


async def _fault(_: Request, __: Exception) -> JSONResponse:
    message = "Internal error encountered; the scheduler's log says why."
    return _error(HTTPStatus.INTERNAL_SERVER_ERROR, Status.INTERNAL, message)


def job_document(job: Job) -> dict[str, Any]:
    """Return the Job resource in protobuf's JSON form."""
    document = {
        **job.definition.document(),
        "state": job.state,
        "userUpdateTime": timestamp(job.updated),
    }
    if job.next_fire is not None:
        document["scheduleTime"] = timestamp(job.next_fire)
    if job.last_attempt is not None:
        document["lastAttemptTime"] = timestamp(job.last_attempt)
    if job.outcome is not None:
        failure = {"code": job.outcome.code, "message": job.outcome.message}
        document["status"] = {} if job.outcome.succeeded else failure
    return document


def _answer(job: Job) -> JSONResponse:
    return JSONResponse(job_document(job))


def _error(code: int, status: Status, message: str) -> JSONResponse:
    error = {"code": int(code), "message": message, "status": status.name}
    return JSONResponse({"error": error}, int(code))
