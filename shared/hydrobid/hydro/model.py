"""A problem's linear model: what stays from scenario to scenario, and what prices change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier
from hydrobid.hydro.curves import Production
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.schedule import ViolationCode
from hydrobid.hydro.sparse import Positions, SparseModel
from hydrobid.hydro.streams import Streams

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Shortfall:
    """Columns that say by how much a limit is passed, and what that costs.

    columns, periods: (N,) positions in the model and the horizon. price: (N,) currency per `unit`
    passed. water: (N,) Mm3 that a unit passed stands for; zero where the limit is not of water.
    """

    code: ViolationCode
    element: Identifier
    unit: str
    columns: Positions
    periods: Positions
    price: Array
    water: Array


@dataclass(frozen=True, eq=False)
class PricedColumns:
    """Columns that cost less the more power is worth.

    columns, periods: (N,) positions in the model and the horizon. energy: (N,) MWh that one of
    them brings to the market where the price is zero or above; energy_below_zero: where below.
    """

    columns: Positions
    periods: Positions
    energy: Array
    energy_below_zero: Array


@dataclass(frozen=True, eq=False)
class HydroModel:
    """The model of a problem with a production; costs of a scenario come from its prices.

    stream: (S, T) columns of the streams. volume: (R, T) columns of the volumes at the end of each
    period, Mm3. balance: (R, T) rows of the water balances. power_balance: (T,) rows of the market's,
    -1 where trade has no limits. basic, nonbasic: columns in the starting basis, and as many rows that
    are not. plain: no rows but the balances. constant: cost beside the columns': of all that minima
    ask for, which flows then earn back.
    """

    problem: Problem
    production: Production
    streams: Streams
    sparse: SparseModel
    stream: Positions
    volume: Positions
    balance: Positions
    power_balance: Positions
    basic: Positions
    nonbasic: Positions
    plain: bool
    constant: float
    priced: PricedColumns
    shortfalls: Sequence[Shortfall]

    def costs(self, prices: Array, volume_worth: Array | None = None) -> Array:
        """Return the (C,) costs at (T,) prices in currency per MWh.

        volume_worth: (R, T) currency per Mm3 stored at the end of each period, on top of all else;
        a linearised head is worth something.
        """
        costs = self.sparse.costs.copy()
        at = prices[self.priced.periods]
        energy = np.where(at >= 0, self.priced.energy, self.priced.energy_below_zero)
        costs[self.priced.columns] -= at * energy
        if volume_worth is not None:
            costs[self.volume] -= volume_worth
        return costs

    def choices(self, columns: Array) -> Array:
        """Return the (S, T) choices of a solution's (C,) columns: m3/s, or off and on."""
        return columns[self.stream]
