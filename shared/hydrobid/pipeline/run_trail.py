"""A run's events in the order of time: how long each stage took, and what the end waited for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from hydrobid.domain.base import Value
from hydrobid.domain.canonical import rounded
from hydrobid.domain.events import Event
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.domain.records import Attempt
from hydrobid.domain.time import utc_text
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.read_run import run_events

SECONDS_DECIMALS = 3
ORDER_ENDS = ("order-standing", "order-refused", "order-closed")


class StageSpan(Value):
    """One stage, from the first beginning to the last end of its parts, in market time.

    parts: how many tasks, assets, bids or orders it had. slowest: the part that took longest.
    """

    stage: str
    began: datetime
    ended: datetime
    seconds: float
    parts: int
    slowest: str
    slowest_seconds: float


class Step(Value):
    """One link of the critical path. seconds: since the link before it; 0 for the first."""

    at: datetime
    seconds: float
    stage: str
    subject: str
    what: str


@dataclass(frozen=True)
class Trail:
    """What happened in a run. events: of each entity, by version. attempts: of each task."""

    plan: Plan
    events: Mapping[str, Sequence[Event]]
    attempts: Mapping[str, Sequence[Attempt]]

    @classmethod
    def read(cls, documents: Documents, plan: Plan) -> Trail:
        """Return the trail that a run has left so far."""
        events = sorted(run_events(documents, plan.run), key=lambda e: (e.entity, e.version))
        stored = map(Attempt.from_document, documents.find(paths.attempts(plan.run)).values())
        attempts = sorted(stored, key=lambda a: (a.task, a.number))
        return cls(
            plan,
            {entity: tuple(own) for entity, own in groupby(events, lambda e: e.entity)},
            {task: tuple(own) for task, own in groupby(attempts, lambda a: a.task)},
        )

    def of(self, path: str) -> Sequence[Event]:
        """Return the events of the document at a path, oldest first."""
        return self.events.get(paths.entity_of(path), ())

    def of_asset(self, asset: AssetPlan) -> Sequence[Event]:
        """Return the events of an asset's partial bid."""
        return self.of(paths.asset(self.plan.run, asset.asset))

    def of_area(self, area: PriceArea) -> Sequence[Event]:
        """Return the events of a price area's total bid."""
        return self.of(paths.area(self.plan.run, self.plan.portfolio, area))

    def of_order(self, area: PriceArea) -> Sequence[Event]:
        """Return the events of a price area's order that this run's bid brought about."""
        return self.of(paths.order(self.plan.run, self.plan.portfolio, area))

    def of_outcomes(self, asset: AssetPlan) -> dict[ScenarioId, Event]:
        """Return the event of each scenario that has an outcome."""
        found = {s: self.of(paths.scenario(self.plan.run, asset.asset, s)) for s in asset.scenarios}
        return {scenario: events[0] for scenario, events in found.items() if events}


@dataclass(frozen=True)
class _Part:
    subject: str
    began: datetime
    ended: datetime

    @property
    def seconds(self) -> float:
        return _seconds(self.began, self.ended)


def stage_spans(trail: Trail) -> tuple[StageSpan, ...]:
    """Return the stages that have begun, in the order in which a bid passes them."""
    stages = {
        "solve": _solves(trail),
        "aggregate": _aggregations(trail),
        "merge": _merges(trail),
        "submit": _submissions(trail),
    }
    spans = (_span(stage, tuple(parts)) for stage, parts in stages.items())
    return tuple(span for span in spans if span is not None)


def _span(stage: str, parts: Sequence[_Part]) -> StageSpan | None:
    if not parts:
        return None
    began, ended = min(part.began for part in parts), max(part.ended for part in parts)
    slowest = max(parts, key=lambda part: (part.seconds, part.subject))
    return StageSpan(
        stage=stage,
        began=began,
        ended=ended,
        seconds=_seconds(began, ended),
        parts=len(parts),
        slowest=slowest.subject,
        slowest_seconds=slowest.seconds,
    )


def _solves(trail: Trail) -> Iterator[_Part]:
    """Each task that was begun, to its last outcome or sign of life."""
    for asset in trail.plan.assets:
        outcomes = trail.of_outcomes(asset)
        for task in asset.tasks:
            attempts = trail.attempts.get(f"{asset.asset}~{task.id}", ())
            ends = [outcomes[scenario].at for scenario in task.scenarios if scenario in outcomes]
            ends += [attempt.ended or attempt.started for attempt in attempts]
            if attempts:
                yield _Part(f"{asset.asset}~{task.id}", attempts[0].started, max(ends))


def _aggregations(trail: Trail) -> Iterator[_Part]:
    """Each version of an asset, from the last outcome before it."""
    for asset in trail.plan.assets:
        outcomes = trail.of_outcomes(asset).values()
        for settled in trail.of_asset(asset):
            began = _latest_before(settled, outcomes)
            yield _Part(asset.asset, began.at if began else trail.plan.planned_at, settled.at)


def _merges(trail: Trail) -> Iterator[_Part]:
    """Each version of an area's bid, from the last asset that went into it."""
    for area in trail.plan.price_areas:
        for merged in trail.of_area(area):
            last = last_asset(trail, merged)
            if last is not None:
                yield _Part(area, last.at, merged.at)


def _submissions(trail: Trail) -> Iterator[_Part]:
    """Each bid that an order was to hold, until it stood, was refused or was closed."""
    for area in trail.plan.price_areas:
        wanted: Event | None = None
        for event in trail.of_order(area):
            if event.type == "order-wanted":
                wanted = event
            elif event.type in ORDER_ENDS and wanted is not None:
                yield _Part(area, wanted.at, event.at)
                wanted = None


def last_asset(trail: Trail, merged: Event) -> Event | None:
    """Return the event of the asset that an area's bid waited for, None where none is in it."""
    versions = merged.data["assets"]
    settled = (
        event
        for asset in trail.plan.assets
        for event in trail.of_asset(asset)
        if versions.get(asset.asset) == event.version
    )
    return max(settled, key=_when, default=None)


def _latest_before(event: Event, candidates: Iterable[Event]) -> Event | None:
    return max((c for c in candidates if c.at <= event.at), key=_when, default=None)


def _when(event: Event) -> tuple[datetime, str]:
    return event.at, event.entity


def _seconds(began: datetime, ended: datetime) -> float:
    return rounded((ended - began).total_seconds(), SECONDS_DECIMALS)
