"""A run as its documents tell it: for screens, reports and whoever must know whether it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from hydrobid.domain.base import Value
from hydrobid.domain.events import Event
from hydrobid.domain.identifiers import AssetId, MarketId, PriceArea, RunId
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import Alert, AreaRecord, AssetRecord, OrderRecord, ScenarioOutcome
from hydrobid.domain.run_state import run_state
from hydrobid.domain.states import RunState
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.run_inputs import plan_of


@dataclass(frozen=True)
class RunView:
    """Everything but the contents of a run. orders: those that stand for its market and day."""

    plan: Plan
    state: RunState
    outcomes: dict[AssetId, dict[str, ScenarioOutcome]]
    assets: dict[AssetId, AssetRecord]
    areas: dict[PriceArea, AreaRecord]
    orders: dict[PriceArea, OrderRecord] = field(default_factory=dict)


class Progress(Value):
    """Counts per asset: how many scenarios are planned, solved and failed."""

    planned: int
    solved: int
    failed: int


def newest_run(documents: Documents, market: MarketId, day: date) -> RunId | None:
    """Return the newest revision of a market's delivery day, None where none was planned."""
    stored = documents.get(paths.day(market, day))
    return None if stored is None else RunId.parse(stored["newest"])


def read_run(documents: Documents, run: RunId) -> RunView:
    """Return a run with all its records; raise NotFound where there is none."""
    plan = plan_of(documents, run)
    scenario_paths = {
        paths.scenario(run, asset.asset, scenario): (asset.asset, scenario)
        for asset in plan.assets
        for scenario in asset.scenarios
    }
    outcomes: dict[AssetId, dict[str, ScenarioOutcome]] = {a.asset: {} for a in plan.assets}
    stored = documents.get_many(list(scenario_paths))
    for (asset, scenario), document in zip(scenario_paths.values(), stored, strict=True):
        if document is not None:
            outcomes[asset][scenario] = ScenarioOutcome.from_document(document)
    assets, areas, orders = _records(documents, plan)
    count = sum(map(len, outcomes.values()))
    state = run_state(plan, count, assets, areas, orders)
    return RunView(plan, state, outcomes, assets, areas, orders)


def _records(
    documents: Documents, plan: Plan
) -> tuple[dict[AssetId, AssetRecord], dict[PriceArea, AreaRecord], dict[PriceArea, OrderRecord]]:
    names = [asset.asset for asset in plan.assets]
    areas = plan.price_areas
    stored = documents.get_many(
        [
            *(paths.asset(plan.run, asset) for asset in names),
            *(paths.area(plan.run, plan.portfolio, area) for area in areas),
            *(paths.order(plan.run, plan.portfolio, area) for area in areas),
        ]
    )
    assets = stored[: len(names)]
    bids = stored[len(names) : len(names) + len(areas)]
    orders = stored[len(names) + len(areas) :]
    return (
        {k: AssetRecord.from_document(v) for k, v in zip(names, assets, strict=True) if v},
        {k: AreaRecord.from_document(v) for k, v in zip(areas, bids, strict=True) if v},
        {k: OrderRecord.from_document(v) for k, v in zip(areas, orders, strict=True) if v},
    )


def run_events(documents: Documents, run: RunId) -> list[Event]:
    """Return a run's events in order of time, then of entity and version."""
    events = map(Event.from_document, documents.find(paths.EVENTS, run=str(run)).values())
    return sorted(events, key=lambda event: (event.at, event.entity, event.version))


def run_alerts(documents: Documents, run: RunId) -> list[Alert]:
    """Return a run's alerts in order of time."""
    alerts = map(Alert.from_document, documents.find(paths.ALERTS, run=str(run)).values())
    return sorted(alerts, key=lambda alert: (alert.at, alert.id))
