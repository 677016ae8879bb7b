"""The cascade that all routes solve, and what each of them needs to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.curves import convex_production
from hydrobid.hydro.formulation import formulate
from hydrobid.hydro.model import HydroModel
from hydrobid.hydro.problem import Problem

MTUS, SEED = 96, 20260328
GRID = MtuGrid(datetime(2026, 3, 28, tzinfo=UTC), 15, MTUS)

# Mm3 of each reservoir. Ponds are emptied and filled several times a day, so that their limits
# bind all day; lakes hold days of water and their limits bind seldom.
STORAGE = {"ponds": 1.2, "lakes": 24.0}


def cascade(storage: str = "lakes", reservoirs: int = 6, units: int = 1) -> Watercourse:
    """Return reservoirs in a row, each over a plant with three segments a unit and a gate."""
    content = {"name": storage, "reservoirs": [], "plants": [], "gates": []}
    size = STORAGE[storage]
    for level in range(reservoirs):
        top = 100 * (reservoirs - level)
        below = f"R{level + 1}" if level < reservoirs - 1 else None
        content["reservoirs"].append(
            {
                "name": f"R{level}",
                "volume_max": size,
                "start_volume": 0.58 * size,
                "level": {"x": [0, size], "y": [top, top + 5]},
                "inflow": 12.0,
                "water_value": 180.0 * 40 * (reservoirs - level),
            }
        )
        flows = np.array([30, 45, 60]) / units
        content["plants"].append(
            {
                "name": f"P{level}",
                "reservoir": f"R{level}",
                "to": below,
                "outlet_level": top - 78,
                "units": [
                    {
                        "name": f"U{level}{number}",
                        "power_max": 100,
                        "start_cost": 100 if units > 1 else 0,
                        "turbine": [
                            {
                                "head": 80,
                                "flow": (flows * (1 + 0.1 * number)).tolist(),
                                "efficiency": [0.93, 0.91, 0.87],
                            }
                        ],
                    }
                    for number in range(units)
                ],
            }
        )
        content["gates"].append({"name": f"G{level}", "reservoir": f"R{level}", "to": below})
    return Watercourse.model_validate(content)


def scenarios(count: int) -> dict[ScenarioId, np.ndarray]:
    """Return seeded prices with two peaks a day, level and spread differing by scenario."""
    rng = np.random.default_rng(SEED)
    hours = np.arange(MTUS) / 4
    shape = np.exp(-((hours - 8.5) ** 2) / 6) + np.exp(-((hours - 18.5) ** 2) / 8) - 0.4
    return {
        ScenarioId(f"s{number:04}"): rng.normal(45, 12)
        + rng.uniform(10, 40) * shape
        + rng.normal(0, 4, MTUS)
        for number in range(count)
    }


@dataclass(frozen=True, eq=False)
class Case:
    """A cascade as our matrices and as the plain numbers that a modelling tool begins with.

    Of S streams in T MTUS: source and target reservoirs (-1: the sea), (S, T) upper bounds. water:
    Mm3 that 1 m3/s brings in an MTU. natural: (R, T) Mm3 that come by themselves.
    """

    watercourse: Watercourse
    model: HydroModel
    source: list[int]
    target: list[int]
    upper: np.ndarray
    natural: np.ndarray
    water: float
    volume_max: float

    @classmethod
    def of(cls, storage: str) -> Case:
        """Return the case of 6 reservoirs."""
        watercourse = cascade(storage)
        problem = Problem.of(watercourse, GRID)
        model = formulate(problem, convex_production(problem))
        each = model.streams.each
        return cls(
            watercourse,
            model,
            [stream.route.source for stream in each],
            [-1 if s.route.target is None else s.route.target for s in each],
            model.streams.upper,
            model.sparse.row_lower[model.balance],
            0.0036 * GRID.hours,
            STORAGE[storage],
        )

    def costs(self, prices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the (S, T) costs of streams and the (R, T) costs of volumes, ties broken."""
        costs = self.model.costs(prices)
        return costs[self.model.stream], costs[self.model.volume]
