"""A joint task through the pipeline: its curves are the bid, and independent scenarios stand in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import pytest
from examples import DAY, SINTEF, published, with_asset_fields

from hydrobid.bidding.methods import multi_scenario
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.cli.report import write_run
from hydrobid.cli.report.facts import gather
from hydrobid.cli.report.tables import asset_rows
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import SolverDied
from hydrobid.domain.identifiers import AssetId, TaskId
from hydrobid.domain.messages import AssetSettled
from hydrobid.domain.plan import Plan
from hydrobid.domain.states import AssetState, RunState
from hydrobid.hydro.curve_program import SharedCurves
from hydrobid.hydro.schedule import FailureCode, SolveFailure
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.diagnose_run import diagnose_run
from hydrobid.pipeline.read_run import read_run, run_alerts
from hydrobid.pipeline.run_inputs import asset_inputs
from hydrobid.pipeline.solve_task import TaskReport, TaskRequest, solve_task
from hydrobid.schema import ClientInputs

ASSET = AssetId("shop-standard")
JOINT = TaskId("joint")
STOCHASTIC = {"name": "stochastic", "scenarios": 8}


class Joint:
    """Our solver of scenarios, and another answer to a joint task."""

    def __init__(self, solver, answer) -> None:
        self.solve = solver.solve
        self._solver, self._answer = solver, answer

    def solve_jointly(
        self, *given
    ) -> AbstractContextManager[Iterator[SharedCurves | SolveFailure]]:
        if self._answer is None:
            result: AbstractContextManager[Iterator[SharedCurves | SolveFailure]] = (
                self._solver.solve_jointly(*given)
            )
            return result
        return nullcontext(self._answers())

    def _answers(self) -> Iterator[SolveFailure]:
        if isinstance(self._answer, Exception):
            raise self._answer
        yield self._answer


@pytest.fixture
def pipeline(sintef_inputs: ClientInputs) -> InProcessPipeline:
    return published(with_asset_fields(sintef_inputs, method=STOCHASTIC))


def answering(pipeline: InProcessPipeline, answer) -> Plan:
    """Return a plan whose joint task is answered so."""
    pipeline.solver = Joint(pipeline.solver, answer)
    return pipeline.plan(SINTEF, DAY).plan


def solve(pipeline: InProcessPipeline, plan: Plan, task: TaskId) -> TaskReport:
    request = TaskRequest(client=SINTEF, run=plan.run, asset=ASSET, task=task)
    return solve_task(pipeline.documents, pipeline.clock, pipeline.solvers, request)


def settle(pipeline: InProcessPipeline, plan: Plan):
    pipeline.messages.publish(AssetSettled(client=SINTEF, run=plan.run, asset=ASSET))
    pipeline.deliver()
    return read_run(pipeline.documents, plan.run)


def bid_in(pipeline: InProcessPipeline, record) -> BidMatrix:
    return BidMatrix.from_document(get_blob(pipeline.documents, record.matrix))


def independent(pipeline: InProcessPipeline, plan: Plan) -> None:
    for task in plan.assets[0].tasks:
        if task.kind == "independent":
            solve(pipeline, plan, task.id)


def fitted(pipeline: InProcessPipeline, plan: Plan) -> BidMatrix:
    """Return what the independent scenarios of a run make by themselves."""
    view = read_run(pipeline.documents, plan.run)
    configuration, own, scenarios = asset_inputs(pipeline.documents, plan, plan.assets[0])
    volumes = {s: o.volumes for s, o in view.outcomes[ASSET].items()}
    market, grid = configuration.market, configuration.market.grid(DAY)
    solved = {s: np.array(v) for s, v in volumes.items()}
    return multi_scenario.bid(market, grid, own, scenarios, solved)


def test_plan__of_a_joint_method__has_one_joint_task_before_the_independent_ones(pipeline):
    tasks = pipeline.plan(SINTEF, DAY).plan.assets[0].tasks
    assert [task.kind for task in tasks] == ["joint", "independent", "independent", "independent"]
    assert tasks[0].scenarios == ()


def test_run__joint_task_solved__bids_its_curves_and_says_so(pipeline):
    plan = answering(pipeline, None)
    assert solve(pipeline, plan, JOINT) == TaskReport(1, 1, 0, 1, ())
    independent(pipeline, plan)

    view = settle(pipeline, plan)

    record = view.assets[ASSET]
    assert (view.state, record.state, record.joint) == (
        RunState.SUBMITTED,
        AssetState.COMPLETE,
        "SOLVED",
    )
    assert bid_in(pipeline, record) != fitted(pipeline, plan)


def test_run__joint_curves_alone__are_a_complete_bid(pipeline):
    plan = answering(pipeline, None)
    solve(pipeline, plan, JOINT)

    record = settle(pipeline, plan).assets[ASSET]

    assert (record.state, record.joint, record.coverage.solved) == (
        AssetState.COMPLETE,
        "SOLVED",
        0,
    )


INFEASIBLE = SolveFailure(FailureCode.INFEASIBLE, "no feasible schedule", {})


def test_run__joint_task_failed__bids_the_independent_ones_and_says_why(pipeline):
    plan = answering(pipeline, INFEASIBLE)
    assert solve(pipeline, plan, JOINT) == TaskReport(1, 0, 1, 1, ())
    independent(pipeline, plan)

    view = settle(pipeline, plan)

    record = view.assets[ASSET]
    assert (view.state, record.state, record.joint) == (
        RunState.SUBMITTED,
        AssetState.PARTIAL,
        "INFEASIBLE",
    )
    assert bid_in(pipeline, record) == fitted(pipeline, plan)
    # Whoever approves the bid, reads the report or asks why is told.
    (finding,) = next(iter(view.areas.values())).findings
    assert (finding.code, finding.severity, finding.value) == (
        "ASSET_STAND_IN",
        "warning",
        "INFEASIBLE",
    )
    (row,) = asset_rows(gather(pipeline.documents, plan.run))
    assert row.missing[0].startswith("independent scenarios stand in for the joint task")
    (outcome,) = diagnose_run(pipeline.documents, pipeline.clock, plan.run).assets
    assert outcome.stand_in == "INFEASIBLE"


def test_run__joint_task_never_begun__bids_the_independent_ones_and_says_why(pipeline):
    plan = answering(pipeline, None)
    independent(pipeline, plan)
    record = settle(pipeline, plan).assets[ASSET]
    assert (record.state, record.joint) == (AssetState.PARTIAL, "NOT_STARTED")


@pytest.mark.parametrize("lost", ["outcome", "curves"])
def test_run__joint_task_that_cannot_be_read__bids_the_independent_ones_and_tells(pipeline, lost):
    plan = answering(pipeline, None)
    independent(pipeline, plan)
    solve(pipeline, plan, JOINT)
    outcome = pipeline.documents._documents[paths.task(plan.run, ASSET, JOINT)]
    if lost == "outcome":
        outcome["of_a_newer_release"] = 1
    else:
        pipeline.documents._documents[paths.blob(outcome["curves"], 0)]["data"] = b"not packed"

    pipeline.handle(AssetSettled(client=SINTEF, run=plan.run, asset=ASSET))

    record = pipeline.documents.get(paths.asset(plan.run, ASSET))
    assert (record["state"], record["joint"]) == (AssetState.PARTIAL, "CORRUPT_DOCUMENT")
    (alert,) = run_alerts(pipeline.documents, plan.run)
    assert (alert.code, alert.context["unreadable"]) == ("CORRUPT_DOCUMENT", ["joint"])


def test_run__joint_curves_come_late__take_the_place_of_the_independent_ones(pipeline):
    plan = answering(pipeline, None)
    independent(pipeline, plan)
    before = settle(pipeline, plan).assets[ASSET]

    solve(pipeline, plan, JOINT)
    after = settle(pipeline, plan).assets[ASSET]

    assert (after.state, after.joint, after.version) == (
        AssetState.COMPLETE,
        "SOLVED",
        before.version + 1,
    )
    # Told again, nothing changes.
    assert settle(pipeline, plan).assets[ASSET] == after


def test_settle__beside_another_that_knew_of_fewer_scenarios__is_the_same_bid(
    pipeline, monkeypatch
):
    """Both have the joint curves; the one that stores last has seen independent scenarios besides."""
    plan = answering(pipeline, None)
    solve(pipeline, plan, JOINT)
    transact = pipeline.documents.transact

    def overtaken(work):
        monkeypatch.undo()
        path = paths.scenario(plan.run, ASSET, first)
        seen = pipeline.documents._documents.pop(path)
        pipeline.handle(AssetSettled(client=SINTEF, run=plan.run, asset=ASSET))
        pipeline.documents._documents[path] = seen
        return transact(work)

    first, *_ = plan.assets[0].tasks[1].scenarios
    solve(pipeline, plan, plan.assets[0].tasks[1].id)
    monkeypatch.setattr(pipeline.documents, "transact", overtaken)
    record = settle(pipeline, plan).assets[ASSET]

    assert (record.state, record.version) == (AssetState.COMPLETE, 1)


def test_solve_task__joint_task_delivered_twice__is_solved_once(pipeline):
    plan = answering(pipeline, None)
    solve(pipeline, plan, JOINT)
    stored = pipeline.documents.get(paths.task(plan.run, ASSET, JOINT))
    pipeline.solver = Joint(pipeline.solver, SolverDied("must not be asked"))

    assert solve(pipeline, plan, JOINT) == TaskReport(1, 1, 0, 0, ())
    assert pipeline.documents.get(paths.task(plan.run, ASSET, JOINT)) == stored


def test_solve_task__solver_dies_over_a_joint_task_twice__is_left_out(pipeline):
    plan = answering(pipeline, SolverDied("took too long"))
    for _ in range(2):
        with pytest.raises(SolverDied):
            solve(pipeline, plan, JOINT)

    assert solve(pipeline, plan, JOINT) == TaskReport(1, 0, 0, 0, ())
    independent(pipeline, plan)
    assert settle(pipeline, plan).assets[ASSET].joint == "SKIPPED"


def test_run__asset_with_commitment__has_joint_curves_of_units_on_or_off(
    sintef_inputs: ClientInputs,
):
    # Three scenarios by the MTU of 15 minutes: enough to see that the wiring reaches the search.
    fields = {
        "method": {"name": "stochastic", "scenarios": 3},
        "solver": "hydrobid-commitment",
    }
    pipeline = published(with_asset_fields(sintef_inputs, **fields))
    plan = pipeline.plan(SINTEF, DAY).plan
    linear = published(with_asset_fields(sintef_inputs, method=fields["method"]))
    other = linear.plan(SINTEF, DAY).plan
    solve(pipeline, plan, JOINT)
    solve(linear, other, JOINT)

    committed, convex = settle(pipeline, plan).assets[ASSET], settle(linear, other).assets[ASSET]

    assert committed.joint == convex.joint == "SOLVED"
    assert bid_in(pipeline, committed) != bid_in(linear, convex)


def test_run__with_its_joint_task_alone_open__is_solving(pipeline):
    plan = answering(pipeline, None)
    assert read_run(pipeline.documents, plan.run).state is RunState.PLANNED

    solve(pipeline, plan, JOINT)
    begun = read_run(pipeline.documents, plan.run)
    independent(pipeline, plan)
    solved = read_run(pipeline.documents, plan.run)

    assert (begun.state, begun.joint[ASSET].state) == (RunState.SOLVING, "SOLVED")
    assert solved.state is RunState.AGGREGATING


def test_report__of_a_run_with_a_joint_task__tells_of_it(pipeline, tmp_path):
    plan = answering(pipeline, None)
    solve(pipeline, plan, JOINT)
    settle(pipeline, plan)

    write_run(tmp_path, SINTEF, pipeline.documents, plan.run, [])

    assert "scenarios taken together: curves that all share" in (
        tmp_path / "report.html"
    ).read_text(encoding="utf-8")
