"""The delivery days whose auctions have closed and may still have something to tell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from hydrobid.domain.configuration import ClientConfiguration

LOOK_BACK = timedelta(days=3)
"""How long after its gate a day is looked at: longer than a weekend without results."""


def closed_days(configuration: ClientConfiguration, now: datetime) -> Iterator[date]:
    """Yield the days whose gates have closed in the last days, oldest first."""
    market = configuration.market
    day = market.next_open_day(now - LOOK_BACK)
    while market.gate(day) <= now:
        yield day
        day += timedelta(days=1)
