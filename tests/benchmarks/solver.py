"""Milliseconds a price scenario on one cascade, ours beside SciPy's linprog, as one JSON.

    python tests/benchmarks/solver.py

Both solve the same 50 scenarios of 96 MTUs, 6 reservoirs and 3 segments a plant; SciPy is given
our finished matrices, so that only solving is compared. Ours includes building the model and
accounting for the schedule.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csc_array

from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.formulation import linear_model
from hydrobid.hydro.network import network
from hydrobid.hydro.solve import solve_scenarios

RESERVOIRS, MTUS, SCENARIOS, SEED = 6, 96, 50, 20260328
GRID = MtuGrid(datetime(2026, 3, 28, tzinfo=UTC), 15, MTUS)


def cascade() -> Watercourse:
    """Return six small reservoirs in a row, whose limits bind during the day."""
    content = {"name": "cascade", "reservoirs": [], "plants": [], "rivers": [], "gates": []}
    for level in range(RESERVOIRS):
        top = 100 * (RESERVOIRS - level)
        way = f"V{level}" if level < RESERVOIRS - 1 else None
        content["reservoirs"].append(
            {
                "name": f"R{level}",
                "volume_max": 1.2,
                "start_volume": 0.7,
                "level": {"x": [0, 1.2], "y": [top, top + 5]},
                "inflow": 12.0,
                "water_value": 180.0 * 40 * (RESERVOIRS - level),
            }
        )
        flow, efficiency = [30, 45, 60], [0.93, 0.91, 0.87]
        unit = {
            "name": f"U{level}",
            "power_max": 100,
            "turbine": [{"head": 80, "flow": flow, "efficiency": efficiency}],
        }
        content["plants"].append(
            {
                "name": f"P{level}",
                "reservoir": f"R{level}",
                "to": way,
                "outlet_level": top - 78,
                "units": [unit],
            }
        )
        content["gates"].append({"name": f"G{level}", "reservoir": f"R{level}", "to": way})
        if way is not None:
            content["rivers"].append({"name": way, "to": f"R{level + 1}", "delay_minutes": 40})
    return Watercourse.model_validate(content)


def scenarios() -> dict[ScenarioId, np.ndarray]:
    """Return seeded prices with two peaks a day, level and spread differing by scenario."""
    rng = np.random.default_rng(SEED)
    hours = np.arange(MTUS) / 4
    shape = np.exp(-((hours - 8.5) ** 2) / 6) + np.exp(-((hours - 18.5) ** 2) / 8) - 0.4
    return {
        ScenarioId(f"s{number:02}"): rng.normal(45, 12)
        + rng.uniform(10, 40) * shape
        + rng.normal(0, 4, MTUS)
        for number in range(SCENARIOS)
    }


def main() -> None:
    """Print the comparison."""
    watercourse, prices = cascade(), scenarios()
    warm_up = dict(list(prices.items())[:1])
    list(solve_scenarios(watercourse, GRID, warm_up))

    started = time.perf_counter()
    schedules = dict(solve_scenarios(watercourse, GRID, prices))
    ours = time.perf_counter() - started

    model = linear_model(network(watercourse, GRID))
    shape = (model.right_hand_side.size, model.lower.size)
    matrix = csc_array((model.value, model.index, model.starts), shape=shape)
    bounds = np.column_stack([model.lower, model.upper])
    started = time.perf_counter()
    results = [
        linprog(model.costs(values), A_eq=matrix, b_eq=model.right_hand_side, bounds=bounds)
        for values in prices.values()
    ]
    scipys = time.perf_counter() - started

    totals = np.array([schedule.objective.total for schedule in schedules.values()])
    expected = np.array([-result.fun for result in results])
    report = {
        "case": {"mtus": MTUS, "reservoirs": RESERVOIRS, "segments": 3, "scenarios": SCENARIOS},
        "seed": SEED,
        "ms_per_scenario": {
            "hydrobid": round(1e3 * ours / SCENARIOS, 3),
            "scipy_linprog": round(1e3 * scipys / SCENARIOS, 3),
        },
        "times_faster_than_scipy": round(scipys / ours, 2),
        "iterations_per_scenario": float(np.mean([s.iterations for s in schedules.values()])),
        "largest_relative_difference_of_objectives": float(
            np.max(np.abs(totals - expected) / np.abs(expected))
        ),
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
