"""When jobs fire and retry: cron fields, time zones through clock changes, waits, on given clocks."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from emulators.clock import MarketClock
from emulators.scheduler.cron import InvalidSchedule
from emulators.scheduler.engine import Engine
from emulators.scheduler.outcome import Outcome
from emulators.scheduler.retrying import RetryPolicy
from emulators.scheduler.service import SchedulerService
from emulators.scheduler.store import Store
from emulators.scheduler.timetable import Timetable

OSLO = ZoneInfo("Europe/Oslo")


def fires(schedule, zone, after, count):
    """Return the next fires as local ISO times."""
    timetable = Timetable.of(schedule, zone)
    instant, found = datetime.fromisoformat(after), []
    for _ in range(count):
        instant = timetable.next_after(instant)
        found.append(instant.astimezone(timetable.zone).isoformat(timespec="minutes"))
    return found


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("* * * * *", ["2026-01-01T00:01", "2026-01-01T00:02"]),
        ("*/25 * * * *", ["2026-01-01T00:25", "2026-01-01T00:50", "2026-01-01T01:00"]),
        ("10-40/15,59 5 * * *", ["2026-01-01T05:10", "2026-01-01T05:25", "2026-01-01T05:40"]),
        ("0 9 * * MON-fri", ["2026-01-01T09:00", "2026-01-02T09:00", "2026-01-05T09:00"]),
        ("0 9 * * 7", ["2026-01-04T09:00", "2026-01-11T09:00"]),
        ("0 9 * * 5-7", ["2026-01-02T09:00", "2026-01-03T09:00", "2026-01-04T09:00"]),
        ("0 0 29 FEB *", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("0 0 31 * *", ["2026-01-31T00:00", "2026-03-31T00:00", "2026-05-31T00:00"]),
        # Both days restricted: either will do. One with an asterisk: both must fit.
        ("0 0 5 * SAT", ["2026-01-03T00:00", "2026-01-05T00:00", "2026-01-10T00:00"]),
        ("0 0 */2 * SAT", ["2026-01-03T00:00", "2026-01-17T00:00", "2026-01-31T00:00"]),
    ],
)
def test_timetable__fires_at_the_times_of_the_fields(schedule, expected):
    found = fires(schedule, "utc", "2026-01-01T00:00:30+00:00", len(expected))
    assert found == [f"{time}+00:00" for time in expected]


@pytest.mark.parametrize(
    ("schedule", "zone", "wrong"),
    [
        ("* * * *", "UTC", "has 4 fields"),
        ("60 * * * *", "UTC", "minute '60'"),
        ("* 24 * * *", "UTC", "hour '24'"),
        ("* * 0 * *", "UTC", "day of the month '0'"),
        ("* * L * *", "UTC", "day of the month 'L'"),
        ("* * * FOO *", "UTC", "month 'FOO'"),
        ("* * * * 8", "UTC", "day of the week '8'"),
        ("*/0 * * * *", "UTC", "at least 1"),
        ("5/2 * * * *", "UTC", "5-59/2"),
        ("9-5 * * * *", "UTC", "lower value"),
        ("1,,2 * * * *", "UTC", "minute ''"),
        (f"*/{'9' * 5000} * * * *", "UTC", "minute"),
        ("0 0 31 2,4 *", "UTC", "no month 2,4 has a day 31"),
        ("* * * * *", "Europe/Atlantis", "time zone 'Europe/Atlantis'"),
        ("* * * * *", "Europe", "time zone 'Europe'"),
        ("* * * * *", "../etc/passwd", "time zone"),
    ],
)
def test_timetable__names_what_cannot_be(schedule, zone, wrong):
    with pytest.raises(InvalidSchedule, match=wrong):
        Timetable.of(schedule, zone)


def test_timetable__skips_a_time_that_the_spring_day_does_not_have():
    assert fires("30 2 * * *", "Europe/Oslo", "2026-03-28T12:00+01:00", 2) == [
        "2026-03-30T02:30+02:00",
        "2026-03-31T02:30+02:00",
    ]


def test_timetable__repeats_a_time_that_the_autumn_day_has_twice():
    assert fires("30 2 * * *", "Europe/Oslo", "2026-10-24T12:00+02:00", 3) == [
        "2026-10-25T02:30+02:00",
        "2026-10-25T02:30+01:00",
        "2026-10-26T02:30+01:00",
    ]


@pytest.mark.parametrize(("day", "count"), [("2026-03-29", 92), ("2026-10-25", 100)])
def test_timetable__fires_every_quarter_of_a_day_with_a_clock_change(day, count):
    start = datetime.fromisoformat(day).replace(tzinfo=OSLO).astimezone(UTC)
    end = (datetime.fromisoformat(day) + timedelta(days=1)).replace(tzinfo=OSLO)
    timetable, instant, found = Timetable.of("*/15 * * * *", "Europe/Oslo"), start, [start]
    while (instant := timetable.next_after(instant)) < end:
        found.append(instant)
    assert len(found) == count
    assert {later - earlier for earlier, later in itertools.pairwise(found)} == {
        timedelta(minutes=15)
    }


def test_timetable__finds_an_hour_that_is_repeated_from_the_next_day_on():
    # At 00:01 clocks in St. John's went back to 23:01 of the day before.
    assert fires("15 23 28 * *", "America/St_Johns", "2006-10-28T12:00-02:30", 2) == [
        "2006-10-28T23:15-02:30",
        "2006-10-28T23:15-03:30",
    ]


def test_timetable__agrees_with_a_look_at_every_minute():
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    # Midnight is skipped and repeated in Beirut, moved by half an hour in Lord Howe.
    zones = ("Europe/Oslo", "Asia/Beirut", "Australia/Lord_Howe", "America/St_Johns")
    starts = ("2026-03-27T00:00:20+00:00", "2026-10-23T00:00:20+00:00", "2006-10-28T00:00:20+00:00")
    for zone, start in itertools.product(zones, starts):
        schedule = f"{chance.randrange(60)} {chance.randrange(24)},0,2 */{chance.choice('123')} * *"
        timetable = Timetable.of(schedule, zone)
        minutes = [
            datetime.fromisoformat(start).replace(second=0) + timedelta(minutes=m)
            for m in range(5000)
        ]
        expected = [m for m in minutes[1:] if timetable.cron.at(m.astimezone(timetable.zone))]
        found = [datetime.fromisoformat(start)]
        while (following := timetable.next_after(found[-1])) <= minutes[-1]:
            found.append(following)
        assert found[1:] == expected, (schedule, zone, start)
        for earlier, later in itertools.pairwise(expected):
            assert timetable.latest_until(later - timedelta(seconds=1)) == earlier
            assert timetable.latest_until(later) == later


def test_retry_policy__doubles_then_grows_evenly_then_stays():
    policy = RetryPolicy(5, 0, 10, 300, 3)
    waits = [policy.wait_after(failures) for failures in range(1, 9)]
    assert waits == [10, 20, 40, 80, 160, 240, 300, 300]


def test_retry_policy__goes_on_until_both_limits_are_reached():
    by_count, by_time = RetryPolicy(2, 0, 1, 1, 0), RetryPolicy(0, 10, 1, 1, 0)
    both = RetryPolicy(2, 10, 1, 1, 0)
    assert [by_count.retries(failures, 1000) for failures in (1, 2, 3)] == [True, True, False]
    assert [by_time.retries(50, elapsed) for elapsed in (0, 9, 9.5)] == [True, True, False]
    assert [both.retries(2, 1000), both.retries(3, 9), both.retries(3, 9.5)] == [True, True, False]
    assert not RetryPolicy(0, 0, 1, 1, 0).retries(1, 0)


async def test_engine__retries_by_the_clock_that_it_is_given_until_time_is_up():
    class Failing:
        async def attempt(self, _job, _fire):
            attempts.append(now)
            return Outcome(14, "no")

    now, attempts = 1e9, []
    store, market = Store(None), MarketClock(None)
    service = SchedulerService(store, market, lambda: now)
    engine = Engine(store, market, Failing(), lambda: now)
    parent = "projects/p/locations/l"
    job = service.create(
        parent,
        {
            "schedule": "0 0 29 2 *",
            "httpTarget": {"uri": "http://127.0.0.1:9/"},
            "retryConfig": {
                "maxRetryDuration": "10s",
                "minBackoffDuration": "4s",
                "maxBackoffDuration": "4s",
            },
        },
    )
    service.run(job.name)
    while now < 1e9 + 30:
        engine.look()
        await asyncio.sleep(0)
        now += 1
    assert attempts == [1e9, 1e9 + 4, 1e9 + 8]
    store.close()
