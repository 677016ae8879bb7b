"""Solves price scenarios of one watercourse; the only door to the solver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.accounting import account
from hydrobid.hydro.formulation import linear_model
from hydrobid.hydro.highs import HighsSolver
from hydrobid.hydro.network import network
from hydrobid.hydro.schedule import FailureCode, Schedule, SolveFailure


def solve_scenarios(
    watercourse: Watercourse,
    grid: MtuGrid,
    prices: Mapping[ScenarioId, NDArray[np.float64]],
) -> Iterator[tuple[ScenarioId, Schedule | SolveFailure]]:
    """Yield each scenario's schedule in the order given, as soon as it is solved.

    prices: (T,) currency per MWh of each scenario, T the MTUs of `grid`. The model is built once;
    a scenario's schedule is the same whatever is solved before it. What cannot be solved yields a
    SolveFailure.
    """
    frame = network(watercourse, grid)
    model = linear_model(frame)
    solver = HighsSolver(model)
    for scenario, values in prices.items():
        if values.shape != (len(grid),) or not np.all(np.isfinite(values)):
            yield scenario, _invalid_prices(values, len(grid))
            continue
        solution = solver.solve(model.costs(values))
        if isinstance(solution, SolveFailure):
            yield scenario, solution
            continue
        flows = model.flows(solution.columns)
        yield (
            scenario,
            account(frame, flows, values, solution.termination, solution.iterations),
        )


def _invalid_prices(values: NDArray[np.float64], mtus: int) -> SolveFailure:
    finite = int(np.count_nonzero(np.isfinite(values)))
    return SolveFailure(
        FailureCode.INVALID_PRICES,
        f"{finite} finite prices in an array of shape {values.shape}; expected {mtus}, one an MTU",
        {"shape": list(values.shape), "finite": finite, "expected": mtus},
    )
