"""The aggregator's use case: from the outcomes that are there to an asset's partial bid."""

from __future__ import annotations

from collections.abc import Iterator

from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.configuration import Fallback
from hydrobid.domain.identifiers import AssetId
from hydrobid.domain.messages import AssetBid, AssetSettled
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.domain.records import AssetRecord
from hydrobid.domain.states import Actor, AssetState, Entity, check_transition
from hydrobid.pipeline import paths
from hydrobid.pipeline.alerts import later_revisions, raising, resolve_alerts, through_revisions
from hydrobid.pipeline.blobs import put_blob
from hydrobid.pipeline.fallback_bid import fallback_bid, link_rank
from hydrobid.pipeline.joint_bid import JOINT_USED
from hydrobid.pipeline.older_bid import older_bid
from hydrobid.pipeline.ports import Clock, Documents, Messages, Transaction, Write
from hydrobid.pipeline.recording import record_writes
from hydrobid.pipeline.run_inputs import asset_plan, configuration_in, plan_of
from hydrobid.pipeline.scenario_bid import ScenarioBid, Solved


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
    solved = Solved.read(documents, plan, asset)
    known = documents.get(path)
    settled = None if known is None else AssetRecord.from_document(known)
    if settled is not None and (
        _is_closed(clock, plan) or _rests_on_all(documents, plan, settled, solved)
    ):
        resolve_alerts(documents, clock, _mended(documents, settled))
        return settled
    draft = _draft(documents, plan, asset, solved, cause)

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
        transaction.write(
            *writes,
            *_telling_of_fallback(transaction, clock, record),
            *_telling_of_unreadable(transaction, clock, record),
        )
        return record

    record = documents.transact(keep_the_better)
    resolve_alerts(documents, clock, _mended(documents, record))
    return record


def _is_closed(clock: Clock, plan: Plan) -> bool:
    return clock.now() >= plan.cut_offs.gate


def _rests_on_all(documents: Documents, plan: Plan, record: AssetRecord, solved: Solved) -> bool:
    """Whether there is nothing to make a better bid from: outcomes are never changed or removed."""
    if record.joint == JOINT_USED:
        return True
    if solved.joint is not None and solved.joint.found:
        return False
    if record.state is AssetState.FAILED or record.coverage.solved < len(solved.scenarios):
        return False
    return record.state is not AssetState.FALLBACK or not _may_rise(documents, plan, record)


def _may_rise(documents: Documents, plan: Plan, record: AssetRecord) -> bool:
    """Whether an older revision has a better bid by now than a fallback was taken from."""
    older = older_bid(documents, plan, record.asset)
    if older is None or link_rank(older.link) <= link_rank(record.fallback):
        return False
    allowed = configuration_in(documents, plan).asset(record.asset).fallback
    return Fallback.OLDER_REVISION in allowed


def _worth(record: AssetRecord) -> tuple[int, float, tuple[int, int, float], float]:
    """Return what records are compared by.

    The state, how much of the set a bid covers, where a fallback is from, and where the scenarios
    give no bid, how much of them was solved.
    """
    ranks = (AssetState.FAILED, AssetState.FALLBACK, AssetState.PARTIAL, AssetState.COMPLETE)
    solved = record.coverage.probability
    covers, known = (solved, 0.0) if record.unsafe is None else (0.0, solved)
    covers = 1.0 if record.joint == JOINT_USED else covers
    return ranks.index(record.state), covers, link_rank(record.fallback), known


def _draft(
    documents: Documents, plan: Plan, asset: AssetPlan, solved: Solved, cause: str
) -> AssetRecord:
    found = ScenarioBid.of(documents, plan, asset, solved)
    bid, state, fallback = found.matrix, found.state, None
    if state is None:
        bid, fallback = fallback_bid(documents, plan, found.configuration.market, found.own)
        state = AssetState.FALLBACK if bid is not None else AssetState.FAILED
    return AssetRecord(
        run=plan.run,
        asset=asset.asset,
        price_area=asset.price_area,
        state=state,
        coverage=found.coverage,
        joint=found.joint,
        matrix=None if bid is None else put_blob(documents, bid.to_document()),
        unsafe=found.unsafe,
        fallback=fallback,
        cause=cause,
    )


def _telling_of_fallback(
    transaction: Transaction, clock: Clock, record: AssetRecord
) -> tuple[Write, ...]:
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


def _telling_of_unreadable(
    transaction: Transaction, clock: Clock, record: AssetRecord
) -> tuple[Write, ...]:
    """Tell that a bid does without something that may have been solved."""
    lost = _unreadable(record)
    if not lost:
        return ()
    return raising(
        transaction,
        clock,
        Cause(str(record.run), AlertCode.CORRUPT_DOCUMENT, _solves_of(record)),
        f"{record.asset}: {len(lost)} of its solves cannot be read and count as not solved",
        {"asset": record.asset, "price_area": record.price_area, "unreadable": list(lost)},
    )


def _solves_of(record: AssetRecord) -> str:
    """Return a subject beside the asset, whose own alert ends once it is worked on without an error."""
    return f"{record.asset}~solves"


def _unreadable(record: AssetRecord) -> tuple[str, ...]:
    """Return the scenarios, and whether the joint task, that a bid lacks since they cannot be read."""
    if record.state is AssetState.COMPLETE:
        return ()
    code = AlertCode.CORRUPT_DOCUMENT
    lost = sorted(s for s, reason in record.coverage.missing.items() if reason == code)
    return (*lost, *(("joint",) if record.joint == code else ()))


def _mended(documents: Documents, record: AssetRecord) -> Iterator[Cause]:
    """Yield what is no longer so, in this run or an earlier one, by its bid or a later one's."""
    lacking = record.unsafe is not None or bool(_unreadable(record))
    later = later_revisions(documents, record.run) if lacking else []
    stored = documents.get_many([paths.asset(run, record.asset) for run in later])
    for bid in (record, *(AssetRecord.from_document(document) for document in stored if document)):
        if bid.state is not AssetState.FAILED:
            yield from through_revisions(bid.run, AlertCode.ASSET_WITHOUT_BID, bid.asset)
        if bid.unsafe is None:
            yield from through_revisions(bid.run, AlertCode.ASSET_ON_FALLBACK, bid.asset)
            if not _unreadable(bid):
                yield from through_revisions(bid.run, AlertCode.CORRUPT_DOCUMENT, _solves_of(bid))
