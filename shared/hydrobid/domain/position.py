"""What stands before a delivery day begins: since when the water is known, and what is sold."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from hydrobid.domain.base import Value
from hydrobid.domain.conditions import Instant
from hydrobid.domain.identifiers import AssetId
from hydrobid.domain.time import utc_text

OLDEST_LEVELS: Final = timedelta(hours=48)
"""How long before the delivery day levels may have been known: nobody follows older ones to it."""


class Sold(Value):
    """What an asset delivers until the delivery day begins.

    since: from when on that is known, at the latest the day's beginning; the solves begin there, and
    the levels are taken for those of then. volumes: net MW of each MTU from the one of `since` to
    the day, generation-positive. sources: where they are from, in words, the first MTU's first.
    unknown: why nothing is known of the time before, in words; None where `since` is when the levels
    hold.
    """

    since: Instant
    volumes: tuple[float, ...] = ()
    sources: tuple[str, ...] = ()
    unknown: str | None = None

    @property
    def words(self) -> str:
        """What a person should know of the way to the delivery day."""
        known = ", ".join(self.sources)
        if self.unknown is None:
            return known or "nothing lies between the levels and the day"
        lacking = f"not known before {utc_text(self.since)}: {self.unknown}"
        return f"{lacking}; then {known}" if known else lacking


class Position(Value):
    """Where a run starts from. levels_at: when the oldest levels of the watercourses hold."""

    levels_at: Instant
    assets: Annotated[dict[AssetId, Sold], Field(min_length=1)]

    @property
    def earliest(self) -> datetime:
        """The instant at which the solves of the first asset begin."""
        return min(sold.since for sold in self.assets.values())
