"""What a curve loses that does not go through the points of another.

A fitted curve tells the asset's marginal cost: at price t it sells v(t), so the v-th MW costs t.
With C the integral of that cost over the volume, a producer who sells u at price t where v would
be best loses

    C(u) - C(v) - t (u - v)        in currency per hour, zero or above,

the area between the price and the marginal cost. Each of the fitted points counts with its
probability. In the geometry of a curve a miss of some MW is the same everywhere; in money it costs
little where the curve is flat in price, and much where it is steep.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Points:
    """A fitted curve. ticks: (N,) strictly rising; lots: (N,) never falling; weights: (N,).

    Losses are in ticks times lots.
    """

    ticks: Whole
    lots: Whole
    weights: Floats

    @cached_property
    def _costs(self) -> Floats:
        """C at each point."""
        steps = np.diff(self.lots) * (self.ticks[1:] + self.ticks[:-1]) / 2
        return np.concatenate([[0.0], np.cumsum(steps)])

    @cached_property
    def _ends(self) -> NDArray[np.intp]:
        """The last of the points that share a volume: where the cost goes on from."""
        return np.flatnonzero(np.append(np.diff(self.lots) > 0, True))

    def cost(self, volumes: Floats) -> Floats:
        """Return C at volumes in lots, within the curve's own."""
        ends = self._ends
        found = np.searchsorted(self.lots[ends], volumes, side="right") - 1
        at = ends[np.maximum(found, 0)]
        up = np.minimum(at + 1, len(self.lots) - 1)
        further = volumes - self.lots[at]
        rise = np.maximum(self.lots[up] - self.lots[at], 1)
        slope = (self.ticks[up] - self.ticks[at]) / rise
        total: Floats = self._costs[at] + further * (self.ticks[at] + further * slope / 2)
        return total

    def losses(self, at: NDArray[np.intp], volumes: Floats) -> Floats:
        """Return the weighted loss of selling `volumes` lots at the points `at`."""
        lost = self.cost(volumes) - self._costs[at] - self.ticks[at] * (volumes - self.lots[at])
        weighted: Floats = self.weights[at] * np.maximum(lost, 0.0)
        return weighted

    def expected_loss(self, ticks: Whole, lots: Whole) -> float:
        """Return the loss of a curve that is linear between other points, from limit to limit."""
        volumes = np.interp(self.ticks, ticks, lots)
        return float(np.sum(self.losses(np.arange(len(self.ticks)), volumes)))
