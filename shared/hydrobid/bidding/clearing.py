"""What a bid sells at the prices that the market came to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.market import Market


def cleared(bid: BidMatrix, prices: NDArray[np.float64], market: Market) -> NDArray[np.float64]:
    """Return the (T,) MW sold at (T,) prices: read off the curves as the market reads them."""
    ticks = np.round(prices / float(bid.tick), 6)
    lots = [_at(curve, at, market) for curve, at in zip(bid.curves, ticks.tolist(), strict=True)]
    return np.array(lots) * float(bid.lot)


def _at(curve: BidCurve, tick: float, market: Market) -> float:
    if market.interpolation == "linear":
        return float(np.interp(tick, curve.ticks, curve.lots))
    lower = int(np.searchsorted(curve.ticks, tick, side="right")) - 1
    return float(curve.lots[max(lower, 0)])
