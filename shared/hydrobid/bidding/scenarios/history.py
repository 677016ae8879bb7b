"""What was known of several series when a day was bid: its forecast, and what earlier ones missed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.errors import InvalidInput, Problem
from hydrobid.domain.market import Market
from hydrobid.schema.daily_series import DailySeries

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ForecastSeries:
    """Forecasts of a series, by day and publication, and what happened."""

    forecast: DailySeries
    actual: DailySeries


@dataclass(frozen=True, eq=False)
class History:
    """What scenarios of K series are drawn from.

    names: K. forecast: (K, T), T the MTUs of the day. errors: (D, K, T), what happened less what
    was forecast, of the D past days that every series has, oldest first.
    """

    names: tuple[str, ...]
    forecast: Floats
    errors: Floats
    days: tuple[date, ...]


def known_history(
    series: Mapping[str, ForecastSeries],
    market: Market,
    day: date,
    most: int,
    bid_at: Callable[[date], datetime] | None = None,
) -> History:
    """Return what was known when a delivery day was bid; at most `most` past days.

    bid_at: the instant at which a day is bid, its gate closure where it is None. A forecast counts
    that was published by then, the newest of them. Days on which the clock
    changed lend no errors; to such a day each MTU takes the error of its local time.

    Raises:
        InvalidInput: a series has no forecast of the day that was known in time.
    """
    bid_at = market.gate if bid_at is None else bid_at
    forecasts = {name: _known(one.forecast, day, bid_at(day)) for name, one in series.items()}
    missing = [name for name, forecast in forecasts.items() if forecast is None]
    if missing:
        at = bid_at(day).astimezone(market.zone)
        expected = f"a whole day of values, published by {at:%Y-%m-%d %H:%M}, when it is bid"
        raise InvalidInput(
            [Problem(f"forecast of {name}", str(day), "none", expected) for name in missing]
        )
    local = market.grid(day).local_times(market.zone)
    places = [(at.hour * 60 + at.minute) // market.mtu_minutes for at in local]
    usual = 24 * 60 // market.mtu_minutes
    found: dict[date, Floats] = {}
    past = set.intersection(*(set(one.actual.issues) for one in series.values()))
    for earlier in sorted((one for one in past if one < day), reverse=True):
        errors = [_error(one, earlier, bid_at(earlier)) for one in series.values()]
        whole = [error for error in errors if error is not None and len(error) == usual]
        if len(whole) == len(series):
            found[earlier] = np.stack(whole)[:, places]
        if len(found) == most:
            break
    days = tuple(sorted(found))
    return History(
        names=tuple(series),
        forecast=np.stack([forecast for forecast in forecasts.values() if forecast is not None]),
        errors=np.array([found[one] for one in days]).reshape(len(days), len(series), len(local)),
        days=days,
    )


def _known(series: DailySeries, day: date, at: datetime) -> Floats | None:
    """Return the newest values of a day that were published by an instant."""
    issues = [
        issue
        for issue in series.issues.get(day, ())
        if issue.published is None or issue.published <= at
    ]
    return issues[-1].values if issues else None


def _error(series: ForecastSeries, day: date, at: datetime) -> Floats | None:
    forecast = _known(series.forecast, day, at)
    return None if forecast is None else series.actual.issues[day][-1].values - forecast
