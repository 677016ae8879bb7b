"""Holds: what the bid desk sets to keep an order, or everything of a client, from the exchange."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import StringConstraints

from hydrobid.domain.base import Value

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
"""Who did something, or why, in a person's own words."""


class HoldKind(StrEnum):
    """WITHDRAWN: what stands is cancelled. LOCKED: what stands stays; nothing else is sent."""

    WITHDRAWN = "WITHDRAWN"
    LOCKED = "LOCKED"


class Act(Value):
    """Who does something by hand, and why."""

    by: Words
    reason: Words


class Hold(Act):
    """A hold that stands until the desk lifts it.

    at: market time. matrix: of a lock, digest of what stood when it was set, None where nothing did.
    """

    kind: HoldKind
    at: datetime
    matrix: str | None = None

    def as_told(self) -> dict[str, Any]:
        """Return the hold as events hold it, which know no times."""
        return self.model_dump(mode="json", exclude={"at"})
