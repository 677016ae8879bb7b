"""What it costs to deliver something else than was sold."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hydrobid.domain.base import Value


class ImbalancePrices(Value):
    """What a MWh costs that was sold and not produced, and earns that was produced and not sold.

    Both lie `share` of the spot price's size and `margin` in currency per MWh away from the spot
    price, on the side that hurts.
    """

    share: Annotated[float, Field(ge=0, le=10)] = 0.2
    margin: Annotated[float, Field(ge=0, le=10_000)] = 2.0

    def away(self, spot: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far from (T,) spot prices imbalance prices lie, in currency per MWh."""
        distance: NDArray[np.float64] = self.share * np.abs(spot) + self.margin
        return distance
