"""What an auction came to, for some of its orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from emulators.exchange.clearing import Cleared, PricedContracts
from emulators.exchange.market import Auction
from emulators.exchange.market_file import MarketRules
from emulators.exchange.orders import Block, Order
from emulators.exchange.prices import AreaPrices


@dataclass(frozen=True)
class Traded:
    """What one order came to, or one of its blocks. volumes: MW by contract, buying positive."""

    order: Order
    block: Block | None
    volumes: Cleared


@dataclass(frozen=True)
class Outcome:
    """A cleared auction. prices: of each MTU by price area. orders: those that are asked about."""

    auction: Auction
    rules: MarketRules
    prices: AreaPrices
    final: bool
    orders: tuple[Order, ...]

    @cached_property
    def trades(self) -> list[Traded]:
        """What each order came to, without contracts in which it came to nothing."""
        return [
            Traded(order, block, {name: mw for name, mw in volumes.items() if mw})
            for order in self.orders
            for block, volumes in self.contracts[order.slot.area_code].order(order)
        ]

    @cached_property
    def contracts(self) -> dict[str, PricedContracts]:
        """Every contract with its price, by price area."""
        return {
            area: PricedContracts.of(self.auction, self.rules, prices)
            for area, prices in self.prices.items()
        }

    def net_volumes(self) -> Iterator[tuple[str, str, Cleared]]:
        """Yield portfolio, price area and MW of each MTU, buying positive, all orders together."""
        totals: defaultdict[tuple[str, str], Cleared] = defaultdict(
            lambda: {unit.id: Decimal(0) for unit in self.auction.contracts}
        )
        for order in self.orders:
            totals[order.slot.portfolio, order.slot.area_code]
        for traded in self.trades:
            slot = traded.order.slot
            total = totals[slot.portfolio, slot.area_code]
            for name, volume in traded.volumes.items():
                for unit in self.auction.units[name]:
                    total[unit.id] += volume
        for (portfolio, area), total in sorted(totals.items()):
            yield portfolio, area, total
