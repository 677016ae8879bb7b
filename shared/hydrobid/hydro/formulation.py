"""The linear model of a network, written straight into sparse column arrays.

Columns: the flow of each stream in each MTU (m3/s), stream by stream, then the volume of each
reservoir at the end of each MTU (Mm3), reservoir by reservoir. Rows: the water balance of each
reservoir in each MTU (Mm3),

    volume - volume before + what leaves - what arrives = inflow,

the start volume being part of the first MTU's right-hand side. Costs are minimised: what flows
are paid for their power at the scenario's prices, penalties, and less the value of the water that
is left in reservoirs or is under way to one at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrobid.hydro.network import Network

# Currency per MWh by which prices are shaded so that of equally good schedules one is the best:
# a thousandth of the finest price tick in use.
TIE_BREAK_PRICE = 1e-5
# Steps of this length around a circle never meet: no two columns are shaded alike.
GOLDEN_RATIO = (5**0.5 - 1) / 2


@dataclass(frozen=True, eq=False)
class LinearModel:
    """Minimise costs @ x with lower <= x <= upper and the rows' sums equal to `right_hand_side`.

    The matrix is held by columns: of column c the rows `index[starts[c] : starts[c + 1]]` and
    their coefficients `value[...]`. fixed_costs: (C,) what does not hang on prices. energy: (S, T)
    MWh of one unit of the first S x T columns in its MTU, where the price is zero or above;
    energy_below_zero: the same where it is below.
    """

    fixed_costs: NDArray[np.float64]
    energy: NDArray[np.float64]
    energy_below_zero: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    right_hand_side: NDArray[np.float64]
    starts: NDArray[np.int32]
    index: NDArray[np.int32]
    value: NDArray[np.float64]

    def costs(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (C,) costs of a scenario's (T,) prices in currency per MWh."""
        costs = self.fixed_costs.copy()
        energy = np.where(prices >= 0, self.energy, self.energy_below_zero)
        costs[: energy.size] -= (prices * energy).ravel()
        return costs

    def flows(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (S, T) flows in m3/s of a solution's (C,) columns."""
        return columns[: self.energy.size].reshape(self.energy.shape)


def linear_model(network: Network) -> LinearModel:
    """Return the model of a network; only its costs differ between price scenarios."""
    mtus, hours = len(network.grid), network.grid.hours
    reservoirs = network.watercourse.reservoirs
    ones = np.ones(mtus)
    power = np.array([stream.power for stream in network.streams])
    steepest = np.array([stream.steepest for stream in network.streams])
    inflow = np.outer([r.inflow for r in reservoirs], ones) * network.water_of_flow
    inflow[:, 0] += [r.start_volume for r in reservoirs]
    capacity = np.outer([stream.capacity for stream in network.streams], ones)
    starts, index, value = _matrix(network)
    return LinearModel(
        fixed_costs=_fixed_costs(network),
        energy=np.outer(power, ones) * hours,
        energy_below_zero=np.outer(steepest, ones) * hours,
        lower=np.concatenate([np.zeros(capacity.size), *(r.volume_min * ones for r in reservoirs)]),
        upper=np.concatenate([capacity.ravel(), *(r.volume_max * ones for r in reservoirs)]),
        right_hand_side=inflow.ravel(),
        starts=starts,
        index=index,
        value=value,
    )


def _fixed_costs(network: Network) -> NDArray[np.float64]:
    mtus = len(network.grid)
    reservoirs = network.watercourse.reservoirs
    flow_costs = np.empty((len(network.streams), mtus))
    for costs, stream in zip(flow_costs, network.streams, strict=True):
        costs[:] = stream.penalty * network.grid.hours
        if stream.route.target is not None:
            water_value = reservoirs[stream.route.target].water_value * network.water_of_flow
            for later, share in stream.route.shares():
                costs[max(mtus - later, 0) :] -= share * water_value
    volume_costs = np.zeros((len(reservoirs), mtus))
    volume_costs[:, -1] = [-reservoir.water_value for reservoir in reservoirs]
    return np.concatenate([(flow_costs + _tie_break(network)).ravel(), volume_costs.ravel()])


def _tie_break(network: Network) -> NDArray[np.float64]:
    """Return (S, T) costs that make equally good schedules differ.

    Water that may as well flow later flows early, save what is spilled: a spill waits until
    nothing else avails. The cost of a stream rises or falls over the day by a step that is a
    little different for every column.
    """
    shape = (len(network.streams), len(network.grid))
    scatter = (np.arange(1, shape[0] * shape[1] + 1) * GOLDEN_RATIO % 1.0).reshape(shape)
    rank = np.arange(shape[1]) + scatter / 2
    power = np.array([abs(stream.steepest) for stream in network.streams])
    spilled = np.array([not stream.steepest and stream.penalty >= 0 for stream in network.streams])
    weight = 1.0 + np.where(spilled[:, None], shape[1] - rank, rank) / shape[1]
    # What makes no power is shaded like what makes the most: turbines before gates.
    scale = np.where(power > 0, power, max(float(np.max(power)), 1.0))
    shading: NDArray[np.float64] = TIE_BREAK_PRICE * network.grid.hours * scale[:, None] * weight
    return shading


def _matrix(
    network: Network,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Return (starts, index, value) of the water balances by columns, rows in rising order."""
    mtus = len(network.grid)
    time = np.arange(mtus)
    first_volume = len(network.streams) * mtus
    entries: list[tuple[NDArray[np.int64], NDArray[np.int64], float]] = []
    for position, stream in enumerate(network.streams):
        columns = position * mtus + time
        entries.append((columns, stream.route.source * mtus + time, network.water_of_flow))
        if stream.route.target is not None:
            for later, share in stream.route.shares():
                arriving = time[: max(mtus - later, 0)]
                rows = stream.route.target * mtus + arriving + later
                entries.append((columns[arriving], rows, -share * network.water_of_flow))
    for position in range(len(network.watercourse.reservoirs)):
        rows = position * mtus + time
        entries.append((first_volume + rows, rows, 1.0))
        entries.append((first_volume + rows[:-1], rows[1:], -1.0))
    columns = np.concatenate([entry[0] for entry in entries])
    rows = np.concatenate([entry[1] for entry in entries])
    values = np.concatenate([np.full(entry[0].size, entry[2]) for entry in entries])
    return _by_columns(columns, rows, values, len(network.watercourse.reservoirs) * mtus)


def _by_columns(
    columns: NDArray[np.int64], rows: NDArray[np.int64], values: NDArray[np.float64], height: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Return entries by columns; what meets in one place (a gate back into its own reservoir) is
    summed.
    """
    places, group = np.unique(columns * height + rows, return_inverse=True)
    summed = np.bincount(group, weights=values).astype(np.float64)
    width = int(np.max(columns)) + 1
    starts = np.searchsorted(places // height, np.arange(width + 1))
    return starts.astype(np.int32), (places % height).astype(np.int32), summed
