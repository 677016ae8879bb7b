"""Block orders: what one may be, what a day of them may be, and what a market takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from hydrobid.domain.blocks import BlockBid, BlockOrder, in_order, without
from hydrobid.domain.curve import BidCurve, BidMatrix, total_matrix
from hydrobid.domain.errors import CorruptDocument, InvalidInput
from hydrobid.domain.identifiers import Identifier, PriceArea
from hydrobid.domain.market import BlockRules, GateClosure, Market
from hydrobid.domain.time import MtuGrid

GRID = MtuGrid(datetime(2026, 3, 27, 23, tzinfo=UTC), 60, 24)
MARKET = Market.model_validate(
    {
        "id": "nordic-hourly",
        "time_zone": "Europe/Oslo",
        "mtu_minutes": 60,
        "gate_closure": GateClosure.model_validate({"local_time": "12:00"}),
        "currency": "EUR",
        "price_min": -500,
        "price_max": 4000,
        "price_tick": "0.1",
        "volume_lot": "0.1",
        "max_points": 200,
        "blocks": {"volume_max": 90, "mtus_min": 2, "orders_max": 3, "group_max": 2},
        "price_areas": ["NO2"],
    }
)


def block(name: str, **fields: Any) -> BlockOrder:
    given: dict[str, Any] = {"price": 400, "first": 8, "lots": (500, 500, 500), **fields}
    return BlockOrder(name=Identifier(name), **given)


def bid(*blocks: BlockOrder) -> BlockBid:
    return BlockBid(PriceArea("NO2"), GRID, Decimal("0.1"), Decimal("0.1"), blocks)


def test_block__same_volume_throughout__is_regular_and_one_that_changes_is_profiled() -> None:
    assert block("a").regular
    assert not block("a", lots=(500, 400)).regular
    assert block("a").mtus == range(8, 11)
    assert not block("a", lots=(-5, -5)).sells


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"lots": ()}, "volumes"),
        ({"lots": (5, 0, 5)}, "volumes"),
        ({"lots": (5, -5)}, "volumes"),
        ({"first": -1}, "first"),
        ({"acceptance_min": Decimal(0)}, "acceptance_min"),
        ({"acceptance_min": Decimal("1.1")}, "acceptance_min"),
        ({"acceptance_min": Decimal("0.505")}, "acceptance_min"),
        ({"linked_to": Identifier("p"), "group": Identifier("g")}, "group"),
    ],
)
def test_block__not_as_the_products_are__is_refused_by_name(
    fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        block("a", **fields)
    assert [problem.field for problem in refused.value.problems] == [field]


def test_block_bid__all_its_faults__are_named_at_once() -> None:
    late, orphan = block("a", first=23, lots=(1, 1)), block("b", linked_to=Identifier("c"))
    with pytest.raises(InvalidInput) as refused:
        bid(late, orphan, block("b"))
    assert [(p.document, p.field) for p in refused.value.problems] == [
        ("block a", "volumes"),
        ("block b", "linked_to"),
        ("block b", "name"),
    ]


def test_block_bid__linked_to_a_block_of_a_group__is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        bid(block("a", group=Identifier("g")), block("b", linked_to=Identifier("a")))
    assert [(p.document, p.expected) for p in refused.value.problems] == [
        ("block b", "a block of no group")
    ]


def test_bid_matrix__document__gives_an_equal_bid_back() -> None:
    flat = BidCurve((MARKET.min_ticks, MARKET.max_ticks), (0, 0))
    given = bid(
        block("a", acceptance_min=Decimal("0.5")),
        block("b", linked_to=Identifier("a"), lots=(100, 200)),
        block("c", group=Identifier("g"), lots=(-100, -100)),
    )
    curves = BidMatrix(given.price_area, GRID, given.tick, given.lot, (flat,) * len(GRID))
    matrix = replace(curves, blocks=given.blocks)
    assert BidMatrix.from_document(matrix.to_document()) == matrix
    assert len({matrix.digest(), replace(matrix, blocks=given.blocks[:2]).digest()}) == 2
    # Bids keep the digests that they had before there were blocks.
    assert "blocks" not in curves.to_document()
    assert matrix.without_blocks.digest() == curves.digest()
    written = replace(given.blocks[0], acceptance_min=Decimal("0.50"))
    assert replace(matrix, blocks=(written, *given.blocks[1:])).digest() == matrix.digest()


def test_total_matrix__of_curves_and_blocks__is_the_same_in_any_order() -> None:
    flat = BidCurve((MARKET.min_ticks, MARKET.max_ticks), (0, 100))
    curves = BidMatrix(PriceArea("NO2"), GRID, Decimal("0.1"), Decimal("0.1"), (flat,) * 24)
    children = (block("b-2"), block("b-1", linked_to=Identifier("b-2")))
    parts = [curves, replace(curves, blocks=children), replace(curves, blocks=(block("a-1"),))]

    totals = {total_matrix(order).digest() for order in permutations(parts)}

    total = total_matrix(parts)
    assert len(totals) == 1
    assert [block.name for block in total.blocks] == ["a-1", "b-2", "b-1"]
    assert set(total.curves) == {BidCurve(flat.ticks, (0, 300))}
    # Three blocks of 50 MW in three hours, beside 30 MW of curves.
    assert total.span == (0.0, 180.0)


def test_without__of_some_mtus__drops_families_whole() -> None:
    linked = block("b", first=0, linked_to=Identifier("a"))
    blocks = (block("a"), linked, block("c", first=12), block("d", first=0))
    assert [b.name for b in without(blocks, [8])] == ["c", "d"]
    assert without(blocks, []) == blocks


def test_in_order__a_parent_that_is_not_there__is_corrupt() -> None:
    with pytest.raises(CorruptDocument, match="to none that is there"):
        in_order([block("a", linked_to=Identifier("z"))])


def test_most__of_a_group__counts_one_of_its_blocks() -> None:
    group = Identifier("g")
    given = bid(
        block("a", group=group), block("b", group=group, lots=(700, 700)), block("c", lots=(-9, -9))
    )
    assert given.most[8:12].tolist() == [700, 700, 500, 0]
    assert given.least[8:12].tolist() == [-9, -9, 0, 0]


def test_block__damaged_document__is_corrupt() -> None:
    document = block("a").to_document()
    del document["v"]
    with pytest.raises(CorruptDocument):
        BlockOrder.from_document(document)


def test_breaches__of_a_market_s_limits__are_each_named() -> None:
    group = Identifier("g")
    blocks = [block(name, group=group) for name in ("a", "b", "c")]
    blocks.append(block("d", price=40_001, first=0, lots=(901,)))
    breaches = bid(*blocks).breaches(MARKET)
    assert [(problem.document, problem.field) for problem in breaches] == [
        ("block d", "price"),
        ("block d", "volume"),
        ("block d", "MTUs"),
        ("block orders", "count"),
        ("exclusive group g", "count"),
    ]


def test_breaches__within_the_limits__are_none() -> None:
    blocks = (block("a", lots=(900, 900)), replace(block("b"), linked_to=Identifier("a")))
    assert bid(*blocks).breaches(MARKET) == []


def test_breaches__of_a_market_without_blocks__are_told() -> None:
    without = MARKET.model_copy(update={"blocks": None})
    (problem,) = bid(block("a")).breaches(without)
    assert "no rules for block orders" in problem.expected


def test_market__with_the_usual_rules__has_the_document_that_it_had_before_there_were_any() -> None:
    assert "blocks" not in MARKET.model_copy(update={"blocks": BlockRules()}).to_document()


@pytest.mark.parametrize("rules", [None, MARKET.blocks])
def test_market__with_other_rules__gives_them_back(rules: BlockRules | None) -> None:
    market = MARKET.model_copy(update={"blocks": rules})
    assert Market.from_document(market.to_document()) == market
