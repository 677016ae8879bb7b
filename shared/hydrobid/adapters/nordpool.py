"""The exchange port on Nord Pool's Auction API, whose sign is buy positive, sell negative.

Fields and addresses are those of the exchange's public starter kit, NordPool/AuctionApi-StarterKit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hydrobid.adapters.nordpool_results import published_result
from hydrobid.adapters.nordpool_session import NordPoolSession
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.errors import (
    CorruptDocument,
    ExchangeDenied,
    ExchangeRefused,
    InvalidInput,
)
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.results import PublishedResult
from hydrobid.domain.time import parse_instant, utc_text
from hydrobid.pipeline.ports import Auction, Document, ExchangeOrder

CLOSING_WINDOW = timedelta(hours=3)


class NordPoolExchange:
    """Curve orders in day-ahead auctions."""

    def __init__(self, session: NordPoolSession) -> None:
        self._session = session
        self._contracts: dict[tuple[str, PriceArea], dict[datetime, str]] = {}

    def auction(self, market: Market, day: date) -> Auction:
        """Return the auction of a delivery day; raise ExchangeDenied where there is none."""
        gate, start = market.gate(day), market.grid(day).start
        listed = self._session.read(
            "/auctions",
            closeBiddingFrom=utc_text(gate - CLOSING_WINDOW),
            closeBiddingTo=utc_text(gate + CLOSING_WINDOW),
        )
        # Intraday auctions may begin delivery at the same instant; theirs close at other times.
        closing = {
            parse_instant(auction["closeForBidding"]): auction
            for auction in listed
            if parse_instant(auction["deliveryStart"]) == start
        }
        if not closing:
            raise ExchangeDenied(f"the exchange has no auction for {day}", day=day.isoformat())
        closes = min(closing, key=lambda instant: abs(instant - gate))
        state = closing[closes]["state"]
        return Auction(
            str(closing[closes]["id"]), state == "Open", closes, state == "ResultsPublished"
        )

    def standing_order(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> ExchangeOrder | None:
        """Return the curve order that stands for portfolio and area, or None."""
        for raw in self.orders(auction, portfolio, area):
            if raw["state"] != "Cancelled":
                return ExchangeOrder(
                    order_id=str(raw["orderId"]),
                    version=int(raw["version"]),
                    state=str(raw["state"]),
                    comment=str(raw.get("comment") or ""),
                    matrix=self._matrix(market, day, auction, area, raw),
                )
        return None

    def orders(self, auction: Auction, portfolio: Portfolio, area: PriceArea) -> list[Document]:
        """Return the curve orders of portfolio and area as the exchange holds them."""
        listed = self._session.read(
            f"/auctions/{auction.id}/orders", portfolios=portfolio, areas=area
        )
        return list(listed["curveOrders"])

    def result(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> PublishedResult | None:
        """Return what an auction came to for portfolio and area, None until it is published."""
        if not auction.published:
            return None
        asked = {"portfolios": portfolio, "areas": area}
        path = f"/auctions/{auction.id}"
        documents = (
            self._session.read(f"{path}/prices"),
            self._session.read(f"{path}/trades", **asked),
            self._session.read(f"{path}/portfoliovolumes", **asked),
        )
        return published_result(market, market.grid(day), auction.id, portfolio, area, documents)

    def place(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        """Place a new curve order."""
        self._session.change(
            "POST",
            "/curveorders",
            {
                "auctionId": auction.id,
                "portfolio": portfolio,
                "areaCode": matrix.price_area,
                "comment": comment,
                "curves": self._curves(auction, matrix),
            },
        )

    def amend(self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str) -> None:
        """Replace the content of a standing order."""
        curves = self._curves(auction, matrix)
        self._session.change(
            "PATCH", f"/curveorders/{order_id}", {"curves": curves, "comment": comment}
        )

    def cancel(self, auction: Auction, order_id: str) -> None:
        """Take a standing order back: a change to no curves, as the exchange has it."""
        del auction
        self._session.change("PATCH", f"/curveorders/{order_id}", {"curves": []})

    def _curves(self, auction: Auction, matrix: BidMatrix) -> list[dict[str, Any]]:
        contracts = self._contracts_of(auction, matrix.price_area)
        starts = matrix.grid.starts()
        if set(starts) != contracts.keys():
            raise ExchangeRefused(
                f"the auction has {len(contracts)} contracts in {matrix.price_area} and the bid "
                f"{len(starts)} MTUs",
                auction=auction.id,
            )
        return [
            {
                "contractId": contracts[start],
                "curvePoints": [
                    {"price": matrix.price(tick), "volume": matrix.volume(-lot)}
                    for tick, lot in zip(curve.ticks, curve.lots, strict=True)
                ],
            }
            for start, curve in zip(starts, matrix.curves, strict=True)
        ]

    def _contracts_of(self, auction: Auction, area: PriceArea) -> dict[datetime, str]:
        """Return an area's contract ids by the start of their delivery."""
        if (auction.id, area) not in self._contracts:
            detail = self._session.read(f"/auctions/{auction.id}")
            for group in detail["contracts"]:
                self._contracts[auction.id, PriceArea(group["areaCode"])] = {
                    parse_instant(contract["deliveryStart"]): str(contract["id"])
                    for contract in group["contracts"]
                }
        try:
            return self._contracts[auction.id, area]
        except KeyError:
            raise ExchangeDenied(
                f"the auction has no contracts in {area}", auction=auction.id, area=area
            ) from None

    def _matrix(
        self,
        market: Market,
        day: date,
        auction: Auction,
        area: PriceArea,
        raw: Mapping[str, Any],
    ) -> BidMatrix | None:
        """Return an order's content in our sign; None where it is none that we could have sent."""
        contracts = self._contracts_of(auction, area)
        points = {curve["contractId"]: curve["curvePoints"] for curve in raw["curves"]}
        grid = market.grid(day)
        try:
            curves = tuple(
                BidCurve(
                    tuple(_whole(point["price"], market.price_tick) for point in points[contract]),
                    tuple(
                        _whole(-point["volume"], market.volume_lot) for point in points[contract]
                    ),
                )
                for contract in (contracts[start] for start in grid.starts())
            )
            return BidMatrix(area, grid, market.price_tick, market.volume_lot, curves)
        except (KeyError, InvalidInput, CorruptDocument):
            return None


def _whole(value: float, unit: Decimal) -> int:
    """Return how many units a number of the exchange's is; raise CorruptDocument between two."""
    count, rest = divmod(Decimal(str(value)), unit)
    if rest:
        raise CorruptDocument(f"{value} is not on a multiple of {unit}", value=value)
    return int(count)
