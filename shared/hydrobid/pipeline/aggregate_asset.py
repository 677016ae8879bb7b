"""The aggregator's use case: from the outcomes that are there to an asset's partial bid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from hydrobid.bidding.coverage import coverage_of, shortfall
from hydrobid.bidding.methods import method_of
from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.coverage import Coverage
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import AssetId, RunId, ScenarioId
from hydrobid.domain.messages import AssetBid, AssetSettled
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.domain.records import AssetRecord, ScenarioOutcome
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.states import Actor, AssetState, Entity, OutcomeState, check_transition
from hydrobid.pipeline import paths
from hydrobid.pipeline.absence import reasons_of_absence
from hydrobid.pipeline.alerts import later_revisions, raising, resolve_alerts, through_revisions
from hydrobid.pipeline.blobs import put_blob
from hydrobid.pipeline.fallback_bid import fallback_bid
from hydrobid.pipeline.joint_bid import JOINT_USED, JointBid, joint_outcome
from hydrobid.pipeline.ports import Clock, Documents, Messages, Transaction, Write
from hydrobid.pipeline.read_run import read_outcomes
from hydrobid.pipeline.recording import record_writes
from hydrobid.pipeline.run_inputs import asset_inputs, asset_plan, plan_of


def aggregate_asset(
    documents: Documents, clock: Clock, messages: Messages, message: AssetSettled
) -> AssetRecord:
    """Settle an asset on what is there and tell submission, again if it was settled before.

    Raises:
        NotFound: no such run or asset.
    """
    plan = plan_of(documents, message.run)
    record = settle_asset(
        documents, clock, plan, message.asset, cause=message.cause, actor=Actor.AGGREGATOR
    )
    messages.publish(
        AssetBid(
            client=plan.client,
            run=plan.run,
            asset=record.asset,
            version=record.version,
            execution=message.execution,
        )
    )
    return record


def settle_asset(
    documents: Documents,
    clock: Clock,
    plan: Plan,
    asset_id: AssetId,
    *,
    cause: str,
    actor: Actor,
) -> AssetRecord:
    """Return the asset's record, written anew where the outcomes cover more than it does.

    Once the gate has closed a record stays as it is: a better bid could not be sent any more.
    """
    asset = asset_plan(plan, asset_id)
    path = paths.asset(plan.run, asset.asset)
    outcomes = read_outcomes(documents, plan.run, asset.asset, asset.scenarios)
    known = documents.get(path)
    settled = None if known is None else AssetRecord.from_document(known)
    joint = joint_outcome(documents, plan, asset)
    if settled is not None and (_is_closed(clock, plan) or _rests_on_all(settled, outcomes, joint)):
        resolve_alerts(documents, clock, _mended(documents, settled))
        return settled
    draft = _draft(documents, plan, asset, outcomes, joint, cause)

    def keep_the_better(transaction: Transaction) -> AssetRecord:
        stored = transaction.get(path)
        before = None if stored is None else AssetRecord.from_document(stored)
        if before is not None and (_is_closed(clock, plan) or _worth(before) >= _worth(draft)):
            return before
        check_transition(Entity.ASSET, before.state if before else None, draft.state, actor)
        record, writes = record_writes(
            path,
            draft,
            before,
            run=plan.run,
            event=f"asset-{draft.state.lower()}",
            actor=actor,
            clock=clock,
            data={
                "cause": cause,
                "matrix": draft.matrix,
                "solved": draft.coverage.solved,
                "planned": draft.coverage.planned,
                "missing": dict(draft.coverage.missing),
                **({} if draft.joint is None else {"joint": draft.joint}),
                "unsafe": draft.unsafe,
                "fallback": draft.fallback,
            },
        )
        transaction.write(*writes, *_alert(transaction, clock, record))
        return record

    record = documents.transact(keep_the_better)
    resolve_alerts(documents, clock, _mended(documents, record))
    return record


def _is_closed(clock: Clock, plan: Plan) -> bool:
    return clock.now() >= plan.cut_offs.gate


def _rests_on_all(
    record: AssetRecord,
    outcomes: Mapping[ScenarioId, ScenarioOutcome],
    joint: JointBid | None,
) -> bool:
    """Whether there is nothing to make a better bid from: outcomes are never changed or removed."""
    if record.joint == JOINT_USED:
        return True
    if joint is not None and joint.found:
        return False
    solved = sum(outcome.state is OutcomeState.SOLVED for outcome in outcomes.values())
    return record.state is not AssetState.FAILED and record.coverage.solved >= solved


def _worth(record: AssetRecord) -> tuple[int, float]:
    """Return what records are compared by: the state, and how much of the set a bid covers."""
    ranks = (AssetState.FAILED, AssetState.FALLBACK, AssetState.PARTIAL, AssetState.COMPLETE)
    covers = record.coverage.probability if record.unsafe is None else 0.0
    covers = 1.0 if record.joint == JOINT_USED else covers
    return ranks.index(record.state), covers


def _draft(
    documents: Documents,
    plan: Plan,
    asset: AssetPlan,
    outcomes: Mapping[ScenarioId, ScenarioOutcome],
    joint: JointBid | None,
    cause: str,
) -> AssetRecord:
    configuration, own, scenarios = asset_inputs(documents, plan, asset)
    coverage = _coverage(documents, plan.run, asset, scenarios, outcomes)
    shared = None if joint is None else joint.bid(documents, plan, configuration, own, scenarios)
    unsafe = shortfall(own.coverage, scenarios, asset.price_area, coverage)
    fallback = None
    bid: BidMatrix | None
    if shared is not None:
        bid, unsafe, state = shared, None, AssetState.COMPLETE
    elif unsafe is None:
        solved = {s: np.asarray(o.volumes) for s, o in outcomes.items() if o.volumes is not None}
        grid = configuration.market.grid(plan.run.day)
        bid = method_of(own).bid(configuration.market, grid, own, scenarios, solved)
        # Where independent scenarios stand in for a joint task, its bid may still come.
        whole = coverage.complete and joint is None
        state = AssetState.COMPLETE if whole else AssetState.PARTIAL
    else:
        bid, fallback = fallback_bid(documents, plan, configuration.market, own)
        state = AssetState.FALLBACK if bid is not None else AssetState.FAILED
    return AssetRecord(
        run=plan.run,
        asset=asset.asset,
        price_area=asset.price_area,
        state=state,
        coverage=coverage,
        joint=None if joint is None else joint.state,
        matrix=None if bid is None else put_blob(documents, bid.to_document()),
        unsafe=unsafe,
        fallback=fallback,
        cause=cause,
    )


def _coverage(
    documents: Documents,
    run: RunId,
    asset: AssetPlan,
    scenarios: ScenarioSet,
    outcomes: Mapping[ScenarioId, ScenarioOutcome],
) -> Coverage:
    reasons = {
        scenario: str(outcome.failure["code"])
        for scenario, outcome in outcomes.items()
        if outcome.failure is not None
    }
    absent = [scenario for scenario in asset.scenarios if scenario not in outcomes]
    if absent:
        reasons.update(reasons_of_absence(documents, run, asset, absent))
    solved = {s for s, outcome in outcomes.items() if outcome.state is OutcomeState.SOLVED}
    return coverage_of(scenarios, asset.price_area, asset.scenarios, solved, reasons)


def _alert(transaction: Transaction, clock: Clock, record: AssetRecord) -> tuple[Write, ...]:
    """Tell that the scenarios give no bid: critical where nothing else gives one."""
    if record.unsafe is None:
        return ()
    failed = record.state is AssetState.FAILED
    code = AlertCode.ASSET_WITHOUT_BID if failed else AlertCode.ASSET_ON_FALLBACK
    instead = "it has no bid" if failed else f"its bid comes from {record.fallback}"
    return raising(
        transaction,
        clock,
        Cause(str(record.run), code, record.asset),
        f"{record.asset}: {record.unsafe}; {instead}",
        {
            "asset": record.asset,
            "price_area": record.price_area,
            "solved": record.coverage.solved,
            "planned": record.coverage.planned,
            "missing": dict(record.coverage.missing),
            "cause": record.cause,
        },
    )


def _mended(documents: Documents, record: AssetRecord) -> Iterator[Cause]:
    """Yield what is no longer so, in this run or an earlier one, by its bid or a later one's."""
    later = later_revisions(documents, record.run) if record.unsafe is not None else []
    stored = documents.get_many([paths.asset(run, record.asset) for run in later])
    for bid in (record, *(AssetRecord.from_document(document) for document in stored if document)):
        if bid.state is not AssetState.FAILED:
            yield from through_revisions(bid.run, AlertCode.ASSET_WITHOUT_BID, bid.asset)
        if bid.unsafe is None:
            yield from through_revisions(bid.run, AlertCode.ASSET_ON_FALLBACK, bid.asset)
