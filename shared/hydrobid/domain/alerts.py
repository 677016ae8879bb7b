"""The catalogue of alerts: every code, how grave it is, what was done, and what a person can do.

What happened is told by the alert itself, in words and with the data to diagnose it. The rest does
not depend on the occurrence: it stands here once, and is copied into each alert so that whoever
reads one needs nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from hydrobid.domain.canonical import digest


class Severity(StrEnum):
    """CRITICAL: the day's bid is at stake. WARNING: it stands, on less than it should."""

    CRITICAL = "CRITICAL"
    WARNING = "WARNING"


class AlertCode(StrEnum):
    """What an alert is about: stable, for machines and for whoever searches."""

    ASSET_ON_FALLBACK = "ASSET_ON_FALLBACK"
    ASSET_WITHOUT_BID = "ASSET_WITHOUT_BID"
    AREA_WITHOUT_BID = "AREA_WITHOUT_BID"
    APPROVAL_AWAITED = "APPROVAL_AWAITED"
    BID_UNAPPROVED = "BID_UNAPPROVED"
    SENT_ON_SILENCE = "SENT_ON_SILENCE"
    CORRUPT_DOCUMENT = "CORRUPT_DOCUMENT"
    ITEM_LEFT_OUT = "ITEM_LEFT_OUT"
    EXCHANGE_DENIED = "EXCHANGE_DENIED"
    ORDER_REFUSED = "ORDER_REFUSED"
    ORDER_NOT_APPROVED = "ORDER_NOT_APPROVED"
    GATE_MISSED = "GATE_MISSED"
    BID_WITHHELD = "BID_WITHHELD"
    BID_LOCKED_OUT = "BID_LOCKED_OUT"
    RUN_BY_GUARD = "RUN_BY_GUARD"
    DAY_WITHOUT_RUN = "DAY_WITHOUT_RUN"
    CLIENT_WITHOUT_INPUTS = "CLIENT_WITHOUT_INPUTS"
    INPUTS_STALE = "INPUTS_STALE"
    INPUTS_LACKING = "INPUTS_LACKING"
    INPUTS_UNUSED = "INPUTS_UNUSED"
    INPUT_SPIKE = "INPUT_SPIKE"
    INPUT_FILE_REFUSED = "INPUT_FILE_REFUSED"
    RESULTS_OVERDUE = "RESULTS_OVERDUE"
    RESULT_MISMATCH = "RESULT_MISMATCH"


class Delivery(StrEnum):
    """Whether an alert was told through every channel that there is."""

    UNSENT = "UNSENT"
    SENT = "SENT"


@dataclass(frozen=True)
class Cause:
    """What an alert is raised for, once.

    run: a run, or what stands for one where none exists. subject: what within it is concerned.
    """

    run: str
    code: AlertCode
    subject: str

    @property
    def id(self) -> str:
        """The alert's id: the same cause is the same document."""
        return _alert_id(self.run, self.code, self.subject)


@lru_cache(maxsize=1024)
def _alert_id(run: str, code: AlertCode, subject: str) -> str:
    return f"{run}~{code}~{digest(subject)[:12]}"


@dataclass(frozen=True)
class Entry:
    """What holds for every alert of a code.

    done: what the platform did about it. action: what a person can do. resolved_when: what ends
    it, None for what has happened once and for all.
    """

    severity: Severity
    done: str
    action: str
    resolved_when: str | None


