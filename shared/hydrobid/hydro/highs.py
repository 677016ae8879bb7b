"""HiGHS behind one call: fixed options, so that equal models end in equal solutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from hydrobid.hydro.schedule import FailureCode, SolveFailure, Termination
from hydrobid.hydro.sparse import Positions, SparseModel

Array = NDArray[np.float64]

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
    "simplex_price_strategy": 1,  # by rows: what a basis as near as ours asks for is sparse
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,  # below the steps of the tie-break
}
# A water price of 1e8 has no digits left at 1e-9: what is told apart there is a tie all the same.
COARSER_TOLERANCES = (1e-8, 1e-7, 1e-6)

MIP_OPTIONS: dict[str, bool | int | float | str] = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    "random_seed": 0,
}

# Of a programme of many scenarios a basis near the optimum is not known: an interior point is, and
# from there a corner is near. Iterations are limited as above.
LARGE_OPTIONS: dict[str, bool | int | float | str] = {
    **MIP_OPTIONS,
    "solver": "ipm",
    "run_crossover": "on",
    "ipm_iteration_limit": 500,
}

# HiGHS's flags for a conflict found by linear programs, and reduced until nothing can be left out.
IIS_STRATEGY = 2 + 4


@dataclass(frozen=True)
class SearchLimits:
    """When a search over whole choices may stop.

    gap: share of the objective that may be left to the bound. nodes: of the tree. seconds: none
    where the result must not hang on the machine.
    """

    gap: float = 1e-5
    nodes: int = 20_000
    seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Solution:
    """A feasible point and how it was found.

    columns: (C,) values. row_duals: (N,) what another unit on a row's right would cost. objective:
    of the columns. bound: no solution costs less; None where the solver stopped before it knew.
    """

    columns: Array
    row_duals: Array
    objective: float
    bound: float | None
    termination: Termination
    iterations: int
    nodes: int = 0


class LinearSolver:
    """One linear model, solved at many costs and right-hand sides, always from the same start.

    basic, nonbasic: columns in the starting basis and as many rows that are not; it is as good at
    all prices.
    """

    def __init__(self, model: SparseModel, basic: Positions, nonbasic: Positions) -> None:
        self._model = model
        self._highs = _started(OPTIONS, model, whole=False)
        self._highs.setOptionValue("simplex_iteration_limit", ITERATIONS_PER_ROW * model.height)
        self._costs = model.costs
        self._start = _basis(model, basic, nonbasic)

    def solve(self, costs: Array) -> Solution | SolveFailure:
        """Return the best point at (C,) costs, or why there is none.

        The basis of the solve before is dropped: from it the solver could reach another of
        several best points, and a scenario's result would hang on what came before it.
        """
        highs = self._highs
        highs.clearSolver()
        changed = np.flatnonzero(costs != self._costs).astype(np.int32)
        highs.changeColsCost(changed.size, changed, costs[changed])
        self._costs = costs
        highs.setBasis(self._start)
        status = self._run()
        info = highs.getInfo()
        termination = _TERMINATIONS.get(status)
        feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        if termination is None or not feasible:
            return _failure(highs, self._model, status)
        solution, objective = highs.getSolution(), float(info.objective_function_value)
        return Solution(
            columns=np.array(solution.col_value),
            row_duals=np.array(solution.row_dual),
            objective=objective,
            bound=objective if termination is Termination.OPTIMAL else None,
            termination=termination,
            iterations=info.simplex_iteration_count,
        )

    def _run(self) -> highspy.HighsModelStatus:
        """Solve, and where penalties are too dear for the last digit of a tolerance, with less."""
        highs = self._highs
        highs.run()
        for tolerance in COARSER_TOLERANCES:
            if highs.getModelStatus() != highspy.HighsModelStatus.kUnknown:
                break
            highs.setOptionValue("dual_feasibility_tolerance", tolerance)
            highs.run()
        status = highs.getModelStatus()
        highs.setOptionValue("dual_feasibility_tolerance", OPTIONS["dual_feasibility_tolerance"])
        return status

    def change_rows(self, rows: Positions, sides: Array) -> None:
        """Give (N,) rows that are equations other right-hand sides."""
        _change_rows(self._highs, rows, sides)

    def change_columns(self, columns: Positions, lower: Array, upper: Array) -> None:
        """Give (N,) columns other bounds."""
        self._highs.changeColsBounds(columns.size, columns.astype(np.int32), lower, upper)


class WholeSolver:
    """A model with whole choices: a search for them, then the linear model with them fixed."""

    def __init__(
        self, model: SparseModel, basic: Positions, nonbasic: Positions, limits: SearchLimits
    ) -> None:
        self._model, self._limits = model, limits
        self._highs = _started(MIP_OPTIONS, model, whole=True)
        self._highs.setOptionValue("mip_rel_gap", limits.gap)
        self._highs.setOptionValue("mip_max_nodes", limits.nodes)
        self._linear = LinearSolver(model, basic, nonbasic)
        self._columns = np.arange(model.width, dtype=np.int32)
        self._whole = np.flatnonzero(model.integer)

    def solve(self, costs: Array) -> Solution | SolveFailure:
        """Return the best point found at (C,) costs, or why there is none.

        Each search begins anew. Its choices are fixed and the rest is solved once more, so that
        of the schedules with these choices it is the one that the tie-break asks for, with duals.
        """
        highs = self._highs
        highs.clearSolver()
        highs.changeColsCost(costs.size, self._columns, costs)
        if self._limits.seconds is not None:  # a kept model's clock runs on from solve to solve
            highs.setOptionValue("time_limit", highs.getRunTime() + self._limits.seconds)
        highs.run()
        status, info = highs.getModelStatus(), highs.getInfo()
        feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        termination = _TERMINATIONS.get(status)
        if termination is None or not feasible:
            return _failure(highs, self._model, status)
        chosen = np.rint(np.array(highs.getSolution().col_value)[self._whole])
        self._linear.change_columns(self._whole, chosen, chosen)
        fixed = self._linear.solve(costs)
        if isinstance(fixed, SolveFailure):
            return fixed
        bound = float(info.mip_dual_bound)
        if termination is Termination.OPTIMAL and info.mip_gap > 1e-9:
            termination = Termination.GAP_REACHED
        return Solution(
            columns=fixed.columns,
            row_duals=fixed.row_duals,
            objective=fixed.objective,
            bound=min(bound, fixed.objective) if np.isfinite(bound) else None,
            termination=termination,
            iterations=int(info.simplex_iteration_count) + fixed.iterations,
            nodes=int(info.mip_node_count),
        )

    def change_rows(self, rows: Positions, sides: Array) -> None:
        """Give (N,) rows that are equations other right-hand sides."""
        _change_rows(self._highs, rows, sides)
        self._linear.change_rows(rows, sides)


def solved_at_once(model: SparseModel) -> Solution | SolveFailure:
    """Return the best point of a large linear model that is solved once, or why there is none."""
    highs = _started(LARGE_OPTIONS, model, whole=False)
    highs.run()
    status, info = highs.getModelStatus(), highs.getInfo()
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    if _TERMINATIONS.get(status) is not Termination.OPTIMAL or not feasible:
        return _failure(highs, model, status)
    solution, objective = highs.getSolution(), float(info.objective_function_value)
    return Solution(
        columns=np.array(solution.col_value),
        row_duals=np.array(solution.row_dual),
        objective=objective,
        bound=objective,
        termination=Termination.OPTIMAL,
        iterations=info.ipm_iteration_count + info.crossover_iteration_count,
    )


_TERMINATIONS = {
    highspy.HighsModelStatus.kOptimal: Termination.OPTIMAL,
    highspy.HighsModelStatus.kIterationLimit: Termination.ITERATION_LIMIT,
    highspy.HighsModelStatus.kSolutionLimit: Termination.NODE_LIMIT,
    highspy.HighsModelStatus.kTimeLimit: Termination.TIME_LIMIT,
}

_FAILURES = {
    highspy.HighsModelStatus.kInfeasible: FailureCode.INFEASIBLE,
    highspy.HighsModelStatus.kUnbounded: FailureCode.UNBOUNDED,
    highspy.HighsModelStatus.kUnboundedOrInfeasible: FailureCode.UNBOUNDED,
    highspy.HighsModelStatus.kIterationLimit: FailureCode.ITERATION_LIMIT,
}


def _failure(
    highs: highspy.Highs, model: SparseModel, status: highspy.HighsModelStatus
) -> SolveFailure:
    """Return why there is no point, with the rows that cannot hold together."""
    info = highs.getInfo()
    code = _FAILURES.get(status, FailureCode.SOLVER_ERROR)
    details: dict[str, Any] = {
        "solver_status": highs.modelStatusToString(status),
        "iterations": info.simplex_iteration_count,
        "primal_infeasibility": min(info.max_primal_infeasibility, 1e300),
    }
    message = f"no feasible schedule: the solver reports {highs.modelStatusToString(status)}"
    if code is FailureCode.INFEASIBLE:
        details["conflict"] = _conflict(highs, model)
        message += "; these cannot hold together: " + ", ".join(details["conflict"])
    return SolveFailure(code, message, details)


def _change_rows(highs: Any, rows: Positions, sides: Array) -> None:
    # Typed loosely: the method is missing in the types that highspy ships.
    highs.changeRowsBounds(rows.size, rows.astype(np.int32), sides, sides)


def _conflict(highs: highspy.Highs, model: SparseModel) -> list[str]:
    """Return the names of rows and columns of an irreducible infeasible part of the model."""
    highs.setOptionValue("iis_strategy", IIS_STRATEGY)
    _, iis = highs.getIis()
    rows = [model.row_name(row) for row in iis.row_index_]
    return rows or [f"bounds of column {column}" for column in iis.col_index_]


def _basis(model: SparseModel, basic: Positions, nonbasic: Positions) -> highspy.HighsBasis:
    """Return the basis in which flows are chosen and volumes follow.

    It is the same at all prices, and optimal at once where no volume limit binds: each flow is
    then at the limit that its price asks for. It saves nine in ten iterations of a cold start.
    """
    at_lower, in_basis = highspy.HighsBasisStatus.kLower, highspy.HighsBasisStatus.kBasic
    columns, rows = [at_lower] * model.width, [in_basis] * model.height
    for column in basic.tolist():
        columns[column] = in_basis
    for row in nonbasic.tolist():
        rows[row] = at_lower
    basis = highspy.HighsBasis()
    basis.col_status, basis.row_status, basis.valid = columns, rows, True
    return basis


def _started(
    options: dict[str, bool | int | float | str], model: SparseModel, *, whole: bool
) -> highspy.Highs:
    highs = highspy.Highs()  # type: ignore[no-untyped-call]  # it ships half its types
    for name, value in options.items():
        highs.setOptionValue(name, value)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = model.width, model.height
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model.costs, model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = model.row_lower, model.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = model.starts, model.index
    lp.a_matrix_.value_ = model.value
    if whole:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(flag)] for flag in model.integer]
    highs.passModel(lp)
    return highs
