"""The reconciler: looks at the exchange, acts, and looks again until what stands is wanted.

An order is not sent but reconciled. There is no idempotency key at the exchange, so after an
unknown outcome only its own list of orders tells what happened: nothing is sent before it has been
read, and nothing is believed to stand before it has been seen.

A bid with blocks is two orders there, curves and blocks, sent one after the other; `order_acts` says
which comes next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import (
    BidFaulty,
    ExchangeDenied,
    ExchangeRefused,
    HydrobidError,
    OrderConflict,
    OutcomeUnknown,
)
from hydrobid.domain.market import Market
from hydrobid.domain.orders import OrderRecord, Standing, Wanted
from hydrobid.domain.plan import Plan
from hydrobid.domain.stages import LEASE
from hydrobid.domain.states import OrderState
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.check_terms import require_access, require_rules, require_terms, view_of
from hydrobid.pipeline.order_acts import next_step, send
from hydrobid.pipeline.order_alerts import tell_of_denial, tell_of_order
from hydrobid.pipeline.order_records import LeasedOrder, stopped_by
from hydrobid.pipeline.order_steps import Act
from hydrobid.pipeline.ports import Auction, Clock, Documents, Exchange, ExchangeOrders
from hydrobid.pipeline.standing_order import standing_of

MAX_LOOKS = 6
_KNOWN = (OrderState.STANDING, OrderState.NOT_APPROVED, OrderState.CLOSED)
"""States of an order that stays as it is where it is found to stand."""


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
    try:
        # A lease that was left behind is taken over and given back by the whole way.
        nothing_to_do = order.lease is None and (
            order.state is OrderState.CLOSED
            or (
                order.stopped == stopped_by(documents)
                and _stands_as_seen(clock, exchange, market, plan, order)
            )
        )
    except ExchangeDenied as denied:
        tell_of_denial(documents, clock, plan.run, order, denied)
        raise
    if nothing_to_do:
        tell_of_order(documents, clock, order, plan.run)
        return order
    lease, order = LeasedOrder.take(
        documents, clock, plan.run, order.portfolio, order.price_area, holder
    )
    reconciler = _Reconciler(documents, clock, exchange, market, plan, lease)
    try:
        for _ in range(MAX_LOOKS):
            order, done = reconciler.look_and_act()
            tell_of_order(documents, clock, order, plan.run)
            if done:
                return order
        raise OutcomeUnknown(
            f"after {MAX_LOOKS} looks the order for {order.price_area} does not stand as wanted",
            price_area=order.price_area,
        )
    except ExchangeDenied as denied:
        tell_of_denial(documents, clock, plan.run, order, denied)
        raise
    finally:
        lease.release()


def _stands_as_seen(
    clock: Clock, exchange: Exchange, market: Market, plan: Plan, order: OrderRecord
) -> bool:
    """Whether an open order is as it was last seen, and as wanted: such a look needs no lease."""
    if order.standing is None or not order.settled:
        return False
    auction = exchange.auction(market, plan.run.day)
    if auction.closed_at(clock.now()):
        return False
    found = exchange.standing_orders(
        market, plan.run.day, auction, order.portfolio, order.price_area
    )
    seen = standing_of(exchange, auction, found, order.standing, order.standing.seen)
    return seen == order.standing


@dataclass(frozen=True)
class _Reconciler:
    """One look and at most one act at a time, each written down before and after."""

    documents: Documents
    clock: Clock
    exchange: Exchange
    market: Market
    plan: Plan
    lease: LeasedOrder

    def look_and_act(self) -> tuple[OrderRecord, bool]:
        """Return the order after a look and what it led to, and whether all is done."""
        auction = self.exchange.auction(self.market, self.plan.run.day)
        was_closed = auction.closed_at(self.clock.now())
        order, found = self._look(auction)
        if order.state is OrderState.CLOSED:
            return order, True
        if was_closed:
            return self._close(order), True
        if auction.closed_at(self.clock.now()):
            # A request may have arrived after this look and before the gate.
            return order, False
        if order.withdrawn:
            return self._withdraw(auction, order)
        if order.settled or order.wanted is None:
            return order, True
        if not auction.open:
            raise ExchangeDenied(
                f"auction {auction.id} takes no orders, though it closes only at "
                f"{utc_text(auction.closes)}",
                auction=auction.id,
            )
        return self._act(auction, order, order.wanted, found), False

    def _look(self, auction: Auction) -> tuple[OrderRecord, ExchangeOrders]:
        """Write down what stands; an order whose sending was interrupted becomes known here."""
        held = self.lease.look(auction)
        found = self.exchange.standing_orders(
            self.market, self.plan.run.day, auction, held.portfolio, held.price_area
        )
        now = self.clock.now()
        standing = standing_of(self.exchange, auction, found, held.standing, now)
        seen: dict[str, Any] = {"auction": auction.id, "standing": standing}
        if found.blocks:
            seen["blocks_sent"] = None  # they have arrived
        if standing is None and held.state is OrderState.SENDING:
            if held.withdrawn and held.standing is not None:
                return self._withdrawn(), found
            self.lease.move(OrderState.UNKNOWN, "order-unknown", {})
        if standing is not None and held.state not in _KNOWN:
            held = self.lease.move(
                OrderState.STANDING,
                "order-standing",
                {"order_id": ", ".join(standing.names), "matrix": standing.matrix},
                lambda _: seen,
            )
        else:
            held = self.lease.note(**seen)
        return self._judged(held), found

    def _judged(self, order: OrderRecord) -> OrderRecord:
        """Move an order to what the exchange's reasonability check makes of it."""
        standing = order.standing
        if standing is None:
            return order
        told = {"order_id": standing.order_id, "matrix": standing.matrix}
        if order.state is OrderState.STANDING and standing.approved is False:
            objections = {"objections": list(standing.objections)}
            return self.lease.move(
                OrderState.NOT_APPROVED, "order-not-approved", {**told, **objections}
            )
        if order.state is OrderState.NOT_APPROVED and standing.approved:
            return self.lease.move(OrderState.STANDING, "order-approved", told)
        return order

    def _act(
        self, auction: Auction, order: OrderRecord, wanted: Wanted, found: ExchangeOrders
    ) -> OrderRecord:
        """Do what is next to be done; whatever came of it, the next look tells."""
        matrix = BidMatrix.from_document(get_blob(self.documents, wanted.matrix))
        step = next_step(found, matrix)
        if step.act is Act.PLACE_BLOCKS:
            self._wait_for_blocks(order)
        terms = self.exchange.terms(
            self.market, self.plan.run.day, auction, order.portfolio, order.price_area
        )
        view = view_of(self.market, self.plan.run.day, auction, terms, self.clock.now())
        require_access(self.market, order.portfolio, order.price_area, view)
        told = {"act": step.act, "matrix": wanted.matrix, "fence": list(wanted.fence)}
        order = self.lease.begin(wanted, told)
        if order.state is not OrderState.SENDING:
            return order
        try:
            require_rules(self.market, self.plan.run.day, matrix)
            require_terms(self.market, matrix, view)
            if step.act is Act.CANCEL_BLOCKS:
                self._cancel(auction, step.order_id, self.exchange.cancel_blocks)
            else:
                send(self.exchange, auction, order.portfolio, step, matrix, wanted.comment)
        except (OutcomeUnknown, OrderConflict) as unknown:
            return self.lease.move(OrderState.UNKNOWN, "order-unknown", {"code": unknown.code})
        except HydrobidError as error:
            if step.act is Act.PLACE_BLOCKS:
                self.lease.note(blocks_sent=None)  # none is on its way
            if isinstance(error, ExchangeRefused | BidFaulty):
                return self._refused(wanted, order.standing, error)
            raise
        return order

    def _wait_for_blocks(self, order: OrderRecord) -> None:
        """Return where no order of blocks can be on its way; raise OutcomeUnknown.

        The exchange would let a second one stand beside the first.
        """
        until = None if order.blocks_sent is None else order.blocks_sent + LEASE
        if until is not None and self.clock.real_now() < until:
            raise OutcomeUnknown(
                f"the blocks for {order.price_area} may still be on their way: they are not sent "
                f"again before {utc_text(until)}",
                price_area=order.price_area,
            )

    def _withdraw(self, auction: Auction, order: OrderRecord) -> tuple[OrderRecord, bool]:
        """Cancel what stands; where nothing does, the order is withdrawn.

        A request still on its way may stand later: the guard looks again until the gate.
        """
        if order.settled:
            return order, True
        if order.standing is None:
            return self._withdrawn(), True
        order_id, of_blocks = order.standing.names[0], order.standing.order_id is None
        order = self.lease.begin(None, {"act": Act.CANCEL, "order_id": order_id})
        if order.state is OrderState.SENDING:
            cancel = self.exchange.cancel_blocks if of_blocks else self.exchange.cancel
            self._cancel(auction, order_id, cancel)
        return order, False

    def _cancel(
        self, auction: Auction, order_id: str, cancel: Callable[[Auction, str], None]
    ) -> None:
        """Take an order back; whatever came of it, the next look tells."""
        try:
            cancel(auction, order_id)
        except ExchangeRefused as refusal:
            if self.exchange.auction(self.market, self.plan.run.day).open:
                raise ExchangeDenied(
                    f"the exchange does not cancel order {order_id}: {refusal.message}",
                    **refusal.details,
                ) from refusal
        except (OutcomeUnknown, OrderConflict) as unknown:
            self.lease.move(OrderState.UNKNOWN, "order-unknown", {"code": unknown.code})

    def _withdrawn(self) -> OrderRecord:
        return self.lease.move(
            OrderState.WITHDRAWN, "order-withdrawn", {}, lambda _: {"standing": None}
        )

    def _refused(
        self, wanted: Wanted, standing: Standing | None, refusal: ExchangeRefused | BidFaulty
    ) -> OrderRecord:
        """Note that this content is refused; what was approved before it is wanted again."""
        words = refusal.as_document()
        if not self.exchange.auction(self.market, self.plan.run.day).open:
            # Too late is not a word on the content: the next look closes the order.
            return self.lease.move(
                OrderState.UNKNOWN,
                "order-unknown",
                {"code": refusal.code, "words": words},
                lambda _: {"too_late": words},
            )
        return self.lease.move(
            OrderState.REFUSED if standing is None else OrderState.STANDING,
            "order-refused",
            {"matrix": wanted.matrix, "words": words},
            lambda held: {"refused": {**held.refused, wanted.matrix: words}},
        )

    def _close(self, order: OrderRecord) -> OrderRecord:
        if order.state is OrderState.UNKNOWN:
            order = self.lease.move(OrderState.WITHDRAWN, "order-absent", {})
        return self.lease.move(
            OrderState.CLOSED,
            "order-closed",
            {"matrix": None if order.standing is None else order.standing.matrix},
        )
