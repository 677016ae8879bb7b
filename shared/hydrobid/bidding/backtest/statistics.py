"""What many days say of the methods: shares of regret with intervals, all paired by day.

A share of regret is a sum of regrets over a sum of trading values. Its interval comes from a
circular block bootstrap (Politis and Romano, 1992): blocks of days are drawn with replacement, since
a day's water hangs on the days before. All methods are drawn with the same days, so the difference
of two of them is free of what the days have in common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.backtest.entrant import Entrant

if TYPE_CHECKING:  # whoever only compares figures loads no solver
    from hydrobid.bidding.backtest.rolling import BacktestDay

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]

BLOCK_DAYS = 7
DRAWS = 2000
LEVELS = (0.025, 0.975)
REGIMES = ("low prices", "middle prices", "high prices")


class DayFigures(Protocol):
    """What a day of a method is compared by, in the market's currency and Mm3."""

    @property
    def gain(self) -> float:
        """Money earned and the change of the water's worth."""
        ...

    @property
    def regret(self) -> float:
        """What perfect foresight would have earned more."""
        ...

    @property
    def trading_value(self) -> float:
        """What there was to earn."""
        ...

    @property
    def starts(self) -> int:
        """How often a plant began to run."""
        ...

    @property
    def spill(self) -> float:
        """What was spilled."""
        ...


@dataclass(frozen=True)
class Track:
    """A method's days, in order."""

    entrant: Entrant
    days: tuple[BacktestDay, ...]


@dataclass(frozen=True)
class Interval:
    """A figure with the bounds of its 95 % interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Group:
    """Some days of one method, in the market's currency and Mm3.

    gain: money earned and the change of the water's worth. share: regret by trading value.
    """

    days: int
    gain: float
    regret: float
    trading_value: float
    share: Interval
    starts: int
    spill: float


@dataclass(frozen=True)
class Standing:
    """How a method did. behind_best: its share of regret less that of the method with the least."""

    track: Track
    whole: Group
    behind_best: Interval
    months: Mapping[str, Group]
    regimes: Mapping[str, Group]


def standings(
    tracks: Sequence[Track], mean_prices: Mapping[date, float], seed: int
) -> list[Standing]:
    """Return each method's standing, in the order given.

    tracks: all of the same days. mean_prices: of each of these days, by which they are parted into
    thirds, the regimes.
    """
    days = [day.day for day in tracks[0].days]
    months = _by_label([f"{day:%Y-%m}" for day in days])
    regimes = _by_label(_regimes(np.array([mean_prices[day] for day in days])))
    return [
        Standing(
            track=track,
            whole=whole,
            behind_best=behind,
            months={name: _group(track.days, rows, seed) for name, rows in months.items()},
            regimes={
                name: _group(track.days, regimes[name], seed) for name in REGIMES if name in regimes
            },
        )
        for track, (whole, behind) in zip(
            tracks, compared([track.days for track in tracks], seed), strict=True
        )
    ]


def compared(methods: Sequence[Sequence[DayFigures]], seed: int) -> list[tuple[Group, Interval]]:
    """Return each method's days together, and its share of regret less that of the best.

    methods: the same days of each, in order.
    """
    wholes = np.arange(len(methods[0]))
    draws = _draws(len(wholes), seed)
    shares = [_share(days, wholes[draws]) for days in methods]
    estimates = [_share(days, wholes[None, :])[0] for days in methods]
    best = int(np.argmin(estimates))
    return [
        (
            _group(days, wholes, seed),
            _interval(estimates[at] - estimates[best], shares[at] - shares[best]),
        )
        for at, days in enumerate(methods)
    ]


def _regimes(prices: Floats) -> list[str]:
    """Return each day's third by its mean price."""
    bounds = np.quantile(prices, [1 / 3, 2 / 3])
    return [REGIMES[int(np.searchsorted(bounds, price, side="left"))] for price in prices]


def _by_label(labels: Sequence[str]) -> dict[str, Positions]:
    array = np.array(labels)
    return {label: np.flatnonzero(array == label) for label in dict.fromkeys(labels)}


def _draws(days: int, seed: int) -> Positions:
    """Return (DRAWS, days) positions: blocks of days in a circle, one after the other."""
    block = min(BLOCK_DAYS, max(days // 4, 1))
    rng = np.random.default_rng([seed, days])
    first = rng.integers(days, size=(DRAWS, -(-days // block)))
    runs = first[:, :, None] + np.arange(block)
    drawn: Positions = runs.reshape(DRAWS, -1)[:, :days] % days
    return drawn


def _share(figures: Sequence[DayFigures], rows: Positions) -> Floats:
    """Return the share of regret of each row of positions."""
    regrets = np.array([day.regret for day in figures])
    values = np.array([day.trading_value for day in figures])
    traded = values[rows].sum(axis=1)
    shares: Floats = np.divide(
        regrets[rows].sum(axis=1), traded, out=np.zeros(len(rows)), where=traded > 0
    )
    return shares


def _group(figures: Sequence[DayFigures], rows: Positions, seed: int) -> Group:
    days = [figures[at] for at in rows]
    return Group(
        days=len(days),
        gain=sum(day.gain for day in days),
        regret=sum(day.regret for day in days),
        trading_value=sum(day.trading_value for day in days),
        share=_interval(
            float(_share(figures, rows[None, :])[0]), _share(figures, rows[_draws(len(rows), seed)])
        ),
        starts=sum(day.starts for day in days),
        spill=sum(day.spill for day in days),
    )


def _interval(estimate: float, drawn: Floats) -> Interval:
    low, high = np.quantile(drawn, LEVELS)
    return Interval(float(estimate), float(low), float(high))
