"""The failures that a client sees, each with Google's status code and wording."""

from __future__ import annotations

from typing import ClassVar

import grpc


class ServiceError(Exception):
    """A request that is answered with a status other than OK."""

    code: ClassVar[grpc.StatusCode]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidArgumentError(ServiceError):
    """The request is wrong whatever the database holds; repeating it does not help."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class NotFoundError(ServiceError):
    """A document that must exist does not."""

    code = grpc.StatusCode.NOT_FOUND


class AlreadyExistsError(ServiceError):
    """A document that must not exist does."""

    code = grpc.StatusCode.ALREADY_EXISTS


class FailedPreconditionError(ServiceError):
    """The database is not in the state that the request demands."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class AbortedError(ServiceError):
    """The transaction lost against another one; running it again may succeed."""

    code = grpc.StatusCode.ABORTED


class UnimplementedError(ServiceError):
    """The service knows the request, this emulator does not."""

    code = grpc.StatusCode.UNIMPLEMENTED
