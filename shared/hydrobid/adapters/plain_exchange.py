"""What the exchange port tells where nobody tells more than the market's own rules."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import date
from decimal import Decimal

from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.pipeline.order_steps import Step
from hydrobid.pipeline.ports import Auction, Document, Terms


class PlainExchange:
    """The part of the port that needs no answer. limit: MW of a curve either way, None for none told."""

    limit: Decimal | None = None

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Return at once: nobody is waited for."""
        del seconds
        return nullcontext()

    def terms(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> Terms:
        """Return the market's own rules."""
        del auction, portfolio, area
        return Terms(
            price_min=market.price_min,
            price_max=market.price_max,
            currency=market.currency,
            writable=True,
            mtus=tuple(market.grid(day).starts()),
            most_sold=self.limit,
            most_bought=self.limit,
        )

    def request_for(
        self, auction: Auction, portfolio: Portfolio, step: Step, matrix: BidMatrix, comment: str
    ) -> Document:
        """Return what a step would hand over, in the port's own words."""
        return {
            "auction": auction.id,
            "portfolio": portfolio,
            "act": str(step.act),
            "order": step.order_id,
            "comment": comment,
            "matrix": matrix.to_document(),
        }
