"""The clock's file, and durations as they are typed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from hydrobid.domain.errors import InvalidInput
from hydrobid.local_cloud import clock

TOLERANCE = timedelta(seconds=2)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("15m", timedelta(minutes=15)),
        ("2h30m", timedelta(hours=2, minutes=30)),
        ("1d", timedelta(days=1)),
        ("209d23h", timedelta(days=209, hours=23)),
        ("45s", timedelta(seconds=45)),
    ],
)
def test_parse_duration__reads_units_from_long_to_short(text, duration):
    assert clock.parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "0m", "-2h", "2", "30m2h", "1.5h", "2 h", "2h30", "1w"])
def test_parse_duration__refuses_what_is_none(text):
    with pytest.raises(InvalidInput) as refused:
        clock.parse_duration(text)
    assert refused.value.problems[0].value == text
    assert "2h30m" in refused.value.problems[0].expected


def test_clock_file__is_set_advanced_and_read_by_its_one_field(tmp_path):
    path = tmp_path / "clock.json"
    instant = datetime(2026, 3, 28, 9, 30, tzinfo=UTC)

    clock.set_market_time(path, instant)
    assert abs(clock.market_now(path) - instant) < TOLERANCE
    assert abs(clock.advance(path, timedelta(hours=2)) - instant - timedelta(hours=2)) < TOLERANCE
    assert list(json.loads(path.read_text())) == ["offset_seconds"]
    assert [file.name for file in tmp_path.iterdir()] == ["clock.json"]


def test_market_now__without_a_file_is_real_time(tmp_path):
    assert abs(clock.market_now(tmp_path / "clock.json") - datetime.now(UTC)) < TOLERANCE


def test_check_forward__refuses_to_turn_market_time_back(tmp_path):
    path = tmp_path / "clock.json"
    instant = datetime(2026, 3, 28, 9, 30, tzinfo=UTC)
    clock.set_market_time(path, instant)

    clock.check_forward(path, instant + timedelta(minutes=1))
    with pytest.raises(InvalidInput, match="no earlier than market time, 2026-03-28T09:30:0"):
        clock.check_forward(path, instant - timedelta(minutes=1))
