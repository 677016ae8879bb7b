"""Alerts: raised once for a cause, resolved when it goes, and told until somebody was reached.

The alert's document is its own outbox. It is written UNSENT, where possible in one transaction with
what it tells of, and whoever sweeps later tells it: no crash in between can lose it. Telling is at
least once; the alert's id and version say what is a repetition.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hydrobid.domain.alerts import CATALOGUE, AlertCode, Cause, Delivery, Severity
from hydrobid.domain.errors import HydrobidError, PermanentError
from hydrobid.domain.identifiers import RunId
from hydrobid.domain.records import Alert
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Clock, Documents, Notifier, Put, Transaction, Write
from hydrobid.pipeline.read_run import newest_run

Still = Callable[[Transaction], bool]


def _always(_transaction: Transaction) -> bool:
    return True


def raise_alert(
    documents: Documents,
    clock: Clock,
    cause: Cause,
    message: str,
    context: dict[str, Any],
    *,
    still: Still = _always,
) -> None:
    """Have people told of a cause, where it is `still` there; an alert that is open stays as it is."""

    def tell(transaction: Transaction) -> None:
        if still(transaction):
            transaction.write(*raising(transaction, clock, cause, message, context))

    documents.transact(tell)


def raising(
    transaction: Transaction, clock: Clock, cause: Cause, message: str, context: dict[str, Any]
) -> tuple[Write, ...]:
    """Return the writes that raise an alert, none where it is open; one resolved is raised again."""
    before = _alert_at(transaction, cause)
    if before is None:
        entry = CATALOGUE[cause.code]
        alert = Alert(
            id=cause.id,
            severity=entry.severity,
            code=cause.code,
            message=message,
            done=entry.done,
            action=entry.action,
            run=cause.run,
            subject=cause.subject,
            at=clock.now(),
            context=context,
        )
    elif before.resolved is not None:
        alert = before.changed(message=message, context=context, at=clock.now(), resolved=None)
    else:
        return ()
    return (Put(paths.alert(alert.id), alert.to_document()),)


def resolve_alerts(
    documents: Documents, clock: Clock, causes: Iterable[Cause], *, still: Still = _always
) -> None:
    """Resolve what is open of the alerts for causes that have gone, where they `still` have."""
    listed = list(causes)
    stored = documents.get_many([paths.alert(cause.id) for cause in listed])
    for cause, document in zip(listed, stored, strict=True):
        if document is not None and document["resolved"] is None:
            _resolve(documents, clock, cause, still)


def resolving(transaction: Transaction, clock: Clock, cause: Cause) -> tuple[Write, ...]:
    """Return the writes that resolve an alert, none where it is not open."""
    before = _alert_at(transaction, cause)
    if before is None or before.resolved is not None:
        return ()
    return (Put(paths.alert(cause.id), before.changed(resolved=clock.now()).to_document()),)


def through_revisions(newest: RunId, code: AlertCode, subject: str) -> list[Cause]:
    """Return a cause in a run and in every earlier revision: what mends the day mends them all."""
    return [Cause(str(run), code, subject) for run in newest.revisions]


def later_revisions(documents: Documents, run: RunId) -> list[RunId]:
    """Return the newer revisions of a run's day, oldest first.

    What one of them has mended before a run raised it there, it could not resolve: whoever raises
    looks at them afterwards.
    """
    newest = newest_run(documents, run.market, run.day) or run
    return list(newest.revisions[run.revision :])


SWEEP = timedelta(seconds=15)
"""For how long alerts are told at the end of a call; what is left then is the next one's."""


@dataclass(frozen=True)
class Untold:
    """An alert that a channel did not take, and why. The next sweep tries again.

    channel: None where the alert itself cannot be read.
    """

    alert: str
    channel: str | None
    error: HydrobidError


def send_alerts(
    documents: Documents, clock: Clock, notifiers: Sequence[Notifier]
) -> tuple[Untold, ...]:
    """Tell every alert that is unsent, the critical ones first; return what could not be told.

    One channel after the other, so that a slow one costs those before it nothing: the log comes
    first. A channel that does not answer is not tried again in this sweep, and after `SWEEP` none
    is, so that their timeouts do not add up. It may be the alert that a channel cannot take: what
    was tried in vain is tried last in the next sweep, so that none keeps the others from being told.
    """
    channels = {notifier.channel for notifier in notifiers}
    alerts, untold = _unsent(documents)
    until = clock.real_now() + SWEEP
    for notifier in notifiers:
        for alert in alerts:
            if notifier.channel in alert.told:
                continue
            if clock.real_now() > until:
                break
            error = _failure_of(notifier, alert)
            if error is not None:
                untold.append(Untold(alert.id, notifier.channel, error))
            if error is None:
                _note_told(documents, clock, alert, {notifier.channel}, channels)
            elif error.retryable:
                _note_told(documents, clock, alert, set(), channels, in_vain=True)
                break
    for alert in alerts:
        if channels.issubset(alert.told):  # whoever was to be told besides is no channel any more
            _note_told(documents, clock, alert, set(), channels)
    return tuple(untold)


def _unsent(documents: Documents) -> tuple[list[Alert], list[Untold]]:
    """Return the alerts that are to be told, in order, and those that cannot be read."""
    alerts: list[Alert] = []
    unreadable: list[Untold] = []
    for name, document in documents.find(paths.ALERTS, delivery=Delivery.UNSENT).items():
        try:
            alerts.append(Alert.from_document(document))
        except HydrobidError as error:
            unreadable.append(Untold(name, None, error))
    return sorted(alerts, key=_turn), unreadable


def _failure_of(notifier: Notifier, alert: Alert) -> HydrobidError | None:
    """Tell an alert; return why that failed. What nobody foresaw is of its kind, without its words."""
    error: HydrobidError | None = None
    try:
        notifier.notify(alert)
    except HydrobidError as failure:
        error = failure
    except Exception as failure:  # noqa: BLE001 - the other alerts and channels are to be told
        error = PermanentError(f"{notifier.channel}: {type(failure).__name__}")
    return error


def _turn(alert: Alert) -> tuple[float, bool, datetime, str]:
    """Return an alert's place in a sweep: new ones, the critical first, then the longest untried."""
    tried = -math.inf if alert.sent is None else alert.sent.timestamp()
    return tried, alert.severity is not Severity.CRITICAL, alert.at, alert.id


def _note_told(
    documents: Documents,
    clock: Clock,
    alert: Alert,
    told: set[str],
    channels: set[str],
    *,
    in_vain: bool = False,
) -> None:
    """Note how a version was told, or tried in vain; a newer version is left to be told."""

    def note(transaction: Transaction) -> None:
        stored = _alert_at(transaction, alert.cause)
        if stored is None or stored.version != alert.version:
            return
        everybody = told.union(stored.told)
        update: dict[str, Any] = {"told": tuple(sorted(everybody))}
        if in_vain:
            update["sent"] = clock.now()
        if channels <= everybody:
            update |= {"delivery": Delivery.SENT, "sent": clock.now()}
        noted = stored.model_copy(update=update)
        transaction.write(Put(paths.alert(alert.id), noted.to_document()))

    documents.transact(note)


def _resolve(documents: Documents, clock: Clock, cause: Cause, still: Still) -> None:
    def resolve(transaction: Transaction) -> None:
        if still(transaction):
            transaction.write(*resolving(transaction, clock, cause))

    documents.transact(resolve)


def _alert_at(transaction: Transaction, cause: Cause) -> Alert | None:
    stored = transaction.get(paths.alert(cause.id))
    return None if stored is None else Alert.from_document(stored)
