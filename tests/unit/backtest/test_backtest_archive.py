"""What was known when: the past as a bid desk had it at ten in the morning."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from hydrobid.bidding.backtest.archive import Forecast

DAY = date(2018, 3, 1)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_bid_instant__is_the_desks_hour_on_the_day_the_gate_closes(past):
    assert past(1).bid_instant(DAY) == instant("2018-02-28T10:00+01:00")


def test_forecast__the_newest_that_was_published_when_the_day_was_bid(past):
    archive = past(40)
    early, late = np.full(24, 20.0), np.full(24, 40.0)
    known = (
        Forecast(instant("2018-02-27T08:00+01:00"), early),
        Forecast(instant("2018-02-28T10:00+01:00"), late),
        Forecast(instant("2018-02-28T10:01+01:00"), np.full(24, 99.0)),
    )
    told = replace(archive, forecasts={**archive.forecasts, DAY: known})
    assert told.forecast(DAY) is late
    assert replace(told, forecasts={DAY: known[2:]}).forecast(DAY) is None


def test_errors__of_days_before_only_the_newest_and_oldest_first(past):
    archive = past(40)
    errors = archive.errors(DAY, 5)
    days = [DAY - timedelta(days=back) for back in (5, 4, 3, 2, 1)]
    expected = [archive.prices[day] - archive.forecasts[day][0].prices for day in days]
    np.testing.assert_array_equal(errors, expected)


def test_errors__nothing_that_came_later_changes_them(past):
    archive = past(60)
    before = archive.errors(DAY, 365)
    later = {day: values + 50 for day, values in archive.prices.items() if day >= DAY}
    changed = replace(archive, prices={**archive.prices, **later})
    np.testing.assert_array_equal(changed.errors(DAY, 365), before)
    # ... and what came just before does.
    yesterday = {DAY - timedelta(days=1): archive.prices[DAY] + 50}
    assert np.any(
        replace(archive, prices={**archive.prices, **yesterday}).errors(DAY, 365) != before
    )


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2018, 3, 25), [0, 1, *range(3, 24)]),
        (date(2018, 10, 28), [0, 1, 2, 2, *range(3, 24)]),
    ],
)
def test_errors__where_clocks_change_by_local_time(past, day, hours):
    archive = past((day - date(2018, 2, 1)).days + 1)
    usual = archive.errors(day - timedelta(days=1), 30)
    changed = archive.errors(day, 31)
    np.testing.assert_array_equal(changed[:-1], usual[:, hours])
