"""Files of prices or of forecasts over time, read into delivery days of the market's MTUs.

A file is CSV or Parquet with a `time` column (ISO 8601; a time without an offset is a local time of
a zone that the caller names), a column of values and, for forecasts, perhaps a `published` column.
A day counts when it is whole, by the hour, half-hour or quarter-hour; each day has a resolution of
its own, so a file may change from hours to quarters. Values are brought to the market's MTU: a
longer one's value holds for each MTU in it, shorter ones are averaged.

Many published files have 24 local hours on every day. Where the clock goes forward, the hour that
did not exist is dropped; where it goes back, the hour that stands there once is used twice. Such days
are told, since one of their values is not what the market had.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.market import Market
from hydrobid.domain.time import delivery_grid
from hydrobid.schema.findings import Findings, Place
from hydrobid.schema.timed_rows import TimedRow, read_timed_rows

RESOLUTIONS = (60, 30, 15)
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Issue:
    """The values of one day as one file, or one publication, has them.

    published: when they became known, None where the file does not say. values: (T,), T the MTUs
    of the day.
    """

    published: datetime | None
    values: Floats


@dataclass(frozen=True)
class DailySeries:
    """Delivery days of one file. issues: oldest publication first.

    incomplete: days that are not whole, with what they have. clock_days: days whose clock change
    the file does not show: one of its hours was dropped or used twice.
    """

    issues: Mapping[date, tuple[Issue, ...]]
    incomplete: Mapping[date, str]
    clock_days: frozenset[date]


def read_daily_series(
    content: bytes,
    file_name: str,
    column: str,
    market: Market,
    zone: ZoneInfo,
    *,
    published: bool = False,
) -> DailySeries:
    """Return the delivery days that a file holds.

    column: the name of the column of values. zone: of times without an offset. published: whether
    a `published` column may tell apart several issues of one day.

    Raises:
        InvalidInput: a column is missing, or a cell is not what it should be, or a time stands
            twice; the problems name the file, the row and the value.
    """
    place = Place(Findings(), file_name)
    rows = read_timed_rows(content, file_name, column, place, published=published)
    place.findings.raise_if_any()
    groups: dict[datetime | None, list[TimedRow]] = defaultdict(list)
    for row in rows:
        groups[None if row.published is None else _instant(row.published, zone)].append(row)
    days = _Days(market, zone, place)
    for at in sorted(groups, key=lambda at: at or datetime.min.replace(tzinfo=UTC)):
        days.add(at, groups[at])
    place.findings.raise_if_any()
    return DailySeries(
        {day: tuple(issues) for day, issues in sorted(days.issues.items())},
        {day: has for day, has in days.incomplete.items() if day not in days.issues},
        frozenset(days.clock_days),
    )


@dataclass
class _Days:
    """The days gathered so far from the issues of one file."""

    market: Market
    zone: ZoneInfo
    place: Place
    issues: dict[date, list[Issue]] = field(default_factory=lambda: defaultdict(list))
    incomplete: dict[date, str] = field(default_factory=dict)
    clock_days: set[date] = field(default_factory=set)

    def add(self, published: datetime | None, rows: list[TimedRow]) -> None:
        by_day: dict[date, dict[datetime, float]] = defaultdict(dict)
        for instant, row in self._instants(rows):
            values = by_day[instant.astimezone(self.market.zone).date()]
            if instant in values:
                at = self.place / f"row {row.number}, time"
                at.refuse(str(row.time), "each time once" + (" an issue" if published else ""))
            values[instant] = row.value
        for day, values in by_day.items():
            whole = self._whole(day, values)
            if whole is None:
                self.incomplete[day] = f"{len(values)} values"
            else:
                self.issues[day].append(Issue(published, whole))

    def _instants(self, rows: Iterable[TimedRow]) -> Iterator[tuple[datetime, TimedRow]]:
        """Yield the instant of each row: none in a skipped hour, two in a repeated one."""
        rows = list(rows)
        stands = Counter(row.time for row in rows)
        met: Counter[datetime] = Counter()
        for row in rows:
            if row.time.tzinfo is not None:
                yield row.time.astimezone(UTC), row
                continue
            first = row.time.replace(tzinfo=self.zone, fold=0)
            second = first.replace(fold=1)
            if first.utcoffset() == second.utcoffset():
                yield first.astimezone(UTC), row
            elif _skipped(first):
                self.clock_days.add(row.time.date())
            elif stands[row.time] == 1:
                self.clock_days.add(row.time.date())
                yield first.astimezone(UTC), row
                yield second.astimezone(UTC), row
            else:
                yield (second if met[row.time] else first).astimezone(UTC), row
                met[row.time] += 1

    def _whole(self, day: date, values: Mapping[datetime, float]) -> Floats | None:
        """Return a day's values by the market's MTUs, or None where some are missing."""
        for minutes in RESOLUTIONS:
            starts = delivery_grid(day, self.market.zone, minutes).starts()
            if len(starts) == len(values) and all(start in values for start in starts):
                whole = np.array([values[start] for start in starts])
                mtu = self.market.mtu_minutes
                if minutes >= mtu:
                    return np.repeat(whole, minutes // mtu)
                means: Floats = whole.reshape(-1, mtu // minutes).mean(axis=1)
                return means
        return None


def _skipped(local: datetime) -> bool:
    """Return whether a local time was jumped over by a clock that went forward."""
    back = local.astimezone(UTC).astimezone(local.tzinfo)
    return back.replace(tzinfo=None) != local.replace(tzinfo=None, fold=back.fold)


def _instant(time: datetime, zone: ZoneInfo) -> datetime:
    return (time if time.tzinfo is not None else time.replace(tzinfo=zone)).astimezone(UTC)
