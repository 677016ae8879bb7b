"""The desk's hand on an order: withdraw it, lock it, let it go; or stop everything of a client.

A hold is written first and told after. Whoever repeats a request that was met finds it done and
tells it again, so what broke in between heals. Submission then brings the exchange in line, and
the guard does so every minute before the gate even where no message arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, TypeVar

from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import CorruptDocument, GateClosed, InvalidInput
from hydrobid.domain.holds import Act, Hold, HoldKind
from hydrobid.domain.identifiers import ClientId, PriceArea, RunId
from hydrobid.domain.messages import HoldChanged
from hydrobid.domain.orders import KillSwitch, OrderRecord
from hydrobid.domain.states import Actor, OrderState
from hydrobid.domain.time import utc_text
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.order_alerts import telling_of_hold
from hydrobid.pipeline.order_records import (
    KILL_SWITCH_OFF,
    KILL_SWITCH_ON,
    kill_switch,
    order_at,
)
from hydrobid.pipeline.ports import Clock, Documents, Messages, Transaction
from hydrobid.pipeline.publish_inputs import current_inputs
from hydrobid.pipeline.read_run import newest_run
from hydrobid.pipeline.recording import record_writes
from hydrobid.pipeline.run_inputs import plan_of
from hydrobid.schema import configuration_of

R = TypeVar("R", bound=OrderRecord | None)


@dataclass(frozen=True)
class OrdersOf:
    """The orders of a client's delivery day. run: any run of the day, which names their documents."""

    configuration: ClientConfiguration
    run: RunId
    areas: tuple[PriceArea, ...]

    @property
    def paths(self) -> dict[PriceArea, str]:
        """Where the orders are, or will be."""
        portfolio = self.configuration.portfolio
        return {area: paths.order(self.run, portfolio, area) for area in self.areas}


def orders_of(
    documents: Documents, clock: Clock, day: date | None = None, area: str | None = None
) -> OrdersOf:
    """Return which orders are meant: of a day, the next open one if None; of one area, or of all.

    Raises:
        InvalidInput: nothing is bid in the area. NotFound: the client has no inputs.
    """
    configuration = configuration_of(get_blob(documents, current_inputs(documents).configuration))
    market = configuration.market
    day = day or market.next_open_day(clock.now())
    newest = newest_run(documents, market.id, day)
    known = {asset.price_area for asset in configuration.assets}
    if newest is not None:
        # An area that is bid in no more may still have an order.
        for run in (RunId(market.id, day, n) for n in range(1, newest.revision + 1)):
            known.update(plan_of(documents, run).price_areas)
    if area is not None and area not in known:
        raise InvalidInput.of("request", "area", area, f"one of {', '.join(sorted(known))}")
    areas = sorted(known) if area is None else [PriceArea(area)]
    return OrdersOf(configuration, newest or RunId(market.id, day, 1), tuple(areas))


def hold_orders(
    documents: Documents,
    clock: Clock,
    messages: Messages,
    orders: OrdersOf,
    kind: HoldKind,
    act: Act,
) -> dict[PriceArea, OrderRecord]:
    """Set a hold on orders, before they are made as well as after; return them by area.

    An order that has this hold keeps it as it was set. Withdrawing takes a lock's place.

    Raises:
        GateClosed: what stands cannot be changed any more; nothing was set. InvalidInput: to be
        locked, and withdrawn: nothing was set for this and later areas.
    """

    def set_one(area: PriceArea, transaction: Transaction) -> OrderRecord:
        path = orders.paths[area]
        before = order_at(transaction, path)
        now = _before_the_gate(clock, orders)
        order = before or OrderRecord(
            run=orders.run, portfolio=orders.configuration.portfolio, price_area=area
        )
        if order.hold is not None and order.hold.kind is kind:
            return order
        if order.hold is not None and kind is HoldKind.LOCKED:
            # It would let stand what is about to be cancelled.
            expected = "an order that is not withdrawn: release it first"
            raise InvalidInput.of("request", f"lock of {area}", "a withdrawn order", expected)
        pinned = order.standing.matrix if order.standing and kind is HoldKind.LOCKED else None
        hold = Hold(kind=kind, at=now, matrix=pinned, **dict(act))
        return _write(transaction, clock, path, order, before, hold, "order-held", hold.as_told())

    return _each(documents, messages, orders, set_one)


