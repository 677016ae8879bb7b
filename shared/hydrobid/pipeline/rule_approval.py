"""Approval by rule, for clients that have chosen so, and which bids it leaves to people all the same.

Those that would take the place of what a person has changed, and those that lack an asset which an
approved bid of an older revision has: what stands is the better bid until somebody says otherwise.
"""

from __future__ import annotations

from hydrobid.domain.approval import BY_RULE, Approval, ApprovalMode
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import CorruptDocument
from hydrobid.domain.identifiers import AssetId
from hydrobid.domain.orders import INSTEAD, OrderRecord, Wanted
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.states import Actor, ApprovalState, AreaState, Entity, check_transition
from hydrobid.pipeline import paths
from hydrobid.pipeline.approval_alerts import telling_of_approval
from hydrobid.pipeline.area_records import area_at
from hydrobid.pipeline.order_records import has_newer, order_at
from hydrobid.pipeline.ports import Clock, Documents, Transaction
from hydrobid.pipeline.recording import record_writes
from hydrobid.pipeline.run_inputs import configuration_in


def approval_by_rule(clock: Clock, matrix: str) -> Approval:
    """Return the approval of a bid that has passed its checks."""
    return Approval(state=ApprovalState.APPROVED, digest=matrix, by=BY_RULE, at=clock.now())


def decided_by_rule(
    transaction: Transaction,
    clock: Clock,
    configuration: ClientConfiguration,
    bid: AreaRecord,
    order: OrderRecord | None,
) -> AreaRecord:
    """Return a bid that nobody has decided on, approved where that is for a rule to say."""
    if bid.state is AreaState.REFUSED or bid.matrix is None:
        return bid
    if configuration.approval is not ApprovalMode.AUTOMATIC:
        return bid
    due = None if order is None else order.due
    if due is not None and (due.overridden or _lost(transaction, bid, due)):
        return bid
    check_transition(Entity.APPROVAL, None, ApprovalState.APPROVED, Actor.SUBMISSION)
    return bid.model_copy(update={"approval": approval_by_rule(clock, bid.matrix)})


def decided_after_all(
    documents: Documents, clock: Clock, plan: Plan, waiting: AreaRecord
) -> AreaRecord:
    """Return a bid that was left to people, approved by rule where it stands in for nothing better now.

    As when the exchange has refused since what was approved before. A person's own change is not for
    a rule to approve.
    """
    if not waiting.pending or waiting.override is not None or clock.now() >= plan.cut_offs.gate:
        return waiting
    configuration = configuration_in(documents, plan)
    if configuration.approval is not ApprovalMode.AUTOMATIC:
        return waiting

    def decide(transaction: Transaction) -> AreaRecord:
        before = area_at(transaction, plan, waiting.price_area)
        order = order_at(transaction, paths.order(plan.run, plan.portfolio, waiting.price_area))
        if before != waiting:
            return before
        bid = decided_by_rule(transaction, clock, configuration, before, order)
        if bid.approval is None:
            return before
        record, writes = record_writes(
            paths.area(plan.run, plan.portfolio, waiting.price_area),
            bid,
            before,
            run=plan.run,
            event="area-approved",
            actor=Actor.SUBMISSION,
            clock=clock,
            data={"bid_version": bid.bid_version, "matrix": bid.matrix, "by": bid.approval.by},
        )
        quiet = has_newer(order, record)
        told = telling_of_approval(transaction, clock, configuration, before, record, quiet=quiet)
        transaction.write(*writes, *told)
        return record

    return documents.transact(decide)


def _lost(transaction: Transaction, bid: AreaRecord, due: Wanted) -> set[AssetId]:
    """Return the assets that a bid lacks and the bid of an older revision has, which it would replace."""
    if not bid.missing or due.bid_version == INSTEAD or due.run.revision >= bid.run.revision:
        return set()
    stored = transaction.get(paths.area(due.run, bid.portfolio, bid.price_area))
    if stored is None:
        return set()
    try:
        older = AreaRecord.from_document(stored)
    except CorruptDocument:
        return set(bid.missing)  # nobody knows what it lacks, and it stands
    return bid.missing.keys() & (older.assets.keys() - older.missing.keys())
