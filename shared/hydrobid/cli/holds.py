"""`withdraw`, `lock`, `release` and `kill-switch`: the desk's hand on what stands at the exchange."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from hydrobid.cli.desk import WAIT, Area, By, Client, Day, Desk, Reason, Wait
from hydrobid.cli.options import DEFAULT, DataDir, Json, parse_day
from hydrobid.cli.orders_shown import at_rest, print_orders, waited
from hydrobid.domain.holds import HoldKind
from hydrobid.domain.orders import OrderRecord
from hydrobid.pipeline.hold_order import (
    OrdersOf,
    hold_orders,
    open_orders,
    orders_of,
    release_orders,
    turn_kill_switch,
)


class Position(StrEnum):
    """Which way the kill switch is turned."""

    ON = "on"
    OFF = "off"


def _on_orders(act: Callable[[Desk, OrdersOf], object], help_: str) -> Callable[..., None]:
    """Return a command that does something to a day's orders and shows what came of it."""

    def command(
        client: Client,
        reason: Reason,
        day: Day = None,
        area: Area = None,
        by: By = None,
        wait: Wait = WAIT,
        data_dir: DataDir = DEFAULT,
        as_json: Json = False,
    ) -> None:
        desk = Desk.of(data_dir, client, by, reason)
        orders = orders_of(desk.documents, desk.clock, parse_day(day), area)
        act(desk, orders)
        asked = {str(name): path for name, path in orders.paths.items()}
        shown = waited(desk.documents, asked, at_rest, wait)
        confirmed = {name: at_rest(order) for name, order in shown.items()}
        told = {"client": desk.client, "day": orders.run.day.isoformat(), "by": desk.act.by}
        print_orders(told, shown, confirmed, as_json=as_json)

    command.__doc__ = help_
    return command


def _hold(kind: HoldKind) -> Callable[[Desk, OrdersOf], object]:
    return lambda desk, orders: hold_orders(
        desk.documents, desk.clock, desk.messages, orders, kind, desk.act
    )


withdraw = _on_orders(
    _hold(HoldKind.WITHDRAWN),
    """Cancel a day's orders, and keep any bid from standing until they are released.

    It holds before anything was sent as well as after, whatever is solved or approved meanwhile.
    The same again does no harm, and tells whether the exchange shows it by now.

    Example: hydrobid withdraw sintef-example --area NO2 --reason "unit 2 is out"
    """,
)

lock = _on_orders(
    _hold(HoldKind.LOCKED),
    """Keep a day's orders as they stand: nothing newer takes their place until they are released.

    Where nothing stands, nothing is sent.

    Example: hydrobid lock sintef-example --reason "agreed with the plant as it is"
    """,
)

release = _on_orders(
    lambda desk, orders: release_orders(
        desk.documents, desk.clock, desk.messages, orders, desk.act
    ),
    """Lift what withdraw or lock has set: the newest approved bid is sent while the gate is open.

    A kill switch that is on goes on holding everything.

    Example: hydrobid release sintef-example --area NO2 --reason "unit 2 is back"
    """,
)


def kill_switch(
    client: Client,
    position: Annotated[
        Position, typer.Argument(help="on: cancel everything and send nothing. off: let it go.")
    ],
    reason: Reason,
    by: By = None,
    wait: Wait = WAIT,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Cancel every order of a client whose gate is open, and send nothing until it is turned off.

    It needs no inputs and no run, and holds for whatever is bid later. Orders that were withdrawn
    or locked on their own stay so when it is turned off.

    Example: hydrobid kill-switch sintef-example on --reason "wrong water levels everywhere"
    """
    desk = Desk.of(data_dir, client, by, reason)
    on = position is Position.ON
    switch = turn_kill_switch(
        desk.documents, desk.clock, desk.messages, desk.client, desk.act, on=on
    )

    asked = {
        f"{order.run.day.isoformat()} {order.price_area}": path
        for path, order in open_orders(desk.documents).items()
    }

    def as_turned(order: OrderRecord | None) -> bool:
        turned = order is None or order.stopped == switch.hold
        return turned and at_rest(order)

    shown = waited(desk.documents, asked, as_turned, wait)
    confirmed = {name: as_turned(order) for name, order in shown.items()}
    told = {"client": desk.client, "kill_switch": str(position), "by": desk.act.by}
    print_orders(told, shown, confirmed, as_json=as_json)
