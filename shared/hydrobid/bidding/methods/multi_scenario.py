"""Independent scenario solves, joined per MTU by a probability-weighted isotonic fit.

Each scenario says what the asset would sell at its prices if it knew them. The curve that never
falls and misses those volumes least, weighted by probability, is the bid, as long as no day sells more
than some scenario's does. Beyond their prices it goes on by marginal cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.day_energy import within_the_days
from hydrobid.bidding.fit import fit_curve
from hydrobid.bidding.independent import independent_tasks, solved_volumes
from hydrobid.bidding.scenarios.selection import redistributed
from hydrobid.bidding.tails import Reach
from hydrobid.bidding.water_value import water_value_bid
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.methods import MultiScenario
from hydrobid.domain.plan import Task
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid


def scenarios(_asset: AssetConfiguration, given: ScenarioSet) -> ScenarioSet:
    """Return the given set: each of its scenarios is solved."""
    return given


def tasks(asset: AssetConfiguration, scenarios: ScenarioSet) -> tuple[Task, ...]:
    """Return tasks of which each beginning represents the set."""
    method = cast("MultiScenario", asset.method)
    return independent_tasks(asset, scenarios, method.chunk)


def bid(
    market: Market,
    grid: MtuGrid,
    asset: AssetConfiguration,
    scenarios: ScenarioSet,
    volumes: Mapping[ScenarioId, NDArray[np.float64]],
) -> BidMatrix:
    """Return one fitted curve for each MTU.

    volumes: (T,) net power in MW of each solved scenario. The probability of an absent one goes to
    the one present whose prices are nearest to its own. Raises InvalidInput where volumes is
    empty, or where one is not of the set or not of the grid's shape.
    """
    present, solved = solved_volumes(grid, asset, scenarios, volumes)
    prices = scenarios.prices[asset.price_area]
    weights = redistributed(prices, scenarios.probabilities, present)
    prices = prices[present]
    solved = within_the_days(prices, solved, weights)
    marginal = water_value_bid(market, grid, asset).curves[0]
    reach = Reach.of(asset.watercourse, market, marginal)
    curves = tuple(
        fit_curve(prices[:, mtu], solved[:, mtu], weights, market, reach)
        for mtu in range(len(grid))
    )
    return BidMatrix(asset.price_area, grid, market.price_tick, market.volume_lot, curves)
