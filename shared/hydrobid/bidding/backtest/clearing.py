"""What a bid sells at the prices that the market came to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.curve import BidMatrix


def cleared(bid: BidMatrix, prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (T,) MW sold at (T,) prices: read off the lines between a curve's points."""
    tick, lot = float(bid.tick), float(bid.lot)
    volumes = [
        np.interp(price / tick, curve.ticks, curve.lots) * lot
        for price, curve in zip(prices.tolist(), bid.curves, strict=True)
    ]
    return np.array(volumes, dtype=np.float64)
