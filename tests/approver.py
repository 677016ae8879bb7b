"""A person of the bid desk, as tests need one: who answers, delays, refuses or is silent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from examples import DAY, SINTEF

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.bid_edits import BidEdit
from hydrobid.domain.holds import Act
from hydrobid.domain.messages import GuardTick
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.states import ApprovalState
from hydrobid.pipeline.decide_approval import NamedBid, decide_approval
from hydrobid.pipeline.open_bids import OpenBid, open_bids
from hydrobid.pipeline.override_bid import Change, override_bid
from hydrobid.schema import ClientInputs


def with_policy(inputs: ClientInputs, **fields: object) -> ClientInputs:
    """Return the inputs with fields of the client's configuration replaced."""
    document = inputs.configuration
    configuration = {**document["configuration"], **fields}
    return ClientInputs({**document, "configuration": configuration}, inputs.scenario_sets)


def yesterday_stood(pipeline: InProcessPipeline) -> str:
    """Have a bid approved, and stand when its gate closes, for the day before; return its digest."""
    pipeline.clock.advance(timedelta(days=-1))
    view = pipeline.run(SINTEF, DAY - timedelta(days=1))
    Approver(pipeline).approve()
    pipeline.clock.advance(view.plan.cut_offs.gate + timedelta(minutes=1) - pipeline.clock.now())
    pipeline.handle(GuardTick(client=SINTEF))
    pipeline.clock.advance(timedelta(hours=22))
    (area,) = view.areas.values()
    return str(area.matrix)


@dataclass
class Approver:
    """One person at one pipeline; each act is about what waits at that moment.

    delay: market time that passes before an answer. silent: whether none is given at all.
    """

    pipeline: InProcessPipeline
    name: str = "anna"
    delay: timedelta = timedelta(0)
    silent: bool = False
    decided: list[AreaRecord] = field(default_factory=list)

    def waiting(self) -> list[OpenBid]:
        """Return what waits for a decision."""
        return [b for b in open_bids(self.pipeline.documents, self.pipeline.clock) if b.waits]

    def approve(self) -> None:
        """Approve what waits, as it is now."""
        self._answer(ApprovalState.APPROVED, "looks right")

    def reject(self) -> None:
        """Reject what waits."""
        self._answer(ApprovalState.REJECTED, "too much at night")

    def decide(self, bid: OpenBid, decision: ApprovalState, why: str = "as asked") -> AreaRecord:
        """Decide on a bid that was looked at before."""
        named = NamedBid(bid.plan.run, bid.record.price_area, bid.record.matrix or "")
        ports = (self.pipeline.documents, self.pipeline.clock, self.pipeline.messages)
        record = decide_approval(*ports, named, decision, Act(by=self.name, reason=why))
        self.decided.append(record)
        return record

    def override(self, bid: OpenBid, edit: BidEdit) -> AreaRecord:
        """Change a bid."""
        change = Change(
            bid.plan.run,
            bid.record.price_area,
            bid.record.matrix,
            edit,
            Act(by=self.name, reason="unit 2 is out"),
        )
        ports = (self.pipeline.documents, self.pipeline.clock, self.pipeline.messages)
        return override_bid(*ports, change)

    def _answer(self, decision: ApprovalState, why: str) -> None:
        seen = self.waiting()
        if self.silent:
            return
        self.pipeline.clock.advance(self.delay)
        for bid in seen:
            self.decide(bid, decision, why)
        self.pipeline.deliver()
