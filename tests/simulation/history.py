"""What must hold after every step: each write and each order is checked against what was before."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from simulation.approvals import Approvals, revision_of
from simulation.content import Content
from simulation.kernel import Kernel

from hydrobid.adapters.memory import MemoryDocuments
from hydrobid.domain.alerts import AlertCode
from hydrobid.domain.base import Record
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.events import Event, chain_faults
from hydrobid.domain.orders import OrderRecord
from hydrobid.domain.states import TRANSITIONS, Entity
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Document, ExchangeOrders, Write
from hydrobid.pipeline.submission import UNENDED

RECORDS = {
    "scenarios": Entity.SCENARIO,
    "tasks": Entity.TASK,
    "assets": Entity.ASSET,
    "areas": Entity.AREA,
    "orders": Entity.ORDER,
}
SWITCHES = "desk"
"""The collection of the kill switch."""
STATELESS = (SWITCHES, paths.RESULTS)
"""Collections of records that have versions and events but no state."""
NO_EVENT = {"lease", "standing", "auction", "blocks_sent"}
"""Fields of an order that may change without a new version: what was seen, and who may act."""


TOLD = {"matrix", "assets", "missing", "partial", "solved"}
"""What an event tells of its document, where both have it."""


INTERNAL = {AlertCode.CORRUPT_DOCUMENT, AlertCode.ITEM_LEFT_OUT}
"""Alerts of errors that no fault of the world may bring about, save that a process came to no end."""


OF_HOLDS = {AlertCode.BID_WITHHELD, AlertCode.BID_LOCKED_OUT}


OF_TELLING = {"delivery", "told", "sent"}
"""Fields of an alert that change when people are told of it."""


class Violation(AssertionError):
    """An invariant that does not hold."""


class History:
    """Sees every change; `violation` is the first that breaks a rule, and ends the schedule."""

    def __init__(self, kernel: Kernel, documents: MemoryDocuments, *, solves: bool) -> None:
        self._kernel, self._documents = kernel, documents
        self.violation: str | None = None
        self.approvals = Approvals(documents)
        self._content = Content(documents, solves=solves)
        self.solved_at: dict[str, float] = {}
        self.planned_by: dict[str, str] = {}
        self.inputs_at = math.inf
        self.changed_at: dict[str, float] = {}
        self.stopped: Document | None = None
        self.holds: dict[str, list[tuple[float, Document | None]]] = {}
        self.open_alerts: set[tuple[str, str, str]] = set()
        self.when_checked: Callable[[Document], None] = lambda _: None
        self.orders_written = 0
        self.when_orders_written: dict[int, list[Callable[[], None]]] = {}

    def content_of(self, digest: str) -> BidMatrix:
        """Return a bid by its digest."""
        return BidMatrix.from_document(get_blob(self._documents, digest))

    def is_written(self, path: str, record: Record) -> bool:
        """Whether a record was ever stored as it is."""
        event = self._documents.get(paths.event(f"{paths.entity_of(path)}~{record.version}"))
        return event is not None and event["hash"] == record.chain

    def wrote(self, writes: Sequence[Write], before: Mapping[str, Document | None]) -> None:
        """Check a batch of writes."""
        events = {
            write.path.removeprefix(f"{paths.EVENTS}/"): write.document
            for write in writes
            if write.path.startswith(f"{paths.EVENTS}/")
        }
        try:
            for write in writes:
                self._check(write, before[write.path], events)
            for write in writes:
                if _kind(write.path) == "orders":
                    self._check_told(write.path, write.document)
                    self.orders_written += 1
                    for prompted in self.when_orders_written.pop(self.orders_written, ()):
                        prompted()
        except Violation as violation:
            self.break_off(str(violation))

    def exchange_changed(self, orders: ExchangeOrders, area: str) -> None:
        """Check what stands at the exchange now: parts of what was approved, and nothing else."""
        self.changed_at[area] = self._kernel.now
        digests = {approved.matrix for approved in self.approvals.approved.get(area, {}).values()}
        known = [self.content_of(digest) for digest in digests]
        curves = orders.curves
        if curves is not None and curves.matrix not in [bid.without_blocks for bid in known]:
            self.break_off(f"curves of {curves.order_id} stand in {area} and were never approved")
        for order in orders.blocks:
            # An amendment leaves none but the blocks of the bid that it was made for.
            if order.blocks not in [bid.blocks for bid in known]:
                self.break_off(f"blocks of {order.order_id} stand in {area}, never approved")

    def break_off(self, what: str) -> None:
        """Note a broken rule and end the schedule."""
        if self.violation is None:
            self.violation = what
            self._kernel.note(f"VIOLATION {what}")
            self._kernel.stop()

    def _check(self, write: Write, before: Document | None, events: Mapping[str, Document]) -> None:
        kind, after = _kind(write.path), write.document
        if kind in RECORDS:
            self._check_record(kind, write, before, events)
        elif kind in STATELESS:
            version = before["version"] if before else 0
            _check_event(write.path, version, before, after, events)
            if kind == SWITCHES:
                self.stopped = after["hold"]
                self._note_hold(SWITCHES, after["hold"])
                self._kernel.note(f"kill switch {'on' if after['hold'] else 'off'}")
        elif kind in _UNCHANGING and before is not None and before != after:
            raise Violation(f"{write.path} changed after it was written")
        elif kind == "runs":
            task = self._kernel.current
            self.planned_by[after["run"]] = "" if task is None else task.name
        elif kind == "days" and before is not None:
            self._check_newest(write.path, before, after)
        elif write.path == paths.INPUTS:
            self.inputs_at = min(self.inputs_at, self._kernel.now)
            as_of = [datetime.fromisoformat(d["as_of"]) for d in (before or after, after)]
            _never_less(write.path, "as_of", *as_of)
        elif kind == paths.ALERTS:
            self._check_alert(write.path, before, after)

    def _note_hold(self, of: str, hold: Document | None) -> None:
        self.holds.setdefault(of, []).append((self._kernel.now, hold))

    def _check_told(self, path: str, order: Document) -> None:
        """What a hold keeps from standing has an open alert, and nothing else has."""
        withheld = OrderRecord.from_document(order).withheld
        area = order["price_area"]
        found = {run for run, code, about in self.open_alerts if code in OF_HOLDS and about == area}
        told = set() if withheld is None else {str(withheld.run)}
        if found != told:
            raise Violation(f"{path} withholds {told}, and alerts of holds are open of {found}")

    def _check_alert(self, path: str, before: Document | None, after: Document) -> None:
        """An alert is raised once, resolved, and raised again only after that."""
        if after["code"] in INTERNAL and after["context"]["error"]["code"] != UNENDED:
            raise Violation(f"{after['code']}: {after['message']}")
        if before is not None and before["version"] == after["version"]:
            _check_unchanged(path, before, after, OF_TELLING)
            return
        if before is not None and (before["resolved"] is None) == (after["resolved"] is None):
            raise Violation(f"{path} was raised or resolved twice")
        cause = (after["run"], after["code"], after["subject"])
        (self.open_alerts.discard if after["resolved"] else self.open_alerts.add)(cause)
        end = "resolved" if after["resolved"] else "raised"
        self._kernel.note(f"alert {end}: {after['severity']} {after['code']}")

    def _check_record(
        self, kind: str, write: Write, before: Document | None, events: Mapping[str, Document]
    ) -> None:
        after, path = write.document, write.path
        version = before["version"] if before else 0
        if before is not None and after["version"] == version:
            _check_unversioned(kind, path, before, after)
            return
        _check_event(path, version, before, after, events)
        _check_move(RECORDS[kind], path, before, after)
        self._kernel.note(f"{path.rpartition('~r')[2]} {after['state']} v{after['version']}")
        _RULES[kind](self, path, before, after)
        event = events[f"{paths.entity_of(path)}~{after['version']}"]
        if event["type"] == "order-sending":
            self._check_act(path, before, event["data"])

    def _check_newest(self, path: str, before: Document, after: Document) -> None:
        """A day's newest revision is made of other inputs than the one before, and of no older ones."""
        _never_less(path, "newest", _revision(before), _revision(after))
        if before["newest"] == after["newest"]:
            return
        older, newer = (self._documents.get(f"runs/{day['newest']}") for day in (before, after))
        if older["inputs"] == newer["inputs"]:
            raise Violation(f"{newer['run']} has the same inputs as {older['run']}")
        as_of = [datetime.fromisoformat(run["as_of"]) for run in (older, newer)]
        _never_less(path, "as_of", *as_of)

    def _check_act(self, path: str, before: Document | None, act: Document) -> None:
        """No act begins that a hold forbids, which stood when the act began."""
        held = self.stopped or (before or {}).get("hold")
        if held is None:
            if act["act"] == "cancel":
                raise Violation(f"{path} is cancelled, and nobody withdrew it")
        elif held["kind"] == "WITHDRAWN" and act["act"] != "cancel":
            raise Violation(f"{path}: {act['act']} begins while the order is withdrawn")
        elif held["kind"] == "LOCKED" and act.get("matrix", "") != held["matrix"]:
            raise Violation(f"{path}: {act['act']} begins of other content than is locked")

    def outcome(self, path: str, before: Document | None, after: Document) -> None:
        """An outcome is created once."""
        if before is not None:
            raise Violation(f"{path} was created twice")
        if after["state"] == "SOLVED":
            self.solved_at[path] = self._kernel.now

    def asset(self, path: str, before: Document | None, after: Document) -> None:
        """A bid never rests on less than it did, and is what that gives."""
        _hold(self._content.of_asset(path, after))
        if before is not None and not before["unsafe"]:
            covered = [document["coverage"]["probability"] for document in (before, after)]
            _never_less(path, "coverage", *covered)

    def area(self, path: str, before: Document | None, after: Document) -> None:
        """Only what passed its checks is approved, by whom the policy names."""
        if before is not None:
            _check_merged(path, before, after)
        approval = after["approval"]
        by_nobody = approval is None or approval["by"].startswith("rule:")
        if after["state"] == "VALIDATED" and by_nobody:
            self.when_checked(after)
        _hold(self._content.of_area(path, after))
        _hold(self.approvals.check(path, before, after, self._kernel.now))

    def order(self, path: str, before: Document | None, after: Document) -> None:
        """What is wanted was approved, and never goes back unless it was refused."""
        approvals = self.approvals.approved.get(after["price_area"], {})
        fences = [(revision_of(w["run"]), w["bid_version"]) for w in after["approved"]]
        for fence, wanted in zip(fences, after["approved"], strict=True):
            if fence not in approvals or approvals[fence].matrix != wanted["matrix"]:
                raise Violation(f"{path} wants {fence}, which was never approved")
        if fences != sorted(set(fences)):
            raise Violation(f"{path}: fences {fences} do not rise")
        if after["hold"] != (before or {}).get("hold"):
            self._note_hold(after["price_area"], after["hold"])
            self._kernel.note(f"{path.rpartition('~')[0]} held: {after['hold']}")
        self.approvals.due[after["price_area"]] = OrderRecord.from_document(after).due
        if before is None:
            return
        kept = [w for w in before["approved"] if w not in after["approved"]]
        if kept:
            raise Violation(f"{path} forgot what was approved: {kept}")
        if not before["refused"].keys() <= after["refused"].keys():
            raise Violation(f"{path} forgot what was refused")
        if before["refused"].keys() == after["refused"].keys():
            _never_less(path, "what is due", _due(before), _due(after))


