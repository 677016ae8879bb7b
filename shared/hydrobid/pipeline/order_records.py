"""The order document: what is wanted under a fence, who may act under a lease."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hydrobid.domain.errors import Contended, CorruptDocument
from hydrobid.domain.events import Event
from hydrobid.domain.holds import Hold, HoldKind
from hydrobid.domain.identifiers import Portfolio, PriceArea, RunId
from hydrobid.domain.orders import KillSwitch, Lease, OrderRecord, Wanted
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.stages import LEASE
from hydrobid.domain.states import Actor, Entity, OrderState, check_transition
from hydrobid.pipeline import paths
from hydrobid.pipeline.order_alerts import telling_of_hold
from hydrobid.pipeline.order_steps import Act
from hydrobid.pipeline.ports import Auction, Clock, Documents, Put, Transaction, Write
from hydrobid.pipeline.recording import record_writes, was_written

KILL_SWITCH_ON, KILL_SWITCH_OFF = "kill-switch-on", "kill-switch-off"
"""The events of a kill switch."""


def want(documents: Documents, clock: Clock, plan: Plan, area: AreaRecord) -> OrderRecord | None:
    """Add an approved bid to what its order may hold; return the order, None where there is none."""
    wanted = area.to_be_wanted
    known = order_at(documents, paths.order(area.run, area.portfolio, area.price_area))
    if wanted is None or _has_fence(known, wanted):
        return known

    def raise_fence(transaction: Transaction) -> OrderRecord | None:
        order, writes = wanting(transaction, clock, plan, area)
        transaction.write(*writes)
        return order

    return documents.transact(raise_fence)


def wanting(
    transaction: Transaction, clock: Clock, plan: Plan, area: AreaRecord
) -> tuple[OrderRecord | None, tuple[Write, ...]]:
    """Return an order as it is with what was decided on a bid, and the writes that make it so.

    After the gate nothing is added; an order that was never made is then closed unsent. None where
    there is no order and the bid is not approved.
    """
    path = paths.order(area.run, area.portfolio, area.price_area)
    wanted, before = area.to_be_wanted, order_at(transaction, path)
    closed = clock.now() >= plan.cut_offs.gate
    if wanted is None or _has_fence(before, wanted) or (closed and before is not None):
        return before, ()
    order = before or OrderRecord(
        run=area.run, portfolio=area.portfolio, price_area=area.price_area
    )
    approved = tuple(sorted((*order.approved, wanted), key=lambda known: known.fence))
    update = {"state": OrderState.CLOSED} if closed else {"approved": approved}
    record, writes = record_writes(
        path,
        order.model_copy(update={"run": area.run, **update}),
        before,
        run=area.run,
        event="order-closed" if closed else "order-wanted",
        actor=Actor.RECONCILER if closed else Actor.SUBMISSION,
        clock=clock,
        data={"matrix": wanted.matrix, "fence": list(wanted.fence)},
    )
    return record, (*writes, *telling_of_hold(transaction, clock, before, record))


def kill_switch(at: Documents | Transaction) -> KillSwitch | None:
    """Return the client's kill switch, None where nobody ever turned it."""
    stored = at.get(paths.KILL_SWITCH)
    return None if stored is None else KillSwitch.from_document(stored)


def stopped_by(at: Documents | Transaction) -> Hold | None:
    """Return the hold of a kill switch that is on."""
    switch = kill_switch(at)
    return None if switch is None else switch.hold


def order_at(at: Documents | Transaction, path: str) -> OrderRecord | None:
    """Return the order at a path, None where there is none."""
    stored = at.get(path)
    return None if stored is None else OrderRecord.from_document(stored, path)


def came_too_late(area: AreaRecord, order: OrderRecord | None) -> bool:
    """Whether a bid is approved but was not in time to become wanted."""
    wanted = area.to_be_wanted
    return wanted is not None and not _has_fence(order, wanted)


def has_newer(order: OrderRecord | None, area: AreaRecord) -> bool:
    """Whether a newer bid than an area's was approved, and not refused since."""
    return order is not None and order.due is not None and order.due.fence > area.fence


def _has_fence(order: OrderRecord | None, wanted: Wanted) -> bool:
    return order is not None and any(known.fence == wanted.fence for known in order.approved)


