"""Block orders and linked exclusive groups at the exchange: placed, changed, cancelled, refused."""

from __future__ import annotations

import pytest
from exchange_venue import SPRING_DAY, fields_of, opened

FIRST, SECOND, THIRD = (f"{SPRING_DAY}-PT15M-0{n}" for n in (1, 2, 3))


@pytest.fixture(scope="module")
def quiet_venue(tmp_path_factory):
    """An exchange that many tests may share, for none of their orders is ever accepted."""
    with opened(tmp_path_factory.mktemp("quiet"), longer_contracts=[60]) as venue:
        yield venue
        assert venue.get(f"/auctions/{SPRING_DAY}/orders")["blockLists"] == []


@pytest.fixture
def venue(tmp_path):
    with opened(tmp_path, longer_contracts=[60]) as venue:
        yield venue


def block(name: str = "b1", contracts=(FIRST, SECOND), volume: float = -20.0, **changes) -> dict:
    return {
        "name": name,
        "price": 45.0,
        "minimumAcceptanceRatio": 1.0,
        "periods": [{"contractId": contract, "volume": volume} for contract in contracts],
        **changes,
    }


def request(*blocks: dict, **changes) -> dict:
    return {
        "auctionId": SPRING_DAY,
        "portfolio": "cascade-example",
        "areaCode": "NO3",
        "comment": "digest 1",
        "blocks": list(blocks),
        **changes,
    }


@pytest.mark.parametrize("path", ["/blockorders", "/linkedegorders"])
def test_block_order__is_placed_listed_changed_and_cancelled(venue, path: str):
    first = block(exclusiveGroup="g1") if path == "/linkedegorders" else block()
    placed = venue.client.post(path, json=request(first))
    assert placed.status_code == 200, placed.text
    order = placed.json()
    (shown,) = order["blocks"]
    assert {**shown, "periods": []} == {
        "modifier": "trader",
        "state": "Accepted",
        "name": "b1",
        "price": 45.0,
        "minimumAcceptanceRatio": 1.0,
        "linkedTo": None,
        "exclusiveGroup": first.get("exclusiveGroup"),
        "isSpreadBlock": False,
        "periods": [],
    }
    assert shown["periods"] == first["periods"]
    assert (order["version"], order["companyName"]) == (1, "Cascade example")
    assert venue.get(f"/auctions/{SPRING_DAY}/orders")["blockLists"] == [order]

    address = f"{path}/{order['orderId']}"
    more = {**first, "name": "b2", "price": 50.0}
    patched = venue.client.patch(address, json={"blocks": [more], "comment": "digest 2"}).json()
    assert [b["name"] for b in patched["blocks"]] == ["b1", "b2"]
    assert venue.get(address) == patched
    cancelled = venue.client.patch(address, json={"blocks": []}).json()
    assert (cancelled["blocks"], cancelled["version"]) == ([], 3)
    assert [v["version"] for v in venue.get(f"{address}/versions")] == [1, 2, 3]
    late = venue.client.patch(address, json={"blocks": [more]})
    assert (late.status_code, late.json()["type"]) == (409, "order-cancelled")


def test_block_orders__any_number_may_stand_beside_the_one_of_curves(venue):
    ids = {
        venue.client.post("/blockorders", json=request(block())).json()["orderId"] for _ in range(2)
    } | {venue.place().json()["orderId"]}
    assert len(ids) == 3
    orders = venue.get(f"/auctions/{SPRING_DAY}/orders")
    assert [len(orders[kind]) for kind in ("curveOrders", "blockLists")] == [1, 2]
    cancelled = venue.client.delete(f"/auctions/{SPRING_DAY}/orders/cancelall").json()
    assert set(cancelled["cancelledOrderIds"]) == ids


def test_block_order__is_found_under_its_own_kind_only(venue):
    order = venue.client.post("/blockorders", json=request(block())).json()
    for path in ("/curveorders", "/linkedegorders"):
        assert venue.client.get(f"{path}/{order['orderId']}").status_code == 404


def test_block_order__may_be_of_hours_where_there_are_such_contracts(venue):
    hours = [f"{SPRING_DAY}-PT60M-01", f"{SPRING_DAY}-PT60M-02"]
    assert (
        venue.client.post("/blockorders", json=request(block(contracts=hours))).status_code == 200
    )


def test_block_order__gate(venue):
    venue.turn_clock_to("2026-03-28T11:00:00+00:00")
    refused = venue.client.post("/blockorders", json=request(block()))
    assert (refused.status_code, refused.json()["type"]) == (400, "auction-not-open")


PARENT = block("parent")
SPREAD = [
    block("buys", (FIRST,), 10.0, linkedTo="sells", isSpreadBlock=True),
    block("sells", (THIRD,), -10.0, linkedTo="buys", isSpreadBlock=True),
]


@pytest.mark.parametrize(
    ("blocks", "field", "words"),
    [
        ([block(price=4000.1)], "blocks[0].price", "outside -500 to 4000"),
        ([block(price=45.05)], "blocks[0].price", "multiple of the tick"),
        ([block(minimumAcceptanceRatio=1.1)], "blocks[0].minimumAcceptanceRatio", "at most 1"),
        ([block(contracts=())], "blocks[0].periods", "at least one period"),
        ([block(contracts=(FIRST, THIRD))], "blocks[0].periods", "without a gap"),
        ([block(contracts=("X",))], "blocks[0].periods[0].contractId", "not a contract"),
        (
            [block(contracts=(FIRST,), volume=-900.1)],
            "blocks[0].periods[0].volume",
            "more than 900",
        ),
        ([block(contracts=(FIRST,), volume=0.05)], "blocks[0].periods[0].volume", "the lot 0.1"),
        ([block(linkedTo="nobody")], "blocks[0].linkedTo", "not a block of this order"),
        ([block(linkedTo="b1")], "blocks[0].linkedTo", "linked to itself"),
        ([PARENT, block(linkedTo="parent", exclusiveGroup="g")], "blocks[1].linkedTo", "linked ex"),
        ([block(isSpreadBlock=True)], "blocks[0].linkedTo", "each linked to the other"),
        ([block(), block()], "blocks[1].name", "name of another"),
    ],
)
def test_block_order__refuses_what_breaks_one_rule(quiet_venue, blocks, field, words):
    refused = quiet_venue.client.post("/blockorders", json=request(*blocks))
    assert (refused.status_code, refused.json()["type"]) == (400, "invalid-order")
    assert fields_of(refused) == [field]
    assert words in refused.json()["message"]


def test_block_order__mixed_signs_and_unequal_spreads(quiet_venue):
    mixed = block()
    mixed["periods"][1] = {"contractId": SECOND, "volume": 20.0}
    buying, selling = SPREAD
    both_buy = [buying, {**selling, "periods": [{"contractId": THIRD, "volume": 10.0}]}]
    for blocks, words in (([mixed], "buys in all"), (both_buy, "one buys and one sells")):
        refused = quiet_venue.client.post("/blockorders", json=request(*blocks))
        assert words in refused.json()["message"]


def test_linked_exclusive_group__needs_groups(quiet_venue):
    refused = quiet_venue.client.post("/linkedegorders", json=request(block()))
    assert fields_of(refused) == ["blocks[0].exclusiveGroup"]


def test_spread__and_a_family_are_taken(venue):
    family = [PARENT, block("child", linkedTo="parent")]
    for blocks in (SPREAD, family):
        placed = venue.client.post("/blockorders", json=request(*blocks))
        assert placed.status_code == 200, placed.text
