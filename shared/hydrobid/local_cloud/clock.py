"""The clock of a local cloud: a file with an offset, which moves market time forward."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import FiniteFloat

from hydrobid.domain.base import Value
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.time import utc_text
from hydrobid.local_cloud.files import write_atomically

DURATION = re.compile(r"(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?")


class ClockFile(Value):
    """What the file holds: seconds by which market time is ahead of real time."""

    offset_seconds: FiniteFloat = 0.0


def market_now(path: Path) -> datetime:
    """Return market time by a clock file, aware UTC; real time where there is no file."""
    return datetime.now(UTC) + timedelta(seconds=_read(path).offset_seconds)


def set_market_time(path: Path, instant: datetime) -> None:
    """Make `instant` the market's present."""
    _write(path, (instant - datetime.now(UTC)).total_seconds())


def advance(path: Path, step: timedelta) -> datetime:
    """Move market time forward and return it."""
    _write(path, _read(path).offset_seconds + step.total_seconds())
    return market_now(path)


def parse_duration(text: str) -> timedelta:
    """Return a duration written as `15m`, `2h30m` or `1d`; it is longer than nothing.

    >>> parse_duration("2h30m")
    datetime.timedelta(seconds=9000)
    """
    match = DURATION.fullmatch(text)
    days, hours, minutes, seconds = (
        (int(part or 0) for part in match.groups()) if match else (0, 0, 0, 0)
    )
    duration = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not duration:
        expected = "days, hours, minutes or seconds, longer than nothing, as 15m, 2h30m or 1d"
        raise InvalidInput.of("clock", "duration", text, expected)
    return duration


def check_forward(path: Path, instant: datetime) -> None:
    """Return when `instant` does not lie before market time: whatever runs never sees it go back."""
    present = market_now(path)
    if instant < present:
        raise InvalidInput.of(
            "clock",
            "--now",
            utc_text(instant),
            f"no earlier than market time, {utc_text(present.replace(microsecond=0))}, "
            "while the local cloud runs: `hydrobid down` first",
        )


def _read(path: Path) -> ClockFile:
    try:
        return ClockFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return ClockFile()


def _write(path: Path, offset_seconds: float) -> None:
    write_atomically(path, ClockFile(offset_seconds=offset_seconds).model_dump_json().encode())
