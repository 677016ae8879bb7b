"""What a bid may sell at published prices, which are rounded, and at the limits, where all is rationed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from hydrobid.bidding.clearing import clearable
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.time import MtuGrid


def bid_of(prices: list[float], curve: BidCurve) -> BidMatrix:
    grid = MtuGrid(datetime(2026, 3, 28, 23, tzinfo=UTC), 60, len(prices))
    return BidMatrix(PriceArea("NO2"), grid, Decimal("0.1"), Decimal("0.1"), (curve,) * len(prices))


def test_clearable__half_a_lot_and_half_a_price_step_either_way(market):
    # 10 MW from 30 to 40 EUR: 1 MW for each euro, so half a cent is 0.005 MW.
    prices = [20.0, 35.0, 45.0]
    bid = bid_of(prices, BidCurve((-5000, 300, 400, 40000), (0, 0, 100, 100)))

    low, high = clearable(bid, np.array(prices), market)

    assert low == pytest.approx([-0.05, 4.945, 9.95])
    assert high == pytest.approx([0.05, 5.055, 10.05])


def test_clearable__on_a_step_any_part_of_it_near_its_prices(market):
    prices = [29.99, 30.05, 30.11]
    bid = bid_of(prices, BidCurve((-5000, 300, 301, 40000), (0, 0, 100, 100)))

    low, high = clearable(bid, np.array(prices), market)

    assert low == pytest.approx([-0.05, 4.45, 9.95])
    assert high == pytest.approx([0.05, 5.55, 10.05])


def test_clearable__at_a_limit_the_long_side_may_be_curtailed(market):
    limits = [float(market.price_min), float(market.price_max)]
    bid = bid_of(limits, BidCurve((-5000, 40000), (50, 100)))

    low, high = clearable(bid, np.array(limits), market)

    assert low == pytest.approx([0.0, 9.95])
    assert high[1] == pytest.approx(10.05)

    buyer = bid_of(limits, BidCurve((-5000, 40000), (-100, -50)))
    low, high = clearable(buyer, np.array(limits), market)

    assert low[0] == pytest.approx(-10.05)
    assert high == pytest.approx([-9.95, 0.0], abs=0.01)
