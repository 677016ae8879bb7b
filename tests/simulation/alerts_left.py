"""What must hold of alerts when a day is over: each was told, and tells of what is so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from hydrobid.domain.alerts import AlertCode, Delivery
from hydrobid.domain.orders import OrderRecord
from hydrobid.pipeline.ports import Document

OF_BIDS = (
    "ASSET_ON_FALLBACK",
    "ASSET_WITHOUT_BID",
    "AREA_WITHOUT_BID",
    "APPROVAL_AWAITED",
    "BID_UNAPPROVED",
    "SENT_ON_SILENCE",
)
"""Alerts that tell of a bid's record alone."""

OF_THE_DAY = ("DAY_WITHOUT_RUN", "CLIENT_WITHOUT_INPUTS")
"""Alerts that tell of every area at once."""


def alert_violations(
    alerts: Mapping[str, Document],
    told: Collection[tuple[str, int]],
    orders: Iterable[OrderRecord],
) -> Iterator[str]:
    """Yield what is wrong with alerts by id. told: id and version. orders: of the day."""
    for name, alert in alerts.items():
        if (name, alert["version"]) not in told:
            yield f"alert {name} v{alert['version']} was never told"
        if alert["delivery"] == Delivery.UNSENT:
            yield f"alert {name} v{alert['version']} is told again and again"
        if alert["code"] == AlertCode.ITEM_LEFT_OUT and alert["resolved"] is None:
            yield f"{alert['message']}, and an alert is open though no fault is left"
    for order in orders:
        yield from _of_doubts(alerts, order)
        yield from _of_refusals(alerts, order)


def guard_violations(
    alerts: Mapping[str, Document], planned_by: Mapping[str, str]
) -> Iterator[str]:
    """Yield where it is not told that the guard planned a day's first run, or is, and it did not."""
    found = {run for run, _ in _open(alerts, "RUN_BY_GUARD")}
    firsts = {run: task for run, task in planned_by.items() if run.endswith("~r1")}
    guards = {run for run, task in firsts.items() if task.startswith("cutoff-reached")}
    for run in sorted(found ^ guards):
        yield f"{run} was planned by {planned_by[run]}, and RUN_BY_GUARD says otherwise"


def newest_violations(
    alerts: Mapping[str, Document],
    run: str,
    assets: Iterable[Document],
    areas: Iterable[Document],
) -> Iterator[str]:
    """Yield which alerts of the newest run's bids are not open while their cause is. assets, areas: its records."""
    found = {(code, about) for code in OF_BIDS for of, about in _open(alerts, code) if of == run}
    causes = (*map(_of_asset, assets), *map(_of_area, areas))
    called_for = {cause for cause in causes if cause is not None}
    for code, about in sorted(found ^ called_for):
        is_open = "open, which nothing calls for" if (code, about) in found else "not open"
        yield f"{code} of {about} in {run} is {is_open}"


def _of_asset(asset: Document) -> tuple[str, str] | None:
    """Return the code and the subject of what tells of an asset without a bid of its own."""
    code = {"FALLBACK": "ASSET_ON_FALLBACK", "FAILED": "ASSET_WITHOUT_BID"}.get(asset["state"])
    return None if code is None else (code, asset["asset"])


def _of_area(area: Document) -> tuple[str, str] | None:
    """Return the code and the subject of what tells that a bid is refused, waits or is not decided on."""
    approval, about = area["approval"], area["price_area"]
    if area["state"] == "REFUSED":
        return "AREA_WITHOUT_BID", about
    if approval is None:
        return "APPROVAL_AWAITED", about
    if approval["state"] != "APPROVED" and approval["instead"] is None:
        return "BID_UNAPPROVED", about
    return ("SENT_ON_SILENCE", about) if approval["by"].startswith("policy:") else None


def critical_about(alerts: Mapping[str, Document], area: str) -> set[str]:
    """Return the codes of the open alerts that tell of an area, or of the whole day."""
    return {
        alert["code"]
        for alert in alerts.values()
        if alert["severity"] == "CRITICAL"
        and alert["resolved"] is None
        and (area in alert["message"] or alert["code"] in OF_THE_DAY)
        and alert["code"] not in ("EXCHANGE_DENIED", "ORDER_NOT_APPROVED")
    }


def _of_doubts(alerts: Mapping[str, Document], order: OrderRecord) -> Iterator[str]:
    """An alert is open for an order exactly while the exchange doubts what stands."""
    told = order.price_area in {subject for _, subject in _open(alerts, "ORDER_NOT_APPROVED")}
    if order.doubted is not told:
        doubted = "doubted" if order.doubted else "not doubted"
        yield f"the order for {order.price_area} is {doubted}, and an alert differs"


def _of_refusals(alerts: Mapping[str, Document], order: OrderRecord) -> Iterator[str]:
    """No alert tells of a refused bid that a newer one has followed."""
    newest = order.due.fence if order.due is not None else (0, 0)
    for run, subject in _open(alerts, "ORDER_REFUSED"):
        area, _, matrix = subject.partition("~")
        fences = [w.fence for w in order.approved if (str(w.run), w.matrix) == (run, matrix)]
        if area == order.price_area and fences and max(fences) < newest:
            yield f"{matrix[:8]} was refused in {area}, {newest} is due, and an alert is open"


def _open(alerts: Mapping[str, Document], code: str) -> Iterator[tuple[str, str]]:
    """Yield the run and the subject of the open alerts of a code."""
    for alert in alerts.values():
        if alert["code"] == code and alert["resolved"] is None:
            yield alert["run"], alert["subject"]
