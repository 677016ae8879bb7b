"""The acts that bring what stands at the exchange to what is wanted, one at a time.

Blocks that a bid does not have go first and those that it has come last, so that in between less is
offered than the bid does and not more. Of the orders of blocks one stays: the exchange would let any
number stand, as after a request that came late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hydrobid.domain.blocks import BlockOrder
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import Portfolio
from hydrobid.pipeline.ports import Auction, Exchange, ExchangeBlocks, ExchangeOrders


class Act(StrEnum):
    """What is done at the exchange; CANCEL takes back what the desk has withdrawn."""

    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"
    PLACE_BLOCKS = "place-blocks"
    AMEND_BLOCKS = "amend-blocks"
    CANCEL_BLOCKS = "cancel-blocks"


@dataclass(frozen=True)
class Step:
    """An act. order_id: of the order that it changes, empty for a new one."""

    act: Act
    order_id: str = ""


def next_step(found: ExchangeOrders, wanted: BidMatrix) -> Step:
    """Return what to do next where what is found to stand is not what is wanted."""
    surplus = _surplus(found.blocks, wanted.blocks)
    if surplus is not None:
        return Step(Act.CANCEL_BLOCKS, surplus.order_id)
    if found.curves is None:
        return Step(Act.PLACE)
    if found.curves.matrix != wanted.without_blocks:
        return Step(Act.AMEND, found.curves.order_id)
    if not found.blocks:
        return Step(Act.PLACE_BLOCKS)
    return Step(Act.AMEND_BLOCKS, found.blocks[0].order_id)


def send(
    exchange: Exchange,
    auction: Auction,
    portfolio: Portfolio,
    step: Step,
    matrix: BidMatrix,
    comment: str,
) -> None:
    """Place or amend what a step says; raises as the exchange does."""
    match step.act:
        case Act.PLACE:
            exchange.place(auction, portfolio, matrix, comment)
        case Act.AMEND:
            exchange.amend(auction, step.order_id, matrix, comment)
        case Act.PLACE_BLOCKS:
            exchange.place_blocks(auction, portfolio, matrix, comment)
        case Act.AMEND_BLOCKS:
            exchange.amend_blocks(auction, step.order_id, matrix, comment)
        case Act.CANCEL | Act.CANCEL_BLOCKS:
            raise ValueError(f"{step.act} sends nothing")


def _surplus(
    standing: Sequence[ExchangeBlocks], wanted: Sequence[BlockOrder]
) -> ExchangeBlocks | None:
    """Return an order of blocks that has to go: any but the one that is as wanted, or can be made so.

    An amendment changes blocks by their names and takes none away. So an order keeps its names, and
    what it holds is one bid's blocks, however late an amendment arrives.
    """
    names = {block.name for block in wanted}
    as_wanted = [order for order in standing if order.blocks == tuple(wanted)]
    amendable = [
        order
        for order in standing
        if order.blocks is not None and names == {block.name for block in order.blocks}
    ]
    kept = next(iter((*as_wanted, *amendable)), None)
    return next((order for order in standing if order is not kept), None)
