"""What stands before a delivery day begins: since when the water is known, and what is sold."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from hydrobid.domain.base import Value
from hydrobid.domain.conditions import Instant
from hydrobid.domain.identifiers import AssetId

OLDEST_LEVELS: Final = timedelta(hours=48)
"""How long before the delivery day levels may have been known: what is older is no start."""


class Sold(Value):
    """What an asset delivers until the delivery day begins.

    volumes: net MW of each MTU from the one in which the levels hold to the day, generation-positive.
    sources: where they are from, in words, the first MTU's first. unknown: why there are none,
    in words; None where they are known, and where no MTU lies between.
    """

    volumes: tuple[float, ...] = ()
    sources: tuple[str, ...] = ()
    unknown: str | None = None


class Position(Value):
    """Where a run starts from. levels_at: when the levels of the watercourses hold.

    The delivery day's solves begin there and deliver what is sold; those of an asset of which that
    is not known begin with the day, and its levels are taken for those of the day's beginning.
    """

    levels_at: Instant
    assets: Annotated[dict[AssetId, Sold], Field(min_length=1)]

    def start(self, asset: AssetId, day_start: datetime) -> datetime:
        """Return the instant at which an asset's solves begin."""
        return self.levels_at if self.assets[asset].volumes else day_start

    def earliest(self, day_start: datetime) -> datetime:
        """Return the instant at which the first asset's solves begin."""
        return min(self.start(asset, day_start) for asset in self.assets)

    def words(self, asset: AssetId) -> str:
        """Return what a person should know of an asset's way to the delivery day."""
        sold = self.assets[asset]
        if sold.unknown is not None:
            return f"not known: {sold.unknown}"
        return ", ".join(sold.sources) or "nothing between its levels and the day"
