"""What must hold of alerts when a day is over: each was told, and tells of what is so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from hydrobid.domain.alerts import AlertCode, Delivery
from hydrobid.domain.orders import OrderRecord
from hydrobid.pipeline.ports import Document

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
