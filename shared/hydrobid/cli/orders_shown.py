"""How orders stand after an act of the desk: waited for at the exchange, and shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import typer
from rich.text import Text

from hydrobid.cli.exits import ExitCode
from hydrobid.cli.output import out, print_json, say
from hydrobid.cli.render import new_table
from hydrobid.domain.holds import Hold
from hydrobid.domain.orders import OrderRecord
from hydrobid.domain.states import OrderState
from hydrobid.pipeline.ports import Documents

LOOKS_A_SECOND = 4


def at_rest(order: OrderRecord | None) -> bool:
    """Whether nothing has still to happen at the exchange for an order to be as it is wanted."""
    if order is None or order.state is OrderState.CLOSED or order.settled:
        return True
    return (
        order.standing is None
        and order.wanted is None
        and order.state in (None, OrderState.REFUSED)
    )


def waited(
    documents: Documents,
    orders: Mapping[str, str],
    done: Callable[[OrderRecord | None], bool],
    seconds: float,
) -> dict[str, OrderRecord | None]:
    """Return the orders at the given paths once all are done, or as they are when time is up."""
    until = time.monotonic() + seconds
    while True:
        found = {
            name: None if stored is None else OrderRecord.from_document(stored)
            for name, stored in zip(orders, documents.get_many(list(orders.values())), strict=True)
        }
        if all(map(done, found.values())) or time.monotonic() >= until:
            return found
        time.sleep(1 / LOOKS_A_SECOND)


def print_orders(
    told: dict[str, Any],
    orders: Mapping[str, OrderRecord | None],
    confirmed: Mapping[str, bool],
    *,
    as_json: bool,
) -> None:
    """Print how orders stand; end with exit code 5 where the exchange does not show it yet.

    told: what else a JSON document says. confirmed: by the orders' names, what the exchange shows.
    """
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
        stands = "nothing" if standing is None else f"order {', '.join(standing.names)}"
        by, reason = ("-", "-") if held is None else (held.by, held.reason)
        table.add_row(*map(Text, (name, what, by, reason, state, stands)))
    out.print(table)
