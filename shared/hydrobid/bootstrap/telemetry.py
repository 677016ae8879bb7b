"""Logs and traces, wired: JSON lines always, spans where the environment names a receiver."""

from __future__ import annotations

import logging
import os
from functools import cache

from hydrobid.adapters.structured_logs import LibraryLogs, StructuredLog
from hydrobid.adapters.telemetry import export_spans
from hydrobid.bootstrap.settings import CloudSettings

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


@cache
def log_of(function: str) -> StructuredLog:
    """Return what a function logs to; the first time it also begins to export spans, if asked."""
    log = StructuredLog(function, CloudSettings().project)
    root = logging.getLogger()
    if not any(isinstance(handler, LibraryLogs) for handler in root.handlers):
        root.addHandler(LibraryLogs(log))
    if any(os.environ.get(name) for name in ENDPOINTS):
        try:
            export_spans(function, log.project, os.environ.get("HYDROBID_CLIENT", ""))
        except Exception as error:  # noqa: BLE001 - no bid is late for want of a trace
            log.crash(error)
    return log
