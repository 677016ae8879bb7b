"""Whether blocks may be placed: every finding at once, each with the field that it concerns.

Sources: Nord Pool's order type pages (consecutive hours, one price, minimum acceptance ratio, the
largest block, linked blocks, exclusive groups, a spread's buying and selling block) and its starter
kit's order generator. A block that is linked and of an exclusive group belongs in a linked
exclusive-group order, and nowhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import pairwise

from emulators.exchange.market import Auction
from emulators.exchange.market_file import MarketRules, is_multiple
from emulators.exchange.orders import Block, Order, OrderKind
from emulators.exchange.problems import Finding


def check_blocks(order: Order, *, auction: Auction, rules: MarketRules) -> Iterator[Finding]:
    """Yield what is wrong with the blocks of one order; nothing means placeable."""
    limits = rules.blocks
    if len(order.blocks) > limits.most_blocks:
        yield Finding(
            "blocks", f"{len(order.blocks)} blocks: at most {limits.most_blocks} an order"
        )
    sizes = Counter(b.exclusive_group for b in order.blocks if b.exclusive_group)
    for group, size in sizes.items():
        if size > limits.most_in_group:
            message = f"group {group!r} has {size} blocks: at most {limits.most_in_group}"
            yield Finding("blocks", message)
    by_name = {block.name: block for block in order.blocks}
    seen: set[str] = set()
    for index, block in enumerate(order.blocks):
        field = f"blocks[{index}]"
        if block.name in seen:
            yield Finding(f"{field}.name", f"{block.name!r} is the name of another block already")
        seen.add(block.name)
        yield from _check_price(f"{field}.price", block, rules)
        if not 0 < block.minimum_acceptance_ratio <= 1:
            message = f"{block.minimum_acceptance_ratio} is not above 0 and at most 1"
            yield Finding(f"{field}.minimumAcceptanceRatio", message)
        yield from _check_periods(f"{field}.periods", block, auction, rules)
        yield from _check_link(f"{field}.linkedTo", block, by_name, order.kind)


def _check_price(field: str, block: Block, rules: MarketRules) -> Iterator[Finding]:
    price, limits = Decimal(repr(block.price)), rules.price_limits
    if not limits.minimum <= price <= limits.maximum:
        message = f"{price} is outside {limits.minimum} to {limits.maximum} {rules.currency}/MWh"
        yield Finding(field, message)
    elif not is_multiple(price, rules.price_tick):
        yield Finding(field, f"{price} is not a multiple of the tick {rules.price_tick}")


def _check_periods(
    field: str, block: Block, auction: Auction, rules: MarketRules
) -> Iterator[Finding]:
    if not block.periods:
        yield Finding(field, "a block has at least one period")
    contracts = []
    for index, period in enumerate(block.periods):
        place = f"{field}[{index}]"
        contract = auction.by_id.get(period.contract_id)
        if contract is None:
            message = f"{period.contract_id!r} is not a contract of {auction.id}"
            yield Finding(f"{place}.contractId", message)
        else:
            contracts.append(contract)
        volume, largest = Decimal(repr(period.volume)), rules.blocks.largest_volume
        if not volume or abs(volume) > largest:
            yield Finding(f"{place}.volume", f"{volume} is 0 MW or more than {largest} MW")
        elif not is_multiple(volume, rules.volume_lot):
            message = f"{volume} is not a multiple of the lot {rules.volume_lot} MW"
            yield Finding(f"{place}.volume", message)
    if any(before.delivery_end != after.delivery_start for before, after in pairwise(contracts)):
        yield Finding(field, "the contracts of a block follow one another without a gap")
    if len({period.volume > 0 for period in block.periods}) > 1:
        yield Finding(field, "a block buys in all its contracts or sells in all of them")


def _check_link(
    field: str, block: Block, by_name: Mapping[str, Block], kind: OrderKind
) -> Iterator[Finding]:
    linked = kind is OrderKind.LINKED_EG
    if linked and not block.exclusive_group:
        yield Finding(field.replace("linkedTo", "exclusiveGroup"), "each block is of a group here")
    if block.exclusive_group and block.linked_to and not linked:
        message = "a block of an exclusive group is linked in a linked exclusive-group order only"
        yield Finding(field, message)
    if block.linked_to is None:
        if block.is_spread_block:
            yield Finding(field, "a spread is two blocks, each linked to the other")
        return
    parent = by_name.get(block.linked_to)
    if parent is None:
        yield Finding(field, f"{block.linked_to!r} is not a block of this order")
    elif block.is_spread_block:
        yield from _check_spread(field, block, parent)
    elif _in_circle(block, by_name):
        yield Finding(field, f"{block.name!r} is linked to itself, through others or at once")


def _check_spread(field: str, block: Block, other: Block) -> Iterator[Finding]:
    pair = other.is_spread_block and other.linked_to == block.name and other is not block
    if not pair:
        yield Finding(field, "a spread is two blocks, each linked to the other")
    elif block.periods and other.periods and block.periods[0].volume * other.periods[0].volume > 0:
        yield Finding(field, "of a spread's two blocks one buys and one sells")
    elif block.minimum_acceptance_ratio != other.minimum_acceptance_ratio:
        yield Finding(field, "a spread's two blocks have one minimum acceptance ratio")


def _in_circle(block: Block, by_name: Mapping[str, Block]) -> bool:
    seen = {block.name}
    while block.linked_to is not None and block.linked_to in by_name:
        block = by_name[block.linked_to]
        if block.name in seen:
            return True
        seen.add(block.name)
    return False
