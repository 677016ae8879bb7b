"""Injected faults of the exchange, as its members meet them over HTTP."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import yaml
from faulty_cloud import write_faults

from emulators.clock import MarketClock
from emulators.exchange.auth import Credentials
from emulators.exchange.market_file import MarketRules
from emulators.exchange.server import ExchangeOptions, serve
from emulators.faults.reading import FaultsFileError, read_rules
from emulators.faults.switch import Faults

NORDIC = Path(__file__).parents[2] / "emulators" / "exchange" / "markets" / "nordic.yaml"
AUCTION = "DA-2026-10-25"
ORDER = {
    "auctionId": AUCTION,
    "portfolio": "sintef-example",
    "areaCode": "NO2",
    "comment": "digest",
    "curves": [
        {
            "contractId": f"{AUCTION}-PT15M-05",
            "curvePoints": [{"price": -500, "volume": 0}, {"price": 4000, "volume": -12.3}],
        }
    ],
}


class Venue:
    def __init__(self, port, faults_file):
        self._faults_file = faults_file
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5)
        form = {
            "grant_type": "password",
            "scope": "auction_api",
            "username": "trader",
            "password": "planted-password",
        }
        token = self.client.post("/connect/token", data=form, auth=("client", "planted-secret"))
        self.client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"

    def inject(self, *rules):
        write_faults(self._faults_file, *[{"service": "exchange", **rule} for rule in rules])

    def place(self, **options):
        return self.client.post("/curveorders", json=ORDER, **options)

    def standing(self):
        orders = self.client.get(f"/auctions/{AUCTION}/orders").json()["curveOrders"]
        return [order["comment"] for order in orders]


@pytest.fixture
def venue(tmp_path):
    path, clock = tmp_path / "faults.json", tmp_path / "clock.json"
    offset = datetime.fromisoformat("2026-10-24T09:00:00+00:00") - datetime.now(UTC)
    clock.write_text(json.dumps({"offset_seconds": offset.total_seconds()}))
    user = {"password": "planted-password", "portfolios": ["sintef-example"]}
    document = {
        "client_id": "client",
        "client_secret": "planted-secret",
        "users": {"trader": user},
    }
    options = ExchangeOptions(
        rules=MarketRules.model_validate(yaml.safe_load(NORDIC.read_text(encoding="utf-8"))),
        credentials=Credentials.model_validate(document),
        clock=MarketClock(clock),
        faults=Faults("exchange", path),
    )
    server = serve(options)
    opened = Venue(server.port, path)
    yield opened
    opened.client.close()
    server.stop()


def test_error__instead_of_the_order(venue):
    where = {"method": "POST", "path": "/curveorders"}
    venue.inject({"where": where, "fault": "error", "status": 503, "count": 1})
    refused = venue.place()
    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "injected-fault"
    assert venue.standing() == []
    assert venue.place().status_code == 200


def test_accept_then_break__the_order_stands_and_the_client_does_not_know(venue):
    where = {"method": "POST", "path": "/curveorders"}
    venue.inject({"where": where, "fault": "accept_then_break", "count": 1})
    with pytest.raises(httpx.TransportError):
        venue.place()
    assert venue.standing() == ["digest"]
    assert venue.place().status_code == 409


def test_drop__breaks_the_connection_and_nothing_stands(venue):
    venue.inject({"where": {"path": "/curveorders"}, "fault": "drop", "count": 1})
    with pytest.raises(httpx.TransportError) as broken:
        venue.place()
    assert not isinstance(broken.value, httpx.TimeoutException)
    assert venue.standing() == []


def test_hang__until_the_client_gives_up(venue):
    venue.inject({"where": {"method": "POST"}, "fault": "hang", "count": 1})
    with pytest.raises(httpx.ReadTimeout):
        venue.place(timeout=0.3)
    assert venue.standing() == []


def test_latency__comes_before_the_answer(venue):
    venue.inject({"where": {"method": "POST"}, "fault": "latency", "seconds": 0.3})
    began = time.monotonic()
    assert venue.place().status_code == 200
    assert time.monotonic() - began >= 0.3


def test_method_and_path__spare_what_is_not_meant(venue):
    venue.inject({"where": {"method": "PATCH", "path": "/curveorders/"}, "fault": "drop"})
    placed = venue.place().json()
    assert venue.client.get(f"/curveorders/{placed['orderId']}").status_code == 200
    with pytest.raises(httpx.TransportError):
        venue.client.patch(f"/curveorders/{placed['orderId']}", json={"comment": "again"})
    assert venue.standing() == ["digest"]


def test_too_many_requests__asks_for_patience(venue):
    venue.inject({"where": {"method": "GET"}, "fault": "error", "status": 429, "count": 1})
    refused = venue.client.get(f"/auctions/{AUCTION}")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert venue.client.get(f"/auctions/{AUCTION}").status_code == 200


def test_expire__ends_every_token(venue):
    venue.inject({"where": {"path": "/auctions"}, "fault": "expire", "count": 1})
    for _ in range(2):
        assert venue.client.get(f"/auctions/{AUCTION}").status_code == 401


def test_drift__renames_a_field_of_the_answer_wherever_it_is(venue):
    venue.inject({"where": {"method": "POST"}, "fault": "drift", "field": "contractId", "count": 1})
    (curve,) = venue.place().json()["curves"]
    assert set(curve) == {"contractIdV2", "curvePoints"}
    assert venue.standing() == ["digest"]


@pytest.mark.parametrize("rule", [{"fault": "drift"}, {"fault": "drop", "field": "curves"}])
def test_field__belongs_to_a_drift_and_to_nothing_else(tmp_path, rule):
    write_faults(tmp_path / "faults.json", {"service": "exchange", **rule})
    with pytest.raises(FaultsFileError, match=r"rules\[0\].field"):
        read_rules(tmp_path / "faults.json")
