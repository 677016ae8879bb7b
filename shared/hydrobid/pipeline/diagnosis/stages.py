"""How long each stage of a run took, and which of its parts took longest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from hydrobid.domain.base import Value
from hydrobid.pipeline.diagnosis.orders import order_ends
from hydrobid.pipeline.diagnosis.trail import Trail, latest, seconds_between


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
        "change": _changes(trail),
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
    """Each task that was begun, to its last outcome or sign of life.

    One with outcomes that a cut-off did without was waited for until then, also if never begun.
    """
    for asset in trail.plan.assets:
        outcomes, joint = trail.of_outcomes(asset), trail.of_joint(asset)
        waits = [trail.waited_until(asset, settled) for settled in trail.of_asset(asset)]
        cut_off = next((until for until in waits if until is not None), None)
        tries = {task.id: trail.attempts_at(asset, task) for task in asset.tasks}
        first = min((own[0].started for own in tries.values() if own), default=None)
        for task in asset.tasks:
            own = tries[task.id]
            ends = [joint] if task.kind == "joint" else [*map(outcomes.get, task.scenarios)]
            signs = [end.at for end in ends if end is not None]
            signs += [attempt.ended or attempt.started for attempt in own]
            awaited = cut_off is not None and any(e is None or e.at > cut_off for e in ends)
            if cut_off is not None and awaited:
                signs.append(cut_off)
            if own or awaited:
                began = own[0].started if own else first or trail.plan.planned_at
                yield _Part(f"{asset.asset}~{task.id}", began, max(began, *signs))


def _aggregations(trail: Trail) -> Iterator[_Part]:
    """Each version of an asset, from the last outcome before it, or the cut-off that settled it."""
    for asset in trail.plan.assets:
        for settled in trail.of_asset(asset):
            last = latest(trail.ends_of(asset, settled.at))
            began = [trail.plan.planned_at if last is None else last.at]
            began += [until] if (until := trail.waited_until(asset, settled)) else []
            yield _Part(asset.asset, max(began), settled.at)


def _merges(trail: Trail) -> Iterator[_Part]:
    """Each version of an area's bid, from the last asset that went into it."""
    for area in trail.plan.price_areas:
        for merged in trail.merges_of(area):
            last = trail.asset_that_completed(merged)
            if last is not None:
                yield _Part(area, last.at, merged.at)


def _changes(trail: Trail) -> Iterator[_Part]:
    """Each bid as people have changed it, from when what they changed was made."""
    for area in trail.plan.price_areas:
        for changed in trail.changes_of(area):
            made = trail.bid_made(area, changed.data["bid_version"] - 1)
            if made is not None:
                yield _Part(area, made.at, changed.at)


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
        for first, *_ in filter(None, order_ends(trail, area)):
            yield _Part(area, first.wanted.at, first.at)
