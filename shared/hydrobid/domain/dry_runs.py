"""A dry run: a bid held against all that the exchange says, with nothing placed."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from hydrobid.domain.auction import AuctionView
from hydrobid.domain.base import Record
from hydrobid.domain.holds import Act
from hydrobid.domain.identifiers import Portfolio, PriceArea, RunId
from hydrobid.domain.records import Finding


class DryRun(Record):
    """The newest dry run of a price area's bid.

    matrix: digest of the bid. asked: by whom and why, at: when. acts: what would be done at the
    exchange, one after the other. requests: digest of what would be sent there for each, None where no
    request can be made. standing: the orders that stand. auction: what the exchange said, None where it
    could not be asked.
    """

    run: RunId
    portfolio: Portfolio
    price_area: PriceArea
    matrix: str
    asked: Act
    at: datetime
    state: Literal["ASKED", "DONE"] = "ASKED"
    acts: tuple[str, ...] = ()
    requests: str | None = None
    standing: tuple[str, ...] = ()
    auction: AuctionView | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def taken(self) -> bool:
        """Whether nothing was found for which the bid would not be sent or not be taken."""
        return self.state == "DONE" and not self.findings
