"""One scenario solved again from what its run was made from, and held against what was stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hydrobid.domain.base import Value
from hydrobid.domain.canonical import digest
from hydrobid.domain.errors import NotFound
from hydrobid.domain.events import Event
from hydrobid.domain.identifiers import AssetId, RunId, ScenarioId
from hydrobid.domain.records import ScenarioOutcome
from hydrobid.domain.states import OutcomeState
from hydrobid.hydro.schedule import Schedule, SolveFailure
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.chosen_solver import solver_of
from hydrobid.pipeline.ports import Documents, Solvers
from hydrobid.pipeline.run_inputs import AssetSolves, asset_plan, plan_of

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

    stored: None where the run has no outcome of it. altered: whether the stored outcome is another
    than the one that its event tells of. differences: of the schedules or failures, first to last.
    """

    run: RunId
    asset: AssetId
    scenario: ScenarioId
    stored: Solved | None
    replayed: Solved
    altered: bool
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """Whether the same was found again, and what is stored is what was found then."""
        return (
            self.stored is not None
            and self.stored.digest == self.replayed.digest
            and not self.altered
        )


def replay_scenario(
    documents: Documents, solvers: Solvers, run: RunId, asset: AssetId, scenario: ScenarioId
) -> Replay:
    """Solve a planned scenario from the stored inputs and compare; nothing is written.

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
    found = result.to_document()
    path = paths.scenario(run, asset, scenario)
    stored = documents.get(path)
    outcome = None if stored is None else ScenarioOutcome.from_document(stored)
    before = None if outcome is None else _content(documents, outcome)
    return Replay(
        run=run,
        asset=asset,
        scenario=scenario,
        stored=None if outcome is None else _stored(outcome, before),
        replayed=_replayed(result, found),
        altered=outcome is not None and _altered(documents, path, outcome),
        differences=() if before is None else tuple(_differences("", before, found)),
    )


def _content(documents: Documents, outcome: ScenarioOutcome) -> Any:
    return outcome.failure if outcome.schedule is None else get_blob(documents, outcome.schedule)


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


def _altered(documents: Documents, path: str, outcome: ScenarioOutcome) -> bool:
    """Whether an outcome is another than the one that was created."""
    told = documents.find(paths.EVENTS, entity=paths.entity_of(path)).values()
    return [Event.from_document(event).data["digest"] for event in told] != [outcome.digest()]


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


def _is_list(content: Any) -> bool:
    return isinstance(content, Sequence) and not isinstance(content, str)
