"""Block orders, in whole ticks and lots: one price for consecutive MTUs, taken whole or not at all.

A block is accepted by the average of its MTUs' prices, weighted by its volumes. Down to its minimum
acceptance ratio it may be accepted in part, by the same share in each MTU. A linked block is accepted
no further than its parent; of an exclusive group all blocks together are accepted at most once.

Volumes are generation-positive, as in curves: a block that sells is positive. Only the exchange's
adapter knows another sign.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.errors import CorruptDocument, InvalidInput, Problem
from hydrobid.domain.identifiers import Identifier, PriceArea
from hydrobid.domain.market import BlockRules, Market
from hydrobid.domain.time import MtuGrid

WHOLE = Decimal(1)


@dataclass(frozen=True)
class BlockOrder:
    """One block: sold at `price` or dearer, bought at `price` or cheaper.

    price: in price ticks. first: position of its first MTU in the day's grid. lots: volume lots in
    each MTU from there on, all above zero or all below; equal in a regular block, different in a
    profiled one. acceptance_min: the least share that may be accepted, in whole percents; 1 is all
    or nothing. linked_to: the parent's name. group: the exclusive group that it belongs to.
    """

    name: Identifier
    price: int
    first: int
    lots: tuple[int, ...]
    acceptance_min: Decimal = WHOLE
    linked_to: Identifier | None = None
    group: Identifier | None = None

    def __post_init__(self) -> None:
        document = f"block {self.name}"
        if not self.lots or not (min(self.lots) > 0 or max(self.lots) < 0):
            expected = "one or more, all above 0 (sold) or all below (bought)"
            raise InvalidInput.of(document, "volumes", self.lots, expected)
        if self.first < 0:
            raise InvalidInput.of(document, "first", self.first, "a position in the day, 0 or more")
        if not 0 < self.acceptance_min <= 1 or self.acceptance_min * 100 % 1:
            expected = "a share of whole percents, above 0 and at most 1"
            raise InvalidInput.of(document, "acceptance_min", str(self.acceptance_min), expected)
        if self.linked_to is not None and self.group is not None:
            expected = "nothing in a linked block: the two are different products"
            raise InvalidInput.of(document, "group", str(self.group), expected)

    @property
    def mtus(self) -> range:
        """The positions of its MTUs in the day's grid."""
        return range(self.first, self.first + len(self.lots))

    @property
    def sells(self) -> bool:
        """Whether power is sold, not bought."""
        return self.lots[0] > 0

    @property
    def regular(self) -> bool:
        """Whether its volume is the same in every MTU."""
        return len(set(self.lots)) == 1

    def to_document(self) -> dict[str, Any]:
        """Return the block as JSON-ready data, in ticks and lots."""
        return {
            "name": str(self.name),
            "t": self.price,
            "first": self.first,
            "v": list(self.lots),
            "acceptance_min": str(self.acceptance_min.normalize()),
            "linked_to": self.linked_to and str(self.linked_to),
            "group": self.group and str(self.group),
        }

    @classmethod
    def from_document(cls, document: Any) -> BlockOrder:
        """Return the block that a document holds; raise CorruptDocument where it holds none."""
        try:
            return cls(
                name=Identifier(document["name"]),
                price=document["t"],
                first=document["first"],
                lots=tuple(document["v"]),
                acceptance_min=Decimal(document["acceptance_min"]),
                linked_to=_identifier(document["linked_to"]),
                group=_identifier(document["group"]),
            )
        except (KeyError, TypeError, ArithmeticError) as error:
            raise CorruptDocument(f"not a block order: {error}") from error


def in_order(blocks: Iterable[BlockOrder]) -> tuple[BlockOrder, ...]:
    """Return blocks by their names, but each after the one that it is linked to.

    Equal blocks come in equal order, whoever merged or stored them. Raises:
        CorruptDocument: they are linked in a circle, or to one that is not there.
    """
    waiting = sorted(blocks, key=lambda block: block.name)
    placed: list[BlockOrder] = []
    while waiting:
        names = {block.name for block in placed}
        ready = [b for b in waiting if b.linked_to is None or b.linked_to in names]
        if not ready:
            raise CorruptDocument("blocks that are linked in a circle, or to none that is there")
        placed += ready
        waiting = [block for block in waiting if block not in ready]
    return tuple(placed)


