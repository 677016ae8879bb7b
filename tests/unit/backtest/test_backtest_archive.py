"""What was known when: the past as a bid desk had it at ten in the morning."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from hydrobid.domain.errors import InvalidInput
from hydrobid.schema.daily_series import Issue

DAY = date(2018, 3, 1)
YESTERDAY = DAY - timedelta(days=1)


def issue(published: str, price: float) -> Issue:
    return Issue(datetime.fromisoformat(published), np.full(24, price))


def test_bid_instant__is_the_desks_hour_on_the_day_the_gate_closes(past):
    assert past(1).bid_instant(DAY) == datetime.fromisoformat("2018-02-28T10:00+01:00")


def test_known__the_newest_forecast_that_was_published_when_the_day_was_bid(past, told):
    early = issue("2018-02-27T08:00+01:00", 20)
    on_time = issue("2018-02-28T10:00+01:00", 40)
    late = issue("2018-02-28T10:01+01:00", 99)
    known = told(past(40), forecasts={DAY: (early, on_time, late)}).known(DAY, 5)
    assert known.forecast.tolist() == [[40.0] * 24]
    with pytest.raises(InvalidInput, match=r"published by 2018-02-28 10:00, when it is bid"):
        told(past(40), forecasts={DAY: (late,)}).known(DAY, 5)


def test_known__errors_are_of_the_newest_days_before_and_of_forecasts_bid_on(past, told):
    archive = past(40)
    late = issue("2018-02-27T10:01+01:00", 99)
    (bid_on,) = archive.prices.forecast.issues[YESTERDAY]
    known = told(archive, forecasts={YESTERDAY: (bid_on, late)}).known(DAY, 5)
    days = tuple(DAY - timedelta(days=back) for back in (5, 4, 3, 2, 1))
    assert known.days == days
    expected = [archive.came(day) - archive.prices.forecast.issues[day][0].values for day in days]
    np.testing.assert_array_equal(known.errors[:, 0], expected)


def test_known__nothing_that_came_later_changes_it(past, told):
    archive = past(60)
    before = archive.known(DAY, 365)
    higher = {d: (Issue(None, archive.came(d) + 50),) for d in archive.prices.actual.issues}
    later = told(archive, prices={d: i for d, i in higher.items() if d >= DAY})
    np.testing.assert_array_equal(later.known(DAY, 365).errors, before.errors)
    # ... and what came just before does.
    earlier = told(archive, prices={YESTERDAY: higher[YESTERDAY]})
    assert np.any(earlier.known(DAY, 365).errors != before.errors)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2018, 3, 25), [0, 1, *range(3, 24)]),
        (date(2018, 10, 28), [0, 1, 2, 2, *range(3, 24)]),
    ],
)
def test_known__where_clocks_change_errors_go_by_local_time(past, day, hours):
    archive = past((day - date(2018, 2, 1)).days + 1)
    usual = archive.known(day - timedelta(days=1), 30).errors
    changed = archive.known(day, 31).errors
    np.testing.assert_array_equal(changed[:-1], usual[:, :, hours])
