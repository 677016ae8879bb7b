"""`python -m simulation`: run schedules, print a JSON summary, keep what fails as a regression."""

from __future__ import annotations

import argparse
import json
import os
import sys

from simulation.campaign import Summary, run_campaign
from simulation.schedule import run_schedule
from simulation.shrinking import saved, shrunk, told

MOST_SHRUNK = 5


def main() -> int:
    """Return 1 where a rule was broken, else 0."""
    arguments = _arguments()
    if arguments.show is not None:
        print(told(run_schedule(arguments.show, alone=arguments.alone)))
        return 0
    summary = Summary(alone=arguments.alone)
    seeds = range(arguments.first, arguments.first + arguments.schedules)
    for summary in run_campaign(seeds, arguments.processes, alone=arguments.alone):
        _say(f"{summary.schedules} of {len(seeds)}, {len(summary.failures)} failed", end="\r")
    _say("")
    for seed in sorted(summary.failures)[:MOST_SHRUNK]:
        smallest = shrunk(run_schedule(seed, alone=arguments.alone))
        _say(f"{told(smallest)}\nkept as {saved(smallest).name}")
    print(json.dumps(summary.to_document(), indent=2))
    return 1 if summary.failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--alone", action="store_true", help="submission alone, its bids come ready"
    )
    parser.add_argument("--show", type=int, metavar="SEED", help="tell one schedule, run none else")
    return parser.parse_args()


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
