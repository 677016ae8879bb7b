"""Workflow executions: starting and following them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import grpc
from google.api_core import exceptions
from google.cloud.workflows import executions_v1
from google.cloud.workflows.executions_v1.services.executions.transports import (
    ExecutionsGrpcTransport,
)

from hydrobid.domain.errors import NotFound, ServiceUnavailable
from hydrobid.pipeline.ports import Document

CALL_SECONDS = 20.0


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


def _parsed(payload: str) -> Any:
    if not payload:
        return None
    try:
        return json.loads(payload)
    except ValueError:
        return payload
