"""What must hold when a day is over, whatever was killed on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chaos.market_side import StandingOrder

BY_DEATHS = "SKIPPED"
"""Why a scenario is missing that was at hand in two deaths: two kills may bring that about."""


@dataclass(frozen=True)
class Ending:
    """One client's day after its gate.

    asked: whether an execution of the daily bid was started before the first cut-off. areas: the
    price areas that it bids in. orders: what stands, as the exchange says. shown: what `show` says
    of the day's run, None where there is none. revisions: how many runs the day has. trail: what
    `events` says of the run. executions: the state of each by its name. alerts: all of the client.
    """

    client: str
    asked: bool
    areas: frozenset[str]
    orders: tuple[StandingOrder, ...]
    shown: dict[str, Any] | None
    revisions: int
    trail: dict[str, Any]
    executions: dict[str, str]
    alerts: tuple[dict[str, Any], ...]

    @property
    def outcome(self) -> str:
        """The states that the assets are in, as COMPLETE or COMPLETE+PARTIAL."""
        if self.shown is None:
            return "no run"
        return "+".join(sorted({str(asset["state"]) for asset in self.shown["assets"].values()}))


def faults_of(ending: Ending) -> Iterator[str]:
    """Yield what is wrong with the end of a client's day."""
    for fault in (*_orders(ending), *_run(ending), *_completeness(ending), *_executions(ending)):
        yield f"{ending.client}: {fault}"


def _orders(ending: Ending) -> Iterator[str]:
    """One order in each area, with the newest content that was approved for it, and no other."""
    for area in sorted(ending.areas):
        standing = [order for order in ending.orders if order.price_area == area]
        if len(standing) != 1:
            yield f"{len(standing)} orders stand in {area}: {standing}"
        if not standing and not _critical(ending, area):
            yield f"nothing stands in {area}, and no critical alert says so"
        approved = _approved(ending, area)
        for order in standing:
            if not approved or order.digest != approved[-1]:
                yield f"{order} stands in {area}; approved were, oldest first, {approved}"
    for order in ending.orders:
        if order.price_area not in ending.areas:
            yield f"{order} stands where nothing is bid"


def _approved(ending: Ending, area: str) -> list[str]:
    """Return the digests of an area's approved bids, oldest first, as the events tell."""
    return [
        event["data"]["matrix"]
        for event in ending.trail.get("events", [])
        if event["type"] == "area-validated"
        and event["entity"].endswith(f"~{area}")
        and event["data"]["approved_by"] is not None
    ]


def _critical(ending: Ending, area: str) -> bool:
    return any(
        alert["severity"] == "CRITICAL"
        and (area in json.dumps(alert) or alert["code"] == "DAY_WITHOUT_RUN")
        for alert in ending.alerts
    )


def _run(ending: Ending) -> Iterator[str]:
    """The product's own word agrees with the exchange's, and its chains of events are whole."""
    if ending.shown is None:
        yield "the day has no run"
        return
    if ending.revisions != 1:
        yield f"the same inputs made {ending.revisions} revisions"
    if ending.shown["state"] != "submitted":
        yield f"the run is {ending.shown['state']}"
    at_exchange = {order.price_area: order for order in ending.orders}
    for area, shown in ending.shown["areas"].items():
        said = (shown["order_id"], shown["exchange_version"], shown["standing_matrix"])
        order = at_exchange.get(area)
        seen = (order.order_id, order.version, order.digest) if order else (None, None, None)
        if said != seen:
            yield f"`show` says of {area} {said}, the exchange {seen}"
        if shown["order_state"] != "CLOSED":
            yield f"after the gate the order of {area} is {shown['order_state']}"
    yield from ending.trail["faults"]


def _completeness(ending: Ending) -> Iterator[str]:
    """Who asked hours before the cut-off gets everything; for a day that nobody asked for, an alert."""
    if ending.shown is None:
        return
    if not ending.asked:
        if not any(alert["code"] == "RUN_BY_GUARD" for alert in ending.alerts):
            yield "nobody started the run, and no alert says that the guard did"
        return
    for name, asset in ending.shown["assets"].items():
        missing = {s: why for s, why in asset["missing"].items() if why != BY_DEATHS}
        if missing or (asset["state"] != "COMPLETE" and not asset["missing"]):
            yield f"{name} is {asset['state']} though there was time; missing {missing}"


def _executions(ending: Ending) -> Iterator[str]:
    for name, state in ending.executions.items():
        if state not in ("SUCCEEDED", "FAILED"):
            yield f"execution {name} is {state}"
