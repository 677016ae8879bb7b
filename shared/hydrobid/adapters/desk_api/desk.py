"""What a person can see and do at the desk of one client: the use cases, with JSON at both ends."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from hydrobid.adapters.desk_api.forms import (
    DecisionForm,
    HoldForm,
    OverrideForm,
    PushForm,
    SwitchForm,
)
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import InvalidInput, NotFound
from hydrobid.domain.holds import Act, HoldKind
from hydrobid.domain.identifiers import ClientId, PriceArea, RunId
from hydrobid.domain.orders import OrderRecord
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.series import SeriesKind
from hydrobid.domain.states import ApprovalState
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.area_records import area_at
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.decide_approval import Decision, NamedBid, decide_approval
from hydrobid.pipeline.describe_bid import described_bid
from hydrobid.pipeline.dry_run import ask_dry_run, dry_run_at, requests_in
from hydrobid.pipeline.hold_order import hold_orders, orders_of, release_orders, turn_kill_switch
from hydrobid.pipeline.open_bids import open_bids
from hydrobid.pipeline.order_records import kill_switch, order_at
from hydrobid.pipeline.override_bid import Change, override_bid
from hydrobid.pipeline.ports import Clock, Documents, Messages
from hydrobid.pipeline.push_series import PushedFile, push_series
from hydrobid.pipeline.read_run import read_run, run_events, trail_faults
from hydrobid.pipeline.run_inputs import plan_of
from hydrobid.pipeline.series_states import series_states
from hydrobid.pipeline.summarise_run import run_summary
from hydrobid.schema.price_files import SourceFile

Path = Mapping[str, str]
Query = Mapping[str, str]
Answer = dict[str, Any]


@dataclass(frozen=True)
class Desk:
    """One client's desk, at which one person asks."""

    client: ClientId
    documents: Documents
    clock: Clock
    messages: Messages
    person: str

    def bids(self, _path: Path, query: Query, _form: None) -> Answer:
        """The bids that a person can still do something about; those that wait, if asked so."""
        waiting = _flag(query, "waiting")
        bids = [bid for bid in open_bids(self.documents, self.clock) if bid.waits or not waiting]
        return {"bids": [described_bid(self.documents, self.clock, bid) for bid in bids]}

    def run(self, path: Path, _query: Query, _form: None) -> Answer:
        """A run as it stands: assets, price areas with findings and decisions, orders, alerts."""
        return run_summary(self.documents, read_run(self.documents, RunId.parse(path["run"])))

    def events(self, path: Path, _query: Query, _form: None) -> Answer:
        """A run's audit trail, and what is wrong with it: events that were changed or lost."""
        run = RunId.parse(path["run"])
        faults = trail_faults(self.documents, run)
        trail = run_events(self.documents, run)
        return {"events": [event.to_document() for event in trail], "faults": faults}

    def bid(self, path: Path, _query: Query, _form: None) -> Answer:
        """A price area's bid with its blocks and its curves, these as they may be given back."""
        run, area = RunId.parse(path["run"]), PriceArea(path["area"])
        record = area_at(self.documents, plan_of(self.documents, run), area)
        matrix = (
            None
            if record.matrix is None
            else BidMatrix.from_document(get_blob(self.documents, record.matrix))
        )
        return {
            "bid": record.to_document(),
            "curves": [] if matrix is None else _curves(matrix),
            "blocks": [] if matrix is None else _blocks(matrix),
        }

    def approve(self, path: Path, _query: Query, form: DecisionForm) -> Answer:
        """Approve a bid, alone or as one of two people."""
        return self._decide(path, form, ApprovalState.APPROVED)

    def reject(self, path: Path, _query: Query, form: DecisionForm) -> Answer:
        """Reject a bid: it is not sent."""
        return self._decide(path, form, ApprovalState.REJECTED)

    def override(self, path: Path, _query: Query, form: OverrideForm) -> Answer:
        """Change a bid, which is checked and approved anew."""
        change = Change(
            RunId.parse(path["run"]),
            PriceArea(path["area"]),
            form.matrix,
            form.edit,
            self._act(form.reason),
        )
        return _told(override_bid(self.documents, self.clock, self.messages, change))

    def ask_dry_run(self, path: Path, _query: Query, form: DecisionForm) -> Answer:
        """Have a bid held against all that the exchange says, and nothing placed."""
        bid = NamedBid(RunId.parse(path["run"]), PriceArea(path["area"]), form.matrix)
        ports = (self.documents, self.clock, self.messages)
        return {"dry_run": ask_dry_run(*ports, bid, self._act(form.reason)).to_document()}

    def dry_run(self, path: Path, _query: Query, _form: None) -> Answer:
        """The newest dry run of a bid: null where there is none, and the requests once it is done."""
        plan = plan_of(self.documents, RunId.parse(path["run"]))
        found = dry_run_at(self.documents, plan, PriceArea(path["area"]))
        if found is None:
            return {"dry_run": None, "requests": []}
        return {
            "dry_run": found.to_document(),
            "requests": requests_in(self.documents, found),
        }

    def orders(self, _path: Path, query: Query, _form: None) -> Answer:
        """The orders of a delivery day, the next open one if none is named."""
        orders = orders_of(self.documents, self.clock, _day(query), query.get("price_area"))
        found = {area: order_at(self.documents, path) for area, path in orders.paths.items()}
        return {"day": orders.run.day.isoformat(), "orders": _orders(found)}

    def withdraw(self, _path: Path, _query: Query, form: HoldForm) -> Answer:
        """Cancel orders, and keep any bid from standing until they are released."""
        return self._hold(form, HoldKind.WITHDRAWN)

    def lock(self, _path: Path, _query: Query, form: HoldForm) -> Answer:
        """Keep orders as they stand: nothing newer takes their place until they are released."""
        return self._hold(form, HoldKind.LOCKED)

    def release(self, _path: Path, _query: Query, form: HoldForm) -> Answer:
        """Lift what withdraw or lock has set."""
        orders = orders_of(self.documents, self.clock, form.day, form.price_area)
        ports = (self.documents, self.clock, self.messages)
        released = release_orders(*ports, orders, self._act(form.reason))
        return {"day": orders.run.day.isoformat(), "orders": _orders(released)}

    def series(self, _path: Path, _query: Query, _form: None) -> Answer:
        """The series that have arrived, and how fresh they are."""
        states = series_states(self.documents, self.clock)
        return {"series": [state.to_document() for state in states]}

    def push(self, path: Path, _query: Query, form: PushForm) -> Answer:
        """Take a file of series: prices, inflows, levels or obligations."""
        if path["kind"] not in list(SeriesKind):
            raise NotFound(f"no series are {path['kind']}: one of {', '.join(SeriesKind)}")
        pushed = PushedFile(
            SeriesKind(path["kind"]),
            SourceFile(form.file, _bytes(form)),
            self.person,
            form.published,
            form.scenario_set,
        )
        return push_series(self.documents, self.clock, self.messages, pushed).to_document()

    def kill_switch(self, _path: Path, _query: Query, _form: None) -> Answer:
        """How the kill switch stands."""
        switch = kill_switch(self.documents)
        return {
            "hold": None if switch is None or switch.hold is None else switch.hold.to_document()
        }

    def turn_kill_switch(self, _path: Path, _query: Query, form: SwitchForm) -> Answer:
        """Cancel every order of the client and send nothing, or let it go."""
        ports = (self.documents, self.clock, self.messages)
        act = self._act(form.reason)
        switch = turn_kill_switch(*ports, self.client, act, on=form.on)
        return {"hold": None if switch.hold is None else switch.hold.to_document()}

    def _decide(self, path: Path, form: DecisionForm, decision: Decision) -> Answer:
        bid = NamedBid(RunId.parse(path["run"]), PriceArea(path["area"]), form.matrix)
        ports = (self.documents, self.clock, self.messages)
        return _told(decide_approval(*ports, bid, decision, self._act(form.reason)))

    def _hold(self, form: HoldForm, kind: HoldKind) -> Answer:
        orders = orders_of(self.documents, self.clock, form.day, form.price_area)
        ports = (self.documents, self.clock, self.messages)
        held = hold_orders(*ports, orders, kind, self._act(form.reason))
        return {"day": orders.run.day.isoformat(), "orders": _orders(held)}

    def _act(self, reason: str) -> Act:
        return Act(by=self.person, reason=reason)


