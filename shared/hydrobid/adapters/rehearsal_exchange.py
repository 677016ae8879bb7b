"""The exchange port without an exchange: for a client that is tried out before it bids.

Orders are kept in the client's own documents and nobody else sees them. They follow an exchange's
rules until the gate; no auction clears, so there are no results.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from hydrobid.adapters.plain_exchange import PlainExchange
from hydrobid.domain.blocks import in_order
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import ExchangeRefused, OrderConflict
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.results import PublishedResult
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob, put_blob
from hydrobid.pipeline.ports import (
    Auction,
    Clock,
    Document,
    Documents,
    ExchangeBlocks,
    ExchangeOrder,
    ExchangeOrders,
    Judgement,
    Put,
    Transaction,
)

ACCEPTED = "Accepted"

# What is kept for a portfolio and area: the orders ever placed, the curve order that stands, and
# those of blocks, each with its content's digest.
NOTHING: Document = {"placed": 0, "curve": None, "blocks": []}


class RehearsalExchange(PlainExchange):
    """Takes one curve order for a portfolio, area and day, and any number of blocks."""

    limit = Decimal(1_000_000)

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents, self._clock = documents, clock

    def auction(self, market: Market, day: date) -> Auction:
        closes = market.gate(day)
        return Auction(f"{market.id}-{day.isoformat()}", self._clock.now() < closes, closes)

    def judgement(self, auction: Auction, order_id: str) -> Judgement:
        del auction, order_id
        return Judgement(approved=True, by="rehearsal", objections=())

    def result(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> PublishedResult | None:
        del market, day, auction, portfolio, area
        return None

    def standing_orders(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> ExchangeOrders:
        del market, day
        kept = self._kept(auction, portfolio, area)
        curves, blocks = kept["curve"], kept["blocks"]
        return ExchangeOrders(
            None
            if curves is None
            else ExchangeOrder(*_told(curves), self._bid(curves).without_blocks),
            tuple(ExchangeBlocks(*_told(order), self._bid(order).blocks) for order in blocks),
        )

    def place(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        content = put_blob(self._documents, matrix.to_document())

        def placed(kept: Document) -> None:
            if kept["curve"] is not None:
                raise OrderConflict("an order stands already")
            kept["curve"] = _next_order(kept, portfolio, matrix.price_area, content, comment)

        self._change(auction, portfolio, matrix.price_area, placed)

    def amend(self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str) -> None:
        content = put_blob(self._documents, matrix.to_document())

        def amended(kept: Document) -> None:
            _amend(_standing(kept, order_id), content, comment)

        self._change(auction, *_slot_of(order_id), amended)

    def cancel(self, auction: Auction, order_id: str) -> None:
        def cancelled(kept: Document) -> None:
            _standing(kept, order_id)
            kept["curve"] = None

        self._change(auction, *_slot_of(order_id), cancelled)

    def place_blocks(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        content = put_blob(self._documents, matrix.to_document())

        def placed(kept: Document) -> None:
            order = _next_order(kept, portfolio, matrix.price_area, content, comment)
            kept["blocks"].append(order)

        self._change(auction, portfolio, matrix.price_area, placed)

    def amend_blocks(
        self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str
    ) -> None:
        slot = _slot_of(order_id)
        before = self._bid(_block_order(self._kept(auction, *slot), order_id))
        named = {block.name: block for block in (*before.blocks, *matrix.blocks)}
        merged = replace(matrix, blocks=in_order(named.values()))
        content = put_blob(self._documents, merged.to_document())

        def amended(kept: Document) -> None:
            _amend(_block_order(kept, order_id), content, comment)

        self._change(auction, *slot, amended)

    def cancel_blocks(self, auction: Auction, order_id: str) -> None:
        def cancelled(kept: Document) -> None:
            kept["blocks"].remove(_block_order(kept, order_id))

        self._change(auction, *_slot_of(order_id), cancelled)

    def _bid(self, order: dict[str, Any]) -> BidMatrix:
        return BidMatrix.from_document(get_blob(self._documents, order["content"]))

    def _kept(self, auction: Auction, portfolio: Portfolio, area: PriceArea) -> Document:
        path = paths.rehearsal(auction.id, portfolio, area)
        return self._documents.get(path) or NOTHING

    def _change(
        self,
        auction: Auction,
        portfolio: Portfolio,
        area: PriceArea,
        change: Callable[[Document], None],
    ) -> None:
        path = paths.rehearsal(auction.id, portfolio, area)

        def work(transaction: Transaction) -> None:
            kept = copy.deepcopy(transaction.get(path) or NOTHING)
            if self._clock.now() >= auction.closes:
                raise ExchangeRefused("the auction is closed")
            change(kept)
            transaction.write(Put(path, kept))

        self._documents.transact(work)


def _told(order: dict[str, Any]) -> tuple[str, int, str, str]:
    return order["order_id"], order["version"], ACCEPTED, order["comment"]


def _next_order(
    kept: Document, portfolio: Portfolio, area: PriceArea, content: str, comment: str
) -> dict[str, Any]:
    kept["placed"] += 1
    order_id = f"{portfolio}~{area}~{kept['placed']}"
    return {"order_id": order_id, "version": 1, "content": content, "comment": comment}


def _amend(order: dict[str, Any], content: str, comment: str) -> None:
    order.update(version=order["version"] + 1, content=content, comment=comment)


def _slot_of(order_id: str) -> tuple[Portfolio, PriceArea]:
    """Return where an order stands, which its id begins with."""
    portfolio, area, _ = order_id.split("~")
    return Portfolio(portfolio), PriceArea(area)


def _standing(kept: Document, order_id: str) -> dict[str, Any]:
    order: dict[str, Any] | None = kept["curve"]
    if order is None or order["order_id"] != order_id:
        raise OrderConflict(f"no order {order_id}", order_id=order_id)
    return order


def _block_order(kept: Document, order_id: str) -> dict[str, Any]:
    for order in kept["blocks"]:
        if order["order_id"] == order_id:
            found: dict[str, Any] = order
            return found
    raise OrderConflict(f"no order {order_id}", order_id=order_id)
