"""The trail of a run: its events and the tries at its tasks, found by what they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from hydrobid.domain.canonical import rounded
from hydrobid.domain.events import Event
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.domain.records import Attempt
from hydrobid.pipeline import paths
from hydrobid.pipeline.read_run import readable_events
from hydrobid.pipeline.readable import Readable

SECONDS_DECIMALS = 3
MERGES = ("area-validated", "area-refused")
DECISIONS = ("area-approved", "area-rejected", "area-expired")


@dataclass(frozen=True)
class Trail:
    """What happened in a run. events: of each entity, by version. attempts: of each task."""

    plan: Plan
    events: Mapping[str, Sequence[Event]]
    attempts: Mapping[str, Sequence[Attempt]]

    @classmethod
    def read(cls, readable: Readable, plan: Plan) -> Trail:
        """Return the trail that a run has left so far."""
        events = sorted(readable_events(readable, plan.run), key=lambda e: (e.entity, e.version))
        stored = readable.found(Attempt, paths.attempts(plan.run))
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
        """Return the events of a price area's total bid: merges, changes and decisions."""
        return self.of(paths.area(self.plan.run, self.plan.portfolio, area))

    def merges_of(self, area: PriceArea) -> list[Event]:
        """Return the events of a price area's total bid that made it of its assets' bids."""
        return [event for event in self.of_area(area) if event.type in MERGES]

    def decisions_on(self, area: PriceArea) -> list[Event]:
        """Return the events in which people, or a policy in their place, decided on a bid."""
        return [event for event in self.of_area(area) if event.type in DECISIONS]

    def of_order(self, area: PriceArea) -> Sequence[Event]:
        """Return the events of a price area's order that this run's bid brought about."""
        return self.of(paths.order(self.plan.run, self.plan.portfolio, area))

    def of_outcomes(self, asset: AssetPlan) -> dict[ScenarioId, Event]:
        """Return the event of each scenario that has an outcome."""
        found = {s: self.of(paths.scenario(self.plan.run, asset.asset, s)) for s in asset.scenarios}
        return {scenario: events[0] for scenario, events in found.items() if events}

    def asset_that_completed(self, merged: Event) -> Event | None:
        """Return the last event of the assets in an area's bid, None where none is in it."""
        versions = merged.data["assets"]
        return latest(
            event
            for asset in self.plan.assets
            for event in self.of_asset(asset)
            if versions.get(asset.asset) == event.version
        )


def latest(events: Iterable[Event], until: datetime | None = None) -> Event | None:
    """Return the last of some events, None where there is none; those of one instant by entity."""
    known = (event for event in events if until is None or event.at <= until)
    return max(known, key=lambda event: (event.at, event.entity, event.version), default=None)


def seconds_between(began: datetime, ended: datetime) -> float:
    """Return a span of market time in seconds, to the millisecond."""
    return rounded((ended - began).total_seconds(), SECONDS_DECIMALS)