def _curves(matrix: BidMatrix) -> list[Answer]:
    return [
        {
            "start": utc_text(start),
            "points": [
                {"price": f"{matrix.tick * tick:f}", "volume": f"{matrix.lot * lot:f}"}
                for tick, lot in zip(curve.ticks, curve.lots, strict=True)
            ],
        }
        for start, curve in zip(matrix.grid.starts(), matrix.curves, strict=True)
    ]


def _blocks(matrix: BidMatrix) -> list[Answer]:
    starts = matrix.grid.starts()
    return [
        {
            "name": str(block.name),
            "start": utc_text(starts[block.first]),
            "price": f"{matrix.tick * block.price:f}",
            "volumes": [f"{matrix.lot * lots:f}" for lots in block.lots],
            "acceptance_min": f"{block.acceptance_min:f}",
            "linked_to": block.linked_to and str(block.linked_to),
            "group": block.group and str(block.group),
        }
        for block in matrix.blocks
    ]


def _bytes(form: PushForm) -> bytes:
    if form.encoding == "text":
        return form.content.encode()
    try:
        return base64.b64decode(form.content, validate=True)
    except ValueError:
        raise InvalidInput.of("request", "content", "not shown", "bytes in base64") from None


def _told(record: AreaRecord) -> Answer:
    return {"bid": record.to_document()}


def _orders(orders: Mapping[PriceArea, OrderRecord | None]) -> Answer:
    return {
        str(area): None if order is None else order.to_document() for area, order in orders.items()
    }


def _day(query: Query) -> date | None:
    text = query.get("day")
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        expected = "a delivery day, as 2026-03-29"
        raise InvalidInput.of("request", "day", text, expected) from None


def _flag(query: Query, name: str) -> bool:
    text = query.get(name, "false")
    if text not in ("true", "false"):
        raise InvalidInput.of("request", name, text, "true or false")
    return text == "true"
