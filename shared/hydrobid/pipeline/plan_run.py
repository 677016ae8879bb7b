"""The dispatcher's use case: from what is current to a revision with its plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from hydrobid.bidding.methods import planned_tasks
from hydrobid.domain.base import Value
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import CorruptDocument, GateClosed, InputsStale, InvalidInput
from hydrobid.domain.events import Event, next_event
from hydrobid.domain.identifiers import ClientId, Identifier, RunId
from hydrobid.domain.plan import AssetPlan, Inputs, Plan
from hydrobid.domain.position import Position
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.stages import CutOffs, Stage
from hydrobid.domain.states import Actor, AssetState, RunState
from hydrobid.domain.time import utc_text
from hydrobid.hydro.horizon import Horizon
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob, put_blob
from hydrobid.pipeline.day_scenarios import scenario_sets_of
from hydrobid.pipeline.freshness import Freshness, freshness_of, tell_of_plan, tell_refusal
from hydrobid.pipeline.ports import Clock, Create, Documents, Put, Transaction, Write
from hydrobid.pipeline.position import position_for
from hydrobid.pipeline.publish_inputs import current_inputs
from hydrobid.pipeline.read_run import newest_run, read_run
from hydrobid.pipeline.resolve_inputs import resolve_inputs
from hydrobid.pipeline.run_inputs import plan_of
from hydrobid.pipeline.waiting_executions import (
    WaitingExecution,
    is_at_work,
    register_execution,
)
from hydrobid.schema import configuration_of

TellingOfFirst = Callable[[Transaction, RunId], tuple[Write, ...]]


class PlanRequest(Value):
    """What is to be bid. day: the market's next open one when None.

    execution, callback: the waiting execution and the address to call when the run is finished.
    settle: whether it was started by inputs that arrived, and leaves the work to an execution that is
    at it already.
    """

    client: ClientId
    day: date | None = None
    settle: bool = False
    execution: Identifier | None = None
    callback: str | None = None


@dataclass(frozen=True)
class PlannedRun:
    """A run that stands planned.

    inputs: whether the request's were new, so that this call made the run, unchanged, or older than
    the run's. cut_offs: until when to wait from now on. solve: the budget of a task. done: whether
    there is nothing to be gained from working on it again.
    """

    plan: Plan
    inputs: Literal["new", "unchanged", "older"]
    state: RunState
    cut_offs: CutOffs
    solve: Stage
    done: bool


class _Day(Value):
    newest: RunId


def plan_run(
    documents: Documents,
    clock: Clock,
    request: PlanRequest,
    kept: timedelta | None = None,
    *,
    telling_of_first: TellingOfFirst = lambda *_: (),
) -> PlannedRun:
    """Return the run of the current inputs for a day, planning the next revision if they are new.

    kept: how long after its gate what is solved for a new one is kept; None: for ever.
    telling_of_first: the writes that tell of the run where it is the day's first, of its transaction.

    Raises:
        GateClosed: the day takes no more orders and has no run of these inputs.
        InvalidInput: the inputs do not fit the day; nothing was planned.
        InputsStale: they are older than the client's policy allows; people are told.
        NotFound: no inputs were published.
    """
    now = clock.now()
    drafted = _drafted(documents, request, now, kept)
    draft, freshness = drafted.plan, drafted.freshness
    try:
        plan = documents.transact(
            lambda transaction: _revise(transaction, clock, drafted, telling_of_first)
        )
    except InputsStale:
        tell_refusal(documents, clock, draft.run, freshness, lambda t: not _is_served(t, draft))
        raise
    if plan.inputs == draft.inputs:
        tell_of_plan(documents, clock, plan.run, freshness)
    # By its content, so that a transaction whose answer was lost and that is run again tells the same.
    new = plan == draft.model_copy(update={"run": plan.run})
    if request.execution is not None and request.callback is not None:
        # Registered before the state is read: either we see the end or whoever ends it sees us.
        waiting = WaitingExecution(
            callback=request.callback,
            registered=now,
            solve_by=drafted.waits(plan, now).solve,
        )
        register_execution(documents, plan, request.execution, waiting)
    deferring = request.settle and is_at_work(documents, plan.run, request.execution)
    return _as_it_stands(documents, plan, drafted, new=new, deferring=deferring)


def has_news(documents: Documents, clock: Clock, request: PlanRequest) -> bool:
    """Return whether planning a day now would make a new revision of it.

    Raises:
        PermanentError: none could be planned, as `plan_run` has it.
    """
    now = clock.now()
    drafted = _drafted(documents, request, now)
    newest = newest_run(documents, drafted.plan.run.market, drafted.plan.run.day)
    if newest is not None and _serves(plan_of(documents, newest), drafted.plan):
        return False
    _check_plannable(drafted, now)
    return True


@dataclass(frozen=True)
class _Draft:
    """The plan that the current inputs ask for, as if it were the day's first. solve: a task's budget."""

    plan: Plan
    position: Position | None
    freshness: Freshness
    solve: Stage

    def waits(self, plan: Plan, now: datetime) -> CutOffs:
        """Return the cut-offs of a plan for an execution that begins to wait at `now`."""
        return plan.cut_offs.from_now(now, timedelta(seconds=self.solve.timeout))


def _drafted(
    documents: Documents, request: PlanRequest, now: datetime, kept: timedelta | None = None
) -> _Draft:
    current = current_inputs(documents)
    stored = get_blob(documents, current.configuration)
    configuration = _configuration(stored, request.client)
    day = request.day or configuration.market.next_open_day(now)
    resolved = resolve_inputs(documents, current, stored, configuration, day)
    configuration = resolved.configuration
    position, as_of, horizon = None, current.as_of, None
    if configuration.horizon is not None:
        position, as_of = position_for(
            documents, configuration, day, resolved.levels_at, current.as_of
        )
        grid = configuration.market.grid(day)
        horizon = Horizon.mixed(position.earliest, grid, configuration.horizon.later)
    found = scenario_sets_of(documents, current, configuration, day, horizon)
    inputs = Inputs(
        configuration=resolved.digest,
        scenario_sets={
            name: put_blob(documents, scenarios.to_document())
            for name, scenarios in found.sets.items()
        },
        position=None if position is None else put_blob(documents, position.to_document()),
    )
    cut_offs = configuration.cut_offs_of(day)
    draft = Plan(
        client=configuration.client,
        run=RunId(configuration.market.id, day, 1),
        as_of=as_of,
        planned_at=now,
        inputs=inputs,
        series={**resolved.series, **found.series},
        portfolio=configuration.portfolio,
        cut_offs=cut_offs,
        kept_until=None if kept is None else cut_offs.gate + kept,
        assets=tuple(_asset_plans(configuration, found.sets)),
    )
    freshness = freshness_of(current, configuration, resolved.measured, found.fallen_back, now)
    return _Draft(draft, position, freshness, configuration.stages.solve)


def _as_it_stands(
    documents: Documents, plan: Plan, drafted: _Draft, *, new: bool, deferring: bool
) -> PlannedRun:
    draft = drafted.plan
    view = read_run(documents, plan.run)
    now = draft.planned_at
    complete = all(
        asset.asset in view.assets and view.assets[asset.asset].state is AssetState.COMPLETE
        for asset in plan.assets
    )
    ended = view.state is RunState.SUBMITTED and complete
    old: Literal["unchanged", "older"] = "unchanged" if plan.inputs == draft.inputs else "older"
    return PlannedRun(
        plan,
        "new" if new else old,
        view.state,
        drafted.waits(plan, now),
        drafted.solve,
        done=ended or deferring or view.state is RunState.SUPERSEDED or now >= plan.cut_offs.gate,
    )


def _configuration(stored: Mapping[str, Any], client: ClientId) -> ClientConfiguration:
    configuration = configuration_of(stored)
    if configuration.client != client:
        raise InvalidInput.of(
            "request", "client", client, f"this database's {configuration.client}"
        )
    return configuration


def _asset_plans(
    configuration: ClientConfiguration, scenario_sets: dict[Identifier, ScenarioSet]
) -> list[AssetPlan]:
    return [
        AssetPlan(
            asset=asset.asset,
            price_area=asset.price_area,
            scenario_set=asset.scenario_set,
            tasks=planned_tasks(asset, scenario_sets[asset.scenario_set]),
        )
        for asset in configuration.assets
    ]


def _revise(
    transaction: Transaction, clock: Clock, drafted: _Draft, telling_of_first: TellingOfFirst
) -> Plan:
    """Return the newest revision where it serves the draft's inputs, else write the next.

    By the time at which it is written: whoever slept over its draft may wake up after the gate.
    """
    draft = drafted.plan
    newest = _newest(transaction, draft)
    if newest is not None and _serves(newest, draft):
        return newest
    _check_plannable(drafted, clock.now())
    revision = newest.run.revision + 1 if newest is not None else 1
    plan = draft.model_copy(update={"run": RunId(draft.run.market, draft.run.day, revision)})
    planned = _planned_event(plan, drafted.position)
    told = telling_of_first(transaction, plan.run) if newest is None else ()
    transaction.write(
        Create(paths.run(plan.run), plan.to_document()),
        Create(paths.event(planned.id), planned.to_document()),
        Put(paths.day(plan.run.market, plan.run.day), _Day(newest=plan.run).to_document()),
        *told,
    )
    return plan


def _newest(transaction: Transaction, draft: Plan) -> Plan | None:
    """Return the newest revision of a draft's day, None where there is none."""
    stored = transaction.get(paths.day(draft.run.market, draft.run.day))
    if stored is None:
        return None
    return _stored_plan(transaction, _Day.from_document(stored).newest)


