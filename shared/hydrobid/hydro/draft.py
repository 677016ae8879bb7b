"""A model on its way: what every group of equations reads and adds to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hydrobid.domain.identifiers import Identifier
from hydrobid.hydro.curves import Production
from hydrobid.hydro.model import Shortfall
from hydrobid.hydro.penalties import PenaltyPrices
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.routing import WATER_OF_FLOW
from hydrobid.hydro.schedule import ViolationCode
from hydrobid.hydro.sparse import ModelBuilder, Positions
from hydrobid.hydro.streams import Streams

Array = NDArray[np.float64]

# Share of a penalty: with penalty prices as they are, twice what flows are shaded by.
TIE_BREAK = 1e-9


@dataclass
class Draft:
    """The columns so far, and what is collected for the finished model.

    stream: (S, T) columns of the streams. volume: (R, T) columns of the volumes. basic, nonbasic:
    columns of the starting basis, and as many rows that are not in it.
    """

    problem: Problem
    production: Production
    streams: Streams
    penalties: PenaltyPrices
    builder: ModelBuilder
    stream: Positions
    volume: Positions
    shortfalls: list[Shortfall] = field(default_factory=list)
    basic: list[Positions] = field(default_factory=list)
    nonbasic: list[Positions] = field(default_factory=list)

    @property
    def hours(self) -> Array:
        """The (T,) lengths of the periods."""
        return self.problem.horizon.hours

    @property
    def water(self) -> Array:
        """The (T,) Mm3 that 1 m3/s brings in each period."""
        water: Array = WATER_OF_FLOW * self.hours
        return water

    def rows(
        self,
        periods: Positions,
        name: str,
        *,
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
    ) -> Positions:
        """Append a row for each of (N,) periods."""
        return self.builder.rows(periods.size, name, lower=lower, upper=upper)

    def add_streams(
        self,
        rows: Positions,
        periods: Positions,
        streams: Sequence[int],
        coefficients: Array,
        factor: float = 1.0,
    ) -> None:
        """Add the (S, T) coefficients of some streams in (N,) periods to their rows."""
        for stream in streams:
            values = factor * coefficients[stream, periods]
            self.builder.add(rows, self.stream[stream, periods], values)

    def may_miss(
        self,
        rows: Positions,
        periods: Positions,
        factor: float,
        code: ViolationCode,
        element: Identifier,
        unit: str,
        price: float,
    ) -> None:
        """Let (N,) rows be missed at a price in currency per unit and hour.

        factor: what one unit of a miss adds to the row.
        """
        prices = price * self.hours[periods]
        # Of misses that cost the same the last one comes first: what there is flows early.
        costs = prices * (1.0 + TIE_BREAK * (1.0 - periods / len(self.problem)))
        columns = self.builder.columns(periods.size, cost=costs)
        self.builder.add(rows, columns, factor)
        water = self.water[periods] if unit == "m3/s" else np.zeros(periods.size)
        self.shortfalls.append(Shortfall(code, element, unit, columns, periods, prices, water))
