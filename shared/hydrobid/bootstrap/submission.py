"""The submission, wired: bids, cut-offs, the desk's acts and ticks in, orders and results out."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hydrobid.adapters.callbacks import HttpCallbacks
from hydrobid.adapters.clock import SystemClock
from hydrobid.adapters.firestore import FirestoreDocuments
from hydrobid.adapters.pushes import pushed_content, pushed_message, pushed_topic
from hydrobid.adapters.rehearsal_exchange import RehearsalExchange
from hydrobid.adapters.structured_logs import label
from hydrobid.bootstrap.alerting import alerts_sent
from hydrobid.bootstrap.exchange import exchange_of
from hydrobid.bootstrap.outcomes import Done
from hydrobid.bootstrap.requests import check_client
from hydrobid.bootstrap.settings import SubmissionSettings
from hydrobid.bootstrap.topology import database_id, resource_id
from hydrobid.domain.errors import CorruptDocument
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.messages import (
    AlertSweep,
    ApprovalDecided,
    AssetBid,
    CutOffReached,
    DryRunAsked,
    GuardTick,
    HoldChanged,
    ResultsDue,
)
from hydrobid.domain.states import RunState
from hydrobid.domain.time import parse_instant
from hydrobid.pipeline.dry_run import do_dry_run
from hydrobid.pipeline.fetch_results import fetch_results
from hydrobid.pipeline.guard_gate import Guarded, guard_gate
from hydrobid.pipeline.ports import Callbacks, Clock, Documents, Exchange
from hydrobid.pipeline.submit_bid import (
    submit_asset_bid,
    submit_at_cut_off,
    submit_for_desk,
)

Message = (
    AssetBid
    | CutOffReached
    | ApprovalDecided
    | HoldChanged
    | GuardTick
    | ResultsDue
    | DryRunAsked
    | AlertSweep
)
_FORMS: tuple[type[AssetBid | HoldChanged | ApprovalDecided | ResultsDue | DryRunAsked], ...] = (
    AssetBid,
    HoldChanged,
    ApprovalDecided,
    ResultsDue,
    DryRunAsked,
)
"""Of topics that have one form of message."""


@dataclass(frozen=True)
class _Wired:
    settings: SubmissionSettings
    documents: Documents
    clock: Clock
    exchange: Exchange
    callbacks: Callbacks


@lru_cache(maxsize=1)
def _wired() -> _Wired:
    settings = SubmissionSettings()
    documents = FirestoreDocuments(settings.project, database_id(settings.client))
    clock = SystemClock(settings.clock_file)
    rehearsal = settings.exchange_rehearsal
    exchange = (
        RehearsalExchange(documents, clock)
        if rehearsal
        else exchange_of(settings, documents, clock)
    )
    return _Wired(settings, documents, clock, exchange, HttpCallbacks())


def submit(source: str, at: str, data: Any) -> Done:
    """Act on a pushed message of any of its topics, and return what came of it.

    at: when the message was published, ISO 8601. Raises:
        HydrobidError: as the use cases do, or the message is not of its topic's form.
    """
    wired = _wired()
    message = _message_of(wired.settings.client, source, data)
    label(message.to_document())
    check_client(wired.settings.client, message.client)
    with alerts_sent("submission", message.client, wired.documents, wired.clock):
        told, facts = _act(wired, message, at)
    return Done(f"{pushed_topic(source)} handled: {told}", {**message.to_document(), **facts})


def _message_of(client: ClientId, source: str, data: Any) -> Message:
    topic = pushed_topic(source)
    forms = {resource_id(client, form.topic): form for form in _FORMS}
    if topic in forms:
        return pushed_message(forms[topic], data)
    if topic == resource_id(client, CutOffReached.topic):
        content = pushed_content(data)
        if "run" in content:
            return CutOffReached.from_document(content)
        return (AlertSweep if "sweep" in content else GuardTick).from_document(content)
    raise CorruptDocument(f"a message of topic {topic}, which is not for {client}", topic=topic)


def _act(wired: _Wired, message: Message, at: str) -> tuple[str, dict[str, Any]]:
    """Return what came of a message, in words and as facts for its line."""
    ports = (wired.documents, wired.clock, wired.exchange, wired.callbacks)
    holder = uuid.uuid4().hex  # a lease is held by one call; no content depends on it
    match message:
        case GuardTick():
            return _guarded(guard_gate(*ports, message, parse_instant(at), holder))
        case ResultsDue():
            results = len(fetch_results(wired.documents, wired.clock, wired.exchange))
            return f"{results} new results", {"results": results}
        case DryRunAsked():
            done = do_dry_run(wired.documents, wired.clock, wired.exchange, message)
            told = f"dry run of {message.price_area}, {len(done.findings)} findings"
            return told, {"findings": len(done.findings)}
        case AlertSweep():
            return "alerts told", {}  # as every call does when it ends
        case AssetBid():
            state = submit_asset_bid(*ports, message, holder)
        case CutOffReached():
            state = submit_at_cut_off(*ports, message, holder)
        case _:
            state = submit_for_desk(*ports, message, holder)
    return _ended(state)


def _ended(state: RunState | None) -> tuple[str, dict[str, Any]]:
    told = f"run {state}" if state else "the run is not finished"
    return told, {"state": state or "unfinished"}


def _guarded(found: Guarded) -> tuple[str, dict[str, Any]]:
    """Tell a tick at a gate from one with nothing to guard: only the former is counted."""
    if found.day is None:
        return "no gate is near", {}
    told, facts = _ended(found.state)
    return told, {"guarded": found.day.isoformat(), **facts}
