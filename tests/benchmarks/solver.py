"""Milliseconds a price scenario by every open route, side by side in one run, as one JSON.

    make bench                          # installs the modelling tools first
    python tests/benchmarks/solver.py

All routes solve the same linear program: 96 MTUs, 6 reservoirs, 3 segments a plant, ties broken by
the same costs. Ours is measured from the watercourse to the schedule; the others to their
objective, the floor (HiGHS by hand, one model kept warm) to its flows. Slow routes solve the first
few of the 50 scenarios, quick ones take turns and their best turn counts. Time is the processor's:
all routes run in this process on one thread, and others may share the machine. Two cascades: in
`lakes` limits bind seldom, in `ponds` all day.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np

from hydrobid.hydro.curves import committed_production
from hydrobid.hydro.formulation import formulate
from hydrobid.hydro.highs import SearchLimits, WholeSolver
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.solve import solve_scenarios
from solver_routes import commitment, matrices, modelled
from solver_routes.case import GRID, MTUS, SEED, Case, cascade, scenarios

SCENARIOS, TURNS = 50, 3
GAP = 1e-4
Route = Callable[[Case, Sequence[np.ndarray]], Iterator[float]]

# Each route, and how many of the scenarios it solves.
ROUTES: dict[str, tuple[Route, int]] = {
    "hydrobid": (matrices.hydrobid, SCENARIOS),
    "highspy_warm_by_hand": (matrices.highspy_warm, SCENARIOS),
    "highspy_rebuilt": (matrices.highspy_rebuilt, SCENARIOS),
    "scipy_linprog": (matrices.scipy_linprog, SCENARIOS),
    "pulp": (modelled.pulp, 10),
    "pyomo_persistent": (modelled.pyomo_persistent, 10),
    "pyomo_rebuilt": (modelled.pyomo_rebuilt, 5),
    "linopy": (modelled.linopy, 10),
    "pypsa": (modelled.pypsa, 5),
}
# How many times the floor ours may take, and how many times ours the others must take at least.
GOALS = {"highspy_warm_by_hand": 1.3, "scipy_linprog": 15, "linopy": 100, "pypsa": 1000}


def compared(storage: str) -> dict[str, object]:
    """Return ms a scenario by route, what the goals ask for, and whether objectives agree."""
    case, prices = Case.of(storage), list(scenarios(SCENARIOS).values())
    taken: dict[str, float] = {}
    totals: dict[str, list[float]] = {}
    for turn in range(TURNS):
        for name, (route, count) in ROUTES.items():
            if turn and count < SCENARIOS:
                continue
            with modelled.quiet():
                list(route(case, prices[:1]))  # what is loaded at the first call is not measured
                started = time.process_time()
                totals[name] = list(route(case, prices[:count]))
                seconds = time.process_time() - started
            taken[name] = min(taken.get(name, np.inf), 1e3 * seconds / count)
    expected = np.array(totals["scipy_linprog"])
    ours = taken["hydrobid"]
    ratios = {
        "to_floor": round(ours / taken["highspy_warm_by_hand"], 3),
        **{f"{name}_to_ours": round(taken[name] / ours, 1) for name in ROUTES if name in GOALS},
    }
    del ratios["highspy_warm_by_hand_to_ours"]
    return {
        "ms_per_scenario": {name: round(value, 3) for name, value in taken.items()},
        "scenarios": {name: count for name, (_, count) in ROUTES.items()},
        "ratios": ratios,
        "goals_reached": {
            "to_floor": ratios["to_floor"] <= GOALS["highspy_warm_by_hand"],
            **{
                f"{name}_to_ours": ratios[f"{name}_to_ours"] >= goal
                for name, goal in GOALS.items()
                if name != "highspy_warm_by_hand"
            },
        },
        "largest_relative_difference_of_objectives": {
            name: float(np.max(np.abs(np.array(values) / expected[: len(values)] - 1)))
            for name, values in totals.items()
        },
    }


def commitment_variant() -> dict[str, object]:
    """Return seconds a scenario of a mixed-integer day: 6 plants with 12 units, 96 MTUs."""
    problem = Problem.of(cascade("lakes", units=2), GRID)
    model = formulate(problem, committed_production(problem))
    costs = [model.costs(values) for values in islice(scenarios(3).values(), 3)]
    solver = WholeSolver(model.sparse, model.basic, model.nonbasic, SearchLimits(gap=GAP))
    routes: dict[str, Callable[[], Iterator[float]]] = {
        "hydrobid": lambda: (-solver.solve(values).objective for values in costs),
        "scipy_milp": lambda: matrices.scipy_milp(model.sparse, costs, GAP),
        "linopy": lambda: commitment.linopy(model, costs, GAP),
    }
    taken, totals = {}, {}
    for name, route in routes.items():
        with modelled.quiet():
            started = time.process_time()
            totals[name] = np.array(list(route()))
            taken[name] = (time.process_time() - started) / len(costs)
    best = np.max(list(totals.values()), axis=0)
    return {
        "case": {"mtus": MTUS, "plants": 6, "units": 12, "gap": GAP, "scenarios": len(costs)},
        "whole_choices": int(np.count_nonzero(model.sparse.integer)),
        "seconds_per_scenario": {name: round(value, 3) for name, value in taken.items()},
        "largest_relative_distance_to_the_best": {
            name: float(np.max((best - values) / np.abs(best))) for name, values in totals.items()
        },
    }


def growth() -> dict[str, object]:
    """Return seconds by number of scenarios and of reservoirs, and exponents fitted to them."""
    by_scenarios = {n: _seconds(6, n) for n in (10, 32, 100, 316, 1000)}
    by_reservoirs = {n: _seconds(n, 10) for n in (2, 4, 8, 16, 32, 60)}
    return {
        "seconds_by_scenarios": by_scenarios,
        "exponent_of_scenarios": _exponent(by_scenarios),
        "seconds_by_reservoirs": by_reservoirs,
        "exponent_of_reservoirs": _exponent(by_reservoirs),
    }


def _seconds(reservoirs: int, count: int) -> float:
    watercourse, prices = cascade("ponds", reservoirs), scenarios(count)
    started = time.process_time()
    for _ in solve_scenarios(watercourse, GRID, prices):
        pass
    return round(time.process_time() - started, 4)


def _exponent(seconds: dict[int, float]) -> float:
    """Return b of the best fit of seconds = a x number to the power of b."""
    numbers = np.log(list(seconds))
    return round(float(np.polyfit(numbers, np.log(list(seconds.values())), 1)[0]), 3)


def main() -> None:
    """Print the comparison."""
    report = {
        "case": {"mtus": MTUS, "reservoirs": 6, "segments": 3, "scenarios": SCENARIOS},
        "seed": SEED,
        "goals": GOALS,
        "lakes": compared("lakes"),
        "ponds": compared("ponds"),
        "commitment": commitment_variant(),
        "growth_on_ponds": growth(),
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
