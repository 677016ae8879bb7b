"""The solver's use case: one outcome for each scenario of a task, written as it is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from hydrobid.domain.base import Value
from hydrobid.domain.canonical import POWER_DECIMALS, rounded
from hydrobid.domain.errors import DocumentExists, NotFound, RetryableError, SolverDied
from hydrobid.domain.identifiers import AssetId, ClientId, RunId, ScenarioId, TaskId
from hydrobid.domain.plan import Task
from hydrobid.domain.records import DEATHS_BEFORE_SKIPPING, Attempt, ScenarioOutcome
from hydrobid.domain.states import Actor, Entity, OutcomeState, check_transition
from hydrobid.hydro.daily import offered
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.schedule import Schedule, SolveFailure
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import blob_writes
from hydrobid.pipeline.chosen_solver import solver_of
from hydrobid.pipeline.ports import (
    Clock,
    Create,
    Documents,
    Put,
    ScenarioWatch,
    SolveResult,
    Solvers,
    Write,
)
from hydrobid.pipeline.read_run import read_outcomes
from hydrobid.pipeline.recording import record_writes
from hydrobid.pipeline.run_inputs import AssetSolves, asset_plan, plan_of


class TaskRequest(Value):
    """Which task to solve."""

    client: ClientId
    run: RunId
    asset: AssetId
    task: TaskId


@dataclass(frozen=True)
class TaskReport:
    """What a task came to: how many outcomes exist, how many this call wrote, what was skipped."""

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
    existing = read_outcomes(documents, request.run, asset.asset, task.scenarios)
    pending = [scenario for scenario in task.scenarios if scenario not in existing]
    if not pending:
        return _report(task, existing)
    task_key = f"{asset.asset}~{task.id}"
    skipped = _poisonous(documents, request.run, task_key, pending)
    pending = [scenario for scenario in pending if scenario not in skipped]
    if not pending:
        return _report(task, existing, skipped=skipped)
    solves = AssetSolves.read(documents, plan, asset)
    written, death = 0, None
    waiting: Sequence[ScenarioId] = pending
    while waiting:
        with _solving(solvers, solves, waiting) as results:
            # Logged only now that a solver is at work: one that waits has no scenario at hand.
            log = _AttemptLog(documents, clock, request.run, task_key, waiting)
            try:
                for scenario, result in watch(results, waiting, log.number):
                    outcome = _outcome(request.run, asset.asset, scenario, result, solves.problem)
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
    existing = read_outcomes(documents, request.run, asset.asset, task.scenarios)
    return _report(task, existing, written, skipped)


def _report(
    task: Task,
    outcomes: Mapping[ScenarioId, ScenarioOutcome],
    written: int = 0,
    skipped: tuple[ScenarioId, ...] = (),
) -> TaskReport:
    solved = sum(outcome.state is OutcomeState.SOLVED for outcome in outcomes.values())
    return TaskReport(len(task.scenarios), solved, len(outcomes) - solved, written, skipped)


class _AttemptLog:
    """The attempt that this call is: its number is the first that nobody has taken."""

    def __init__(
        self,
        documents: Documents,
        clock: Clock,
        run: RunId,
        task: str,
        pending: Sequence[ScenarioId],
    ) -> None:
        self._documents, self._clock, self._run = documents, clock, run
        self._pending = pending
        self._following = dict(zip(pending, [*pending[1:], None], strict=True))
        number = 1
        while True:
            self._attempt = Attempt(
                task=task,
                number=number,
                started=clock.now(),
                at_hand=pending[0],
            )
            self._path = f"{paths.attempts(run)}/{task}~{number}"
            try:
                documents.commit(Create(self._path, self._attempt.to_document()))
            except DocumentExists:
                number += 1
            else:
                return

    @property
    def number(self) -> int:
        """Which try at the task this is, from 1."""
        return self._attempt.number

    @property
    def beyond(self) -> Sequence[ScenarioId]:
        """The scenarios behind the one at hand."""
        at_hand = self._attempt.at_hand
        return () if at_hand is None else self._pending[self._pending.index(at_hand) + 1 :]

    def write(self, outcome: ScenarioOutcome, schedule: Sequence[Write] = ()) -> bool:
        """Create the outcome and name the next scenario; return whether we were the first.

        schedule: the writes that store what the outcome points at.
        """
        check_transition(Entity.SCENARIO, None, outcome.state, Actor.SOLVER)
        _, writes = record_writes(
            paths.scenario(self._run, outcome.asset, outcome.scenario),
            outcome,
            None,
            run=self._run,
            event=f"scenario-{outcome.state.lower()}",
            actor=Actor.SOLVER,
            clock=self._clock,
            data={"termination": outcome.termination, "digest": outcome.digest()},
        )
        following = self._following[outcome.scenario]
        self._attempt = self._attempt.model_copy(update={"at_hand": following})
        try:
            self._documents.commit(*schedule, *writes, Put(self._path, self._attempt.to_document()))
        except DocumentExists:
            return False
        return True

    def end(self, error: RetryableError | None) -> None:
        """Say that the attempt did not die, and what ended it early."""
        told = None if error is None else error.as_document()
        ended = self._attempt.model_copy(update={"ended": self._clock.now(), "error": told})
        self._documents.commit(Put(self._path, ended.to_document()))


def _poisonous(
    documents: Documents, run: RunId, task: str, pending: Sequence[ScenarioId]
) -> tuple[ScenarioId, ...]:
    """Return the pending scenarios over which too many attempts died."""
    attempts = [
        Attempt.from_document(document)
        for document in documents.find(paths.attempts(run), task=task).values()
    ]
    at_death = Counter(attempt.at_hand for attempt in attempts if attempt.died)
    return tuple(s for s in pending if at_death[s] >= DEATHS_BEFORE_SKIPPING)


def _solving(
    solvers: Solvers, solves: AssetSolves, pending: Sequence[ScenarioId]
) -> AbstractContextManager[Iterator[SolveResult]]:
    own = solves.own
    return solver_of(own, solvers).solve(solves.problem, solves.of(pending), own.scenario_seconds)


def _outcome(
    run: RunId,
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
            run=run,
            asset=asset,
            scenario=scenario,
            state=OutcomeState.FAILED,
            termination=result.code,
            failure=result.to_document(),
        )
        return failed, ()
    schedule = result.to_document()
    digest, writes = blob_writes(schedule)
    solved = ScenarioOutcome(
        run=run,
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
