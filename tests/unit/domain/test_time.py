import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.time import MtuGrid, delivery_grid, parse_instant, utc_text

OSLO = ZoneInfo("Europe/Oslo")


@pytest.mark.parametrize(
    ("day", "quarters", "hours"),
    [
        (date(2026, 3, 29), 92, 23),
        (date(2026, 3, 30), 96, 24),
        (date(2026, 10, 25), 100, 25),
    ],
)
def test_delivery_grid__clock_changes(day: date, quarters: int, hours: int):
    fine, coarse = delivery_grid(day, OSLO, 15), delivery_grid(day, OSLO, 60)

    assert (len(fine), len(coarse)) == (quarters, hours)
    assert fine.start == coarse.start
    assert fine.end == coarse.end == delivery_grid(day + timedelta(days=1), OSLO, 15).start


def test_delivery_grid__zone_without_clock_changes():
    assert {len(delivery_grid(date(2026, 3, d), ZoneInfo("UTC"), 15)) for d in (28, 29, 30)} == {96}


def test_delivery_grid__units_that_do_not_fill_the_day():
    with pytest.raises(InvalidInput, match="mtu_minutes is 7"):
        delivery_grid(date(2026, 3, 30), OSLO, 7)


def test_starts__are_utc_and_evenly_spaced():
    starts = delivery_grid(date(2026, 10, 25), OSLO, 15).starts()

    assert all(start.tzinfo is UTC for start in starts)
    assert {b - a for a, b in itertools.pairwise(starts)} == {timedelta(minutes=15)}


def test_local_times__repeat_the_autumn_hour_and_skip_the_spring_hour():
    autumn = delivery_grid(date(2026, 10, 25), OSLO, 60).local_times(OSLO)
    spring = delivery_grid(date(2026, 3, 29), OSLO, 60).local_times(OSLO)

    assert autumn.count(time(2)) == 2
    assert time(2) not in spring


def test_grid__naive_start_is_refused():
    with pytest.raises(InvalidInput, match="time zone"):
        MtuGrid(datetime(2026, 1, 1), 15, 96)  # noqa: DTZ001 - what is refused


@pytest.mark.parametrize("text", ["2026-03-28T10:30", "tomorrow", "", "9999-12-31T23:59-14:00"])
def test_parse_instant__without_offset_or_sense(text: str):
    with pytest.raises(InvalidInput, match="ISO 8601 with an offset"):
        parse_instant(text)


def test_utc_text__round_trip():
    assert utc_text(parse_instant("2026-03-28T10:30+01:00")) == "2026-03-28T09:30:00Z"
