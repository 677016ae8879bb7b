"""SHOP's times: naive timestamps, taken as UTC, periods of mixed length, and series over them.

A SHOP document knows no time zone. One that is bid has to be written in UTC, or its results be read
in whatever zone it was written in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from hydrobid.domain.canonical import MONEY_DECIMALS, rounded
from hydrobid.domain.conditions import Steps
from hydrobid.schema.checking import checked
from hydrobid.schema.findings import Place
from hydrobid.schema.shop.forms import TimeForm

MAX_PERIODS = 20_000
TIMESTAMP = "a time as 2018-01-23 00:00:00"
_UNIT = {"hour": timedelta(hours=1), "minute": timedelta(minutes=1)}


def timestamp(text: str, place: Place) -> datetime | None:
    """Return the time that a timestamp says, as UTC; or None once its fault is noted."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            raise ValueError
    except ValueError:
        place.refuse(text, f"{TIMESTAMP}, without an offset")
        return None
    return instant.replace(tzinfo=UTC)


def periods_of(content: object, place: Place) -> list[datetime] | None:
    """Return the start of each period and the end of the last, or None once faults are noted."""
    form = checked(TimeForm, content, place)
    if form is None:
        return None
    start = timestamp(form.starttime, place / "starttime")
    end = timestamp(form.endtime, place / "endtime")
    stated = form.timeresolution or {form.starttime: 1.0}
    at = place / "timeresolution"
    steps = {timestamp(text, at / text): length for text, length in stated.items()}
    if start is None or end is None or None in steps:
        return None
    if end <= start:
        (place / "endtime").refuse(form.endtime, f"after starttime, {form.starttime}")
        return None
    lengths = {when: length for when, length in steps.items() if when is not None}
    if min(lengths) > start:
        at.refuse(min(stated), f"a first time at or before starttime, {form.starttime}")
        return None
    return _edges(start, end, lengths, _UNIT[form.timeunit], at)


def _edges(
    start: datetime,
    end: datetime,
    lengths: Mapping[datetime, float],
    unit: timedelta,
    place: Place,
) -> list[datetime] | None:
    """Walk from start to end; each change of resolution, and the end, must fall between periods."""
    changes = sorted(when for when in lengths if start < when < end)
    first = lengths[max(when for when in lengths if when <= start)]
    edges = [start]
    for length, until in zip(
        [first, *(lengths[when] for when in changes)], [*changes, end], strict=True
    ):
        step = length * unit
        minute = timedelta(minutes=1)
        if step < minute or step % minute or (until - edges[-1]) % step:
            expected = f"periods of whole minutes that divide the {until - edges[-1]} to {until}"
            place.refuse(length, expected.removesuffix("+00:00"))
            return None
        count = (until - edges[-1]) // step
        if len(edges) + count > MAX_PERIODS + 1:
            place.refuse(f"{len(edges) + count - 1} periods", f"at most {MAX_PERIODS} periods")
            return None
        edges += [edges[-1] + (index + 1) * step for index in range(count)]
    return edges


def steps_of(series: Mapping[str, float], place: Place) -> Steps | None:
    """Return a series as steps, or None once a timestamp's fault is noted."""
    times = {timestamp(text, place / text): value for text, value in series.items()}
    known = sorted((when, value) for when, value in times.items() if when is not None)
    if None in times or len(known) < len(series):
        place.refuse(f"{len(known)} times", "each time once")
        return None
    return Steps(times=tuple(when for when, _ in known), values=tuple(value for _, value in known))


def in_force(steps: Steps, flags: Steps) -> Steps:
    """Return steps without those values during which a flag says 0."""
    times = sorted({*steps.times, *flags.times})
    values = (None if _held(flags, when) == 0 else _held(steps, when) for when in times)
    return Steps(times=tuple(times), values=tuple(values))


def difference(left: Steps, right: Steps) -> Steps:
    """Return left less right, from where both are known."""
    times = sorted({*left.times, *right.times})
    pairs = ((when, _held(left, when), _held(right, when)) for when in times)
    known = [
        (when, rounded(a - b, MONEY_DECIMALS))
        for when, a, b in pairs
        if a is not None and b is not None
    ]
    return Steps(times=tuple(when for when, _ in known), values=tuple(v for _, v in known))


def _held(steps: Steps, when: datetime) -> float | None:
    """Return the value that holds at an instant."""
    position = bisect_right(steps.times, when) - 1
    return None if position < 0 else steps.values[position]
