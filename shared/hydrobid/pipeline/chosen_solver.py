"""The solver that an asset asks for, among those that the deployment has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, NoReturn

from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.errors import SolverMissing
from hydrobid.domain.identifiers import Identifier
from hydrobid.pipeline.ports import JointSolver, Solver, Solvers


def solver_of(asset: AssetConfiguration, solvers: Solvers) -> Solver:
    """Return the asset's solver; where there is none, one that says so when it is asked."""
    return solvers.get(asset.solver) or _MissingSolver(asset.solver, tuple(sorted(solvers)))


def joint_solver_of(asset: AssetConfiguration, solvers: Solvers) -> JointSolver:
    """Return the asset's solver if it solves scenarios together; else one that refuses when asked."""
    solver = solvers.get(asset.solver)
    if isinstance(solver, JointSolver):
        return solver
    able = sorted(name for name, one in solvers.items() if isinstance(one, JointSolver))
    return _MissingSolver(asset.solver, tuple(able))


@dataclass(frozen=True)
class _MissingSolver:
    """Fails as a solver does that gives way, so that the attempt is logged with its reason."""

    name: Identifier
    known: tuple[str, ...]

    def solve(self, *_: Any) -> AbstractContextManager[Iterator[Any]]:
        return nullcontext(iter(self._refuse, None))

    solve_jointly = solve

    def _refuse(self) -> NoReturn:
        raise SolverMissing(
            f"this deployment has no solver {self.name}; it has {', '.join(self.known)}",
            solver=str(self.name),
            known=list(self.known),
        )
