"""HiGHS behind one call: fixed options, so that equal models end in equal solutions."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from hydrobid.hydro.formulation import LinearModel
from hydrobid.hydro.schedule import FailureCode, SolveFailure, Termination

# Simplex iterations are limited, never seconds: a slow machine must reach the same result.
# A watercourse needs about two iterations a row; this is a guard against cycling.
ITERATIONS_PER_ROW = 200

OPTIONS: dict[str, bool | int | float | str] = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    "random_seed": 0,
    "solver": "simplex",
    "presolve": "off",
    "simplex_strategy": 1,  # dual, serial
    # Scale factors of the first solve outlive it; flows and volumes are of like size without.
    "simplex_scale_strategy": 0,
    "simplex_dual_edge_weight_strategy": 1,  # devex: cheaper from a basis as near as ours
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,  # below the steps of the tie-break
}


@dataclass(frozen=True, eq=False)
class Solution:
    """A feasible point: (C,) column values, and why the solver stopped there."""

    columns: NDArray[np.float64]
    termination: Termination
    iterations: int


class HighsSolver:
    """One linear model, solved at many costs, each time from the same starting point."""

    def __init__(self, model: LinearModel) -> None:
        self._highs = highspy.Highs()  # type: ignore[no-untyped-call]  # it ships half its types
        for name, value in OPTIONS.items():
            self._highs.setOptionValue(name, value)
        rows = model.right_hand_side.size
        self._highs.setOptionValue("simplex_iteration_limit", ITERATIONS_PER_ROW * rows)
        self._highs.passModel(_highs_lp(model))
        self._columns = np.arange(model.lower.size, dtype=np.int32)
        self._start = _starting_basis(model)

    def solve(self, costs: NDArray[np.float64]) -> Solution | SolveFailure:
        """Return the best point at (C,) costs, or why there is none.

        The basis of the solve before is dropped: from it the solver could reach another of
        several best points, and a scenario's result would hang on what came before it.
        """
        highs = self._highs
        highs.clearSolver()
        highs.changeColsCost(costs.size, self._columns, costs)
        highs.setBasis(self._start)
        highs.run()
        status, info = highs.getModelStatus(), highs.getInfo()
        termination = _TERMINATIONS.get(status)
        feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        if termination is not None and feasible:
            columns = np.array(highs.getSolution().col_value)
            return Solution(columns, termination, info.simplex_iteration_count)
        return SolveFailure(
            _FAILURES.get(status, FailureCode.SOLVER_ERROR),
            f"no feasible schedule: the solver reports {highs.modelStatusToString(status)}",
            {
                "solver_status": highs.modelStatusToString(status),
                "iterations": info.simplex_iteration_count,
                "primal_infeasibility": min(info.max_primal_infeasibility, 1e300),
            },
        )


_TERMINATIONS = {
    highspy.HighsModelStatus.kOptimal: Termination.OPTIMAL,
    highspy.HighsModelStatus.kIterationLimit: Termination.ITERATION_LIMIT,
}

_FAILURES = {
    highspy.HighsModelStatus.kInfeasible: FailureCode.INFEASIBLE,
    highspy.HighsModelStatus.kUnbounded: FailureCode.UNBOUNDED,
    highspy.HighsModelStatus.kUnboundedOrInfeasible: FailureCode.UNBOUNDED,
    highspy.HighsModelStatus.kIterationLimit: FailureCode.ITERATION_LIMIT,
}


def _starting_basis(model: LinearModel) -> highspy.HighsBasis:
    """Return the basis in which flows are chosen and volumes follow.

    It is the same at all prices, and optimal at once where no volume limit binds: each flow is
    then at the limit that its price asks for. It saves nine in ten iterations of a cold start.
    """
    basis = highspy.HighsBasis()
    flows, volumes = model.energy.size, model.lower.size - model.energy.size
    at_lower, basic = highspy.HighsBasisStatus.kLower, highspy.HighsBasisStatus.kBasic
    basis.col_status = [at_lower] * flows + [basic] * volumes
    basis.row_status = [at_lower] * model.right_hand_side.size
    basis.valid = True
    return basis


def _highs_lp(model: LinearModel) -> highspy.HighsLp:
    lp = highspy.HighsLp()
    lp.num_col_ = model.lower.size
    lp.num_row_ = model.right_hand_side.size
    lp.col_cost_ = model.fixed_costs
    lp.col_lower_ = model.lower
    lp.col_upper_ = model.upper
    lp.row_lower_ = model.right_hand_side
    lp.row_upper_ = model.right_hand_side
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = model.starts
    lp.a_matrix_.index_ = model.index
    lp.a_matrix_.value_ = model.value
    return lp
