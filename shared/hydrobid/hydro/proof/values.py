"""What a reservoir's own problem is worth at most, solved backwards on even volumes.

The water that it trades with the rest of the watercourse has a price. Every value at a volume may
lie above the true one; between volumes the true ones lie below what is interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hydrobid.hydro.proof.options import Options

Array = NDArray[np.float64]

# Worth of what cannot be: less than any water, and finite, so that lines can be drawn to it.
NEVER = -1e15
# Choices that are valued at a time, so that they stay in the processor's memory.
AT_ONCE = 24


@dataclass(frozen=True, eq=False)
class Market:
    """At what water is traded in each of (T,) periods: currency per Mm3, and Mm3.

    price: of what plants of others send (`inward` Mm3 at most) and take (`outward` at most). past:
    of what comes past plants, as much as one likes; infinite where nothing can. over: what is paid
    for water that is let go past the own plant. through: what is paid for what leaves by it.
    """

    price: Array
    inward: Array
    outward: Array
    past: Array
    over: Array
    through: Array

    def settled(self) -> Market:
        """Return the same market with a price that neither buying past plants nor letting go betters.

        Whoever could do both at once for a profit would, with all that may be traded; `gift` is
        what that brings.
        """
        price = np.clip(self.price, self.over, self.past)
        return Market(price, self.inward, self.outward, self.past, self.over, self.through)

    def gift(self) -> float:
        """Return the currency of trades that pay whatever the reservoir does otherwise."""
        dear, cheap = (
            self.over - self.price,
            self.price - np.where(np.isfinite(self.past), self.past, self.price),
        )
        return float(np.maximum(dear, 0) @ self.inward + np.maximum(cheap, 0) @ self.outward)


@dataclass(frozen=True, eq=False)
class Own:
    """A reservoir's problem apart from its prices.

    natural: (T,) Mm3 that come by themselves. per_flow: (T,) Mm3 of 1 m3/s. worth: (T,) currency
    of a MW through the period. kept: (T, N) currency that limits on the volumes at the end of each
    period cost, zero or below. lowest, highest: (T,) Mm3 between which they are. discharge_max:
    (T,) m3/s. start: Mm3.
    """

    options: Options
    natural: Array
    per_flow: Array
    worth: Array
    kept: Array
    lowest: Array
    highest: Array
    discharge_max: Array
    start: float

    def thinned(self, volumes: int, flows: int) -> Own:
        """Return the same on as many volumes and flows at least, where it has as many."""
        options = self.options
        each = max((options.volumes.size - 1) // volumes, 1)
        while (options.volumes.size - 1) % each:
            each -= 1
        thin = options.thinned(each, max(options.flow.size // flows, 1))
        return replace(self, options=thin, kept=self.kept[:, ::each])


class Values:
    """The values of one reservoir's problem at prices of water.

    proven: whether they lie above the true ones; if not they lie near them, on fewer volumes.

    of: (T + 1, N, M) currency of a volume at the start of each period, after each mode; the last
    are of what is left at the end.
    """

    def __init__(self, own: Own, market: Market, end: float, *, proven: bool = True) -> None:
        self.own = own
        self._proven = proven
        self._gift = market.gift()
        self.market = market.settled()
        options, periods = own.options, own.natural.size
        modes = options.switching.shape[0]
        self.of = np.empty((periods + 1, options.volumes.size, modes))
        self.of[-1] = end * options.volumes[:, None]
        best = self.of[-1]
        for period in range(periods - 1, -1, -1):
            best = self._best(period)
            after = np.full_like(best, NEVER)
            for mode in range(modes):
                np.maximum(after, best[:, mode, None] - options.switching[:, mode], out=after)
            self.of[period] = after
        self._first = best if options.before is None else self.of[0][:, [options.before]]

    @property
    def start(self) -> float:
        """What the problem is worth at most from its start on."""
        volumes = self.own.options.volumes
        values = [float(np.interp(self.own.start, volumes, column)) for column in self._first.T]
        return max(values) + self._gift

    def _best(self, period: int) -> Array:
        """Return (N, M) values above those of the best choices in a period, by the mode chosen."""
        own, options = self.own, self.own.options
        later = self.traded(period)
        best = np.full(later.shape, NEVER)
        for mode in np.flatnonzero(options.allowed[period]).tolist():
            first, last = np.searchsorted(options.mode, [mode, mode + 1])
            flow = options.flow[first:last]
            # One flow beyond the greatest allowed, so that lines reach it.
            last = first + int(np.count_nonzero(flow <= own.discharge_max[period] + options.cell))
            if flow.min() > own.discharge_max[period]:
                continue
            best[:, mode] = self._best_of(period, later[:, mode], slice(first, last))
        return best

    def _best_of(self, period: int, later: Array, chosen: slice) -> Array:
        """Return (N,) values of the best of some choices.

        Where the later value bends down between two volumes or flows a line would cut the bend
        off: what that could be is added.
        """
        own, options = self.own, self.own.options
        step, count = step_of(options.volumes), options.volumes.size
        change = own.natural[period] - own.per_flow[period] * options.flow[chosen]
        whole = np.floor(change / step).astype(np.intp)
        part = (change / step - whole)[:, None]
        width = options.cell * float(own.per_flow[period])
        reach = int(np.ceil(width / step)) + 1
        below, above = max(int(-whole.min()), 0) + reach + 2, max(int(whole.max()), 0) + reach + 3
        padded = self._padded(period, later, below, above, reach)
        bends = _bends(padded, step)
        near = np.max(sliding_window_view(np.pad(bends, reach + 1), 2 * reach + 3), axis=1)
        if self._proven:
            padded = padded + near * (step + reach * width) / 4
        lines = sliding_window_view(padded, count)
        worth, at = float(own.worth[period]), whole + below
        gain = self.market.through[period] * own.per_flow[period] * options.flow[chosen]
        if worth < 0:
            gain = gain + worth * options.least[chosen]
        power = options.power[chosen]
        best = np.full(count, NEVER)
        for first in range(0, at.size, AT_ONCE):
            some = slice(first, first + AT_ONCE)
            total = lines[at[some]]
            total *= 1 - part[some]
            total += lines[at[some] + 1] * part[some]
            total += gain[some, None]
            if worth >= 0:
                total += worth * power[some]
            np.maximum(best, total.max(axis=0), out=best)
        return best

    def traded(self, period: int) -> Array:
        """Return (N, M) values of volumes from which water may still be bought and let go.

        Each is the greatest of lines and constants between two volumes, which bends upwards only,
        so that lines between the volumes stay above.
        """
        own, market, volumes = self.own, self.market, self.own.options.volumes
        value = self.of[period + 1] + own.kept[period][:, None]
        # Beyond limits on the volume, but not next to them, where lines have to reach.
        step = step_of(volumes)
        margin = (self._reach(period) + 4) * step
        beyond = (volumes < own.lowest[period] - margin) | (volumes > own.highest[period] + margin)
        value[beyond] = NEVER
        paid = value - market.price[period] * volumes[:, None]
        traded = paid.copy()
        for water in (float(market.inward[period]), -float(market.outward[period])):
            if water:
                self._shifted(paid, water, traded)
        traded += market.price[period] * volumes[:, None]
        if np.isfinite(market.past[period]):
            paid = traded - market.past[period] * volumes[:, None]
            paid = np.maximum.accumulate(paid[::-1], axis=0)[::-1]
            traded = paid + market.past[period] * volumes[:, None]
        paid = traded - market.over[period] * volumes[:, None]
        result: Array = np.maximum.accumulate(paid, axis=0) + market.over[period] * volumes[:, None]
        return result

    def _shifted(self, paid: Array, water: float, traded: Array) -> None:
        """Raise (N, M) values to those of what may be reached by up to `water` in Mm3.

        The best is at a volume of the grid or as far as it goes, where the line that is reached
        may have a bend between two volumes.
        """
        step, count = step_of(self.own.options.volumes), paid.shape[0]
        cells, part = divmod(abs(water) / step, 1.0)
        # Seen from the end towards which water moves the volume.
        source, target = (paid, traded) if water > 0 else (paid[::-1], traded[::-1])
        for shift in range(1, min(int(cells), count - 1) + 1):
            np.maximum(target[:-shift], source[shift:], out=target[:-shift])
        reached = count - 1 - int(cells)
        if part and reached > 0:
            near, far = source[int(cells) : -1], source[int(cells) + 1 :]
            farthest = near * (1 - part) + far * part
            if self._proven:
                bends = np.apply_along_axis(_bends, 0, source, step)[int(cells) :]
                farthest = farthest + np.maximum(bends[:-1], bends[1:]) * step / 4
            np.maximum(target[:reached], farthest, out=target[:reached])

    def _reach(self, period: int) -> int:
        """Return how many steps of volume, rounded up, lie between two flows, and one more."""
        width = self.own.options.cell * float(self.own.per_flow[period])
        return int(np.ceil(width / step_of(self.own.options.volumes))) + 1

    def _padded(self, period: int, value: Array, below: int, above: int, reach: int) -> Array:
        """Return values of volumes beyond both ends too.

        What exceeds the greatest volume is let go. What is missing from the least is bought, past
        plants without end and else as far as they send. Below there is nothing, but for the first
        points, which lines reach: there the line of the least volumes goes on.
        """
        market, step = self.market, step_of(self.own.options.volumes)
        past, price = float(market.past[period]), float(market.price[period])
        steepest = max(float(value[1] - value[0]) / step, 0.0)
        down, up = np.arange(below, 0, -1) * step, np.arange(1, above + 1) * step
        sent = min(float(market.inward[period]), below * step)
        beyond = np.maximum(down - sent, 0.0)
        paid = (
            price * np.minimum(down, sent)
            + min(past, max(price if sent else 0.0, steepest)) * beyond
        )
        kept = float(price if market.outward[period] > 0 else market.over[period])
        padded = np.concatenate([value[0] - paid, value, value[-1] + kept * up])
        if not np.isfinite(past):
            reached = int(np.ceil(sent / step)) + reach + 2
            padded[: max(below - reached, 0)] = NEVER
        return padded


def step_of(volumes: Array) -> float:
    """Return the Mm3 between two of even volumes."""
    return float(volumes[1] - volumes[0])


def _bends(values: Array, step: float) -> Array:
    """Return by how much the slope of (P,) values falls at each; next to what cannot be, nothing."""
    slopes = np.diff(values) / step
    real = np.minimum(values[:-1], values[1:]) > NEVER / 2
    falls = np.where(real[:-1] & real[1:], slopes[:-1] - slopes[1:], 0.0)
    return np.concatenate([[0.0], np.maximum(falls, 0.0), [0.0]])
