"""Partial bids become one checked bid matrix for a price area, approved by rule or kept for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hydrobid.bidding.reduction import within_points
from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.curve import BidMatrix, total_matrix
from hydrobid.domain.identifiers import AssetId, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AreaRecord, AssetRecord
from hydrobid.domain.states import (
    Actor,
    ApprovalState,
    AreaState,
    AssetState,
    Entity,
    check_transition,
)
from hydrobid.pipeline import paths
from hydrobid.pipeline.alerts import (
    later_revisions,
    raising,
    resolve_alerts,
    resolving,
    through_revisions,
)
from hydrobid.pipeline.approval_alerts import decided_elsewhere, telling_of_approval
from hydrobid.pipeline.blobs import get_blob, put_blob
from hydrobid.pipeline.check_auction import (
    Asked,
    ask_auction,
    auction_findings,
    refused_by_exchange_alone,
)
from hydrobid.pipeline.check_bid import check_bid, faulty
from hydrobid.pipeline.check_energy import background_of
from hydrobid.pipeline.check_sold import sold_findings
from hydrobid.pipeline.order_records import has_newer, order_at, want
from hydrobid.pipeline.ports import Clock, Documents, Exchange, Transaction, Write
from hydrobid.pipeline.read_run import newest_run, readable_record
from hydrobid.pipeline.recording import record_writes
from hydrobid.pipeline.rule_approval import decided_after_all, decided_by_rule
from hydrobid.pipeline.run_inputs import configuration_in


def merge_area(
    documents: Documents,
    clock: Clock,
    exchange: Exchange,
    plan: Plan,
    area: PriceArea,
    *,
    at_cut_off: bool = False,
) -> AreaRecord | None:
    """Return the record of an area's total bid, written anew where assets have newer versions.

    None while assets have not answered; at a cut-off the absent are marked missing instead. A bid
    that was approved is wanted before a newer one takes its place: were that refused by the
    exchange, nothing else would know of it. A bid that a person has changed is left as it is, and so
    is an overtaken run's once the gate has closed. One that only the exchange's word stops is held
    against it again each time, until the gate.
    """
    path = paths.area(plan.run, plan.portfolio, area)
    assets, merged = _records(documents, plan, area, path)
    planned = {asset.asset for asset in plan.assets_in(area)}
    if not at_cut_off and planned != assets.keys():
        return None
    versions = {asset: record.version for asset, record in assets.items()}
    if merged is not None and (
        _is_kept(merged)
        or not (_newer(versions, merged.assets) or _may_be_let_in(clock, plan, merged))
        or _is_over(documents, clock, plan)
    ):
        merged = decided_after_all(documents, clock, plan, merged)
        resolve_alerts(documents, clock, _mended_elsewhere(documents, merged))
        return merged
    if merged is not None:
        want(documents, clock, plan, merged)
    configuration = configuration_in(documents, plan)
    asked = ask_auction(exchange, clock, configuration, plan, area)
    draft = _draft(documents, configuration, plan, area, assets, asked)
    if merged is not None and _is_as_it_was(merged, draft):
        resolve_alerts(documents, clock, _mended_elsewhere(documents, merged))
        return merged

    def keep_the_newer(transaction: Transaction) -> AreaRecord | None:
        stored = transaction.get(path)
        before = None if stored is None else AreaRecord.from_document(stored)
        if before != merged:
            return None  # another one was faster
        check_transition(
            Entity.AREA, before.state if before else None, draft.state, Actor.SUBMISSION
        )
        bid_version = before.bid_version + 1 if before is not None else 1
        order = order_at(transaction, paths.order(plan.run, plan.portfolio, area))
        bid = draft.model_copy(update={"bid_version": bid_version})
        if before is not None and (before.state, before.matrix) == (bid.state, bid.matrix):
            # Its content is the same: so is what was decided on it.
            same = {"approval": before.approval, "signatures": before.signatures}
            bid = bid.model_copy(update=same)
        if bid.approval is None:
            bid = decided_by_rule(transaction, clock, configuration, bid, order)
        record, writes = record_writes(
            path,
            bid,
            before,
            run=plan.run,
            event=f"area-{draft.state.lower()}",
            actor=Actor.SUBMISSION,
            clock=clock,
            data=_told(bid),
        )
        quiet = has_newer(order, record)
        transaction.write(
            *writes,
            *telling_of_area(transaction, clock, record),
            *telling_of_approval(transaction, clock, configuration, before, record, quiet=quiet),
        )
        return record

    record = documents.transact(keep_the_newer)
    if record is None:
        return merge_area(documents, clock, exchange, plan, area, at_cut_off=at_cut_off)
    resolve_alerts(documents, clock, _mended_elsewhere(documents, record))
    return record


def _records(
    documents: Documents, plan: Plan, area: PriceArea, path: str
) -> tuple[dict[AssetId, AssetRecord], AreaRecord | None]:
    """Return the area's asset records, and its own, as they stand together.

    An asset whose record cannot be read has no part in the bid: settling it tells so.
    """
    planned = plan.assets_in(area)
    assets = [paths.asset(plan.run, asset.asset) for asset in planned]
    *stored, own = documents.get_many([*assets, path])
    records = {
        asset.asset: record
        for asset, document in zip(planned, stored, strict=True)
        if (record := readable_record(AssetRecord, document)) is not None
    }
    return records, None if own is None else AreaRecord.from_document(own)


def _newer(versions: Mapping[AssetId, int], than: Mapping[AssetId, int]) -> bool:
    """Whether no asset fell back and at least one moved on."""
    moved = [versions.get(asset, 0) - than.get(asset, 0) for asset in {*versions, *than}]
    return min(moved, default=0) >= 0 and max(moved, default=0) > 0


def _is_kept(record: AreaRecord) -> bool:
    """Whether a person's change stands, or may still be approved: what is computed waits for that."""
    rejected = record.approval is not None and record.approval.state is ApprovalState.REJECTED
    return record.override is not None and not rejected


