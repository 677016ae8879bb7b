"""Chaos on real processes: days on local clouds of their own, with kills that follow from seeds.

From the checkout, in its virtual environment: PYTHONPATH=tests python -m chaos --runs 25 --seed 1
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos.day import ChaosDay, DayReport
from chaos.kills import plan_of


@dataclass(frozen=True)
class Finished:
    """A chaos run that is over. data: its folder where that was kept."""

    report: DayReport
    data: Path | None


def main() -> int:
    """Return 0 when every run ended right, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=25, help="how many, each with the next seed")
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--json", action="store_true", help="print one JSON summary")
    parser.add_argument("--keep", action="store_true", help="keep the data of every run")
    options = parser.parse_args()
    # What is up goes down, whoever ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    began = time.monotonic()
    seeds = range(options.seed, options.seed + options.runs)
    finished = [_run(seed, keep=options.keep) for seed in seeds]
    summary = _summary(options.seed, finished, time.monotonic() - began)
    if options.json:
        print(json.dumps(summary, indent=2))
    else:
        _say(f"{summary['runs']} runs, {len(summary['failures'])} of them failed")
    return 1 if summary["failures"] else 0


def _run(seed: int, *, keep: bool) -> Finished:
    plan = plan_of(seed)
    folder = Path(tempfile.mkdtemp(prefix=f"hydrobid-chaos-{seed}-"))
    _say(f"seed {seed}, {'attended' if plan.attended else 'unattended'}")
    for kill in plan.kills:
        _say(f"  to kill: {kill}")
    try:
        report = ChaosDay(plan, folder, _say).live()
    except BaseException:
        _say(f"seed {seed} was broken off; its data are in {folder}")
        raise
    for fault in report.faults:
        _say(f"  FAULT: {fault}")
    ended = "failed" if report.faults else "ended right"
    _say(f"seed {seed} {ended} in {report.seconds} s: {report.outcomes}")
    if report.faults or keep:
        _say(f"its data are in {folder}")
        return Finished(report, folder)
    shutil.rmtree(folder)
    return Finished(report, None)


def _summary(first_seed: int, finished: list[Finished], seconds: float) -> dict[str, Any]:
    reports = [each.report for each in finished]
    victims = Counter(
        str(kill.victim) for report in reports for kill in report.plan.kills[: len(report.kills)]
    )
    failures = [
        {
            "seed": each.report.plan.seed,
            "kills": list(each.report.kills),
            "faults": list(each.report.faults),
            "data": str(each.data),
        }
        for each in finished
        if each.report.faults
    ]
    return {
        "runs": len(reports),
        "first_seed": first_seed,
        "seconds": round(seconds, 1),
        "kills": sum(victims.values()),
        "kills_by_victim": dict(victims.most_common()),
        "outcomes": dict(Counter(o for report in reports for o in report.outcomes.values())),
        "needed_cut_offs": [r.plan.seed for r in reports if r.needed_cut_offs],
        "details": [
            {
                "seed": report.plan.seed,
                "attended": report.plan.attended,
                "kills": list(report.kills),
                "exits": report.exits,
                "outcomes": report.outcomes,
                "seconds": report.seconds,
            }
            for report in reports
        ],
        "failures": failures + _differing_digests(reports),
    }


def _differing_digests(reports: list[DayReport]) -> list[dict[str, Any]]:
    """Return a failure for each area whose complete bids were not all the same, whatever was killed."""
    seeds: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for report in reports:
        for area, digest in report.digests.items():
            seeds[area][digest].append(report.plan.seed)
    return [
        {"area": area, "faults": ["complete bids differ"], "seeds_by_digest": dict(by_digest)}
        for area, by_digest in seeds.items()
        if len(by_digest) > 1
    ]


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
