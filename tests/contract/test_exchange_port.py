"""The exchange port over memory and over Nord Pool's API as the local exchange speaks it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from examples import ROOT

from emulators.clock import MarketClock
from emulators.exchange.auth import Credentials as Accounts
from emulators.exchange.market_file import load_market
from emulators.exchange.server import ExchangeOptions, serve
from hydrobid.adapters.memory import MemoryClock, MemoryExchange
from hydrobid.adapters.nordpool import NordPoolExchange
from hydrobid.adapters.nordpool_session import Credentials, NordPoolSession
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.errors import (
    ExchangeDenied,
    ExchangeRefused,
    OrderConflict,
    OutcomeUnknown,
    RetryableError,
    ServiceUnavailable,
)
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.pipeline.ports import Auction, Exchange
from hydrobid.schema import ClientInputs, configuration_of

NO5 = PriceArea("NO5")
PORTFOLIO = Portfolio("cascade-example")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
MORNING = datetime(2026, 3, 28, 9, 30, tzinfo=UTC)


@dataclass
class Venue:
    exchange: Exchange
    market: Market
    turn_clock_to: Callable[[datetime], None]

    def bid(self, day: date, high: int = 300) -> BidMatrix:
        """A bid that buys 5 MW when it is cheap and sells `high` lots when it is dear."""
        market = self.market
        curve = BidCurve((market.min_ticks, 200, 450, market.max_ticks), (-50, -50, 100, high))
        grid = market.grid(day)
        curves = (curve,) * len(grid)
        return BidMatrix(NO5, grid, market.price_tick, market.volume_lot, curves)

    def standing(self, day: date):
        auction = self.exchange.auction(self.market, day)
        return self.exchange.standing_order(self.market, day, auction, PORTFOLIO, NO5)


@pytest.fixture
def market(cascade_inputs: ClientInputs) -> Market:
    configuration: ClientConfiguration = configuration_of(cascade_inputs.configuration)
    return configuration.market


@pytest.fixture(params=["memory", "embedded"])
def venue(request: pytest.FixtureRequest, market: Market, tmp_path: Path) -> Iterator[Venue]:
    if request.param == "memory":
        clock = MemoryClock(MORNING)
        yield Venue(
            MemoryExchange(clock), market, lambda instant: clock.advance(instant - clock.now())
        )
        return
    clock_file = tmp_path / "clock.json"

    def turn(instant: datetime) -> None:
        offset = (instant - datetime.now(UTC)).total_seconds()
        clock_file.write_text(json.dumps({"offset_seconds": offset}))

    turn(MORNING)
    server = serve(
        ExchangeOptions(
            load_market(ROOT / "emulators/exchange/markets/nordic.yaml"),
            Accounts(
                client_id="client",
                client_secret="planted-secret",
                users={"trader": {"password": "planted-password", "portfolios": (PORTFOLIO,)}},
            ),
            clock=MarketClock(clock_file),
        )
    )
    url = f"http://127.0.0.1:{server.port}"
    with NordPoolSession(url, f"{url}/connect/token", account()) as session:
        yield Venue(NordPoolExchange(session), market, turn)
    server.stop()


def account(password: str = "planted-password") -> Credentials:
    return Credentials(
        client_id="client", client_secret="planted-secret", username="trader", password=password
    )


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_place__what_stands_is_what_was_sent(venue: Venue, day: date):
    venue.turn_clock_to(venue.market.gate(day) - timedelta(hours=1))
    auction = venue.exchange.auction(venue.market, day)
    assert (auction.open, auction.closes) == (True, venue.market.gate(day))
    assert venue.standing(day) is None

    venue.exchange.place(auction, PORTFOLIO, venue.bid(day), "hydrobid example")

    standing = venue.standing(day)
    assert standing is not None
    assert standing.matrix == venue.bid(day)
    assert (standing.version, standing.comment) == (1, "hydrobid example")


def test_place__second_order_is_refused_as_a_conflict(venue: Venue):
    auction = venue.exchange.auction(venue.market, SPRING)
    venue.exchange.place(auction, PORTFOLIO, venue.bid(SPRING), "first")

    with pytest.raises(OrderConflict):
        venue.exchange.place(auction, PORTFOLIO, venue.bid(SPRING, 400), "second")

    standing = venue.standing(SPRING)
    assert standing is not None
    assert standing.comment == "first"


def test_amend__same_order_next_version(venue: Venue):
    auction = venue.exchange.auction(venue.market, SPRING)
    venue.exchange.place(auction, PORTFOLIO, venue.bid(SPRING), "first")
    first = venue.standing(SPRING)
    assert first is not None

    venue.exchange.amend(auction, first.order_id, venue.bid(SPRING, 400), "second")

    second = venue.standing(SPRING)
    assert second is not None
    assert (second.order_id, second.version) == (first.order_id, 2)
    assert second.matrix == venue.bid(SPRING, 400)


def test_cancel__nothing_stands_and_a_new_order_may_be_placed(venue: Venue):
    auction = venue.exchange.auction(venue.market, SPRING)
    venue.exchange.place(auction, PORTFOLIO, venue.bid(SPRING), "first")
    first = venue.standing(SPRING)
    assert first is not None

    venue.exchange.cancel(auction, first.order_id)

    assert venue.standing(SPRING) is None
    with pytest.raises(OrderConflict):
        venue.exchange.cancel(auction, first.order_id)
    with pytest.raises(OrderConflict):
        venue.exchange.amend(auction, first.order_id, venue.bid(SPRING, 400), "late")
    venue.exchange.place(auction, PORTFOLIO, venue.bid(SPRING, 400), "second")
    second = venue.standing(SPRING)
    assert second is not None
    assert second.order_id != first.order_id
    assert second.matrix == venue.bid(SPRING, 400)


def test_cancel__after_the_gate(venue: Venue):
    auction = venue.exchange.auction(venue.market, SPRING)
    venue.exchange.place(auction, PORTFOLIO, venue.bid(SPRING), "first")
    first = venue.standing(SPRING)
    assert first is not None
    venue.turn_clock_to(venue.market.gate(SPRING) + timedelta(seconds=1))

    with pytest.raises(ExchangeRefused):
        venue.exchange.cancel(auction, first.order_id)
    assert venue.standing(SPRING) == first


def test_place__after_the_gate(venue: Venue):
    auction = venue.exchange.auction(venue.market, SPRING)
    venue.turn_clock_to(venue.market.gate(SPRING) + timedelta(seconds=1))

    assert not venue.exchange.auction(venue.market, SPRING).open
    with pytest.raises(ExchangeRefused):
        venue.exchange.place(auction, PORTFOLIO, venue.bid(SPRING), "late")
    assert venue.standing(SPRING) is None


def answered_by(answer: Callable[[httpx.Request], httpx.Response]) -> NordPoolSession:
    """Return a session whose token is granted and whose other calls are answered by `answer`."""

    def answers(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/connect/token":
            return httpx.Response(200, json={"access_token": "planted-token", "expires_in": 3600})
        return answer(request)

    url = "http://exchange.example"
    transport = httpx.MockTransport(answers)
    return NordPoolSession(url, f"{url}/connect/token", account(), transport)


def raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer


def test_place__arrives_in_the_exchanges_sign(market: Market):
    """Buy positive, sell negative, falling with the price."""
    seen: list[dict] = []
    starts = market.grid(SPRING).starts()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            seen.append(json.loads(request.content))
            return httpx.Response(200, json={})
        contracts = [{"id": str(n), "deliveryStart": s.isoformat()} for n, s in enumerate(starts)]
        return httpx.Response(200, json={"contracts": [{"areaCode": NO5, "contracts": contracts}]})

    with answered_by(answer) as session:
        exchange = NordPoolExchange(session)
        venue = Venue(exchange, market, lambda _: None)
        exchange.place(Auction("DA", True, MORNING), PORTFOLIO, venue.bid(SPRING), "example")

    (sent,) = seen
    assert len(sent["curves"]) == 92
    assert sent["curves"][0]["curvePoints"] == [
        {"price": -500.0, "volume": 5.0},
        {"price": 20.0, "volume": 5.0},
        {"price": 45.0, "volume": -10.0},
        {"price": 4000.0, "volume": -30.0},
    ]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (raising(httpx.ConnectError("refused")), ServiceUnavailable),
        (raising(httpx.ConnectTimeout("slow")), ServiceUnavailable),
        (raising(httpx.ReadTimeout("slow")), OutcomeUnknown),
        (raising(httpx.RemoteProtocolError("broken")), OutcomeUnknown),
        (lambda _: httpx.Response(500), OutcomeUnknown),
        (lambda _: httpx.Response(503), OutcomeUnknown),
        (lambda _: httpx.Response(429), ServiceUnavailable),
        (lambda _: httpx.Response(400, json={"detail": "no"}), ExchangeRefused),
        (lambda _: httpx.Response(400, text="<html>no</html>"), ExchangeRefused),
        (lambda _: httpx.Response(409, json={"detail": "stands"}), OrderConflict),
        (lambda _: httpx.Response(404, json={"detail": "gone"}), OrderConflict),
        (lambda _: httpx.Response(403, json={"detail": "no permission"}), ExchangeDenied),
        (lambda _: httpx.Response(401), ExchangeDenied),
    ],
)
def test_change__each_failure_says_what_is_known(answer, error: type[Exception]):
    with answered_by(answer) as session, pytest.raises(error):
        session.change("POST", "/curveorders", {})


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, ServiceUnavailable), (429, ServiceUnavailable), (404, ExchangeDenied)],
)
def test_read__whatever_fails_may_be_tried_again(status: int, error: type[RetryableError]):
    assert error.retryable
    with answered_by(lambda _: httpx.Response(status)) as session, pytest.raises(error):
        session.read("/auctions")


def test_read__an_expired_token_is_renewed_once():
    answers = iter([httpx.Response(401), httpx.Response(200, json=["fine"])])

    with answered_by(lambda _: next(answers)) as session:
        assert session.read("/auctions") == ["fine"]


def test_auction__the_exchange_has_none(market: Market):
    with answered_by(lambda _: httpx.Response(200, json=[])) as session:
        exchange = NordPoolExchange(session)
        with pytest.raises(ExchangeDenied, match="no auction for 2026-03-29"):
            exchange.auction(market, SPRING)


def test_auction__of_those_that_begin_at_midnight_the_one_that_closes_at_the_gate(market: Market):
    gate, start = market.gate(SPRING), market.grid(SPRING).start
    listed = [
        {
            "id": name,
            "state": "Open",
            "deliveryStart": start.isoformat(),
            "closeForBidding": (gate + after).isoformat(),
        }
        for name, after in (("IDA1", timedelta(hours=3)), ("DA", timedelta(minutes=10)))
    ]

    with answered_by(lambda _: httpx.Response(200, json=listed)) as session:
        auction = NordPoolExchange(session).auction(market, SPRING)

    assert auction == Auction("DA", True, gate + timedelta(minutes=10))


def test_errors__hold_no_secret():
    with answered_by(lambda _: httpx.Response(400, json={"detail": "no"})) as session:
        with pytest.raises(ExchangeRefused) as caught:
            session.change("POST", "/curveorders", {})
        told = json.dumps(caught.value.as_document()) + repr(account()) + repr(vars(session))

    assert "planted-password" not in told
    assert "planted-secret" not in told
