"""An exchange in memory: orders until the gate, and results once prices are published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from hydrobid.adapters.plain_exchange import PlainExchange
from hydrobid.bidding.block_clearing import accepted_blocks
from hydrobid.bidding.clearing import cleared
from hydrobid.domain.blocks import BlockBid, in_order
from hydrobid.domain.canonical import POWER_DECIMALS, rounded
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import ExchangeRefused, OrderConflict
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.results import PublishedResult, TradedOrder
from hydrobid.domain.time import MtuGrid
from hydrobid.pipeline.ports import (
    Auction,
    Clock,
    ExchangeBlocks,
    ExchangeOrder,
    ExchangeOrders,
    Judgement,
)

Slot = tuple[str, Portfolio, PriceArea]


class MemoryExchange(PlainExchange):
    """An exchange that takes orders until the gate: one of curves for a portfolio, area and day.

    Its auctions clear when somebody publishes prices. objections: of the reasonability check, by
    order.
    """

    limit = Decimal(1_000_000)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._closes: dict[str, datetime] = {}
        self._placed = 0
        self.objections: dict[str, tuple[str, ...]] = {}
        self._prices: dict[tuple[str, PriceArea], Sequence[float]] = {}
        self.orders: dict[Slot, ExchangeOrder] = {}
        self.blocks: dict[Slot, list[ExchangeBlocks]] = {}

    def auction(self, market: Market, day: date) -> Auction:
        auction = f"{market.id}-{day.isoformat()}"
        closes = self._closes.setdefault(auction, market.gate(day))
        published = any(name == auction for name, _ in self._prices)
        return Auction(auction, self._clock.now() < closes, closes, published)

    def judgement(self, auction: Auction, order_id: str) -> Judgement:
        del auction
        objections = self.objections.get(order_id, ())
        return Judgement(not objections, "Automatic", objections)

    def publish(self, auction: Auction, area: PriceArea, prices: Sequence[float]) -> None:
        """Publish what an area came to: a price of each MTU, in the market's currency per MWh."""
        self._prices[auction.id, area] = tuple(prices)

    def result(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> PublishedResult | None:
        prices = self._prices.get((auction.id, area))
        if prices is None:
            return None
        grid = market.grid(day)
        standing = self.standing_orders(market, day, auction, portfolio, area)
        trades = tuple(_trades(market, grid, area, standing, np.array(prices)))
        net = np.sum([np.zeros(len(grid)), *(np.array(trade.volumes) for trade in trades)], axis=0)
        return PublishedResult(
            auction=auction.id,
            portfolio=portfolio,
            price_area=area,
            currency=market.currency,
            status="final",
            mtu_start=grid.start,
            mtu_minutes=market.mtu_minutes,
            prices=tuple(prices),
            volumes=tuple(rounded(volume, POWER_DECIMALS) for volume in net),
            trades=trades,
        )

    def standing_orders(
        self, market: Market, day: date, auction: Auction, portfolio: Portfolio, area: PriceArea
    ) -> ExchangeOrders:
        del market, day
        slot = (auction.id, portfolio, area)
        return ExchangeOrders(self.orders.get(slot), tuple(self.blocks.get(slot, ())))

    def place(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        self._check_open(auction)
        key = (auction.id, portfolio, matrix.price_area)
        if key in self.orders:
            raise OrderConflict("an order stands already")
        self._placed += 1
        order_id = f"order-{self._placed}"
        self.orders[key] = ExchangeOrder(order_id, 1, "Accepted", comment, matrix.without_blocks)

    def amend(self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str) -> None:
        key = self._key_of(auction, order_id)
        version = self.orders[key].version + 1
        self.orders[key] = ExchangeOrder(
            order_id, version, "Accepted", comment, matrix.without_blocks
        )

    def cancel(self, auction: Auction, order_id: str) -> None:
        del self.orders[self._key_of(auction, order_id)]

    def place_blocks(
        self, auction: Auction, portfolio: Portfolio, matrix: BidMatrix, comment: str
    ) -> None:
        self._check_open(auction)
        if not matrix.blocks:
            raise ExchangeRefused("an order has at least one of its blocks")
        self._placed += 1
        order = ExchangeBlocks(f"order-{self._placed}", 1, "Accepted", comment, matrix.blocks)
        self.blocks.setdefault((auction.id, portfolio, matrix.price_area), []).append(order)

    def amend_blocks(
        self, auction: Auction, order_id: str, matrix: BidMatrix, comment: str
    ) -> None:
        orders, index = self._blocks_of(auction, order_id)
        before = orders[index]
        named = {block.name: block for block in (*(before.blocks or ()), *matrix.blocks)}
        merged = in_order(named.values())
        orders[index] = replace(before, version=before.version + 1, comment=comment, blocks=merged)

    def cancel_blocks(self, auction: Auction, order_id: str) -> None:
        orders, index = self._blocks_of(auction, order_id)
        del orders[index]

    def _blocks_of(self, auction: Auction, order_id: str) -> tuple[list[ExchangeBlocks], int]:
        """Return where an order of blocks stands that may still be changed."""
        self._check_open(auction)
        for orders in self.blocks.values():
            for index, order in enumerate(orders):
                if order.order_id == order_id:
                    return orders, index
        raise OrderConflict(f"no order {order_id}", order_id=order_id)

    def _key_of(self, auction: Auction, order_id: str) -> Slot:
        """Return where an order stands that may still be changed."""
        self._check_open(auction)
        for key, order in self.orders.items():
            if order.order_id == order_id:
                return key
        raise OrderConflict(f"no order {order_id}", order_id=order_id)

    def _check_open(self, auction: Auction) -> None:
        if self._clock.now() >= self._closes[auction.id]:
            raise ExchangeRefused("the auction is closed")


def _trades(
    market: Market,
    grid: MtuGrid,
    area: PriceArea,
    standing: ExchangeOrders,
    prices: NDArray[np.float64],
) -> Iterator[TradedOrder]:
    """Yield what each order, and each block that was accepted, came to."""
    curves = standing.curves
    if curves is not None and curves.matrix is not None:
        lots = np.rint(cleared(curves.matrix, prices, market) / float(curves.matrix.lot))
        volumes = tuple(curves.matrix.volume(int(count)) for count in lots)
        yield TradedOrder(order_id=curves.order_id, kind="curve", volumes=volumes)
    for order in standing.blocks:
        bid = BlockBid(area, grid, market.price_tick, market.volume_lot, order.blocks or ())
        accepted = accepted_blocks(bid, prices)
        for block in bid.blocks:
            if block.name in accepted:
                alone = np.zeros(len(grid))
                alone[block.mtus] = float(bid.lot) * np.array(block.lots)
                yield TradedOrder(
                    order_id=order.order_id, kind="block", name=block.name, volumes=tuple(alone)
                )
