"""What a bid sells at the prices that the market came to; `block_clearing` has the rules of blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.block_clearing import sold_in_blocks
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.market import Market

PRICE_STEP = 0.01
"""Currency per MWh: published prices of the European day-ahead coupling have two decimals."""


def sold_at(bid: BidMatrix, prices: NDArray[np.float64], market: Market) -> NDArray[np.float64]:
    """Return the (T,) MW that curves and blocks sell at (T,) prices, bought negative."""
    return cleared(bid, prices, market) + sold_in_blocks(bid.block_bid, prices)


def cleared(bid: BidMatrix, prices: NDArray[np.float64], market: Market) -> NDArray[np.float64]:
    """Return the (T,) MW that the curves sell at (T,) prices, read off as the market reads them."""
    ticks = np.round(prices / float(bid.tick), 6)
    lots = [_at(curve, at, market) for curve, at in zip(bid.curves, ticks.tolist(), strict=True)]
    return np.array(lots) * float(bid.lot)


def sold_over(bid: BidMatrix, prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (S, T) MW that curves and blocks sell at each scenario's (T,) prices, to ticks.

    Between two points of a curve a straight line is taken, whatever the market does.
    """
    ticks = np.rint(prices / float(bid.tick)).astype(np.int64)
    lots = np.stack([curve.lots_at(ticks[:, mtu]) for mtu, curve in enumerate(bid.curves)], 1)
    sold: NDArray[np.float64] = lots * float(bid.lot)
    if bid.blocks:
        blocks = [sold_in_blocks(bid.block_bid, scenario) for scenario in prices]
        sold += np.reshape(blocks, sold.shape)  # of no scenarios there is none to stack
    return sold


def clearable(
    bid: BidMatrix, prices: NDArray[np.float64], market: Market
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the least and the most MW, (T,) each, that curves may sell at (T,) published prices.

    Prices are published in whole price steps and volumes in whole lots, so each may have been half
    of one away: along a step of a curve that is all of the step. At a price limit whoever is on the
    long side may be curtailed, down to nothing.
    """
    half_lot = float(bid.lot) / 2
    low = cleared(bid, prices - PRICE_STEP / 2, market) - half_lot
    high = cleared(bid, prices + PRICE_STEP / 2, market) + half_lot
    floor = prices <= float(market.price_min) + PRICE_STEP / 2
    ceiling = prices >= float(market.price_max) - PRICE_STEP / 2
    low = np.where(floor, np.minimum(low, 0.0), low)
    high = np.where(ceiling, np.maximum(high, 0.0), high)
    return low, high


def _at(curve: BidCurve, tick: float, market: Market) -> float:
    if market.interpolation == "linear":
        return float(np.interp(tick, curve.ticks, curve.lots))
    lower = int(np.searchsorted(curve.ticks, tick, side="right")) - 1
    return float(curve.lots[max(lower, 0)])
