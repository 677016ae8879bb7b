"""The protobuf classes of both Workflows services, and their conversions.

The classes are the raw ones beneath google-cloud-workflows' proto-plus wrappers. They are made at
run time and carry no types, hence `Message` in signatures; the parameter's name tells which it is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

from google.cloud.workflows.executions_v1.types import executions
from google.cloud.workflows_v1.types import workflows
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2, json_format, timestamp_pb2

from emulators.workflows.values import Value

Message: TypeAlias = Any

Empty = empty_pb2.Empty
Operation = operations_pb2.Operation

Workflow = workflows.Workflow.pb()
CreateWorkflowRequest = workflows.CreateWorkflowRequest.pb()
DeleteWorkflowRequest = workflows.DeleteWorkflowRequest.pb()
GetWorkflowRequest = workflows.GetWorkflowRequest.pb()
ListWorkflowRevisionsRequest = workflows.ListWorkflowRevisionsRequest.pb()
ListWorkflowRevisionsResponse = workflows.ListWorkflowRevisionsResponse.pb()
ListWorkflowsRequest = workflows.ListWorkflowsRequest.pb()
ListWorkflowsResponse = workflows.ListWorkflowsResponse.pb()
OperationMetadata = workflows.OperationMetadata.pb()
UpdateWorkflowRequest = workflows.UpdateWorkflowRequest.pb()

Execution = executions.Execution.pb()
CancelExecutionRequest = executions.CancelExecutionRequest.pb()
CreateExecutionRequest = executions.CreateExecutionRequest.pb()
GetExecutionRequest = executions.GetExecutionRequest.pb()
ListExecutionsRequest = executions.ListExecutionsRequest.pb()
ListExecutionsResponse = executions.ListExecutionsResponse.pb()
ExecutionView = executions.ExecutionView

State = executions.Execution.State
WorkflowState = workflows.Workflow.State


def timestamp(moment: datetime) -> Message:
    """Return the protobuf Timestamp of an aware datetime."""
    message = timestamp_pb2.Timestamp()
    message.FromDatetime(moment)
    return message


def as_map(message: Message) -> Value:
    """Return a message as the map that Google's REST API would answer with."""
    return json_format.MessageToDict(message)
