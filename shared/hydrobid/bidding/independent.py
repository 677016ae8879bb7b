"""What methods that solve scenarios one by one have in common: their tasks, and their results."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.scenarios.selection import representative_order
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import ScenarioId, TaskId
from hydrobid.domain.plan import Task
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid

WAVE = 20
"""How many tasks of an asset are under way at once: the limit of the solve_asset workflow."""


def independent_tasks(
    asset: AssetConfiguration, scenarios: ScenarioSet, chunk: int
) -> tuple[Task, ...]:
    """Return tasks `independent-001`, `independent-002`, ... of at most `chunk` scenarios.

    Whenever time runs out, what has been solved should stand for the whole set. So scenarios come
    in the order in which they represent it, by their prices in the asset's area, behind those
    without which there is no bid. That order is dealt out over the tasks that run side by side: each
    has its share of what comes next.
    """
    order = representative_order(scenarios.prices[asset.price_area], scenarios.probabilities)
    ids = [*asset.coverage.must_have, *(scenarios.ids[at] for at in order)]
    ids = [scenario for scenario in dict.fromkeys(ids) if scenario in scenarios.ids]
    tasks: list[Task] = []
    for start in range(0, len(ids), WAVE * chunk):
        wave = ids[start : start + WAVE * chunk]
        count = -(-len(wave) // chunk)
        for first in range(count):
            name = TaskId(f"independent-{len(tasks) + 1:03}")
            tasks.append(Task(id=name, scenarios=tuple(wave[first::count])))
    return tuple(tasks)


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
