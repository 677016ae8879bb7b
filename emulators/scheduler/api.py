"""CloudScheduler v1 over REST: addresses and bodies; what is allowed, `SchedulerService` decides."""

from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Body, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from emulators.exchange.body_limit import BodyLimit
from emulators.scheduler.protojson import timestamp
from emulators.scheduler.service import SchedulerService
from emulators.scheduler.store import Job
from emulators.workflows.api_errors import ApiError, Status

_ABSENT = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)


class Lifespan(Protocol):
    """What runs beside the application: begun before the first request, ended after the last."""

    def __call__(self, app: FastAPI, /) -> AbstractAsyncContextManager[None]: ...


# Everything here is a coroutine, dependencies too: the store belongs to the event loop's thread.
async def _service(request: Request) -> SchedulerService:
    service: SchedulerService = request.app.state.service
    return service


async def _parent(project: str, location: str) -> str:
    return f"projects/{project}/locations/{location}"


async def _name(project: str, location: str, job: str) -> str:
    return f"projects/{project}/locations/{location}/jobs/{job}"


TheService = Annotated[SchedulerService, Depends(_service)]
TheParent = Annotated[str, Depends(_parent)]
TheName = Annotated[str, Depends(_name)]
JobBody = Annotated[dict[str, Any], Body()]

router = APIRouter()
_jobs = "/v1/projects/{project}/locations/{location}/jobs"


@router.post(_jobs)
async def create_job(service: TheService, parent: TheParent, body: JobBody) -> JSONResponse:
    return _answer(service.create(parent, body))


@router.get(_jobs)
async def list_jobs(
    service: TheService,
    parent: TheParent,
    page_size: Annotated[int, Query(alias="pageSize")] = 0,
    page_token: Annotated[str, Query(alias="pageToken")] = "",
) -> JSONResponse:
    page = service.list(parent, page_size, page_token)
    document: dict[str, Any] = {}
    if page.jobs:
        document["jobs"] = [job_document(job) for job in page.jobs]
    if page.next_token:
        document["nextPageToken"] = page.next_token
    return JSONResponse(document)


@router.get(_jobs + "/{job}")
async def get_job(service: TheService, name: TheName) -> JSONResponse:
    return _answer(service.get(name))


@router.patch(_jobs + "/{job}")
async def update_job(
    service: TheService,
    name: TheName,
    body: JobBody,
    update_mask: Annotated[str, Query(alias="updateMask")] = "",
) -> JSONResponse:
    return _answer(service.update(name, body, update_mask))


@router.delete(_jobs + "/{job}")
async def delete_job(service: TheService, name: TheName) -> JSONResponse:
    service.delete(name)
    return JSONResponse({})


@router.post(_jobs + "/{job}:pause")
async def pause_job(service: TheService, name: TheName) -> JSONResponse:
    return _answer(service.pause(name))


@router.post(_jobs + "/{job}:resume")
async def resume_job(service: TheService, name: TheName) -> JSONResponse:
    return _answer(service.resume(name))


@router.post(_jobs + "/{job}:run")
async def run_job(service: TheService, name: TheName) -> JSONResponse:
    return _answer(service.run(name))


@router.get("/")
async def alive() -> JSONResponse:
    return JSONResponse({"service": "scheduler"})


def create_app(service: SchedulerService, lifespan: Lifespan) -> FastAPI:
    """Return the HTTP application of one scheduler."""
    app = FastAPI(
        title="Cloud Scheduler", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan
    )
    app.add_middleware(BodyLimit)
    app.state.service = service
    app.include_router(router)

    @app.exception_handler(ApiError)
    async def refused(_: Request, error: ApiError) -> JSONResponse:
        return _error(error.status.http_code, error.status, error.message)

    @app.exception_handler(RequestValidationError)
    async def unreadable(_: Request, error: RequestValidationError) -> JSONResponse:
        findings = "; ".join(
            f"{'.'.join(str(step) for step in item['loc'])}: {item['msg']}"
            for item in error.errors()
        )
        message = f"Invalid request. {findings}"
        return _error(HTTPStatus.BAD_REQUEST, Status.INVALID_ARGUMENT, message)

    @app.exception_handler(HTTPException)
    async def unanswerable(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code in _ABSENT:
            message = f"No method answers {request.method} {request.url.path}."
            return _error(HTTPStatus.NOT_FOUND, Status.NOT_FOUND, message)
        return _error(error.status_code, Status.INVALID_ARGUMENT, error.detail)

    @app.exception_handler(Exception)
    async def fault(_: Request, __: Exception) -> JSONResponse:
        message = "Internal error encountered; the scheduler's log says why."
        return _error(HTTPStatus.INTERNAL_SERVER_ERROR, Status.INTERNAL, message)

    return app


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
