"""Marginal cost curves by water values and efficiencies; nothing is solved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.water_value import water_value_bid
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.plan import Task
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid


def scenarios(_asset: AssetConfiguration, given: ScenarioSet) -> ScenarioSet:
    """Return the given set, of which nothing is used."""
    return given


def tasks(_asset: AssetConfiguration, _scenarios: ScenarioSet) -> tuple[Task, ...]:
    """Return no tasks."""
    return ()


def bid(
    market: Market,
    grid: MtuGrid,
    asset: AssetConfiguration,
    _scenarios: ScenarioSet,
    _volumes: Mapping[ScenarioId, NDArray[np.float64]],
) -> BidMatrix:
    """Return the water-value bid; volumes do not matter to it."""
    return water_value_bid(market, grid, asset)
