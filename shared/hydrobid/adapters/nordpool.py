"""The exchange port on Nord Pool's Auction API.

Fields and addresses are those of the exchange's public starter kit, NordPool/AuctionApi-StarterKit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hydrobid.adapters.nordpool_content import (
    Contracts,
    block_bid_of,
    blocks_of,
    curves_of,
    matrix_of,
)
from hydrobid.adapters.nordpool_requests import CurveOrder, CurveOrderChange, formed
from hydrobid.adapters.nordpool_results import published_result
from hydrobid.adapters.nordpool_session import NordPoolSession
from hydrobid.domain.blocks import BlockBid
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import ExchangeDenied, ExchangeRefused, InvalidInput
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.results import PublishedResult
from hydrobid.domain.time import MtuGrid, parse_instant, utc_text
from hydrobid.pipeline.block_port import ExchangeBlocks
from hydrobid.pipeline.ports import Auction, Document, ExchangeOrder, Judgement, Terms

CLOSING_WINDOW = timedelta(hours=3)
CANCELLED = "Cancelled"
CURVE_ORDERS = "/curveorders"
BLOCK_ORDERS = "/blockorders"


_OTHER_FORMS = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, InvalidInput)


class NordPoolExchange:
    """Curve and block orders in day-ahead auctions, and what the auctions come to."""

    def __init__(self, session: NordPoolSession) -> None:
        self._session = session
        self._details: dict[str, Document] = {}

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Keep what is read in the context to so many seconds."""
        return self._session.within(seconds)

    def auction(self, market: Market, day: date) -> Auction:
        """Return the auction of a delivery day; raise ExchangeDenied where there is none."""
        gate, start = market.gate(day), market.grid(day).start
        listed = self._session.read(
            "/auctions",
            closeBiddingFrom=utc_text(gate - CLOSING_WINDOW),
            closeBiddingTo=utc_text(gate + CLOSING_WINDOW),
        )
        with _as_described("/auctions"):
            # Intraday auctions may begin delivery at the same instant; theirs close at other times.
            closing = {
                parse_instant(auction["closeForBidding"]): auction
                for auction in listed
                if parse_instant(auction["deliveryStart"]) == start
            }
            if not closing:
                raise ExchangeDenied(f"the exchange has no auction for {day}", day=day.isoformat())
            closes = min(closing, key=lambda instant: abs(instant - gate))
            name, state = str(closing[closes]["id"]), closing[closes]["state"]
        return Auction(
            id=name,
            open=state == "Open",
            closes=closes,
            published=state == "ResultsPublished",
            ahead=self._session.ahead,
        )

    def terms(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> Terms:
        """Return what the exchange says of an auction, for a portfolio in a price area."""
        del day
        detail, path = self._detail(auction), f"/auctions/{auction.id}"
        with _as_described(path):
            contracts = self._contracts(market, auction, area)
            limits = {limit["currencyCode"]: limit for limit in detail["currencies"]}
            owned = {owner["name"]: owner for owner in detail["portfolios"]}.get(portfolio)
            located = {place["code"]: place for place in owned["areas"]} if owned else {}
            found, limit = located.get(area), limits.get(market.currency)
            return Terms(
                price_min=None if limit is None else _exact(limit["minPrice"]),
                price_max=None if limit is None else _exact(limit["maxPrice"]),
                currency=None if owned is None else str(owned["currency"]),
                writable=owned is not None and found is not None and owned["permission"] == "WRITE",
                mtus=tuple(sorted(contracts)),
                # In the exchange's sign selling is negative.
                most_sold=None if found is None else -_exact(found["curveMinVolumeLimit"]),
                most_bought=None if found is None else _exact(found["curveMaxVolumeLimit"]),
            )

    def standing_order(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> ExchangeOrder | None:
        """Return the curve order that stands for portfolio and area, or None."""
        for raw in self.orders(auction, portfolio, area):
            with _as_described(_orders_path(auction)):
                if raw["state"] == CANCELLED:
                    continue
                contracts = self._contracts(market, auction, area)
                return ExchangeOrder(
                    order_id=str(raw["orderId"]),
                    version=int(raw["version"]),
                    state=str(raw["state"]),
                    comment=str(raw.get("comment") or ""),
                    matrix=matrix_of(market, market.grid(day), area, raw, contracts),
                )
        return None

    def orders(self, auction: Auction, portfolio: Portfolio, area: PriceArea) -> list[Document]:
        """Return the curve orders of portfolio and area as the exchange holds them."""
        return self._listed(auction, portfolio, area, "curveOrders")

    def versions(self, order_id: str) -> list[Document]:
        """Return every version of a curve order as the exchange holds it, oldest first."""
        found: list[Document] = self._session.read(f"/curveorders/{order_id}/versions")
        return found

    def judgement(self, auction: Auction, order_id: str) -> Judgement:
        """Return what the exchange's reasonability check says of an order."""
        path = f"/auctions/{auction.id}/orders/{order_id}/results"
        raw = self._session.read(path)
        with _as_described(path):
            return Judgement(
                approved={"Approved": True, "NotApproved": False, "Undefined": None}[
                    raw["orderApprovalState"]
                ],
                by=str(raw["approvalSource"]),
                objections=tuple(
                    f"{curve['contractId']}: {curve.get('validationMessage') or 'not valid'}"
                    for curve in raw["curves"]
                    if not curve["isValid"]
                ),
            )

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

    def request_for(
        self,
        auction: Auction,
        portfolio: Portfolio,
        matrix: BidMatrix,
        comment: str,
        order_id: str | None,
    ) -> Document:
        """Return method, path and content of what `place` or `amend` sends, checked for their form."""
        if order_id is not None:
            return self._amendment(auction, order_id, matrix, comment)
        contracts = self._contracts_for(auction, matrix.price_area, matrix.grid)
        order = _Heading(auction, portfolio, matrix.price_area, comment).document()
        content = formed(CurveOrder, {**order, "curves": curves_of(matrix, contracts)})
        return {"method": "POST", "path": CURVE_ORDERS, "content": content}

    def place(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        """Place a new curve order."""
        self._session.change(**self.request_for(auction, portfolio, matrix, comment, None))

    def amend(self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str) -> None:
        """Replace the content of a standing order."""
        self._session.change(**self._amendment(auction, order_id, matrix, comment))

    def cancel(self, auction: Auction, order_id: str) -> None:
        """Take a standing order back: a change to no curves, as the exchange has it."""
        del auction
        self._session.change("PATCH", f"{CURVE_ORDERS}/{order_id}", {"curves": []})

    def standing_blocks(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> tuple[ExchangeBlocks, ...]:
        """Return every order of blocks that stands for portfolio and area."""
        found = []
        for raw in self._listed(auction, portfolio, area, "blockLists"):
            with _as_described(_orders_path(auction)):
                states = [block["state"] for block in raw["blocks"] if block["state"] != CANCELLED]
                if not states:
                    continue
                contracts = self._contracts(market, auction, area)
                found.append(
                    ExchangeBlocks(
                        order_id=str(raw["orderId"]),
                        version=int(raw["version"]),
                        state=str(states[0]),
                        comment=str(raw.get("comment") or ""),
                        bid=block_bid_of(market, market.grid(day), area, raw, contracts),
                    )
                )
        return tuple(found)

    def place_blocks(
        self, auction: Auction, portfolio: Portfolio, bid: BlockBid, comment: str
    ) -> None:
        """Place a new order of blocks; linked ones and exclusive groups go the same way."""
        contracts = self._contracts_for(auction, bid.price_area, bid.grid)
        order = _Heading(auction, portfolio, bid.price_area, comment).document()
        self._session.change("POST", BLOCK_ORDERS, {**order, "blocks": blocks_of(bid, contracts)})

    def amend_blocks(self, auction: Auction, order_id: str, bid: BlockBid, comment: str) -> None:
        """Change blocks of a standing order by their names, and add those that are new."""
        contracts = self._contracts_for(auction, bid.price_area, bid.grid)
        content = {"blocks": blocks_of(bid, contracts), "comment": comment}
        self._session.change("PATCH", f"{BLOCK_ORDERS}/{order_id}", content)

    def cancel_blocks(self, auction: Auction, order_id: str) -> None:
        """Take a standing order of blocks back: a change to no blocks, as the exchange has it."""
        del auction
        self._session.change("PATCH", f"{BLOCK_ORDERS}/{order_id}", {"blocks": []})

    def _amendment(
        self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str
    ) -> Document:
        contracts = self._contracts_for(auction, matrix.price_area, matrix.grid)
        content = {"curves": curves_of(matrix, contracts), "comment": comment}
        return {
            "method": "PATCH",
            "path": f"{CURVE_ORDERS}/{order_id}",
            "content": formed(CurveOrderChange, content),
        }

    def _listed(
        self, auction: Auction, portfolio: Portfolio, area: PriceArea, kind: str
    ) -> list[Document]:
        path = _orders_path(auction)
        listed = self._session.read(path, portfolios=portfolio, areas=area)
        with _as_described(path):
            return list(listed[kind])

    def _detail(self, auction: Auction) -> Document:
        """Return an auction with its contracts, which are there from the beginning and stay."""
        if auction.id not in self._details:
            self._details[auction.id] = self._session.read(f"/auctions/{auction.id}")
        return self._details[auction.id]

    def _contracts(self, market: Market, auction: Auction, area: PriceArea) -> Contracts:
        return self._contracts_of_length(auction, area, timedelta(minutes=market.mtu_minutes))

    def _contracts_for(self, auction: Auction, area: PriceArea, grid: MtuGrid) -> Contracts:
        """Return the contract of each MTU of a bid; raise ExchangeRefused where they do not fit."""
        contracts = self._contracts_of_length(auction, area, grid.step)
        if set(grid.starts()) != contracts.keys():
            raise ExchangeRefused(
                f"the auction has {len(contracts)} contracts in {area} and the bid "
                f"{len(grid)} MTUs",
                auction=auction.id,
            )
        return contracts

    def _contracts_of_length(
        self, auction: Auction, area: PriceArea, length: timedelta
    ) -> dict[datetime, str]:
        """Return an area's contracts of one length: an auction may have longer ones as well."""
        detail, path = self._detail(auction), f"/auctions/{auction.id}"
        with _as_described(path):
            groups = {group["areaCode"]: group["contracts"] for group in detail["contracts"]}
            if area not in groups:
                raise ExchangeDenied(
                    f"the auction has no contracts in {area}", auction=auction.id, area=area
                )
            spans = (
                (parse_instant(c["deliveryStart"]), parse_instant(c["deliveryEnd"]), str(c["id"]))
                for c in groups[area]
            )
            return {start: name for start, end, name in spans if end - start == length}


@dataclass(frozen=True)
class _Heading:
    """What every new order begins with."""

    auction: Auction
    portfolio: Portfolio
    area: PriceArea
    comment: str

    def document(self) -> dict[str, Any]:
        return {
            "auctionId": self.auction.id,
            "portfolio": self.portfolio,
            "areaCode": self.area,
            "comment": self.comment,
        }


@contextmanager
def _as_described(path: str) -> Iterator[None]:
    """Take an answer of another form than the exchange describes for what it is: not to be read.

    Nothing is concluded from it, least of all that nothing stands.
    """
    try:
        yield
    except _OTHER_FORMS as error:
        raise ExchangeDenied(
            f"the exchange's answer is not as it describes it: {type(error).__name__} {error}",
            path=path,
        ) from error


def _orders_path(auction: Auction) -> str:
    return f"/auctions/{auction.id}/orders"


def _exact(value: Any) -> Decimal:
    return Decimal(str(value))
