"""The exchange's own example, and days on which the clocks change in three markets, through the port."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from exchange_venue import BUY_THEN_SELL, credentials, market_rules

from emulators.clock import MarketClock
from emulators.exchange.server import ExchangeOptions, serve
from hydrobid.adapters.nordpool import NordPoolExchange
from hydrobid.adapters.nordpool_session import NordPoolSession
from hydrobid.adapters.nordpool_token import Credentials
from hydrobid.bidding.clearing import cleared
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.identifiers import MarketId, Portfolio, PriceArea
from hydrobid.domain.market import GateClosure, Market
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.check_result import check_result

NO3, PORTFOLIO = PriceArea("NO3"), Portfolio("cascade-example")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def market(zone: str, closes: str, minutes: int) -> Market:
    return Market(
        id=MarketId("market"),
        time_zone=zone,
        mtu_minutes=minutes,
        gate_closure=GateClosure(local_time=time.fromisoformat(closes)),
        currency="EUR",
        price_min=Decimal(-500),
        price_max=Decimal(4000),
        price_tick=Decimal("0.1"),
        volume_lot=Decimal("0.1"),
        max_points=200,
        price_areas=(NO3,),
    )


OSLO, LONDON, UTC_MARKET = (
    market("Europe/Oslo", "12:00", 15),
    market("Europe/London", "09:20", 60),
    market("UTC", "11:00", 30),
)


class Venue:
    """A market's exchange, spoken to through the port."""

    def __init__(self, folder: Path, rules: Market) -> None:
        self.folder, self.market = folder, rules
        local = rules.gate_closure.local_time
        self.server = serve(
            ExchangeOptions(
                market_rules(
                    time_zone=rules.time_zone,
                    mtu_minutes=rules.mtu_minutes,
                    gate_closure={"days_before_delivery": 1, "time": local.isoformat()},
                    results={"published": "13:00", "final": "13:00"},
                ),
                credentials(),
                clock=MarketClock(folder / "clock.json"),
                prices_file=folder / "prices.csv",
            )
        )
        url = f"http://127.0.0.1:{self.server.port}"
        account = Credentials(
            client_id="client",
            client_secret="planted-secret",
            username="trader",
            password="planted-password",
        )
        self.session = NordPoolSession(url, f"{url}/connect/token", lambda: account)
        self.exchange = NordPoolExchange(self.session)

    def turn_clock_to(self, instant: datetime) -> None:
        offset = (instant - datetime.now(UTC)).total_seconds()
        (self.folder / "clock.json").write_text(json.dumps({"offset_seconds": offset}))

    def publish(self, day: date, prices: list[float]) -> None:
        starts = self.market.grid(day).starts()
        rows = [f"NO3,{utc_text(s)},{p}" for s, p in zip(starts, prices, strict=True)]
        text = "\n".join(["price_area,delivery_start,price", *rows])
        (self.folder / "prices.csv").write_text(text)

    def result(self, day: date):
        auction = self.exchange.auction(self.market, day)
        return self.exchange.result(self.market, day, auction, PORTFOLIO, NO3)


@contextmanager
def opened(folder: Path, rules: Market) -> Iterator[Venue]:
    venue = Venue(folder, rules)
    try:
        yield venue
    finally:
        venue.session.__exit__()
        venue.server.stop()


def bid_of(rules: Market, day: date, curve: BidCurve) -> BidMatrix:
    grid = rules.grid(day)
    return BidMatrix(NO3, grid, rules.price_tick, rules.volume_lot, (curve,) * len(grid))


# In our sign, which sells above zero: buys 50 MW up to 50, sells 10 from 55.1 and 30 from 60.1.
EXAMPLE = BidCurve(
    tuple(round(price * 10) for price, _ in BUY_THEN_SELL),
    tuple(round(-volume * 10) for _, volume in BUY_THEN_SELL),
)


