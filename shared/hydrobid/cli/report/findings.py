"""What the checks of the bids found, alike findings told together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hydrobid.cli.report.facts import RunFacts
from hydrobid.cli.report.words import listed
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.records import Finding

MOST_PLACES = 4


@dataclass(frozen=True)
class FindingRow:
    """Findings of one rule in one area. found: where, with what stood there."""

    area: PriceArea
    severity: str
    code: str
    rule: str
    found: str


def finding_rows(facts: RunFacts) -> list[FindingRow]:
    """Return a row for each rule that a price area's bid did not satisfy, errors first."""
    alike: dict[tuple[PriceArea, str, str, str], list[Finding]] = {}
    for area, record in sorted(facts.view.areas.items()):
        for finding in record.findings:
            key = (area, finding.severity, finding.code, finding.rule)
            alike.setdefault(key, []).append(finding)
    rows = [FindingRow(*key, found=_found(group)) for key, group in alike.items()]
    return sorted(rows, key=lambda row: row.severity != "error")


def _found(group: list[Finding]) -> str:
    shown = [f"{finding.where} ({_shown(finding.value)})" for finding in group[:MOST_PLACES]]
    if len(group) > MOST_PLACES:
        shown.append(f"{len(group) - MOST_PLACES} more")
    return listed(shown)


def _shown(value: Any) -> str:
    match value:
        case None | [] | ():
            return "nothing"
        case list() | tuple():
            return ", ".join(map(_shown, value))
        case float():
            return f"{value:g}"
        case _:
            return str(value)
