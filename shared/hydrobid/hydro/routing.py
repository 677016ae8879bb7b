"""Where water goes that leaves a reservoir, and when it arrives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.watercourse import Reservoir, Watercourse
from hydrobid.hydro.horizon import Horizon

# Mm3 that 1 m3/s brings in an hour.
WATER_OF_FLOW = 0.0036


@dataclass(frozen=True, eq=False)
class Route:
    """A way from a reservoir to another, or to the sea.

    source, target: positions in the watercourse's reservoirs; no target: the sea. shares: (T, T)
    parts of the water that leaves in a period (row) by the period in which it arrives (column);
    what a row lacks of one is under way at the end. None: it arrives as it leaves.
    """

    source: int
    target: int | None
    shares: NDArray[np.float64] | None

    def arriving(self, water: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (T,) water in Mm3 that arrives in each period of (T,) that leaves."""
        return water if self.shares is None else water @ self.shares

    def under_way(self, water: NDArray[np.float64]) -> float:
        """Return how much of (T,) water in Mm3 is still under way at the end."""
        if self.shares is None:
            return 0.0
        return float(water @ (1.0 - self.shares.sum(axis=1)))


class Routes:
    """The routes of a watercourse over a horizon, found by their two ends."""

    def __init__(self, watercourse: Watercourse, horizon: Horizon) -> None:
        self._watercourse = watercourse
        self._positions = {r.name: index for index, r in enumerate(watercourse.reservoirs)}
        self._horizon = horizon
        self._shares: dict[int, NDArray[np.float64] | None] = {0: None}

    def of(self, source: str, to: str | None) -> Route:
        """Return the route of water that leaves reservoir `source` towards `to`."""
        target, minutes = self._watercourse.downstream(to)
        if minutes not in self._shares:
            self._shares[minutes] = arrival_shares(self._horizon, minutes / 60)
        return Route(
            self._positions[Identifier(source)],
            None if target is None else self._positions[Identifier(target)],
            self._shares[minutes],
        )

    def overflow(self, reservoir: Reservoir) -> Route:
        """Return the way of a reservoir's overflow.

        Where none is stated, that of its first gate or, without one, of its first plant.
        """
        if reservoir.overflow is not None:
            return self.of(reservoir.name, reservoir.overflow.to)
        gates = [g.to for g in self._watercourse.gates if g.reservoir == reservoir.name]
        plants = [p.to for p in self._watercourse.plants if p.reservoir == reservoir.name]
        ways = gates + plants
        return self.of(reservoir.name, ways[0] if ways else None)


def arrival_shares(horizon: Horizon, delay: float) -> NDArray[np.float64]:
    """Return (T, T) parts of the water leaving in a period (row) by period of arrival (column).

    Water leaves evenly during a period and arrives `delay` hours later, so a period's water may
    arrive in several.
    """
    bounds = horizon.hours_since_start
    starts, ends = bounds[:-1], bounds[1:]
    overlap = np.minimum(ends[:, None] + delay, ends) - np.maximum(starts[:, None] + delay, starts)
    shares: NDArray[np.float64] = np.maximum(overlap, 0.0) / horizon.hours[:, None]
    return shares
