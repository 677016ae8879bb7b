"""The reconciler: looks at the exchange, acts, and looks again until what stands is wanted.

An order is not sent but reconciled. There is no idempotency key at the exchange, so after an
unknown outcome only its own list of orders tells what happened: nothing is sent before it has been
read, and nothing is believed to stand before it has been seen.
"""

from __future__ import annotations

from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import ExchangeRefused, OutcomeUnknown
from hydrobid.domain.market import Market
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import OrderRecord, Standing, Wanted
from hydrobid.domain.states import OrderState
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.order_records import LeasedOrder
from hydrobid.pipeline.ports import Auction, Clock, Documents, Exchange, ExchangeOrder
from hydrobid.pipeline.recording import raise_alert

MAX_ACTS = 3


def reconcile_order(
    documents: Documents,
    clock: Clock,
    exchange: Exchange,
    market: Market,
    plan: Plan,
    order: OrderRecord,
    holder: str,
) -> OrderRecord:
    """Return the order when what stands is what is wanted, or nothing more can be done for it.

    Raises:
        Contended: another reconciler is at work; redelivery finds it done.
        RetryableError: the exchange did not answer, or its answer is not known.
    """
    lease, order = LeasedOrder.take(
        documents, clock, plan.run, order.portfolio, order.price_area, holder
    )
    try:
        auction = exchange.auction(market, plan.run.day)
        reconciler = _Reconciler(documents, exchange, market, plan, lease, auction)
        for _ in range(MAX_ACTS):
            order, done = reconciler.look_and_act(order)
            if done:
                return _with_alerts(documents, clock, plan, order)
        raise OutcomeUnknown(
            f"after {MAX_ACTS} tries the order for {order.price_area} does not stand as wanted",
            price_area=order.price_area,
        )
    finally:
        lease.release()


class _Reconciler:
    """One look and at most one act at a time, each written down before and after."""

    def __init__(
        self,
        documents: Documents,
        exchange: Exchange,
        market: Market,
        plan: Plan,
        lease: LeasedOrder,
        auction: Auction,
    ) -> None:
        self._documents, self._exchange, self._market = documents, exchange, market
        self._plan, self._lease, self._auction = plan, lease, auction

    def look_and_act(self, order: OrderRecord) -> tuple[OrderRecord, bool]:
        """Return the order after a look and what it led to, and whether all is done."""
        found = self._exchange.standing_order(
            self._market, self._plan.run.day, self._auction, order.portfolio, order.price_area
        )
        order = self._seen(order, found)
        if order.settled or order.state is OrderState.CLOSED or order.wanted is None:
            return order, True
        if not self._auction.open:
            return self._closed(order), True
        try:
            return self._act(order, order.wanted), False
        except ExchangeRefused as refusal:
            return self._refused(order, order.wanted, refusal)

    def _seen(self, order: OrderRecord, found: ExchangeOrder | None) -> OrderRecord:
        """Write down what stands; an order whose sending was interrupted becomes known here."""
        if found is None:
            if order.state is OrderState.SENDING:
                order = self._lease.move(OrderState.UNKNOWN, "order-unknown", {})
            return self._lease.note(lambda held: held.model_copy(update={"standing": None}))
        standing = Standing(
            order_id=found.order_id,
            matrix="" if found.matrix is None else found.matrix.digest(),
            exchange_version=found.version,
            state=found.state,
            seen=self._lease.clock.now(),
        )
        if order.state in (OrderState.SENDING, OrderState.UNKNOWN):
            return self._lease.move(
                OrderState.STANDING,
                "order-standing",
                {"order_id": standing.order_id, "matrix": standing.matrix},
                standing=standing,
                auction=self._auction.id,
                stood=_stood(order, standing),
            )
        return self._lease.note(
            lambda held: held.model_copy(update={"standing": standing, "auction": self._auction.id})
        )

    def _act(self, order: OrderRecord, wanted: Wanted) -> OrderRecord:
        matrix = BidMatrix.from_document(get_blob(self._documents, wanted.matrix))
        act = "place" if order.standing is None else "amend"
        order = self._lease.move(
            OrderState.SENDING,
            "order-sending",
            {"act": act, "matrix": wanted.matrix, "fence": list(wanted.fence)},
            attempts=order.attempts + 1,
            auction=self._auction.id,
        )
        comment = f"hydrobid {wanted.run} v{wanted.bid_version} {wanted.matrix[:16]}"
        try:
            if order.standing is None:
                self._exchange.place(self._auction, order.portfolio, matrix, comment)
            else:
                self._exchange.amend(self._auction, order.standing.order_id, matrix, comment)
        except OutcomeUnknown as unknown:
            # Looked up in the next round: sent or not, the exchange's list says.
            return self._lease.move(OrderState.UNKNOWN, "order-unknown", {"code": unknown.code})
        return order

    def _refused(
        self, order: OrderRecord, wanted: Wanted, refusal: ExchangeRefused
    ) -> tuple[OrderRecord, bool]:
        if refusal.details.get("conflict"):
            # The order changed under us, by a request of somebody else: the next look finds it.
            return self._lease.move(OrderState.UNKNOWN, "order-unknown", {"code": refusal.code}), (
                False
            )
        words = refusal.as_document()
        # What stood before still stands: it is wanted again, and the next look makes sure of it.
        falls_back = order.stood is not None and order.standing is not None
        order = self._lease.move(
            OrderState.STANDING if falls_back else OrderState.REFUSED,
            "order-refused",
            {"matrix": wanted.matrix, "words": words},
            refused={**order.refused, wanted.matrix: words},
            wanted=order.stood if falls_back else wanted,
        )
        return order, not falls_back

    def _closed(self, order: OrderRecord) -> OrderRecord:
        if order.state is OrderState.UNKNOWN:
            order = self._lease.move(OrderState.WITHDRAWN, "order-absent", {})
        return self._lease.move(
            OrderState.CLOSED,
            "order-closed",
            {"matrix": None if order.standing is None else order.standing.matrix},
        )


def _stood(order: OrderRecord, standing: Standing) -> Wanted | None:
    """Return the content to fall back on: what is wanted once it stands, else the last that did."""
    wanted = order.wanted
    return wanted if wanted is not None and wanted.matrix == standing.matrix else order.stood


def _with_alerts(documents: Documents, clock: Clock, plan: Plan, order: OrderRecord) -> OrderRecord:
    for digest, words in order.refused.items():
        raise_alert(
            documents,
            clock,
            run=plan.run,
            code="ORDER_REFUSED",
            severity="CRITICAL",
            subject=f"{order.price_area}~{digest}",
            message=f"the exchange refused the bid for {order.price_area}: {words['message']}",
            context={"price_area": order.price_area, "matrix": digest, "words": words},
        )
    if order.state is OrderState.CLOSED and not _stands_as_wanted(order):
        raise_alert(
            documents,
            clock,
            run=plan.run,
            code="GATE_MISSED",
            severity="CRITICAL",
            subject=order.price_area,
            message=f"the gate closed before the bid for {order.price_area} stood as wanted",
            context={"price_area": order.price_area},
        )
    return order


def _stands_as_wanted(order: OrderRecord) -> bool:
    return (
        order.wanted is not None
        and order.standing is not None
        and order.wanted.matrix == order.standing.matrix
    )
