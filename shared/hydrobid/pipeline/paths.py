"""Where each document of a client's database lies: the one place that spells a path."""

from __future__ import annotations

from datetime import date

from hydrobid.domain.benchmark import MethodTask
from hydrobid.domain.identifiers import (
    AssetId,
    Identifier,
    MarketId,
    Portfolio,
    PriceArea,
    RunId,
    ScenarioId,
    TaskId,
)
from hydrobid.domain.series import SeriesKind

INPUTS = "inputs/current"
ARRIVAL = "inputs/arrival"
PUBLICATIONS = "publications"
KILL_SWITCH = "desk/kill-switch"
ALERTS = "alerts"
EVENTS = "events"
ORDERS = "orders"
RESULTS = "results"
BENCHMARKS = "benchmarks"


def blob(digest: str, chunk: int) -> str:
    """One chunk of content that is named by its digest."""
    return f"blobs/{digest}~{chunk}"


def publication(kind: SeriesKind, digest: str) -> str:
    """One content of series that arrived."""
    return f"{PUBLICATIONS}/{kind}~{digest}"


def day(market: MarketId, delivery_day: date) -> str:
    """The newest revision of a market's delivery day."""
    return f"days/{market}~{delivery_day.isoformat()}"


def run(run_id: RunId) -> str:
    """The plan of a run."""
    return f"runs/{run_id}"


def executions(run_id: RunId) -> str:
    """The executions that wait for a run."""
    return f"runs/{run_id}/executions"


def execution(run_id: RunId, execution_id: Identifier) -> str:
    """One execution that waits for a run."""
    return f"{executions(run_id)}/{execution_id}"


def scenario(run_id: RunId, asset_id: AssetId, scenario_id: ScenarioId) -> str:
    """The outcome of one scenario."""
    return f"runs/{run_id}/scenarios/{asset_id}~{scenario_id}"


def task(run_id: RunId, asset_id: AssetId, task_id: TaskId) -> str:
    """The outcome of one joint task."""
    return f"runs/{run_id}/tasks/{asset_id}~{task_id}"


def attempts(run_id: RunId) -> str:
    """The log of tries at tasks."""
    return f"runs/{run_id}/attempts"


def asset(run_id: RunId, asset_id: AssetId) -> str:
    """The partial bid of an asset."""
    return f"runs/{run_id}/assets/{asset_id}"


def settling(run_id: RunId, asset_id: AssetId) -> str:
    """That an asset's settling was begun at a cut-off."""
    return f"runs/{run_id}/settling/{asset_id}"


def area(run_id: RunId, portfolio: Portfolio, price_area: PriceArea) -> str:
    """The total bid of a price area."""
    return f"runs/{run_id}/areas/{portfolio}~{price_area}"


def recorded(run_id: RunId) -> tuple[str, ...]:
    """The collections of a run whose documents are each written with an event."""
    kinds = ("scenarios", "tasks", "assets", "areas", "dryruns")
    return tuple(f"runs/{run_id}/{kind}" for kind in kinds)


def dry_run(run_id: RunId, portfolio: Portfolio, price_area: PriceArea) -> str:
    """The newest dry run of a price area's bid."""
    return f"runs/{run_id}/dryruns/{portfolio}~{price_area}"


def order(run_id: RunId, portfolio: Portfolio, price_area: PriceArea) -> str:
    """The order of a portfolio and area, one for all revisions of a market and day."""
    return f"{ORDERS}/{run_id.market}~{run_id.day.isoformat()}~{portfolio}~{price_area}~curve"


def result(market: MarketId, delivery_day: date, portfolio: Portfolio, area: PriceArea) -> str:
    """What an auction came to for a portfolio in a price area."""
    return f"{RESULTS}/{market}~{delivery_day.isoformat()}~{portfolio}~{area}"


def benchmark(market: MarketId, task: MethodTask) -> str:
    """What a bid method would have come to on a day."""
    return f"{BENCHMARKS}/{market}~{task.day.isoformat()}~{task.asset}~{task.method}"


def event(event_id: str) -> str:
    """One event."""
    return f"{EVENTS}/{event_id}"


def alert(alert_id: str) -> str:
    """One alert."""
    return f"{ALERTS}/{alert_id}"


def entity_of(path: str) -> str:
    """Return the name under which the events of the document at `path` are kept."""
    return path.replace("/", ":")


def rehearsal(auction: str, portfolio: Portfolio, area: PriceArea) -> str:
    """What stands at an auction in a rehearsal."""
    return f"rehearsal/{auction}~{portfolio}~{area}"
