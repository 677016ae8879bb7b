"""google.cloud.workflows.executions.v1.Executions: its four methods."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Awaitable, Callable, Iterator

from google.protobuf import json_format

from emulators.workflows import limits
from emulators.workflows.alarms import Alarms
from emulators.workflows.api_errors import ApiError, Status, invalid, not_found
from emulators.workflows.engine import Engine
from emulators.workflows.errors import WorkflowError, http_error, value_error
from emulators.workflows.filters import EXECUTION_FIELDS, parse_filter, sort_key
from emulators.workflows.messages import (
    CancelExecutionRequest,
    Execution,
    ExecutionView,
    GetExecutionRequest,
    ListExecutionsRequest,
    ListExecutionsResponse,
    Message,
    State,
    as_map,
    timestamp,
)
from emulators.workflows.names import check_execution, check_workflow
from emulators.workflows.paging import page_size, position_of, token_of
from emulators.workflows.storage import Store
from emulators.workflows.values import Value, from_json

_BASIC_FIELDS = ("name", "start_time", "end_time", "duration", "workflow_revision_id")


class ExecutionsService:
    """Answers the methods' requests; a request that is wrong raises an ApiError."""

    def __init__(self, store: Store, alarms: Alarms) -> None:
        self._store = store
        self._alarms = alarms
        self._engine: Engine | None = None

    def attach(self, engine: Engine) -> None:
        """Give the engine that runs executions; it needs this service to start children."""
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """The engine that runs executions."""
        assert self._engine is not None  # noqa: S101 - attached before the first request
        return self._engine

    async def CreateExecution(self, request: Message) -> Message:
        """Start an execution of the workflow's latest revision."""
        return self._create(check_workflow(request.parent), request.execution, str(uuid.uuid4()))

    async def GetExecution(self, request: Message) -> Message:
        """Return an execution, by default in full."""
        execution = self._get(check_execution(request.name))
        return _basic(execution) if request.view == ExecutionView.BASIC else execution

    async def ListExecutions(self, request: Message) -> Message:
        """Return executions of all revisions, newest first, by default in the basic view."""
        workflow = check_workflow(request.parent)
        if self._store.workflow(workflow) is None:
            raise not_found(workflow)
        full = request.view == ExecutionView.FULL
        size = page_size(request.page_size, 100, 100 if full else 1000)
        page = list(itertools.islice(self._matching(request, workflow), size + 1))
        response = ListExecutionsResponse()
        for _, execution in page[:size]:
            response.executions.append(execution if full else _basic(execution))
        if len(page) > size:
            response.next_page_token = token_of(str(page[size - 1][0]))
        return response

    async def CancelExecution(self, request: Message) -> Message:
        """Cancel an execution and return it as it ended."""
        name = check_execution(request.name)
        if self._get(name).state != State.ACTIVE:
            message = f"execution '{name}' has ended and cannot be cancelled"
            raise ApiError(Status.FAILED_PRECONDITION, message)
        await self.engine.cancel(name)
        return self._get(name)

    def start(self, workflow: str, execution: Value, identifier: str) -> Value:
        """Start an execution for a connector; one with this id that is there already is returned."""
        try:
            there = self._store.execution(f"{check_workflow(workflow)}/executions/{identifier}")
            if there is not None:
                return as_map(there)
            given = json_format.ParseDict(execution, Execution())
            return as_map(self._create(workflow, given, identifier))
        except json_format.ParseError as error:
            raise _as_http_error(invalid(f"body is no execution: {error}")) from error
        except ApiError as error:
            raise _as_http_error(error) from error

    async def ended(self, name: str, seconds: float) -> Value:
        """Return an execution as a map when it has ended."""
        await self.engine.ended(name, seconds)
        return as_map(self._get(name))

    def answers(self, method: str) -> bool:
        """Tell whether a method is one of those that connectors call."""
        return method in _OF_CONNECTORS

    async def call(self, method: str, request: Value) -> Value:
        """Return what a method answers to a request in JSON as a map, for a connector."""
        rpc, request_type = _OF_CONNECTORS[method]
        try:
            return as_map(await rpc(self, json_format.ParseDict(request, request_type())))
        except json_format.ParseError as error:
            raise value_error(f"arguments are no request: {error}") from error
        except ApiError as error:
            raise _as_http_error(error) from error

    def _create(self, workflow: str, given: Message, identifier: str) -> Message:
        deployed = self._store.workflow(workflow)
        if deployed is None:
            raise not_found(workflow)
        execution = Execution(
            name=f"{workflow}/executions/{identifier}",
            start_time=timestamp(self._alarms.moment()),
            state=State.ACTIVE,
            argument=_checked_argument(given.argument),
            workflow_revision_id=deployed.revision_id,
            call_log_level=given.call_log_level or deployed.call_log_level,
            labels=given.labels,
        )
        self._store.add_execution(execution)
        self.engine.launch(execution)
        return self._get(execution.name)

    def _get(self, name: str) -> Message:
        execution = self._store.execution(name)
        if execution is None:
            raise not_found(name)
        for routine, step in self.engine.current_steps(name):
            execution.status.current_steps.add(routine=routine, step=step)
        return execution

    def _matching(self, request: Message, workflow: str) -> Iterator[tuple[int, Message]]:
        wanted = parse_filter(request.filter, EXECUTION_FIELDS)
        order = sort_key(request.order_by, EXECUTION_FIELDS)
        found: Iterator[tuple[int, Message]] = (
            (number, execution)
            for number, execution in self._store.executions(workflow)
            if wanted(execution)
        )
        if order is not None:
            key, descending = order
            found = iter(sorted(found, key=lambda pair: key(pair[1]), reverse=descending))
        position = position_of(request.page_token)
        if position:
            # After the execution at which the page before ended.
            found = itertools.dropwhile(lambda pair: str(pair[0]) != position, found)
            next(found, None)
        return found


_SERVICE = "google.cloud.workflows.executions.v1.Executions"
_OF_CONNECTORS: dict[str, tuple[Callable[..., Awaitable[Message]], Message]] = {
    f"{_SERVICE}/CancelExecution": (ExecutionsService.CancelExecution, CancelExecutionRequest),
    f"{_SERVICE}/GetExecution": (ExecutionsService.GetExecution, GetExecutionRequest),
    f"{_SERVICE}/ListExecutions": (ExecutionsService.ListExecutions, ListExecutionsRequest),
}


def _checked_argument(argument: str) -> str:
    size = len(argument.encode())
    if size > limits.ARGUMENT_BYTES:
        raise invalid(f"argument has {size} bytes, the limit is {limits.ARGUMENT_BYTES}")
    if argument:
        try:
            from_json(argument)
        except WorkflowError as error:
            raise invalid(f"argument is no JSON: {error.payload['message']}") from error
    return argument


def _basic(execution: Message) -> Message:
    basic = Execution(state=execution.state)
    for field in _BASIC_FIELDS:
        if field in ("name", "workflow_revision_id"):
            setattr(basic, field, getattr(execution, field))
        elif execution.HasField(field):
            getattr(basic, field).CopyFrom(getattr(execution, field))
    return basic


def _as_http_error(error: ApiError) -> WorkflowError:
    return http_error(error.status.http_code, error.status.name, error.message)
