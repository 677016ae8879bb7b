"""A bid as its approvers see it: what it sells, what its checks found, and what stands instead."""

from __future__ import annotations

from typing import Any

from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.check_energy import background_of
from hydrobid.pipeline.diagnosis.expectation import Expectation, expectation
from hydrobid.pipeline.open_bids import OpenBid
from hydrobid.pipeline.ports import Clock, Documents


def described_bid(documents: Documents, clock: Clock, bid: OpenBid) -> dict[str, Any]:
    """Return an open bid as JSON-ready data; volumes in MW, generation-positive, energy in MWh.

    expected_*: at the planned scenarios' prices, weighted by probability. Those of what was wanted
    and of yesterday's bid are beside it; each is None where there is no such bid, or no prices.
    """
    record, plan, configuration = bid.record, bid.plan, bid.configuration
    background = background_of(documents, configuration, plan, record.price_area)
    due = None if bid.order is None else bid.order.due
    matrix = _matrix(documents, record.matrix)
    wanted = _matrix(documents, None if due is None else due.matrix)

    def expected(of: BidMatrix | None) -> Expectation | None:
        if of is None or background.prices is None or background.weights is None:
            return None
        return expectation(of, background.prices, background.weights)

    mine, theirs, before = map(expected, (matrix, wanted, background.yesterday))
    low, high = (None, None) if matrix is None else matrix.span
    return {
        "run": str(plan.run),
        "day": plan.run.day.isoformat(),
        "price_area": record.price_area,
        "bid_version": record.bid_version,
        "matrix": record.matrix,
        "state": str(record.state),
        "partial": record.partial,
        "missing": dict(record.missing),
        "mode": str(configuration.approval),
        "people": configuration.approval.people,
        "on_silence": str(configuration.on_silence),
        "decide_by": utc_text(bid.decide_by(clock.now())),
        "gate": utc_text(plan.cut_offs.gate),
        "override": None if record.override is None else record.override.to_document(),
        "signatures": [signature.to_document() for signature in record.signatures],
        "approval": None if record.approval is None else record.approval.to_document(),
        "findings": [finding.to_document() for finding in record.findings],
        "auction": None if record.auction is None else record.auction.to_document(),
        "volume_min": low,
        "volume_max": high,
        "blocks": 0 if matrix is None else len(matrix.blocks),
        "expected_energy": None if mine is None else mine.energy,
        "expected_sales": None if mine is None else mine.sales,
        "wanted": None if due is None else due.to_document(),
        "wanted_energy": None if theirs is None else theirs.energy,
        "yesterdays_energy": None if before is None else before.energy,
    }


def _matrix(documents: Documents, digest: str | None) -> BidMatrix | None:
    return None if digest is None else BidMatrix.from_document(get_blob(documents, digest))
