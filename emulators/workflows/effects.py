"""Effects: all that an execution asks of the world outside the interpreter.

The interpreter computes; whatever depends on time, chance, the network or another execution is an
effect that a host performs. A host on real time serves the emulator; a host on virtual time can
run the same interpreter inside a simulator. Times are Unix seconds of the market's clock, durations
seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from emulators.workflows.values import Value


@dataclass(frozen=True, slots=True)
class ReadClock:
    """Gives the market's present as a double."""


@dataclass(frozen=True, slots=True)
class SleepUntil:
    """Waits until the market's clock reaches `instant`; gives null."""

    instant: float


@dataclass(frozen=True, slots=True)
class BackOff:
    """Waits before a retry, in real seconds; gives null."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GenerateUuid:
    """Gives a random UUID as a string."""


@dataclass(frozen=True, slots=True)
class WriteLog:
    """Writes a log entry; gives null."""

    severity: str
    payload: Value


@dataclass(frozen=True, slots=True)
class SendRequest:
    """Makes an HTTP request within `timeout` real seconds; gives the map {code, headers, body}.

    Raises HttpError from status 400, ConnectionFailedError, ConnectionError, TimeoutError and, for
    a response that is too big, ResourceLimitError.
    """

    method: str
    url: str
    headers: Value
    query: Value
    body: Value
    auth: Value
    timeout: float


@dataclass(frozen=True, slots=True)
class CreateCallback:
    """Opens a callback endpoint for one HTTP method; gives the map {url}."""

    method: str


@dataclass(frozen=True, slots=True)
class AwaitCallback:
    """Takes the oldest request of a callback that was not taken yet, waiting until `deadline`.

    Gives the map {http_request, received_time, type}; TimeoutError when the deadline passes.
    """

    url: str
    deadline: float


@dataclass(frozen=True, slots=True)
class StartExecution:
    """Starts an execution of a workflow by its resource name; gives the execution as a map."""

    workflow: str
    execution: Value


@dataclass(frozen=True, slots=True)
class AwaitExecution:
    """Waits at most `timeout` real seconds until an execution has ended; gives it as a map."""

    name: str
    timeout: float


@dataclass(frozen=True, slots=True)
class CallApi:
    """Calls `package.Service/Method` of a Google API within `timeout` real seconds.

    The request is in protobuf's JSON form; gives the response as a map, a list of maps when the
    method streams. Raises HttpError as the method answers, and ConnectionFailedError when the local
    cloud has no such API.
    """

    method: str
    request_type: str
    response_type: str
    streams: bool
    request: Value
    timeout: float


Effect: TypeAlias = (
    ReadClock
    | SleepUntil
    | BackOff
    | GenerateUuid
    | WriteLog
    | SendRequest
    | CreateCallback
    | AwaitCallback
    | StartExecution
    | AwaitExecution
    | CallApi
)


class Host(Protocol):
    """Performs the effects of one execution."""

    async def perform(self, effect: Effect, key: str) -> Value:
        """Return what the effect gives, or raise a WorkflowError.

        `key` is the same whenever the same effect of the execution is performed again after a
        restart; a host uses it to do at most once what must not be done twice.
        """
