"""`withdraw`, `lock`, `release` and `kill-switch`: the desk's hand on what stands at the exchange."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.text import Text

from hydrobid.cli.connection import connect
from hydrobid.cli.exits import ExitCode
from hydrobid.cli.options import DEFAULT, DataDir, Json, data_folder, parse_day
from hydrobid.cli.output import out, print_json, say
from hydrobid.cli.owner import clients_asked
from hydrobid.cli.render import new_table
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.holds import Act, Hold, HoldKind
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.records import OrderRecord
from hydrobid.domain.states import OrderState
from hydrobid.pipeline.hold_order import (
    OrdersOf,
    hold_orders,
    open_orders,
    orders_of,
    release_orders,
    turn_kill_switch,
)
from hydrobid.pipeline.ports import Clock, Documents, Messages

if TYPE_CHECKING:
    from hydrobid.bootstrap.console import Console

LOOKS_A_SECOND = 4

Client = Annotated[str, typer.Argument(metavar="CLIENT", help="The client's id.")]
Day = Annotated[
    str | None,
    typer.Option(
        "--date",
        help="Delivery day; the next one whose gate is open if not given.",
        show_default=False,
    ),
]
Area = Annotated[
    str | None,
    typer.Option("--area", help="Price area; all of the day if not given.", show_default=False),
]
Reason = Annotated[str, typer.Option("--reason", help="Why, for everybody who will ask.")]
By = Annotated[
    str | None,
    typer.Option(
        "--by",
        envvar="HYDROBID_BY",
        help="Who does it; the name of this machine's user if not given.",
        show_default=False,
    ),
]
Wait = Annotated[
    float, typer.Option("--wait", min=0, help="Seconds to wait until the exchange shows it.")
]
WAIT = 30.0


class Position(StrEnum):
    """Which way the kill switch is turned."""

    ON = "on"
    OFF = "off"


@dataclass(frozen=True)
class _Desk:
    """What an act needs, for one client."""

    client: ClientId
    documents: Documents
    clock: Clock
    messages: Messages
    act: Act


def withdraw(
    client: Client,
    reason: Reason,
    day: Day = None,
    area: Area = None,
    by: By = None,
    wait: Wait = WAIT,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Cancel a day's orders, and keep any bid from standing until they are released.

    It holds before anything was sent as well as after, whatever is solved or approved meanwhile.
    The same again does no harm, and tells whether the exchange shows it by now.

    Example: hydrobid withdraw sintef-example --area NO2 --reason "unit 2 is out"
    """
    desk = _desk(data_dir, client, by, reason)
    orders = _asked(desk, day, area)
    hold_orders(desk.documents, desk.clock, desk.messages, orders, HoldKind.WITHDRAWN, desk.act)
    _show(desk, orders, wait, as_json=as_json)


