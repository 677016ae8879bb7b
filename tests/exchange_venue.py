"""A served exchange as tests meet it: its clocks, its users, and orders for it."""

from __future__ import annotations

import json
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import yaml

from emulators.clock import MarketClock
from emulators.exchange.auth import Credentials
from emulators.exchange.market_file import MarketRules
from emulators.exchange.server import ExchangeOptions, serve

NORDIC = Path(__file__).parents[1] / "emulators" / "exchange" / "markets" / "nordic.yaml"
BEFORE_THE_GATE = "2026-03-28T10:59:00+00:00"
SPRING_DAY = "DA-2026-03-29"
# The example of the exchange's own order page: buy 50 up to 50 EUR, sell 10 from 55.1, 30 from 60.1.
BUY_THEN_SELL = [
    (-500, 50),
    (50, 50),
    (50.1, 0),
    (55, 0),
    (55.1, -10),
    (60, -10),
    (60.1, -30),
    (4000, -30),
]


@dataclass
class HandMovedSeconds:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


class Venue:
    """A served exchange, its clocks, and a client that is logged in."""

    def __init__(self, server, clock_file: Path, real_time: HandMovedSeconds) -> None:
        self.real_time = real_time
        self._clock_file = clock_file
        self.stranger = httpx.Client(base_url=f"http://127.0.0.1:{server.port}")
        self.client = self.log_in("trader")

    def log_in(self, username: str) -> httpx.Client:
        token = ask_for_token(self.stranger, username=username).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.stranger.base_url, headers=headers)

    def turn_clock_to(self, instant: str) -> None:
        offset = datetime.fromisoformat(instant) - datetime.now(UTC)
        document = {"offset_seconds": offset.total_seconds()}
        self._clock_file.write_text(json.dumps(document))

    def get(self, path: str, **query):
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def place(self, curves=None, **changes) -> httpx.Response:
        return self.client.post("/curveorders", json=order_request(curves, **changes))


def ask_for_token(
    client: httpx.Client, secret: str = "planted-secret", **changes
) -> httpx.Response:
    form = {
        "grant_type": "password",
        "scope": "auction_api",
        "username": "trader",
        "password": "planted-password",
        **changes,
    }
    return client.post("/connect/token", data=form, auth=("client", secret))


def curve(points=BUY_THEN_SELL, contract: str = f"{SPRING_DAY}-PT15M-01") -> dict:
    curve_points = [{"price": price, "volume": volume} for price, volume in points]
    return {"contractId": contract, "curvePoints": curve_points}


def order_request(curves=None, **changes) -> dict:
    return {
        "auctionId": SPRING_DAY,
        "portfolio": "cascade-example",
        "areaCode": "NO3",
        "comment": "digest 1",
        "curves": [curve()] if curves is None else curves,
        **changes,
    }


def fields_of(answer: httpx.Response) -> list[str]:
    return [error["field"] for error in answer.json()["errors"]]


def market_rules(**changes) -> MarketRules:
    """Return the Nordic example with a portfolio that may only be read, and with other rules."""
    document = yaml.safe_load(NORDIC.read_text(encoding="utf-8"))
    reader = {**document["portfolios"][1], "name": "read-only", "permission": "READ"}
    document["portfolios"].append(reader)
    document["results"] |= changes.pop("results", {})
    return MarketRules.model_validate(document | changes)


def credentials() -> Credentials:
    def user(*portfolios):
        return {"password": "planted-password", "portfolios": portfolios}

    users = {"trader": user("cascade-example", "read-only"), "rival": user("sintef-example")}
    document = {"client_id": "client", "client_secret": "planted-secret", "users": users}
    return Credentials.model_validate(document)


@contextmanager
def opened(folder: Path, **market):
    """Serve an exchange whose files are in a folder; prices.csv there says what auctions come to."""
    clock_file, real_time = folder / "clock.json", HandMovedSeconds()
    options = ExchangeOptions(
        rules=market_rules(**market),
        credentials=credentials(),
        prices_file=folder / "prices.csv",
        clock=MarketClock(clock_file),
        real_time=real_time,
    )
    server = serve(options)
    try:
        venue = Venue(server, clock_file, real_time)
        venue.turn_clock_to(BEFORE_THE_GATE)
        with closing(venue.stranger), closing(venue.client):
            yield venue
    finally:
        server.stop()
