"""What an auction came to."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from hydrobid.domain.errors import CorruptDocument
from hydrobid.domain.identifiers import MarketId, Portfolio, PriceArea, RunId
from hydrobid.domain.results import AuctionResult, PublishedResult, TradedOrder

START = datetime(2026, 3, 28, 23, tzinfo=UTC)
RUN = RunId.parse("nordic~2026-03-29~r1")


def published(**changes) -> PublishedResult:
    content = {
        "auction": "DA-2026-03-29",
        "portfolio": "upper",
        "price_area": "NO2",
        "currency": "EUR",
        "status": "final",
        "mtu_start": START,
        "mtu_minutes": 15,
        "prices": [50.0, 40.0],
        "volumes": [10.0, -4.0],
        "trades": [{"order_id": "1", "kind": "curve", "volumes": [10.0, -4.0]}],
    }
    return PublishedResult.from_document({**content, **changes})


def test_result__survives_its_document():
    result = AuctionResult.of(
        MarketId("nordic"), date(2026, 3, 29), START, published(), run=RUN, matrix="digest"
    )

    assert AuctionResult.from_document(result.to_document()) == result
    assert result.published.trades == (
        TradedOrder(order_id="1", kind="curve", volumes=(10.0, -4.0)),
    )
    assert result.published.portfolio == Portfolio("upper")
    assert result.published.price_area == PriceArea("NO2")


def test_result__purchases_count_off():
    assert published().revenue == pytest.approx((10 * 50 - 4 * 40) / 4)


def test_result__content_does_not_depend_on_when_it_was_found():
    market, day = MarketId("nordic"), date(2026, 3, 29)
    first = AuctionResult.of(market, day, START, published())
    later = AuctionResult.of(market, day, datetime(2026, 4, 1, tzinfo=UTC), published())

    assert first.content == later.content
    assert first.content != AuctionResult.of(market, day, START, published(volumes=[1, 1])).content


def test_result__a_volume_for_each_price():
    with pytest.raises(CorruptDocument, match="a volume for each of 2 prices"):
        published(volumes=[1.0])
