"""The solver's use case for a joint task: one outcome for all its scenarios."""

from __future__ import annotations

from hydrobid.bidding.methods import joint_method_of
from hydrobid.domain.errors import CorruptDocument, DocumentExists, RetryableError
from hydrobid.domain.plan import AssetPlan, Plan, Task
from hydrobid.domain.records import DEATHS_BEFORE_SKIPPING, JointOutcome
from hydrobid.domain.states import Actor, Entity, OutcomeState, check_transition
from hydrobid.hydro.joint_program import JointResult
from hydrobid.hydro.schedule import SolveFailure
from hydrobid.pipeline import paths
from hydrobid.pipeline.attempts import AttemptLog, deaths
from hydrobid.pipeline.blobs import blob_writes
from hydrobid.pipeline.chosen_solver import joint_solver_of
from hydrobid.pipeline.ports import Clock, Documents, Solvers
from hydrobid.pipeline.recording import record_writes
from hydrobid.pipeline.run_inputs import AssetSolves

Counts = tuple[int, int, int]


def solve_jointly(
    documents: Documents,
    clock: Clock,
    solvers: Solvers,
    plan: Plan,
    asset: AssetPlan,
    task: Task,
) -> Counts:
    """Solve a joint task unless that has been done; return how many are solved, failed, written.

    The outcome is created once. When the solver died over it twice it is left out.

    Raises:
        RetryableError: the solver or a service gave way; nothing was written.
    """
    path = paths.task(plan.run, asset.asset, task.id)
    stored = documents.get(path)
    if stored is not None:
        return _counts(JointOutcome.from_document(stored), 0)
    key = f"{asset.asset}~{task.id}"
    if deaths(documents, plan.run, key)[None] >= DEATHS_BEFORE_SKIPPING:
        return 0, 0, 0
    solves = AssetSolves.read(documents, plan, asset)
    method = joint_method_of(solves.own)
    if method is None:
        raise CorruptDocument(f"task {key} is joint, and its method has none", task=key)
    taken = solves.of(method.taken_together(solves.own, solves.scenarios))
    program = method.program(solves.market, solves.grid, solves.own, solves.scenarios)
    with joint_solver_of(solves.own, solvers).solve_jointly(
        solves.problem, list(taken.values()), program, method.seconds(solves.own)
    ) as results:
        log = AttemptLog(documents, clock, plan, key, ())
        try:
            (found,) = results
        except RetryableError as error:
            log.end(error)
            raise
        log.end(None)
    return _written(documents, clock, plan, asset, task, found)


def _written(
    documents: Documents,
    clock: Clock,
    plan: Plan,
    asset: AssetPlan,
    task: Task,
    found: JointResult | SolveFailure,
) -> Counts:
    """Create the outcome; whoever created one before has the same."""
    path = paths.task(plan.run, asset.asset, task.id)
    failed = isinstance(found, SolveFailure)
    digest, blobs = (None, ()) if failed else blob_writes(found.to_document(), plan.kept_until)
    outcome = JointOutcome(
        run=plan.run,
        asset=asset.asset,
        task=task.id,
        state=OutcomeState.FAILED if failed else OutcomeState.SOLVED,
        curves=digest,
        failure=found.to_document() if failed else None,
    )
    check_transition(Entity.TASK, None, outcome.state, Actor.SOLVER)
    _, writes = record_writes(
        path,
        outcome,
        None,
        run=plan.run,
        event=f"task-{outcome.state.lower()}",
        actor=Actor.SOLVER,
        clock=clock,
        data={"curves": digest, "failure": outcome.failure},
        expires=plan.kept_until,
    )
    try:
        documents.commit(*blobs, *writes)
    except DocumentExists:
        return _counts(outcome, 0)
    return _counts(outcome, 1)


def _counts(outcome: JointOutcome, written: int) -> Counts:
    solved = outcome.state is OutcomeState.SOLVED
    return int(solved), int(not solved), written
