"""The solvers of a deployment: ours, and programs that its settings name."""

from __future__ import annotations

from time import perf_counter

from hydrobid.adapters.external_solver import ExternalSolver
from hydrobid.adapters.solver_process import CommittedProcesses, SolverProcesses
from hydrobid.bootstrap.settings import ExternalSolverSettings
from hydrobid.domain.configuration import COMMITMENT_SOLVER, OWN_SOLVER
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import Identifier, ScenarioId
from hydrobid.hydro.problem import Problem, Series
from hydrobid.hydro.schedule import Schedule, SolveFailure, Timings
from hydrobid.pipeline.ports import Solver, Solvers


def solvers_of(own: SolverProcesses, settings: ExternalSolverSettings) -> Solvers:
    """Return the solvers by name; ours are always there."""
    programs = settings.external_solvers.items()
    ours: dict[Identifier, Solver] = {OWN_SOLVER: own, COMMITMENT_SOLVER: CommittedProcesses(own)}
    return ours | {name: ExternalSolver(name, command) for name, command in programs}


def solve_with(
    name: str, problem: Problem, prices: Series, seconds: float
) -> tuple[Schedule | SolveFailure, Timings]:
    """Return what another solver makes of one problem at (T,) prices, and how long it took.

    Raises:
        InvalidInput: the environment names no such solver. SolverDied: as its port says.
    """
    programs = ExternalSolverSettings().external_solvers
    if name not in programs:
        known = ", ".join(sorted(programs)) or "a name that HYDROBID_EXTERNAL_SOLVERS has; none yet"
        raise InvalidInput.of("command line", "--solver", name, known)
    solver = ExternalSolver(Identifier(name), programs[Identifier(name)])
    started = perf_counter()
    result = solver.schedule(problem, ScenarioId("given"), prices, seconds)
    return result, Timings(solve=perf_counter() - started)
