"""How a use case's outcome becomes a function's answer: the families of errors, mapped once.

Whatever happens is one span and one log line, which carry the call's identifiers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import flask
from opentelemetry.trace import Span, SpanKind
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable

from hydrobid.adapters.structured_logs import StructuredLog, labels_of_a_call
from hydrobid.adapters.telemetry import (
    TRACEPARENT,
    context_from,
    mark_failed,
    pushed_traceparent,
    span,
)
from hydrobid.bootstrap.telemetry import log_of
from hydrobid.domain.errors import (
    BidChanged,
    BidDecided,
    BidFaulty,
    HydrobidError,
    NotAllowed,
    NotFound,
    Unauthenticated,
)

Answer = tuple[dict[str, Any], int]
CRASHED = "CRASHED"

_STATUSES: dict[type[HydrobidError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    NotAllowed: HTTPStatus.FORBIDDEN,
    BidChanged: HTTPStatus.CONFLICT,
    BidDecided: HTTPStatus.CONFLICT,
    BidFaulty: HTTPStatus.UNPROCESSABLE_ENTITY,
}


@dataclass(frozen=True)
class Done:
    """What a function did: a line for people, and the facts, which are logged.

    answer: what is answered, the facts if None.
    """

    message: str
    facts: dict[str, Any]
    answer: dict[str, Any] | None = None


def answered(function: str, call: Callable[[], Done]) -> Answer:
    """Return an HTTP function's body and status.

    Retryable errors answer 503, so that the caller tries again; permanent ones 400, or what says
    more; what nobody foresaw 500 and its kind.
    """
    with _serving(function, SpanKind.SERVER) as (log, current):
        try:
            done = call()
        except HydrobidError as error:
            log.failure(error)
            mark_failed(current, error)
            return error.as_document(), _status(error)
        except Exception as error:  # noqa: BLE001 - it is told, and answered without its words
            log.crash(error)
            mark_failed(current, error)
            body = {"code": CRASHED, "message": type(error).__name__}
            return body, HTTPStatus.INTERNAL_SERVER_ERROR
        log.write("INFO", done.message, **done.facts)
        return done.facts if done.answer is None else done.answer, HTTPStatus.OK


def handled(function: str, data: Any, call: Callable[[], Done]) -> None:
    """Return when a pushed message is done with, for good or bad.

    Pub/Sub delivers again what is raised: retryable errors, as 503, and what nobody foresaw, as
    500. A permanent error is logged and the message acknowledged, since no delivery would go
    better.
    """
    refused: HTTPException | None = None
    # A message says what it belongs to; the request that brings it may be in a trace of its own.
    with _serving(function, SpanKind.CONSUMER, pushed_traceparent(data)) as (log, current):
        try:
            done = call()
        except HydrobidError as error:
            log.failure(error)
            mark_failed(current, error)
            if error.retryable:
                refused = ServiceUnavailable(error.code)
        except Exception as error:  # noqa: BLE001 - it is told, and raised without its words
            log.crash(error)
            mark_failed(current, error)
            refused = InternalServerError(type(error).__name__)
        else:
            log.write("INFO", done.message, **done.facts)
    if refused is not None:
        raise refused


@contextmanager
def _serving(
    function: str, kind: SpanKind, *traceparents: Any
) -> Iterator[tuple[StructuredLog, Span]]:
    log = log_of(function)
    context = context_from(*traceparents, _request_header(TRACEPARENT))
    with labels_of_a_call() as labels, span(function, kind, context) as current:
        try:
            yield log, current
        finally:
            current.set_attributes({f"hydrobid.{name}": value for name, value in labels.items()})


def _request_header(name: str) -> str | None:
    return flask.request.headers.get(name) if flask.has_request_context() else None


def _status(error: HydrobidError) -> int:
    if error.retryable:
        return HTTPStatus.SERVICE_UNAVAILABLE
    return next(
        (status for kind, status in _STATUSES.items() if isinstance(error, kind)),
        HTTPStatus.BAD_REQUEST,
    )
