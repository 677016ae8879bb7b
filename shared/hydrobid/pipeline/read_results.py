"""Stored results: what was sold on a delivery day."""

from __future__ import annotations

from datetime import date

from hydrobid.bidding.block_outcomes import BlockOutcome, block_outcomes
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import MarketId, Portfolio, PriceArea
from hydrobid.domain.plan import Plan
from hydrobid.domain.results import AuctionResult
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Documents, Transaction


def result_of(
    at: Documents | Transaction, market: MarketId, day: date, portfolio: Portfolio, area: PriceArea
) -> AuctionResult | None:
    """Return what a day's auction came to, None where no result is known yet."""
    stored = at.get(paths.result(market, day, portfolio, area))
    return None if stored is None else AuctionResult.from_document(stored)


def block_outcomes_of(documents: Documents, result: AuctionResult) -> list[BlockOutcome]:
    """Return what each block of the bid that stood came to, none where no bid of ours did."""
    if result.matrix is None:
        return []
    bid = BidMatrix.from_document(get_blob(documents, result.matrix))
    same = bid.grid == result.published.grid
    return block_outcomes(bid.block_bid, result.published) if same else []


def results_of(documents: Documents, plan: Plan) -> dict[PriceArea, AuctionResult]:
    """Return the results that are known of a planned day, by price area."""
    areas = plan.price_areas
    stored = documents.get_many(
        [paths.result(plan.run.market, plan.run.day, plan.portfolio, area) for area in areas]
    )
    return {
        area: AuctionResult.from_document(document)
        for area, document in zip(areas, stored, strict=True)
        if document is not None
    }
