"""What must hold when a day is over: faults have stopped, and time has run to after the gate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulation import client
from simulation.alerts_left import (
    alert_violations,
    critical_about,
    guard_violations,
    newest_violations,
)
from simulation.approvals import Approved
from simulation.bus import Bus
from simulation.evening import Evening, evening_violations
from simulation.history import NO_EVENT, SWITCHES, History, trail_violations
from simulation.ports import standing
from simulation.workflows import Workflows

from hydrobid.adapters.memory import MemoryDocuments, MemoryExchange
from hydrobid.domain.identifiers import RunId
from hydrobid.domain.orders import OrderRecord
from hydrobid.domain.states import OrderState
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Document

GATE = client.GATE.timestamp()
MARGIN = 240.0
"""Seconds without faults before the gate after which everything must have been mended."""

ENOUGH_TRIES = 5
"""Tries of a message whose waits together outlast a lease."""


@dataclass(frozen=True)
class Ending:
    """A world at the end of its day. quiet: since when there were no more faults."""

    documents: MemoryDocuments
    exchange: MemoryExchange
    refused: frozenset[str]
    told: frozenset[tuple[str, int]]
    history: History
    bus: Bus
    workflows: Workflows
    inputs: client.Inputs
    quiet: float
    evening: Evening | None = None

    @property
    def stored(self) -> Mapping[str, Document]:
        """Every document by its path."""
        return self.documents._documents

    @property
    def calm_before_the_gate(self) -> bool:
        """Whether there was time enough without faults."""
        return self.quiet <= GATE - MARGIN

    @property
    def orders(self) -> list[OrderRecord]:
        """The orders of the day."""
        records = map(OrderRecord.from_document, self.find(paths.ORDERS).values())
        return [order for order in records if order.run.day == client.DAY]

    @property
    def newest(self) -> str | None:
        """The day's newest run, None where none was planned."""
        day = self.documents.get(paths.day("hourly", client.DAY))
        return None if day is None else day["newest"]

    def find(self, collection: str) -> dict[str, Document]:
        """Return the documents of a collection by id."""
        return self.documents.find(collection)


def ending_violations(ending: Ending) -> Iterator[str]:
    """Yield what is wrong with the end of a day."""
    yield from _nothing_waits(ending)
    yield from trail_violations(ending.documents.find, ending.stored)
    for area in ending.inputs.areas:
        yield from _what_stands(ending, area)
    yield from _assets_are_in_the_bid(ending)
    yield from _older_solves_are_taken(ending)
    yield from _exchange_is_asked_again(ending)
    if ending.evening is not None:
        yield from evening_violations(ending.evening, ending.exchange, ending.stored)
    alerts = ending.find(paths.ALERTS)
    yield from alert_violations(alerts, ending.told, ending.orders)
    yield from guard_violations(alerts, ending.history.planned_by)
    yield from _what_stands_is_closed_on(ending)
    if ending.newest is not None:
        assets, areas = (ending.find(f"runs/{ending.newest}/{of}") for of in ("assets", "areas"))
        yield from newest_violations(alerts, ending.newest, assets.values(), areas.values())


def settled_content(ending: Ending) -> dict[str, Any]:
    """Return what a second run of the same day must leave as it is."""
    content: dict[str, Any] = {
        path: {name: value for name, value in document.items() if name not in NO_EVENT}
        for path, document in ending.stored.items()
        if not re.search("^blobs/|/executions/|/settling/", path)
    }
    content["exchange"] = standing(ending.exchange)
    return content


def _nothing_waits(ending: Ending) -> Iterator[str]:
    yield from ending.workflows.told_too_early
    for execution in ending.workflows.executions.values():
        if execution.state == "ACTIVE":
            yield f"execution {execution.name} has not ended"
    for delivery in ending.bus.outstanding:
        yield f"message {delivery.name} is still on its way"
    for lost in ending.bus.dead_letters:
        # Whoever it contended with did its work, as the rest of these rules will tell.
        if lost.delivery.calm >= ENOUGH_TRIES and "Contended" not in lost.error:
            yield f"message {lost.delivery.name} was given up without a fault: {lost.error}"
    for path, order in ending.find("orders").items():
        if order["lease"] is not None:
            yield f"order {path} is still leased to {order['lease']['holder']}"


