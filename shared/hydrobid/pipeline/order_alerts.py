"""The alerts of an order, derived from what is found of it, so that no crash can lose one.

Each alert belongs to the run whose bid it is about, whichever run's message led here.
"""

from __future__ import annotations

from collections.abc import Iterator

from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.errors import BidFaulty, ExchangeDenied
from hydrobid.domain.identifiers import RunId
from hydrobid.domain.orders import OrderRecord, Wanted
from hydrobid.domain.states import OrderState
from hydrobid.pipeline import paths
from hydrobid.pipeline.alerts import (
    raise_alert,
    raising,
    resolve_alerts,
    resolving,
    through_revisions,
)
from hydrobid.pipeline.ports import Clock, Documents, Transaction, Write

MOST_TOLD = 3


def tell_of_order(documents: Documents, clock: Clock, order: OrderRecord, newest: RunId) -> None:
    """Raise what the order's state calls for, and resolve what it has mended.

    Of an order that has changed meanwhile nothing is told: whoever changed it tells of it as it is.
    newest: the newest run known to have met the exchange for this order.
    """

    def still(transaction: Transaction) -> bool:
        stored = transaction.get(paths.order(order.run, order.portfolio, order.price_area))
        return stored is None or stored["version"] <= order.version

    for cause, content in _refusals(order, followed=False).items():
        words = order.refused[content.matrix]
        ours = words["code"] == BidFaulty.code
        who = "our own checks" if ours else "the exchange"
        raise_alert(
            documents,
            clock,
            cause,
            f"{who} refused a bid for {order.price_area}: {words['message']}",
            {"matrix": content.matrix, "words": words},
            still=still,
        )
    wanted = order.wanted
    if order.state is OrderState.CLOSED and not order.as_wanted:
        should = "stood as wanted" if wanted is not None else "was withdrawn"
        raise_alert(
            documents,
            clock,
            Cause(str((wanted or order.due or order).run), AlertCode.GATE_MISSED, order.price_area),
            f"the gate closed before the bid for {order.price_area} {should}{_too_late(order)}",
            {
                "words": order.too_late,
                "wanted": None if wanted is None else wanted.to_document(),
                "standing": order.standing is not None,
            },
            still=still,
        )
    standing = order.standing
    if standing is not None and order.doubted:
        raise_alert(
            documents,
            clock,
            _doubt(order),
            f"the order for {order.price_area} does not pass the exchange's reasonability check: "
            + _listed(standing.objections),
            {"standing": standing.to_document()},
            still=still,
        )
    resolve_alerts(documents, clock, _mended(order, newest), still=still)


def telling_of_hold(
    transaction: Transaction, clock: Clock, before: OrderRecord | None, after: OrderRecord
) -> tuple[Write, ...]:
    """Return the writes that tell what a hold keeps from standing, and what none does any more.

    They belong in the transaction that makes an order of `before` one of `after`, so that neither a
    crash nor whoever comes late can leave the alert and the order at odds.
    """
    gone, found = (None if before is None else _withholding(before)), _withholding(after)
    if gone == found:
        return ()
    writes = () if gone is None else resolving(transaction, clock, gone)
    if found is None or after.held is None or after.withheld is None:
        return writes
    held = after.held
    message = (
        f"the approved bid for {after.price_area} is kept from the exchange: {after.held_words}"
    )
    context = {
        "price_area": after.price_area,
        "hold": held.to_document(),
        "kill_switch": after.stopped is not None,
        "withheld": after.withheld.to_document(),
    }
    return (*writes, *raising(transaction, clock, found, message, context))


def _withholding(order: OrderRecord) -> Cause | None:
    """Return what the alert of a hold is raised for, None where it keeps nothing from standing."""
    if order.withheld is None:
        return None
    older = order.standing is not None and not order.withdrawn
    code = AlertCode.BID_LOCKED_OUT if older else AlertCode.BID_WITHHELD
    return Cause(str(order.withheld.run), code, order.price_area)


def tell_of_denial(
    documents: Documents, clock: Clock, run: RunId, order: OrderRecord, denied: ExchangeDenied
) -> None:
    """Raise that the exchange did not let a run at its order, unless the day has ended as wanted.

    It may have, where whoever was denied comes to tell of it only after the last look.
    """
    cause = Cause(str(run), AlertCode.EXCHANGE_DENIED, order.price_area)
    path = paths.order(order.run, order.portfolio, order.price_area)

    def tell(transaction: Transaction) -> None:
        stored = transaction.get(path)
        now = order if stored is None else OrderRecord.from_document(stored)
        if now.state is OrderState.CLOSED and now.as_wanted:
            return
        context = denied.as_document()
        transaction.write(*raising(transaction, clock, cause, denied.message, context))

    documents.transact(tell)


def _too_late(order: OrderRecord) -> str:
    words = order.too_late
    return "" if words is None else f"; the exchange said: {words['message']}"


def _mended(order: OrderRecord, newest: RunId) -> Iterator[Cause]:
    last = max(newest, order.run)
    if order.settled or (order.state is OrderState.CLOSED and order.as_wanted):
        yield from through_revisions(last, AlertCode.EXCHANGE_DENIED, order.price_area)
    yield from _refusals(order, followed=True).keys() - _refusals(order, followed=False).keys()
    doubt = _doubt(order) if order.doubted else None
    for cause in through_revisions(last, AlertCode.ORDER_NOT_APPROVED, order.price_area):
        if cause != doubt:
            yield cause


def _doubt(order: OrderRecord) -> Cause:
    """Return what is told of an order that the exchange doubts: of the run whose bid stands."""
    run = (order.stood or order).run
    return Cause(str(run), AlertCode.ORDER_NOT_APPROVED, order.price_area)


def _listed(objections: tuple[str, ...]) -> str:
    more = len(objections[MOST_TOLD:])
    told = "; ".join(objections[:MOST_TOLD]) or "it does not say why"
    return f"{told}; and {more} more" if more else told


def _refusals(order: OrderRecord, *, followed: bool) -> dict[Cause, Wanted]:
    """Return what was refused by what it is told as: where a newer bid is due, or where none is.

    A newer bid that is due may be withdrawn, or not stand yet.
    """
    return {
        Cause(
            str(wanted.run), AlertCode.ORDER_REFUSED, f"{order.price_area}~{wanted.matrix}"
        ): wanted
        for wanted in order.approved
        if wanted.matrix in order.refused
        and (order.due is not None and order.due.fence > wanted.fence) is followed
    }
