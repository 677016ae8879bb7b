"""Delivery days and their market time units, computed in UTC.

A delivery day is a date on the market's own calendar. On clock changes it has 23 or 25 hours; the
grid is the span between two local midnights, divided in UTC, so that it has 92, 96 or 100 units of
15 minutes without a special case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hydrobid.domain.errors import InvalidInput


@dataclass(frozen=True)
class MtuGrid:
    """Consecutive market time units `[start, end)` of equal length; `start` is aware UTC."""

    start: datetime
    minutes: int
    count: int

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise InvalidInput.of("MTU grid", "start", self.start, "an instant with a time zone")
        object.__setattr__(self, "start", self.start.astimezone(UTC))

    def __len__(self) -> int:
        return self.count

    @property
    def end(self) -> datetime:
        """The first instant after the last unit."""
        return self.start + self.count * self.step

    @property
    def step(self) -> timedelta:
        """The length of one unit."""
        return timedelta(minutes=self.minutes)

    @property
    def hours(self) -> float:
        """The length of one unit in hours: MW times this is MWh."""
        return self.minutes / 60

    def starts(self) -> list[datetime]:
        """Return the start of each unit, aware UTC, in order."""
        return [self.start + index * self.step for index in range(self.count)]

    def local_times(self, zone: ZoneInfo) -> list[time]:
        """Return each unit's local wall-clock start; in autumn the repeated hour's come twice."""
        return [start.astimezone(zone).time() for start in self.starts()]


def delivery_grid(day: date, zone: ZoneInfo, minutes: int) -> MtuGrid:
    """Return the grid of a delivery day: from its local midnight to the next.

    >>> oslo = ZoneInfo("Europe/Oslo")
    >>> [len(delivery_grid(date(2026, *md), oslo, 15)) for md in ((3, 29), (3, 30), (10, 25))]
    [92, 96, 100]
    """
    start = local_instant(day, time(0), zone)
    end = local_instant(day + timedelta(days=1), time(0), zone)
    count, rest = divmod(end - start, timedelta(minutes=minutes))
    if rest:
        raise InvalidInput.of(
            "market", "mtu_minutes", minutes, f"a divisor of the {end - start} from {day}"
        )
    return MtuGrid(start, minutes, count)


def local_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the UTC instant of a local wall-clock time; the first of two in autumn."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def utc_text(instant: datetime) -> str:
    """Return an instant as `2026-03-28T10:30:00Z`, with microseconds only where it has some."""
    if instant.tzinfo is None:
        raise InvalidInput.of("instant", "time zone", instant, "an aware datetime")
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_instant(text: str) -> datetime:
    """Return the UTC instant of an ISO 8601 text with an offset or Z; raise InvalidInput."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError
        return instant.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):  # the last: in UTC beyond the calendar
        expected = "ISO 8601 with an offset, as 2026-03-28T10:30+01:00"
        raise InvalidInput.of("instant", "time", text, expected) from None