def _what_stands(ending: Ending, area: str) -> Iterator[str]:
    """What stands is the newest bid that was approved in time and not refused, or an alert tells.

    What stands was not refused, even where a late request for the same blocks was: they stood already.
    """
    approvals = sorted(
        ending.history.approvals.approved.get(area, {}).values(), key=lambda a: a.fence
    )
    in_time = [a for a in approvals if a.at < GATE]
    stands = _standing(ending, area)
    refused = ending.refused - {stands}
    wanted = next((a for a in reversed(in_time) if a.matrix not in refused), None)
    alerts = critical_about(ending.find(paths.ALERTS), area)
    hold, since = _hold_at_the_gate(ending, area)
    if _held_while_it_closed(ending, area):
        return
    if hold is not None:
        yield from _what_stands_held(ending, area, hold, since, stands, alerts)
    elif wanted is None and stands is not None and not _of_refused(ending, stands):
        yield f"{stands[:8]} stands in {area}, where nothing is wanted"
    elif wanted is None and not alerts and ending.history.inputs_at < GATE:
        yield f"{area} has no bid, and no alert says so"
    elif wanted is not None and stands != wanted.matrix:
        if not alerts & {"GATE_MISSED"}:
            yield f"{_shown(stands)} stands in {area}, no alert says why it is not {wanted}"
        elif _could_be_sent(ending, area, max(wanted.at, since)):
            yield f"{_shown(stands)} stands in {area}, though there was time to send {wanted}"
    elif wanted is not None and "GATE_MISSED" in alerts and _is_known(ending, area, wanted):
        yield f"{_shown(stands)} stands in {area} as wanted, and an alert says that the gate was missed"


def _is_known(ending: Ending, area: str, wanted: Approved) -> bool:
    """Whether the order of an area knows all that has what stands in it be as wanted."""
    due = (order.due for order in ending.orders if order.price_area == area)
    newer = any(content is not None and content.fence > wanted.fence for content in due)
    by_chance = wanted.matrix in ending.refused
    return not (newer or by_chance or _came_too_late(ending, area))


def _came_too_late(ending: Ending, area: str) -> bool:
    """Whether a newer bid was approved than the newest that its order was told of before the gate."""
    approvals = ending.history.approvals.approved.get(area, {})
    known = {w.fence for order in ending.orders if order.price_area == area for w in order.approved}
    in_time = (fence for fence in known & approvals.keys() if approvals[fence].at < GATE)
    newest = max(in_time, default=(0, 0))
    return any(fence > newest for fence in approvals)


def _what_stands_held(
    ending: Ending, area: str, hold: Document, since: float, stands: str | None, alerts: set[str]
) -> Iterator[str]:
    """Nothing stands that was withdrawn, and what was locked stands, or an alert tells."""
    approved = {a.matrix for a in ending.history.approvals.approved.get(area, {}).values()}
    pinned = hold["matrix"] in approved - ending.refused
    if stands == hold["matrix"] or (hold["kind"] == "LOCKED" and not pinned):
        if "GATE_MISSED" in alerts and not _came_too_late(ending, area):
            yield f"{_shown(stands)} stands in {area} as held, and an alert says the gate was missed"
        return
    if not alerts & {"GATE_MISSED"}:
        yield f"{_shown(stands)} stands in {area}, no alert says so, and it is {hold}"
    elif _could_be_sent(ending, area, since):
        yield f"{_shown(stands)} stands in {area}, though there was time to heed that it is {hold}"


def _hold_at_the_gate(ending: Ending, area: str) -> tuple[Document | None, float]:
    """Return the hold that counted when the gate closed, and since when nothing was changed of it."""
    hold, since = None, 0.0
    for of in (area, SWITCHES):
        changes = [(at, to) for at, to in ending.history.holds.get(of, []) if at < GATE]
        if changes:
            at, to = changes[-1]
            hold, since = to or hold, max(since, at)
    return hold, since


def _standing(ending: Ending, area: str) -> str | None:
    """Return the digest of what stands, empty where it is no whole bid; None where nothing does."""
    for (_, _, where), orders in standing(ending.exchange).items():
        if where == area and not orders.nothing:
            return "" if orders.matrix is None else orders.matrix.digest()
    return None


def _of_refused(ending: Ending, stands: str) -> bool:
    """Whether what stands are the curves of a bid whose blocks were refused."""
    bids = [ending.history.content_of(digest) for digest in ending.refused]
    return stands in [bid.without_blocks.digest() for bid in bids if bid.blocks]


def _held_while_it_closed(ending: Ending, area: str) -> bool:
    """Whether a hold was set before the gate and written after: heeded or not, both are right."""
    return any(
        to is not None and _instant(to["at"]) < GATE <= at
        for of in (area, SWITCHES)
        for at, to in ending.history.holds.get(of, [])
    )


def _could_be_sent(ending: Ending, area: str, since: float) -> bool:
    last = max(since, ending.history.changed_at.get(area, 0.0))
    return ending.calm_before_the_gate and last <= GATE - MARGIN


