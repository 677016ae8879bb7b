"""From what each scenario would sell at its price to one bid curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.reduction import reduced, without_collinear
from hydrobid.domain.curve import BidCurve
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.market import Market

Floats = NDArray[np.float64]


def fit_curve(prices: Floats, volumes: Floats, weights: Floats, market: Market) -> BidCurve:
    """Return the curve that never falls and misses the scenarios' volumes least.

    prices: (S,) currency per MWh; volumes: (S,) MW; weights: (S,) above zero, of any sum; one or
    more scenarios. The squared misses are weighted and summed over the scenarios. Prices are
    brought to ticks within the market's limits; those on one tick count as one, with their mean
    volume. Beyond the scenarios' prices the curve is flat to the price limits. It has no point
    that a straight line through its neighbours makes needless, and at most `max_points`.
    """
    if not prices.size or not prices.shape == volumes.shape == weights.shape:
        raise InvalidInput.of(
            "curve fit",
            "scenarios",
            (prices.shape, volumes.shape, weights.shape),
            "one or more prices with a volume and a weight each",
        )
    scale = float(market.price_tick)
    on_ticks = np.clip(np.rint(prices / scale), market.min_ticks, market.max_ticks)
    ticks, group = np.unique(on_ticks.astype(np.int64), return_inverse=True)
    pooled = np.bincount(group, weights=weights).astype(np.float64)
    means = np.bincount(group, weights=weights * volumes) / pooled
    lots = np.rint(isotonic(means, pooled) / float(market.volume_lot)).astype(np.int64)
    ticks, lots, pooled = _up_to_limits(ticks, lots, pooled, market)
    kept = without_collinear(ticks, lots)
    if len(kept) > market.max_points:
        kept = reduced(ticks, lots, pooled, kept, market.max_points)
    return BidCurve(tuple(ticks[kept].tolist()), tuple(lots[kept].tolist()))


def isotonic(values: Floats, weights: Floats) -> Floats:
    """Return the (N,) rising values of least weighted squared distance to (N,) values.

    Pool adjacent violators: Barlow et al., Statistical Inference under Order Restrictions (1972).
    Neighbours that fall are joined at their mean until none falls; each value is joined once.
    """
    means: list[float] = []
    masses: list[float] = []
    counts: list[int] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, mass, count = value, weight, 1
        while means and means[-1] >= mean:
            joined = masses[-1] + mass
            mean = (means.pop() * masses[-1] + mean * mass) / joined
            masses.pop()
            mass = joined
            count += counts.pop()
        means.append(mean)
        masses.append(mass)
        counts.append(count)
    return np.repeat(means, counts)


def _up_to_limits(
    ticks: NDArray[np.int64], lots: NDArray[np.int64], weights: Floats, market: Market
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return points that begin and end at the price limits; added ones weigh nothing."""
    if ticks[0] > market.min_ticks:
        ticks = np.insert(ticks, 0, market.min_ticks)
        lots = np.insert(lots, 0, lots[0])
        weights = np.insert(weights, 0, 0.0)
    if ticks[-1] < market.max_ticks:
        ticks = np.append(ticks, market.max_ticks)
        lots = np.append(lots, lots[-1])
        weights = np.append(weights, 0.0)
    return ticks, lots, weights
