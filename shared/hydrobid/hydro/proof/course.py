"""A best course of a reservoir's own problem, forwards by the values of its volumes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydrobid.hydro.proof.values import NEVER, Values, step_of

Array = NDArray[np.float64]


def course_of(values: Values) -> tuple[Array, Array]:
    """Return (T,) Mm3 that leave by the plant and that are bought along a best course.

    It is near to one: values between volumes are interpolated.
    """
    own, options = values.own, values.own.options
    leaving, bought = np.zeros(own.natural.size), np.zeros(own.natural.size)
    volume, before = own.start, options.before
    for period in range(own.natural.size):
        traded = values.traded(period)
        water = own.per_flow[period] * options.flow
        after = volume + own.natural[period] - water
        worth = own.worth[period]
        total = values.market.through[period] * water
        total += worth * (
            _column(options.power, options.volumes, volume) if worth >= 0 else options.least
        )
        total += _later(values, period, traded, options.mode, after)
        total[~options.allowed[period][options.mode]] = -np.inf
        total[options.flow > own.discharge_max[period]] = -np.inf
        if before is not None:
            total -= options.switching[before][options.mode]
        best = int(np.argmax(total))
        before, leaving[period] = int(options.mode[best]), water[best]
        volume, bought[period] = _after_trade(values, period, before, float(after[best]))
    return leaving, bought


def _later(
    values: Values, period: int, traded: Array, mode: NDArray[np.intp], after: Array
) -> Array:
    """Return (K,) values of (K,) volumes, at either end as far beyond it as they are."""
    volumes, market = values.own.options.volumes, values.market
    place = np.clip((after - volumes[0]) / step_of(volumes), 0, volumes.size - 1 - 1e-9)
    row = place.astype(np.intp)
    part = place - row
    value = traded[row, mode] * (1 - part) + traded[row + 1, mode] * part
    missing = np.maximum(volumes[0] - after, 0.0)
    can = market.price[period] if market.inward[period] > 0 else market.past[period]
    price = min(float(can), -NEVER)
    value -= price * missing
    later: Array = value + market.over[period] * np.maximum(after - volumes[-1], 0.0)
    return later


def _after_trade(values: Values, period: int, mode: int, volume: float) -> tuple[float, float]:
    """Return the volume after trading at its best, and the Mm3 bought from plants of others."""
    volumes, market = values.own.options.volumes, values.market
    worths = values.of[period + 1][:, mode] + values.own.kept[period]
    low, high = volume - market.outward[period], volume + market.inward[period]
    near = volumes[(volumes > low) & (volumes < high)]
    targets = np.clip(np.concatenate([[volume, low, high], near]), volumes[0], volumes[-1])
    within = (targets >= values.own.lowest[period]) & (targets <= values.own.highest[period])
    worth = np.interp(targets, volumes, worths) - market.price[period] * (targets - volume)
    best = float(targets[int(np.argmax(np.where(within, worth, worth + NEVER)))])
    return best, min(max(best - volume, -market.outward[period]), market.inward[period])


def _column(power: Array, volumes: Array, volume: float) -> Array:
    """Return the (K,) MW at a volume."""
    place = min(max((volume - volumes[0]) / step_of(volumes), 0.0), volumes.size - 1 - 1e-9)
    row = int(place)
    column: Array = power[:, row] * (1 - (place - row)) + power[:, row + 1] * (place - row)
    return column
