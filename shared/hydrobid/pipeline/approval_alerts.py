"""The alerts of a bid's approval: written in one transaction with the record that calls for them."""

from __future__ import annotations

from collections.abc import Iterator

from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.approval import BY_POLICY
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.states import ApprovalState
from hydrobid.pipeline.alerts import raising, resolving, through_revisions
from hydrobid.pipeline.ports import Clock, Transaction, Write

CODES = (AlertCode.APPROVAL_AWAITED, AlertCode.BID_UNAPPROVED, AlertCode.SENT_ON_SILENCE)


def telling_of_approval(
    transaction: Transaction,
    clock: Clock,
    configuration: ClientConfiguration,
    before: AreaRecord | None,
    after: AreaRecord,
    *,
    quiet: bool = False,
) -> tuple[Write, ...]:
    """Return the writes that tell where a bid stands with its approvers, where that has changed.

    quiet: whether nothing is raised, since a newer bid of the price area is what counts.
    """
    gone = None if before is None else _calls_for(before)
    found = None if quiet else _calls_for(after)
    if gone == found:
        return ()
    run, area = str(after.run), after.price_area
    writes = () if gone is None else resolving(transaction, clock, Cause(run, gone, area))
    if found is None:
        return writes
    message = _message(configuration, found, after)
    context = {
        "price_area": area,
        "matrix": after.matrix,
        "approval": None if after.approval is None else after.approval.to_document(),
        "findings": [finding.to_document() for finding in after.findings],
    }
    raised = raising(transaction, clock, Cause(run, found, area), message, context)
    return (*writes, *raised)


def decided_elsewhere(record: AreaRecord) -> Iterator[Cause]:
    """Yield what an approved bid ends of the approvals of earlier revisions' bids."""
    if record.approval is None or record.approval.state is not ApprovalState.APPROVED:
        return
    for code in CODES:
        *earlier, _ = through_revisions(record.run, code, record.price_area)
        yield from earlier


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


def _message(configuration: ClientConfiguration, code: AlertCode, record: AreaRecord) -> str:
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
    return f"nobody decided on the bid for {area} in time, and it was not sent"
