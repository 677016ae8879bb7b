"""Errors that clients of the API see: a gRPC status, its HTTP counterpart and a message."""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """The statuses in use, with their gRPC numbers and the HTTP codes that Google maps them to."""

    INVALID_ARGUMENT = (3, 400)
    DEADLINE_EXCEEDED = (4, 504)
    NOT_FOUND = (5, 404)
    ALREADY_EXISTS = (6, 409)
    PERMISSION_DENIED = (7, 403)
    RESOURCE_EXHAUSTED = (8, 429)
    FAILED_PRECONDITION = (9, 400)
    UNIMPLEMENTED = (12, 501)
    INTERNAL = (13, 500)
    UNAVAILABLE = (14, 503)

    @property
    def http_code(self) -> int:
        """The HTTP status code that stands for this status."""
        return int(self.value[1])


class ApiError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def invalid(message: str) -> ApiError:
    """Return INVALID_ARGUMENT."""
    return ApiError(Status.INVALID_ARGUMENT, message)


def not_found(resource: str) -> ApiError:
    """Return NOT_FOUND for a resource name."""
    return ApiError(Status.NOT_FOUND, f"Resource '{resource}' was not found")
