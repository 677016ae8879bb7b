"""What is stored of a run: one record a document, each with its version and the head of its chain."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from hydrobid.domain.alerts import AlertCode, Cause, Delivery, Severity
from hydrobid.domain.approval import Approval, Override, Signature
from hydrobid.domain.auction import AuctionView
from hydrobid.domain.base import Record, Value
from hydrobid.domain.canonical import digest
from hydrobid.domain.coverage import Coverage
from hydrobid.domain.errors import SolverDied
from hydrobid.domain.identifiers import (
    AssetId,
    Portfolio,
    PriceArea,
    RunId,
    ScenarioId,
    TaskId,
)
from hydrobid.domain.orders import INSTEAD, Wanted
from hydrobid.domain.states import ApprovalState, AreaState, AssetState, OutcomeState


class ScenarioOutcome(Record):
    """How one scenario of one asset ended; created once and never changed.

    volumes: MW sold in each MTU of the delivery day, generation-positive, None when FAILED. schedule: digest
    of the whole schedule. objective: its worth by parts, in the market's currency. violations: the
    limits it breaks. failure: code, message and details of a permanent failure.
    """

    run: RunId
    asset: AssetId
    scenario: ScenarioId
    state: OutcomeState
    termination: str
    volumes: tuple[float, ...] | None = None
    schedule: str | None = None
    objective: dict[str, float] = Field(default_factory=dict)
    violations: tuple[dict[str, Any], ...] = ()
    failure: dict[str, Any] | None = None

    def digest(self) -> str:
        """Return the digest of what was found: equal inputs must give an equal one."""
        return digest(
            {
                "asset": self.asset,
                "scenario": self.scenario,
                "state": self.state,
                "termination": self.termination,
                "volumes": self.volumes,
                "schedule": self.schedule,
                "objective": self.objective,
                "violations": self.violations,
                "failure": self.failure,
            }
        )


class JointOutcome(Record):
    """How a joint task of one asset ended; created once and never changed.

    curves: digest of the curves found, None when FAILED. failure: code, message and details of a
    permanent failure.
    """

    run: RunId
    asset: AssetId
    task: TaskId
    state: OutcomeState
    curves: str | None = None
    failure: dict[str, Any] | None = None


DEATHS_BEFORE_SKIPPING = 2
"""In how many attempts that died a scenario may be at hand before it is left out."""


class Attempt(Value):
    """One try at a task: a log that tells why an outcome is absent.

    at_hand: the scenario being solved, None after the last. error: what ended the try early.
    ended: None while it runs, and for ever if its process died.
    """

    task: str
    number: int
    started: datetime
    at_hand: ScenarioId | None = None
    ended: datetime | None = None
    error: dict[str, Any] | None = None

    @property
    def died(self) -> bool:
        """Whether it never ended, the function with it, or its solver died."""
        return self.ended is None or (
            self.error is not None and self.error["code"] == SolverDied.code
        )


class AssetRecord(Record):
    """An asset's partial bid, or why it has none.

    joint: SOLVED where the bid is what a joint task found, else why it is not and independent
    scenarios stand in for it; None where its method has no joint task. matrix: digest of its partial
    bid matrix. unsafe: why the scenarios give no bid. fallback: which
    link of the chain the bid comes from instead, of which run, and on how many of its scenarios
    that rests where not on all. cause: what made the asset settle.
    """

    run: RunId
    asset: AssetId
    price_area: PriceArea
    state: AssetState
    coverage: Coverage
    joint: Annotated[str | None, Field(exclude_if=lambda joint: joint is None)] = None
    matrix: str | None = None
    unsafe: str | None = None
    fallback: str | None = None
    cause: str

    @property
    def stand_in(self) -> str | None:
        """Why independent scenarios stand in for a joint task in the bid; None: they do not."""
        return self.joint if self.state is AssetState.PARTIAL else None


class Finding(Value):
    """One result of a check: errors stop a bid, warnings travel to whoever approves it."""

    code: str
    severity: Literal["error", "warning"]
    where: str
    value: Any
    rule: str


class AreaRecord(Record):
    """A price area's total bid.

    bid_version: counts the bids; the record's own version counts decisions on them too. assets:
    the version of each asset that went into it. missing: why an asset has no part in it. auction:
    what the exchange said when it was checked, None where it could not be asked. override: set where
    a person has changed it. signatures: who has approved it so far; approval: what was
    decided, None while it waits for people.
    """

    bid_version: int = 1
    run: RunId
    portfolio: Portfolio
    price_area: PriceArea
    state: AreaState
    assets: dict[AssetId, int]
    missing: dict[AssetId, str] = Field(default_factory=dict)
    partial: bool
    matrix: str | None = None
    findings: tuple[Finding, ...] = ()
    auction: Annotated[AuctionView | None, Field(exclude_if=lambda view: view is None)] = None
    override: Override | None = None
    signatures: tuple[Signature, ...] = ()
    approval: Approval | None = None

    @property
    def pending(self) -> bool:
        """Whether it waits for people."""
        return self.state is AreaState.VALIDATED and self.approval is None

    @property
    def fence(self) -> tuple[int, int]:
        """Its place among the bids of its day and area, whichever runs made them."""
        return self.run.revision, self.bid_version

    @property
    def to_be_wanted(self) -> Wanted | None:
        """What its order may hold by the decision on it, None where that is nothing."""
        approval, overridden = self.approval, self.override is not None
        if approval is None:
            return None
        if approval.state is ApprovalState.APPROVED:
            return Wanted(
                run=self.run,
                bid_version=self.bid_version,
                matrix=approval.digest,
                overridden=overridden,
            )
        if approval.instead is None:
            return None
        return Wanted(run=self.run, bid_version=INSTEAD, matrix=approval.instead)


class Alert(Value):
    """Something a person should know; its id derives from its cause, so it is raised once.

    message: what happened. done, action: as the catalogue has them for the code. at: when it was
    last raised. version: rises whenever it is raised or resolved. delivery, told, sent: whether
    that was told, through which channels, and when through the last; while it is UNSENT, when one
    was last tried in vain.
    """

    id: str
    severity: Severity
    code: AlertCode
    message: str
    done: str
    action: str
    run: str
    subject: str
    at: datetime
    context: dict[str, Any] = Field(default_factory=dict)
    resolved: datetime | None = None
    version: int = 1
    delivery: Delivery = Delivery.UNSENT
    told: tuple[str, ...] = ()
    sent: datetime | None = None

    @property
    def cause(self) -> Cause:
        """What it was raised for."""
        return Cause(self.run, self.code, self.subject)

    def changed(self, **update: Any) -> Alert:
        """Return the next version, of which nobody has been told."""
        unsent = {"delivery": Delivery.UNSENT, "told": (), "sent": None}
        return self.model_copy(update={**update, **unsent, "version": self.version + 1})
