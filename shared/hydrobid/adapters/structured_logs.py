"""Log lines as Cloud Logging takes them from standard output: a JSON object each.

Identifiers go into labels, which Cloud Logging indexes; the trace that a line belongs to is the
current span's. Special fields: https://cloud.google.com/logging/docs/structured-logging
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from opentelemetry import trace
from pydantic import ValidationError

from hydrobid.domain.errors import HydrobidError

Severity = Literal["INFO", "WARNING", "ERROR", "CRITICAL"]

LABELS = ("client", "run", "execution", "asset", "task", "scenario", "attempt")
# https://cloud.google.com/error-reporting/docs/formatting-error-messages
REPORTED_ERROR = (
    "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
)

_labels: ContextVar[dict[str, str] | None] = ContextVar("labels", default=None)


@contextmanager
def labels_of_a_call() -> Iterator[dict[str, str]]:
    """Begin with no labels; yield those that `label` adds until the end."""
    labels: dict[str, str] = {}
    token = _labels.set(labels)
    try:
        yield labels
    finally:
        _labels.reset(token)


def label(content: Mapping[str, Any]) -> None:
    """Have every further line of this call carry the identifiers that `content` holds."""
    labels = _labels.get()
    if labels is not None:
        labels.update(_identifiers(content))


@dataclass(frozen=True)
class StructuredLog:
    """What a function writes. project: whose traces the lines belong to."""

    function: str
    project: str

    def write(self, severity: Severity, message: str, /, **content: Any) -> None:
        """Write a line; identifiers in `content` become labels, the rest fields."""
        identifiers = _identifiers(content)
        fields = {name: value for name, value in content.items() if name not in LABELS}
        line = {
            **fields,
            "severity": severity,
            "message": message,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "function": self.function,
            "logging.googleapis.com/labels": {**(_labels.get() or {}), **identifiers},
            **self._trace(),
        }
        # One write, so that lines of several threads do not mix.
        sys.stdout.write(json.dumps(line, default=str) + "\n")
        sys.stdout.flush()

    def failure(self, error: HydrobidError, **content: Any) -> None:
        """Write an error of ours: a warning where trying again may mend it."""
        severity: Severity = "WARNING" if error.retryable else "ERROR"
        self.write(severity, error.message, **error.as_document(), **content)

    def crash(self, error: BaseException) -> None:
        """Write what nobody foresaw, with its stack, in the form that Error Reporting takes."""
        self.write(
            "ERROR",
            f"{self.function} crashed: {_kind(error)}",
            stack_trace=stack_without_words(error),
            serviceContext={
                "service": os.environ.get("K_SERVICE", self.function),
                "version": os.environ.get("K_REVISION", ""),
            },
            **{"@type": REPORTED_ERROR},
        )

    def _trace(self) -> dict[str, Any]:
        span = trace.get_current_span().get_span_context()
        if not span.is_valid:
            return {}
        return {
            "logging.googleapis.com/trace": (
                f"projects/{self.project}/traces/{trace.format_trace_id(span.trace_id)}"
            ),
            "logging.googleapis.com/spanId": trace.format_span_id(span.span_id),
            "logging.googleapis.com/trace_sampled": span.trace_flags.sampled,
        }


class LibraryLogs(logging.Handler):
    """Writes what libraries log, warnings and worse, as lines of the same form."""

    def __init__(self, log: StructuredLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        severity: Severity = "ERROR" if record.levelno >= logging.ERROR else "WARNING"
        error = record.exc_info[1] if record.exc_info else None
        stack = {} if error is None else {"stack_trace": stack_without_words(error)}
        self._log.write(severity, record.getMessage(), logger=record.name, **stack)


def stack_without_words(error: BaseException) -> str:
    """Return the stack as Python prints it, with each exception's kind in place of its words.

    The words of an error that nobody foresaw may hold a secret: an address, a header, a password.
    """
    told = []
    if error.__cause__ is not None:
        told = [stack_without_words(error.__cause__), "The above was the direct cause of:\n\n"]
    elif error.__context__ is not None and not error.__suppress_context__:
        told = [stack_without_words(error.__context__), "While that was handled:\n\n"]
    frames = traceback.format_tb(error.__traceback__)
    told += ["Traceback (most recent call last):\n", *frames, f"{_kind(error)}\n"]
    return "".join(told)


def _kind(error: BaseException) -> str:
    """Return an exception's class; for settings and documents also which fields are wrong."""
    name = type(error).__name__
    if isinstance(error, ValidationError):
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        fields = (f"{'.'.join(map(str, fault['loc']))} {fault['type']}" for fault in faults)
        return f"{name}: {error.title}: {', '.join(fields)}"
    return name


def _identifiers(content: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(content[name]) for name in LABELS if content.get(name) is not None}
