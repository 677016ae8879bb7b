"""Runs of the pipeline in one process, taken step by step, and what is said of them."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from examples import CASCADE, DAY, published, with_asset_fields
from rich.console import Console, RenderableType

from hydrobid.adapters.memory import InProcessSolver
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.identifiers import RunId
from hydrobid.domain.messages import AssetSettled
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.hydro.schedule import FailureCode, SolveFailure
from hydrobid.hydro.solve import solve_problem
from hydrobid.pipeline.diagnose_run import Diagnosis, diagnose_run
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.solve_task import TaskRequest, solve_task
from hydrobid.schema import ClientInputs

SECOND = timedelta(seconds=1)
WIDE = 400
"""Columns in which no line is wrapped."""


def scenario_each(inputs: ClientInputs) -> tuple[InProcessPipeline, Plan]:
    """Return the cascade, submitted, of each asset of which one scenario is solved; and its plan."""
    pipeline = published(with_asset_fields(inputs, method={"name": "price_independent"}))
    return pipeline, pipeline.run(CASCADE, DAY).plan


@contextmanager
def put_right(pipeline: InProcessPipeline) -> Iterator[None]:
    """Put what is stored right again at the end."""
    documents = pipeline.documents
    kept = copy.deepcopy((documents._documents, documents._ids))
    yield
    documents._documents, documents._ids = kept


def run_twice_alike(pipeline: InProcessPipeline, inputs: ClientInputs) -> tuple[RunId, RunId]:
    """Return two revisions of the cascade, a second apart, whose tasks differ and whose bids do not."""
    first = pipeline.run(CASCADE, DAY).plan.run
    fewer = with_asset_fields(inputs, method={"name": "multi_scenario", "chunk": 30})
    pipeline.clock.advance(SECOND)
    publish_inputs(pipeline.documents, pipeline.clock, fewer.configuration, inputs.scenario_sets)
    return first, pipeline.run(CASCADE, DAY).plan.run


def infeasible(where: Callable[[str], bool]) -> InProcessSolver:
    """Return a solver to which the scenarios that `where` picks are infeasible."""

    def solve(problem, scenarios) -> Iterator:
        for scenario, result in solve_problem(problem, scenarios):
            bad = SolveFailure(FailureCode.INFEASIBLE, "volumes below zero", {"row": 7})
            yield scenario, bad if where(scenario) else result

    return InProcessSolver(solve)


def ending_at(poison: str, error: BaseException) -> InProcessSolver:
    """Return a solver that ends over one scenario."""

    def solve(problem, scenarios) -> Iterator:
        for scenario, result in solve_problem(problem, scenarios):
            if scenario == poison:
                raise error
            yield scenario, result

    return InProcessSolver(solve)


def solve_one(pipeline: InProcessPipeline, plan: Plan, asset: AssetPlan, number: int) -> None:
    """Solve one task of an asset."""
    request = TaskRequest(
        client=plan.client, run=plan.run, asset=asset.asset, task=asset.tasks[number].id
    )
    solve_task(pipeline.documents, pipeline.clock, pipeline.solvers, request)


def settle(
    pipeline: InProcessPipeline, plan: Plan, asset: AssetPlan, cause: str = "solved"
) -> None:
    """Let the aggregator and whoever follows do their part."""
    pipeline.messages.publish(
        AssetSettled(client=plan.client, run=plan.run, asset=asset.asset, cause=cause)
    )
    pipeline.deliver()


def diagnosis_of(pipeline: InProcessPipeline, run: RunId) -> Diagnosis:
    """Return a run's diagnosis, which has to survive being written down."""
    diagnosis = diagnose_run(pipeline.documents, pipeline.clock, run)
    assert Diagnosis.from_document(diagnosis.to_document()) == diagnosis
    return diagnosis


def printed(content: RenderableType) -> str:
    """Return what is shown as text."""
    console = Console(file=io.StringIO(), width=WIDE)
    console.print(content)
    return console.file.getvalue()
