"""Watercourses small enough to compute by hand, and random ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.schedule import Schedule, SolveFailure
from hydrobid.hydro.solve import solve_scenarios

# A unit of one flow, 10 m3/s, over 100 m at 90 %: 8.829 MW, 245.25 MWh for each Mm3.
UNIT = {
    "name": "U",
    "power_max": 100,
    "turbine": [{"head": 100, "flow": [10], "efficiency": [0.9]}],
}
RESERVOIR = {
    "name": "Upper",
    "volume_max": 1.0,
    "level": {"x": [0, 1], "y": [100, 100]},
    "start_volume": 0.5,
    "water_value": 0.0,
}
LOWER = RESERVOIR | {"name": "Lower", "level": {"x": [0, 1], "y": [0, 0]}}
PLANT = {"name": "P", "reservoir": "Upper", "outlet_level": 0, "units": [UNIT]}


def _hours(count: int, minutes: int = 60) -> MtuGrid:
    return MtuGrid(datetime(2026, 3, 28, tzinfo=UTC), minutes, count)


def _watercourse(
    reservoir: dict[str, Any] | None = None, plant: dict[str, Any] | None = None, **others: Any
) -> Watercourse:
    """One reservoir over one plant, changed and extended as asked; `below` adds reservoirs."""
    below = others.pop("below", [])
    content = {
        "name": "example",
        "reservoirs": [RESERVOIR | (reservoir or {}), *(LOWER | other for other in below)],
        "plants": [PLANT | (plant or {}), *others.pop("plants_below", [])],
    }
    return Watercourse.model_validate(content | others)


def _solve(
    watercourse: Watercourse, prices: list[float], minutes: int = 60
) -> Schedule | SolveFailure:
    only = ScenarioId("only")
    grid = _hours(len(prices), minutes)
    return dict(solve_scenarios(watercourse, grid, {only: np.array(prices, dtype=float)}))[only]


def _random_watercourse(rng: np.random.Generator, flows: int) -> Watercourse:
    """A chain of one to four reservoirs with whatever may hang on it; `flows` a turbine curve."""
    count = int(rng.integers(1, 5))
    content: dict[str, Any] = {"name": "random", "reservoirs": [], "plants": []}
    content["rivers"], content["gates"] = [], []
    for level in range(count):
        last = level == count - 1
        top = 100 * (count - level)
        size = rng.uniform(0.3, 3.0)
        content["reservoirs"].append(
            {
                "name": f"R{level}",
                "volume_min": size * 0.1,
                "volume_max": size,
                "start_volume": size * rng.choice([0.1, rng.uniform(0.1, 1.0), 1.0]),
                "level": {"x": [0, size], "y": [top, top + 10]},
                "inflow": rng.choice([0.0, rng.uniform(0, 30)]),
                "water_value": 250 * 30 * (count - level) * rng.uniform(0.5, 1.5),
            }
        )
        below = f"R{level + 1}"
        river = {"name": f"V{level}", "to": below, "delay_minutes": int(rng.integers(0, 200))}
        by_river = not last and rng.random() < 0.6
        if by_river:
            content["rivers"].append(river)
        way = None if last else river["name"] if by_river else below
        points = np.sort(rng.uniform(5, 50, flows)) + np.arange(flows)
        unit = {
            "name": f"U{level}",
            "power_max": 60,
            "turbine": [
                {
                    "head": 90,
                    "flow": points.tolist(),
                    "efficiency": rng.uniform(0.8, 0.95, flows).tolist(),
                }
            ],
        }
        pumps = [{"name": f"X{level}", "power_max": 20, "efficiency": 0.85}]
        content["plants"].append(
            {
                "name": f"P{level}",
                "reservoir": f"R{level}",
                "to": way,
                "outlet_level": top - 90,
                "main_loss": 0.002,
                "units": [unit],
                "pumps": pumps if way == below and rng.random() < 0.5 else [],
                "discharge_min": rng.choice([0.0, 3.0]),
                "discharge_max": rng.choice([25.0, 200.0]),
            }
        )
        gate = {"name": f"G{level}", "reservoir": f"R{level}", "to": way}
        limits = [{}, {"flow_max": 20.0, "flow_min": 1.0}, {"flow_min": 2.0}]
        if rng.random() < 0.7:
            content["gates"].append(gate | limits[rng.integers(3)])
    return Watercourse.model_validate(content)


@pytest.fixture(scope="session")
def hours() -> Callable[..., MtuGrid]:
    return _hours


@pytest.fixture(scope="session")
def watercourse() -> Callable[..., Watercourse]:
    return _watercourse


@pytest.fixture(scope="session")
def solve() -> Callable[..., Schedule | SolveFailure]:
    return _solve


@pytest.fixture(scope="session")
def random_watercourse() -> Callable[..., Watercourse]:
    return _random_watercourse