@dataclass(frozen=True)
class LeasedOrder:
    """The right to act on one order. Every write checks that the right is still ours."""

    documents: Documents
    clock: Clock
    path: str
    holder: str

    @classmethod
    def take(
        cls,
        documents: Documents,
        clock: Clock,
        run: RunId,
        portfolio: Portfolio,
        area: PriceArea,
        holder: str,
    ) -> tuple[LeasedOrder, OrderRecord]:
        """Return the lease and the order under it.

        Raises:
            Contended: somebody else holds the lease.
        """
        leased = cls(documents, clock, paths.order(run, portfolio, area), holder)

        def mark(transaction: Transaction) -> OrderRecord:
            order = _order_at(transaction, leased.path)
            lease = order.lease
            if lease is not None and lease.holder != holder and lease.until > clock.real_now():
                raise Contended(f"the order at {leased.path} is being reconciled", path=leased.path)
            held = order.model_copy(update={"lease": leased._lease()})
            transaction.write(Put(leased.path, held.to_document()))
            return held

        return leased, documents.transact(mark)

    def move(
        self,
        to: OrderState,
        event: str,
        data: dict[str, Any],
        change: Callable[[OrderRecord], dict[str, Any]] = lambda _: {},
    ) -> OrderRecord:
        """Move the order to another state, with an event, and renew the lease.

        change: the fields that change with it, from the record as it is in the transaction.
        """
        return self._record(event, data, lambda _, before: {"state": to, **change(before)})

    def begin(self, content: Wanted | None, data: dict[str, Any]) -> OrderRecord:
        """Return the order as SENDING, or as it is where `content` is not what is wanted any more.

        content: None to cancel what stands, which only an order that is withdrawn may want. The
        last moment at which a hold or a newer bid keeps an act from the exchange: both are read in
        the transaction that begins it.
        """

        def send(transaction: Transaction, before: OrderRecord) -> dict[str, Any] | None:
            turned = stopped_by(transaction) != before.stopped
            if turned or before.wanted != content or before.withdrawn is not (content is None):
                return None
            sent = self.clock.real_now() if data["act"] is Act.PLACE_BLOCKS else before.blocks_sent
            begun = {"state": OrderState.SENDING, "attempts": before.attempts + 1}
            return {**begun, "blocks_sent": sent}

        return self._record("order-sending", data, send)

    def look(self, auction: Auction) -> OrderRecord:
        """Return the order before a look at an auction, under the kill switch as it is now.

        Once the auction has closed: as it was then, whichever way it was turned since.
        """

        def write(transaction: Transaction) -> OrderRecord:
            before = self._held(transaction)
            switch = kill_switch(transaction)
            if switch is None or before.state is OrderState.CLOSED:
                return before
            stopped = switch.hold
            if auction.closed_at(self.clock.now()):
                stopped = _hold_at(transaction, switch, auction.closes, before.stopped)
            if stopped == before.stopped:
                return before
            return self._write(
                transaction,
                before,
                before.model_copy(update={"stopped": stopped}),
                "order-resumed" if stopped is None else "order-stopped",
                {} if stopped is None else stopped.as_told(),
            )

        return self.documents.transact(write)

    def note(self, **seen: Any) -> OrderRecord:
        """Update what is no change of state and needs no event: what was seen at a look."""

        def write(transaction: Transaction) -> OrderRecord:
            before = self._held(transaction)
            after = before.model_copy(update=seen)
            told = telling_of_hold(transaction, self.clock, before, after)
            transaction.write(Put(self.path, after.to_document()), *told)
            return after

        return self.documents.transact(write)

    def release(self) -> None:
        """Give the lease back; one that was lost meanwhile is left to its new holder."""

        def clear(transaction: Transaction) -> None:
            order = _order_at(transaction, self.path)
            if order.lease is not None and order.lease.holder == self.holder:
                free = order.model_copy(update={"lease": None})
                transaction.write(Put(self.path, free.to_document()))

        self.documents.transact(clear)

    def _record(
        self,
        event: str,
        data: dict[str, Any],
        change: Callable[[Transaction, OrderRecord], dict[str, Any] | None],
    ) -> OrderRecord:
        """Make the order's next version of what `change` says, unless that is None."""
        tried: OrderRecord | None = None

        def write(transaction: Transaction) -> OrderRecord:
            nonlocal tried
            before = self._held(transaction)
            if tried is not None and was_written(transaction, self.path, tried):
                # Its answer was lost, and the documents' client has run the transaction again.
                return before
            update = change(transaction, before)
            if update is None:
                return before
            check_transition(Entity.ORDER, before.state, update["state"], Actor.RECONCILER)
            after = before.model_copy(update={"lease": self._lease(), **update})
            tried = self._write(transaction, before, after, event, data)
            return tried

        return self.documents.transact(write)

    def _write(
        self,
        transaction: Transaction,
        before: OrderRecord,
        after: OrderRecord,
        event: str,
        data: dict[str, Any],
    ) -> OrderRecord:
        record, writes = record_writes(
            self.path,
            after,
            before,
            run=before.run,
            event=event,
            actor=Actor.RECONCILER,
            clock=self.clock,
            data=data,
        )
        transaction.write(*writes, *telling_of_hold(transaction, self.clock, before, record))
        return record

    def _lease(self) -> Lease:
        return Lease(holder=self.holder, until=self.clock.real_now() + LEASE)

    def _held(self, transaction: Transaction) -> OrderRecord:
        order = _order_at(transaction, self.path)
        if order.lease is None or order.lease.holder != self.holder:
            raise Contended(f"the lease on {self.path} was lost", path=self.path)
        return order


def _hold_at(
    transaction: Transaction, switch: KillSwitch, instant: datetime, known: Hold | None
) -> Hold | None:
    """Return the hold of a kill switch as it was at an instant, as its events tell.

    known: what an order has noted of it, which is returned where it is that one.
    """
    for version in range(switch.version, 0, -1):
        path = paths.event(f"{paths.entity_of(paths.KILL_SWITCH)}~{version}")
        stored = transaction.get(path)
        if stored is None:
            raise CorruptDocument(f"the kill switch has no event of version {version}", path=path)
        event = Event.from_document(stored)
        if event.at >= instant:
            continue
        if version == switch.version:
            return switch.hold
        if event.type == KILL_SWITCH_OFF:
            return None
        hold = Hold(kind=HoldKind.WITHDRAWN, at=event.at, **event.data)
        return known if known is not None and known.as_told() == hold.as_told() else hold
    return None


def _order_at(transaction: Transaction, path: str) -> OrderRecord:
    order = order_at(transaction, path)
    if order is None:
        raise Contended(f"no order at {path} yet", path=path)
    return order
