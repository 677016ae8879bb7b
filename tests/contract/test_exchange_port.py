"""The exchange port over memory and over Nord Pool's API as the local exchange speaks it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from examples import ROOT

from emulators.clock import MarketClock
from emulators.exchange.auth import Credentials as Accounts
from emulators.exchange.market_file import load_market
from emulators.exchange.server import ExchangeOptions, serve
from hydrobid.adapters.memory import MemoryClock, MemoryDocuments, MemoryExchange
from hydrobid.adapters.nordpool import NordPoolExchange
from hydrobid.adapters.nordpool_requests import CurveOrderChange, formed
from hydrobid.adapters.nordpool_session import NordPoolSession
from hydrobid.adapters.nordpool_token import Credentials
from hydrobid.adapters.rehearsal_exchange import RehearsalExchange
from hydrobid.domain.blocks import BlockOrder
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
from hydrobid.domain.identifiers import Identifier, Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.order_steps import Act, Step
from hydrobid.pipeline.ports import Auction, Exchange
from hydrobid.schema import ClientInputs, configuration_of

NO5 = PriceArea("NO5")
PORTFOLIO = Portfolio("cascade-example")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
MORNING = datetime(2026, 3, 28, 9, 30, tzinfo=UTC)


@dataclass
class Venue:
    """An exchange behind the port; `publish` makes NO5 come to a price in every MTU of a day."""

    exchange: Exchange
    market: Market
    turn_clock_to: Callable[[datetime], None]
    publish: Callable[[date, float], None] = lambda day, price: None

    def bid(self, day: date, high: int = 300) -> BidMatrix:
        """A bid that buys 5 MW when it is cheap and sells `high` lots when it is dear."""
        market = self.market
        curve = BidCurve((market.min_ticks, 200, 450, market.max_ticks), (-50, -50, 100, high))
        grid = market.grid(day)
        curves = (curve,) * len(grid)
        return BidMatrix(NO5, grid, market.price_tick, market.volume_lot, curves)

    def standing(self, day: date):
        auction = self.exchange.auction(self.market, day)
        return self.exchange.standing_orders(self.market, day, auction, PORTFOLIO, NO5).curves


@pytest.fixture
def market(cascade_inputs: ClientInputs) -> Market:
    configuration: ClientConfiguration = configuration_of(cascade_inputs.configuration)
    return configuration.market


@contextmanager
def served_over_http(market: Market, tmp_path: Path) -> Iterator[Venue]:
    clock_file = tmp_path / "clock.json"

    def turn(instant: datetime) -> None:
        offset = (instant - datetime.now(UTC)).total_seconds()
        clock_file.write_text(json.dumps({"offset_seconds": offset}))

    turn(MORNING)
    server = serve(
        ExchangeOptions(
            # Contracts of an hour beside those of a quarter are none of ours.
            load_market(ROOT / "emulators/exchange/markets/nordic.yaml").model_copy(
                update={"longer_contracts": (60,)}
            ),
            Accounts(
                client_id="client",
                client_secret="planted-secret",
                users={"trader": {"password": "planted-password", "portfolios": (PORTFOLIO,)}},
            ),
            clock=MarketClock(clock_file),
            prices_file=tmp_path / "prices.csv",
        )
    )

    def write_prices(day: date, price: float) -> None:
        rows = [f"NO5,{utc_text(start)},{price}" for start in market.grid(day).starts()]
        (tmp_path / "prices.csv").write_text("\n".join(["price_area,delivery_start,price", *rows]))

    url = f"http://127.0.0.1:{server.port}"
    with NordPoolSession(url, f"{url}/connect/token", account) as session:
        yield Venue(NordPoolExchange(session), market, turn, write_prices)
    server.stop()


@pytest.fixture(params=["memory", "rehearsal", "embedded"])
def venue(request: pytest.FixtureRequest, market: Market, tmp_path: Path) -> Iterator[Venue]:
    if request.param == "rehearsal":
        clock = MemoryClock(MORNING)
        tried = RehearsalExchange(MemoryDocuments(), clock)
        yield Venue(tried, market, lambda instant: clock.advance(instant - clock.now()))
        return
    with clearing(request.param, market, tmp_path) as opened:
        yield opened


@pytest.fixture(params=["memory", "embedded"])
def clearing_venue(
    request: pytest.FixtureRequest, market: Market, tmp_path: Path
) -> Iterator[Venue]:
    with clearing(request.param, market, tmp_path) as opened:
        yield opened


@contextmanager
def clearing(kind: str, market: Market, tmp_path: Path) -> Iterator[Venue]:
    if kind == "memory":
        clock = MemoryClock(MORNING)
        memory = MemoryExchange(clock)

        def publish(day: date, price: float) -> None:
            memory.publish(memory.auction(market, day), NO5, [price] * len(market.grid(day)))

        yield Venue(memory, market, lambda instant: clock.advance(instant - clock.now()), publish)
        return
    with served_over_http(market, tmp_path) as embedded:
        yield embedded


@pytest.fixture
def served(market: Market, tmp_path: Path) -> Iterator[Venue]:
    """The exchange over HTTP."""
    with served_over_http(market, tmp_path) as embedded:
        yield embedded


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


def blocks(venue: Venue, day: date, *names: str, price: int = 450) -> BidMatrix:
    """A bid with blocks that sell 12 MW in the first hour, the second linked to the first, and so on."""
    parents = (None, *names)
    made = tuple(
        BlockOrder(
            name=Identifier(name),
            price=price,
            first=0,
            lots=(120,) * 4,
            acceptance_min=Decimal("0.5"),
            linked_to=None if parent is None else Identifier(parent),
        )
        for name, parent in zip(names, parents, strict=False)
    )
    return replace(venue.bid(day), blocks=made)


def standing_blocks(venue: Venue, day: date = SPRING):
    auction = venue.exchange.auction(venue.market, day)
    return venue.exchange.standing_orders(venue.market, day, auction, PORTFOLIO, NO5).blocks


def test_blocks__placed_amended_and_cancelled_as_they_were_sent(venue: Venue):
    market, exchange = venue.market, venue.exchange
    auction = exchange.auction(market, SPRING)
    assert standing_blocks(venue) == ()

    exchange.place_blocks(auction, PORTFOLIO, blocks(venue, SPRING, "a", "b"), "first")
    (placed,) = standing_blocks(venue)
    assert (placed.blocks, placed.comment, placed.version) == (
        blocks(venue, SPRING, "a", "b").blocks,
        "first",
        1,
    )

    changed = blocks(venue, SPRING, "a", price=500)
    exchange.amend_blocks(auction, placed.order_id, changed, "second")
    (amended,) = standing_blocks(venue)
    assert (amended.order_id, amended.version, amended.comment) == (placed.order_id, 2, "second")
    assert amended.blocks is not None
    assert [(b.name, b.price) for b in amended.blocks] == [("a", 500), ("b", 450)]

    exchange.cancel_blocks(auction, placed.order_id)
    assert standing_blocks(venue) == ()
    with pytest.raises(OrderConflict):
        exchange.cancel_blocks(auction, placed.order_id)


def test_blocks__groups_and_minimum_shares_round_trip(venue: Venue):
    market = venue.market
    first, second = blocks(venue, SPRING, "a", "b").blocks
    grouped = replace(first, group=Identifier("g1"), lots=(-10, -20), first=91 - 1)
    alone = replace(second, linked_to=None, group=Identifier("g1"), acceptance_min=Decimal("0.33"))
    bid = replace(venue.bid(SPRING), blocks=(grouped, alone))
    auction = venue.exchange.auction(market, SPRING)

    venue.exchange.place_blocks(auction, PORTFOLIO, bid, "groups")

    (placed,) = standing_blocks(venue)
    assert placed.blocks == bid.blocks


def test_blocks__any_number_may_stand_and_none_after_the_gate(venue: Venue):
    auction = venue.exchange.auction(venue.market, SPRING)
    bid = blocks(venue, SPRING, "a")
    for _ in range(2):
        venue.exchange.place_blocks(auction, PORTFOLIO, bid, "twice")
    assert len(standing_blocks(venue)) == 2
    venue.turn_clock_to(venue.market.gate(SPRING) + timedelta(seconds=1))
    with pytest.raises(ExchangeRefused):
        venue.exchange.place_blocks(auction, PORTFOLIO, bid, "late")


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_terms__are_those_that_the_market_is_configured_with(venue: Venue, day: date):
    venue.turn_clock_to(venue.market.gate(day) - timedelta(hours=1))
    market = venue.market
    auction = venue.exchange.auction(market, day)

    terms = venue.exchange.terms(market, day, auction, PORTFOLIO, NO5)

    assert (terms.price_min, terms.price_max) == (market.price_min, market.price_max)
    assert (terms.currency, terms.writable) == (market.currency, True)
    assert list(terms.mtus) == market.grid(day).starts()
    assert terms.most_sold is not None
    assert terms.most_sold > 0


def test_judgement__an_order_is_reasonable_unless_somebody_objects(venue: Venue):
    auction = venue.exchange.auction(venue.market, SPRING)
    venue.exchange.place(auction, PORTFOLIO, venue.bid(SPRING), "first")
    standing = venue.standing(SPRING)
    assert standing is not None
    judged = venue.exchange.judgement(auction, standing.order_id)
    assert (judged.approved, judged.objections) == (True, ())


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_result__is_there_once_published_in_our_sign(clearing_venue: Venue, day: date):
    venue = clearing_venue
    market, gate = venue.market, venue.market.gate(day)
    venue.turn_clock_to(gate - timedelta(hours=1))
    auction = venue.exchange.auction(market, day)
    venue.exchange.place(auction, PORTFOLIO, venue.bid(day), "first")
    venue.turn_clock_to(gate + timedelta(minutes=1))
    auction = venue.exchange.auction(market, day)
    assert venue.exchange.result(market, day, auction, PORTFOLIO, NO5) is None

    venue.publish(day, 32.5)  # half way from buying 5 MW at 20 to selling 10 MW at 45
    venue.turn_clock_to(gate + timedelta(hours=1))
    auction = venue.exchange.auction(market, day)
    result = venue.exchange.result(market, day, auction, PORTFOLIO, NO5)

    assert auction.published
    assert result is not None
    assert result.grid == market.grid(day)
    assert set(result.prices) == {32.5}
    assert set(result.volumes) == {2.5}
    assert (result.status, result.currency) == ("final", "EUR")
    (traded,) = result.trades
    assert (traded.kind, traded.volumes) == ("curve", result.volumes)


def test_result__without_an_order_nothing_is_owed(clearing_venue: Venue):
    venue = clearing_venue
    market, gate = venue.market, venue.market.gate(SPRING)
    venue.publish(SPRING, 32.5)
    venue.turn_clock_to(gate + timedelta(hours=1))
    auction = venue.exchange.auction(market, SPRING)
    result = venue.exchange.result(market, SPRING, auction, PORTFOLIO, NO5)
    assert result is not None
    assert (set(result.volumes), result.trades) == ({0.0}, ())


def answered_by(answer: Callable[[httpx.Request], httpx.Response]) -> NordPoolSession:
    """Return a session whose token is granted and whose other calls are answered by `answer`."""

    def answers(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/connect/token":
            return httpx.Response(200, json={"access_token": "planted-token", "expires_in": 3600})
        return answer(request)

    url = "http://exchange.example"
    transport = httpx.MockTransport(answers)
    return NordPoolSession(url, f"{url}/connect/token", account, transport, sleep=lambda _: None)


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
        contracts = [
            {
                "id": str(n),
                "deliveryStart": s.isoformat(),
                "deliveryEnd": (s + timedelta(minutes=15)).isoformat(),
            }
            for n, s in enumerate(starts)
        ]
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


DRIFTED = {
    "the list of orders": ("/orders", lambda body: {"orders": body["curveOrders"]}),
    "an order's state": (
        "/orders",
        lambda body: json.loads(json.dumps(body).replace('"state"', '"status"')),
    ),
    "a point's volume": (
        "/orders",
        lambda body: json.loads(json.dumps(body).replace('"volume"', '"quantity"')),
    ),
    "the contracts": ("/auctions/DA-2026-03-29", lambda body: {**body, "contracts": None}),
    "the auctions": ("/auctions", lambda body: {"auctions": body}),
}


@pytest.mark.parametrize("what", DRIFTED)
def test_standing_order__of_an_answer_in_another_form_nothing_is_concluded(
    served: Venue, what: str, monkeypatch: pytest.MonkeyPatch
):
    """Least of all that nothing stands: a second order would be sent."""
    venue = served
    auction = venue.exchange.auction(venue.market, SPRING)
    venue.exchange.place(auction, PORTFOLIO, venue.bid(SPRING), "first")
    end, drift = DRIFTED[what]
    read = NordPoolSession.read

    def drifted(self, path: str, **query: str):
        body = read(self, path, **query)
        return drift(body) if path.endswith(end) else body

    monkeypatch.setattr(NordPoolSession, "read", drifted)
    fresh = Venue(NordPoolExchange(venue.exchange._session), venue.market, venue.turn_clock_to)
    with pytest.raises(ExchangeDenied, match="not as it describes it"):
        fresh.standing(SPRING)


def test_versions__every_one_is_told(served: Venue):
    venue = served
    auction = venue.exchange.auction(venue.market, SPRING)
    venue.exchange.place(auction, PORTFOLIO, venue.bid(SPRING), "first")
    standing = venue.standing(SPRING)
    assert standing is not None
    venue.exchange.amend(auction, standing.order_id, venue.bid(SPRING, 400), "second")
    venue.exchange.place_blocks(auction, PORTFOLIO, blocks(venue, SPRING, "a"), "third")
    told = venue.exchange.orders(auction, PORTFOLIO, NO5)
    assert [[(v["version"], v["comment"]) for v in order["versions"]] for order in told] == [
        [(1, "first"), (2, "second")],
        [(1, "third")],
    ]


def test_request_for__is_made_without_sending_and_stands_when_it_is_sent(served: Venue):
    venue = served
    auction = venue.exchange.auction(venue.market, SPRING)
    send = venue.exchange._session.change

    step = Step(Act.PLACE)
    first = venue.exchange.request_for(auction, PORTFOLIO, step, venue.bid(SPRING), "first")
    assert venue.standing(SPRING) is None
    send(**first)
    standing = venue.standing(SPRING)
    assert standing is not None
    assert (standing.matrix, standing.comment) == (venue.bid(SPRING), "first")

    other = venue.bid(SPRING, 400)
    step = Step(Act.AMEND, standing.order_id)
    second = venue.exchange.request_for(auction, PORTFOLIO, step, other, "second")
    assert venue.standing(SPRING) == standing
    send(**second)
    amended = venue.standing(SPRING)
    assert amended is not None
    assert (amended.order_id, amended.matrix) == (standing.order_id, other)


POINTS = [{"price": -500.0, "volume": 0.0}, {"price": 4000.0, "volume": -1.0}]
CHANGE = {"comment": "", "curves": [{"contractId": "1", "curvePoints": POINTS}]}


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({**CHANGE, "curves": []}, "curves"),
        ({**CHANGE, "comment": None}, "comment"),
        ({**CHANGE, "portfolio": "x"}, "portfolio"),
        ({**CHANGE, "curves": [{"contractId": "1", "curvePoints": POINTS[:1]}]}, "curvePoints"),
        (
            {
                **CHANGE,
                "curves": [
                    {"contractId": "1", "curvePoints": [{"price": "5", "volume": 1.0}, POINTS[1]]}
                ],
            },
            "curves.0.curvePoints.0.price",
        ),
    ],
)
def test_formed__a_request_of_another_form_is_refused_with_its_field(content, field: str):
    assert formed(CurveOrderChange, CHANGE) == CHANGE
    with pytest.raises(ExchangeRefused, match=field):
        formed(CurveOrderChange, content)


def test_errors__hold_no_secret():
    with answered_by(lambda _: httpx.Response(400, json={"detail": "no"})) as session:
        with pytest.raises(ExchangeRefused) as caught:
            session.change("POST", "/curveorders", {})
        told = json.dumps(caught.value.as_document()) + repr(account()) + repr(vars(session))

    assert "planted-password" not in told
    assert "planted-secret" not in told
