"""Holds: what the bid desk sets to keep an order, or everything of a client, from the exchange."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints

from hydrobid.domain.base import Value
from hydrobid.domain.plain_text import COMMANDS

KeptWords = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
"""Who did something, or why, as it is stored."""

WORDS_RULE = "one line of 1 to 500 characters, not only spaces, no control characters"


def _one_line(words: str) -> str:
    if COMMANDS.search(words):
        raise ValueError(f"expected {WORDS_RULE}")
    return words


Words = Annotated[KeptWords, AfterValidator(_one_line)]
"""The same in a person's own words, as it is taken: others read it on their screens."""


class HoldKind(StrEnum):
    """WITHDRAWN: what stands is cancelled. LOCKED: what stands stays; nothing else is sent."""

    WITHDRAWN = "WITHDRAWN"
    LOCKED = "LOCKED"


class Act(Value):
    """Who does something by hand, and why."""

    by: KeptWords
    reason: KeptWords


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
