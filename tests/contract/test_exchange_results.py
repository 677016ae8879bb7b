"""What an auction came to, over HTTP: prices, trades and net volumes once they are published."""

from __future__ import annotations

import pytest
from exchange_venue import SPRING_DAY, curve, opened

PUBLISHED = "2026-03-28T11:45:00+00:00"
FINAL = "2026-03-28T11:55:00+00:00"
FIRST, SECOND = f"{SPRING_DAY}-PT15M-01", f"{SPRING_DAY}-PT15M-02"
NINE_SELLING = {
    "auctionId": SPRING_DAY,
    "portfolio": "cascade-example",
    "areaCode": "NO3",
    "blocks": [
        {
            "name": "b1",
            "price": 20.0,
            "minimumAcceptanceRatio": 1.0,
            "periods": [{"contractId": FIRST, "volume": -9.0}],
        }
    ],
}


@pytest.fixture
def folder(tmp_path):
    """A folder whose prices.csv has 55.05 in the first quarter of the spring day in NO3."""
    rows = [
        "price_area,delivery_start,price",
        "NO3,2026-03-29T00:00+01:00,55.05",
        "NO5,2026-03-29T00:00+01:00,60.2",
    ]
    (tmp_path / "prices.csv").write_text("\n".join(rows))
    return tmp_path


@pytest.fixture
def venue(folder):
    with opened(folder, longer_contracts=[60]) as venue:
        yield venue


@pytest.mark.parametrize("what", ["prices", "trades", "portfoliovolumes"])
def test_results__are_refused_until_they_are_published(venue, what: str):
    venue.place()
    for instant in ("2026-03-28T10:59:00+00:00", "2026-03-28T11:44:59+00:00"):
        venue.turn_clock_to(instant)
        refused = venue.client.get(f"/auctions/{SPRING_DAY}/{what}")
        assert (refused.status_code, refused.json()["type"]) == (400, "results-not-published")


def test_prices__of_the_file_of_its_hour_and_of_the_market(venue):
    venue.turn_clock_to(PUBLISHED)
    prices = venue.get(f"/auctions/{SPRING_DAY}/prices")
    assert (prices["auction"], len(prices["contracts"])) == (SPRING_DAY, 92 + 23)
    found = {
        (contract["contractId"], area["areaCode"]): area["prices"][0]
        for contract in prices["contracts"]
        for area in contract["areas"]
    }
    assert found[FIRST, "NO3"] == {
        "currencyCode": "EUR",
        "marketPrice": 55.05,
        "status": "PreliminaryResults",
    }
    # The file names the hour by its first quarter, so its price holds for all four.
    assert found[SECOND, "NO3"]["marketPrice"] == 55.05
    assert found[f"{SPRING_DAY}-PT60M-01", "NO5"]["marketPrice"] == pytest.approx(60.2)
    # The hour from 2 to 3 does not exist that day: the third hour is that of 3 o'clock.
    assert found[f"{SPRING_DAY}-PT60M-03", "NO1"]["marketPrice"] == 27.0


def test_trades_and_volumes__of_curves_and_blocks_in_the_exchanges_sign(venue):
    curve_order = venue.place().json()
    block_order = venue.client.post("/blockorders", json=NINE_SELLING).json()
    venue.turn_clock_to(FINAL)

    trades = venue.get(f"/auctions/{SPRING_DAY}/trades", areas="NO3")
    told = {trade["orderId"]: trade for trade in trades}
    assert set(told) == {curve_order["orderId"], block_order["orderId"]}
    (by_curve,) = told[curve_order["orderId"]]["trades"]
    assert (by_curve["volume"], by_curve["side"], by_curve["price"]) == (5.0, "Sell", 55.05)
    assert by_curve["status"] == "Final"
    block = told[block_order["orderId"]]
    assert (block["orderResultType"], block["name"]) == ("Block", "b1")
    assert block["trades"][0]["volume"] == 9.0

    (owner,) = venue.get(f"/auctions/{SPRING_DAY}/portfoliovolumes")["portfolioNetVolumes"]
    (area,) = owner["areaNetVolumes"]
    net = {volume["contractId"]: volume["netVolume"] for volume in area["netVolumes"]}
    assert (owner["portfolio"], area["areaCode"], len(net)) == ("cascade-example", "NO3", 92)
    assert (net[FIRST], net[SECOND]) == (-14.0, 0.0)


def test_trades__of_an_hour_count_in_each_of_its_quarters(venue):
    venue.place([curve([(-500, 7), (4000, 7)], f"{SPRING_DAY}-PT60M-01")])
    venue.turn_clock_to(FINAL)
    (trade,) = venue.get(f"/auctions/{SPRING_DAY}/trades")
    assert [(t["contractId"], t["side"]) for t in trade["trades"]] == [
        (f"{SPRING_DAY}-PT60M-01", "Buy")
    ]
    volumes = venue.get(f"/auctions/{SPRING_DAY}/portfoliovolumes")
    net = volumes["portfolioNetVolumes"][0]["areaNetVolumes"][0]["netVolumes"]
    assert [v["netVolume"] for v in net[:5]] == [7.0, 7.0, 7.0, 7.0, 0.0]


def test_trades__of_others_and_of_cancelled_orders_are_not_there(venue):
    order_id = venue.place().json()["orderId"]
    venue.client.patch(f"/curveorders/{order_id}", json={"curves": []})
    venue.place(areaCode="NO5")
    venue.turn_clock_to(FINAL)
    with venue.log_in("rival") as rival:
        assert rival.get(f"/auctions/{SPRING_DAY}/trades").json() == []
    assert [t["areaCode"] for t in venue.get(f"/auctions/{SPRING_DAY}/trades")] == ["NO5"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("area,start,price\n", "columns"),
        ("price_area,delivery_start,price\nNO3,2026-03-29T00:00,1\n", "no instant with an offset"),
        ("price_area,delivery_start,price\nNO3,2026-03-29T00:00Z,5000\n", "'5000' is not a price"),
    ],
)
def test_prices__a_file_that_cannot_be_used_is_told(folder, venue, text: str, words: str):
    (folder / "prices.csv").write_text(text)
    venue.turn_clock_to(FINAL)
    answer = venue.client.get(f"/auctions/{SPRING_DAY}/prices")
    assert answer.status_code == 500
    assert words in answer.json()["detail"]
