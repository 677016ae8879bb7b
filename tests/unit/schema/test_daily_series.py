"""Files of prices and forecasts over time, and what is wrong with them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.market import Market
from hydrobid.schema.daily_series import read_daily_series
from hydrobid.schema.findings import Findings, Place
from hydrobid.schema.market_rules import market_of

OSLO = ZoneInfo("Europe/Oslo")
SPRING, AUTUMN = date(2018, 3, 25), date(2018, 10, 28)


def market(name: str = "nordic-hourly") -> Market:
    findings = Findings()
    return findings.settled(market_of(name, Place(findings, "test")))


def naive(day: date, values, minutes: int = 60) -> list[tuple[str, float]]:
    start = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - local times are the point
    return [
        ((start + timedelta(minutes=minutes * at)).isoformat(" "), value)
        for at, value in enumerate(values)
    ]


def csv_of(rows, header="time,price") -> bytes:
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]).encode()


def read(content: bytes, name="prices.csv", column="price", rules="nordic-hourly", **options):
    return read_daily_series(content, name, column, market(rules), OSLO, **options)


def test_read__whole_days_by_the_hour():
    values = np.arange(48.0)
    series = read(csv_of(naive(date(2018, 2, 1), values)))
    assert list(series.issues) == [date(2018, 2, 1), date(2018, 2, 2)]
    np.testing.assert_array_equal(series.issues[date(2018, 2, 2)][0].values, values[24:])
    assert not series.clock_days
    assert not series.incomplete


@pytest.mark.parametrize(
    ("day", "kept"), [(SPRING, [0, 1, *range(3, 24)]), (AUTUMN, [0, 1, 2, 2, *range(3, 24)])]
)
def test_read__24_local_hours_where_clocks_change_are_mended_and_told(day, kept):
    series = read(csv_of(naive(day, range(24))))
    assert series.issues[day][0].values.tolist() == kept
    assert series.clock_days == {day}


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25)])
def test_read__a_file_that_shows_the_clock_change_is_taken_as_it_is(day, hours):
    start = datetime(day.year, day.month, day.day, tzinfo=OSLO).astimezone(UTC)
    instants = [(start + timedelta(hours=at)).astimezone(OSLO) for at in range(hours)]
    local = [(instant.replace(tzinfo=None).isoformat(), at) for at, instant in enumerate(instants)]
    offset = [(instant.isoformat(), at) for at, instant in enumerate(instants)]
    for rows in (local, offset):
        series = read(csv_of(rows))
        assert series.issues[day][0].values.tolist() == list(range(hours))
        assert not series.clock_days


def test_read__times_without_an_offset_are_of_the_zone_that_is_named():
    rows = naive(date(2018, 1, 31), range(48))
    series = read_daily_series(csv_of(rows), "p.csv", "price", market(), ZoneInfo("UTC"))
    assert series.issues[date(2018, 2, 1)][0].values.tolist() == list(range(23, 47))
    assert series.incomplete == {date(2018, 1, 31): "23 values", date(2018, 2, 2): "1 values"}


def test_read__a_file_may_change_from_hours_to_quarters():
    hours, quarters = naive(date(2018, 2, 1), range(24)), naive(date(2018, 2, 2), range(96), 15)
    by_hour = read(csv_of(hours + quarters)).issues
    assert by_hour[date(2018, 2, 1)][0].values.tolist() == list(range(24))
    assert by_hour[date(2018, 2, 2)][0].values.tolist() == [4 * at + 1.5 for at in range(24)]
    by_quarter = read(csv_of(hours + quarters), rules="nordic").issues
    assert by_quarter[date(2018, 2, 1)][0].values.tolist() == [at // 4 for at in range(96)]
    assert by_quarter[date(2018, 2, 2)][0].values.tolist() == list(range(96))


def test_read__a_change_within_a_day_or_a_gap_leaves_the_day_out():
    mixed = naive(date(2018, 2, 1), range(24))[:12] + naive(date(2018, 2, 1), range(96), 15)[48:]
    gap = naive(date(2018, 2, 2), range(24))[:-1]
    series = read(csv_of(mixed + gap))
    assert not series.issues
    assert series.incomplete == {date(2018, 2, 1): "60 values", date(2018, 2, 2): "23 values"}


def test_read__issues_of_a_day_by_the_time_of_their_publication():
    day = date(2018, 2, 1)
    rows = [
        (time, value + add, published)
        for published, add in (("2018-01-31T11:00+01:00", 100), ("2018-01-31 08:00", 0))
        for time, value in naive(day, range(24))
    ]
    series = read(csv_of(rows, "time,price,published"), published=True)
    early, late = series.issues[day]
    assert (early.published, early.values[0]) == (datetime(2018, 1, 31, 7, tzinfo=UTC), 0)
    assert (late.published, late.values[0]) == (datetime(2018, 1, 31, 10, tzinfo=UTC), 100)


@pytest.mark.parametrize("aware", [True, False])
def test_read__parquet_as_csv(aware):
    start = datetime(2018, 2, 1, tzinfo=OSLO if aware else None)
    step = timedelta(hours=1)
    table = pa.table(
        {
            "time": pa.array(
                [start + at * step for at in range(24)],
                pa.timestamp("ms", tz="Europe/Oslo" if aware else None),
            ),
            "price": pa.array(range(24), pa.float64()),
            "other": ["x"] * 24,
        }
    )
    content = BytesIO()
    parquet.write_table(table, content)
    series = read(content.getvalue(), "prices.parquet")
    assert series.issues[date(2018, 2, 1)][0].values.tolist() == list(range(24))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", r"header\.time is None; expected one such column"),
        (b"time,cost\n2018-02-01T00:00,3", r"header\.price is None; .*one of cost, time"),
        (b"time,price,price\n2018-02-01T00:00,3,4", r"header\.price is '2 columns of that name'"),
        (b"time,price\n", r"rows is 0; expected a row for each MTU"),
        (b"time,price\n2018-02-01T00:00,n.a.", r"row 2, price is 'n\.a\.'; expected a finite"),
        (b"time,price\n2018-02-01T00:00,nan", r"row 2, price is 'nan'; expected a finite"),
        (b"time,price\n01.02.2018,3", r"row 2, time is '01\.02\.2018'; expected ISO 8601"),
        (b"time,price\n2018-02-01T00:00", r"row 2 is '1 cells'; expected 2 cells"),
        (
            b"time,price\n2018-02-01T00:00,3\n2018-02-01T00:00,3",
            r"row 3, time is '2018-02-01 00:00:00'; expected each time once",
        ),
        (b"time,price\n\xff", r"byte 11 is None; expected text in UTF-8"),
    ],
)
def test_read__what_is_wrong_is_named(content, fault):
    with pytest.raises(InvalidInput, match=f"prices.csv: {fault}"):
        read(content)


def test_read__a_third_occurrence_of_a_repeated_hour_is_one_too_many():
    rows = naive(AUTUMN, range(24))
    with pytest.raises(InvalidInput, match=r"row 27, time is .*each time once"):
        read(csv_of([*rows, rows[2], rows[2]]))


def test_read__a_parquet_file_that_is_none():
    with pytest.raises(InvalidInput, match=r"prices\.parquet: .*a Parquet file that can be read"):
        read(b"time,price\n", "prices.parquet")
