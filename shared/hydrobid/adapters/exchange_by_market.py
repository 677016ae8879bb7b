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
from hydrobid.pipeline.order_steps import Step
from hydrobid.pipeline.ports import Auction, Document, Exchange, ExchangeOrders, Judgement, Terms


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

    def standing_orders(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> ExchangeOrders:
        """Return what stands for portfolio and area."""
        return self._of(auction.reserve).standing_orders(market, day, auction, portfolio, area)

    def request_for(
        self, auction: Auction, portfolio: Portfolio, step: Step, matrix: BidMatrix, comment: str
    ) -> Document:
        """Return what is sent for a step towards a bid."""
        return self._of(auction.reserve).request_for(auction, portfolio, step, matrix, comment)

    def place(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        """Place a new order of a bid's curves."""
        self._of(auction.reserve).place(auction, portfolio, matrix, comment)

    def amend(self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str) -> None:
        """Replace the curves of a standing order by a bid's."""
        self._of(auction.reserve).amend(auction, order_id, matrix, comment)

    def cancel(self, auction: Auction, order_id: str) -> None:
        """Take a standing curve order back."""
        self._of(auction.reserve).cancel(auction, order_id)

    def place_blocks(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        """Place a new order of a bid's blocks."""
        self._of(auction.reserve).place_blocks(auction, portfolio, matrix, comment)

    def amend_blocks(
        self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str
    ) -> None:
        """Change blocks of a standing order by their names to a bid's, and add those that are new."""
        self._of(auction.reserve).amend_blocks(auction, order_id, matrix, comment)

    def cancel_blocks(self, auction: Auction, order_id: str) -> None:
        """Take a standing order of blocks back."""
        self._of(auction.reserve).cancel_blocks(auction, order_id)

    def result(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> PublishedResult | None:
        """Return what an auction came to for portfolio and area, None until it is published."""
        return self._of(auction.reserve).result(market, day, auction, portfolio, area)

    def _of(self, reserve: ReserveProduct | None) -> Exchange:
        return self._energy if reserve is None else self._reserves
