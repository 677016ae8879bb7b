"""How an attempt ended: google.rpc.Status, as the job's `status` tells it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

OK: Final = 0
_UNKNOWN: Final = 2
DEADLINE_EXCEEDED: Final = 4
INTERNAL: Final = 13
UNAVAILABLE: Final = 14

# The HTTP mapping in google/rpc/code.proto, read backwards.
_CODES: Final[dict[int, int]] = {
    HTTPStatus.BAD_REQUEST: 3,
    HTTPStatus.UNAUTHORIZED: 16,
    HTTPStatus.FORBIDDEN: 7,
    HTTPStatus.NOT_FOUND: 5,
    HTTPStatus.CONFLICT: 10,
    HTTPStatus.TOO_MANY_REQUESTS: 8,
    HTTPStatus.INTERNAL_SERVER_ERROR: INTERNAL,
    HTTPStatus.NOT_IMPLEMENTED: 12,
    HTTPStatus.SERVICE_UNAVAILABLE: UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT: DEADLINE_EXCEEDED,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A code of google.rpc.Code and, unless it is OK, what went wrong."""

    code: int
    message: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the target has acknowledged the job."""
        return self.code == OK


def of_http_status(status: int) -> Outcome:
    """Return the outcome of a request: 200 to 299 acknowledge a job."""
    if 200 <= status < 300:
        return Outcome(OK)
    return Outcome(_CODES.get(status, _UNKNOWN), f"The target answered with HTTP status {status}.")
