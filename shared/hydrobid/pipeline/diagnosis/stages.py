"""How long each stage of a run took, and which of its parts took longest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from hydrobid.domain.base import Value
from hydrobid.domain.events import Event
from hydrobid.pipeline.diagnosis.trail import Trail, latest, seconds_between

ORDER_ENDS = ("order-standing", "order-refused", "order-withdrawn", "order-closed")


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


@dataclass(frozen=True)
class _Part:
    subject: str
    began: datetime
    ended: datetime

    @property
    def seconds(self) -> float:
        return seconds_between(self.began, self.ended)


def stage_spans(trail: Trail) -> tuple[StageSpan, ...]:
    """Return the stages that have begun, in the order in which a bid passes them."""
    stages = {
        "solve": _solves(trail),
        "aggregate": _aggregations(trail),
        "merge": _merges(trail),
        "approve": _approvals(trail),
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
        seconds=seconds_between(began, ended),
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
            began = latest(outcomes, until=settled.at)
            yield _Part(asset.asset, began.at if began else trail.plan.planned_at, settled.at)


def _merges(trail: Trail) -> Iterator[_Part]:
    """Each version of an area's bid, from the last asset that went into it."""
    for area in trail.plan.price_areas:
        for merged in trail.merges_of(area):
            last = trail.asset_that_completed(merged)
            if last is not None:
                yield _Part(area, last.at, merged.at)


def _approvals(trail: Trail) -> Iterator[_Part]:
    """Each bid that waited for people, from when it was made or changed to their decision."""
    for area in trail.plan.price_areas:
        for decided in trail.decisions_on(area):
            version = decided.data["bid_version"]
            made = next(e for e in trail.of_area(area) if e.data["bid_version"] == version)
            yield _Part(area, made.at, decided.at)


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
