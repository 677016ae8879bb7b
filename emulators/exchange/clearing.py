"""What orders get at given prices. Volumes here are the exchange's: buying positive, selling negative.

An auction's prices are given, so nothing is matched: each order is read at them, by these rules.

Curves (Nord Pool's hourly-bid page, EUPHEMIA's public description):
- The volume at a price is interpolated linearly between the neighbouring points and rounded to whole
  lots, halves away from zero. Of a contract of several MTUs the price is the mean of theirs.
- Where the price is at a limit, the long side gets the market's `accepted_at_limits` of its volume:
  sellers at the minimum, buyers at the maximum.

Blocks (Nord Pool's block-order page):
- A block is worth the mean price of its contracts, weighted by energy, against its own price. In the
  money it is accepted whole, out of the money not at all; at the money, where the exchange may do
  either, it gets its minimum acceptance ratio. Volumes are rounded as curves' are.
- A linked block is accepted only with its parent and no further than it; where its parent's share is
  below its minimum it is rejected. A parent that loses is accepted where the blocks linked to it gain
  more than it loses.
- Of an exclusive group the block that gains most, with what is linked to it, is accepted; of equals the
  first. A spread's two blocks are accepted as one.
- No block is rejected paradoxically: given prices leave no reason to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from emulators.exchange.market import Auction
from emulators.exchange.market_file import MarketRules
from emulators.exchange.orders import Block, Curve, Order

Cleared = dict[str, Decimal]
"""MW by contract."""


@dataclass(frozen=True)
class PricedContracts:
    """The contracts of an auction at the prices of one price area."""

    rules: MarketRules
    prices: Mapping[str, Decimal]
    hours: Mapping[str, Decimal]

    @classmethod
    def of(
        cls, auction: Auction, rules: MarketRules, unit_prices: Sequence[Decimal]
    ) -> PricedContracts:
        """Return the price of every contract, of whatever length, from those of the MTUs."""
        units = dict(zip((unit.id for unit in auction.contracts), unit_prices, strict=True))
        prices = {
            name: sum((units[unit.id] for unit in parts), Decimal(0)) / len(parts)
            for name, parts in auction.units.items()
        }
        hours = {name: Decimal(repr(c.hours)) for name, c in auction.by_id.items()}
        return cls(rules, prices, hours)

    def curve(self, curve: Curve) -> Decimal:
        """Return the MW that a curve comes to."""
        price = self.prices[curve.contract_id]
        volume = _interpolated(curve, price)
        limits, share = self.rules.price_limits, self.rules.results.accepted_at_limits
        long_at_floor = price <= limits.minimum and volume < 0
        long_at_ceiling = price >= limits.maximum and volume > 0
        return self._in_lots(volume * share if long_at_floor or long_at_ceiling else volume)

    def blocks(self, blocks: Sequence[Block]) -> dict[str, Cleared]:
        """Return the MW by contract of each accepted block, by its name."""
        shares = _Families(blocks, {block.name: self._gain(block) for block in blocks}).shares()
        return {
            block.name: {
                period.contract_id: self._in_lots(Decimal(repr(period.volume)) * share)
                for period in block.periods
            }
            for block in blocks
            if (share := shares.get(block.name, Decimal(0)))
        }

    def order(self, order: Order) -> list[tuple[Block | None, Cleared]]:
        """Return what an order comes to: its curves as one, each accepted block for itself."""
        if order.curves:
            return [(None, {curve.contract_id: self.curve(curve) for curve in order.curves})]
        accepted = self.blocks(order.blocks)
        return [(block, accepted[block.name]) for block in order.blocks if block.name in accepted]

    def _gain(self, block: Block) -> Decimal:
        """Return what a whole block earns, or saves, against its own price."""
        own = Decimal(repr(block.price))
        return -sum(
            (
                Decimal(repr(volume)) * (self.prices[contract] - own) * self.hours[contract]
                for contract, volume in block.periods
            ),
            Decimal(0),
        )

    def _in_lots(self, volume: Decimal) -> Decimal:
        lot = self.rules.volume_lot
        return (volume / lot).quantize(Decimal(1), ROUND_HALF_UP) * lot


class _Families:
    """Blocks with those that are linked to them."""

    def __init__(self, blocks: Sequence[Block], gains: Mapping[str, Decimal]) -> None:
        self._blocks = {block.name: block for block in blocks}
        self._gains = gains
        self._children: dict[str, list[Block]] = {}
        for block in blocks:
            if block.linked_to is not None and not block.is_spread_block:
                self._children.setdefault(block.linked_to, []).append(block)

    def shares(self) -> dict[str, Decimal]:
        """Return the accepted share of each block that is accepted."""
        shares: dict[str, Decimal] = {}
        for block in self._heads():
            if block.is_spread_block:
                self._accept_spread(block, shares)
            else:
                self._accept(block, Decimal(1), shares)
        return shares

    def _heads(self) -> list[Block]:
        """Return the blocks that hang on no other, of each exclusive group the one that gains most."""
        heads = [b for b in self._blocks.values() if b.linked_to is None or b.is_spread_block]
        best: dict[str, Block] = {}
        for block in heads:
            group = block.exclusive_group
            if group and (group not in best or self._worth(block) > self._worth(best[group])):
                best[group] = block
        return [b for b in heads if not b.exclusive_group or best[b.exclusive_group] is b]

    def _worth(self, block: Block) -> Decimal:
        """Return what a block gains with those of its children that are worth their while."""
        children = self._children.get(block.name, ())
        return self._gains[block.name] + sum(
            (max(Decimal(0), self._worth(child)) for child in children), Decimal(0)
        )

    def _accept(self, block: Block, most: Decimal, shares: dict[str, Decimal]) -> None:
        worth, least = self._worth(block), Decimal(repr(block.minimum_acceptance_ratio))
        if worth < 0 or most < least:
            return
        shares[block.name] = most if worth > 0 else least
        for child in self._children.get(block.name, ()):
            self._accept(child, shares[block.name], shares)

    def _accept_spread(self, block: Block, shares: dict[str, Decimal]) -> None:
        gain = self._gains[block.name] + self._gains[block.linked_to or block.name]
        if gain > 0:
            shares[block.name] = Decimal(1)
        elif gain == 0:
            shares[block.name] = Decimal(repr(block.minimum_acceptance_ratio))


def _interpolated(curve: Curve, price: Decimal) -> Decimal:
    points = [(Decimal(repr(p.price)), Decimal(repr(p.volume))) for p in curve.points]
    if price <= points[0][0]:
        return points[0][1]
    for (low, before), (high, after) in pairwise(points):
        if price <= high:
            return before + (after - before) * (price - low) / (high - low)
    return points[-1][1]
