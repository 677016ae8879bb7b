"""The trail of a run: its events and the tries at its tasks, found by what they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from hydrobid.domain.canonical import rounded
from hydrobid.domain.events import Event
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.plan import AssetPlan, Plan, Task
from hydrobid.domain.records import Attempt
from hydrobid.pipeline import paths
from hydrobid.pipeline.read_run import readable_events
from hydrobid.pipeline.readable import Readable

SECONDS_DECIMALS = 3
CHANGE = "area-overridden"
MERGES = ("area-validated", "area-refused")
DECISIONS = ("area-approved", "area-rejected", "area-expired")


@dataclass(frozen=True)
class Trail:
    """What happened in a run. events: of each entity, by version. attempts: of each task.

    An order's events are those of all revisions of its day: what stands for one may have been sent
    for another.
    """

    plan: Plan
    events: Mapping[str, Sequence[Event]]
    attempts: Mapping[str, Sequence[Attempt]]

    @classmethod
    def read(cls, readable: Readable, plan: Plan) -> Trail:
        """Return the trail that a run has left so far."""
        events = sorted(readable_events(readable, plan.run), key=lambda e: (e.entity, e.version))
        orders = [
            paths.entity_of(paths.order(plan.run, plan.portfolio, area))
            for area in plan.price_areas
        ]
        stored = readable.found(Attempt, paths.attempts(plan.run))
        attempts = sorted(stored, key=lambda a: (a.task, a.number))
        return cls(
            plan,
            {
                **{entity: tuple(own) for entity, own in groupby(events, lambda e: e.entity)},
                **{order: _chain(readable, order) for order in orders},
            },
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

    def changes_of(self, area: PriceArea) -> list[Event]:
        """Return the events of a price area's total bid in which people changed it."""
        return [event for event in self.of_area(area) if event.type == CHANGE]

    def bid_made(self, area: PriceArea, bid_version: int) -> Event | None:
        """Return the event that made a version of an area's bid: a merge, or a person's change."""
        made = (e for e in self.of_area(area) if e.type in (*MERGES, CHANGE))
        return next((e for e in made if e.data["bid_version"] == bid_version), None)

    def decisions_on(self, area: PriceArea) -> list[Event]:
        """Return the events in which people, or a policy in their place, decided on a bid."""
        return [event for event in self.of_area(area) if event.type in DECISIONS]

    def of_order(self, area: PriceArea) -> Sequence[Event]:
        """Return the events of a price area's order, whichever run's bid brought them about."""
        return self.of(paths.order(self.plan.run, self.plan.portfolio, area))

    def of_outcomes(self, asset: AssetPlan) -> dict[ScenarioId, Event]:
        """Return the event of each scenario that has an outcome."""
        found = {s: self.of(paths.scenario(self.plan.run, asset.asset, s)) for s in asset.scenarios}
        return {scenario: events[0] for scenario, events in found.items() if events}

    def of_joint(self, asset: AssetPlan) -> Event | None:
        """Return the event of the outcome of an asset's joint task, None where there is none."""
        if asset.joint is None:
            return None
        return latest(self.of(paths.task(self.plan.run, asset.asset, asset.joint.id)))

    def attempts_at(self, asset: AssetPlan, task: Task) -> Sequence[Attempt]:
        """Return the log of tries at a task, oldest first."""
        return self.attempts.get(f"{asset.asset}~{task.id}", ())

    def ends_of(self, asset: AssetPlan, until: datetime | None = None) -> list[Event]:
        """Return the event of each outcome that an asset's tasks came to, a joint task's too."""
        ends = [*self.of_outcomes(asset).values(), self.of_joint(asset)]
        return [end for end in ends if end is not None and (until is None or end.at <= until)]

    def ends_wanted(self, asset: AssetPlan) -> int:
        """Return how many outcomes an asset's tasks come to once all have ended."""
        return len(asset.scenarios) + (asset.joint is not None)

    def waited_until(self, asset: AssetPlan, settled: Event) -> datetime | None:
        """Return the cut-off until which an asset waited for outcomes that had not come by then.

        None where it was not settled by a cut-off, or where none was absent.
        """
        cut_offs = self.plan.cut_offs.from_now(self.plan.planned_at)
        by_cause = {
            "cut-off": cut_offs.solve,
            "approval-cut-off": cut_offs.approval,
            "submission-cut-off": cut_offs.submission,
        }
        cut_off = by_cause.get(settled.data["cause"])
        if cut_off is None or len(self.ends_of(asset, settled.at)) == self.ends_wanted(asset):
            return None
        return min(cut_off, settled.at)

    def asset_that_completed(self, merged: Event) -> Event | None:
        """Return the last event of the assets in an area's bid, None where none is in it."""
        versions = merged.data["assets"]
        return latest(
            event
            for asset in self.plan.assets
            for event in self.of_asset(asset)
            if versions.get(asset.asset) == event.version
        )


def _chain(readable: Readable, entity: str) -> tuple[Event, ...]:
    events = readable.found(Event, paths.EVENTS, entity=entity)
    return tuple(sorted(events, key=lambda event: event.version))


def latest(events: Iterable[Event], until: datetime | None = None) -> Event | None:
    """Return the last of some events, None where there is none; those of one instant by entity."""
    known = (event for event in events if until is None or event.at <= until)
    return max(known, key=lambda event: (event.at, event.entity, event.version), default=None)


def seconds_between(began: datetime, ended: datetime) -> float:
    """Return a span of market time in seconds, to the millisecond."""
    return rounded((ended - began).total_seconds(), SECONDS_DECIMALS)
