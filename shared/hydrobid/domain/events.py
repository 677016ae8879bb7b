"""Events: one for each version of an entity, chained by hashes, with ids that derive from both."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from hydrobid.domain.base import Value
from hydrobid.domain.canonical import digest

NO_HEAD = ""


class Event(Value):
    """What happened to an entity at one version.

    run: the run it belongs to. previous: the hash of the entity's event before this one, empty for
    the first. hash: over everything but the time, so that a re-run leaves the same trail.
    """

    run: str
    entity: str
    version: int
    type: str
    actor: str
    at: datetime
    data: dict[str, Any]
    previous: str
    hash: str

    @property
    def id(self) -> str:
        """The derived id: the same event is the same document."""
        return f"{self.entity}~{self.version}"


def next_event(
    *,
    run: str,
    entity: str,
    version: int,
    type: str,  # noqa: A002 - the event's own field
    actor: str,
    at: datetime,
    data: dict[str, Any],
    previous: str = NO_HEAD,
) -> Event:
    """Return the event that follows `previous` in its entity's chain."""
    content = {
        "run": run,
        "entity": entity,
        "version": version,
        "type": type,
        "actor": actor,
        "data": data,
        "previous": previous,
    }
    return Event(**content, at=at, hash=digest(content))


def chain_faults(events: list[Event]) -> list[str]:
    """Return what is wrong with one entity's events, given in order of version; empty when sound.

    That the newest is there only the entity's document can tell: `head_faults`.
    """
    faults = []
    previous, expected = NO_HEAD, 1
    for event in events:
        content = event.model_dump(mode="json", exclude={"at", "hash"})
        if event.version != expected:
            faults.append(f"{event.entity}: version {event.version} where {expected} belongs")
        if event.previous != previous:
            faults.append(f"{event.id}: does not follow the event before it")
        if digest(content) != event.hash:
            faults.append(f"{event.id}: content does not match its hash")
        previous, expected = event.hash, event.version + 1
    return faults


def head_faults(entity: str, version: object, chain: object, events: Iterable[Event]) -> list[str]:
    """Return whether the event is lost, or another, that an entity's document was last written with.

    version, chain: as the document has them. events: of the entity; there may be newer ones than
    the document was when it was read.
    """
    newest = next((event for event in events if event.version == version), None)
    if newest is None:
        return [f"{entity}: its event of version {version} is not there"]
    if newest.hash != chain:
        return [f"{newest.id}: is not the event that its document was written with"]
    return []
