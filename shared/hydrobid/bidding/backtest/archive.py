"""The past as a bid desk knew it at a moment: nothing that came later can be read from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.market import Market
from hydrobid.domain.time import local_instant

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Forecast:
    """The (T,) prices of a delivery day as they were expected from `published` on."""

    published: datetime
    prices: Floats


@dataclass(frozen=True)
class Archive:
    """Prices and forecasts of delivery days; both by MTU.

    bids_at: the local time, on the day its gate closes, at which a day is bid.
    """

    market: Market
    bids_at: time
    prices: Mapping[date, Floats]
    forecasts: Mapping[date, tuple[Forecast, ...]]

    def bid_instant(self, day: date) -> datetime:
        """Return the instant at which a delivery day is bid."""
        closes = day - timedelta(days=self.market.gate_closure.days_before)
        return local_instant(closes, self.bids_at, self.market.zone)

    def forecast(self, day: date) -> Floats | None:
        """Return the newest forecast that was published when the day was bid."""
        at = self.bid_instant(day)
        known = [f for f in self.forecasts.get(day, ()) if f.published <= at]
        return max(known, key=lambda forecast: forecast.published).prices if known else None

    def errors(self, day: date, most: int) -> Floats:
        """Return the (N, T) errors, price less forecast, known when `day` was bid; oldest first.

        The prices of all days before are known by then: the gate of each has closed a day or more
        ago. A day's forecast is the one that it was bid on. N is at most `most`, the newest days. T are the MTUs of `day`: where its clock changes,
        each takes the error of its local time. Past days on which it changed are left out.
        """
        known = [past for past in sorted(self.prices) if past < day]
        rows: list[Floats] = []
        for past in reversed(known):
            forecast = self.forecast(past)
            if len(rows) < most and forecast is not None and len(forecast) == self._usual_mtus:
                rows.append(self.prices[past] - forecast)
        local = self.market.grid(day).local_times(self.market.zone)
        columns = [(at.hour * 60 + at.minute) // self.market.mtu_minutes for at in local]
        table = np.array(rows[::-1]).reshape(-1, self._usual_mtus)
        errors: Floats = table[:, columns]
        return errors

    @property
    def _usual_mtus(self) -> int:
        return 24 * 60 // self.market.mtu_minutes
