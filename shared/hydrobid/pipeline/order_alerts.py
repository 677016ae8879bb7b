"""The alerts of an order, derived from what is found of it, so that no crash can lose one.

Each alert belongs to the run whose bid it is about, whichever run's message led here.
"""

from __future__ import annotations

from collections.abc import Iterator

from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.errors import ExchangeDenied
from hydrobid.domain.identifiers import RunId
from hydrobid.domain.records import OrderRecord, Wanted
from hydrobid.domain.states import OrderState
from hydrobid.pipeline.alerts import raise_alert, resolve_alerts, through_revisions
from hydrobid.pipeline.ports import Clock, Documents


def tell_of_order(documents: Documents, clock: Clock, order: OrderRecord, newest: RunId) -> None:
    """Raise what the order's state calls for, and resolve what it has mended.

    newest: the newest run known to have met the exchange for this order.
    """
    for content in order.approved:
        if content.matrix in order.refused and not _followed(order, content):
            words = order.refused[content.matrix]
            raise_alert(
                documents,
                clock,
                _refusal(order, content),
                f"the exchange refused a bid for {order.price_area}: {words['message']}",
                {"matrix": content.matrix, "words": words},
            )
    wanted = order.wanted
    if order.state is OrderState.CLOSED and wanted is not None and order.stood != wanted:
        raise_alert(
            documents,
            clock,
            Cause(str(wanted.run), AlertCode.GATE_MISSED, order.price_area),
            f"the gate closed before the bid for {order.price_area} stood as wanted",
            {"wanted": wanted.to_document(), "standing": order.standing is not None},
        )
    resolve_alerts(documents, clock, _mended(order, newest))


def tell_of_denial(
    documents: Documents, clock: Clock, run: RunId, order: OrderRecord, denied: ExchangeDenied
) -> None:
    """Raise that the exchange did not let a run at its order."""
    cause = Cause(str(run), AlertCode.EXCHANGE_DENIED, order.price_area)
    raise_alert(documents, clock, cause, denied.message, denied.as_document())


def _mended(order: OrderRecord, newest: RunId) -> Iterator[Cause]:
    closed_as_wanted = order.state is OrderState.CLOSED and order.stood == order.wanted
    if order.settled or closed_as_wanted:
        last = max(newest, order.run)
        yield from through_revisions(last, AlertCode.EXCHANGE_DENIED, order.price_area)
    for content in order.approved:
        if content.matrix in order.refused and _followed(order, content):
            yield _refusal(order, content)


def _followed(order: OrderRecord, content: Wanted) -> bool:
    """Whether a newer bid than `content` stands."""
    return order.stood is not None and order.stood.fence > content.fence


def _refusal(order: OrderRecord, content: Wanted) -> Cause:
    subject = f"{order.price_area}~{content.matrix}"
    return Cause(str(content.run), AlertCode.ORDER_REFUSED, subject)
