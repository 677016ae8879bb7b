"""Errors of the language: what a workflow can raise and catch, and what refuses a deployment."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Frame:
    """Where an error passed through: a step of a routine, and its line in the source."""

    step: str
    routine: str
    line: int


class WorkflowError(Exception):
    """An error inside an execution; `payload` is what an `except` block receives.

    The payload is a map with `message` and `tags` when the runtime raised it, and whatever value
    the workflow gave when a `raise` step did. `frames` begins at the step that failed.
    """

    def __init__(self, payload: Any) -> None:
        super().__init__(payload)
        self.payload = payload
        self.frames: list[Frame] = []

    def context(self) -> str:
        """Return the error and its stack as text, as an execution's `error.context` shows it."""
        system = isinstance(self.payload, dict) and self.payload.get("tags") is not None
        if system and isinstance(self.payload.get("message"), str):
            headline = self.payload["message"]
        else:
            headline = "RuntimeError: " + json.dumps(self.payload, default=str)
        places = (
            f'in step "{frame.step}", routine "{frame.routine}", line: {frame.line}'
            for frame in self.frames
        )
        return "\n".join([headline, *places])


class ExecutionAborted(WorkflowError):
    """A limit of the execution as a whole was passed; no `try` step catches it."""


class DeploymentError(Exception):
    """A source that cannot be deployed: what is wrong, in which step, on which line."""

    def __init__(self, problem: str, *, line: int, step: str | None = None) -> None:
        self.problem = problem
        self.line = line
        self.step = step
        where = f"error in step {step}: " if step else ""
        super().__init__(f"failed to build: {where}{problem} (line: {line})")


def system_error(tag: str, message: str, *more_tags: str, **fields: Any) -> WorkflowError:
    """Return an error as the runtime raises it: message with the tag in front, tags, more fields."""
    return WorkflowError({"message": f"{tag}: {message}", "tags": [tag, *more_tags], **fields})


def type_error(message: str) -> WorkflowError:
    """Return a TypeError: an operation on a value of a type that it does not take."""
    return system_error("TypeError", message)


def value_error(message: str) -> WorkflowError:
    """Return a ValueError: an argument of the right type with a value that cannot be used."""
    return system_error("ValueError", message)


def key_error(key: object) -> WorkflowError:
    """Return a KeyError: a map without the key, or a variable that has not been assigned."""
    return system_error("KeyError", f"key not found: {key}", "LookupError")


def index_error(index: int, length: int) -> WorkflowError:
    """Return an IndexError: an index outside a list."""
    message = f"index out of range: index {index}, length {length}"
    return system_error("IndexError", message, "LookupError")


def timeout_error(message: str) -> WorkflowError:
    """Return a TimeoutError: a call or a wait that lasted longer than it was allowed to."""
    return system_error("TimeoutError", message)


def http_error(code: int, status: str, message: str) -> WorkflowError:
    """Return the HttpError that a connector raises when Google's API refuses its request."""
    return WorkflowError(
        {
            "message": f"HTTP server responded with error code {code}",
            "tags": ["HttpError"],
            "code": code,
            "headers": {},
            "body": {"error": {"code": code, "message": message, "status": status}},
        }
    )


def limit_error(message: str) -> WorkflowError:
    """Return a ResourceLimitError: a limit that the workflow can still handle."""
    return system_error("ResourceLimitError", message)


def aborted(message: str) -> ExecutionAborted:
    """Return a ResourceLimitError that ends the execution whatever the workflow catches."""
    return ExecutionAborted(limit_error(message).payload)
