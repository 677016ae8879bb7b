"""The time module: moments are doubles, Unix seconds; their text is RFC 3339."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from emulators.workflows.errors import value_error
from emulators.workflows.stdlib.registry import function, need_number, need_string
from emulators.workflows.values import Value


@function("time.parse")
def parse_moment(value: Value) -> float:
    """Return the Unix seconds of an RFC 3339 timestamp; ValueError without a time zone."""
    text = need_string(value, "value")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise value_error(f"{text!r} is no RFC 3339 timestamp") from error
    if moment.tzinfo is None:
        raise value_error(f"{text!r} has no time zone")
    return moment.timestamp()


@function("time.format")
def format_moment(seconds: Value, timezone: Value = None) -> str:
    """Return the RFC 3339 timestamp of Unix seconds in an IANA time zone, UTC by default."""
    number = need_number(seconds, "seconds")
    try:
        zone = UTC if timezone is None else ZoneInfo(need_string(timezone, "timezone"))
        moment = datetime.fromtimestamp(number, zone)
    except (ZoneInfoNotFoundError, ValueError, OverflowError, OSError) as error:
        raise value_error(f"cannot format {seconds} in {timezone}: {error}") from error
    return moment.isoformat().replace("+00:00", "Z")
