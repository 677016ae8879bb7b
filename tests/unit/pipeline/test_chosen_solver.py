"""An asset names its solver; what that is, the deployment says."""

from __future__ import annotations

import pytest
from examples import DAY, SINTEF, published, with_asset_fields

from hydrobid.adapters.external_solver import ExternalSolver
from hydrobid.adapters.memory import InProcessSolver
from hydrobid.adapters.solver_process import CommittedProcesses, SolverProcesses
from hydrobid.bootstrap.settings import ExternalSolverSettings
from hydrobid.bootstrap.solvers import solvers_of
from hydrobid.domain.configuration import COMMITMENT_SOLVER, OWN_SOLVER, AssetConfiguration
from hydrobid.domain.errors import SolverMissing
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.records import Attempt
from hydrobid.hydro.solve import solve_problem
from hydrobid.pipeline import paths
from hydrobid.pipeline.solve_task import TaskRequest, solve_task

SHOP = Identifier("shop")


def first_task(pipeline):
    plan = pipeline.plan(SINTEF, DAY).plan
    asset = plan.assets[0]
    return TaskRequest(client=SINTEF, run=plan.run, asset=asset.asset, task=asset.tasks[0].id)


def test_solve_task__the_solver_that_the_asset_names(sintef_inputs):
    pipeline = published(with_asset_fields(sintef_inputs, solver="shop"))
    asked = []

    def solve(problem, scenarios):
        asked.append(problem.watercourse.name)
        return solve_problem(problem, scenarios)

    solvers = {**pipeline.solvers, SHOP: InProcessSolver(solve)}
    report = solve_task(pipeline.documents, pipeline.clock, solvers, first_task(pipeline))

    assert report.solved == report.planned
    assert asked == ["shop-standard-example"]


def test_solve_task__solver_that_the_deployment_has_not(sintef_inputs):
    """It is said and logged, spoils nothing, and is mended by setting the solver up."""
    pipeline = published(with_asset_fields(sintef_inputs, solver="shop"))
    request = first_task(pipeline)
    for _ in range(3):
        with pytest.raises(SolverMissing, match="no solver shop; it has hydrobid"):
            solve_task(pipeline.documents, pipeline.clock, pipeline.solvers, request)

    attempts = pipeline.documents.find(paths.attempts(request.run)).values()
    assert {Attempt.from_document(a).error["code"] for a in attempts} == {"SOLVER_MISSING"}
    solvers = {**pipeline.solvers, SHOP: pipeline.solver}
    report = solve_task(pipeline.documents, pipeline.clock, solvers, request)
    assert (report.solved, report.skipped) == (report.planned, ())


def test_solver__ours_leaves_no_trace_in_documents(sintef_inputs):
    asset = sintef_inputs.configuration["configuration"]["assets"][0]

    assert "solver" not in asset
    assert AssetConfiguration.from_document(asset).solver == OWN_SOLVER
    named = AssetConfiguration.from_document(asset | {"solver": "hydrobid"})
    assert named.to_document() == asset
    other = AssetConfiguration.from_document(asset | {"solver": "shop"})
    assert other.to_document() == asset | {"solver": "shop"}


def test_solvers_of__programs_come_from_the_deployment(monkeypatch):
    monkeypatch.setenv("HYDROBID_EXTERNAL_SOLVERS", '{"shop": ["/opt/shop/run", "--json"]}')
    with SolverProcesses(workers=0) as ours:
        solvers = dict(solvers_of(ours, ExternalSolverSettings()))

    assert isinstance(solvers.pop(COMMITMENT_SOLVER), CommittedProcesses)
    assert solvers == {OWN_SOLVER: ours, SHOP: ExternalSolver(SHOP, ("/opt/shop/run", "--json"))}


def test_solve_task__units_on_or_off_where_the_asset_asks_for_it(sintef_inputs):
    pipeline = published(with_asset_fields(sintef_inputs, solver="hydrobid-commitment"))
    request = first_task(pipeline)
    solver = pipeline.solvers[COMMITMENT_SOLVER]
    asked = []

    def solve(problem, scenarios):
        asked.append(len(scenarios))
        one = dict(list(scenarios.items())[:1])  # a second or two each: one tells as much as twenty
        with solver.solve(problem, one, 60) as results:
            yield from results

    solvers = {COMMITMENT_SOLVER: InProcessSolver(solve)}
    report = solve_task(pipeline.documents, pipeline.clock, solvers, request)

    assert report.solved == 1
    assert asked == [report.planned]


@pytest.mark.parametrize(
    "stated",
    ['{"hydrobid": ["x"]}', '{"hydrobid-commitment": ["x"]}', '{"shop": []}', '{"a b": ["x"]}'],
)
def test_solvers_of__settings_that_cannot_be(monkeypatch, stated):
    monkeypatch.setenv("HYDROBID_EXTERNAL_SOLVERS", stated)

    with pytest.raises(ValueError, match="external_solvers"):
        ExternalSolverSettings()
