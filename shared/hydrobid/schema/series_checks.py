"""What series are looked at for before they are taken: gaps, and values that stick out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.errors import Problem
from hydrobid.domain.market import Market
from hydrobid.domain.time import parse_instant, utc_text
from hydrobid.schema.findings import MAX_PROBLEMS, Place

REGULAR = 0.8
"""The share of steps of one length from which on a series is a regular one, whose others are gaps."""
FEWEST = 8
"""Values of which fewer say nothing about how far a series moves."""
SPIKE = 8.0
"""How many times the usual step a single value has to stick out to be a spike."""
USUAL = 90.0
"""The percentile of a series' other steps that counts as usual."""
FLAT = 1e-4
"""The least usual step, of a series that hardly moves, as a share of its greatest value."""

MOST_LOOKED_AT = 2000
"""How many values of a table are looked at closely: whoever has more of them is told enough."""

Floats = NDArray[np.float64]


def check_gaps(times: Sequence[datetime], zone: ZoneInfo, place: Place) -> None:
    """Note what is missing between rising times, where most follow each other at one distance."""
    steps = np.diff([time.timestamp() for time in times])
    if len(steps) < 3:
        return
    lengths, counts = np.unique(steps, return_counts=True)
    usual = lengths[np.argmax(counts)]
    if counts.max() >= REGULAR * len(steps):
        _note_gaps(times, steps > usual, timedelta(seconds=float(usual)), zone, place)


def check_scenario_gaps(
    kind: str,
    scenarios: Sequence[str],
    groups: Mapping[str, Mapping[str, Any]],
    market: Market,
    place: Place,
) -> None:
    """Note what dated scenarios lack between their first time and their last.

    kind: profile or dated. groups: `times` and `values` by price area, or by inflow. Up to an hour
    may lie between two times, as in forecasts of later days.
    """
    if kind != "dated":
        return
    for name, series in groups.items():
        times = [parse_instant(time) for time in series["times"]]
        steps = np.diff([time.timestamp() for time in times])
        at, step = place / name, timedelta(minutes=market.mtu_minutes)
        _note_gaps(times, steps > 3600, step, market.zone, at)
        values = np.asarray(series["values"], dtype=np.float64)
        for scenario, absent in zip(scenarios, np.isnan(values), strict=True):
            if absent.any():
                first = series["times"][int(np.argmax(absent))]
                expected = f"a value wherever other scenarios have one; {first} is missing"
                (at / scenario).refuse(f"{int(absent.sum())} missing", expected)


def spikes_in(
    series: Mapping[str, Mapping[str, Any]], place: Place, *, measured: bool
) -> Iterator[tuple[str, Problem]]:
    """Yield single values that stick out from both neighbours, with the name of their series.

    measured: whether the last value is what counts, so that it is held against the one before it.
    """
    for name, one in series.items():
        if "scenarios" not in one:
            values = np.array([one["values"]], dtype=np.float64)
            for spike in _spikes(values, one["times"], place / name, last=measured):
                yield name, spike
            continue
        section, groups = scenarios_in(one)
        for group, scenarios in groups.items():
            values = np.array(scenarios["values"], dtype=np.float64)
            at = place / section / group
            for spike in _spikes(values, scenarios["times"], at, last=measured):
                yield name, spike


def scenarios_in(one: Mapping[str, Any]) -> tuple[str, Mapping[str, Mapping[str, Any]]]:
    """Return what arrived of a scenario set: prices by area, or inflows by name, and what they are."""
    return ("prices", one["prices"]) if "prices" in one else ("inflow", one["inflows"]["series"])


def _spikes(values: Floats, times: Sequence[str], place: Place, *, last: bool) -> Iterator[Problem]:
    """Yield the spikes of (S, N) values, in order of time within each row."""
    if values.shape[1] < FEWEST:
        return
    steps = np.diff(values, axis=1)
    before, after = steps[:, :-1], steps[:, 1:]
    out = np.zeros(values.shape)
    apart = np.minimum(np.abs(before), np.abs(after))
    out[:, 1:-1] = np.where(np.sign(before) != np.sign(after), apart, 0.0)
    if last:
        out[:, -1] = np.abs(steps[:, -1])
    # A cheap look first: what sticks out less than this does not by the exact rule either.
    least = SPIKE * np.percentile(np.abs(steps), USUAL / 2, axis=1)
    for row, at in islice(np.argwhere(out > least[:, None]), MOST_LOOKED_AT):
        others = np.delete(np.abs(steps[row]), slice(at - 1, at + 1))
        usual = max(float(np.percentile(others, USUAL)), FLAT * float(np.max(np.abs(values[row]))))
        if out[row, at] > SPIKE * usual:
            value, other = float(values[row, at]), float(values[row, at - 1])
            expected = f"near {other:g}, the value before: others differ by {usual:.3g} as a rule"
            yield (place / times[at]).problem(value, expected)


def _note_gaps(
    times: Sequence[datetime],
    gaps: NDArray[np.bool_],
    step: timedelta,
    zone: ZoneInfo,
    place: Place,
) -> None:
    for at in np.flatnonzero(gaps)[: MAX_PROBLEMS + 1].tolist():
        last, following = times[at], times[at + 1]
        missing = (following - last) // step - 1
        expected = f"a value every {step.total_seconds() / 60:g} minutes"
        if last.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            expected = f"{expected}, through the change of the clock that night as well"
        (place / utc_text(last + step)).refuse(f"{missing} values missing", expected)