def _may_be_let_in(clock: Clock, plan: Plan, record: AreaRecord) -> bool:
    """Whether the exchange may have come to take a bid that it alone stood against."""
    return refused_by_exchange_alone(record) and clock.now() < plan.cut_offs.gate


def _is_as_it_was(record: AreaRecord, draft: AreaRecord) -> bool:
    """Whether a bid that was refused would be the same again, for the same reasons."""
    same = record.model_copy(update={"bid_version": 1, "version": 1, "chain": ""})
    return record.state is AreaState.REFUSED and same == draft


def _is_over(documents: Documents, clock: Clock, plan: Plan) -> bool:
    """Whether the gate has closed on a later run: what an older one would change goes nowhere."""
    if clock.now() < plan.cut_offs.gate:
        return False
    return newest_run(documents, plan.run.market, plan.run.day) != plan.run


def _draft(
    documents: Documents,
    configuration: ClientConfiguration,
    plan: Plan,
    area: PriceArea,
    assets: Mapping[AssetId, AssetRecord],
    asked: Asked,
) -> AreaRecord:
    """Return an area's bid on what is there, not decided on."""
    missing = {
        asset.asset: "MISSING" if asset.asset not in assets else str(AssetState.FAILED)
        for asset in plan.assets_in(area)
        if asset.asset not in assets or assets[asset.asset].matrix is None
    }
    partial = bool(missing) or any(
        record.state is not AssetState.COMPLETE for record in assets.values()
    )
    matrices = [
        BidMatrix.from_document(get_blob(documents, record.matrix))
        for _, record in sorted(assets.items())
        if record.matrix is not None
    ]
    total = _total(configuration.market, matrices) if matrices else None
    background = background_of(documents, configuration, plan, area)
    findings = (
        *check_bid(configuration, plan, area, total, assets, background),
        *sold_findings(documents, plan, area),
        *auction_findings(configuration.market, plan, area, total, asked),
    )
    refused = faulty(findings)
    matrix = put_blob(documents, total.to_document()) if total is not None else None
    return AreaRecord(
        run=plan.run,
        portfolio=plan.portfolio,
        price_area=area,
        state=AreaState.REFUSED if refused else AreaState.VALIDATED,
        assets={asset: record.version for asset, record in assets.items()},
        missing=missing,
        partial=partial,
        matrix=matrix,
        findings=findings,
        auction=asked.view,
    )


def _total(market: Market, matrices: Sequence[BidMatrix]) -> BidMatrix:
    """Return the sum of partial bids, each curve with at most as many points as may be sent."""
    total = total_matrix(matrices)
    curves = tuple(within_points(curve, market) for curve in total.curves)
    return replace(total, curves=curves)


def _told(record: AreaRecord) -> dict[str, Any]:
    return {
        "bid_version": record.bid_version,
        "matrix": record.matrix,
        "assets": dict(record.assets),
        "missing": dict(record.missing),
        "partial": record.partial,
        "findings": [finding.to_document() for finding in record.findings],
        "approved_by": record.approval.by if record.approval is not None else None,
    }


def telling_of_area(
    transaction: Transaction, clock: Clock, record: AreaRecord
) -> tuple[Write, ...]:
    """Return the writes that tell that an area has no bid, or has one again.

    In one transaction with the record: a version may be refused, pass, and be refused again.
    """
    cause = Cause(str(record.run), AlertCode.AREA_WITHOUT_BID, record.price_area)
    if record.state is AreaState.VALIDATED:
        return resolving(transaction, clock, cause)
    return raising(
        transaction,
        clock,
        cause,
        f"{record.price_area} has no bid that may be sent: "
        + "; ".join(f.rule for f in record.findings if f.severity == "error"),
        {
            "price_area": record.price_area,
            "missing": dict(record.missing),
            "findings": [finding.to_document() for finding in record.findings],
        },
    )


def _mended_elsewhere(documents: Documents, record: AreaRecord) -> Iterator[Cause]:
    """Yield what is no longer so in earlier runs by this bid, or up to this one by a later bid."""
    refused = record.state is AreaState.REFUSED
    later = later_revisions(documents, record.run) if refused else []
    stored = documents.get_many(
        [paths.area(run, record.portfolio, record.price_area) for run in later]
    )
    for bid in (record, *(AreaRecord.from_document(document) for document in stored if document)):
        if bid.state is AreaState.VALIDATED:
            code = AlertCode.AREA_WITHOUT_BID
            *earlier, _ = through_revisions(bid.run, code, bid.price_area)
            yield from earlier
        yield from decided_elsewhere(bid)
