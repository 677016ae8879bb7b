"""What stands at the exchange, asked of its HTTP interface and of nobody else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.curve import BidMatrix

WINDOW = timedelta(hours=1)
CANCELLED = "Cancelled"


@dataclass(frozen=True)
class StandingOrder:
    """An order that stands. digest: of its content, as the product would name it."""

    order_id: str
    version: int
    price_area: str
    digest: str


def standing_orders(
    url: str, account: Path, configuration: ClientConfiguration, gate: datetime
) -> list[StandingOrder]:
    """Return every order of a client that stands in the auction with a gate, in any price area."""
    secrets = json.loads(account.read_bytes())
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
        token = _answer(
            http.post(
                "/connect/token",
                auth=(secrets["client_id"], secrets["client_secret"]),
                data={
                    "grant_type": "password",
                    "scope": "auction_api",
                    "username": secrets["username"],
                    "password": secrets["password"],
                },
            )
        )
        http.headers["Authorization"] = f"Bearer {token['access_token']}"
        span = {
            "closeBiddingFrom": (gate - WINDOW).isoformat(),
            "closeBiddingTo": (gate + WINDOW).isoformat(),
        }
        (listed,) = _answer(http.get("/auctions", params=span))
        auction = _answer(http.get(f"/auctions/{listed['id']}"))
        orders = _answer(
            http.get(
                f"/auctions/{listed['id']}/orders", params={"portfolios": configuration.portfolio}
            )
        )
    return [
        StandingOrder(
            order_id=order["orderId"],
            version=order["version"],
            price_area=order["areaCode"],
            digest=_digest(order, auction, configuration),
        )
        for order in orders["curveOrders"]
        if order["state"] != CANCELLED
    ]


def _digest(
    order: dict[str, Any], auction: dict[str, Any], configuration: ClientConfiguration
) -> str:
    """Return the digest of an order's curves; the exchange's sign is the other one: selling < 0."""
    market = configuration.market
    (contracts,) = (
        sorted(group["contracts"], key=lambda contract: contract["deliveryStart"])
        for group in auction["contracts"]
        if group["areaCode"] == order["areaCode"]
    )
    points = {curve["contractId"]: curve["curvePoints"] for curve in order["curves"]}
    curves = [
        {
            "t": [round(point["price"] / float(market.price_tick)) for point in curve],
            "v": [round(-point["volume"] / float(market.volume_lot)) for point in curve],
        }
        for curve in (points[contract["id"]] for contract in contracts)
    ]
    start = datetime.fromisoformat(contracts[0]["deliveryStart"])
    end = datetime.fromisoformat(contracts[0]["deliveryEnd"])
    document = {
        "price_area": order["areaCode"],
        "start": contracts[0]["deliveryStart"],
        "mtu_minutes": (end - start) // timedelta(minutes=1),
        "tick": str(market.price_tick),
        "lot": str(market.volume_lot),
        "curves": curves,
    }
    return BidMatrix.from_document(document).digest()


def _answer(response: httpx.Response) -> Any:
    response.raise_for_status()
    return response.json()
