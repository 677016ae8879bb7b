"""The retry module and the retry policies of the http module.

Source: Google's page "Retry steps". The idempotent predicate retries 429, 502, 503, 504 and every
failed connection or timeout; the other only what cannot have reached the server's work.
"""

from __future__ import annotations

from emulators.workflows.stdlib.registry import function
from emulators.workflows.values import FunctionReference, Value

DEFAULT_BACKOFF: Value = {"initial_delay": 1.0, "max_delay": 60.0, "multiplier": 1.25}
DEFAULT_MAX_RETRIES = 5

CONSTANTS: dict[str, Value] = {
    "retry.default_backoff": DEFAULT_BACKOFF,
    "http.default_retry": {
        "predicate": FunctionReference("http.default_retry_predicate"),
        "max_retries": DEFAULT_MAX_RETRIES,
        "backoff": DEFAULT_BACKOFF,
    },
    "http.default_retry_non_idempotent": {
        "predicate": FunctionReference("http.default_retry_predicate_non_idempotent"),
        "max_retries": DEFAULT_MAX_RETRIES,
        "backoff": DEFAULT_BACKOFF,
    },
}


@function("retry.always")
def _always(e: Value) -> Value:  # noqa: ARG001 - every predicate takes the error
    return True


@function("retry.never")
def _never(e: Value) -> Value:  # noqa: ARG001 - every predicate takes the error
    return False


@function("http.default_retry_predicate")
def _idempotent(e: Value) -> Value:
    tags = {"ConnectionError", "ConnectionFailedError", "TimeoutError"}
    return _has_tag(e, tags) or _has_code(e, {429, 502, 503, 504})


@function("http.default_retry_predicate_non_idempotent")
def _non_idempotent(e: Value) -> Value:
    return _has_tag(e, {"ConnectionFailedError"}) or _has_code(e, {429, 503})


def _has_tag(error: Value, tags: set[str]) -> bool:
    given = error.get("tags") if isinstance(error, dict) else None
    return isinstance(given, list) and any(tag in tags for tag in given if isinstance(tag, str))


def _has_code(error: Value, codes: set[int]) -> bool:
    return _has_tag(error, {"HttpError"}) and error.get("code") in codes
