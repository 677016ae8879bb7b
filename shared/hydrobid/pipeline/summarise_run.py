"""What there is to tell of a run, as one document: for scripts, and as the source of every table."""

from __future__ import annotations

from typing import Any

from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.position import Sold
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.states import OutcomeState
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.read_run import RunView, readable_alerts
from hydrobid.pipeline.readable import Readable
from hydrobid.pipeline.run_inputs import configuration_in, position_in


def run_summary(documents: Documents, view: RunView) -> dict[str, Any]:
    """Return a run's summary as JSON-ready data; volumes in MW, generation-positive.

    Keys: client, run, market, day, revision, state, mtus, portfolio, cut_offs, inputs (digests),
    series (versions that arrived by themselves), assets, areas, alerts, unreadable (documents that
    cannot be read, with path and why); kept_until, where what was solved is not kept for ever. The
    assets' and areas' values are None for what is not there yet, or cannot be read. An area's
    volume_min and volume_max are of this run's bid, which need not stand; order_id and what begins
    with standing_ are of what does, the volumes None where that is no bid of ours.
    """
    plan, readable = view.plan, Readable(documents)
    market = configuration_in(documents, plan).market
    cut_offs = plan.cut_offs
    position = position_in(documents, plan)
    sold = {} if position is None else position.assets
    areas = {area: _area(readable, view, area) for area in plan.price_areas}
    alerts = readable_alerts(readable, plan.run)
    return {
        "client": plan.client,
        "run": str(plan.run),
        "market": plan.run.market,
        "day": plan.run.day.isoformat(),
        "revision": plan.run.revision,
        "state": str(view.state),
        "mtus": len(market.grid(plan.run.day)),
        "portfolio": plan.portfolio,
        "planned_at": utc_text(plan.planned_at),
        "cut_offs": {
            "solve": utc_text(cut_offs.solve),
            "approval": utc_text(cut_offs.approval),
            "submission": utc_text(cut_offs.submission),
            "gate": utc_text(cut_offs.gate),
        },
        **({} if plan.kept_until is None else {"kept_until": utc_text(plan.kept_until)}),
        "inputs": plan.inputs.to_document(),
        "series": plan.model_dump(mode="json")["series"] if plan.series else {},
        "assets": {
            asset.asset: _asset(view, asset.asset, sold.get(asset.asset)) for asset in plan.assets
        },
        "areas": areas,
        "alerts": [alert.to_document() for alert in alerts],
        "unreadable": [each.to_document() for each in (*view.unreadable, *readable.unreadable)],
    }


def _asset(view: RunView, name: Any, sold: Sold | None) -> dict[str, Any]:
    planned = next(asset for asset in view.plan.assets if asset.asset == name)
    outcomes = view.outcomes[name].values()
    solved = sum(outcome.state is OutcomeState.SOLVED for outcome in outcomes)
    record, joint = view.assets.get(name), view.joint.get(name)
    return {
        "price_area": planned.price_area,
        "state": None if record is None else str(record.state),
        "version": None if record is None else record.version,
        "planned": len(planned.scenarios),
        "solved": solved,
        "failed": len(outcomes) - solved,
        "joint": None if joint is None else str(joint.state),
        "sold_before": None if sold is None else sold.words,
        "matrix": None if record is None else record.matrix,
        "missing": {} if record is None else dict(record.coverage.missing),
    }


def _area(readable: Readable, view: RunView, area: PriceArea) -> dict[str, Any]:
    record, order = view.areas.get(area), view.orders.get(area)
    standing = None if order is None else order.standing
    stood = None if order is None else order.stood
    bid = None if record is None or record.matrix is None else readable.matrix(record.matrix)
    low, high = (None, None) if bid is None else bid.span
    standing_bid = None if stood is None else readable.matrix(stood.matrix)
    standing_low, standing_high = (None, None) if standing_bid is None else standing_bid.span
    return {
        "state": None if record is None else str(record.state),
        "partial": None if record is None else record.partial,
        "missing": {} if record is None else dict(record.missing),
        "findings": [] if record is None else [f.to_document() for f in record.findings],
        **_decided(record),
        "matrix": None if record is None else record.matrix,
        "blocks": 0 if bid is None else len(bid.blocks),
        "volume_min": low,
        "volume_max": high,
        "order_state": None if order is None or order.state is None else str(order.state),
        "held": None if order is None else order.held_words,
        "order_id": None if standing is None else standing.order_id,
        "exchange_version": None if standing is None else standing.exchange_version,
        "exchange_state": None if standing is None else standing.state,
        "block_orders": [] if standing is None else [b.order_id for b in standing.blocks],
        "objections": [] if standing is None else list(standing.objections),
        "standing_matrix": None if standing is None else standing.matrix,
        "standing_volume_min": standing_low,
        "standing_volume_max": standing_high,
    }


def _decided(record: AreaRecord | None) -> dict[str, Any]:
    """Return what people and rules have done with an area's bid."""
    if record is None:
        return {"pending": False, "override": None, "signatures": [], "approval": None}
    return {
        "pending": record.pending,
        "override": None if record.override is None else record.override.to_document(),
        "signatures": [signature.to_document() for signature in record.signatures],
        "approval": None if record.approval is None else record.approval.to_document(),
    }
