"""The exchange port on Nord Pool's Auction API.

Fields and addresses are those of the exchange's public starter kit, NordPool/AuctionApi-StarterKit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hydrobid.adapters.nordpool_content import (
    Contracts,
    blocks_in,
    blocks_of,
    curves_of,
    matrix_of,
)
from hydrobid.adapters.nordpool_requests import (
    BlockOrder,
    BlockOrderChange,
    CurveOrder,
    CurveOrderChange,
    Form,
    formed,
)
from hydrobid.adapters.nordpool_results import published_result
from hydrobid.adapters.nordpool_session import NordPoolSession
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import ExchangeDenied, ExchangeRefused, InvalidInput
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.results import PublishedResult
from hydrobid.domain.time import MtuGrid, parse_instant, utc_text
from hydrobid.pipeline.order_steps import Act, Step
from hydrobid.pipeline.ports import (
    Auction,
    Document,
    ExchangeBlocks,
    ExchangeOrder,
    ExchangeOrders,
    Judgement,
    Terms,
)

CLOSING_WINDOW = timedelta(hours=3)
CANCELLED = "Cancelled"
CURVE_ORDERS, BLOCK_ORDERS = "/curveorders", "/blockorders"
CURVES, BLOCKS = "curveOrders", "blockLists"

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

    def standing_orders(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> ExchangeOrders:
        """Return what stands for portfolio and area."""
        listed = self._listed(auction, portfolio, area)
        contracts, grid = self._contracts(market, auction, area), market.grid(day)
        with _as_described(_orders_path(auction)):
            curves = [
                ExchangeOrder(
                    order_id=str(raw["orderId"]),
                    version=int(raw["version"]),
                    state=str(raw["state"]),
                    comment=str(raw.get("comment") or ""),
                    matrix=matrix_of(market, grid, area, raw, contracts),
                )
                for raw in listed[CURVES]
                if raw["state"] != CANCELLED
            ]
            states = {
                str(raw["orderId"]): [b["state"] for b in raw["blocks"] if b["state"] != CANCELLED]
                for raw in listed[BLOCKS]
            }
            blocks = [
                ExchangeBlocks(
                    order_id=str(raw["orderId"]),
                    version=int(raw["version"]),
                    state=str(states[str(raw["orderId"])][0]),
                    comment=str(raw.get("comment") or ""),
                    blocks=blocks_in(market, grid, area, raw, contracts),
                )
                for raw in listed[BLOCKS]
                if states[str(raw["orderId"])]
            ]
        return ExchangeOrders(curves[0] if curves else None, tuple(blocks))

    def orders(self, auction: Auction, portfolio: Portfolio, area: PriceArea) -> list[Document]:
        """Return the orders of portfolio and area as the exchange holds them, with their versions."""
        listed = self._listed(auction, portfolio, area)
        return [
            {**order, "versions": self._session.read(f"{path}/{order['orderId']}/versions")}
            for kind, path in ((CURVES, CURVE_ORDERS), (BLOCKS, BLOCK_ORDERS))
            for order in listed[kind]
        ]

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
        self, auction: Auction, portfolio: Portfolio, step: Step, matrix: BidMatrix, comment: str
    ) -> Document:
        """Return method, path and content of what is sent for a step, checked for their form."""
        if step.act in (Act.CANCEL, Act.CANCEL_BLOCKS):
            return _cancellation(step)
        heading = {
            "auctionId": auction.id,
            "portfolio": portfolio,
            "areaCode": matrix.price_area,
        }
        return self._request(auction, {} if step.order_id else heading, step, matrix, comment)

    def place(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        """Place a new order of a bid's curves."""
        step = Step(Act.PLACE)
        self._session.change(**self.request_for(auction, portfolio, step, matrix, comment))

    def amend(self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str) -> None:
        """Replace the curves of a standing order by a bid's."""
        step = Step(Act.AMEND, order_id)
        self._session.change(**self._request(auction, {}, step, matrix, comment))

    def cancel(self, auction: Auction, order_id: str) -> None:
        """Take a standing curve order back: a change to no curves, as the exchange has it."""
        del auction
        self._session.change(**_cancellation(Step(Act.CANCEL, order_id)))

    def place_blocks(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        """Place a new order of a bid's blocks; linked ones and exclusive groups go the same way."""
        step = Step(Act.PLACE_BLOCKS)
        self._session.change(**self.request_for(auction, portfolio, step, matrix, comment))

    def amend_blocks(
        self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str
    ) -> None:
        """Change blocks of a standing order by their names, and add those that are new."""
        step = Step(Act.AMEND_BLOCKS, order_id)
        self._session.change(**self._request(auction, {}, step, matrix, comment))

    def cancel_blocks(self, auction: Auction, order_id: str) -> None:
        """Take a standing order of blocks back: a change to no blocks, as the exchange has it."""
        del auction
        self._session.change(**_cancellation(Step(Act.CANCEL_BLOCKS, order_id)))

    def _request(
        self, auction: Auction, heading: Document, step: Step, matrix: BidMatrix, comment: str
    ) -> Document:
        """Return what places an order under a heading, or without one changes a step's."""
        contracts = self._contracts_for(auction, matrix.price_area, matrix.grid)
        forms: tuple[type[Form], type[Form]]
        if step.act in (Act.PLACE, Act.AMEND):
            path, forms = CURVE_ORDERS, (CurveOrder, CurveOrderChange)
            content = {"comment": comment, "curves": curves_of(matrix, contracts)}
        else:
            path, forms = BLOCK_ORDERS, (BlockOrder, BlockOrderChange)
            content = {"comment": comment, "blocks": blocks_of(matrix.block_bid, contracts)}
        new, change = forms
        if heading:
            return {"method": "POST", "path": path, "content": formed(new, {**heading, **content})}
        path = f"{path}/{step.order_id}"
        return {"method": "PATCH", "path": path, "content": formed(change, content)}

    def _listed(
        self, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> dict[str, list[Document]]:
        """Return the orders of portfolio and area, cancelled ones too, by what they consist of."""
        path = _orders_path(auction)
        listed = self._session.read(path, portfolios=portfolio, areas=area)
        with _as_described(path):
            return {kind: list(listed[kind]) for kind in (CURVES, BLOCKS)}

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


def _cancellation(step: Step) -> Document:
    blocks = step.act is Act.CANCEL_BLOCKS
    path, kind = (BLOCK_ORDERS, "blocks") if blocks else (CURVE_ORDERS, "curves")
    return {"method": "PATCH", "path": f"{path}/{step.order_id}", "content": {kind: []}}


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
