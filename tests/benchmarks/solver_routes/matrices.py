"""Routes that are given finished matrices: ours, HiGHS by hand, SciPy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import highspy
import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csc_array

from hydrobid.domain.identifiers import ScenarioId
from hydrobid.hydro.highs import OPTIONS
from hydrobid.hydro.solve import solve_scenarios
from hydrobid.hydro.sparse import SparseModel
from solver_routes.case import GRID, Case


def hydrobid(case: Case, prices: Sequence[np.ndarray]) -> Iterator[float]:
    """Ours from end to end: the model is built, solved and accounted for."""
    named = {ScenarioId(f"s{number}"): values for number, values in enumerate(prices)}
    for _, schedule in solve_scenarios(case.watercourse, GRID, named):
        yield schedule.objective.total


def highspy_warm(case: Case, prices: Sequence[np.ndarray]) -> Iterator[float]:
    """The floor: one model kept, costs changed, the basis of the solve before, flows read."""
    highs = highs_model(case.model.sparse)
    columns = np.arange(case.model.sparse.width, dtype=np.int32)
    for values in prices:
        highs.changeColsCost(columns.size, columns, case.model.costs(values))
        highs.run()
        flows = np.array(highs.getSolution().col_value)
        assert flows.size == columns.size
        yield -highs.getInfo().objective_function_value


def highspy_rebuilt(case: Case, prices: Sequence[np.ndarray]) -> Iterator[float]:
    """A new model for each scenario, from finished arrays, with HiGHS's own options."""
    columns = np.arange(case.model.sparse.width, dtype=np.int32)
    for values in prices:
        highs = highs_model(case.model.sparse, {"output_flag": False, "threads": 1})
        highs.changeColsCost(columns.size, columns, case.model.costs(values))
        highs.run()
        yield -highs.getInfo().objective_function_value


def scipy_linprog(case: Case, prices: Sequence[np.ndarray]) -> Iterator[float]:
    """SciPy's linprog with finished matrices."""
    sparse = case.model.sparse
    matrix, bounds = matrix_of(sparse), np.column_stack([sparse.lower, sparse.upper])
    for values in prices:
        costs = case.model.costs(values)
        yield -linprog(costs, A_eq=matrix, b_eq=sparse.row_lower, bounds=bounds).fun


def scipy_milp(sparse: SparseModel, costs: Sequence[np.ndarray], gap: float) -> Iterator[float]:
    """SciPy's milp with finished matrices."""
    rows = LinearConstraint(matrix_of(sparse), sparse.row_lower, sparse.row_upper)
    for values in costs:
        found = milp(
            values,
            integrality=sparse.integer.astype(int),
            bounds=Bounds(sparse.lower, sparse.upper),
            constraints=rows,
            options={"mip_rel_gap": gap},
        )
        yield -found.fun


def matrix_of(sparse: SparseModel) -> csc_array:
    """Return the matrix of a model."""
    shape = (sparse.height, sparse.width)
    return csc_array((sparse.value, sparse.index, sparse.starts), shape=shape)


def highs_model(sparse: SparseModel, options: dict[str, object] = OPTIONS) -> highspy.Highs:
    """Return HiGHS with a model in hand."""
    highs = highspy.Highs()
    for name, value in options.items():
        highs.setOptionValue(name, value)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = sparse.width, sparse.height
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = sparse.costs, sparse.lower, sparse.upper
    lp.row_lower_, lp.row_upper_ = sparse.row_lower, sparse.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = sparse.starts, sparse.index
    lp.a_matrix_.value_ = sparse.value
    highs.passModel(lp)
    return highs
