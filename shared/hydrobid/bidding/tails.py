"""A curve beyond the prices of its scenarios: by marginal cost, rather than flat.

No scenario says what to sell at a price above or below all of theirs. What the water is worth and
what the units make of it does: the marginal cost curve says which segment is next and how much
further the price has to go for it. It is taken up where the scenarios end. Where they sell less at
the edge than the curve would, the day's water is dearer than its end value, and the curve is moved
by that difference in price; where they sell more than the curve's most, or less than its least,
it is moved in volume.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.curve import BidCurve
from hydrobid.domain.market import Market
from hydrobid.domain.watercourse import Watercourse

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Reach:
    """What an asset can do. least, most: lots, buying negative.

    marginal: its marginal cost curve from price limit to price limit; flat tails without one.
    """

    least: int
    most: int
    marginal: BidCurve | None = None

    @classmethod
    def of(
        cls, watercourse: Watercourse, market: Market, marginal: BidCurve | None = None
    ) -> Reach:
        """Return the reach of a watercourse; whole lots within what its units and pumps can do."""
        lot = float(market.volume_lot)
        units = [unit.power_max for plant in watercourse.plants for unit in plant.units]
        pumps = [pump.power_max for plant in watercourse.plants for pump in plant.pumps]
        # Sums of powers miss whole lots by a few units in the last place.
        most, least = round(sum(units) / lot, 6), round(-sum(pumps) / lot, 6)
        return cls(int(np.ceil(least)), int(np.floor(most)), marginal)


def with_tails(
    ticks: Whole, lots: Whole, market: Market, reach: Reach
) -> tuple[Whole, Whole, int, int]:
    """Return a curve's points with those beyond either end, and how many were put before and after.

    ticks: (N,) strictly rising, within the price limits; lots: (N,) never falling, within the
    reach. The result begins and ends at the price limits and goes through every point given.
    """
    if reach.marginal is None:
        ends = np.array([market.min_ticks, market.max_ticks])
        curve = _Marginal(ends, np.array([reach.least, reach.least]))
    else:
        curve = _Marginal(np.asarray(reach.marginal.ticks), np.asarray(reach.marginal.lots))
    above_ticks, above_lots = curve.above(int(ticks[-1]), int(lots[-1]), reach.most)
    below_ticks, below_lots = curve.mirrored().above(-int(ticks[0]), -int(lots[0]), -reach.least)
    return (
        np.concatenate([-below_ticks[::-1], ticks, above_ticks]),
        np.concatenate([-below_lots[::-1], lots, above_lots]),
        below_ticks.size,
        above_ticks.size,
    )


@dataclass(frozen=True, eq=False)
class _Marginal:
    """A curve from price limit to price limit."""

    ticks: Whole
    lots: Whole

    def mirrored(self) -> _Marginal:
        """Return the curve with both signs turned: below becomes above."""
        return _Marginal(-self.ticks[::-1], -self.lots[::-1])

    def above(self, tick: int, lot: int, most: int) -> tuple[Whole, Whole]:
        """Return the points beyond the last one, (tick, lot), up to the price limit."""
        limit = int(self.ticks[-1])
        if tick == limit:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        lots = self.lots + min(lot - int(self.lots[0]), 0)
        # The highest price at which the curve asks for no more than is sold at the edge.
        reached = lots <= lot
        edge = int(self.ticks[reached][-1])
        ticks = self.ticks + max(tick - edge, 0)
        further = ~reached & (ticks > tick) & (ticks < limit)
        last = np.interp(limit, ticks, lots)
        ends = np.array([limit])
        start = np.array([edge] if tick < edge < limit else [], np.int64)
        beyond = np.concatenate([start, ticks[further], ends])
        volumes = np.concatenate([np.full(start.size, lot), lots[further], [np.rint(last)]])
        return beyond, np.clip(volumes, lot, most).astype(np.int64)
