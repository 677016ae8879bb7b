"""Filters of Cloud Logging, as far as terraform/ writes them, over entries as they are stored.

Field paths with `=` and `:*`, joined by AND.
https://cloud.google.com/logging/docs/view/logging-query-language
"""

from __future__ import annotations

import re
from typing import Any

TERM = re.compile(r'([\w.]+)(?:="([^"]*)"|:\*)')
# Cloud Logging takes these of a line on standard output for fields of the entry.
TAKEN = {"severity", "time"}


def entry_of(line: dict[str, Any], client: str) -> dict[str, Any]:
    """Return a line of a client's function as Cloud Logging stores it."""
    payload = {k: v for k, v in line.items() if k not in TAKEN and not k.startswith("logging.")}
    return {
        "severity": line["severity"],
        "labels": line["logging.googleapis.com/labels"],
        "jsonPayload": payload,
        "resource": {
            "type": "cloud_run_revision",
            "labels": {"service_name": f"{client}-{line['function']}"},
        },
    }


def matches(filter_: str, entry: dict[str, Any]) -> bool:
    """Say whether an entry passes a filter."""
    return all(_passes(term, entry) for term in filter_.split(" AND "))


def extracted(extractor: str, entry: dict[str, Any]) -> Any:
    """Return what an extractor finds, None where there is nothing."""
    found = re.fullmatch(r'(REGEXP_)?EXTRACT\(([\w.]+)(?:, "(.+)")?\)', extractor)
    assert found, extractor
    by_pattern, path, pattern = found.groups()
    value = _at(entry, path)
    if not by_pattern:
        return value
    (inner,) = re.findall(pattern, str(value)) or (None,)
    return inner


def _passes(term: str, entry: dict[str, Any]) -> bool:
    parts = TERM.fullmatch(term)
    assert parts, f"a term of a form that is not known: {term}"
    path, value = parts.groups()
    found = _at(entry, path)
    return found is not None if value is None else found == value


def _at(entry: dict[str, Any], path: str) -> Any:
    for key in path.split("."):
        entry = entry.get(key) if isinstance(entry, dict) else None  # type: ignore[assignment]
    return entry