def _serves(newest: Plan, draft: Plan) -> bool:
    """Whether a revision is what a draft would make, or is made from something newer."""
    return newest.inputs == draft.inputs or draft.as_of < newest.as_of


def _is_served(transaction: Transaction, draft: Plan) -> bool:
    newest = _newest(transaction, draft)
    return newest is not None and _serves(newest, draft)


def _check_plannable(drafted: _Draft, now: datetime) -> None:
    """Return where a new revision may be planned; raise GateClosed or InputsStale."""
    draft = drafted.plan
    if now >= draft.cut_offs.gate:
        raise GateClosed(
            f"the gate for {draft.run.day} closed at {utc_text(draft.cut_offs.gate)}; "
            f"it is {utc_text(now.replace(microsecond=0))}",
            day=draft.run.day.isoformat(),
            gate=utc_text(draft.cut_offs.gate),
            now=utc_text(now),
        )
    if drafted.freshness.refusal is not None:
        raise drafted.freshness.refusal


def _planned_event(plan: Plan, position: Position | None) -> Event:
    assets = {} if position is None else position.assets
    sold = {asset: sold.words for asset, sold in assets.items()}
    return next_event(
        run=str(plan.run),
        entity=paths.entity_of(paths.run(plan.run)),
        version=1,
        type="run-planned",
        actor=Actor.DISPATCHER,
        at=plan.planned_at,
        data={
            "inputs": plan.inputs.to_document(),
            **({"series": plan.model_dump(mode="json")["series"]} if plan.series else {}),
            "tasks": {asset.asset: len(asset.tasks) for asset in plan.assets},
            "scenarios": {asset.asset: len(asset.scenarios) for asset in plan.assets},
            **({"sold_before": sold} if sold else {}),
        },
    )


def _stored_plan(transaction: Transaction, run: RunId) -> Plan:
    stored = transaction.get(paths.run(run))
    if stored is None:
        raise CorruptDocument(f"day names run {run}, which is not there", run=str(run))
    return Plan.from_document(stored)
