"""The desk decides on a bid: approves it, alone or as one of two people, or rejects it.

A decision is about content that somebody has looked at, named by its digest: a bid that has changed
meanwhile is not decided on. What is approved is wanted from the same transaction on, so that no
crash leaves an approved bid behind; submission is told after, and again by whoever repeats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hydrobid.domain.approval import Approval, Signature, same_person
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import (
    BidChanged,
    BidDecided,
    BidFaulty,
    NotAllowed,
)
from hydrobid.domain.holds import Act
from hydrobid.domain.identifiers import PriceArea, RunId
from hydrobid.domain.messages import ApprovalDecided
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.states import (
    Actor,
    ApprovalState,
    AreaState,
    Entity,
    check_transition,
)
from hydrobid.pipeline import paths
from hydrobid.pipeline.alerts import resolve_alerts
from hydrobid.pipeline.approval_alerts import (
    decided_elsewhere,
    decided_later,
    telling_of_approval,
)
from hydrobid.pipeline.area_records import area_at, check_content, check_open
from hydrobid.pipeline.order_records import has_newer, order_at, wanting
from hydrobid.pipeline.ports import Clock, Documents, Messages, Transaction
from hydrobid.pipeline.recording import record_writes
from hydrobid.pipeline.run_inputs import configuration_in, plan_of

Decision = Literal[ApprovalState.APPROVED, ApprovalState.REJECTED]


@dataclass(frozen=True)
class NamedBid:
    """The bid of a run for a price area that has this content."""

    run: RunId
    price_area: PriceArea
    matrix: str


def decide_approval(
    documents: Documents,
    clock: Clock,
    messages: Messages,
    bid: NamedBid,
    decision: Decision,
    act: Act,
) -> AreaRecord:
    """Return a bid's record with a person's decision on it.

    Where two people are asked for, the first approval is a signature, and the bid still waits. The
    same decision again changes nothing, and tells submission again.

    Raises:
        NotFound: no such run or price area. BidChanged: another content waits, or a newer run's bid
        was approved. BidDecided: it was decided otherwise. BidFaulty: it does not pass its checks.
        NotAllowed: whoever changed a bid does not approve it. GateClosed: it is too late.
    """
    plan = plan_of(documents, bid.run)
    desk = _Desk(clock, configuration_in(documents, plan), plan, bid, decision, act)
    record = documents.transact(desk.decide)
    if record.approval is not None:
        told_else = (*decided_elsewhere(record), *decided_later(documents, record))
        resolve_alerts(documents, clock, told_else)
        messages.publish(
            ApprovalDecided(client=plan.client, run=plan.run, price_area=bid.price_area)
        )
    return record


@dataclass(frozen=True)
class _Desk:
    """A decision, and all that it takes to make it."""

    clock: Clock
    configuration: ClientConfiguration
    plan: Plan
    bid: NamedBid
    decision: Decision
    act: Act

    def decide(self, transaction: Transaction) -> AreaRecord:
        """Return the record after the decision; it is left as it is where that was made before."""
        before = area_at(transaction, self.plan, self.bid.price_area)
        check_content(before, self.bid.matrix)
        if self._made_before(before):
            return before
        self._check(transaction, before)
        update = self._update(before)
        after = before.model_copy(update=update)
        event = "signed"
        if after.approval is not None and after.approval != before.approval:
            made = None if before.approval is None else before.approval.state
            check_transition(Entity.APPROVAL, made, after.approval.state, Actor.DESK)
            event = after.approval.state.lower()
        path = paths.area(self.plan.run, self.plan.portfolio, self.bid.price_area)
        record, writes = record_writes(
            path,
            after,
            before,
            run=self.plan.run,
            event=f"area-{event}",
            actor=Actor.DESK,
            clock=self.clock,
            data={
                "bid_version": before.bid_version,
                "matrix": before.matrix,
                "approvers": [signature.by for signature in after.signatures],
                **self.act.to_document(),
            },
        )
        _, wanted = wanting(transaction, self.clock, self.plan, record)
        told = telling_of_approval(transaction, self.clock, self.configuration, before, record)
        transaction.write(*writes, *wanted, *told)
        return record

    def _made_before(self, record: AreaRecord) -> bool:
        if record.approval is not None and record.approval.state is self.decision:
            return True
        approving = self.decision is ApprovalState.APPROVED
        return approving and any(same_person(s.by, self.act.by) for s in record.signatures)

    def _check(self, transaction: Transaction, record: AreaRecord) -> None:
        check_open(self.clock, self.plan)
        area, approval = record.price_area, record.approval
        if record.state is AreaState.REFUSED:
            raise BidFaulty(
                f"the bid for {area} does not pass its checks",
                findings=[finding.to_document() for finding in record.findings],
            )
        if approval is not None and approval.state is not ApprovalState.EXPIRED:
            raise BidDecided(
                f"the bid for {area} was {approval.state.lower()} by {approval.by} before",
                approval=approval.to_document(),
            )
        order = order_at(transaction, paths.order(record.run, record.portfolio, area))
        if has_newer(order, record):
            raise BidChanged(f"a newer bid for {area} was approved already", price_area=area)
        override = record.override
        approving = self.decision is ApprovalState.APPROVED
        if approving and override is not None and same_person(override.by, self.act.by):
            raise NotAllowed(
                f"{override.by} changed the bid for {area}: another person has to approve it",
                by=override.by,
            )

    def _update(self, record: AreaRecord) -> dict[str, Any]:
        """Return the fields that the decision changes."""
        now = self.clock.now()
        signatures = record.signatures
        names = [self.act.by]
        if self.decision is ApprovalState.APPROVED:
            signatures = (*signatures, Signature(at=now, **dict(self.act)))
            names = [signature.by for signature in signatures]
            if len(signatures) < self.configuration.approval.people:
                return {"signatures": signatures}
        approval = Approval(
            state=self.decision,
            digest=self.bid.matrix,
            by=" and ".join(names),
            at=now,
            reason=self.act.reason,
        )
        return {"signatures": signatures, "approval": approval}
