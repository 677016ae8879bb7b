"""How a record is written: with its event in the same batch, at the next version of its chain."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from hydrobid.domain.base import Record
from hydrobid.domain.events import next_event
from hydrobid.domain.identifiers import ClientId, RunId
from hydrobid.domain.states import Actor
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Clock, Create, Put, Transaction, Write

R = TypeVar("R", bound=Record)


def record_writes(
    path: str,
    record: R,
    before: Record | None,
    *,
    run: RunId | ClientId,
    event: str,
    actor: Actor | StrEnum,
    clock: Clock,
    data: dict[str, Any],
    expires: datetime | None = None,
) -> tuple[R, tuple[Write, ...]]:
    """Return `record` as it will stand at `path`, and the writes that put it and its event there.

    before: what stands there now, None where nothing does. run: or the client, of what belongs to
    none. data: what the event tells, no timings. expires: of the record; its event is kept.
    """
    entry = next_event(
        run=str(run),
        entity=paths.entity_of(path),
        version=before.version + 1 if before is not None else 1,
        type=event,
        actor=str(actor),
        at=clock.now(),
        data=data,
        previous=before.chain if before is not None else "",
    )
    stamped = record.model_copy(update={"version": entry.version, "chain": entry.hash})
    write = Create if before is None else Put
    return stamped, (
        write(path, stamped.to_document(), expires),
        Create(paths.event(entry.id), entry.to_document()),
    )


def was_written(transaction: Transaction, path: str, record: Record) -> bool:
    """Whether `record` is among what was ever written at `path`.

    Its event is looked for, whose hash tells everything that led there: whoever made the same
    transaction before, and had no answer, learns so that nothing else was made of its version.
    """
    event = transaction.get(paths.event(f"{paths.entity_of(path)}~{record.version}"))
    return event is not None and event["hash"] == record.chain
