"""The aggregator's use case: from the outcomes that are there to an asset's partial bid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from hydrobid.bidding.coverage import coverage_of, shortfall
from hydrobid.bidding.methods import method_of
from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.coverage import Coverage
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import AssetId, RunId, ScenarioId
from hydrobid.domain.messages import AssetBid, AssetSettled
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.domain.records import (
    DEATHS_BEFORE_SKIPPING,
    AssetRecord,
    Attempt,
    ScenarioOutcome,
)
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.states import Actor, AssetState, Entity, OutcomeState, check_transition
from hydrobid.pipeline import paths
from hydrobid.pipeline.alerts import later_revisions, raising, resolve_alerts, through_revisions
from hydrobid.pipeline.blobs import put_blob
from hydrobid.pipeline.fallback_bid import fallback_bid
from hydrobid.pipeline.ports import Clock, Documents, Messages, Transaction, Write
from hydrobid.pipeline.read_run import read_outcomes
from hydrobid.pipeline.recording import record_writes
from hydrobid.pipeline.run_inputs import asset_at_day, asset_inputs, asset_plan, plan_of


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
    closed = clock.now() >= plan.cut_offs.gate
    if settled is not None and (closed or _rests_on_all(settled, outcomes)):
        resolve_alerts(documents, clock, _mended(documents, settled))
        return settled
    draft = _draft(documents, plan, asset, outcomes, cause)

    def keep_the_better(transaction: Transaction) -> AssetRecord:
        stored = transaction.get(path)
        before = None if stored is None else AssetRecord.from_document(stored)
        if before is not None and _worth(before) >= _worth(draft):
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
                "unsafe": draft.unsafe,
                "fallback": draft.fallback,
            },
        )
        transaction.write(*writes, *_alert(transaction, clock, record))
        return record

    record = documents.transact(keep_the_better)
    resolve_alerts(documents, clock, _mended(documents, record))
    return record


def _rests_on_all(record: AssetRecord, outcomes: Mapping[ScenarioId, ScenarioOutcome]) -> bool:
    """Whether there is nothing to make a better bid from: outcomes are never changed or removed."""
    solved = sum(outcome.state is OutcomeState.SOLVED for outcome in outcomes.values())
    return record.state is not AssetState.FAILED and record.coverage.solved >= solved


def _worth(record: AssetRecord) -> tuple[int, float]:
    """Return what records are compared by: the state, and how much of the set a bid covers."""
    ranks = (AssetState.FAILED, AssetState.FALLBACK, AssetState.PARTIAL, AssetState.COMPLETE)
    covers = record.coverage.probability if record.unsafe is None else 0.0
    return ranks.index(record.state), covers


def _draft(
    documents: Documents,
    plan: Plan,
    asset: AssetPlan,
    outcomes: Mapping[ScenarioId, ScenarioOutcome],
    cause: str,
) -> AssetRecord:
    configuration, _, scenarios = asset_inputs(documents, plan, asset)
    own = asset_at_day(documents, plan, configuration, asset.asset)
    coverage = _coverage(documents, plan.run, asset, scenarios, outcomes)
    unsafe = shortfall(own.coverage, scenarios, asset.price_area, coverage)
    fallback = None
    bid: BidMatrix | None
    if unsafe is None:
        solved = {s: np.asarray(o.volumes) for s, o in outcomes.items() if o.volumes is not None}
        grid = configuration.market.grid(plan.run.day)
        bid = method_of(own).bid(configuration.market, grid, own, scenarios, solved)
        state = AssetState.COMPLETE if coverage.complete else AssetState.PARTIAL
    else:
        bid, fallback = fallback_bid(documents, plan, configuration.market, own)
        state = AssetState.FALLBACK if bid is not None else AssetState.FAILED
    return AssetRecord(
        run=plan.run,
        asset=asset.asset,
        price_area=asset.price_area,
        state=state,
        coverage=coverage,
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
        reasons.update(_reasons_of_absence(documents, run, asset, absent))
    solved = {s for s, outcome in outcomes.items() if outcome.state is OutcomeState.SOLVED}
    return coverage_of(scenarios, asset.price_area, asset.scenarios, solved, reasons)


def _reasons_of_absence(
    documents: Documents, run: RunId, asset: AssetPlan, absent: list[ScenarioId]
) -> dict[ScenarioId, str]:
    """Return why scenarios have no outcome, as far as the attempts at their tasks tell."""
    stored = documents.find(paths.attempts(run))
    attempts = sorted(map(Attempt.from_document, stored.values()), key=lambda a: a.number)
    return {
        scenario: _reason([a for a in attempts if a.task == f"{asset.asset}~{task.id}"], scenario)
        for task in asset.tasks
        for scenario in task.scenarios
        if scenario in absent
    }


def _reason(attempts: Sequence[Attempt], scenario: ScenarioId) -> str:
    """Return why a scenario has no outcome after the attempts at its task, the first one first."""
    if not attempts:
        return "NOT_STARTED"
    deaths = [attempt for attempt in attempts if attempt.died and attempt.at_hand == scenario]
    if len(deaths) >= DEATHS_BEFORE_SKIPPING:
        return "SKIPPED"
    *_, last = deaths or attempts
    if last.error is not None and (deaths or not last.died):
        return str(last.error["code"])
    return "AT_HAND" if deaths else "NOT_REACHED"


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
