"""What happens to bids that nobody has decided on by the approval cut-off: the client's policy acts.

Silence is no decision. A bid that was left undecided may still be approved before the gate, and then
takes the place of what the policy has sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from hydrobid.domain.approval import BY_POLICY, Approval, OnSilence
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.identifiers import PriceArea
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
from hydrobid.pipeline.approval_alerts import decided_elsewhere, telling_of_approval
from hydrobid.pipeline.area_records import area_at
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
        resolve_alerts(documents, clock, decided_elsewhere(record))


@dataclass(frozen=True)
class _Silence:
    """One bid that waits. quiet: whether a newer one was acted on, so that this only expires."""

    clock: Clock
    configuration: ClientConfiguration
    plan: Plan
    price_area: PriceArea
    yesterday: str | None
    quiet: bool

    @classmethod
    def about(cls, documents: Documents, clock: Clock, record: AreaRecord, quiet: bool) -> _Silence:
        plan, area = plan_of(documents, record.run), record.price_area
        configuration = configuration_in(documents, plan)
        yesterday = None
        if configuration.on_silence is OnSilence.SUBMIT_YESTERDAY and not quiet:
            yesterday = _yesterday_that_passes(documents, configuration, plan, record)
        return cls(clock, configuration, plan, area, yesterday, quiet)

    def decide(self, transaction: Transaction) -> AreaRecord:
        """Write down what the policy says, where the bid still waits; return it as it is then."""
        before = area_at(transaction, self.plan, self.price_area)
        if not before.pending:
            return before
        approval, quiet = self._by_policy(transaction, before)
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
            transaction, self.clock, self.configuration, before, record, quiet=quiet
        )
        transaction.write(*writes, *wanted, *told)
        return record

    def _by_policy(self, transaction: Transaction, record: AreaRecord) -> tuple[Approval, bool]:
        """Return what the policy decides as things are now, and whether it is no news to anybody."""
        policy, now = self.configuration.on_silence, self.clock.now()
        order = order_at(transaction, paths.order(record.run, record.portfolio, record.price_area))
        quiet = self.quiet or has_newer(order, record)
        state, instead = ApprovalState.EXPIRED, None
        if not quiet and now < self.plan.cut_offs.gate:
            if policy is OnSilence.SUBMIT:
                state = ApprovalState.APPROVED
            elif order is None or order.due is None:
                # What was approved before for the day is better than what was for yesterday.
                instead = self.yesterday
        by = f"{BY_POLICY}{policy}"
        digest = record.matrix or ""
        return Approval(state=state, digest=digest, by=by, at=now, instead=instead), quiet


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
