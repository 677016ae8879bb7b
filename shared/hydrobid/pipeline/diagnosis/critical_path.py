"""What the end of a run waited for: followed back from the last order to the plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from hydrobid.domain.base import Value
from hydrobid.domain.events import Event
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.plan import AssetPlan, Task
from hydrobid.pipeline.diagnosis.orders import OrderEnd, end_of_order
from hydrobid.pipeline.diagnosis.tasks import tries_at
from hydrobid.pipeline.diagnosis.trail import CHANGE, Trail, latest, seconds_between
from hydrobid.pipeline.joint_bid import JOINT_USED

TOGETHER = "scenarios taken together"


class Step(Value):
    """One link of the critical path. seconds: of market time since the link before; 0 for the first."""

    at: datetime
    seconds: float
    stage: str
    subject: str
    what: str


@dataclass(frozen=True)
class _Moment:
    at: datetime
    stage: str
    subject: str
    what: str


def critical_path(trail: Trail) -> tuple[Step, ...]:
    """Return the chain of moments, oldest first, each of which the next one waited for.

    It ends at the order that came to stand last. An area without a bid is waited for still: where
    there is one, the chain ends with what is known of that.
    """
    area = max(trail.plan.price_areas, key=lambda candidate: _end(trail, candidate))
    moments = [*_back_from_area(trail, area)][::-1]
    befores = [moments[0], *moments]
    return tuple(
        Step(
            at=moment.at,
            seconds=seconds_between(before.at, moment.at),
            stage=moment.stage,
            subject=moment.subject,
            what=moment.what,
        )
        for before, moment in zip(befores, moments, strict=False)
    )


def _end(trail: Trail, area: PriceArea) -> tuple[bool, datetime, str]:
    """Return what areas are compared by: the last is waited for; one without a bid is last of all."""
    bids = trail.of_area(area)
    last = end_of_order(trail, area) or (bids[-1] if bids else None)
    return last is None, trail.plan.planned_at if last is None else last.at, area


def _back_from_area(trail: Trail, area: PriceArea) -> Iterator[_Moment]:
    bid = latest([*trail.merges_of(area), *trail.changes_of(area)])
    end = end_of_order(trail, area)
    if end is not None:
        yield _Moment(end.at, "submit", area, _words_of_end(end))
        if end.event != end.wanted:
            yield _Moment(
                end.wanted.at, "approve", area, _words_of_approval(trail, area, end.wanted)
            )
        bid = trail.bid_made(area, end.wanted.data["fence"][1]) or bid
    while bid is not None and bid.type == CHANGE:
        yield _Moment(bid.at, "change", area, _words_of_change(bid))
        bid = trail.bid_made(area, bid.data["bid_version"] - 1)
    if bid is None:
        yield from _back_from_unmerged(trail, area)
        return
    yield _Moment(bid.at, "merge", area, _words_of_merge(bid))
    settled = trail.asset_that_completed(bid)
    if settled is not None:
        yield from _back_from_asset(trail, settled)
    else:
        yield _planned(trail)


def _back_from_unmerged(trail: Trail, area: PriceArea) -> Iterator[_Moment]:
    """The area has no bid: an asset that has not answered is what it waits for."""
    assets = trail.plan.assets_in(area)
    unsettled = [asset for asset in assets if not trail.of_asset(asset)]
    if unsettled:
        waited_for = max(unsettled, key=lambda asset: (len(_absent(trail, asset)), asset.asset))
        yield from _back_from_outcomes(trail, waited_for, None)
        return
    settled = latest(event for asset in assets for event in trail.of_asset(asset))
    if settled is not None:
        yield from _back_from_asset(trail, settled)


def _absent(trail: Trail, asset: AssetPlan) -> list[ScenarioId]:
    outcomes = trail.of_outcomes(asset)
    return [scenario for scenario in asset.scenarios if scenario not in outcomes]


def _back_from_asset(trail: Trail, settled: Event) -> Iterator[_Moment]:
    asset = next(a for a in trail.plan.assets if settled in trail.of_asset(a))
    yield _Moment(settled.at, "aggregate", asset.asset, _words_of_asset(trail, asset, settled))
    waited_until = trail.waited_until(asset, settled)
    ends = trail.ends_of(asset, settled.at)
    if waited_until is not None and all(end.at <= waited_until for end in ends):
        wanted = trail.ends_wanted(asset)
        absent = wanted - len(ends)
        what = f"{absent} of {wanted} outcomes had not come by the {settled.data['cause']}"
        yield _Moment(waited_until, "solve", asset.asset, what)
    yield from _back_from_outcomes(trail, asset, settled.at)


def _back_from_outcomes(
    trail: Trail, asset: AssetPlan, until: datetime | None
) -> Iterator[_Moment]:
    """The last outcome before an instant, and the tries at its task; the plan at the end."""
    last = latest(trail.ends_of(asset, until))
    if last is not None:
        task, of = _task_of(trail, asset, last)
        what = f"{of} {last.type.partition('-')[2]}, the last"
        yield _Moment(last.at, "solve", f"{asset.asset}~{task.id}", what)
        yield from _back_from_tries(trail, asset, task, last.at)
    elif asset.tasks:
        task = max(asset.tasks, key=lambda task: (len(tries_at(trail, asset, task)), task.id))
        yield from _back_from_tries(trail, asset, task, until)
    yield _planned(trail)


def _task_of(trail: Trail, asset: AssetPlan, outcome: Event) -> tuple[Task, str]:
    """Return the task that came to an outcome, and what it is an outcome of, in words."""
    if asset.joint is not None and outcome == trail.of_joint(asset):
        return asset.joint, TOGETHER
    scenario = next(s for s, event in trail.of_outcomes(asset).items() if event is outcome)
    return next(task for task in asset.tasks if scenario in task.scenarios), str(scenario)


def _back_from_tries(
    trail: Trail, asset: AssetPlan, task: Task, until: datetime | None
) -> Iterator[_Moment]:
    tries = [t for t in tries_at(trail, asset, task) if until is None or t.started <= until]
    befores = [None, *tries]
    for before, one in reversed(list(zip(befores, tries, strict=False))):
        after = f", since try {before.number} {before.words}" if before is not None else ""
        what = f"try {one.number} began{after}"
        yield _Moment(one.started, "solve", f"{asset.asset}~{task.id}", what)


def _planned(trail: Trail) -> _Moment:
    return _Moment(trail.plan.planned_at, "plan", str(trail.plan.run), "planned")


def _words_of_end(end: OrderEnd) -> str:
    again = f", sent {end.sent} times" if end.sent > 1 else ""
    before = " before" if end.before else ""
    match end.event.type:
        case "order-standing":
            already = ", as it had before" if end.before else ""
            return f"stood as order {end.event.data['order_id']}{already}{again}"
        case "order-refused":
            return f"refused by the exchange{before}{again}"
        case "order-withdrawn":
            return f"withdrawn{again}"
        case _:
            return f"closed with the gate{again}"


def _words_of_change(changed: Event) -> str:
    data = changed.data
    return f"bid {data['bid_version']}: changed by {data['by']}: {data['reason']}"


def _words_of_approval(trail: Trail, area: PriceArea, wanted: Event) -> str:
    """Return who approved what is wanted; that a rule did needs no words."""
    matrix = wanted.data["matrix"]
    decided = latest(e for e in trail.decisions_on(area) if matrix in e.data.values())
    if decided is None:
        return "approved, and wanted at the exchange"
    people = decided.data.get("approvers") or [decided.data["by"]]
    return f"approved by {' and '.join(people)}, and wanted at the exchange"


def _words_of_merge(merged: Event) -> str:
    ended = merged.type.removeprefix("area-")
    missing = "".join(f", {asset} is {why}" for asset, why in merged.data["missing"].items())
    return f"bid {merged.data['bid_version']} {ended}{missing}"


def _words_of_asset(trail: Trail, asset: AssetPlan, settled: Event) -> str:
    data = settled.data
    state = settled.type.removeprefix("asset-")
    of = f"{data['solved']} of {data['planned']} scenarios"
    if data.get("joint") == JOINT_USED:
        of = TOGETHER
    return f"{state} with {of}{_cause(trail, asset, settled)}"


def _cause(trail: Trail, asset: AssetPlan, settled: Event) -> str:
    if settled.data["cause"] != "solved":
        return f", settled by the {settled.data['cause']}"
    outcomes, joint = trail.of_outcomes(asset), trail.of_joint(asset)
    ended = {scenario for scenario, event in outcomes.items() if event.at <= settled.at}
    given_up = sum(not ended.issuperset(task.scenarios) for task in asset.tasks)
    given_up += asset.joint is not None and (joint is None or joint.at > settled.at)
    return f", once {given_up} of {len(asset.tasks)} tasks were given up" if given_up else ""
