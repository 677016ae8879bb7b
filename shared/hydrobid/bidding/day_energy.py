"""What a whole day's curves sell, kept to what some scenario's day can sell.

Each MTU's curve is fitted by itself, and what an MTU should sell may hang on the other MTUs' prices
more than on its own: where a reservoir is emptied within the day, every hour sells when its own price
is high, and on a day on which all prices are high there is not the water for it. A scenario that is
solved by itself never sells more over its day than the one that sells most, nor less than the one
that sells least. So the curves are fitted together: nearest to the scenarios' volumes among all
rising ones that keep every scenario's day between these two. Where there is water enough the
curves keep to that by themselves, and nothing changes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.isotonic import isotonic

Floats = NDArray[np.float64]

MOST_SWEEPS = 15
CLOSE_ENOUGH = 1e-3
"""Of the largest day: what is left over is within what the market's lots make of it."""


def within_the_days(prices: Floats, volumes: Floats, weights: Floats) -> Floats:
    """Return (S, T) volumes that rise with each MTU's price, as their scenarios' days allow.

    prices: (S, T); volumes: (S, T) MW; weights: (S,) above zero. They minimise the weighted squared
    distance to the volumes by a fast dual gradient method (Beck and Teboulle, 2009): each scenario has
    a price on the energy of its day, which lowers or raises its volumes before the next fit. The
    sweeps are limited, and what they end with rises all the same.
    """
    orders = np.argsort(prices, axis=0, kind="stable")
    days = np.sum(volumes, axis=1)
    least, most = float(days.min()), float(days.max())
    mtus = volumes.shape[1]
    rising = _rising(volumes, weights, orders)
    price = ahead = np.zeros(len(volumes))
    momentum = 1.0
    for _ in range(MOST_SWEEPS):
        sold = np.sum(rising, axis=1)
        step = ahead + sold / mtus
        allowed = np.clip(step * mtus, least, most)
        if np.abs(sold - allowed).max() <= CLOSE_ENOUGH * max(abs(least), abs(most)):
            break  # each day is allowed, and has a price only where it is at a limit
        before, price = price, step - allowed / mtus
        faster = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = price + (momentum - 1) / faster * (price - before)
        momentum = faster
        rising = _rising(volumes - ahead[:, None], weights, orders)
    return rising


def _rising(volumes: Floats, weights: Floats, orders: NDArray[np.intp]) -> Floats:
    rising = np.empty_like(volumes)
    for mtu, order in enumerate(orders.T):
        rising[order, mtu] = isotonic(volumes[order, mtu], weights[order])
    return rising
