"""The exchange's OpenAPI description holds: whatever is asked, the answer is one that it promises."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import schemathesis
from exchange_venue import SPRING_DAY, credentials, curve, market_rules
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from emulators.clock import MarketClock
from emulators.exchange.api import create_app
from emulators.exchange.auth import TokenDesk, TokenRequest
from emulators.exchange.exchange import Draft, Exchange
from emulators.exchange.orders import Curve, CurvePoint, OrderBook, OrderKind, Slot
from emulators.exchange.prices import Prices

EXAMPLES = 10
# A schema cannot say which auctions there are or what a curve may be; nor does this client let go of
# its token between two requests.
EXCLUDED = [positive_data_acceptance, ignored_auth]


@pytest.fixture
def described(tmp_path: Path, request: pytest.FixtureRequest):
    """An exchange in this process, with an order in an auction that is open or long published."""
    clock_file = tmp_path / "clock.json"
    desk, rules = TokenDesk(credentials(), lifetime_seconds=3600), market_rules()
    book = OrderBook(None)
    exchange = Exchange(rules, book, MarketClock(clock_file), Prices(rules, None))
    turn(clock_file, "2026-03-28T10:00:00+00:00")
    token = desk.grant(
        TokenRequest("Basic Y2xpZW50OnBsYW50ZWQtc2VjcmV0", "password", "auction_api", "trader",
                     "planted-password")
    )  # fmt: skip
    user = desk.user_of(token.value)
    points = tuple(CurvePoint(p["price"], p["volume"]) for p in curve()["curvePoints"])
    slot = Slot(SPRING_DAY, "cascade-example", "NO3")
    order = exchange.place(
        user, Draft(OrderKind.CURVE, slot, curves=(Curve(f"{SPRING_DAY}-PT15M-01", points),))
    )
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(exchange, desk))
    yield schema, {"Authorization": f"Bearer {token.value}"}, str(order.order_id), clock_file
    book.close()


def turn(clock_file: Path, instant: str) -> None:
    offset = datetime.fromisoformat(instant) - datetime.now(UTC)
    clock_file.write_text(json.dumps({"offset_seconds": offset.total_seconds()}))


def test_any_request__is_answered_as_the_description_says(described):
    """Operations with requests of their schema, and with others; what is named exists in half."""
    schema, headers, order_id, _ = described
    known = {"auction_id": SPRING_DAY, "order_id": order_id}
    asked = []
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE), exists=booleans()
        )
        def answered_as_described(case, exists: bool) -> None:
            if exists:
                case.path_parameters = {n: known[n] for n in case.path_parameters or {}}
            case.call_and_validate(headers=headers, excluded_checks=EXCLUDED)

        @settings(answered_as_described._hypothesis_internal_use_settings)
        @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
        def refused_as_described(case) -> None:
            case.call_and_validate(headers=headers, excluded_checks=EXCLUDED)

        answered_as_described()
        if operation.body or operation.query or operation.path_parameters:
            refused_as_described()
        asked.append(f"{operation.method} {operation.path}")
    assert len(asked) == 22


@pytest.mark.parametrize("what", ["prices", "trades", "portfoliovolumes"])
def test_results__published_ones_are_as_described(described, what: str):
    schema, headers, _, clock_file = described
    turn(clock_file, "2026-03-28T12:00:00+00:00")
    operation = schema[f"/auctions/{{auction_id}}/{what}"]["GET"]
    case = operation.Case(path_parameters={"auction_id": SPRING_DAY})
    response = case.call_and_validate(headers=headers, excluded_checks=EXCLUDED)
    assert response.status_code == 200


def test_description__names_every_address_and_no_answer_that_is_never_given(described):
    schema, *_ = described
    paths = schema.raw_schema["paths"]
    assert {"/curveorders", "/blockorders/{order_id}/versions", "/linkedegorders"} <= set(paths)
    answers = {
        code for path in paths.values() for way in path.values() for code in way["responses"]
    }
    assert "422" not in answers
    assert {"400", "401", "403", "404", "409"} <= answers
