"""One solve at the expected price; what it sells is offered at every price."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.fit import fit_curve
from hydrobid.bidding.independent import independent_tasks, solved_volumes
from hydrobid.bidding.tails import Reach
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.plan import Task
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid

EXPECTED = ScenarioId("expected")


def scenarios(_asset: AssetConfiguration, given: ScenarioSet) -> ScenarioSet:
    """Return one scenario, `expected`: the mean price of each MTU by probability."""
    return given.derived((EXPECTED,), lambda expected: expected[None, :])


def tasks(asset: AssetConfiguration, scenarios: ScenarioSet) -> tuple[Task, ...]:
    """Return the one task."""
    return independent_tasks(asset, scenarios, 1)


def bid(
    market: Market,
    grid: MtuGrid,
    asset: AssetConfiguration,
    scenarios: ScenarioSet,
    volumes: Mapping[ScenarioId, NDArray[np.float64]],
) -> BidMatrix:
    """Return a volume for each MTU, the same at the lowest and at the highest price."""
    _, solved = solved_volumes(grid, asset, scenarios, volumes)
    prices, weight = scenarios.prices[asset.price_area], np.ones(1)
    reach = Reach.of(asset.watercourse, market)
    curves = tuple(
        fit_curve(prices[:, mtu], solved[:, mtu], weight, market, reach) for mtu in range(len(grid))
    )
    return BidMatrix(asset.price_area, grid, market.price_tick, market.volume_lot, curves)