def test_example__of_the_exchanges_order_page_round_trips_and_clears_at_minus_five(tmp_path):
    with opened(tmp_path, OSLO) as venue:
        venue.turn_clock_to(OSLO.gate(SPRING) - timedelta(hours=1))
        auction = venue.exchange.auction(OSLO, SPRING)
        bid = bid_of(OSLO, SPRING, EXAMPLE)
        venue.exchange.place(auction, PORTFOLIO, bid, "the exchange's example")

        standing = venue.exchange.standing_orders(OSLO, SPRING, auction, PORTFOLIO, NO3).curves
        assert standing is not None
        assert standing.matrix == bid
        (raw,) = venue.exchange.orders(auction, PORTFOLIO, NO3)
        points = raw["curves"][0]["curvePoints"]
        assert [(point["price"], point["volume"]) for point in points] == BUY_THEN_SELL

        venue.publish(SPRING, [55.05] * len(bid.grid))
        venue.turn_clock_to(OSLO.gate(SPRING) + timedelta(hours=2))
        volumes = venue.session.read(f"/auctions/{auction.id}/portfoliovolumes")
        (owner,) = volumes["portfolioNetVolumes"]
        net = {v["netVolume"] for v in owner["areaNetVolumes"][0]["netVolumes"]}
        assert net == {-5.0}  # as the exchange has it: selling is negative
        result = venue.result(SPRING)
        assert result is not None
        assert set(result.volumes) == {5.0}


@pytest.mark.parametrize(
    ("rules", "day", "mtus", "gate", "starts"),
    [
        (OSLO, SPRING, 92, "2026-03-28T11:00Z", "2026-03-28T23:00Z"),
        (OSLO, AUTUMN, 100, "2026-10-24T10:00Z", "2026-10-24T22:00Z"),
        (LONDON, SPRING, 23, "2026-03-28T09:20Z", "2026-03-29T00:00Z"),
        (LONDON, AUTUMN, 25, "2026-10-24T08:20Z", "2026-10-24T23:00Z"),
        (UTC_MARKET, SPRING, 48, "2026-03-28T11:00Z", "2026-03-29T00:00Z"),
        (UTC_MARKET, AUTUMN, 48, "2026-10-24T11:00Z", "2026-10-25T00:00Z"),
    ],
)
def test_day__is_bid_until_its_own_gate_and_comes_to_a_result_for_each_unit(
    tmp_path, rules: Market, day: date, mtus: int, gate: str, starts: str
):
    closes, begins = datetime.fromisoformat(gate), datetime.fromisoformat(starts)
    with opened(tmp_path, rules) as venue:
        venue.turn_clock_to(closes - timedelta(minutes=1))
        auction = venue.exchange.auction(rules, day)
        assert (auction.open, auction.closes) == (True, closes)
        bid = bid_of(rules, day, EXAMPLE)
        assert (len(bid.grid), bid.grid.start) == (mtus, begins)
        venue.exchange.place(auction, PORTFOLIO, bid, "a day of its own length")
        standing = venue.exchange.standing_orders(rules, day, auction, PORTFOLIO, NO3).curves
        assert standing is not None
        assert standing.matrix == bid

        venue.turn_clock_to(closes)
        assert not venue.exchange.auction(rules, day).open
        # Another price in each unit: one that is put in another's place is noticed.
        prices = [50.02 + 0.13 * index for index in range(mtus)]
        venue.publish(day, prices)
        venue.turn_clock_to(closes + timedelta(hours=6))
        result = venue.result(day)
        assert result is not None
        assert result.grid == rules.grid(day)
        assert result.prices == pytest.approx(prices)
        sold = cleared(bid, np.array(prices), rules)
        assert result.volumes == pytest.approx(sold, abs=0.05 + 1e-9)
        assert check_result(rules, bid, result) == ()
        shifted = result.model_copy(update={"volumes": (*result.volumes[1:], result.volumes[0])})
        assert check_result(rules, bid, shifted) != ()
