"""The exchange as its members meet it over HTTP, served in this process."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from exchange_venue import (
    SPRING_DAY,
    ask_for_token,
    credentials,
    curve,
    fields_of,
    market_rules,
    opened,
    order_request,
)

from emulators.exchange.auth import Credentials
from emulators.exchange.server import ExchangeOptions, UnknownPortfolioError, serve


@pytest.fixture
def venue(tmp_path):
    with opened(tmp_path) as venue:
        yield venue


@pytest.fixture(scope="module")
def quiet_venue(tmp_path_factory):
    """An exchange that many tests may share, for none of their orders is ever accepted."""
    with opened(tmp_path_factory.mktemp("quiet")) as venue:
        yield venue
        assert venue.client.get(f"/auctions/{SPRING_DAY}/orders").json()["curveOrders"] == []


def test_curve_order__round_trips_with_the_sign_of_the_exchange(venue):
    placed = venue.place()
    assert placed.status_code == 200, placed.text
    order = placed.json()
    assert {**order, "orderId": "", "modified": "", "curves": []} == {
        "orderId": "",
        "areaCode": "NO3",
        "portfolio": "cascade-example",
        "currencyCode": "EUR",
        "auctionId": SPRING_DAY,
        "modifier": "trader",
        "modified": "",
        "state": "Accepted",
        "curves": [],
        "comment": "digest 1",
        "companyName": "Cascade example",
        "version": 1,
    }
    assert order["curves"] == [curve()]
    assert order["modified"].startswith("2026-03-28T10:59:")
    assert venue.client.get(f"/curveorders/{order['orderId']}").json() == order
    listed = venue.client.get(
        f"/auctions/{SPRING_DAY}/orders", params={"portfolios": "cascade-example", "areas": "NO3"}
    )
    assert listed.json() == {"curveOrders": [order], "blockLists": []}
    elsewhere = venue.client.get(f"/auctions/{SPRING_DAY}/orders", params={"areas": ["NO5", "NO2"]})
    assert elsewhere.json()["curveOrders"] == []


def test_curve_order__refuses_a_second_for_the_slot_however_many_try_at_once(venue):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: venue.place(), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    placed = next(answer for answer in answers if answer.status_code == 200).json()
    refused = next(answer for answer in answers if answer.status_code == 409).json()
    assert (refused["type"], refused["orderId"]) == ("order-exists", placed["orderId"])
    assert venue.place(areaCode="NO5").status_code == 200


def test_patch__changes_named_curves_and_keeps_every_version(venue):
    first, second = f"{SPRING_DAY}-PT15M-01", f"{SPRING_DAY}-PT15M-02"
    idle = [(-500, 0), (4000, 0)]
    address = f"/curveorders/{venue.place([curve(contract=second)]).json()['orderId']}"
    patched = venue.client.patch(
        address, json={"curves": [curve(idle, first)], "comment": "digest 2"}
    )
    assert patched.status_code == 200, patched.text
    assert patched.json()["curves"] == [curve(idle, first), curve(contract=second)]
    commented = venue.client.patch(address, json={"comment": "digest 3"}).json()
    assert commented["curves"] == patched.json()["curves"]
    versions = venue.client.get(f"{address}/versions").json()
    assert [(v["version"], v["comment"]) for v in versions] == [
        (1, "digest 1"),
        (2, "digest 2"),
        (3, "digest 3"),
    ]
    refused = venue.client.patch(address, json={"curves": [curve(idle[:1], first)]})
    assert refused.json()["type"] == "invalid-order"
    assert venue.client.patch(address, json={}).status_code == 400
    assert len(venue.client.get(f"{address}/versions").json()) == 3


def test_patch__without_curves_cancels_and_frees_the_slot(venue):
    order_id = venue.place().json()["orderId"]
    cancelled = venue.client.patch(f"/curveorders/{order_id}", json={"curves": []}).json()
    assert (cancelled["state"], cancelled["curves"], cancelled["version"]) == ("Cancelled", [], 2)
    late = venue.client.patch(f"/curveorders/{order_id}", json={"curves": [curve()]})
    assert (late.status_code, late.json()["type"]) == (409, "order-cancelled")
    again = venue.place().json()
    assert again["orderId"] != order_id
    orders = venue.client.get(f"/auctions/{SPRING_DAY}/orders").json()["curveOrders"]
    assert [order["state"] for order in orders] == ["Cancelled", "Accepted"]


def test_cancel__takes_the_named_portfolios_or_all_that_may_be_written(venue):
    orders = f"/auctions/{SPRING_DAY}/orders"
    assert venue.client.delete(f"{orders}/cancel").status_code == 400
    assert venue.client.delete(f"{orders}/cancel?portfolios=sintef-example").status_code == 403
    ids = {venue.place().json()["orderId"], venue.place(areaCode="NO5").json()["orderId"]}
    named = venue.client.delete(f"{orders}/cancel?portfolios=cascade-example").json()
    assert set(named["cancelledOrderIds"]) == ids
    third = venue.place().json()["orderId"]
    assert venue.client.delete(f"{orders}/cancelall").json() == {"cancelledOrderIds": [third]}
    assert venue.client.delete(f"{orders}/cancelall").json() == {"cancelledOrderIds": []}


def test_gate__closes_by_the_market_clock(venue):
    address = f"/curveorders/{venue.place().json()['orderId']}"
    venue.turn_clock_to("2026-03-28T11:00:00+00:00")
    for refused in (
        venue.place(areaCode="NO5"),
        venue.client.patch(address, json={"curves": []}),
        venue.client.delete(f"/auctions/{SPRING_DAY}/orders/cancelall"),
    ):
        assert (refused.status_code, refused.json()["type"]) == (400, "auction-not-open")
        assert f"{SPRING_DAY} is Closed" in refused.json()["message"]
    assert venue.client.get(address).json()["state"] == "Accepted"
    venue.turn_clock_to("2026-03-28T11:45:00+00:00")
    assert venue.client.get(f"/auctions/{SPRING_DAY}").json()["state"] == "ResultsPublished"
    assert venue.client.get(address).json()["state"] == "ResultsPublished"


@pytest.mark.parametrize(
    ("day", "count", "closes", "starts"),
    [
        ("2026-03-29", 92, "2026-03-28T11:00:00Z", "2026-03-28T23:00:00Z"),
        ("2026-10-25", 100, "2026-10-24T10:00:00Z", "2026-10-24T22:00:00Z"),
    ],
)
def test_auction__of_a_clock_change_day_has_its_contracts(venue, day, count, closes, starts):
    auction = venue.client.get(f"/auctions/DA-{day}").json()
    assert (auction["closeForBidding"], auction["deliveryStart"]) == (closes, starts)
    assert [kind["name"] for kind in auction["availableOrderTypes"]] == [
        "Curve",
        "Block",
        "LinkedExclusiveGroup",
    ]
    groups = {group["areaCode"]: group["contracts"] for group in auction["contracts"]}
    assert len(groups) == 12
    contracts = groups["NO3"]
    assert [c["id"] for c in (contracts[0], contracts[-1])] == [
        f"DA-{day}-PT15M-01",
        f"DA-{day}-PT15M-{count}",
    ]
    ends = [contract["deliveryEnd"] for contract in contracts]
    assert [c["deliveryStart"] for c in contracts] == [starts, *ends[:-1]]
    assert ends[-1] == auction["deliveryEnd"]
    placed = venue.place(
        [curve(contract=contract["id"]) for contract in contracts], auctionId=f"DA-{day}"
    )
    assert len(placed.json()["curves"]) == count


def test_auctions__lists_what_closes_in_the_range_with_own_portfolios(quiet_venue):
    span = {"closeBiddingFrom": "2026-03-28T11:00:00Z", "closeBiddingTo": "2026-03-29T10:00:00Z"}
    auctions = quiet_venue.client.get("/auctions", params=span).json()
    assert [auction["id"] for auction in auctions] == [SPRING_DAY, "DA-2026-03-30"]
    assert len(auctions[0]["contracts"]) == 92
    assert auctions[0]["currencies"] == [
        {"currencyCode": "EUR", "minPrice": -500.0, "maxPrice": 4000.0}
    ]
    assert [p["name"] for p in auctions[0]["portfolios"]] == ["cascade-example", "read-only"]
    assert auctions[0]["portfolios"][0]["areas"][0] == {
        "code": "NO3",
        "name": "Trondheim",
        "eicCode": "10YNO-3--------J",
        "curveMinVolumeLimit": -3000.0,
        "curveMaxVolumeLimit": 1000.0,
    }
    assert fields_of(quiet_venue.client.get("/auctions")) == ["closeBiddingFrom", "closeBiddingTo"]
    span["closeBiddingTo"] = "2026-06-28"
    assert fields_of(quiet_venue.client.get("/auctions", params=span)) == ["closeBiddingTo"]


@pytest.mark.parametrize(
    ("points", "place", "words"),
    [
        ([(-500, 0), (4000, 30)], "[1].volume", "may not rise with price"),
        ([(-500, 0), (40, 0), (40, -10), (4000, -10)], "[2].price", "does not lie above"),
        ([(-500, 0), (4000, -10.05)], "[1].volume", "multiple of the lot 0.1"),
        ([(-500, 0), (40.05, 0), (4000, 0)], "[1].price", "multiple of the tick 0.1"),
        ([(-500, 0), (4000, -3000.1)], "[1].volume", "outside -3000 to 1000 MW"),
        ([(-500, 0), (4000, 0), (4000.1, 0)], "[2].price", "outside -500 to 4000"),
        ([(-499.9, 0), (4000, 0)], "", "no point at the minimum price -500"),
        ([(-500, 0), (3999.9, 0)], "", "no point at the maximum price 4000"),
        ([(-500 + step / 10, 0) for step in range(200)] + [(4000, 0)], "", "at most 200"),
    ],
)
def test_validation__refuses_a_curve_that_breaks_one_rule(quiet_venue, points, place, words):
    refused = quiet_venue.place([curve(points)])
    assert (refused.status_code, refused.json()["type"]) == (400, "invalid-order")
    (error,) = refused.json()["errors"]
    assert error["field"] == f"curves[0].curvePoints{place}"
    assert words in error["message"]


def test_validation__reports_all_findings_at_once(quiet_venue):
    wrong = [
        curve([(-500, 0), (4000, 0.05)]),
        curve([(40.01, 1)]),
        curve(contract="DA-2026-03-30-PT15M-01"),
    ]
    refused = quiet_venue.place(wrong)
    assert fields_of(refused) == [
        "curves[0].curvePoints[1].volume",
        "curves[0].curvePoints[1].volume",
        "curves[1].contractId",
        "curves[1].curvePoints",
        "curves[1].curvePoints",
        "curves[1].curvePoints",
        "curves[1].curvePoints[0].price",
        "curves[2].contractId",
    ]
    assert "8 errors" in refused.json()["detail"]


def test_validation__knows_areas_portfolios_and_permissions(quiet_venue):
    assert fields_of(quiet_venue.place(areaCode="NO2", curves=[])) == ["curves", "areaCode"]
    for portfolio in ("sintef-example", "nobody", "read-only"):
        assert quiet_venue.place(portfolio=portfolio).status_code == 403
    assert quiet_venue.place(auctionId="DA-2026-02-29").status_code == 404
    assert fields_of(quiet_venue.place(comment="x" * 256)) == ["comment"]


def test_orders__of_others_are_out_of_sight(venue):
    order_id = venue.place().json()["orderId"]
    with venue.log_in("rival") as rival:
        assert rival.get(f"/auctions/{SPRING_DAY}/orders").json()["curveOrders"] == []
        assert rival.get(f"/curveorders/{order_id}").status_code == 404
        assert rival.patch(f"/curveorders/{order_id}", json={"curves": []}).status_code == 404


@pytest.fixture
def doubting_venue(tmp_path):
    with opened(tmp_path, reasonability=[{"area": "NO5", "largest_volume": 25}]) as venue:
        yield venue


def test_reasonability__approves_unless_a_rule_of_the_market_objects(doubting_venue):
    venue = doubting_venue
    fine, doubtful = venue.place().json(), venue.place(areaCode="NO5").json()
    assert (fine["state"], doubtful["state"]) == ("Accepted", "New")
    results = f"/auctions/{SPRING_DAY}/orders/{doubtful['orderId']}/results"
    judged = venue.client.get(results).json()
    assert (judged["orderApprovalState"], judged["approvalSource"]) == ("NotApproved", "Automatic")
    (judged_curve,) = judged["curves"]
    assert (judged_curve["timeStep"], judged_curve["isValid"]) == (1, False)
    assert "50.0 MW is more than 25 MW" in judged_curve["validationMessage"]
    approved = venue.client.get(results.replace(doubtful["orderId"], fine["orderId"])).json()
    assert approved["orderApprovalState"] == "Approved"
    elsewhere = results.replace(SPRING_DAY, "DA-2026-03-30")
    assert venue.client.get(elsewhere).status_code == 404


@pytest.mark.parametrize(
    ("secret", "changes", "status", "error"),
    [
        ("planted-secret", {"password": "wrong"}, 400, "invalid_grant"),
        ("planted-secret", {"username": "nobody"}, 400, "invalid_grant"),
        ("planted-secret", {"scope": "other"}, 400, "invalid_scope"),
        ("planted-secret", {"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
        ("wrong", {}, 401, "invalid_client"),
    ],
)
def test_token__is_refused_in_the_words_of_oauth(quiet_venue, secret, changes, status, error):
    refused = ask_for_token(quiet_venue.stranger, secret, **changes)
    assert (refused.status_code, refused.json()["error"]) == (status, error)


def test_token__expires_by_real_time_only(venue):
    address = f"/auctions/{SPRING_DAY}"
    forged = venue.stranger.get(address, headers={"Authorization": "Bearer forged"})
    assert (forged.status_code, forged.json()["type"]) == (401, "unauthorized")
    assert venue.stranger.get(address).status_code == 401
    venue.turn_clock_to("2027-01-01T00:00:00+00:00")
    venue.real_time.seconds = 3599.0
    assert venue.client.get(address).status_code == 200
    venue.real_time.seconds = 3600.0
    assert venue.client.get(address).status_code == 401
    with venue.log_in("trader") as renewed:
        assert renewed.get(address).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b'{"auctionId": ', 400, "malformed JSON at character 14"),
        (b"\xff\xfe", 400, ""),
        (b"[" * 50_000, 400, "error parsing the body"),
        (b"[]", 400, "valid dictionary"),
        (b"x" * (5 * 1024 * 1024), 413, "larger than 4194304 bytes"),
    ],
    ids=["cut-off", "not-text", "nested", "no-object", "too-large"],
)
def test_hostile_body__is_refused_with_the_reason(quiet_venue, body, status, words):
    headers = {"Content-Type": "application/json"}
    refused = quiet_venue.client.post("/curveorders", content=body, headers=headers)
    assert refused.status_code == status
    assert words in refused.json()["message"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "true", '"1"', "9" * 400])
def test_hostile_number__is_refused_where_it_stands(quiet_venue, number):
    body = json.dumps(order_request()).replace("4000", number)
    headers = {"Content-Type": "application/json"}
    refused = quiet_venue.client.post("/curveorders", content=body, headers=headers)
    assert refused.status_code == 400
    assert fields_of(refused) == ["curves[0].curvePoints[7].price"]


def test_serve__refuses_credentials_for_portfolios_that_the_market_lacks():
    document = credentials().model_dump(mode="json")
    document["users"]["rival"]["portfolios"] = ["lost"]
    options = ExchangeOptions(rules=market_rules(), credentials=Credentials(**document))
    with pytest.raises(UnknownPortfolioError, match="lost"):
        serve(options)
