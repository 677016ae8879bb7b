"""What methods that solve scenarios one by one have in common: their tasks, and their results."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.scenarios.anytime import balanced_order, side_by_side
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import PriceArea, ScenarioId, TaskId
from hydrobid.domain.plan import Task
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid

WAVE = 20
"""How many tasks of an asset are under way at once: the limit of the solve_asset workflow."""


def independent_tasks(
    asset: AssetConfiguration, scenarios: ScenarioSet, chunk: int
) -> tuple[Task, ...]:
    """Return tasks `independent-001`, `independent-002`, ... of at most `chunk` scenarios.

    Whenever time runs out, what has been solved should stand for the whole set, by its prices in
    the asset's area. So the first task has the scenarios that represent it best, the next those that
    represent it best beside them; and since tasks run side by side, what they solve first stands for
    the whole, too. Scenarios without which there is no bid come before all others.
    """
    chunks = _chunks(scenarios, asset.price_area, chunk, asset.coverage.must_have)
    return tuple(
        Task(id=TaskId(f"independent-{number:03}"), scenarios=ids)
        for number, ids in enumerate(chunks, start=1)
    )


@lru_cache(maxsize=8)
def _chunks(
    scenarios: ScenarioSet, area: PriceArea, chunk: int, must_have: tuple[ScenarioId, ...]
) -> tuple[tuple[ScenarioId, ...], ...]:
    """Return the scenarios of each task; remembered, since a plan's assets often share a set."""
    values = scenarios.prices[area]
    best = balanced_order(values, scenarios.probabilities).tolist()
    needed = [scenarios.ids.index(s) for s in must_have if s in scenarios.ids]
    order = list(dict.fromkeys([*needed, *best]))
    chunks = [order[start : start + chunk] for start in range(0, len(order), chunk)]
    waves = [chunks[start : start + WAVE] for start in range(0, len(chunks), WAVE)]
    return tuple(
        tuple(scenarios.ids[each] for each in at)
        for wave in waves
        for at in side_by_side(values, scenarios.probabilities, wave)
    )


def solved_volumes(
    grid: MtuGrid,
    asset: AssetConfiguration,
    scenarios: ScenarioSet,
    volumes: Mapping[ScenarioId, NDArray[np.float64]],
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which of the S scenarios are solved, (S,), and the volumes of these, (N, T) in MW.

    Raises InvalidInput where none is, or where one is not of the set or not of the grid's shape.
    """
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
    present = np.array([scenario in volumes for scenario in scenarios.ids])
    solved = np.array([volumes[scenario] for scenario in scenarios.ids if scenario in volumes])
    return present, solved
