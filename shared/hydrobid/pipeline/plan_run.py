"""The dispatcher's use case: from what is current to a revision with its plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from hydrobid.bidding.methods import planned_tasks
from hydrobid.domain.base import Value
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import CorruptDocument, GateClosed, InvalidInput
from hydrobid.domain.events import Event, next_event
from hydrobid.domain.identifiers import ClientId, Identifier, PriceArea, RunId
from hydrobid.domain.plan import AssetPlan, Inputs, Plan
from hydrobid.domain.position import Position
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.stages import CutOffs, Stage
from hydrobid.domain.states import Actor, AssetState, RunState
from hydrobid.domain.time import utc_text
from hydrobid.hydro.horizon import Horizon
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob, put_blob
from hydrobid.pipeline.ports import Clock, Create, Documents, Put, Transaction
from hydrobid.pipeline.position import position_for
from hydrobid.pipeline.publish_inputs import CurrentInputs, current_inputs
from hydrobid.pipeline.read_run import read_run
from hydrobid.pipeline.waiting_executions import WaitingExecution, register_execution
from hydrobid.schema import configuration_of, scenario_set_for


class PlanRequest(Value):
    """What is to be bid. day: the market's next open one when None.

    execution, callback: the waiting execution and the address to call when the run is finished.
    """

    client: ClientId
    day: date | None = None
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


def plan_run(documents: Documents, clock: Clock, request: PlanRequest) -> PlannedRun:
    """Return the run of the current inputs for a day, planning the next revision if they are new.

    Raises:
        GateClosed: the day takes no more orders and has no run of these inputs.
        InvalidInput: the inputs do not fit the day; nothing was planned.
        NotFound: no inputs were published.
    """
    now = clock.now()
    current = current_inputs(documents)
    configuration = _configuration(documents, current, request.client)
    day = request.day or configuration.market.next_open_day(now)
    position, as_of = None, current.as_of
    if configuration.horizon is not None:
        position, as_of = position_for(documents, configuration, day, current.as_of)
    scenario_sets = _scenario_sets(documents, current, configuration, day, position)
    inputs = Inputs(
        configuration=current.configuration,
        scenario_sets={
            name: put_blob(documents, scenarios.to_document())
            for name, scenarios in scenario_sets.items()
        },
        position=None if position is None else put_blob(documents, position.to_document()),
    )
    draft = Plan(
        client=configuration.client,
        run=RunId(configuration.market.id, day, 1),
        as_of=as_of,
        planned_at=now,
        inputs=inputs,
        portfolio=configuration.portfolio,
        cut_offs=configuration.cut_offs_of(day),
        assets=tuple(_asset_plans(configuration, scenario_sets)),
    )
    plan = documents.transact(lambda transaction: _revise(transaction, now, draft, position))
    # By its content, so that a transaction whose answer was lost and that is run again tells the same.
    new = plan == draft.model_copy(update={"run": plan.run})
    if request.execution is not None and request.callback is not None:
        # Registered before the state is read: either we see the end or whoever ends it sees us.
        waiting = WaitingExecution(
            callback=request.callback,
            registered=now,
            solve_by=plan.cut_offs.from_now(now).solve,
        )
        register_execution(documents, plan.run, request.execution, waiting)
    return _as_it_stands(documents, plan, draft, configuration.stages.solve, new=new)


def _as_it_stands(
    documents: Documents, plan: Plan, draft: Plan, solve: Stage, *, new: bool
) -> PlannedRun:
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
        plan.cut_offs.from_now(now),
        solve,
        done=ended or view.state is RunState.SUPERSEDED or now >= plan.cut_offs.gate,
    )


def _configuration(
    documents: Documents, current: CurrentInputs, client: ClientId
) -> ClientConfiguration:
    configuration = configuration_of(get_blob(documents, current.configuration))
    if configuration.client != client:
        raise InvalidInput.of(
            "request", "client", client, f"this database's {configuration.client}"
        )
    return configuration


def _scenario_sets(
    documents: Documents,
    current: CurrentInputs,
    configuration: ClientConfiguration,
    day: date,
    position: Position | None,
) -> dict[Identifier, ScenarioSet]:
    """Return the day's scenario sets by name, each with the price areas of the assets on it."""
    market = configuration.market
    grid, horizon = market.grid(day), None
    if position is not None and configuration.horizon is not None:
        horizon = Horizon.mixed(position.earliest, grid, configuration.horizon.later)
    areas: dict[Identifier, set[PriceArea]] = {}
    for asset in configuration.assets:
        areas.setdefault(asset.scenario_set, set()).add(asset.price_area)
    sets = {}
    for name, wanted in sorted(areas.items()):
        if name not in current.scenario_sets:
            raise CorruptDocument(f"the configuration names no scenario set {name}", name=name)
        document = get_blob(documents, current.scenario_sets[name])
        sets[name] = scenario_set_for(document, market, day, sorted(wanted), horizon)
    return sets


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
    transaction: Transaction, now: datetime, draft: Plan, position: Position | None
) -> Plan:
    """Return the newest revision where it serves the draft's inputs, else write the next."""
    day_path = paths.day(draft.run.market, draft.run.day)
    stored_day = transaction.get(day_path)
    newest = None
    if stored_day is not None:
        newest = _stored_plan(transaction, _Day.from_document(stored_day).newest)
        if newest.inputs == draft.inputs or draft.as_of < newest.as_of:
            return newest
    if now >= draft.cut_offs.gate:
        raise GateClosed(
            f"the gate for {draft.run.day} closed at {utc_text(draft.cut_offs.gate)}; "
            f"it is {utc_text(now.replace(microsecond=0))}",
            day=draft.run.day.isoformat(),
            gate=utc_text(draft.cut_offs.gate),
            now=utc_text(now),
        )
    revision = newest.run.revision + 1 if newest is not None else 1
    plan = draft.model_copy(update={"run": RunId(draft.run.market, draft.run.day, revision)})
    planned = _planned_event(plan, position)
    transaction.write(
        Create(paths.run(plan.run), plan.to_document()),
        Create(paths.event(planned.id), planned.to_document()),
        Put(day_path, _Day(newest=plan.run).to_document()),
    )
    return plan


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
