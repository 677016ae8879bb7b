"""A run as its documents tell it: for screens, reports and whoever must know whether it is done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self, TypeVar

from hydrobid.domain.base import Record
from hydrobid.domain.errors import CorruptDocument, NotFound
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
from hydrobid.pipeline.ports import Document, Documents, Transaction
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
    """A run with everything but its contents. outcomes: by asset and scenario; joint: of joint tasks."""

    plan: Plan
    state: RunState
    outcomes: dict[AssetId, dict[ScenarioId, ScenarioOutcome]]
    joint: dict[AssetId, JointOutcome]

    @classmethod
    def of(
        cls,
        plan: Plan,
        records: Records,
        outcomes: dict[AssetId, dict[ScenarioId, ScenarioOutcome]],
        joint: dict[AssetId, JointOutcome],
    ) -> Self:
        """Return a run of its parts."""
        count = sum(map(len, outcomes.values())) + len(joint)
        state = run_state(plan, count, records.assets, records.areas, records.orders)
        return cls(records.assets, records.areas, records.orders, plan, state, outcomes, joint)


def newest_run(documents: Documents | Transaction, market: MarketId, day: date) -> RunId | None:
    """Return the newest revision of a market's delivery day, None where none was planned."""
    stored = documents.get(paths.day(market, day))
    return None if stored is None else RunId.parse(stored["newest"])


def read_run(documents: Documents, run: RunId) -> RunView:
    """Return a run with all its records; raise NotFound where there is none."""
    plan = plan_of(documents, run)
    outcomes = {
        asset.asset: read_outcomes(documents, run, asset.asset, asset.scenarios)
        for asset in plan.assets
    }
    return RunView.of(plan, read_records(documents, plan), outcomes, read_joint(documents, plan))


def finished_state(plan: Plan, records: Records) -> RunState | None:
    """Return the state of a run that is finished, None while it is not; takes no outcomes."""
    # Without outcomes only an unfinished run's state could be another than it is.
    state = run_state(plan, 0, records.assets, records.areas, records.orders)
    return state if state.finished else None


def read_records(documents: Documents, plan: Plan, *, readable: bool = False) -> Records:
    """Return the records that exist of a run's assets, areas and orders.

    readable: whether one that cannot be read is left out: whoever works on it meets it, and tells.

    Raises:
        CorruptDocument: one of them cannot be read, where it is not to be left out.
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
    read = readable_record if readable else _record
    return Records(
        {name: asset for name in names if (asset := read(AssetRecord, next(stored)))},
        {area: bid for area in areas if (bid := read(AreaRecord, next(stored)))},
        {area: order for area in areas if (order := read(OrderRecord, next(stored)))},
    )


def _record(kind: type[R], stored: Document | None) -> R | None:
    return None if stored is None else kind.from_document(stored)


def readable_record(kind: type[R], stored: Document | None) -> R | None:
    """Return a record, None where there is none or it cannot be read."""
    try:
        return _record(kind, stored)
    except CorruptDocument:
        return None


def read_joint(documents: Documents, plan: Plan) -> dict[AssetId, JointOutcome]:
    """Return the outcomes that exist of a plan's joint tasks."""
    tasks = {asset.asset: asset.joint.id for asset in plan.assets if asset.joint is not None}
    stored = documents.get_many([paths.task(plan.run, *task) for task in tasks.items()])
    return {
        asset: JointOutcome.from_document(document)
        for asset, document in zip(tasks, stored, strict=True)
        if document is not None
    }


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
    stored = documents.get_many([paths.scenario(run, asset, scenario) for scenario in scenarios])
    outcomes: dict[ScenarioId, ScenarioOutcome] = {}
    unreadable: list[ScenarioId] = []
    for scenario, document in zip(scenarios, stored, strict=True):
        if document is None:
            continue
        try:
            outcomes[scenario] = ScenarioOutcome.from_document(document)
        except CorruptDocument:
            unreadable.append(scenario)
    return outcomes, tuple(unreadable)


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
    """Return a run's events in order of time, then of entity and version."""
    events = map(Event.from_document, documents.find(paths.EVENTS, run=str(run)).values())
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
    """Return a run's alerts in order of time."""
    alerts = map(Alert.from_document, documents.find(paths.ALERTS, run=str(run)).values())
    return sorted(alerts, key=lambda alert: (alert.at, alert.id))
