"""A schedule that breaks a rule, brought down to the faults that it takes to break it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from simulation.schedule import Report, run_schedule

REGRESSIONS = Path(__file__).with_name("regressions")
MAX_RUNS = 400
_PARTICULARS = re.compile(r"[0-9a-f]{8,64}|\d+")


def shrunk(report: Report) -> Report:
    """Return the same seed's schedule with as few faults as still break the same rule.

    Faults are left out in ever smaller groups, at last one by one.
    """
    budget = iter(range(MAX_RUNS))
    best, size = report, len(report.faults)
    while size:
        for kept in _without_groups(best.faults, size):
            if next(budget, None) is None:
                return best
            tried = run_schedule(report.seed, kept, alone=report.alone)
            if _same_rule(tried, report):
                best = tried
                break
        else:
            size //= 2
        size = min(size, len(best.faults))
    return best


def saved(report: Report) -> Path:
    """Keep a shrunk schedule as a regression, and return where."""
    path = REGRESSIONS / f"{'alone' if report.alone else 'seed'}-{report.seed}.json"
    content = {
        "seed": report.seed,
        **({"alone": True} if report.alone else {}),
        "violation": report.violation,
        "faults": list(report.faults),
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


def told(report: Report) -> str:
    """Return a schedule as text: its faults, then what happened in the seconds to the gate."""
    lines = [f"seed {report.seed}: {report.violation}", "faults:"]
    lines += [f"  {fault}" for fault in report.faults]
    lines += ["trace (seconds from the gate):"]
    lines += [f"  {at - report.gate:9.2f}  {who:44}  {what}" for at, who, what in report.trace]
    return "\n".join(lines)


def _without_groups(faults: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(faults), size):
        yield (*faults[:start], *faults[start + size :])


def _same_rule(one: Report, other: Report) -> bool:
    rules = [_PARTICULARS.sub("#", report.violation or "") for report in (one, other)]
    return rules[0] == rules[1]
