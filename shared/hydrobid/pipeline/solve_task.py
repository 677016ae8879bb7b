"""The solver's use case: one outcome for each scenario of a task, written as it is found.

A joint task has one outcome for all: `solve_jointly`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from hydrobid.domain.base import Value
from hydrobid.domain.canonical import POWER_DECIMALS, rounded
from hydrobid.domain.errors import NotFound, RetryableError, SolverDied
from hydrobid.domain.identifiers import AssetId, ClientId, RunId, ScenarioId, TaskId
from hydrobid.domain.plan import AssetPlan, Plan, Task
from hydrobid.domain.records import DEATHS_BEFORE_SKIPPING, ScenarioOutcome
from hydrobid.domain.states import OutcomeState
from hydrobid.hydro.daily import offered
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.schedule import Schedule, SolveFailure
from hydrobid.pipeline.attempts import AttemptLog, deaths
from hydrobid.pipeline.blobs import blob_writes
from hydrobid.pipeline.chosen_solver import solver_of
from hydrobid.pipeline.ports import (
    Clock,
    Documents,
    ScenarioWatch,
    SolveResult,
    Solvers,
    Write,
)
from hydrobid.pipeline.read_run import read_outcomes
from hydrobid.pipeline.run_inputs import AssetSolves, asset_plan, plan_of
from hydrobid.pipeline.solve_jointly import solve_jointly


class TaskRequest(Value):
    """Which task to solve."""

    client: ClientId
    run: RunId
    asset: AssetId
    task: TaskId


@dataclass(frozen=True)
class TaskReport:
    """What a task came to: how many outcomes exist, how many this call wrote, what was skipped.

    planned: its scenarios, or the one outcome of a joint task.
    """

    planned: int
    solved: int
    failed: int
    written: int
    skipped: tuple[ScenarioId, ...]


def unwatched(
    results: Iterator[SolveResult], pending: Sequence[ScenarioId], attempt: int
) -> Iterator[SolveResult]:
    """Return results that nobody watches."""
    del pending, attempt
    return results


def solve_task(
    documents: Documents,
    clock: Clock,
    solvers: Solvers,
    request: TaskRequest,
    watch: ScenarioWatch = unwatched,
) -> TaskReport:
    """Solve what a task still lacks and report what is there.

    An outcome is created once: a second live solver of the same task loses the create and does no
    harm. When the solver dies over a scenario the others are still solved, by another; then the
    task is left to be tried again. A scenario at hand in two attempts that died is left out.

    Raises:
        NotFound: no such run, asset or task. RetryableError: the solver or a service gave way;
        outcomes written so far stand.
    """
    plan = plan_of(documents, request.run)
    asset = asset_plan(plan, request.asset)
    task = asset.task(request.task)
    if task is None:
        raise NotFound(
            f"run {request.run} has no task {request.task} of {request.asset}",
            **request.to_document(),
        )
    if task.kind == "joint":
        solved, failed, written = solve_jointly(documents, clock, solvers, plan, asset, task)
        return TaskReport(1, solved, failed, written, ())
    return _solve_each(documents, clock, solvers, plan, asset, task, watch)


def _solve_each(
    documents: Documents,
    clock: Clock,
    solvers: Solvers,
    plan: Plan,
    asset: AssetPlan,
    task: Task,
    watch: ScenarioWatch,
) -> TaskReport:
    """Solve the scenarios that an independent task still lacks."""
    existing = read_outcomes(documents, plan.run, asset.asset, task.scenarios)
    pending = [scenario for scenario in task.scenarios if scenario not in existing]
    if not pending:
        return _report(task, existing)
    task_key = f"{asset.asset}~{task.id}"
    at_death = deaths(documents, plan.run, task_key)
    skipped = tuple(s for s in pending if at_death[s] >= DEATHS_BEFORE_SKIPPING)
    pending = [scenario for scenario in pending if scenario not in skipped]
    if not pending:
        return _report(task, existing, skipped=skipped)
    solves = AssetSolves.read(documents, plan, asset)
    written, death = 0, None
    waiting: Sequence[ScenarioId] = pending
    while waiting:
        with _solving(solvers, solves, waiting) as results:
            # Logged only now that a solver is at work: one that waits has no scenario at hand.
            log = AttemptLog(documents, clock, plan, task_key, waiting)
            try:
                for scenario, result in watch(results, waiting, log.number):
                    outcome = outcome_of(plan, asset.asset, scenario, result, solves.problem)
                    written += log.write(*outcome)
            except SolverDied as error:
                log.end(error)
                waiting, death = log.beyond, error
            except RetryableError as error:
                log.end(error)
                raise
            else:
                log.end(None)
                waiting = ()
    if death is not None:
        raise death
    existing = read_outcomes(documents, plan.run, asset.asset, task.scenarios)
    return _report(task, existing, written, skipped)


def _report(
    task: Task,
    outcomes: Mapping[ScenarioId, ScenarioOutcome],
    written: int = 0,
    skipped: tuple[ScenarioId, ...] = (),
) -> TaskReport:
    solved = sum(outcome.state is OutcomeState.SOLVED for outcome in outcomes.values())
    return TaskReport(len(task.scenarios), solved, len(outcomes) - solved, written, skipped)


def _solving(
    solvers: Solvers, solves: AssetSolves, pending: Sequence[ScenarioId]
) -> AbstractContextManager[Iterator[SolveResult]]:
    own = solves.own
    return solver_of(own, solvers).solve(solves.problem, solves.of(pending), own.scenario_seconds)


def outcome_of(
    plan: Plan,
    asset: AssetId,
    scenario: ScenarioId,
    result: Schedule | SolveFailure,
    problem: Problem,
) -> tuple[ScenarioOutcome, Sequence[Write]]:
    """Return the outcome that a solve's result is, and the writes that store its schedule.

    Of the schedule's horizon only what is sold on the delivery day becomes a bid.
    """
    if isinstance(result, SolveFailure):
        failed = ScenarioOutcome(
            run=plan.run,
            asset=asset,
            scenario=scenario,
            state=OutcomeState.FAILED,
            termination=result.code,
            failure=result.to_document(),
        )
        return failed, ()
    schedule = result.to_document()
    digest, writes = blob_writes(schedule, plan.kept_until)
    solved = ScenarioOutcome(
        run=plan.run,
        asset=asset,
        scenario=scenario,
        state=OutcomeState.SOLVED,
        termination=schedule["termination"],
        volumes=tuple(rounded(mw, POWER_DECIMALS) for mw in offered(problem, result.net_power)),
        schedule=digest,
        objective=schedule["objective"],
        violations=tuple(schedule["violations"]),
    )
    return solved, writes
