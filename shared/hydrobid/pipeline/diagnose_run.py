"""A run explained from its documents alone: how it went, what failed, and what that did to the bid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from hydrobid.domain.base import Value
from hydrobid.domain.identifiers import ClientId, PriceArea, RunId
from hydrobid.domain.position import Position
from hydrobid.domain.records import Alert
from hydrobid.domain.stages import CutOffs
from hydrobid.domain.states import RunState
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.diagnosis.critical_path import Step, critical_path
from hydrobid.pipeline.diagnosis.effect import AreaEffect, area_effect
from hydrobid.pipeline.diagnosis.evidence import Evidence
from hydrobid.pipeline.diagnosis.orders import end_of_order
from hydrobid.pipeline.diagnosis.outcomes import AssetOutcome, asset_outcome
from hydrobid.pipeline.diagnosis.stages import StageSpan, stage_spans
from hydrobid.pipeline.diagnosis.tasks import TaskHistory, TryEnd, task_histories
from hydrobid.pipeline.diagnosis.trail import seconds_between
from hydrobid.pipeline.diagnosis.waiting import waits_for
from hydrobid.pipeline.ports import Clock, Documents
from hydrobid.pipeline.readable import Unreadable


class Diagnosis(Value):
    """What the documents of a run tell; times are market time, money is in `currency`.

    stood: when the last of its orders was seen to stand as its newest decided bid wants it, None
    while one does not. spare_seconds: from then to the gate, negative after it. waits_for: what is
    still to come, in words, empty once the run is finished. expired: until when what was solved for
    it was kept, and the log of that; None while it is. unreadable: documents that cannot be read; the
    rest is as if they were not there. unknown: what cannot be told from the documents, in words.
    """

    client: ClientId
    run: RunId
    state: RunState
    currency: str
    planned_at: datetime
    cut_offs: CutOffs
    stood: datetime | None
    spare_seconds: float | None
    stages: tuple[StageSpan, ...]
    critical_path: tuple[Step, ...]
    waits_for: tuple[str, ...]
    tasks: tuple[TaskHistory, ...]
    assets: tuple[AssetOutcome, ...]
    areas: tuple[AreaEffect, ...]
    alerts: tuple[Alert, ...]
    expired: datetime | None
    unreadable: tuple[Unreadable, ...]
    unknown: tuple[str, ...]


def diagnose_run(documents: Documents, clock: Clock, run: RunId) -> Diagnosis:
    """Return what a run's documents tell of it, finished or not.

    Raises:
        NotFound: no such run. CorruptDocument: its plan or an input is not what it was.
    """
    evidence = Evidence.read(documents, run)
    plan, view = evidence.plan, evidence.view
    tasks = task_histories(evidence.trail)
    assets = tuple(
        asset_outcome(
            asset,
            view.assets.get(asset.asset),
            view.outcomes[asset.asset],
            evidence.scenarios_of(asset),
        )
        for asset in plan.assets
    )
    areas = tuple(area_effect(evidence, area) for area in plan.price_areas)
    stood = _stood(evidence)
    expired = plan.kept_until if plan.expired(clock.now()) else None
    return Diagnosis(
        client=plan.client,
        run=run,
        state=view.state,
        currency=evidence.configuration.market.currency,
        planned_at=plan.planned_at,
        cut_offs=plan.cut_offs,
        stood=stood,
        spare_seconds=None if stood is None else seconds_between(stood, plan.cut_offs.gate),
        stages=stage_spans(evidence.trail),
        critical_path=critical_path(evidence.trail),
        waits_for=waits_for(evidence),
        tasks=tasks,
        assets=assets,
        areas=areas,
        alerts=tuple(evidence.alerts),
        expired=expired,
        unreadable=evidence.unreadable,
        unknown=tuple(_unknown(evidence, expired, tasks, assets, areas)),
    )


def _stood(evidence: Evidence) -> datetime | None:
    """Return when the last order of this run's bids came to stand, None unless all of them do."""
    stood = [_stood_in(evidence, area) for area in evidence.plan.price_areas]
    known = [instant for instant in stood if instant is not None]
    return max(known) if len(known) == len(stood) else None


def _stood_in(evidence: Evidence, area: PriceArea) -> datetime | None:
    """Return when an area's order came to stand as the run's newest bid that was decided on asks.

    Whichever run's request has brought this content there. None while another or nothing stands.
    """
    record, order = evidence.view.areas.get(area), evidence.view.orders.get(area)
    if order is None or order.standing is None or (record is not None and record.pending):
        return None
    own = [
        w for w in order.approved if w.run == evidence.plan.run and w.matrix not in order.refused
    ]
    if not own or own[-1].matrix != order.standing.matrix:
        return None
    end = end_of_order(evidence.trail, area)
    if end is None or not end.stands or end.event.data["matrix"] != order.standing.matrix:
        return order.standing.seen  # a late request has brought it there, which changed no state
    return end.at


def _unknown(
    evidence: Evidence,
    expired: datetime | None,
    tasks: tuple[TaskHistory, ...],
    assets: tuple[AssetOutcome, ...],
    areas: tuple[AreaEffect, ...],
) -> Iterator[str]:
    """Say what no document holds, as far as this run gives cause to ask."""
    if evidence.position is not None:
        yield from _unknown_sales(evidence.position)
    if expired is not None:
        yield (
            f"What was solved, what failed solves said, and how often tasks were tried: that was kept "
            f"until {utc_text(expired)} and may be gone. What it came to is in the events and the bids; "
            f"replay solves a scenario again."
        )
    grid = evidence.configuration.market.grid(evidence.plan.run.day)
    hours = len(grid) * grid.hours
    for outcome in assets:
        lost = sum(absence.probability for absence in outcome.absences)
        if outcome.absences:
            yield (
                f"What {outcome.asset} would have sold in the {outcome.planned - outcome.solved} "
                f"scenarios that its bid does without ({lost:.1%} of the probability): "
                f"replay solves one of them now."
            )
    for effect in (asset for area in areas for asset in area.assets):
        told = effect.offered is not None or effect.unreadable or effect.obtainable is not None
        if not told and expired is None:
            yield (
                f"What {effect.asset} would have sold: none of its scenarios is solved. Its units "
                f"can do {effect.capacity:g} MW, {effect.capacity * hours:g} MWh a day, and have "
                f"water for less."
            )
    open_tries = [t for task in tasks for t in task.tries if t.end is TryEnd.NEVER_ENDED]
    if open_tries:
        yield (
            f"Whether what never ended ({len(open_tries)} of the tries) died or is still at work: "
            f"a process that dies leaves no word."
        )
    yield (
        "How long a message was on its way, or a call waited for a free solver: it is part of the "
        "time before the next step."
    )
    yield (
        "What the auction will clear at: money here is expected sales at the scenarios' prices. "
        "Water that is not sold keeps its value, so less is lost than is not sold."
    )


def _unknown_sales(position: Position) -> Iterator[str]:
    for asset, sold in position.assets.items():
        if sold.unknown is not None:
            yield (
                f"What {asset} sold before {utc_text(sold.since)} ({sold.unknown}): its levels of "
                f"{utc_text(position.levels_at)} are taken for those of then."
            )
