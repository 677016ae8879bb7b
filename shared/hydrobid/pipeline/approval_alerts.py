"""The alerts of a bid's approval: written in one transaction with the record that calls for them."""

from __future__ import annotations

from collections.abc import Iterator

from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.approval import BY_POLICY
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.orders import INSTEAD, Wanted
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.states import ApprovalState
from hydrobid.pipeline.alerts import raising, resolving, through_revisions
from hydrobid.pipeline.area_records import later_bids
from hydrobid.pipeline.ports import Clock, Documents, Transaction, Write

CODES = (AlertCode.APPROVAL_AWAITED, AlertCode.BID_UNAPPROVED, AlertCode.SENT_ON_SILENCE)


def telling_of_approval(
    transaction: Transaction,
    clock: Clock,
    configuration: ClientConfiguration,
    before: AreaRecord | None,
    after: AreaRecord,
    *,
    quiet: bool = False,
    due: Wanted | None = None,
) -> tuple[Write, ...]:
    """Return the writes that tell where a bid stands with its approvers, where that has changed.

    quiet: whether nothing is raised, since a newer bid of the price area is what counts. due: what
    the order holds instead of a bid that has expired.
    """
    gone = None if before is None else _calls_for(before)
    found = None if quiet else _calls_for(after)
    if gone == found:
        return ()
    run, area = str(after.run), after.price_area
    writes = () if gone is None else resolving(transaction, clock, Cause(run, gone, area))
    if found is None:
        return writes
    message = _message(configuration, found, after, due)
    context = {
        "price_area": area,
        "matrix": after.matrix,
        "approval": None if after.approval is None else after.approval.to_document(),
        "findings": [finding.to_document() for finding in after.findings],
    }
    raised = raising(transaction, clock, Cause(run, found, area), message, context)
    return (*writes, *raised)


def decided_elsewhere(record: AreaRecord) -> Iterator[Cause]:
    """Yield what a bid ends of the approvals of earlier revisions' bids: where it is approved, all.

    Where it waits for people, that an earlier one was not approved.
    """
    approved = record.approval is not None and record.approval.state is ApprovalState.APPROVED
    unapproved = (AlertCode.BID_UNAPPROVED,) if record.pending else ()
    for code in CODES if approved else unapproved:
        *earlier, _ = through_revisions(record.run, code, record.price_area)
        yield from earlier


def decided_later(documents: Documents, record: AreaRecord) -> Iterator[Cause]:
    """Yield what newer revisions' bids have ended before this one was found not to be approved."""
    if record.approval is None or record.approval.state is ApprovalState.APPROVED:
        return
    for newer in later_bids(documents, record):
        yield from decided_elsewhere(newer)


def _calls_for(record: AreaRecord) -> AlertCode | None:
    approval = record.approval
    if record.pending:
        return AlertCode.APPROVAL_AWAITED
    if approval is None:
        return None
    if approval.state is not ApprovalState.APPROVED:
        sent = approval.instead is not None
        return AlertCode.SENT_ON_SILENCE if sent else AlertCode.BID_UNAPPROVED
    return AlertCode.SENT_ON_SILENCE if approval.by.startswith(BY_POLICY) else None


def _message(
    configuration: ClientConfiguration, code: AlertCode, record: AreaRecord, due: Wanted | None
) -> str:
    area, approval = record.price_area, record.approval
    if approval is None:
        people = configuration.approval.people
        lacks = f", and lacks {', '.join(sorted(record.missing))}" if record.missing else ""
        return f"the bid for {area} waits for {people} to approve it{lacks}"
    if code is AlertCode.SENT_ON_SILENCE:
        which = "today's" if approval.instead is None else "yesterday's"
        return f"nobody decided on the bid for {area} in time: {which} was sent"
    if approval.state is ApprovalState.REJECTED:
        return f"the bid for {area} was rejected by {approval.by}: {approval.reason}"
    what = f"nobody decided on the bid for {area} in time"
    if record.override is not None:
        what = f"what {record.override.by} changed of the bid for {area} was not approved in time"
    return f"{what}, and it was not sent: {_what_stays(due)}"


def _what_stays(due: Wanted | None) -> str:
    """Return in words what an order holds where nothing new is sent."""
    if due is None:
        return "nothing takes its place"
    if due.overridden:
        return "the bid that a person changed stays"
    return "yesterday's stays" if due.bid_version == INSTEAD else "the bid approved before stays"
