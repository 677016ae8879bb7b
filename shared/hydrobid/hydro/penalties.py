"""What a broken limit costs: more than breaking it could earn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hydrobid.hydro.curves import Production
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.routing import WATER_OF_FLOW

# Currency per MWh at which a broken limit is priced: five times the highest price limit of
# European auctions, so that no price pays for one that could have been kept.
PENALTY_PRICE = 20_000.0


@dataclass(frozen=True)
class PenaltyPrices:
    """Currency per unit and hour: of power in MW, of flow in m3/s, of volume in Mm3."""

    power: float
    flow: float
    volume: float


def penalty_prices(problem: Problem, production: Production) -> PenaltyPrices:
    """Return the prices of a problem's broken limits.

    A flow in the wrong place may cost the power of every plant it passes, and the dearest water.
    """
    slopes = sum(
        max(float(np.max(np.abs(part.steepest))) for part in curve.ranges)
        for curve in production.values()
    )
    flow = PENALTY_PRICE * max(slopes, 1.0) + WATER_OF_FLOW * problem.end.dearest
    return PenaltyPrices(power=PENALTY_PRICE, flow=flow, volume=flow / WATER_OF_FLOW)
