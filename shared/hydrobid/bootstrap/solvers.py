"""The solvers of a deployment: ours, and programs that its settings name."""

from __future__ import annotations

from hydrobid.adapters.external_solver import ExternalSolver
from hydrobid.bootstrap.settings import ExternalSolverSettings
from hydrobid.domain.configuration import OWN_SOLVER
from hydrobid.pipeline.ports import Solver, Solvers


def solvers_of(own: Solver, settings: ExternalSolverSettings) -> Solvers:
    """Return the solvers by name; ours is always there."""
    programs = settings.external_solvers.items()
    return {OWN_SOLVER: own} | {name: ExternalSolver(name, command) for name, command in programs}
