"""Stored results: what was sold on a delivery day."""

from __future__ import annotations

from datetime import date

from hydrobid.domain.identifiers import MarketId, Portfolio, PriceArea
from hydrobid.domain.results import AuctionResult
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Documents, Transaction


def result_of(
    at: Documents | Transaction, market: MarketId, day: date, portfolio: Portfolio, area: PriceArea
) -> AuctionResult | None:
    """Return what a day's auction came to, None where no result is known yet."""
    stored = at.get(paths.result(market, day, portfolio, area))
    return None if stored is None else AuctionResult.from_document(stored)
