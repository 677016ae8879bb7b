"""Step entries of executions, as Google's REST API lists them: what ran, when, and how it came out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from emulators.workflows.api_errors import invalid, not_found
from emulators.workflows.filters import Fields, instant, parse_filter, sort_key
from emulators.workflows.history import StepEntry
from emulators.workflows.names import check_execution
from emulators.workflows.paging import page_size, position_of, token_of
from emulators.workflows.storage import Store
from emulators.workflows.values import Value

_LARGEST_PAGE = 1000
_FIELDS: Fields = {
    "entryid": (lambda entry: entry.number, int),
    "parent": (lambda entry: entry.parent, int),
    "createtime": (lambda entry: int(entry.created * 1e9), instant),
    "updatetime": (lambda entry: int(entry.updated * 1e9), instant),
    "routine": (lambda entry: entry.routine, str),
    "step": (lambda entry: entry.step, str),
    "steptype": (lambda entry: entry.step_type, str),
    "state": (lambda entry: entry.state, str),
}


class StepEntries:
    """Answers `stepEntries.list` and `stepEntries.get`; a request that is wrong raises an ApiError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(self, execution: str, query: Mapping[str, str]) -> Value:
        """Return a page of an execution's entries, by the time at which they began."""
        entries = self._entries(execution)
        wanted = parse_filter(query.get("filter", ""), _FIELDS)
        found = [entry for entry in entries if wanted(entry)]
        order = sort_key(query.get("orderBy", ""), _FIELDS)
        if order is not None:
            key, descending = order
            found.sort(key=key, reverse=descending)
        first = _number(position_of(query.get("pageToken", "")) or "0", "pageToken")
        first += _number(query.get("skip", "0"), "skip")
        size = page_size(_number(query.get("pageSize", "0"), "pageSize"), *[_LARGEST_PAGE] * 2)
        answer: dict[str, Value] = {"totalSize": len(found)}
        page = found[first : first + size]
        if page:
            related = _Relatives(entries)
            answer["stepEntries"] = [related.document(execution, entry) for entry in page]
        if first + size < len(found):
            answer["nextPageToken"] = token_of(str(first + size))
        return answer

    def get(self, execution: str, number: str) -> Value:
        """Return one entry."""
        entries = self._entries(execution)
        for entry in entries:
            if str(entry.number) == number:
                return _Relatives(entries).document(execution, entry)
        raise not_found(f"{execution}/stepEntries/{number}")

    def _entries(self, execution: str) -> list[StepEntry]:
        if self._store.execution(check_execution(execution)) is None:
            raise not_found(execution)
        return self._store.step_entries(execution)


class _Relatives:
    """Which entries an entry stands between."""

    def __init__(self, entries: list[StepEntry]) -> None:
        self._families: dict[tuple[int, str], list[int]] = {}
        self._children: dict[int, list[int]] = {}
        for entry in entries:
            self._families.setdefault((entry.parent, entry.thread), []).append(entry.number)
            self._children.setdefault(entry.parent, []).append(entry.number)

    def document(self, execution: str, entry: StepEntry) -> Value:
        """Return an entry in protobuf's JSON form."""
        document: dict[str, Any] = {
            "name": f"{execution}/stepEntries/{entry.number}",
            "createTime": _text(entry.created),
            "updateTime": _text(entry.updated),
            "routine": entry.routine,
            "step": entry.step,
            "stepType": entry.step_type,
            "state": entry.state,
            "entryId": str(entry.number),
            "navigationInfo": self._navigation(entry),
            "stepEntryMetadata": _metadata(entry),
        }
        if entry.exception is not None:
            payload = json.dumps(entry.exception, default=repr, ensure_ascii=False)
            document["exception"] = {"payload": payload}
        return document

    def _navigation(self, entry: StepEntry) -> Value:
        family = self._families[entry.parent, entry.thread]
        place = family.index(entry.number)
        relatives: dict[str, Any] = {}
        if entry.parent:
            relatives["parent"] = str(entry.parent)
        if entry.number in self._children:
            relatives["children"] = [str(child) for child in self._children[entry.number]]
        if place + 1 < len(family):
            relatives["next"] = str(family[place + 1])
        if place > 0:
            relatives["previous"] = str(family[place - 1])
        return relatives


def _metadata(entry: StepEntry) -> Value:
    metadata: dict[str, Any] = {}
    if entry.progress is not None:
        metadata["progressType"] = entry.progress.kind
        metadata["progressNumber"] = str(entry.progress.number)
        if entry.progress.expected:
            metadata["expectedIteration"] = str(entry.progress.expected)
    if entry.thread:
        metadata["threadId"] = entry.thread
    return metadata


def _number(text: str, name: str) -> int:
    if not text.isdecimal():
        raise invalid(f"{name} must be a number that is not negative, got {text!r}")
    return int(text)


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