def trail_violations(
    find: Callable[..., dict[str, Document]], stored: Mapping[str, Any]
) -> list[str]:
    """Return where the events do not explain the documents: one sound chain for each."""
    chains: dict[str, list[Event]] = {}
    for document in find(paths.EVENTS).values():
        event = Event.from_document(document)
        chains.setdefault(event.entity, []).append(event)
    faults = []
    for path, document in stored.items():
        if _kind(path) not in (*RECORDS, *STATELESS):
            continue
        chain = sorted(chains.pop(paths.entity_of(path), []), key=lambda event: event.version)
        faults.extend(chain_faults(chain))
        if len(chain) != document["version"] or chain[-1].hash != document["chain"]:
            faults.append(f"{path} v{document['version']} is not what its events tell")
    runs = {paths.entity_of(path) for path in stored if _kind(path) == "runs"}
    faults.extend(f"no event tells of {run}" for run in runs - chains.keys())
    faults.extend(f"events without a document: {entity}" for entity in chains.keys() - runs)
    return faults


_UNCHANGING = {"blobs", "runs", paths.EVENTS}
_RULES: dict[str, Callable[[History, str, Document | None, Document], None]] = {
    "scenarios": History.outcome,
    "tasks": History.outcome,
    "assets": History.asset,
    "areas": History.area,
    "orders": History.order,
}


