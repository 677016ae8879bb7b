"""Which blocks are accepted at given prices, rule by rule."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrobid.bidding.block_clearing import accepted_blocks, sold_in_blocks
from hydrobid.domain.blocks import BlockBid, BlockOrder
from hydrobid.domain.identifiers import Identifier, PriceArea
from hydrobid.domain.time import MtuGrid

HOURS = 4
GRID = MtuGrid(datetime(2026, 3, 28, tzinfo=UTC), 60, HOURS)


def block(name: str, price: int, lots=(10, 10), first: int = 0, **fields: Any) -> BlockOrder:
    """Return a block at a whole price in a market of ticks of 1 and lots of 1 MW."""
    links = {key: Identifier(value) for key, value in fields.items()}
    return BlockOrder(Identifier(name), price, first, tuple(lots), **links)


def accepted(prices: list[float], *blocks: BlockOrder) -> set[str]:
    bid = BlockBid(PriceArea("NO2"), GRID, Decimal(1), Decimal(1), blocks)
    return {str(name) for name in accepted_blocks(bid, np.array(prices, dtype=float))}


@pytest.mark.parametrize(
    ("price", "taken"), [(49, True), (50, True), (51, False)], ids=["in", "at", "out"]
)
def test_accepted_blocks__sold__by_the_average_of_its_hours(price: int, taken: bool):
    assert (accepted([40, 60, 0, 0], block("a", price)) == {"a"}) is taken


@pytest.mark.parametrize(("price", "taken"), [(51, True), (50, True), (49, False)])
def test_accepted_blocks__bought__where_the_average_is_below(price: int, taken: bool):
    assert (accepted([40, 60, 0, 0], block("a", price, (-5, -5))) == {"a"}) is taken


def test_accepted_blocks__profiled__weights_the_average_by_volume():
    # (3 x 40 + 1 x 60) / 4 = 45, though the plain average is 50.
    assert accepted([40, 60, 0, 0], block("a", 46, (30, 10))) == set()
    assert accepted([40, 60, 0, 0], block("a", 45, (30, 10))) == {"a"}


def test_accepted_blocks__linked__never_without_its_parent():
    parent, child = block("p", 60), block("c", 10, first=2, linked_to="p")
    # The child earns 2 x 10 x 5 = 100 at 15, the parent loses 2 x 10 x 10 = 200.
    assert accepted([50, 50, 15, 15], parent, child) == set()


def test_accepted_blocks__linked__saves_a_parent_for_which_it_earns_enough():
    parent, child = block("p", 60), block("c", 10, first=2, linked_to="p")
    assert accepted([50, 50, 20, 20], parent, child) == {"p", "c"}
    assert accepted([50, 50, 19, 19], parent, child) == set()


def test_accepted_blocks__linked__out_of_the_money_is_left_while_its_parent_is_taken():
    parent, child = block("p", 40), block("c", 30, first=2, linked_to="p")
    assert accepted([50, 50, 20, 20], parent, child) == {"p"}


def test_accepted_blocks__of_an_exclusive_group__the_one_that_earns_most():
    early, late = block("e", 40, group="g"), block("l", 40, first=2, group="g")
    assert accepted([50, 50, 60, 60], early, late) == {"l"}
    assert accepted([50, 50, 50, 50], early, late) == {"e"}
    assert accepted([30, 30, 39, 39], early, late) == set()


def test_accepted_blocks__of_another_group__are_taken_beside():
    both = block("a", 40, group="g"), block("b", 40, group="h")
    assert accepted([50, 50, 0, 0], *both) == {"a", "b"}


def test_sold_in_blocks__sums_what_is_accepted():
    bid = BlockBid(
        PriceArea("NO2"),
        GRID,
        Decimal(1),
        Decimal("0.1"),
        (block("a", 40), block("b", 45, (5, 6, 7), first=1), block("c", 99)),
    )
    sold = sold_in_blocks(bid, np.array([50.0, 50.0, 50.0, 50.0]))
    assert sold == pytest.approx([1.0, 1.5, 0.6, 0.7])


@given(data=st.data())
def test_accepted_blocks__of_families_and_groups__earn_most_that_the_links_allow(data):
    """No choice that keeps links and groups earns more: that is what the rules come to."""
    count = data.draw(st.integers(1, 6))
    blocks: list[BlockOrder] = []
    for number in range(count):
        parents = [None, *(str(b.name) for b in blocks if b.group is None)]
        parent = data.draw(st.sampled_from(parents))
        group = data.draw(st.sampled_from([None, "g", "h"])) if parent is None else None
        fields = {"linked_to": parent, "group": group}
        lots = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=2))
        first, price = data.draw(st.integers(0, 2)), data.draw(st.integers(30, 60))
        given_fields = {key: value for key, value in fields.items() if value}
        blocks.append(block(f"b{number}", price, lots, first, **given_fields))
    prices = np.array(data.draw(st.lists(st.integers(30, 60), min_size=4, max_size=4)), float)

    chosen = accepted(prices.tolist(), *blocks)

    def worth(names: set[str]) -> float:
        return sum(
            lot * (prices[b.first + at] - b.price)
            for b in blocks
            if b.name in names
            for at, lot in enumerate(b.lots)
        )

    def allowed(names: set[str]) -> bool:
        linked = all(b.linked_to is None or b.linked_to in names for b in blocks if b.name in names)
        groups = [b.group for b in blocks if b.name in names and b.group is not None]
        return linked and len(groups) == len(set(groups))

    choices = (
        {str(b.name) for b, taken in zip(blocks, flags, strict=True) if taken}
        for flags in product((False, True), repeat=count)
    )
    assert allowed(chosen)
    assert worth(chosen) == pytest.approx(max(worth(c) for c in choices if allowed(c)))