def without(blocks: Iterable[BlockOrder], mtus: Collection[int]) -> tuple[BlockOrder, ...]:
    """Return the blocks that are in none of some MTUs, nor linked to one that is.

    blocks: parents before those linked to them.
    """
    kept: dict[Identifier, BlockOrder] = {}
    for block in blocks:
        orphan = block.linked_to is not None and block.linked_to not in kept
        if not orphan and not any(mtu in block.mtus for mtu in mtus):
            kept[block.name] = block
    return tuple(kept.values())


@dataclass(frozen=True)
class BlockBid:
    """The block orders of a delivery day in one price area, parents before those linked to them.

    tick: currency per MWh in a tick. lot: MW in a lot.
    """

    price_area: PriceArea
    grid: MtuGrid
    tick: Decimal
    lot: Decimal
    blocks: tuple[BlockOrder, ...]

    def __post_init__(self) -> None:
        problems = list(self._faults())
        if problems:
            raise InvalidInput(problems)

    def _faults(self) -> Iterator[Problem]:
        names: list[Identifier] = []
        grouped = {block.name for block in self.blocks if block.group is not None}
        for block in self.blocks:
            document = f"block {block.name}"
            if block.name in names:
                yield Problem(document, "name", str(block.name), "a name of its own")
            if block.linked_to is not None and block.linked_to not in names:
                yield Problem(document, "linked_to", str(block.linked_to), "a block before it")
            if block.linked_to in grouped:
                yield Problem(document, "linked_to", str(block.linked_to), "a block of no group")
            if block.mtus.stop > len(self.grid):
                expected = f"MTUs within the {len(self.grid)} of the day"
                yield Problem(document, "volumes", (block.first, len(block.lots)), expected)
            names.append(block.name)

    def breaches(self, market: Market) -> list[Problem]:
        """Return what of the blocks the market's rules do not allow; none: it takes them all."""
        rules = market.blocks
        if not self.blocks:
            return []
        if rules is None:
            expected = f"none: {market.id} has no rules for block orders"
            return [Problem("block orders", "count", len(self.blocks), expected)]
        found = [fault for block in self.blocks for fault in _breaches(block, market, rules)]
        found += _too_many("block orders", len(self.blocks), rules.orders_max)
        sizes = Counter(block.group for block in self.blocks if block.group is not None)
        for group, size in sizes.items():
            found += _too_many(f"exclusive group {group}", size, rules.group_max)
        return found

    @property
    def most(self) -> NDArray[np.int64]:
        """The most lots that the blocks may sell in each of the (T,) MTUs, of a group one block's."""
        return self._extreme(1)

    @property
    def least(self) -> NDArray[np.int64]:
        """The most lots that the blocks may buy in each of the (T,) MTUs, below zero."""
        return -self._extreme(-1)

    def _extreme(self, side: int) -> NDArray[np.int64]:
        alone = np.zeros(len(self.grid), np.int64)
        grouped: defaultdict[Identifier, NDArray[np.int64]]
        grouped = defaultdict(lambda: np.zeros(len(self.grid), np.int64))
        for block in self.blocks:
            lots = np.maximum(side * np.array(block.lots), 0)
            if block.group is None:
                alone[block.mtus] += lots
            else:
                of_group = grouped[block.group]
                of_group[block.mtus] = np.maximum(of_group[block.mtus], lots)
        return sum(grouped.values(), alone)


def _breaches(block: BlockOrder, market: Market, rules: BlockRules) -> Iterator[Problem]:
    document = f"block {block.name}"
    if not market.min_ticks <= block.price <= market.max_ticks:
        price = str(market.price_tick * block.price)
        expected = f"{market.price_min} to {market.price_max} {market.currency}/MWh"
        yield Problem(document, "price", price, expected)
    largest = market.volume_lot * max(map(abs, block.lots))
    if largest > rules.volume_max:
        yield Problem(document, "volume", str(largest), f"at most {rules.volume_max} MW")
    if len(block.lots) < rules.mtus_min:
        yield Problem(document, "MTUs", len(block.lots), f"{rules.mtus_min} or more")


def _too_many(document: str, count: int, most: int | None) -> Sequence[Problem]:
    if most is None or count <= most:
        return ()
    return (Problem(document, "count", count, f"at most {most}"),)


def _identifier(value: str | None) -> Identifier | None:
    return None if value is None else Identifier(value)
