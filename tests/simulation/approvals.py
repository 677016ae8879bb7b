"""The rules of approvals: who decides on a bid, what follows on silence, and how decisions may move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from simulation import client

from hydrobid.adapters.memory import MemoryDocuments
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.orders import INSTEAD, Wanted
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Document

DECISIONS: Mapping[str | None, frozenset[str]] = {
    None: frozenset({"APPROVED", "REJECTED", "EXPIRED"}),
    "EXPIRED": frozenset({"APPROVED", "REJECTED"}),
    "APPROVED": frozenset(),
    "REJECTED": frozenset(),
}
"""What may be decided of a version of a bid, by what was decided of it before."""


@dataclass(frozen=True)
class Approved:
    """A bid that was approved, and when its order was told of it."""

    fence: tuple[int, int]
    matrix: str
    at: float


class Approvals:
    """What was decided of the bids of a day, by area and fence.

    policy: the client's. said: what people have approved: who, of which area, which content. due: what
    the order of an area holds. yesterdays: what stood the day before, moved to today.
    """

    def __init__(self, documents: MemoryDocuments) -> None:
        self._documents = documents
        self.policy: Mapping[str, str] = {}
        self.said: set[tuple[str, str, str]] = set()
        self.yesterdays: dict[str, str] = {}
        self.approved: dict[str, dict[tuple[int, int], Approved]] = {}
        self.due: dict[str, Wanted | None] = {}
        self._decided: dict[str, set[int]] = {}

    def check(
        self, path: str, before: Document | None, after: Document, now: float
    ) -> Iterator[str]:
        """Yield what is wrong with the decision on a bid, and take note of it."""
        yield from _moves(path, before, after)
        approval, area = after["approval"], after["price_area"]
        if approval is None:
            yield from self._left_open(path, after)
            return
        revision = revision_of(after["run"])
        approvals = self.approved.setdefault(area, {})
        made = (before or {}).get("approval")
        if approval["instead"] is not None:
            yield from self._instead(path, after, made)
            approvals.setdefault((revision, 0), Approved((revision, 0), approval["instead"], now))
        elif approval["state"] == "EXPIRED" and before and made is None:
            yield from self._silence(path, after)
        self._decided.setdefault(area, set()).add(revision)
        if approval["state"] != "APPROVED":
            return
        if after["state"] != "VALIDATED" or approval["digest"] != after["matrix"]:
            yield f"{path} is approved, which its checks do not allow"
        yield from self._approver(path, after)
        fence = (revision, after["bid_version"])
        approvals.setdefault(fence, Approved(fence, approval["digest"], now))

    def _left_open(self, path: str, area: Document) -> Iterator[str]:
        """A rule approves what passes its checks, save in the place of a better bid."""
        due = self.due.get(area["price_area"])
        by_rule = self.policy["approval"] == "automatic" and area["state"] == "VALIDATED"
        kept = due is not None and (due.overridden or self._loses_an_asset(area, due))
        if by_rule and not kept:
            yield f"{path} has passed its checks, and no rule approves it"

    def _loses_an_asset(self, area: Document, due: Wanted) -> bool:
        """Whether a bid lacks an asset that is in the older revision's bid which is due."""
        if due.run.revision >= revision_of(area["run"]):
            return False
        place = Portfolio(area["portfolio"]), PriceArea(area["price_area"])
        older = self._documents.get(paths.area(due.run, *place)) or {"assets": {}, "missing": {}}
        return bool(area["missing"].keys() & (older["assets"].keys() - older["missing"].keys()))

    def _instead(self, path: str, area: Document, made: Document | None) -> Iterator[str]:
        """Yesterday's bid is sent where the policy says so and nothing of today was approved."""
        instead, due = area["approval"]["instead"], self.due.get(area["price_area"])
        if self.policy.get("on_silence") != "submit_yesterday":
            yield f"{path}: yesterday's bid is sent, which the policy does not say"
        if instead != self.yesterdays.get(area["price_area"]):
            yield f"{path}: what is sent is not what stood yesterday"
        if made is None and due is not None and due.bid_version != INSTEAD:
            yield f"{path}: yesterday's bid takes the place of {due.fence}, approved today"

    def _silence(self, path: str, area: Document) -> Iterator[str]:
        """Yesterday's bid is sent on silence where the policy says so, unless a newer was decided on.

        Once it is sent, it is said so of later bids too.
        """
        where = area["price_area"]
        revision, decided = revision_of(area["run"]), self._decided.get(where, set())
        due = self.due.get(where)
        in_time = datetime.fromisoformat(area["approval"]["at"]) < client.GATE
        newer = any(other > revision for other in decided)
        asked = self.policy.get("on_silence") == "submit_yesterday" and in_time
        if asked and where in self.yesterdays and not self.approved[where] and not newer:
            yield f"{path} has expired, and what stood yesterday is not sent"
        if asked and due is not None and due.bid_version == INSTEAD and not newer:
            yield f"{path} has expired, and does not say that yesterday's bid is sent"

    def _approver(self, path: str, area: Document) -> Iterator[str]:
        """A bid is approved by whom the client's policy names, and in no other way.

        Silence approves no person's change, and nothing in the place of one.
        """
        approval, by = area["approval"], area["approval"]["by"]
        if by.startswith("rule:"):
            allowed = self.policy["approval"] == "automatic"
        elif by.startswith("policy:"):
            cut_off = self._documents.get(f"runs/{area['run']}")["cut_offs"]["approval"]
            late = datetime.fromisoformat(approval["at"]) >= datetime.fromisoformat(cut_off)
            due = self.due.get(area["price_area"])
            by_hand = area["override"] is not None or (due is not None and due.overridden)
            asked = by == f"policy:{self.policy.get('on_silence')}" == "policy:submit"
            allowed = asked and late and not by_hand
        else:
            names = {signature["by"] for signature in area["signatures"]}
            own = (area["override"] or {}).get("by") in names
            said = all((n, area["price_area"], approval["digest"]) in self.said for n in names)
            allowed = len(names) >= client.people_needed(self.policy) and said and not own
        if not allowed:
            yield f"{path} is approved by {by}, which {dict(self.policy)} does not allow"


def revision_of(run: str) -> int:
    """Return the number of a run's revision."""
    return int(run.rpartition("~r")[2])


def _moves(path: str, before: Document | None, after: Document) -> Iterator[str]:
    """A version of a bid keeps its content, and a decision of it, save one that silence has made."""
    if before is None or before["bid_version"] != after["bid_version"]:
        return
    source, target = ((d["approval"] or {}).get("state") for d in (before, after))
    if before["matrix"] != after["matrix"]:
        yield f"{path}: v{after['bid_version']} of the bid is another bid than it was"
    if source != target and target not in DECISIONS[source]:
        yield f"{path}: v{after['bid_version']} of the bid went from {source} to {target}"
