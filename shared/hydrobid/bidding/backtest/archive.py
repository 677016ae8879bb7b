"""The past of a price as a bid desk knew it: nothing that came later is in what a day is bid on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.scenarios.history import ForecastSeries, History, known_history
from hydrobid.domain.market import Market
from hydrobid.domain.time import local_instant

PRICE = "price"


@dataclass(frozen=True)
class Archive:
    """Prices of delivery days, and what was forecast of them.

    bids_at: the local time, on the day its gate closes, at which a day is bid.
    """

    market: Market
    bids_at: time
    prices: ForecastSeries

    def bid_instant(self, day: date) -> datetime:
        """Return the instant at which a delivery day is bid."""
        closes = day - timedelta(days=self.market.gate_closure.days_before)
        return local_instant(closes, self.bids_at, self.market.zone)

    def known(self, day: date, most: int) -> History:
        """Return the forecast of a day and at most `most` past errors, as they were when it was bid.

        The prices of all days before are known by then: the gate of each has closed a day or more
        ago. Raises InvalidInput where no forecast of the day was published in time.
        """
        return known_history({PRICE: self.prices}, self.market, day, most, self.bid_instant)

    def came(self, day: date) -> NDArray[np.float64]:
        """Return the (T,) prices that a day's auction came to."""
        return self.prices.actual.issues[day][-1].values
