"""Approval: who has to say yes to a bid, what was decided of it, and what follows on silence."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from enum import StrEnum

from hydrobid.domain.base import Value
from hydrobid.domain.holds import Act
from hydrobid.domain.states import ApprovalState

BY_RULE = "rule:automatic"
"""Who approves a bid that only has to pass its checks."""

BY_POLICY = "policy:"
"""Begins the name under which a client's policy for silence decides."""


class ApprovalMode(StrEnum):
    """AUTOMATIC: the rules. REQUIRED: a person. FOUR_EYES: two different people."""

    AUTOMATIC = "automatic"
    REQUIRED = "required"
    FOUR_EYES = "four_eyes"

    @property
    def people(self) -> int:
        """How many different people have to approve a bid that the rules do not approve."""
        return 2 if self is ApprovalMode.FOUR_EYES else 1


class OnSilence(StrEnum):
    """What happens to a bid that nobody has decided on by the approval cut-off.

    SUBMIT: it is sent, unless a person has changed it or what it would replace. SUBMIT_YESTERDAY: the
    bid that stood yesterday is, where no bid of the day was approved. WITHHOLD: nothing is sent in its
    place.
    """

    SUBMIT = "submit"
    SUBMIT_YESTERDAY = "submit_yesterday"
    WITHHOLD = "withhold"


class Signature(Act):
    """One person's approval of a bid; reason: what there is to say about it."""

    at: datetime


class Override(Act):
    """A person's change of a bid.

    replaced: digest of what it was before, computed: of what was computed; None where nothing was.
    """

    at: datetime
    replaced: str | None = None
    computed: str | None = None


class Approval(Value):
    """A decision on the bid of one digest.

    by: a rule, a policy, or people. instead: digest of what is sent in its place, by policy.
    """

    state: ApprovalState
    digest: str
    by: str
    at: datetime
    reason: str | None = None
    instead: str | None = None


def same_person(one: str, other: str) -> bool:
    """Whether two names are of one person: however they are typed."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
