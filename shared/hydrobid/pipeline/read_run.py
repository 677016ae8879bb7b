"""A run as its documents tell it: for screens, reports and whoever must know whether it is done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from hydrobid.domain.errors import NotFound
from hydrobid.domain.events import Event, chain_faults
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
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.readable import Readable, Unreadable
from hydrobid.pipeline.run_inputs import plan_of


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


def newest_run(documents: Documents, market: MarketId, day: date) -> RunId | None:
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
    """Return the records that exist of a run's assets, areas and orders."""
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
        {name: AssetRecord.from_document(d) for name in names if (d := next(stored))},
        {area: AreaRecord.from_document(d) for area in areas if (d := next(stored))},
        {area: OrderRecord.from_document(d) for area in areas if (d := next(stored))},
    )


def read_outcomes(
    documents: Documents, run: RunId, asset: AssetId, scenarios: Sequence[ScenarioId]
) -> dict[ScenarioId, ScenarioOutcome]:
    """Return the outcomes that exist of the given scenarios."""
    stored = documents.get_many([paths.scenario(run, asset, scenario) for scenario in scenarios])
    return {
        scenario: ScenarioOutcome.from_document(document)
        for scenario, document in zip(scenarios, stored, strict=True)
        if document is not None
    }


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

    Those that cannot be read are left out: `run_faults` names them.
    """
    return readable_events(Readable(documents), run)


def readable_events(readable: Readable, run: RunId) -> list[Event]:
    """Return a run's events that can be read, in order of time, then of entity and version."""
    events = readable.found(Event, paths.EVENTS, run=str(run))
    return sorted(events, key=lambda event: (event.at, event.entity, event.version))


def trail_faults(documents: Documents, events: Iterable[Event]) -> list[str]:
    """Return what is wrong with the chains that the given events belong to; empty when sound.

    An order's chain runs over all revisions of its day, so each entity's chain is read whole.
    """
    faults = []
    for entity in sorted({event.entity for event in events}):
        chain = map(Event.from_document, documents.find(paths.EVENTS, entity=entity).values())
        faults.extend(chain_faults(sorted(chain, key=lambda event: event.version)))
    return faults


def run_alerts(documents: Documents, run: RunId) -> list[Alert]:
    """Return a run's alerts in order of time; raise CorruptDocument where one cannot be read."""
    alerts = map(Alert.from_document, documents.find(paths.ALERTS, run=str(run)).values())
    return _in_order(alerts)


def readable_alerts(readable: Readable, run: RunId) -> list[Alert]:
    """Return a run's alerts that can be read, in order of time."""
    return _in_order(readable.found(Alert, paths.ALERTS, run=str(run)))


def _in_order(alerts: Iterable[Alert]) -> list[Alert]:
    return sorted(alerts, key=lambda alert: (alert.at, alert.id))
