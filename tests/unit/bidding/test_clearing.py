"""Curves are read at the price that came as the market reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from hydrobid.bidding.clearing import cleared
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.time import MtuGrid

PRICES = [-600.0, 29.99, 30.0, 35.0, 40.0, 40.04, 40.1, 5000.0]
# Nothing up to 30, 10 MW at 40, and a step of one tick to 20 MW.
CURVE = BidCurve((-5000, 300, 400, 401, 40000), (0, 0, 100, 200, 200))


@pytest.mark.parametrize(
    ("interpolation", "volumes"),
    [
        ("linear", [0, 0, 0, 5, 10, 14, 20, 20]),
        ("step", [0, 0, 0, 0, 10, 10, 20, 20]),
    ],
)
def test_cleared__between_points_as_the_market_has_it(market, interpolation, volumes):
    grid = MtuGrid(datetime(2018, 2, 1, tzinfo=UTC), 60, len(PRICES))
    bid = BidMatrix(PriceArea("NO2"), grid, Decimal("0.1"), Decimal("0.1"), (CURVE,) * len(PRICES))
    rules = market.model_copy(update={"interpolation": interpolation})
    assert cleared(bid, np.array(PRICES), rules) == pytest.approx(volumes)
