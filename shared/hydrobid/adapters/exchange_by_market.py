"""One exchange port for every market of a client: each call goes to where its market is bid."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.reserves import ReserveProduct
from hydrobid.domain.results import PublishedResult
from hydrobid.pipeline.ports import Auction, Document, Exchange, ExchangeOrder, Judgement, Terms


class ExchangeByMarket:
    """Energy at a power exchange, reserves at a system operator: the market's own rules say which."""

    def __init__(self, energy: Exchange, reserves: Exchange) -> None:
        self._energy, self._reserves = energy, reserves

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Keep what is read in the context to so many seconds."""
        with self._energy.within(seconds), self._reserves.within(seconds):
            yield

    def auction(self, market: Market, day: date) -> Auction:
        """Return the auction of a delivery day."""
        return self._of(market.reserve).auction(market, day)

    def terms(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> Terms:
        """Return what is said of an auction, for a portfolio in a price area."""
        return self._of(auction.reserve).terms(market, day, auction, portfolio, area)

    def judgement(self, auction: Auction, order_id: str) -> Judgement:
        """Return what a reasonability check says of a standing order."""
        return self._of(auction.reserve).judgement(auction, order_id)

    def standing_order(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> ExchangeOrder | None:
        """Return the curve order that stands for portfolio and area, or None."""
        return self._of(auction.reserve).standing_order(market, day, auction, portfolio, area)

    def request_for(
        self,
        auction: Auction,
        portfolio: Portfolio,
        matrix: BidMatrix,
        comment: str,
        order_id: str | None,
    ) -> Document:
        """Return what would be sent."""
        given = (auction, portfolio, matrix, comment, order_id)
        return self._of(auction.reserve).request_for(*given)

    def place(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        """Place a new curve order."""
        self._of(auction.reserve).place(auction, portfolio, matrix, comment)

    def amend(self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str) -> None:
        """Replace the content of a standing order."""
        self._of(auction.reserve).amend(auction, order_id, matrix, comment)

    def cancel(self, auction: Auction, order_id: str) -> None:
        """Take a standing order back."""
        self._of(auction.reserve).cancel(auction, order_id)

    def result(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> PublishedResult | None:
        """Return what an auction came to for portfolio and area, None until it is published."""
        return self._of(auction.reserve).result(market, day, auction, portfolio, area)

    def _of(self, reserve: ReserveProduct | None) -> Exchange:
        return self._energy if reserve is None else self._reserves
