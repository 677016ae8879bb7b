"""How the client bears an exchange that is busy, slow, out of step, or has changed its answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from hydrobid.adapters.nordpool_session import LONGEST_PATIENCE, LONGEST_WORDS, NordPoolSession
from hydrobid.adapters.nordpool_token import Credentials
from hydrobid.domain.canonical import canonical_json
from hydrobid.domain.errors import (
    ExchangeDenied,
    ExchangeRefused,
    HydrobidError,
    OutcomeUnknown,
    ServiceUnavailable,
)

URL = "http://exchange.example"
NOON = datetime(2026, 3, 28, 10, tzinfo=UTC)
SECRETS = ("planted-secret", "planted-password", "planted-token")


class Exchange:
    """Answers each call with the next of its answers, the last one for ever; tells what it saw."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.tokens = 0
        self.seen: list[httpx.Request] = []
        self.slept: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/connect/token":
            self.tokens += 1
            answer = {"access_token": f"planted-token-{self.tokens}", "expires_in": 3600}
            return httpx.Response(200, json=answer)
        self.seen.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def account() -> Credentials:
    return Credentials(
        client_id="client",
        client_secret="planted-secret",
        username="trader",
        password="planted-password",
    )


@pytest.fixture
def session() -> Iterator[Callable[..., NordPoolSession]]:
    """Return a maker of sessions with an exchange; they are closed in the end."""
    made: list[NordPoolSession] = []

    def make(exchange: Callable[[httpx.Request], httpx.Response]) -> NordPoolSession:
        slept = getattr(exchange, "slept", [])
        transport = httpx.MockTransport(exchange)
        made.append(
            NordPoolSession(
                URL,
                f"{URL}/connect/token",
                account,
                transport,
                sleep=slept.append,
                wall_clock=lambda: NOON,
            )
        )
        return made[-1]

    yield make
    for one in made:
        one.__exit__()


def busy(seconds: str | None) -> httpx.Response:
    return httpx.Response(429, headers={} if seconds is None else {"Retry-After": seconds})


def fine() -> httpx.Response:
    return httpx.Response(200, json={"fine": True})


def test_read__waits_as_long_as_it_is_asked_to(session):
    exchange = Exchange(busy("2"), fine())
    assert session(exchange).read("/auctions") == {"fine": True}
    assert exchange.slept == [2.0]


@pytest.mark.parametrize("asked", ["60", "3.5"])
def test_read__does_not_wait_for_longer_than_it_may(session, asked: str):
    exchange = Exchange(busy(asked), fine())
    with pytest.raises(ServiceUnavailable, match="too many requests") as caught:
        session(exchange).read("/auctions")
    assert caught.value.details["retry_after"] == float(asked) > LONGEST_PATIENCE
    assert exchange.slept == []


@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(502),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("broken"),
        busy(None),
    ],
)
def test_read__tries_again_what_failed_quickly_and_gives_up(session, failure):
    mended = Exchange(failure, failure, fine())
    assert session(mended).read("/auctions") == {"fine": True}
    assert mended.slept == [0.2, 0.4]

    broken = Exchange(failure)
    with pytest.raises(ServiceUnavailable):
        session(broken).read("/auctions")
    assert len(broken.seen) == 3


def test_read__a_timeout_is_not_waited_for_twice(session):
    exchange = Exchange(httpx.ReadTimeout("slow"))
    with pytest.raises(ServiceUnavailable):
        session(exchange).read("/auctions")
    assert len(exchange.seen) == 1


def test_change__too_many_requests_is_no_outcome_and_is_repeated_once(session):
    exchange = Exchange(busy("1"), fine())
    session(exchange).change("POST", "/curveorders", {"a": 1})
    assert [json.loads(request.content) for request in exchange.seen] == [{"a": 1}, {"a": 1}]
    assert exchange.slept == [1.0]

    with pytest.raises(ServiceUnavailable, match="too many requests"):
        session(Exchange(busy("1"))).change("POST", "/curveorders", {})


@pytest.mark.parametrize(
    "failure", [httpx.Response(503), httpx.ReadTimeout("slow"), httpx.ReadError("broken")]
)
def test_change__what_may_have_arrived_is_never_sent_again(session, failure):
    exchange = Exchange(failure, fine())
    with pytest.raises(OutcomeUnknown):
        session(exchange).change("POST", "/curveorders", {})
    assert len(exchange.seen) == 1


def test_change__an_expired_token_is_renewed_once_and_the_call_made(session):
    exchange = Exchange(httpx.Response(401), fine())
    session(exchange).change("POST", "/curveorders", {})
    sent = [request.headers["Authorization"] for request in exchange.seen]
    assert sent == ["Bearer planted-token-1", "Bearer planted-token-2"]

    refused = Exchange(httpx.Response(401))
    with pytest.raises(ExchangeDenied):
        session(refused).change("POST", "/curveorders", {})
    assert (refused.tokens, len(refused.seen)) == (2, 2)


def test_token__many_that_meet_a_401_at_once_fetch_one_new_token(session):
    gate = threading.Barrier(8)

    class Expiring(Exchange):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            if request.headers.get("Authorization") == "Bearer planted-token-1":
                gate.wait()
                return httpx.Response(401)
            return super().__call__(request)

    exchange = Expiring(fine())
    shared = session(exchange)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: shared.read("/auctions"), range(8)))
    assert exchange.tokens == 2


@pytest.mark.parametrize(
    ("ahead", "noticed"),
    [(0, 0), (2, 0), (-2, 0), (45, 45), (-600, -600)],
)
def test_clock__the_exchanges_is_known_by_what_it_answers(session, ahead: int, noticed: int):
    told = format_datetime(NOON + timedelta(seconds=ahead), usegmt=True)
    made = session(Exchange(httpx.Response(200, json=[], headers={"Date": told})))
    made.read("/auctions")
    assert made.ahead == timedelta(seconds=noticed)


