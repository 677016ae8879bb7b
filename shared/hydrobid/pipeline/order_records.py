"""The order document: what is wanted under a fence, who may act under a lease."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hydrobid.domain.errors import Contended
from hydrobid.domain.identifiers import Portfolio, PriceArea, RunId
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AreaRecord, Lease, OrderRecord, Wanted
from hydrobid.domain.stages import LEASE
from hydrobid.domain.states import Actor, ApprovalState, Entity, OrderState, check_transition
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Clock, Documents, Put, Transaction
from hydrobid.pipeline.recording import record_writes


def want(documents: Documents, clock: Clock, plan: Plan, area: AreaRecord) -> OrderRecord | None:
    """Add an approved bid to what its order may hold.

    After the gate nothing is added; an order that was never made is then closed unsent. Returns
    the order's record, None where there is none and the bid is not approved.
    """
    path = paths.order(area.run, area.portfolio, area.price_area)
    wanted = _approved_content(area)
    known = _order_or_none(documents, path)
    if wanted is None or _has_fence(known, wanted):
        return known

    def raise_fence(transaction: Transaction) -> OrderRecord | None:
        before = _order_or_none(transaction, path)
        closed = clock.now() >= plan.cut_offs.gate
        if _has_fence(before, wanted) or (closed and before is not None):
            return before
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
        transaction.write(*writes)
        return record

    return documents.transact(raise_fence)


def came_too_late(area: AreaRecord, order: OrderRecord | None) -> bool:
    """Whether a bid is approved but was not in time to become wanted."""
    wanted = _approved_content(area)
    return wanted is not None and not _has_fence(order, wanted)


def _approved_content(area: AreaRecord) -> Wanted | None:
    approval = area.approval
    if approval is None or approval.state is not ApprovalState.APPROVED:
        return None
    return Wanted(run=area.run, bid_version=area.bid_version, matrix=approval.digest)


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

    def read(self) -> OrderRecord:
        """Return the order as it is.

        Raises:
            Contended: the lease was lost.
        """
        return self._held(self.documents)

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

        def write(transaction: Transaction) -> OrderRecord:
            before = self._held(transaction)
            check_transition(Entity.ORDER, before.state, to, Actor.RECONCILER)
            update = {"state": to, "lease": self._lease(), **change(before)}
            record, writes = record_writes(
                self.path,
                before.model_copy(update=update),
                before,
                run=before.run,
                event=event,
                actor=Actor.RECONCILER,
                clock=self.clock,
                data=data,
            )
            transaction.write(*writes)
            return record

        return self.documents.transact(write)

    def note(self, **seen: Any) -> OrderRecord:
        """Update what is no change of state and needs no event: what was seen at a look."""

        def write(transaction: Transaction) -> OrderRecord:
            after = self._held(transaction).model_copy(update=seen)
            transaction.write(Put(self.path, after.to_document()))
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

    def _lease(self) -> Lease:
        return Lease(holder=self.holder, until=self.clock.real_now() + LEASE)

    def _held(self, at: Documents | Transaction) -> OrderRecord:
        order = _order_at(at, self.path)
        if order.lease is None or order.lease.holder != self.holder:
            raise Contended(f"the lease on {self.path} was lost", path=self.path)
        return order


def _order_at(at: Documents | Transaction, path: str) -> OrderRecord:
    order = _order_or_none(at, path)
    if order is None:
        raise Contended(f"no order at {path} yet", path=path)
    return order


def _order_or_none(at: Documents | Transaction, path: str) -> OrderRecord | None:
    stored = at.get(path)
    return None if stored is None else OrderRecord.from_document(stored)
