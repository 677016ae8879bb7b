"""From what each scenario would sell at its price to one bid curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.expected_loss import Points
from hydrobid.bidding.isotonic import isotonic
from hydrobid.bidding.reduction import fitting
from hydrobid.bidding.tails import Reach, with_tails
from hydrobid.domain.curve import BidCurve
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.market import Market

Floats = NDArray[np.float64]


def fit_curve(
    prices: Floats,
    volumes: Floats,
    weights: Floats,
    market: Market,
    reach: Reach | None = None,
) -> BidCurve:
    """Return the curve that never falls and misses the scenarios' volumes least.

    It has the form and at most the number of points that the market allows: those of `fitted` that
    lose least. Raises InvalidInput as `fitted` does.
    """
    return fitting(fitted(prices, volumes, weights, market, reach), market)


def fitted(
    prices: Floats,
    volumes: Floats,
    weights: Floats,
    market: Market,
    reach: Reach | None = None,
) -> Points:
    """Return the points of the rising curve of least squared misses, however many they are.

    prices: (S,) currency per MWh; volumes: (S,) MW; weights: (S,) above zero, of any sum; one or
    more scenarios. The squared misses are weighted and summed over the scenarios. Prices are
    brought to ticks within the market's limits; those on one tick count as one, with their mean
    volume. Volumes are whole lots within the reach. Beyond the scenarios' prices the curve follows
    the reach's marginal cost, or is flat without one, up to the price limits.
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
    if reach is None:
        return _up_to_limits(ticks, lots, pooled, market)
    lots = np.clip(lots, reach.least, reach.most)
    return _with_tails(ticks, lots, pooled, market, reach)


def _with_tails(
    ticks: NDArray[np.int64],
    lots: NDArray[np.int64],
    weights: Floats,
    market: Market,
    reach: Reach,
) -> Points:
    """Return points with tails; either side beyond N scenarios is as probable as half of one.

    That much of the distribution lies beyond N draws from it, in the middle of what is likely.
    """
    total, share = np.sum(weights), np.sum(weights**2) / np.sum(weights)
    ticks, lots, below, above = with_tails(ticks, lots, market, reach)
    tail = min(share, total) / 2
    spread = [np.full(n, tail / max(n, 1)) for n in (below, above)]
    return Points(ticks, lots, np.concatenate([spread[0], weights, spread[1]]))


def _up_to_limits(
    ticks: NDArray[np.int64], lots: NDArray[np.int64], weights: Floats, market: Market
) -> Points:
    """Return points that begin and end at the price limits; added ones weigh nothing."""
    if ticks[0] > market.min_ticks:
        ticks = np.insert(ticks, 0, market.min_ticks)
        lots = np.insert(lots, 0, lots[0])
        weights = np.insert(weights, 0, 0.0)
    if ticks[-1] < market.max_ticks:
        ticks = np.append(ticks, market.max_ticks)
        lots = np.append(lots, lots[-1])
        weights = np.append(weights, 0.0)
    return Points(ticks, lots, weights)
