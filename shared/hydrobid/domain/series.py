"""Time series that arrive by themselves between two publications of a client's documents.

A version of a series is its content and when its issuer published it: the same content at the same
time is the same version, whichever way and however often it came.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from hydrobid.domain.base import Value
from hydrobid.domain.conditions import Instant
from hydrobid.domain.identifiers import Identifier

LONGEST_DEBOUNCE = 900
"""Seconds: a run that waits longer for a pause would be late for its day."""


class SeriesKind(StrEnum):
    """What series are about; each has names of its own.

    prices: price scenarios, by scenario set. scenario_inflows: m3/s in the same scenarios, by scenario
    set. inflows: m3/s by reservoir. levels: m, or Mm3 stored, by reservoir. obligations: MW sold
    already, by asset.
    """

    PRICES = "prices"
    SCENARIO_INFLOWS = "scenario_inflows"
    INFLOWS = "inflows"
    LEVELS = "levels"
    OBLIGATIONS = "obligations"


OF_SCENARIOS = (SeriesKind.PRICES, SeriesKind.SCENARIO_INFLOWS)
"""The kinds whose names are scenario sets."""


class IfStale(StrEnum):
    """What a run does where a series is too old or was never told."""

    LAST_KNOWN = "last_known"
    REFUSE = "refuse"


class FreshnessPolicy(Value):
    """How old series of a kind may be when a run is planned, and what happens where they are older.

    hours: since they were published; levels since they were measured.
    """

    hours: Annotated[float, Field(gt=0, le=24 * 366)]
    if_stale: IfStale = IfStale.LAST_KNOWN

    @property
    def span(self) -> timedelta:
        """The oldest that is fresh."""
        return timedelta(hours=self.hours)


class InputPolicy(Value):
    """What a client says of series that arrive.

    freshness: by kind; what is not named may be of any age. debounce: seconds of quiet after the last
    arrival before new prices start a run; None: they start none. spikes: whether a value that sticks
    out is told, or the whole file refused.
    """

    freshness: dict[SeriesKind, FreshnessPolicy] = Field(default_factory=dict)
    debounce: Annotated[int, Field(ge=0, le=LONGEST_DEBOUNCE)] | None = 60
    spikes: Literal["tell", "refuse"] = "tell"


class SeriesVersion(Value):
    """What is known of a series. content: digest of what it came in. published: by its issuer."""

    content: str
    published: Instant

    @property
    def rank(self) -> tuple[object, str]:
        """What orders versions, whatever order they arrive in: the greatest counts."""
        return self.published, self.content


Known = dict[SeriesKind, dict[Identifier, SeriesVersion]]
"""The version of each series that counts, by kind and name."""