CATALOGUE: Final[Mapping[AlertCode, Entry]] = {
    AlertCode.ASSET_ON_FALLBACK: Entry(
        Severity.WARNING,
        done="The asset is bid with the first link of its fallback chain that has a bid.",
        action="Look at the asset's curves before the gate. Mend what kept its scenarios from "
        "being solved and run the day again: a bid from scenarios takes the fallback's place.",
        resolved_when="the asset has a bid from its scenarios",
    ),
    AlertCode.ASSET_WITHOUT_BID: Entry(
        Severity.CRITICAL,
        done="The asset is left out of its price area's bid. The other assets are bid, unless an "
        "older revision's approved bid has the asset: then that stands until a person approves this one.",
        action="Mend what kept its scenarios from being solved and run the day again before the "
        "gate: what is solved already is kept. Otherwise plan the asset for the intraday market.",
        resolved_when="the asset has a bid, from scenarios or a fallback",
    ),
    AlertCode.AREA_WITHOUT_BID: Entry(
        Severity.CRITICAL,
        done="Nothing new is sent for the price area. An older approved bid stays as it is.",
        action="Mend what the findings name and run the day again before the gate, or bid by hand "
        "at the exchange.",
        resolved_when="the price area has a bid that passes its checks",
    ),
    AlertCode.APPROVAL_AWAITED: Entry(
        Severity.WARNING,
        done="The bid is kept until people have decided on it. An older approved bid stays as it is.",
        action="Look at it with hydrobid pending, and approve, reject or override it before the "
        "approval cut-off.",
        resolved_when="it is decided, or a newer bid takes its place",
    ),
    AlertCode.BID_UNAPPROVED: Entry(
        Severity.CRITICAL,
        done="The bid is not sent. An older approved bid stays as it is.",
        action="Before the gate: approve what was only left undecided, override the bid, or run the "
        "day again.",
        resolved_when="a bid of the price area is approved, or waits for approval",
    ),
    AlertCode.SENT_ON_SILENCE: Entry(
        Severity.WARNING,
        done="The client's policy for silence was followed: today's bid was sent, or yesterday's.",
        action="Look at what stands. Before the gate it can be withdrawn or overridden.",
        resolved_when="a person decides on a bid of the price area, or a later version of it waits",
    ),
    AlertCode.CORRUPT_DOCUMENT: Entry(
        Severity.CRITICAL,
        done="A solve that cannot be read counts as not solved. Of anything else, the asset or price "
        "area that needs it is left out, and the others are bid.",
        action="Publish the client's inputs again with a change and run the day before the gate: "
        "the next revision does not read the document.",
        resolved_when="the asset or price area is worked on without an error",
    ),
    AlertCode.ITEM_LEFT_OUT: Entry(
        Severity.CRITICAL,
        done="The asset or price area is left out. The others are bid. An error that nobody foresaw is "
        "tried again; no repetition mends another.",
        action="Mend the cause that the error names and run the day again before the gate.",
        resolved_when="the asset or price area is worked on without an error",
    ),
    AlertCode.EXCHANGE_DENIED: Entry(
        Severity.CRITICAL,
        done="Nothing is changed at the exchange. The order is tried again until the gate.",
        action="See that the account, its rights and the portfolio are as the exchange has them.",
        resolved_when="the order stands as wanted",
    ),
    AlertCode.ORDER_REFUSED: Entry(
        Severity.CRITICAL,
        done="The refused content is not sent again. What was approved before it is wanted again, "
        "where there is such a bid.",
        action="Read the exchange's words. Changed inputs, run before the gate, make a new bid.",
        resolved_when="a newer bid is approved",
    ),
    AlertCode.ORDER_NOT_APPROVED: Entry(
        Severity.CRITICAL,
        done="The order stands as it was sent. The exchange is asked again at every look.",
        action="Read the objections. Where the bid is meant so, have the exchange approve it before "
        "the gate; otherwise changed inputs, run before the gate, amend it.",
        resolved_when="the exchange approves the order, or another bid stands",
    ),
    AlertCode.GATE_MISSED: Entry(
        Severity.CRITICAL,
        done="Nothing more is sent: what stood when the gate closed counts.",
        action="Cover the difference on the intraday market.",
        resolved_when=None,
    ),
    AlertCode.BID_WITHHELD: Entry(
        Severity.CRITICAL,
        done="The bid is kept from the exchange, and what stands there is cancelled unless it is "
        "locked.",
        action="Where the bid should stand, lift the hold before the gate with hydrobid release or "
        "hydrobid kill-switch CLIENT off: the newest approved bid is then sent.",
        resolved_when="the hold is lifted or the gate has closed",
    ),
    AlertCode.BID_LOCKED_OUT: Entry(
        Severity.WARNING,
        done="What stood when the order was locked stays as it is.",
        action="Where the newer bid should stand, lift the lock before the gate with hydrobid "
        "release.",
        resolved_when="the lock is lifted or the gate has closed",
    ),
    AlertCode.RUN_BY_GUARD: Entry(
        Severity.CRITICAL,
        done="The guard planned the run and bids each asset with its fallback.",
        action="Look at the bid before the gate. Then find out why the daily run did not start: "
        "scheduler, workflow, dispatcher.",
        resolved_when=None,
    ),
    AlertCode.DAY_WITHOUT_RUN: Entry(
        Severity.CRITICAL,
        done="Nothing is bid for the day but what an older run of it has. It is tried again every "
        "minute until the gate.",
        action="Publish inputs that fit the day before the gate, or bid by hand at the exchange.",
        resolved_when="the day has a run, and its plan can be read",
    ),
    AlertCode.CLIENT_WITHOUT_INPUTS: Entry(
        Severity.CRITICAL,
        done="Nothing is bid for the client. The guard looks again every minute until the gate.",
        action="Publish the client's inputs, or pause its guard where it is not to be bid.",
        resolved_when="inputs that can be read are published",
    ),
    AlertCode.INPUTS_STALE: Entry(
        Severity.WARNING,
        done="The run is planned from what was known last.",
        action="See why the series did not come, and push it with hydrobid data push before the "
        "gate: the next revision is made from it.",
        resolved_when="a run of the day is planned from a fresh series",
    ),
    AlertCode.INPUTS_LACKING: Entry(
        Severity.CRITICAL,
        done="No run is planned for the day, as the client's freshness policy has it. A bid that "
        "stands stays as it is.",
        action="Push the series with hydrobid data push before the gate, and run the day.",
        resolved_when="a run of the day is planned",
    ),
    AlertCode.INPUTS_UNUSED: Entry(
        Severity.WARNING,
        done="The bid rests on the scenarios that were known before.",
        action="Run the day, if there is time before the gate: the next revision is made from them.",
        resolved_when="a run of the day is made from them",
    ),
    AlertCode.INPUT_SPIKE: Entry(
        Severity.WARNING,
        done="The series is used as it came.",
        action="Look at the value. Where it is wrong, push the series again: its newest version "
        "counts.",
        resolved_when="a version of the series comes without such a value",
    ),
    AlertCode.INPUT_FILE_REFUSED: Entry(
        Severity.WARNING,
        done="The file is not used. What was known before it counts.",
        action="Mend what the problems name and put the file there again.",
        resolved_when="a file of that name is taken",
    ),
    AlertCode.RESULTS_OVERDUE: Entry(
        Severity.WARNING,
        done="The exchange is asked again every five minutes, for three days after the gate.",
        action="See at the exchange whether the auction was delayed or cancelled. Until there are "
        "results, tomorrow's bid does not know what today's sold.",
        resolved_when="the results are final",
    ),
    AlertCode.RESULT_MISMATCH: Entry(
        Severity.CRITICAL,
        done="The published volumes are kept as the obligation, beside what the bid should have "
        "sold.",
        action="Compare the order at the exchange with the bid, and take the difference up with "
        "the exchange before its deadline for complaints.",
        resolved_when="a newer result agrees with the bid",
    ),
}
