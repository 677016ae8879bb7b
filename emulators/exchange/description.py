"""The OpenAPI description, generated from the routes: what is answered, refusals included."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from emulators.exchange.problems import MEDIA_TYPE, ProblemType

TOKEN_PATH = "/connect/token"  # noqa: S105 - an address
UNPROCESSABLE = str(HTTPStatus.UNPROCESSABLE_ENTITY.value)


class FindingDocument(BaseModel):
    """One thing that is wrong with a request."""

    field: str
    message: str


class ProblemDocument(BaseModel):
    """How every request but one for a token is refused."""

    type: str
    title: str
    status: int
    detail: str
    message: str
    errors: list[FindingDocument]


class TokenRefusalDocument(BaseModel):
    """How a token is refused, as RFC 6749 has it."""

    error: str
    error_description: str


def description_of(app: FastAPI) -> dict[str, Any]:
    """Return the description of an application's routes."""
    described = get_openapi(title=app.title, version=app.version, routes=app.routes)
    schemas = described["components"]["schemas"]
    for model in (FindingDocument, ProblemDocument, TokenRefusalDocument):
        schemas[model.__name__] = model.model_json_schema(
            ref_template="#/components/schemas/{model}"
        )
        schemas[model.__name__].pop("$defs", None)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path, method, operation in _operations(described):
        # What FastAPI would answer to an unreadable request is answered as a problem here.
        operation["responses"].pop(UNPROCESSABLE, None)
        operation["responses"] |= _refusals(path, method)
    return described


def _operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def _refusals(path: str, method: str) -> dict[str, Any]:
    if path == TOKEN_PATH:
        statuses = [HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED]
        oauth = {"application/json": {"schema": _reference(TokenRefusalDocument)}}
        problem = {MEDIA_TYPE: {"schema": _reference(ProblemDocument)}}
        return {_code(s): {"description": s.phrase, "content": oauth | problem} for s in statuses}
    statuses = sorted({kind.status for kind in ProblemType})
    if method in ("post", "patch"):
        statuses.append(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    content = {MEDIA_TYPE: {"schema": _reference(ProblemDocument)}}
    return {_code(s): {"description": s.phrase, "content": content} for s in statuses}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _code(status: HTTPStatus) -> str:
    return str(status.value)
