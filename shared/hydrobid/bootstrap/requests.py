"""Requests and messages from outside: checked for form and for the client that they are for."""

from __future__ import annotations

from typing import Any, TypeVar

from hydrobid.domain.base import Value
from hydrobid.domain.errors import CorruptDocument, ForeignClient, InvalidInput, Problem
from hydrobid.domain.identifiers import ClientId

V = TypeVar("V", bound=Value)


def request_of(kind: type[V], content: Any) -> V:
    """Return the request that JSON content holds; raise InvalidInput naming each field."""
    try:
        return kind.from_document(content)
    except CorruptDocument as error:
        faults = error.details["faults"]
        raise InvalidInput(
            [
                Problem("request", fault["field"] or "body", fault["given"], fault["expected"])
                for fault in faults
            ]
        ) from error


def check_client(served: ClientId, addressed: ClientId) -> None:
    """Return when the request is for the client that this function serves."""
    if served != addressed:
        raise ForeignClient(
            f"this function serves {served}; the request is for {addressed}",
            served=served,
            addressed=addressed,
        )


def pushed_to(path: str) -> str | None:
    """Return the topic whose messages are pushed to a path, None where it is no such path."""
    parts = path.strip("/").split("/")
    pushed = len(parts) == 4 and (parts[0], parts[2]) == ("projects", "topics")
    return parts[3] if pushed else None
