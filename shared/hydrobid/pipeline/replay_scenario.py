"""One scenario solved again from what its run was made from, and held against what was stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from hydrobid.domain.base import Value
from hydrobid.domain.canonical import digest
from hydrobid.domain.errors import NotFound
from hydrobid.domain.events import Event
from hydrobid.domain.identifiers import AssetId, RunId, ScenarioId
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import ScenarioOutcome
from hydrobid.domain.states import OutcomeState
from hydrobid.hydro.schedule import Schedule, SolveFailure
from hydrobid.pipeline import paths
from hydrobid.pipeline.chosen_solver import solver_of
from hydrobid.pipeline.ports import Clock, Documents, Solvers
from hydrobid.pipeline.read_run import solved_content
from hydrobid.pipeline.run_inputs import AssetSolves, asset_plan, plan_of
from hydrobid.pipeline.solve_task import outcome_of

ABSENT = "absent"


class Difference(Value):
    """A field that is not what it was, as `net_power[17]`; `absent` stands for one that is not there."""

    field: str
    stored: Any
    replayed: Any


class Solved(Value):
    """How a solve ended. digest: of its schedule or of its failure, without timings."""

    state: OutcomeState
    termination: str
    digest: str


class Replay(Value):
    """What came of solving a scenario again.

    stored: None where the run has no outcome of it, or has it no more. expired: until when that was
    kept which has gone since, None where nothing has. as_told: whether what was found is the outcome
    that its event tells of. altered: whether what is stored is another, or gone before its time.
    differences: of the schedules or failures, first to last; of the outcomes where these are equal; none
    from one that is gone.
    """

    run: RunId
    asset: AssetId
    scenario: ScenarioId
    stored: Solved | None
    replayed: Solved
    expired: datetime | None
    as_told: bool
    altered: bool
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """Whether the same was found again, and what is stored is what was found then."""
        if self.altered or not self.as_told:
            return False
        if self.stored is None:
            return self.expired is not None
        return self.stored.digest == self.replayed.digest


def replay_scenario(
    documents: Documents,
    clock: Clock,
    solvers: Solvers,
    run: RunId,
    asset: AssetId,
    scenario: ScenarioId,
) -> Replay:
    """Solve a planned scenario from the stored inputs and compare; nothing is written.

    An outcome that has expired is compared by the digest that its event keeps.

    Raises:
        NotFound: no such run, asset or scenario. SolverMissing: the deployment has not the asset's
        solver. SolverDied: the solver ended or took too long.
    """
    plan = plan_of(documents, run)
    planned = asset_plan(plan, asset)
    if scenario not in planned.scenarios:
        known = sorted(planned.scenarios)
        ends = (known[0], known[-1]) if known else ("none",)
        raise NotFound(
            f"run {run} has no scenario {scenario} of {asset}; it has {' to '.join(ends)}",
            run=str(run),
            asset=asset,
            scenario=scenario,
        )
    solves = AssetSolves.read(documents, plan, planned)
    own, one = solves.own, solves.of((scenario,))
    with solver_of(own, solvers).solve(solves.problem, one, own.scenario_seconds) as results:
        _, result = next(results)
    again, _ = outcome_of(plan, asset, scenario, result, solves.problem)
    found = result.to_document()
    path = paths.scenario(run, asset, scenario)
    stored, told = documents.get(path), _told(documents, path)
    outcome = None if stored is None else ScenarioOutcome.from_document(stored)
    before = None if outcome is None else _content(documents, plan, outcome)
    gone = before is None and bool(told)
    expired = gone and plan.expired(clock.now())
    kept = [] if outcome is None else [outcome.digest()]
    return Replay(
        run=run,
        asset=asset,
        scenario=scenario,
        stored=None if outcome is None else _stored(outcome, before),
        replayed=_replayed(result, found),
        expired=plan.kept_until if expired else None,
        as_told=told == [again.digest()],
        altered=(gone and not expired) or (outcome is not None and kept != told),
        differences=()
        if outcome is None or before is None
        else tuple(_differences("", before, found)) or tuple(_of_outcomes(outcome, again)),
    )


def _content(documents: Documents, plan: Plan, outcome: ScenarioOutcome) -> Any:
    """Return the schedule or the failure of an outcome, None where it is gone."""
    if outcome.schedule is None:
        return outcome.failure
    return solved_content(documents, plan, outcome.schedule)


def _stored(outcome: ScenarioOutcome, content: Any) -> Solved:
    return Solved(
        state=outcome.state,
        termination=outcome.termination,
        digest=outcome.schedule or digest(content),
    )


def _replayed(result: Schedule | SolveFailure, content: Any) -> Solved:
    if isinstance(result, SolveFailure):
        return Solved(state=OutcomeState.FAILED, termination=result.code, digest=digest(content))
    return Solved(state=OutcomeState.SOLVED, termination=result.termination, digest=digest(content))


def _told(documents: Documents, path: str) -> list[str]:
    """Return the digest of the outcome that was created, as its event tells; nothing where none was."""
    events = documents.find(paths.EVENTS, entity=paths.entity_of(path)).values()
    return [str(Event.from_document(event).data["digest"]) for event in events]


def _differences(field: str, stored: Any, replayed: Any) -> Iterator[Difference]:
    if isinstance(stored, Mapping) and isinstance(replayed, Mapping):
        for name in sorted({*stored, *replayed}):
            inner = f"{field}.{name}" if field else name
            yield from _differences(inner, stored.get(name, ABSENT), replayed.get(name, ABSENT))
    elif _is_list(stored) and _is_list(replayed) and len(stored) == len(replayed):
        for index, (before, now) in enumerate(zip(stored, replayed, strict=True)):
            yield from _differences(f"{field}[{index}]", before, now)
    elif stored != replayed:
        yield Difference(field=field, stored=stored, replayed=replayed)


def _of_outcomes(stored: ScenarioOutcome, again: ScenarioOutcome) -> Iterator[Difference]:
    """Yield what differs beside the schedules: the volumes are what bids are made of."""
    before, now = (o.model_dump(mode="json", exclude={"version", "chain"}) for o in (stored, again))
    yield from _differences("outcome", before, now)


def _is_list(content: Any) -> bool:
    return isinstance(content, Sequence) and not isinstance(content, str)
