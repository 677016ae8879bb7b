"""What travels between stages: identifiers and counts, never results."""

from __future__ import annotations

from typing import ClassVar, Literal

from hydrobid.domain.base import Value
from hydrobid.domain.identifiers import AssetId, ClientId, Identifier, PriceArea, RunId


class Message(Value):
    """A message of one topic. It may come late, twice and out of order."""

    topic: ClassVar[str]

    client: ClientId


class RunMessage(Message):
    """A message about one run."""

    run: RunId


class AssetSettled(RunMessage):
    """An asset's tasks have ended, or its time has. execution: the daily bid that had it solved."""

    topic = "asset-settled"

    asset: AssetId
    cause: Literal["solved", "cut-off"] = "solved"
    execution: Identifier | None = None


class AssetBid(RunMessage):
    """An asset has a new version of its partial bid, or of its failure to have one.

    execution: the daily bid that had it solved.
    """

    topic = "asset-bid"

    asset: AssetId
    version: int
    execution: Identifier | None = None


class CutOffReached(RunMessage):
    """A run's approval or submission cut-off has passed."""

    topic = "cutoff-reached"

    cut_off: Literal["approval", "submission"]


class ApprovalDecided(RunMessage):
    """People have decided on the bid of a run for a price area."""

    topic = "approval-decided"

    price_area: PriceArea


class HoldChanged(RunMessage):
    """A hold on an order was set or lifted. run: the run whose bid the order was last given."""

    topic = "hold-changed"

    price_area: PriceArea


class DryRunAsked(RunMessage):
    """A person asks for a dry run of a price area's bid. version: of the dry run's record."""

    topic = "dry-run-asked"

    price_area: PriceArea
    version: int


class AlertSweep(Message):
    """Some minutes have passed: whatever alert nobody could be told of is told now."""

    topic = "cutoff-reached"

    sweep: Literal["alerts"] = "alerts"


class GuardTick(Message):
    """A minute has passed in which a gate may be about to close; it names no run and no day."""

    topic = "cutoff-reached"


class ResultsDue(Message):
    """Some minutes have passed in which an auction's results may have been published."""

    topic = "results-due"
