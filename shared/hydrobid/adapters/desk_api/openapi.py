"""The desk's API as it describes itself, OpenAPI 3.1, made of its routes and forms."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic.json_schema import models_json_schema

from hydrobid.adapters.desk_api.routes import ROUTES, Route

REFERENCES = "#/components/schemas/{model}"

ERRORS = {
    "400": "a field is not as it should be, or the gate has closed; the body says which",
    "401": "who asks has not been shown",
    "403": "this person may not do this",
    "404": "there is no such run, price area or path",
    "409": "the bid is another by now, or was decided otherwise",
    "422": "the bid does not pass its checks; the body has the findings",
    "503": "try the same again",
}


def description() -> dict[str, Any]:
    """Return the OpenAPI document."""
    forms = sorted({route.form for route in ROUTES if route.form}, key=lambda form: form.__name__)
    _, schemas = models_json_schema(
        [(form, "validation") for form in forms], ref_template=REFERENCES
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hydrobid desk",
            "version": "1",
            "description": "What a client's bid desk sees and decides. Volumes are MW, "
            "generation-positive. Every decision may be repeated: it is made once.",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas.get("$defs", {}), "Error": _ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


_ERROR = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "retryable": {"type": "boolean"},
        "details": {"type": "object"},
    },
}


def _operation(route: Route) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    parameters += [
        {"name": name, "in": "query", "description": what, "schema": {"type": "string"}}
        for name, what in route.query.items()
    ]
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": inspect.getdoc(route.act),
        "parameters": parameters,
        "responses": {
            "200": {"description": "done", "content": _json({"type": "object"})},
            **{
                code: {
                    "description": what,
                    "content": _json({"$ref": REFERENCES.format(model="Error")}),
                }
                for code, what in ERRORS.items()
            },
        },
    }
    if route.form is not None:
        schema = {"$ref": REFERENCES.format(model=route.form.__name__)}
        operation["requestBody"] = {"required": True, "content": _json(schema)}
    return operation


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
