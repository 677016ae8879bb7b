"""The acts that bring what stands at the exchange to what is wanted, one at a time.

Blocks that a bid does not have go first and those that it has come last, so that in between less is
offered than the bid does and not more. Of the orders of blocks one stays: the exchange would let any
number stand, as after a request that came late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hydrobid.domain.blocks import BlockOrder
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import Portfolio
from hydrobid.pipeline.order_steps import Act, Step
from hydrobid.pipeline.ports import (
    Auction,
    Exchange,
    ExchangeBlocks,
    ExchangeOrder,
    ExchangeOrders,
)


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


def steps_to(found: ExchangeOrders, wanted: BidMatrix) -> Iterator[Step]:
    """Yield every act that it takes, were each of them to do what it says."""
    while found.matrix != wanted:
        step = next_step(found, wanted)
        yield step
        found = _after(step, found, wanted)


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


def _after(step: Step, found: ExchangeOrders, wanted: BidMatrix) -> ExchangeOrders:
    """Return what stands when a step has done what it says."""
    match step.act:
        case Act.CANCEL_BLOCKS:
            kept = tuple(order for order in found.blocks if order.order_id != step.order_id)
            return replace(found, blocks=kept)
        case Act.PLACE_BLOCKS | Act.AMEND_BLOCKS:
            blocks = ExchangeBlocks(step.order_id, 1, "", "", wanted.blocks)
            return replace(found, blocks=(blocks,))
        case _:
            curves = ExchangeOrder(step.order_id, 1, "", "", wanted.without_blocks)
            return replace(found, curves=curves)


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
