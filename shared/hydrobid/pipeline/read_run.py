"""A run as its documents tell it: for screens, reports and whoever must know whether it is done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from hydrobid.domain.base import Record
from hydrobid.domain.errors import CorruptDocument, NotFound
from hydrobid.domain.events import Event, chain_faults, head_faults
from hydrobid.domain.identifiers import AssetId, MarketId, PriceArea, RunId, ScenarioId
from hydrobid.domain.orders import OrderRecord
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import (
    Alert,
    AreaRecord,
    AssetRecord,
    JointOutcome,
    ScenarioOutcome,
)
from hydrobid.domain.run_state import run_state
from hydrobid.domain.states import RunState
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Document, Documents, Transaction
from hydrobid.pipeline.readable import Readable, Unreadable
from hydrobid.pipeline.run_inputs import plan_of

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Records:
    """The records of a run that exist. orders: those of its market and day, of any revision."""

    assets: dict[AssetId, AssetRecord]
    areas: dict[PriceArea, AreaRecord]
    orders: dict[PriceArea, OrderRecord]


@dataclass(frozen=True)
class RunView(Records):
    """A run with everything but its contents. outcomes: by asset and scenario; joint: of joint tasks.

    unreadable: documents of it that cannot be read; the rest is as if they were not there.
    """

    plan: Plan
    state: RunState
    outcomes: dict[AssetId, dict[ScenarioId, ScenarioOutcome]]
    joint: dict[AssetId, JointOutcome]
    unreadable: tuple[Unreadable, ...] = ()


def newest_run(documents: Documents | Transaction, market: MarketId, day: date) -> RunId | None:
    """Return the newest revision of a market's delivery day, None where none was planned."""
    stored = documents.get(paths.day(market, day))
    return None if stored is None else RunId.parse(stored["newest"])


def read_run(documents: Documents, run: RunId) -> RunView:
    """Return a run with all its records that can be read; raise NotFound where there is none."""
    plan, readable = plan_of(documents, run), Readable(documents)
    outcomes = {
        asset.asset: readable_outcomes(readable, run, asset.asset, asset.scenarios)
        for asset in plan.assets
    }
    return view_of(readable, plan, outcomes)


def view_of(
    readable: Readable, plan: Plan, outcomes: dict[AssetId, dict[ScenarioId, ScenarioOutcome]]
) -> RunView:
    """Return a run of which the outcomes are read already."""
    run, portfolio, areas = plan.run, plan.portfolio, plan.price_areas
    joint = {asset.asset: asset.joint.id for asset in plan.assets if asset.joint is not None}
    tasks = readable.each(JointOutcome, {of: paths.task(run, of, id_) for of, id_ in joint.items()})
    assets = readable.each(AssetRecord, {a.asset: paths.asset(run, a.asset) for a in plan.assets})
    bids = readable.each(AreaRecord, {area: paths.area(run, portfolio, area) for area in areas})
    orders = readable.each(OrderRecord, {area: paths.order(run, portfolio, area) for area in areas})
    count = sum(map(len, outcomes.values())) + len(tasks)
    state = run_state(plan, count, assets, bids, orders)
    return RunView(assets, bids, orders, plan, state, outcomes, tasks, readable.unreadable)


def finished_state(plan: Plan, records: Records) -> RunState | None:
    """Return the state of a run that is finished, None while it is not; takes no outcomes."""
    # Without outcomes only an unfinished run's state could be another than it is.
    state = run_state(plan, 0, records.assets, records.areas, records.orders)
    return state if state.finished else None


def read_records(documents: Documents, plan: Plan) -> Records:
    """Return the records of a run's assets, areas and orders that exist and can be read.

    Whoever works on one that cannot meets it, and tells.
    """
    names = [asset.asset for asset in plan.assets]
    areas = plan.price_areas
    stored = iter(
        documents.get_many(
            [
                *(paths.asset(plan.run, asset) for asset in names),
                *(paths.area(plan.run, plan.portfolio, area) for area in areas),
                *(paths.order(plan.run, plan.portfolio, area) for area in areas),
            ]
        )
    )
    return Records(
        {name: asset for name in names if (asset := readable_record(AssetRecord, next(stored)))},
        {area: bid for area in areas if (bid := readable_record(AreaRecord, next(stored)))},
        {area: order for area in areas if (order := readable_record(OrderRecord, next(stored)))},
    )


def readable_record(kind: type[R], stored: Document | None) -> R | None:
    """Return a record, None where there is none or it cannot be read."""
    try:
        return None if stored is None else kind.from_document(stored)
    except CorruptDocument:
        return None


def read_outcomes(
    documents: Documents, run: RunId, asset: AssetId, scenarios: Sequence[ScenarioId]
) -> dict[ScenarioId, ScenarioOutcome]:
    """Return the outcomes that exist of the given scenarios and can be read."""
    outcomes, _ = find_outcomes(documents, run, asset, scenarios)
    return outcomes


