"""What happens to bids that nobody has decided on by the approval cut-off: the client's policy acts.

Silence is no decision. A bid that was left undecided may still be approved before the gate, and then
takes the place of what the policy has sent. What a person has changed is for people alone: silence
neither sends a change nor puts anything in the place of one that was approved.
"""

from __future__ import annotations

from dataclasses import dataclass

from hydrobid.domain.approval import BY_POLICY, Approval, OnSilence
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.orders import INSTEAD, OrderRecord, Wanted
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.states import (
    Actor,
    ApprovalState,
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
from hydrobid.pipeline.area_records import area_at, later_bids
from hydrobid.pipeline.blobs import put_blob
from hydrobid.pipeline.check_auction import Asked, auction_findings
from hydrobid.pipeline.check_bid import check_bid, faulty
from hydrobid.pipeline.check_energy import background_of
from hydrobid.pipeline.order_records import has_newer, order_at, wanting
from hydrobid.pipeline.ports import Clock, Documents, Transaction
from hydrobid.pipeline.recording import record_writes
from hydrobid.pipeline.run_inputs import configuration_in, plan_of
from hydrobid.pipeline.yesterday import yesterdays_bid


def act_on_silence(
    documents: Documents,
    clock: Clock,
    plan: Plan,
    price_area: PriceArea,
) -> None:
    """Follow the client's policy for a price area's newest bid that waits; older ones just expire.

    Safe to repeat: what is decided stays so.
    """
    runs = reversed(plan.run.revisions)
    stored = documents.get_many([paths.area(run, plan.portfolio, price_area) for run in runs])
    acted = False
    for document in stored:
        if document is None:
            continue
        record = AreaRecord.from_document(document)
        if record.pending:
            record = documents.transact(_Silence.about(documents, clock, record, acted).decide)
        # Also by whoever died before the older ones.
        acted = acted or (record.approval is not None and record.approval.by.startswith(BY_POLICY))
        told_else = (*decided_elsewhere(record), *decided_later(documents, record))
        resolve_alerts(documents, clock, told_else)


@dataclass(frozen=True)
class _Silence:
    """One bid that waits. quiet: whether a newer one was acted on, so that this only expires.

    changed: whether people have changed a newer run's bid, and not decided on that.
    """

    clock: Clock
    configuration: ClientConfiguration
    plan: Plan
    price_area: PriceArea
    yesterday: str | None
    quiet: bool
    changed: bool

    @classmethod
    def about(cls, documents: Documents, clock: Clock, record: AreaRecord, quiet: bool) -> _Silence:
        plan, area = plan_of(documents, record.run), record.price_area
        configuration = configuration_in(documents, plan)
        yesterday, changed = None, False
        if configuration.on_silence is OnSilence.SUBMIT_YESTERDAY and not quiet:
            yesterday = _yesterday_that_passes(documents, configuration, plan, record)
        if configuration.on_silence is OnSilence.SUBMIT and not quiet:
            changed = any(map(_is_open_change, later_bids(documents, record)))
        return cls(clock, configuration, plan, area, yesterday, quiet, changed)

    def decide(self, transaction: Transaction) -> AreaRecord:
        """Write down what the policy says, where the bid still waits; return it as it is then."""
        before = area_at(transaction, self.plan, self.price_area)
        if not before.pending:
            return before
        order = order_at(transaction, paths.order(before.run, before.portfolio, self.price_area))
        quiet = self.quiet or has_newer(order, before)
        approval = self._by_policy(before, order, quiet)
        check_transition(Entity.APPROVAL, None, approval.state, Actor.SUBMISSION)
        record, writes = record_writes(
            paths.area(self.plan.run, self.plan.portfolio, self.price_area),
            before.model_copy(update={"approval": approval}),
            before,
            run=self.plan.run,
            event=f"area-{approval.state.lower()}",
            actor=Actor.SUBMISSION,
            clock=self.clock,
            data={
                "bid_version": before.bid_version,
                "matrix": approval.digest,
                "by": approval.by,
                "instead": approval.instead,
            },
        )
        _, wanted = wanting(transaction, self.clock, self.plan, record)
        told = telling_of_approval(
            transaction,
            self.clock,
            self.configuration,
            before,
            record,
            quiet=quiet,
            due=None if order is None else order.due,
        )
        transaction.write(*writes, *wanted, *told)
        return record

    def _by_policy(self, record: AreaRecord, order: OrderRecord | None, quiet: bool) -> Approval:
        """Return what the policy decides as things are now. quiet: a newer bid is what counts."""
        policy, now = self.configuration.on_silence, self.clock.now()
        due = None if order is None else order.due
        in_time = now < self.plan.cut_offs.gate
        state, instead = ApprovalState.EXPIRED, None
        if not quiet and policy is OnSilence.SUBMIT:
            if in_time and not (self.changed or _by_hand(record, due)):
                state = ApprovalState.APPROVED
        elif not quiet and policy is OnSilence.SUBMIT_YESTERDAY:
            if due is not None:
                # What was approved before for the day is better than what was for yesterday.
                sent = due.bid_version == INSTEAD and (in_time or due.run == record.run)
                instead = due.matrix if sent else None
            elif in_time and (order is None or self.yesterday not in order.refused):
                instead = self.yesterday
        by = f"{BY_POLICY}{policy}"
        return Approval(state=state, digest=record.matrix or "", by=by, at=now, instead=instead)


def _by_hand(record: AreaRecord, due: Wanted | None) -> bool:
    """Whether a bid is a person's change, or would take the place of one."""
    return record.override is not None or (due is not None and due.overridden)


def _is_open_change(record: AreaRecord) -> bool:
    """Whether a bid is a person's change that others may still approve."""
    decided = record.approval is not None and record.approval.state is not ApprovalState.EXPIRED
    return record.override is not None and not decided


def _yesterday_that_passes(
    documents: Documents, configuration: ClientConfiguration, plan: Plan, record: AreaRecord
) -> str | None:
    """Return the digest of yesterday's bid on today's MTUs, None where it may not be sent today."""
    area = record.price_area
    matrix = yesterdays_bid(documents, plan, configuration.market, area)
    if matrix is None:
        return None
    background = background_of(documents, configuration, plan, area)
    findings = (
        *check_bid(configuration, plan, area, matrix, {}, background),
        *auction_findings(configuration.market, plan, area, matrix, Asked(record.auction)),
    )
    if faulty(findings):
        return None
    return put_blob(documents, matrix.to_document())
