"""google.cloud.workflows.v1.Workflows: deploying, reading and deleting workflows.

Operations answer done at once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from emulators.workflows.alarms import Alarms
from emulators.workflows.api_errors import ApiError, Status, invalid, not_found
from emulators.workflows.checks import deployable
from emulators.workflows.engine import Engine
from emulators.workflows.errors import DeploymentError
from emulators.workflows.filters import WORKFLOW_FIELDS, parse_filter, sort_key
from emulators.workflows.messages import (
    Empty,
    ListWorkflowRevisionsResponse,
    ListWorkflowsResponse,
    Message,
    Operation,
    OperationMetadata,
    State,
    Workflow,
    WorkflowState,
    timestamp,
)
from emulators.workflows.names import check_location, check_workflow, check_workflow_id
from emulators.workflows.paging import page_size, position_of, token_of
from emulators.workflows.storage import Store

_REVISED_BY = ("service_account", "source_contents", "user_env_vars")
_UPDATABLE = (
    *_REVISED_BY, "call_log_level", "crypto_key_name", "description", "execution_history_level",
    "labels",
)  # fmt: skip
_MAX_ENVIRONMENT, _MAX_ENVIRONMENT_BYTES = 20, 4096


class WorkflowsService:
    """Answers the methods' requests; a request that is wrong raises an ApiError."""

    def __init__(self, store: Store, alarms: Alarms, engine: Engine) -> None:
        self._store = store
        self._alarms = alarms
        self._engine = engine

    async def CreateWorkflow(self, request: Message) -> Message:
        """Deploy a new workflow."""
        identifier = check_workflow_id(request.workflow_id)
        name = f"{check_location(request.parent)}/workflows/{identifier}"
        if self._store.workflow(name) is not None:
            raise ApiError(Status.ALREADY_EXISTS, f"Resource '{name}' already exists")
        _check_content(request.workflow)
        workflow = Workflow()
        workflow.CopyFrom(request.workflow)
        workflow.name = name
        workflow.state = WorkflowState.ACTIVE
        workflow.create_time.CopyFrom(timestamp(self._alarms.moment()))
        self._revise(workflow, 1)
        self._store.save_workflow(workflow)
        return self._done(workflow, "create", workflow)

    async def UpdateWorkflow(self, request: Message) -> Message:
        """Change the fields of the mask; a new revision when what runs has changed."""
        given = request.workflow
        workflow = self._get(given.name)
        paths = list(request.update_mask.paths) or [
            field.name for field, _ in given.ListFields() if field.name in _UPDATABLE
        ]
        before = Workflow()
        before.CopyFrom(workflow)
        for path in paths:
            if path not in _UPDATABLE:
                raise invalid(f"field {path!r} of a workflow cannot be updated")
            workflow.ClearField(path)
        update = Workflow()
        update.CopyFrom(given)
        for field, _ in given.ListFields():
            if field.name not in paths:
                update.ClearField(field.name)
        workflow.MergeFrom(update)
        _check_content(workflow)
        if any(getattr(before, field) != getattr(workflow, field) for field in _REVISED_BY):
            self._revise(workflow, int(before.revision_id[:6]) + 1)
        workflow.update_time.CopyFrom(timestamp(self._alarms.moment()))
        self._store.save_workflow(workflow)
        return self._done(workflow, "update", workflow)

    async def GetWorkflow(self, request: Message) -> Message:
        """Return a workflow, by default at its latest revision."""
        workflow = self._get(request.name)
        if not request.revision_id:
            return workflow
        revision = self._store.revision(request.name, request.revision_id)
        if revision is None:
            raise not_found(f"{request.name}@{request.revision_id}")
        return revision

    async def ListWorkflows(self, request: Message) -> Message:
        """Return the workflows of a location, by name unless another order is asked for."""
        wanted = parse_filter(request.filter, WORKFLOW_FIELDS)
        stored = self._store.workflows(check_location(request.parent))
        found = [workflow for workflow in stored if wanted(workflow)]
        order = sort_key(request.order_by, WORKFLOW_FIELDS)
        if order is not None:
            key, descending = order
            found.sort(key=key, reverse=descending)
        rest = _after(found, position_of(request.page_token), lambda workflow: workflow.name)
        size = page_size(request.page_size, 500, 1000)
        response = ListWorkflowsResponse(workflows=rest[:size])
        if len(rest) > size:
            response.next_page_token = token_of(rest[size - 1].name)
        return response

    async def ListWorkflowRevisions(self, request: Message) -> Message:
        """Return the revisions of a workflow, newest first."""
        found = self._store.revisions(self._get(request.name).name)
        position = position_of(request.page_token)
        rest = _after(found, position, lambda workflow: workflow.revision_id)
        size = page_size(request.page_size, 20, 100)
        response = ListWorkflowRevisionsResponse(workflows=rest[:size])
        if len(rest) > size:
            response.next_page_token = token_of(rest[size - 1].revision_id)
        return response

    async def DeleteWorkflow(self, request: Message) -> Message:
        """Delete a workflow; its executions are cancelled and deleted with it."""
        workflow = self._get(request.name)
        for _, execution in self._store.executions(workflow.name):
            if execution.state == State.ACTIVE:
                await self._engine.cancel(execution.name)
        self._store.delete_workflow(workflow.name)
        return self._done(workflow, "delete", Empty())

    def _get(self, name: str) -> Message:
        workflow = self._store.workflow(check_workflow(name))
        if workflow is None:
            raise not_found(name)
        return workflow

    def _revise(self, workflow: Message, number: int) -> None:
        moment = timestamp(self._alarms.moment())
        workflow.revision_id = f"{number:06d}-{secrets.token_hex(2)[:3]}"
        workflow.revision_create_time.CopyFrom(moment)
        workflow.update_time.CopyFrom(moment)

    def _done(self, workflow: Message, verb: str, response: Message) -> Message:
        location = workflow.name.partition("/workflows/")[0]
        operation = Operation(name=f"{location}/operations/{secrets.token_hex(8)}", done=True)
        moment = timestamp(self._alarms.moment())
        metadata = OperationMetadata(
            create_time=moment,
            end_time=moment,
            target=workflow.name,
            verb=verb,
            api_version="v1",
        )
        operation.metadata.Pack(metadata)
        operation.response.Pack(response)
        return operation


def _after(found: list[Message], position: str, key: Callable[[Message], str]) -> list[Message]:
    """Return what comes after the message at which the page before ended."""
    if not position:
        return found
    places = [place for place, message in enumerate(found) if key(message) == position]
    return found[places[0] + 1 :] if places else []


def _check_content(workflow: Message) -> None:
    """Refuse what cannot be deployed, with INVALID_ARGUMENT."""
    if not workflow.source_contents:
        raise invalid("workflow.source_contents is empty")
    variables = workflow.user_env_vars
    if len(variables) > _MAX_ENVIRONMENT:
        raise invalid(f"{len(variables)} user_env_vars, the limit is {_MAX_ENVIRONMENT}")
    for name, value in variables.items():
        if not name or name.startswith(("GOOGLE", "WORKFLOWS")):
            raise invalid(
                f"user_env_vars name {name!r} is empty or begins with GOOGLE or WORKFLOWS"
            )
        if max(len(name.encode()), len(value.encode())) > _MAX_ENVIRONMENT_BYTES:
            raise invalid(f"user_env_vars {name!r} has more than {_MAX_ENVIRONMENT_BYTES} bytes")
    try:
        deployable(workflow.source_contents)
    except DeploymentError as error:
        raise invalid(str(error)) from error
