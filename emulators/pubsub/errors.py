"""Refusals as Google words them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from emulators.status_text import status_text

_NAMED_LEASES = 12
_NAMES_HELP = "https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names"


class Refusal(Exception):  # named for what it tells the caller, not for a fault here
    """An RPC's refusal: the status code and the message that the client sees."""

    def __init__(self, code: Any, message: str, details: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self._details = details

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        """Return the details as gRPC's clients expect them beside the status."""
        if not self._details:
            return ()
        status = status_pb2.Status(code=self.code.value[0], message=status_text(self.message))
        for detail in self._details:
            status.details.add().Pack(detail)
        return (("grpc-status-details-bin", status.SerializeToString()),)


def invalid(message: str) -> Refusal:
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)


def invalid_name(name: str) -> Refusal:
    return invalid(
        f"Invalid resource name given (name={name}). Refer to {_NAMES_HELP} for more information."
    )


def too_small(field: str, value: object, minimum: object) -> Refusal:
    return invalid(
        f"The value for {field} is too small. You passed {value} in the request, "
        f"but the minimum value is {minimum}."
    )


def too_large(field: str, value: object, maximum: object) -> Refusal:
    return invalid(
        f"The value for {field} is too large. You passed {value} in the request, "
        f"but the maximum value is {maximum}."
    )


def not_found(name: str) -> Refusal:
    """Return the refusal for a missing resource; Google names it by its last segment."""
    return Refusal(grpc.StatusCode.NOT_FOUND, f"Resource not found (resource={_short(name)}).")


def already_exists(name: str) -> Refusal:
    return Refusal(
        grpc.StatusCode.ALREADY_EXISTS,
        f"Resource already exists in the project (resource={_short(name)}).",
    )


def failed_precondition(message: str) -> Refusal:
    return Refusal(grpc.StatusCode.FAILED_PRECONDITION, message)


def lost_leases(ack_ids: Sequence[str]) -> Refusal:
    """Return the refusal for leases that have ended, which exactly-once delivery must tell.

    It names the first of them: details travel in the trailers, of which clients drop what is over
    8 KiB. Clients take the status for those that are not named.
    """
    reason = error_details_pb2.ErrorInfo(
        reason="PERMANENT_FAILURE_INVALID_ACK_ID", domain="pubsub.googleapis.com"
    )
    for ack_id in ack_ids[:_NAMED_LEASES]:
        reason.metadata[ack_id] = "PERMANENT_FAILURE_INVALID_ACK_ID"
    return Refusal(
        grpc.StatusCode.FAILED_PRECONDITION,
        "Some acknowledgement ids in the request were invalid. This could be because the "
        "acknowledgement ids have expired or the acknowledgement ids were malformed.",
        [reason],
    )


def unimplemented(what: str) -> Refusal:
    return Refusal(
        grpc.StatusCode.UNIMPLEMENTED, f"{what} is not implemented by the local Pub/Sub."
    )


def unavailable(message: str) -> Refusal:
    return Refusal(grpc.StatusCode.UNAVAILABLE, message)


def _short(name: str) -> str:
    return name.rsplit("/", 1)[-1]
