"""Workflow executions: starting and following them, and calling back those that wait."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import google.auth
import google.auth.transport.requests
import grpc
import httpx
from google.api_core import exceptions
from google.cloud.workflows import executions_v1
from google.cloud.workflows.executions_v1.services.executions.transports import (
    ExecutionsGrpcTransport,
)

from hydrobid.adapters.telemetry import send_traced
from hydrobid.domain.errors import NotFound, ServiceUnavailable
from hydrobid.pipeline.ports import Document

CALL_SECONDS = 20.0
GOOGLE_CALLBACKS = "workflowexecutions.googleapis.com"
GONE = (httpx.codes.NOT_FOUND, httpx.codes.GONE)


@dataclass(frozen=True)
class Execution:
    """An execution as it stands. error: what it raised, parsed where it is JSON."""

    name: str
    state: str
    result: Any = None
    error: Any = None


class WorkflowExecutions:
    """The executions API; `host` names a server other than Google's, spoken to without TLS."""

    def __init__(self, host: str | None = None) -> None:
        if host is None:
            self._client = executions_v1.ExecutionsClient()
        else:
            transport = ExecutionsGrpcTransport(channel=grpc.insecure_channel(host))
            self._client = executions_v1.ExecutionsClient(transport=transport)

    def start(self, workflow: str, argument: Document) -> str:
        """Start a workflow by its full name and return the execution's full name."""
        execution = executions_v1.Execution(argument=json.dumps(argument))
        try:
            started = self._client.create_execution(
                parent=workflow, execution=execution, timeout=CALL_SECONDS
            )
        except exceptions.NotFound as error:
            raise NotFound(f"no workflow {workflow}", workflow=workflow) from error
        except exceptions.GoogleAPICallError as error:
            raise ServiceUnavailable(f"Workflows: {error}") from error
        return str(started.name)

    def get(self, name: str) -> Execution:
        """Return an execution by its full name."""
        try:
            found = self._client.get_execution(name=name, timeout=CALL_SECONDS)
        except exceptions.NotFound as error:
            raise NotFound(f"no execution {name}", execution=name) from error
        except exceptions.GoogleAPICallError as error:
            raise ServiceUnavailable(f"Workflows: {error}") from error
        return Execution(
            name=str(found.name),
            state=found.state.name,
            result=_parsed(found.result),
            error=_parsed(found.error.payload),
        )


class HttpCallbacks:
    """The callbacks port: a POST to each address."""

    def call(self, url: str, content: Document) -> None:
        """Call back; an execution that is gone is ignored.

        Google's own callbacks, and no other address, get this function's access token.
        """
        google = httpx.URL(url).host == GOOGLE_CALLBACKS
        headers = {"Authorization": f"Bearer {_access_token()}"} if google else {}
        try:
            response = send_traced(
                httpx.request,
                "callback",
                "POST",
                url,
                headers=headers,
                json=content,
                timeout=CALL_SECONDS,
            )
        except httpx.HTTPError as error:
            raise ServiceUnavailable(f"callback: {error}", url=url) from error
        if response.is_error and response.status_code not in GONE:
            raise ServiceUnavailable(f"callback: {response.status_code}", url=url)


def _access_token() -> str:
    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    credentials.refresh(google.auth.transport.requests.Request())  # type: ignore[no-untyped-call]
    return str(credentials.token)


def _parsed(payload: str) -> Any:
    if not payload:
        return None
    try:
        return json.loads(payload)
    except ValueError:
        return payload
