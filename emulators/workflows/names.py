"""Resource names of workflows, executions and callbacks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from emulators.workflows.api_errors import invalid

_LOCATION = r"projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)"
_WORKFLOW = _LOCATION + r"/workflows/(?P<workflow>[^/]+)"
_EXECUTION = _WORKFLOW + r"/executions/(?P<execution>[^/]+)"
_WORKFLOW_ID = re.compile(r"[A-Za-z](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class WorkflowName:
    """A workflow's name in its parts."""

    project: str
    location: str
    workflow: str


def check_location(name: str) -> str:
    """Return a parent `projects/P/locations/L`, or raise INVALID_ARGUMENT."""
    return _checked(_LOCATION, name, "projects/{project}/locations/{location}")[0]


def check_workflow(name: str) -> str:
    """Return the name of a workflow, or raise INVALID_ARGUMENT."""
    parse_workflow(name)
    return name


def parse_workflow(name: str) -> WorkflowName:
    """Return a workflow's name in its parts, or raise INVALID_ARGUMENT."""
    shape = "projects/{project}/locations/{location}/workflows/{workflow}"
    return WorkflowName(**_checked(_WORKFLOW, name, shape).groupdict())


def check_execution(name: str) -> str:
    """Return the name of an execution, or raise INVALID_ARGUMENT."""
    shape = "projects/{project}/locations/{location}/workflows/{workflow}/executions/{execution}"
    return _checked(_EXECUTION, name, shape)[0]


def check_workflow_id(identifier: str) -> str:
    """Return a new workflow's id, or raise INVALID_ARGUMENT with what it has to look like."""
    if _WORKFLOW_ID.fullmatch(identifier):
        return identifier
    raise invalid(
        f"workflow_id {identifier!r} is invalid: it must begin with a letter, have letters, digits,"
        " hyphens and underscores, end with a letter or digit, and have 64 characters at most"
    )


def workflow_of(execution: str) -> str:
    """Return the name of the workflow that an execution belongs to."""
    return execution.rpartition("/executions/")[0]


def last_part(name: str) -> str:
    """Return the id at the end of a resource name."""
    return name.rpartition("/")[2]


def _checked(pattern: str, name: str, shape: str) -> re.Match[str]:
    match = re.fullmatch(pattern, name)
    if match is None:
        raise invalid(f"resource name {name!r} is malformed: it must have the form {shape}")
    return match
