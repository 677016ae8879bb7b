"""What few points lose: the chosen ones beside those left when points go one by one, as one JSON.

    python tests/benchmarks/reduction.py

The curves of a day of 1,000 solved scenarios, brought down to some numbers of points. The loss is the
expected one by the curves' own marginal costs, in EUR a day. `exact` is the best choice of all.
"""

from __future__ import annotations

import json
import sys
import time
from unittest.mock import patch

import numpy as np

from hydrobid.bidding import reduction
from hydrobid.bidding.day_energy import within_the_days
from hydrobid.bidding.expected_loss import Points
from hydrobid.bidding.fit import fitted
from hydrobid.bidding.reduction import fitting, without_collinear
from hydrobid.bidding.scenarios.selection import redistributed
from hydrobid.bidding.shortlist import shortlisted
from hydrobid.bidding.tails import Reach
from hydrobid.bidding.water_value import water_value_bid
from hydrobid.domain.curve import BidCurve
from reconcile import AREA, ASSET, MARKET, kinds, scenario_set
from solver import GRID

COUNTS = (8, 12, 20, 40, 64)
EVERY = 8
"""Of the day's MTUs: the exact choice takes a quarter of a second a curve."""


def curves() -> list[Points]:
    """Return the fitted curves of some of the day's MTUs."""
    scenarios = scenario_set()
    volumes = kinds(scenarios)["solved"]
    present = np.array([scenario in volumes for scenario in scenarios.ids])
    prices = scenarios.prices[AREA]
    weights = redistributed(prices, scenarios.probabilities, present)
    solved = within_the_days(prices[present], np.array(list(volumes.values())), weights)
    marginal = water_value_bid(MARKET, GRID, ASSET).curves[0]
    reach = Reach.of(ASSET.watercourse, MARKET, marginal)
    return [
        fitted(prices[present, mtu], solved[:, mtu], weights, MARKET, reach)
        for mtu in range(0, len(GRID), EVERY)
    ]


def one_by_one(points: Points, count: int) -> BidCurve:
    """Return the curve that is left when points go one by one."""
    kept = shortlisted(points, without_collinear(points.ticks, points.lots), count)
    return BidCurve(tuple(points.ticks[kept].tolist()), tuple(points.lots[kept].tolist()))


def compared(cases: list[Points], count: int) -> dict[str, float]:
    """Return the losses over the day of three ways to choose, and what the product's takes."""
    market = MARKET.model_copy(update={"max_points": count})
    to_eur_a_day = float(MARKET.price_tick * MARKET.volume_lot) * GRID.hours * EVERY

    def loss(found: list[BidCurve]) -> float:
        each = [
            points.expected_loss(np.array(curve.ticks), np.array(curve.lots))
            for points, curve in zip(cases, found, strict=True)
        ]
        return round(sum(each) * to_eur_a_day, 4)

    started = time.process_time()
    chosen = [fitting(points, market) for points in cases]
    seconds = time.process_time() - started
    with patch.object(reduction, "LARGEST_PROGRAMME", sys.maxsize):
        exact = [fitting(points, market) for points in cases]
    return {
        "one_by_one": loss([one_by_one(points, count) for points in cases]),
        "chosen": loss(chosen),
        "exact": loss(exact),
        "chosen_ms_a_curve": round(1e3 * seconds / len(cases), 1),
    }


def main() -> None:
    """Print the comparison."""
    cases = curves()
    bends = [len(without_collinear(points.ticks, points.lots)) for points in cases]
    document = {
        "case": {"curves": len(cases), "bends_mean": float(np.mean(bends)), "most": max(bends)},
        "expected_loss_eur_a_day": {str(count): compared(cases, count) for count in COUNTS},
    }
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
