"""Independent scenario solves, joined per MTU by a probability-weighted isotonic fit.

Each scenario says what the asset would sell at its prices if it knew them. The curve that never
falls and misses those volumes least, weighted by probability, is the bid.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.fit import fit_curve
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import ScenarioId, TaskId
from hydrobid.domain.market import Market
from hydrobid.domain.plan import Task
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid


def tasks(asset: AssetConfiguration, scenarios: ScenarioSet) -> tuple[Task, ...]:
    """Return chunks of the set in its order: `independent-001`, `independent-002`, ..."""
    chunk = asset.method.chunk
    starts = range(0, len(scenarios.ids), chunk)
    return tuple(
        Task(id=TaskId(f"independent-{number:03}"), scenarios=scenarios.ids[start : start + chunk])
        for number, start in enumerate(starts, start=1)
    )


def bid(
    market: Market,
    grid: MtuGrid,
    asset: AssetConfiguration,
    scenarios: ScenarioSet,
    volumes: Mapping[ScenarioId, NDArray[np.float64]],
) -> BidMatrix:
    """Return one fitted curve for each MTU.

    volumes: (T,) net power in MW of each solved scenario. The probability of the absent ones is
    shared by those present, in proportion to their own. Raises InvalidInput where volumes is
    empty, or where one is not of the set or not of the grid's shape.
    """
    _check_volumes(grid, asset, scenarios, volumes)
    present = np.array([scenario in volumes for scenario in scenarios.ids])
    weights = scenarios.probabilities[present] / np.sum(scenarios.probabilities[present])
    prices = scenarios.prices[asset.price_area][present]
    solved = np.array([volumes[scenario] for scenario in scenarios.ids if scenario in volumes])
    curves = tuple(
        fit_curve(prices[:, mtu], solved[:, mtu], weights, market) for mtu in range(len(grid))
    )
    return BidMatrix(asset.price_area, grid, market.price_tick, market.volume_lot, curves)


def _check_volumes(
    grid: MtuGrid,
    asset: AssetConfiguration,
    scenarios: ScenarioSet,
    volumes: Mapping[ScenarioId, NDArray[np.float64]],
) -> None:
    document = f"solved volumes of {asset.asset}"
    if not volumes:
        raise InvalidInput.of(document, "scenarios", 0, "one or more solved scenarios")
    strangers = sorted(set(volumes) - set(scenarios.ids))
    if strangers:
        raise InvalidInput.of(document, "scenarios", strangers, "scenarios of the asset's set")
    shape = scenarios.prices[asset.price_area].shape
    if shape[1] != len(grid):
        raise InvalidInput.of(
            "scenario set", f"prices.{asset.price_area}", shape, f"{len(grid)} MTUs"
        )
    for scenario, values in volumes.items():
        if values.shape != (len(grid),) or not np.all(np.isfinite(values)):
            raise InvalidInput.of(
                document, str(scenario), values.shape, f"({len(grid)},) finite numbers, MW"
            )
