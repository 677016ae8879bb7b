"""Watercourses small enough to compute by hand."""

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


@pytest.fixture(scope="session")
def hours() -> Callable[..., MtuGrid]:
    return _hours


@pytest.fixture(scope="session")
def watercourse() -> Callable[..., Watercourse]:
    return _watercourse


@pytest.fixture(scope="session")
def solve() -> Callable[..., Schedule | SolveFailure]:
    return _solve
