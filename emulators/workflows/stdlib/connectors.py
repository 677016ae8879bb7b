"""Connectors that wait: `executions.create` and `executions.run`, and those that are not here.

Source: Google's pages of the Workflow Executions connector. Both wait for the execution's end unless
`connector_params.skip_polling` is true.
"""

from __future__ import annotations

import re

from emulators.workflows import limits
from emulators.workflows.effects import (
    AwaitExecution,
    StartExecution,
)
from emulators.workflows.errors import system_error, type_error
from emulators.workflows.stdlib.registry import (
    Kind,
    Surroundings,
    function,
    need_map,
    need_number,
    need_string,
)
from emulators.workflows.values import Value, from_json, to_json, type_name

# Names that Google knows and this emulator does not: they deploy, and end the execution that calls.
_ELSEWHERE = re.compile(
    r"googleapis(\.\w+){3,}|gke\.(await_job|create_job|delete_job|request)"
    r"|experimental\.executions\.(map|run)"
)
_EXECUTIONS = "googleapis.workflowexecutions.v1.projects.locations.workflows.executions"


def is_elsewhere(name: str) -> bool:
    """Tell whether a name is a connector of Google's, whether the local cloud has it or not."""
    return _ELSEWHERE.fullmatch(name) is not None


@function(f"{_EXECUTIONS}.create", Kind.BLOCKING)
async def _create(
    surroundings: Surroundings, parent: Value, body: Value = None, connector_params: Value = None
) -> Value:
    polling, timeout = _polling(connector_params)
    execution = need_map({} if body is None else body, "body")
    start = StartExecution(need_string(parent, "parent"), execution)
    started = await surroundings.perform(start)
    if not polling:
        return started
    return _succeeded(await surroundings.perform(AwaitExecution(started["name"], timeout)))


@function(f"{_EXECUTIONS}.run", Kind.BLOCKING)
async def _run(
    surroundings: Surroundings,
    workflow_id: Value,
    location: Value = None,
    project_id: Value = None,
    argument: Value = None,
    connector_params: Value = None,
) -> Value:
    polling, timeout = _polling(connector_params)
    here = surroundings.environment
    project = here["GOOGLE_CLOUD_PROJECT_ID"] if project_id is None else project_id
    place = here["GOOGLE_CLOUD_LOCATION"] if location is None else location
    parent = "/".join([
        "projects", need_string(project, "project_id"),
        "locations", need_string(place, "location"),
        "workflows", need_string(workflow_id, "workflow_id"),
    ])  # fmt: skip
    body = {} if argument is None else {"argument": to_json(argument)}
    started = await surroundings.perform(StartExecution(parent, body))
    if not polling:
        return None
    ended = _succeeded(await surroundings.perform(AwaitExecution(started["name"], timeout)))
    return from_json(ended.get("result", "null"))


def _polling(params: Value) -> tuple[bool, float]:
    """Return whether a connector waits for the operation, and for how many seconds at most."""
    given = need_map({} if params is None else params, "connector_params")
    skip = given.get("skip_polling", False)
    if not isinstance(skip, bool):
        raise type_error(f"skip_polling must be a boolean, not {type_name(skip)}")
    timeout = given.get("timeout", limits.CONNECTOR_TIMEOUT_DEFAULT)
    return not skip, need_number(timeout, "timeout")


def _succeeded(execution: Value) -> Value:
    if execution["state"] == "SUCCEEDED":
        return execution
    message = f"execution {execution['name']} ended in state {execution['state']}"
    raise system_error("OperationError", message, operation=execution)
