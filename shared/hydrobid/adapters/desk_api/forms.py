"""What the desk's requests hold, beside the path. Who asks is never among it: that is shown."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import StringConstraints

from hydrobid.domain.base import Value
from hydrobid.domain.bid_edits import BidEdit
from hydrobid.domain.holds import Words
from hydrobid.domain.identifiers import PriceArea

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""Names the content that was looked at."""


class DecisionForm(Value):
    """A decision on the bid of one digest, or a dry run of it, and why."""

    matrix: Digest
    reason: Words


class OverrideForm(Value):
    """A change of a bid. matrix: of the bid that was looked at, null where there was none."""

    matrix: Digest | None
    reason: Words
    edit: BidEdit


class HoldForm(Value):
    """Orders of a day, the next open one if null, and a price area, all of the day's if null."""

    day: date | None = None
    price_area: PriceArea | None = None
    reason: Words


class SwitchForm(Value):
    """The kill switch, on or off."""

    on: bool
    reason: Words