def find_outcomes(
    documents: Documents, run: RunId, asset: AssetId, scenarios: Sequence[ScenarioId]
) -> tuple[dict[ScenarioId, ScenarioOutcome], tuple[ScenarioId, ...]]:
    """Return the outcomes of the given scenarios that can be read, and whose cannot be.

    One that a newer release has written is no reason to do without the others.
    """
    readable = Readable(documents)
    outcomes = readable_outcomes(readable, run, asset, scenarios)
    broken = {found.path for found in readable.unreadable}
    return outcomes, tuple(s for s in scenarios if paths.scenario(run, asset, s) in broken)


def readable_outcomes(
    readable: Readable, run: RunId, asset: AssetId, scenarios: Sequence[ScenarioId]
) -> dict[ScenarioId, ScenarioOutcome]:
    """Return the outcomes of the given scenarios that exist and can be read."""
    return readable.each(ScenarioOutcome, {s: paths.scenario(run, asset, s) for s in scenarios})


def solved_content(documents: Documents, plan: Plan, digest: str) -> dict[str, Any] | None:
    """Return what a solver found for a run, None where it is gone and was not to be kept for ever.

    Raises:
        NotFound: it is gone all the same. CorruptDocument: it does not match its digest.
    """
    try:
        found: dict[str, Any] = get_blob(documents, digest)
    except NotFound:
        if plan.kept_until is None:
            raise
        return None
    return found


def run_events(documents: Documents, run: RunId) -> list[Event]:
    """Return a run's events in order of time, then of entity and version.

    Those that cannot be read are left out: `trail_faults` names them.
    """
    return readable_events(Readable(documents), run)


def readable_events(readable: Readable, run: RunId) -> list[Event]:
    """Return a run's events that can be read, in order of time, then of entity and version."""
    events = readable.found(Event, paths.EVENTS, run=str(run))
    return sorted(events, key=lambda event: (event.at, event.entity, event.version))


def trail_faults(documents: Documents, run: RunId) -> list[str]:
    """Return what is wrong with a run's events: changed, lost or out of order; empty when sound.

    Of each document the newest event has to be there and be the one that it was written with. The
    chain of an order runs over all revisions of its day, and is read whole. Times are not checked.

    Raises:
        NotFound: no such run. CorruptDocument: its plan cannot be read.
    """
    plan, readable = plan_of(documents, run), Readable(documents)
    # Before the events: a document that is written meanwhile only has more of them.
    heads = _heads(documents, plan)
    chains = _by_entity(readable.found(Event, paths.EVENTS, run=str(run)))
    own = paths.entity_of(paths.run(run))
    for entity in {*chains, *heads}:
        if entity != own and not entity.startswith(f"{own}:"):
            chains[entity] = readable.found(Event, paths.EVENTS, entity=entity)
    faults = [f"{each.path}: cannot be read: {each.why}" for each in readable.unreadable]
    for entity in sorted({own, *chains, *heads}):
        chain = sorted(chains[entity], key=lambda event: event.version)
        faults.extend(chain_faults(chain))
        if entity in heads:
            faults.extend(head_faults(entity, *heads[entity], chain))
    return [*faults, *_plan_faults(plan, chains[own])]


def _by_entity(events: Iterable[Event]) -> defaultdict[str, list[Event]]:
    chains: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        chains[event.entity].append(event)
    return chains


def _heads(documents: Documents, plan: Plan) -> dict[str, tuple[object, object]]:
    """Return the version and the head of the chain of each document that a run has a part in."""
    run, portfolio = plan.run, plan.portfolio
    shared = [paths.order(run, portfolio, area) for area in plan.price_areas]
    shared += [paths.result(run.market, run.day, portfolio, area) for area in plan.price_areas]
    stored = dict(zip(shared, documents.get_many(shared), strict=True))
    for collection in paths.recorded(run):
        found = documents.find(collection)
        stored.update({f"{collection}/{name}": found[name] for name in found})
    return {
        paths.entity_of(path): (document.get("version"), document.get("chain"))
        for path, document in stored.items()
        if document is not None
    }


def _plan_faults(plan: Plan, events: Sequence[Event]) -> list[str]:
    """Return whether a plan's event is lost, or tells of other inputs; a plan has no chain."""
    entity = paths.entity_of(paths.run(plan.run))
    if not events:
        return [f"{entity}: its event of version 1 is not there"]
    told = events[0].data.get("inputs")
    if told != plan.inputs.to_document():
        return [f"{events[0].id}: tells of other inputs than its plan has"]
    return []


def run_alerts(documents: Documents, run: RunId) -> list[Alert]:
    """Return a run's alerts in order of time; raise CorruptDocument where one cannot be read."""
    alerts = map(Alert.from_document, documents.find(paths.ALERTS, run=str(run)).values())
    return _in_order(alerts)


def readable_alerts(readable: Readable, run: RunId) -> list[Alert]:
    """Return a run's alerts that can be read, in order of time."""
    return _in_order(readable.found(Alert, paths.ALERTS, run=str(run)))


def _in_order(alerts: Iterable[Alert]) -> list[Alert]:
    return sorted(alerts, key=lambda alert: (alert.at, alert.id))
