"""`pending`, `approve` and `reject`: people decide on bids that wait for them."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from hydrobid.cli.desk import WAIT, Bid, By, Client, Desk, Reason, Wait
from hydrobid.cli.options import DEFAULT, DataDir, Json, data_folder
from hydrobid.cli.orders_shown import at_rest, print_orders, waited
from hydrobid.cli.output import out, print_json, say
from hydrobid.cli.owner import clients_asked
from hydrobid.cli.render import finding_line, new_table
from hydrobid.client.connection import connect
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.states import ApprovalState
from hydrobid.pipeline import paths
from hydrobid.pipeline.decide_approval import Decision, NamedBid, decide_approval
from hydrobid.pipeline.describe_bid import described_bid
from hydrobid.pipeline.open_bids import bid_named, open_bids

NAMED_BY = 12
"""Digits of a digest that name a bid on a screen."""


def pending(client: Client, data_dir: DataDir = DEFAULT, as_json: Json = False) -> None:
    """List the bids that wait for approval, with what their checks found.

    Those whose time has passed are listed until the gate: a decision still counts.

    Example: hydrobid pending sintef-example
    """
    console, state = connect(data_folder(data_dir))
    (owner,) = clients_asked(state, client, "CLIENT")
    documents, clock = console.documents(owner), console.clock
    bids = [bid for bid in open_bids(documents, clock) if bid.waits]
    described = [described_bid(documents, clock, bid) for bid in bids]
    if as_json:
        print_json({"client": owner, "bids": described})
    elif not described:
        say("Nothing waits for approval.")
    else:
        _print_bids(described)


def approve(
    client: Client,
    bid: Bid,
    reason: Annotated[
        str, typer.Option("--reason", help="What there is to say about it.")
    ] = "approved as shown",
    by: By = None,
    wait: Wait = WAIT,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Approve a bid as it was shown; one that has changed since is not approved.

    Where two people are asked for, the bid waits for the second. Who has changed a bid does not
    approve it.

    Example: hydrobid approve sintef-example 3f2a91c0b7de
    """
    desk = Desk.of(data_dir, client, by, reason)
    _decide(desk, bid, ApprovalState.APPROVED, wait, as_json=as_json)


def reject(
    client: Client,
    bid: Bid,
    reason: Reason,
    by: By = None,
    wait: Wait = WAIT,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """Reject a bid: it is not sent, and an older approved one stays as it is.

    Example: hydrobid reject sintef-example 3f2a91c0b7de --reason "unit 2 is out"
    """
    desk = Desk.of(data_dir, client, by, reason)
    _decide(desk, bid, ApprovalState.REJECTED, wait, as_json=as_json)


def _decide(desk: Desk, name: str, decision: Decision, wait: float, *, as_json: bool) -> None:
    bid = bid_named(desk.documents, desk.clock, name)
    named = NamedBid(bid.plan.run, bid.record.price_area, str(bid.record.matrix))
    ports = (desk.documents, desk.clock, desk.messages)
    record = decide_approval(*ports, named, decision, desk.act)
    show_decided(desk, record, bid.configuration.approval.people, wait, as_json=as_json)


def show_decided(
    desk: Desk, record: AreaRecord, people: int, wait: float, *, as_json: bool
) -> None:
    """Print how a bid stands after a decision; where it was approved, wait for the exchange."""
    approval = record.approval
    told = {
        "client": desk.client,
        "run": str(record.run),
        "price_area": record.price_area,
        "matrix": record.matrix,
        "approval": None if approval is None else approval.to_document(),
        "signatures": [signature.to_document() for signature in record.signatures],
        "by": desk.act.by,
    }
    if approval is None or approval.state is ApprovalState.EXPIRED:
        if as_json:
            print_json({**told, "orders": {}, "confirmed": False})
            return
        signed = " and ".join(signature.by for signature in record.signatures)
        missing = people - len(record.signatures)
        so_far = f"is approved by {signed}, and waits" if signed else "waits"
        say(f"The bid for {record.price_area} {so_far} for {missing} more to approve it.", "yellow")
        return
    if not as_json:
        say(f"The bid for {record.price_area} is {approval.state.lower()} by {approval.by}.")
    path = paths.order(record.run, record.portfolio, record.price_area)
    asked = {str(record.price_area): path}
    if approval.state is not ApprovalState.APPROVED:
        asked = {}
    shown = waited(desk.documents, asked, at_rest, wait)
    print_orders(told, shown, {n: at_rest(order) for n, order in shown.items()}, as_json=as_json)


def _print_bids(bids: list[dict[str, Any]]) -> None:
    table = new_table("bid", "area", "delivery", "run", "decide by", ">MW", ">MWh", "so far")
    for bid in bids:
        volumes = f"{bid['volume_min']:.1f} to {bid['volume_max']:.1f}"
        energy = "-" if bid["expected_energy"] is None else f"{bid['expected_energy']:,.0f}"
        table.add_row(
            *map(
                Text,
                (
                    bid["matrix"][:NAMED_BY],
                    bid["price_area"],
                    bid["day"],
                    bid["run"],
                    bid["decide_by"],
                    volumes,
                    energy,
                    _so_far(bid),
                ),
            )
        )
    out.print(table)
    for bid in bids:
        for finding in bid["findings"]:
            out.print(finding_line(bid["price_area"], finding))


def _so_far(bid: dict[str, Any]) -> str:
    said = []
    if bid["override"] is not None:
        said.append(f"changed by {bid['override']['by']}: {bid['override']['reason']}")
    said += [f"approved by {signature['by']}" for signature in bid["signatures"]]
    if bid["approval"] is not None:
        said.append("its time has passed")
    return "; ".join(said) or f"{bid['people']} to approve"
