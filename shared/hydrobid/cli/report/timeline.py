"""A run's events as a story: scenarios told together per asset, the rest one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hydrobid.cli.report.facts import RunFacts
from hydrobid.cli.report.words import counted, listed, number
from hydrobid.domain.events import Event
from hydrobid.domain.states import OutcomeState

STAGES = ("run", "scenario", "task", "asset", "area", "order", "result")
SCENARIO_EVENTS = {"scenario-solved": "solved", "scenario-failed": "failed"}
ORDER_WORDS = {
    "order-wanted": "bid wanted at the exchange",
    "order-unknown": "not known whether the exchange acted; to be read there",
    "order-refused": "refused by the exchange",
    "order-approved": "approved by the exchange's reasonability check after all",
    "order-absent": "found not to stand at the exchange",
    "order-withdrawn": "withdrawn: nothing stands at the exchange",
    "order-stopped": "stopped by the client's kill switch",
    "order-resumed": "the client's kill switch is off again",
    "order-closed": "closed with the gate",
}
MOST_OBJECTIONS = 3
ACTS = {
    "place": "a new order",
    "cancel": "that the order is taken back",
    "place-blocks": "a new order of blocks",
    "amend-blocks": "a change of the blocks",
    "cancel-blocks": "that blocks are taken back",
}


@dataclass(frozen=True)
class Entry:
    """What happened, from its first to its last instant; `what` is in words."""

    stage: str
    lane: str
    first: datetime
    last: datetime
    what: str
    actor: str


@dataclass(frozen=True)
class Mark:
    """A lane's event on the drawing. left, width: in percent of the run's span."""

    left: float
    width: float
    what: str


def entries(facts: RunFacts) -> list[Entry]:
    """Return what happened in the run, in order of its beginning.

    What began at one instant is told in the order in which one leads to the other.
    """
    single = [_entry(facts, event) for event in facts.events if event.type not in SCENARIO_EVENTS]
    told = [*_scenario_entries(facts), *single]
    return sorted(told, key=lambda entry: (entry.first, STAGES.index(entry.stage)))


def until_the_gate(told: Sequence[Entry]) -> list[Entry]:
    """Return what happened before results were out: these come hours after all else."""
    return [entry for entry in told if entry.stage != "result"]


def drawing(told: Sequence[Entry]) -> Mapping[str, list[Mark]]:
    """Return the marks of each lane, or nothing where all happened at one instant."""
    begin = min(entry.first for entry in told)
    span = max(entry.last for entry in told) - begin
    if not span:
        return {}
    lanes: dict[str, list[Mark]] = {}
    for entry in told:
        left, right = ((at - begin) / span * 100 for at in (entry.first, entry.last))
        lanes.setdefault(entry.lane, []).append(Mark(left, right - left, entry.what))
    return lanes


def duration(told: Sequence[Entry]) -> timedelta:
    """Return the time from the first to the last of what happened."""
    return max(entry.last for entry in told) - min(entry.first for entry in told)


def _scenario_entries(facts: RunFacts) -> Iterator[Entry]:
    by_asset: dict[str, list[Event]] = {}
    for event in facts.events:
        if event.type in SCENARIO_EVENTS:
            by_asset.setdefault(_name(event).split("~")[0], []).append(event)
    for asset, events in by_asset.items():
        kinds = [SCENARIO_EVENTS[event.type] for event in events]
        ends = [f"{number(kinds.count(k), 0)} {k}" for k in dict.fromkeys(sorted(kinds)[::-1])]
        first, last = events[0].at, events[-1].at
        yield Entry("scenario", asset, first, last, f"scenarios: {listed(ends)}", events[0].actor)


def _entry(facts: RunFacts, event: Event) -> Entry:
    name, stage = _name(event), event.type.split("-")[0]
    match stage:
        case "order":
            lane, what = name.split("~")[-2], _order_words(event)
        case "area":
            lane, what = name.split("~")[-1], _area_words(event.type, event.data)
        case "result":
            lane, what = name.split("~")[-1], _result_words(event)
        case "task":
            lane, what = name.split("~")[0], _task_words(event)
        case "asset":
            lane, what = name, _asset_words(event.type, event.data)
        case _:
            lane, what = "plan", _plan_words(facts)
    return Entry(stage, lane, event.at, event.at, what, event.actor)


def _name(event: Event) -> str:
    """Return the last part of the event's entity, which is its document's id."""
    return event.entity.rsplit(":", 1)[-1]


def _plan_words(facts: RunFacts) -> str:
    scenarios = sum(len(asset.scenarios) for asset in facts.plan.assets)
    assets = counted(len(facts.plan.assets), "asset")
    return f"planned: {counted(scenarios, 'scenario')} to solve for {assets}"


def _order_words(event: Event) -> str:
    match event.type:
        case "order-sending":
            return f"sending {ACTS.get(str(event.data.get('act')), 'a change of the order')}"
        case "order-held" | "order-released":
            what = str(event.data.get("kind", "released")).lower()
            return f"{what} by {event.data.get('by')}: {event.data.get('reason')}"
        case "order-not-approved":
            why = "; ".join(event.data.get("objections", ())[:MOST_OBJECTIONS])
            return (
                f"not approved by the exchange's reasonability check: {why or 'it gives no reason'}"
            )
        case "order-standing":
            return f"stands at the exchange as order {event.data.get('order_id')}"
        case kind:
            return ORDER_WORDS.get(kind, kind.replace("-", " "))


def _result_words(event: Event) -> str:
    status = event.type.removeprefix("result-")
    count = int(event.data.get("mismatches", 0))
    off = f", {counted(count, 'figure')} not as the bid has it" if count else ""
    return f"{status} result of the auction{off}"


def _area_words(kind: str, data: Mapping[str, Any]) -> str:
    bid, by = f"total bid {data.get('bid_version')}", data.get("by")
    match kind:
        case "area-refused":
            return f"{bid} stopped by its checks"
        case "area-overridden":
            return f"{bid} changed by {by}: {data.get('reason')}"
        case "area-approved" | "area-signed" | "area-rejected":
            said = "approved, as one of two," if kind == "area-signed" else kind.partition("-")[2]
            return f"{bid} {said} by {by}"
        case "area-expired":
            instead = ", yesterday's sent in its place" if data.get("instead") else ""
            return f"{bid} not decided on in time{instead}"
    approved = data.get("approved_by")
    by = "approved by rule" if str(approved).startswith("rule:") else f"approved by {approved}"
    checked = f"{bid} passed its checks"
    return f"{checked}, {by}" if approved else checked


def _task_words(event: Event) -> str:
    if event.type == "task-solved":
        return "scenarios taken together: curves that all share"
    failure = event.data.get("failure") or {}
    return f"scenarios taken together: failed, {failure.get('code')}"


def _asset_words(kind: str, data: Mapping[str, Any]) -> str:
    of = f"{data.get('solved')} of {data.get('planned')} scenarios"
    if data.get("joint") == OutcomeState.SOLVED:
        of = "scenarios taken together"
    made = "no bid" if kind == "asset-failed" else "partial bid"
    why = "all tasks ended" if data.get("cause") == "solved" else str(data.get("cause"))
    return f"{made} from {of} ({why.replace('-', ' ')})"
