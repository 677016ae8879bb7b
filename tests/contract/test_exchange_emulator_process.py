"""The exchange as a process: its ready line, its end, and what a kill leaves behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

NORDIC = Path(__file__).parents[2] / "emulators" / "exchange" / "markets" / "nordic.yaml"
AUCTION = "DA-2026-10-25"
CREDENTIALS = {
    "client_id": "client",
    "client_secret": "planted-secret",
    "users": {"trader": {"password": "planted-password", "portfolios": ["sintef-example"]}},
}


@pytest.fixture
def start(tmp_path):
    credentials, clock = tmp_path / "credentials.json", tmp_path / "clock.json"
    credentials.write_text(json.dumps(CREDENTIALS))
    offset = datetime.fromisoformat("2026-10-24T09:00:00+00:00") - datetime.now(UTC)
    clock.write_text(json.dumps({"offset_seconds": offset.total_seconds()}))
    arguments = [
        *(sys.executable, "-m", "emulators.exchange"),
        *("--data-dir", str(tmp_path / "data"), "--clock-file", str(clock)),
        *("--credentials-file", str(credentials)),
    ]
    processes = []

    def run(market: Path = NORDIC) -> subprocess.Popen:
        process = subprocess.Popen(
            [*arguments, "--market", str(market)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate(timeout=10)


def logged_in(process: subprocess.Popen) -> httpx.Client:
    ready = json.loads(process.stdout.readline())
    assert ready["ready"] == "exchange"
    form = {
        "grant_type": "password",
        "scope": "auction_api",
        "username": "trader",
        "password": "planted-password",
    }
    base = f"http://127.0.0.1:{ready['port']}"
    answer = httpx.post(f"{base}/connect/token", data=form, auth=("client", "planted-secret"))
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    return httpx.Client(base_url=base, headers=headers)


def test_kill__keeps_acknowledged_orders_and_the_one_order_rule(start):
    points = [{"price": -500, "volume": 0}, {"price": 4000, "volume": -12.3}]
    wanted = {
        "auctionId": AUCTION,
        "portfolio": "sintef-example",
        "areaCode": "NO2",
        "comment": "digest",
        "curves": [{"contractId": f"{AUCTION}-PT15M-100", "curvePoints": points}],
    }
    first = start()
    with logged_in(first) as client:
        placed = client.post("/curveorders", json=wanted).json()
        patched = client.patch(
            f"/curveorders/{placed['orderId']}", json={"comment": "again"}
        ).json()
        first.kill()
        first.wait(timeout=10)
    second = start()
    with logged_in(second) as client:
        orders = client.get(f"/auctions/{AUCTION}/orders").json()["curveOrders"]
        assert orders == [patched]
        versions = client.get(f"/curveorders/{placed['orderId']}/versions").json()
        assert versions == [placed, patched]
        refused = client.post("/curveorders", json=wanted)
        assert (refused.status_code, refused.json()["orderId"]) == (409, placed["orderId"])
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=5) == 0


def test_start__names_file_and_field_of_a_market_that_cannot_be(start, tmp_path):
    market = tmp_path / "market.yaml"
    text = NORDIC.read_text(encoding="utf-8")
    market.write_text(
        text.replace('time: "12:00"', "time: 12:00").replace("code: NO5, curve", "code: NO9, curve")
    )
    process = start(market)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 2
    assert str(market) in errors
    assert "gate_closure.time" in errors
