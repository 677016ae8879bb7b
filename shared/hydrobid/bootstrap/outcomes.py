"""How a use case's outcome becomes a function's answer: the two families of errors, mapped once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from hydrobid.domain.errors import HydrobidError, NotFound

Answer = tuple[dict[str, Any], int]


def answered(function: str, call: Callable[[], dict[str, Any]]) -> Answer:
    """Return an HTTP function's body and status.

    Retryable errors answer 503, so that the caller tries again; permanent ones 404 or 400.
    """
    try:
        content = call()
    except HydrobidError as error:
        log(function, error.as_document(), "WARNING" if error.retryable else "ERROR")
        return error.as_document(), _status(error)
    log(function, content)
    return content, HTTPStatus.OK


def handled(function: str, call: Callable[[], dict[str, Any]]) -> None:
    """Return when a pushed message is done with, for good or bad.

    A retryable error is raised, which makes Pub/Sub deliver again; a permanent one is logged and
    the message acknowledged, since no delivery would go better.
    """
    try:
        content = call()
    except HydrobidError as error:
        log(function, error.as_document(), "WARNING" if error.retryable else "ERROR")
        if error.retryable:
            raise
        return
    log(function, content)


def log(function: str, content: dict[str, Any], severity: str = "INFO") -> None:
    """Write one structured line, as Google's logging reads it from standard output."""
    line = {"severity": severity, "function": function, **content}
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


def _status(error: HydrobidError) -> int:
    if error.retryable:
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.NOT_FOUND if isinstance(error, NotFound) else HTTPStatus.BAD_REQUEST