def release_orders(
    documents: Documents, clock: Clock, messages: Messages, orders: OrdersOf, act: Act
) -> dict[PriceArea, OrderRecord | None]:
    """Lift the holds of orders; return them by area, None where there is none.

    The newest approved bid is wanted again, whichever was approved meanwhile. A kill switch that is
    on goes on holding them.

    Raises:
        GateClosed: as above.
    """

    def lift_one(area: PriceArea, transaction: Transaction) -> OrderRecord | None:
        path = orders.paths[area]
        before = order_at(transaction, path)
        _before_the_gate(clock, orders)
        if before is None or before.hold is None:
            return before
        told = act.to_document()
        return _write(transaction, clock, path, before, before, None, "order-released", told)

    return _each(documents, messages, orders, lift_one)


def turn_kill_switch(
    documents: Documents, clock: Clock, messages: Messages, client: ClientId, act: Act, *, on: bool
) -> KillSwitch:
    """Withdraw everything of a client and send nothing, or let it go; return how the switch stands.

    It needs no inputs and no run, and holds for orders that are made later. One that is turned that
    way already stays as it was set.
    """

    def turn(transaction: Transaction) -> KillSwitch:
        before = kill_switch(transaction)
        if (before is not None and before.hold is not None) is on:
            return before or KillSwitch()
        hold = Hold(kind=HoldKind.WITHDRAWN, at=clock.now(), **dict(act)) if on else None
        switch, writes = record_writes(
            paths.KILL_SWITCH,
            (before or KillSwitch()).model_copy(update={"hold": hold}),
            before,
            run=client,
            event=KILL_SWITCH_ON if on else KILL_SWITCH_OFF,
            actor=Actor.DESK,
            clock=clock,
            data=act.to_document(),
        )
        transaction.write(*writes)
        return switch

    switch = documents.transact(turn)
    _tell(messages, client, open_orders(documents).values())
    return switch


def open_orders(documents: Documents) -> dict[str, OrderRecord]:
    """Return the orders with a bid whose gate is not known to have closed, by their path."""
    found = {}
    for name, stored in documents.find(paths.ORDERS).items():
        try:
            order = OrderRecord.from_document(stored)
        except CorruptDocument:
            # It must not keep the others from being stopped; submission tells of it.
            continue
        if order.approved and order.state is not OrderState.CLOSED:
            found[f"{paths.ORDERS}/{name}"] = order
    return found


def _before_the_gate(clock: Clock, orders: OrdersOf) -> datetime:
    """Return market time, at which a hold may still be changed; raise GateClosed."""
    gate, now = orders.configuration.market.gate(orders.run.day), clock.now()
    if now >= gate:
        day = orders.run.day.isoformat()
        raise GateClosed(
            f"the gate for {day} closed at {utc_text(gate)}: what stood then counts",
            day=day,
            gate=utc_text(gate),
        )
    return now


def _write(
    transaction: Transaction,
    clock: Clock,
    path: str,
    order: OrderRecord,
    before: OrderRecord | None,
    hold: Hold | None,
    event: str,
    told: dict[str, Any],
) -> OrderRecord:
    """Write an order with another hold, its event, and what that does to its alert."""
    if order.state is OrderState.CLOSED:
        raise GateClosed(f"the order for {order.price_area} is closed", order=path)
    record, writes = record_writes(
        path,
        order.model_copy(update={"hold": hold}),
        before,
        run=order.run,
        event=event,
        actor=Actor.DESK,
        clock=clock,
        data=told,
    )
    transaction.write(*writes, *telling_of_hold(transaction, clock, before, record))
    return record


def _each(
    documents: Documents,
    messages: Messages,
    orders: OrdersOf,
    change: Callable[[PriceArea, Transaction], R],
) -> dict[PriceArea, R]:
    """Change one order after the other, and tell each before the next."""
    changed = {}
    for area in orders.areas:
        order = documents.transact(partial(change, area))
        changed[area] = order
        if order is not None:
            _tell(messages, orders.configuration.client, [order])
    return changed


def _tell(messages: Messages, client: ClientId, orders: Iterable[OrderRecord]) -> None:
    """Have submission bring the exchange in line; an order without any bid has nothing there."""
    for order in orders:
        if order.approved and order.state is not OrderState.CLOSED:
            messages.publish(HoldChanged(client=client, run=order.run, price_area=order.price_area))
