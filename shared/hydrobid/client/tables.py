"""What a run holds, as tables of plain columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from hydrobid.client.frames import Table
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import AssetId
from hydrobid.domain.results import AuctionResult
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.read_run import RunView, run_alerts, run_events
from hydrobid.pipeline.run_inputs import asset_inputs, asset_plan, configuration_in

Columns = dict[str, list[Any]]


def curves_table(matrix: BidMatrix) -> Table:
    """Return a bid's points: start, price (currency per MWh), volume (MW, generation-positive)."""
    columns: Columns = {"start": [], "price": [], "volume": []}
    for start, curve in zip(matrix.grid.starts(), matrix.curves, strict=True):
        columns["start"] += [start] * len(curve.ticks)
        columns["price"] += [matrix.price(tick) for tick in curve.ticks]
        columns["volume"] += [matrix.volume(lot) for lot in curve.lots]
    return columns


def schedules_table(documents: Documents, view: RunView) -> Table:
    """Return what solved scenarios sell: asset, scenario, start, volume (MW, generation-positive)."""
    columns: Columns = {"asset": [], "scenario": [], "start": [], "volume": []}
    starts = configuration_in(documents, view.plan).market.grid(view.plan.run.day).starts()
    for asset, outcomes in view.outcomes.items():
        for scenario, outcome in outcomes.items():
            if outcome.volumes is None:
                continue
            columns["asset"] += [str(asset)] * len(starts)
            columns["scenario"] += [str(scenario)] * len(starts)
            columns["start"] += starts
            columns["volume"] += list(outcome.volumes)
    return columns


def prices_table(documents: Documents, view: RunView, asset: AssetId) -> Table:
    """Return the scenarios that an asset is solved on.

    scenario, probability, start, price (currency per MWh in its price area).
    """
    plan = view.plan
    configuration, own, scenarios = asset_inputs(documents, plan, asset_plan(plan, asset))
    starts = configuration.market.grid(plan.run.day).starts()
    columns: Columns = {"scenario": [], "probability": [], "start": [], "price": []}
    for scenario in scenarios.ids:
        columns["scenario"] += [str(scenario)] * len(starts)
        columns["probability"] += [scenarios.probability_of(scenario)] * len(starts)
        columns["start"] += starts
        columns["price"] += scenarios.prices_of(own.price_area, scenario).tolist()
    return columns


def outcomes_table(_documents: Documents, view: RunView) -> Table:
    """Return how each scenario ended: asset, scenario, state, termination, objective (currency)."""
    columns: Columns = {
        "asset": [],
        "scenario": [],
        "state": [],
        "termination": [],
        "objective": [],
    }
    for asset, outcomes in view.outcomes.items():
        for scenario, outcome in outcomes.items():
            columns["asset"].append(str(asset))
            columns["scenario"].append(str(scenario))
            columns["state"].append(str(outcome.state))
            columns["termination"].append(outcome.termination)
            columns["objective"].append(outcome.objective.get("total"))
    return columns


def events_table(documents: Documents, view: RunView) -> Table:
    """Return a run's trail: at (market time), type, actor, entity, version."""
    columns: Columns = defaultdict(list)
    for event in run_events(documents, view.plan.run):
        for name in ("at", "type", "actor", "entity", "version"):
            columns[name].append(getattr(event, name))
    return dict(columns)


def alerts_table(documents: Documents, view: RunView) -> Table:
    """Return a run's alerts: at, severity, code, subject, message, resolved (None while open)."""
    names = ("at", "severity", "code", "subject", "message", "resolved")
    columns: Columns = {name: [] for name in names}
    for alert in run_alerts(documents, view.plan.run):
        for name in names:
            value = getattr(alert, name)
            columns[name].append(str(value) if name in ("severity", "code") else value)
    return columns


def results_table(result: AuctionResult) -> Table:
    """Return what an auction came to: start, price (currency per MWh), volume (MW sold)."""
    published = result.published
    return {
        "start": published.grid.starts(),
        "price": list(published.prices),
        "volume": list(published.volumes),
    }


def stored_matrix(documents: Documents, digest: str) -> BidMatrix:
    """Return the bid of a digest."""
    return BidMatrix.from_document(get_blob(documents, digest))


OF_RUNS: Mapping[str, Callable[[Documents, RunView], Table]] = {
    "schedules": schedules_table,
    "outcomes": outcomes_table,
    "events": events_table,
    "alerts": alerts_table,
}
"""The tables of a whole run, by name."""