def test_clock__an_answer_without_a_date_says_nothing(session):
    made = session(Exchange(httpx.Response(200, json=[], headers={"Date": "yesterday"})))
    made.read("/auctions")
    assert made.ahead == timedelta(0)


def test_read__an_answer_that_is_no_json_is_no_answer(session):
    with pytest.raises(ExchangeDenied, match="no JSON"):
        session(Exchange(httpx.Response(200, text="<html>login</html>"))).read("/auctions")


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_refusal__what_an_answer_repeats_of_the_request_is_not_told(session, status: int):
    """A gateway that echoes headers, or an exchange that echoes the account, gives nothing away."""

    def echo(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/connect/token":
            return httpx.Response(200, json={"access_token": "planted-token", "expires_in": 3600})
        echoed = {
            "detail": f"bad header {request.headers['Authorization']} of planted-password",
            "request": {"headers": [dict(request.headers)], "planted-secret": 1},
        }
        return httpx.Response(status, json=echoed)

    with pytest.raises(HydrobidError) as caught:
        session(echo).change("POST", "/curveorders", {})

    told = f"{caught.value} {json.dumps(caught.value.as_document())}"
    assert "[secret]" in told
    for secret in SECRETS:
        assert secret not in told


def test_refusal__in_plain_text_is_cleaned_as_well(session):
    def echo(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/connect/token":
            return httpx.Response(200, json={"access_token": "planted-token", "expires_in": 3600})
        return httpx.Response(400, text=f"no: {request.headers['Authorization']}")

    with pytest.raises(ExchangeRefused) as caught:
        session(echo).change("POST", "/curveorders", {})
    assert caught.value.message == "no: Bearer [secret]"


@pytest.mark.parametrize(
    "content",
    [
        '{"detail": "limit \\ud83d exceeded", "\\ud83d": ["\\ud83d"]}',
        '"limit \\ud83d exceeded"',
        '{"detail": "limit", "bounds": [[NaN, Infinity], ' + "[" * 50 + "]" * 50 + "]}",
        '{"detail": "limit", "bounds": ' + "[" * 100_000,
        '{"message": "limit", "repeated": "' + "x" * 2_000_000 + '"}',
        '{"message": {"said": "limit"}}',
        "limit" * 1_000_000,
        b"limit \xff\xfe",
    ],
)
def test_refusal__whatever_form_its_words_have__can_be_kept(session, content: str | bytes):
    with pytest.raises(ExchangeRefused, match="limit") as caught:
        session(Exchange(httpx.Response(400, content=content))).change("POST", "/curveorders", {})

    kept = canonical_json(caught.value.as_document())
    assert len(kept) < 10_000
    # Neither a list within a list nor a name that a document's field may not have.
    assert {type(value) for value in caught.value.details.values()} == {int, str}


def test_refusal__a_secret_across_the_cut__leaves_no_part_of_it(session):
    words = "x" * (LONGEST_WORDS - 5) + "planted-password"
    with pytest.raises(ExchangeRefused) as caught:
        session(Exchange(httpx.Response(400, text=words))).change("POST", "/curveorders", {})
    assert "plant" not in caught.value.message


def test_read__half_a_character_in_an_answer__is_replaced(session):
    content = '{"\\ud83d": ["a\\ude00", "ø", "\\ud83d\\ude00"]}'
    answer = session(Exchange(httpx.Response(200, content=content))).read("/auctions")
    assert answer == {"?": ["a?", "ø", "😀"]}


@pytest.mark.parametrize("content", ['{"price": NaN}', "[" * 100_000])
def test_read__what_no_json_may_hold__is_no_answer(session, content: str):
    with pytest.raises(ExchangeDenied, match="no JSON"):
        session(Exchange(httpx.Response(200, content=content))).read("/auctions")


@pytest.mark.parametrize("told", ["nan", "inf", "soon"])
def test_read__patience_for_no_number_of_seconds__is_not_waited_for(session, told: str):
    exchange = Exchange(busy(told), fine())
    session(exchange).read("/auctions")
    assert all(0 < wait < LONGEST_PATIENCE for wait in exchange.slept)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"access_token": "tökén", "expires_in": 3600}),
        httpx.Response(200, text="planted-token"),
        httpx.Response(200, json={"token": "planted-token"}),
        httpx.Response(200, json=["planted-token"]),
    ],
)
def test_token__an_answer_of_another_form_is_told_without_it(session, answer: httpx.Response):
    with pytest.raises(ExchangeDenied, match="another form") as caught:
        session(lambda _: answer).read("/auctions")
    assert "planted" not in json.dumps(caught.value.as_document())
    assert caught.value.__cause__ is None


def test_within__every_request_gets_its_share_of_what_is_left(session):
    exchange = Exchange(fine())
    one = session(exchange)
    with one.within(2.0):
        one.read("/auctions")
    one.read("/auctions")
    hurried, patient = (request.extensions["timeout"] for request in exchange.seen)
    assert max(hurried.values()) <= 2.0 / 4
    assert patient["read"] == 10.0


def test_within__no_time_left__nothing_is_sent_not_even_for_a_token(session):
    exchange = Exchange(fine())
    one = session(exchange)
    with one.within(0.0), pytest.raises(ServiceUnavailable):
        one.read("/auctions")
    assert (exchange.seen, exchange.tokens) == ([], 0)


def test_within__a_wait_that_is_asked_for_is_not_waited(session):
    exchange = Exchange(busy("2"), fine())
    one = session(exchange)
    with one.within(1.0), pytest.raises(ServiceUnavailable, match="too many requests"):
        one.read("/auctions")
    assert exchange.slept == []
