"""What the blocks of a bid came to in an auction, by its prices and trades, and whether that may be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from hydrobid.domain.blocks import BlockBid, BlockOrder
from hydrobid.domain.results import PublishedResult, TradedOrder

ROUNDING = 1e-6
HALF_CENT = 0.005
"""Currency per MWh by which the mean of published prices may be off."""


@dataclass(frozen=True)
class BlockOutcome:
    """What one block came to.

    average: the mean of its MTUs' prices by its volumes, in currency per MWh. share: of its volume
    that was accepted. margin: what a MWh of it earns over its price, below zero out of the money.
    """

    block: BlockOrder
    average: float
    share: float
    margin: float

    @property
    def missed(self) -> bool:
        """Whether it was in the money and not accepted in full, which an exchange may do."""
        return self.margin > HALF_CENT and self.share < 1 - ROUNDING


def block_outcomes(bid: BlockBid, published: PublishedResult) -> list[BlockOutcome]:
    """Return what each block of a bid came to; published: of the bid's MTUs."""
    prices, traded = np.array(published.prices), _by_name(published.trades)
    outcomes = []
    for block in bid.blocks:
        lots = np.array(block.lots, dtype=np.float64)
        average = float(lots @ prices[block.mtus] / lots.sum())
        price = float(bid.tick) * block.price
        margin = average - price if block.sells else price - average
        volumes = traded.get(block.name)
        offered = float(bid.lot) * float(lots.sum())
        share = 0.0 if volumes is None else float(np.sum(volumes.volumes)) / offered
        outcomes.append(BlockOutcome(block, average, share, margin))
    return outcomes


def block_faults(bid: BlockBid, published: PublishedResult) -> Iterator[tuple[str, str]]:
    """Yield the names of traded blocks that could not have been traded so, and the rule against it.

    That a block in the money was rejected is no fault: its volume might have moved the price.
    """
    outcomes: dict[str, BlockOutcome] = {o.block.name: o for o in block_outcomes(bid, published)}
    traded = _by_name(published.trades)
    parents = {block.linked_to for block in bid.blocks}
    groups: defaultdict[str, float] = defaultdict(float)
    for name, trade in traded.items():
        outcome = outcomes.get(name)
        if outcome is None:
            yield name, "a block of the bid that stood"
            continue
        block, share = outcome.block, outcome.share
        if not _is_share(bid, block, share, trade):
            yield name, "one share of the block in each of its MTUs, rounded to lots, and no other"
        if share > 0 and not float(block.acceptance_min) - ROUNDING <= share <= 1 + ROUNDING:
            yield name, f"a share of {block.acceptance_min} to 1"
        if outcome.margin < -HALF_CENT and share > 0 and name not in parents:
            yield name, f"not accepted at an average price of {outcome.average:.2f}"
        if block.linked_to is not None and share > outcomes[block.linked_to].share + ROUNDING:
            yield name, f"no more of it than of {block.linked_to}, which it is linked to"
        if block.group is not None:
            groups[block.group] += share
    for group, total in groups.items():
        if total > 1 + ROUNDING:
            yield group, "the shares of an exclusive group at most 1 together"


def _by_name(trades: Iterable[TradedOrder]) -> dict[str, TradedOrder]:
    """Return the trades of blocks; two of one name are added up."""
    found: dict[str, TradedOrder] = {}
    for trade in trades:
        if trade.kind != "block":
            continue
        name, volumes = trade.name or trade.order_id, trade.volumes
        if name in found:
            pairs = zip(found[name].volumes, volumes, strict=True)
            volumes = tuple(one + other for one, other in pairs)
        found[name] = trade.model_copy(update={"volumes": volumes})
    return found


def _is_share(bid: BlockBid, block: BlockOrder, share: float, trade: TradedOrder) -> bool:
    expected = np.zeros(len(bid.grid))
    expected[block.mtus] = share * float(bid.lot) * np.array(block.lots)
    off = float(np.max(np.abs(np.array(trade.volumes) - expected)))
    return off <= float(bid.lot) / 2 + ROUNDING