def _kind(path: str) -> str:
    """Return the collection that a document lies in."""
    return path.split("/")[-2]


def _hold(violations: Iterator[str]) -> None:
    """Raise the first of the violations that rules yield."""
    for violation in violations:
        raise Violation(violation)


def _check_merged(path: str, before: Document, after: Document) -> None:
    """No asset goes back to an older version; what is computed replaces no change that may be approved."""
    for asset, version in before["assets"].items():
        _never_less(path, f"version of {asset}", version, after["assets"].get(asset, 0))
    rejected = (before["approval"] or {}).get("state") == "REJECTED"
    if before["override"] and not after["override"] and not rejected:
        raise Violation(f"{path}: a person's change is replaced by what was computed")


def _check_unversioned(kind: str, path: str, before: Document, after: Document) -> None:
    if kind in ("scenarios", "tasks"):
        raise Violation(f"{path} was written twice")
    _check_unchanged(path, before, after, NO_EVENT if kind == "orders" else set())


def _check_unchanged(path: str, before: Document, after: Document, but: set[str]) -> None:
    changed = {name for name in after if after[name] != before.get(name)} - but
    if changed:
        raise Violation(f"{path} changed without a new version: {sorted(changed)}")


def _check_event(
    path: str,
    version: int,
    before: Document | None,
    after: Document,
    events: Mapping[str, Document],
) -> None:
    if after["version"] != version + 1:
        raise Violation(f"{path} went from v{version} to v{after['version']}")
    event = events.get(f"{paths.entity_of(path)}~{after['version']}")
    if event is None or event["hash"] != after["chain"]:
        raise Violation(f"{path} v{after['version']} has no event of its own in its batch")
    if event["previous"] != (before["chain"] if before else ""):
        raise Violation(f"{path} v{after['version']}: its event does not follow the one before")
    told, content = event["data"], {**after.get("coverage", {}), **after}
    wrong = {name for name in TOLD & told.keys() & content.keys() if told[name] != content[name]}
    if wrong:
        raise Violation(f"{path} v{after['version']}: its event tells other {sorted(wrong)}")


def _check_move(entity: Entity, path: str, before: Document | None, after: Document) -> None:
    source = before["state"] if before else None
    if entity is Entity.ORDER and source == after["state"]:
        return
    if (entity, source, after["state"]) not in TRANSITIONS:
        raise Violation(f"{path} went from {source} to {after['state']}, which is not listed")


def _never_less(path: str, what: str, before: Any, after: Any) -> None:
    if after < before:
        raise Violation(f"{path}: {what} went back from {before} to {after}")


def _revision(day: Document) -> int:
    return revision_of(day["newest"])


def _due(order: Document) -> tuple[int, int]:
    record = OrderRecord.from_document(order)
    return record.due.fence if record.due is not None else (0, 0)