def _assets_are_in_the_bid(ending: Ending) -> Iterator[str]:
    """An asset with enough scenarios in time is in the newest bid of its area."""
    run = ending.newest
    if run is None or not ending.calm_before_the_gate:
        return
    by = GATE - MARGIN
    plan = ending.stored[f"runs/{run}"]
    if _instant(plan["planned_at"]) > by:
        return
    for asset in plan["assets"]:
        name, area = asset["asset"], asset["price_area"]
        solved = {
            scenario
            for scenario in client.SCENARIOS
            if ending.history.solved_at.get(f"runs/{run}/scenarios/{name}~{scenario}", by + 1) <= by
        }
        joint = f"runs/{run}/tasks/{name}~joint"
        shared = ending.history.solved_at.get(joint, by + 1) <= by
        probability = sum(client.PROBABILITY[scenario] for scenario in solved)
        record = ending.stored.get(f"runs/{run}/areas/simulated~{area}")
        if record is None:
            yield f"{run} has no bid for {area}"
        elif record["override"] is not None:
            continue  # a person has changed it: what is solved later does not take its place
        elif shared and not _covers(ending, run, name, record, None):
            yield f"{name} has its joint task solved and is not in the bid of {area} with it"
        elif probability >= client.ENOUGH and not _covers(ending, run, name, record, probability):
            yield f"{name} has {sorted(solved)} solved and is not in the bid of {area} with them"


def _older_solves_are_taken(ending: Ending) -> Iterator[str]:
    """An asset that is on a fallback has what an older revision solved in time, if that is enough."""
    if ending.newest is None or not ending.calm_before_the_gate:
        return
    newest, by = RunId.parse(ending.newest), GATE - MARGIN
    plan = ending.stored[f"runs/{newest}"]
    if _instant(plan["planned_at"]) > by:
        return
    for asset in plan["assets"]:
        name = asset["asset"]
        record = ending.stored.get(f"runs/{newest}/assets/{name}")
        if record is None or record["state"] not in ("FALLBACK", "FAILED"):
            continue
        taken = record["fallback"] or "nothing"
        enough = [str(r) for r in newest.revisions[:-1] if _enough_solved(ending, str(r), name, by)]
        if enough and not taken.startswith("older_revision"):
            yield f"{name} is bid from {taken}, though {enough[-1]} has solved enough"


def _enough_solved(ending: Ending, run: str, asset: str, by: float) -> bool:
    """Whether scenarios of a run were solved in time that are enough for a bid."""
    probability = sum(
        client.PROBABILITY[scenario]
        for scenario in client.SCENARIOS
        if ending.history.solved_at.get(f"runs/{run}/scenarios/{asset}~{scenario}", by + 1) <= by
    )
    return probability >= client.ENOUGH


def _exchange_is_asked_again(ending: Ending) -> Iterator[str]:
    """A bid that only the exchange's word stopped is let in once the exchange takes it."""
    if ending.newest is None or not ending.calm_before_the_gate:
        return
    for area in ending.inputs.areas:
        path = f"runs/{ending.newest}/areas/simulated~{area}"
        record = ending.stored.get(path)
        if record is None or record["state"] != "REFUSED":
            continue
        refusal = ending.stored[paths.event(f"{paths.entity_of(path)}~{record['version']}")]
        if _instant(refusal["at"]) >= GATE:
            continue  # it came too late, which the exchange says for good
        errors = [f["code"] for f in record["findings"] if f["severity"] == "error"]
        if all(code.startswith(("EXCHANGE_", "AUCTION_")) for code in errors):
            yield f"{area} is refused for {errors}, which the exchange does not say any more"


def _what_stands_is_closed_on(ending: Ending) -> Iterator[str]:
    """Every order with a bid is closed after the gate, and knows what stood."""
    for order in ending.orders:
        stands = _standing(ending, order.price_area)
        known = None if order.standing is None else order.standing.matrix
        if order.approved and (order.state is not OrderState.CLOSED or known != stands):
            knows = f"{order.state} and knows of {_shown(known)}"
            yield f"the order for {order.price_area} is {knows}, where {_shown(stands)} stands"


def _covers(
    ending: Ending, run: str, asset: str, area: Mapping[str, Any], probability: float | None
) -> bool:
    """Whether an area's bid rests on so much of an asset's scenarios, None: on its joint task."""
    record = ending.stored.get(f"runs/{run}/assets/{asset}")
    if record is None:
        return False
    jointly = record.get("joint") == "SOLVED"
    enough = probability is not None and record["coverage"]["probability"] >= probability - 1e-9
    return (
        record["unsafe"] is None
        and (jointly or enough)
        and area["assets"].get(asset) == record["version"]
        and asset not in area["missing"]
    )


def _shown(digest: str | None) -> str:
    return "nothing" if digest is None else digest[:8]


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
