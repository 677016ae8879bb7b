"""The gRPC side: methods by their full names, messages in and out, errors as statuses."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from emulators.workflows import messages
from emulators.workflows.api_errors import ApiError, Status, invalid
from emulators.workflows.executions_service import ExecutionsService
from emulators.workflows.messages import Message
from emulators.workflows.workflows_service import WorkflowsService

_log = logging.getLogger(__name__)

Method: TypeAlias = Callable[[Message], Awaitable[Message]]
Methods: TypeAlias = Mapping[str, tuple[Method, Message]]

WORKFLOWS = "google.cloud.workflows.v1.Workflows"
EXECUTIONS = "google.cloud.workflows.executions.v1.Executions"


def workflow_methods(service: WorkflowsService) -> Methods:
    """Return the methods of Workflows by name, each with the class of its request."""
    return {
        "CreateWorkflow": (service.CreateWorkflow, messages.CreateWorkflowRequest),
        "DeleteWorkflow": (service.DeleteWorkflow, messages.DeleteWorkflowRequest),
        "GetWorkflow": (service.GetWorkflow, messages.GetWorkflowRequest),
        "ListWorkflowRevisions": (
            service.ListWorkflowRevisions,
            messages.ListWorkflowRevisionsRequest,
        ),
        "ListWorkflows": (service.ListWorkflows, messages.ListWorkflowsRequest),
        "UpdateWorkflow": (service.UpdateWorkflow, messages.UpdateWorkflowRequest),
    }


def execution_methods(service: ExecutionsService) -> Methods:
    """Return the methods of Executions by name, each with the class of its request."""
    return {
        "CancelExecution": (service.CancelExecution, messages.CancelExecutionRequest),
        "CreateExecution": (service.CreateExecution, messages.CreateExecutionRequest),
        "GetExecution": (service.GetExecution, messages.GetExecutionRequest),
        "ListExecutions": (service.ListExecutions, messages.ListExecutionsRequest),
    }


async def answered(method: Method, request: Message) -> Message:
    """Return the method's response, or raise an ApiError whatever goes wrong."""
    try:
        return await method(request)
    except ApiError:
        raise
    except Exception as error:
        _log.exception("a request failed inside the emulator")
        raise ApiError(Status.INTERNAL, f"internal error of the emulator: {error!r}") from error


def handler_of(service: str, methods: Methods) -> Any:
    """Return the generic gRPC handler of a service; methods that it lacks are UNIMPLEMENTED."""
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(_behaviour(method, request_class))
        for name, (method, request_class) in methods.items()
    }
    return grpc.method_handlers_generic_handler(service, handlers)


def _behaviour(
    method: Method, request_class: Message
) -> Callable[[bytes, Any], Awaitable[bytes | None]]:
    # Bytes are parsed here, not by gRPC, which would answer INTERNAL when they are malformed.
    async def behave(content: bytes, context: Any) -> bytes | None:
        try:
            response = await answered(method, _parsed(request_class, content))
        except ApiError as error:
            await context.abort(getattr(grpc.StatusCode, error.status.name), error.message)
            return None
        serialized: bytes = response.SerializeToString()
        return serialized

    return behave


def _parsed(request_class: Message, content: bytes) -> Message:
    try:
        return request_class.FromString(content)
    except DecodeError as error:
        raise invalid(f"malformed request: {error}") from error