def lock(
    client: Client,
    reason: Reason,
    day: Day = None,
    area: Area = None,
    by: By = None,
    wait: Wait = WAIT,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Keep a day's orders as they stand: nothing newer takes their place until they are released.

    Where nothing stands, nothing is sent.

    Example: hydrobid lock sintef-example --reason "agreed with the plant as it is"
    """
    desk = _desk(data_dir, client, by, reason)
    orders = _asked(desk, day, area)
    hold_orders(desk.documents, desk.clock, desk.messages, orders, HoldKind.LOCKED, desk.act)
    _show(desk, orders, wait, as_json=as_json)


def release(
    client: Client,
    reason: Reason,
    day: Day = None,
    area: Area = None,
    by: By = None,
    wait: Wait = WAIT,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Lift what withdraw or lock has set: the newest approved bid is sent while the gate is open.

    A kill switch that is on goes on holding everything.

    Example: hydrobid release sintef-example --area NO2 --reason "unit 2 is back"
    """
    desk = _desk(data_dir, client, by, reason)
    orders = _asked(desk, day, area)
    release_orders(desk.documents, desk.clock, desk.messages, orders, desk.act)
    _show(desk, orders, wait, as_json=as_json)


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
    desk = _desk(data_dir, client, by, reason)
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
        return turned and _at_rest(order)

    shown = _waited(desk, asked, as_turned, wait)
    confirmed = {name: as_turned(order) for name, order in shown.items()}
    told = {"client": desk.client, "kill_switch": str(position), "by": desk.act.by}
    _print(told, shown, confirmed, as_json=as_json)


def _desk(data_dir: Any, client: str, by: str | None, reason: str) -> _Desk:
    act = _act(by or getpass.getuser(), reason)
    console, state = connect(data_folder(data_dir))
    (owner,) = clients_asked(state, client, "CLIENT")
    return _at(console, owner, act)


def _at(console: Console, client: ClientId, act: Act) -> _Desk:
    return _Desk(client, console.documents(client), console.clock, console.messages(client), act)


def _act(by: str, reason: str) -> Act:
    for option, value in (("--by", by), ("--reason", reason)):
        try:
            Act(by=value, reason=value)
        except ValidationError:
            expected = "1 to 500 characters, not only spaces"
            raise InvalidInput.of("command line", option, value, expected) from None
    return Act(by=by, reason=reason)


def _asked(desk: _Desk, day: str | None, area: str | None) -> OrdersOf:
    return orders_of(desk.documents, desk.clock, parse_day(day), area)


def _show(desk: _Desk, orders: OrdersOf, wait: float, *, as_json: bool) -> None:
    """Wait until the exchange shows what was asked for, and print how the orders stand."""
    asked = {str(area): path for area, path in orders.paths.items()}
    shown = _waited(desk, asked, _at_rest, wait)
    confirmed = {area: _at_rest(order) for area, order in shown.items()}
    told = {"client": desk.client, "day": orders.run.day.isoformat(), "by": desk.act.by}
    _print(told, shown, confirmed, as_json=as_json)


def _at_rest(order: OrderRecord | None) -> bool:
    """Whether nothing has still to happen at the exchange for an order to be as it is wanted."""
    if order is None or order.state is OrderState.CLOSED or order.settled:
        return True
    return (
        order.standing is None
        and order.wanted is None
        and order.state in (None, OrderState.REFUSED)
    )


def _waited(
    desk: _Desk,
    orders: Mapping[str, str],
    done: Callable[[OrderRecord | None], bool],
    seconds: float,
) -> dict[str, OrderRecord | None]:
    """Return the orders at the given paths once all are done, or as they are when time is up."""
    until = time.monotonic() + seconds
    while True:
        found = {
            name: None if stored is None else OrderRecord.from_document(stored)
            for name, stored in zip(
                orders, desk.documents.get_many(list(orders.values())), strict=True
            )
        }
        if all(map(done, found.values())) or time.monotonic() >= until:
            return found
        time.sleep(1 / LOOKS_A_SECOND)


def _print(
    told: dict[str, Any],
    orders: Mapping[str, OrderRecord | None],
    confirmed: Mapping[str, bool],
    *,
    as_json: bool,
) -> None:
    everything = all(confirmed.values())
    if as_json:
        described = {
            name: {**_described(order), "confirmed": confirmed[name]}
            for name, order in orders.items()
        }
        print_json({**told, "orders": described, "confirmed": everything})
    else:
        if orders:
            _print_table(orders)
        for name, order in orders.items():
            locked = order is not None and order.held is not None and not order.withdrawn
            if order is not None and locked and order.standing is None:
                say(f"Nothing stands in {name}: while it is locked, nothing is sent.", "bold red")
        if everything:
            say("The exchange shows it so." if orders else "Done; no order is open.", "green")
        else:
            say(
                "Set, and it will stay so; the exchange does not show it yet. It is tried again, and "
                "every minute from the submission cut-off to the gate. The same command again tries "
                "at once.",
                "bold yellow",
            )
    if not everything:
        raise typer.Exit(ExitCode.NOT_CONFIRMED)


def _described(order: OrderRecord | None) -> dict[str, Any]:
    if order is None:
        order_state, standing, withheld, hold, stopped = None, None, None, None, None
    else:
        order_state, standing, withheld = order.state, order.standing, order.withheld
        hold, stopped = order.hold, order.stopped
    return {
        "hold": None if hold is None else hold.to_document(),
        "kill_switch": None if stopped is None else stopped.to_document(),
        "order_state": None if order_state is None else str(order_state),
        "standing": None if standing is None else standing.to_document(),
        "withheld": None if withheld is None else withheld.to_document(),
    }


def _print_table(orders: Mapping[str, OrderRecord | None]) -> None:
    table = new_table("area", "hold", "by", "reason", "order", "at the exchange")
    for name, order in orders.items():
        held: Hold | None = None if order is None else order.held
        what = "none" if held is None else str(held.kind)
        if order is not None and order.stopped is not None:
            what = "kill switch"
        state = "-" if order is None or order.state is None else str(order.state)
        standing = None if order is None else order.standing
        stands = "nothing" if standing is None else f"order {standing.order_id}"
        by, reason = ("-", "-") if held is None else (held.by, held.reason)
        table.add_row(*map(Text, (name, what, by, reason, state, stands)))
    out.print(table)
