"""People who approve: each bid that waits is looked at, and approved, rejected, changed or forgotten.

What somebody decides on is what they have seen: by the time that they have made up their mind, it may
be another. Whoever meets an error tries again, as a person does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from simulation import client
from simulation.functions import Functions
from simulation.history import History
from simulation.kernel import Ended
from simulation.ports import World

from hydrobid.domain.bid_edits import VolumeEdit
from hydrobid.domain.errors import (
    BidChanged,
    BidDecided,
    BidFaulty,
    GateClosed,
    HydrobidError,
    InvalidInput,
    NotAllowed,
)
from hydrobid.domain.holds import Act
from hydrobid.domain.identifiers import PriceArea, RunId
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.states import ApprovalState
from hydrobid.pipeline import paths
from hydrobid.pipeline.decide_approval import NamedBid, decide_approval
from hydrobid.pipeline.override_bid import Change, override_bid
from hydrobid.pipeline.ports import Document

NAMES = ("anna", "bo", "cai")
DEEDS = ("approve",) * 6 + ("reject", "override", "silence", "silence")
DELAYS = (2, 30, 300, 3600)
"""Seconds within which somebody decides: at once, or long after the policy for silence has acted."""
RULES_WATCHED = 0.3
"""The share of schedules in which people change bids that a rule has approved."""
PAUSE = 5.0
FINAL = (BidChanged, BidDecided, BidFaulty, GateClosed, InvalidInput, NotAllowed)
CAPS = (50, 120)
"""MW that a changed bid sells at most."""


@dataclass(frozen=True)
class People:
    """Those who approve bids in one schedule."""

    world: World
    functions: Functions
    history: History
    inputs: client.Inputs

    def begin(self) -> None:
        """Have every bid that begins to wait looked at, and in some schedules those that rules approve."""
        self.history.when_checked = self._look

    def _look(self, area: Document) -> None:
        choices = self.world.choices
        by_rule = area["approval"] is not None
        if by_rule and (area["override"] or choices.unit("rules are watched") >= RULES_WATCHED):
            return
        seen = f"{area['run'].rpartition('~')[2]} {area['price_area']} v{area['version']}"
        for name in NAMES:
            deed = choices.pick(DEEDS, f"{name} on {seen}")
            if by_rule and deed != "override":
                continue
            if deed == "silence" or not self.world.faults.happens(f"{name} {deed} @ {seen}"):
                continue
            within = choices.pick(DELAYS, f"how soon {name} on {seen}")
            delay = within * choices.unit(f"when {name} on {seen}")
            self.world.kernel.after(delay, self._deed(f"{name} {deed} {seen}", name, deed, area, 1))

    def _deed(
        self, what: str, name: str, deed: str, area: Document, attempt: int
    ) -> Callable[[], None]:
        def ended(how: Ended) -> None:
            over = self.world.kernel.now >= client.GATE.timestamp()
            failed = how.error is not None or how.crashed
            if how.error is not None and not _expected(how.error):
                self.history.break_off(f"{what} met {how.error!r}")
            if failed and not isinstance(how.error, FINAL) and not over:
                again = self._deed(what, name, deed, area, attempt + 1)
                self.world.kernel.after(PAUSE, again)

        def start() -> None:
            self.world.kernel.spawn(f"{what}/{attempt}", lambda: self._do(name, deed, area), ended)

        return start

    def _do(self, name: str, deed: str, area: Document) -> None:
        ports = (self.functions.documents, self.functions.clock, self.functions.messages)
        run, price_area = RunId.parse(area["run"]), PriceArea(area["price_area"])
        act = Act(by=name, reason=deed)
        if deed == "override":
            cap = self.world.choices.pick(CAPS, f"cap of {name} for {price_area}")
            edit = VolumeEdit(kind="at_most", volume=Decimal(cap))
            record = override_bid(*ports, Change(run, price_area, area["matrix"], edit, act))
            by = None if record.override is None else record.override.by
            self._check_done(name, deed, record, right=by == name)
            return
        approves = deed == "approve"
        if approves:
            self.history.approvals.said.add((name, area["price_area"], area["matrix"]))
        decision = ApprovalState.APPROVED if approves else ApprovalState.REJECTED
        record = decide_approval(*ports, NamedBid(run, price_area, area["matrix"]), decision, act)
        self._check_done(name, deed, record, right=self._is_decided(name, decision, record))

    def _is_decided(self, name: str, decision: ApprovalState, record: AreaRecord) -> bool:
        """Whether a decision is made, or signed by who made it where it takes others too."""
        if record.approval is not None and record.approval.state is decision:
            return True
        signed = {signature.by for signature in record.signatures}
        needed = client.people_needed(self.inputs.approval)
        return decision is ApprovalState.APPROVED and name in signed and len(signed) < needed

    def _check_done(self, name: str, deed: str, record: AreaRecord, *, right: bool) -> None:
        """Whoever meets no error finds written down what they did."""
        path = paths.area(record.run, record.portfolio, record.price_area)
        if not right or not self.history.is_written(path, record):
            done = f"{record.price_area} v{record.version}: {record.approval}, {record.override}"
            self.history.break_off(f"{name} is told that {deed} is done, and is not: {done}")


def _expected(error: BaseException) -> bool:
    """Whether a person may meet an error: what trying again mends, or what they are told."""
    return isinstance(error, FINAL) or (isinstance(error, HydrobidError) and error.retryable)
