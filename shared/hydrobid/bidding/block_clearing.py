"""Which blocks an auction accepts at prices that they do not move.

1. A block is in the money where the average of its MTUs' prices, weighted by its volumes, is above
   its price (sold) or below it (bought). In the money it is accepted in full, out of the money not at
   all; at the money an exchange may do either, and here it is accepted.
2. A linked block is accepted only where its parent is. A family is accepted where it is in the money
   together: a block out of the money is, where what it makes possible earns more than it loses. A
   block that nothing is linked to is never accepted out of the money.
3. Of an exclusive group the block that earns most is accepted, the first of equals, and no other.

The rules are those of Nord Pool's order pages and of Euphemia's public description. A minimum
acceptance ratio lets an exchange accept less where a block would move the price: at given prices
nothing is gained by less. An exchange may also reject a block that is in the money (paradoxically)
where accepting it would change the prices; at given prices that does not happen either.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.blocks import BlockBid, BlockOrder
from hydrobid.domain.identifiers import Identifier

DECIMALS = 6
"""Of currency: what differs by less is at the money."""


def accepted_blocks(bid: BlockBid, prices: NDArray[np.float64]) -> frozenset[Identifier]:
    """Return the names of the blocks that are accepted at (T,) prices in currency per MWh."""
    children: dict[Identifier, list[BlockOrder]] = defaultdict(list)
    for block in bid.blocks:
        if block.linked_to is not None:
            children[block.linked_to].append(block)
    worth: dict[Identifier, float] = {}
    for block in reversed(bid.blocks):  # children come after their parents
        own = _surplus(block, bid, prices)
        worth[block.name] = round(
            own + sum(max(worth[child.name], 0.0) for child in children[block.name]), DECIMALS
        )
    best: dict[Identifier, BlockOrder] = {}
    for block in bid.blocks:
        if block.group is not None:
            rival = best.setdefault(block.group, block)
            if worth[block.name] > worth[rival.name]:
                best[block.group] = block
    accepted: set[Identifier] = set()
    for block in bid.blocks:
        beaten = block.group is not None and best[block.group] is not block
        orphan = block.linked_to is not None and block.linked_to not in accepted
        if worth[block.name] >= 0 and not beaten and not orphan:
            accepted.add(block.name)
    return frozenset(accepted)


def sold_in_blocks(bid: BlockBid, prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (T,) MW that accepted blocks sell at (T,) prices, bought negative."""
    accepted, sold = accepted_blocks(bid, prices), np.zeros(len(bid.grid))
    for block in bid.blocks:
        if block.name in accepted:
            sold[block.mtus] += float(bid.lot) * np.array(block.lots)
    return sold


def _surplus(block: BlockOrder, bid: BlockBid, prices: NDArray[np.float64]) -> float:
    """Return what a block earns over its price, in currency."""
    energy = float(bid.lot) * np.array(block.lots) * bid.grid.hours
    return float(energy @ (prices[block.mtus] - float(bid.tick) * block.price))
