"""Many schedules: run over processes, counted, and what fails shrunk."""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from simulation.schedule import Report, run_schedule

BATCH = 50
BATCHES_A_PROCESS = 100  # what its schedules have in common is remembered, and grows


@dataclass
class Summary:
    """What a campaign came to. seconds: of wall clock. alone: whether of submission alone."""

    schedules: int = 0
    steps: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    failures: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    alone: bool = False

    def add(self, other: Summary) -> None:
        """Count another part of the campaign in; seconds are the caller's to count."""
        self.schedules += other.schedules
        self.steps += other.steps
        self.faults += other.faults
        self.failures |= other.failures

    def to_document(self) -> dict[str, Any]:
        """Return the summary as JSON-ready data."""
        return {
            "of": "submission alone" if self.alone else "whole days",
            "schedules": self.schedules,
            "steps": self.steps,
            "faults": dict(self.faults.most_common()),
            "failures": {str(seed): text for seed, text in sorted(self.failures.items())},
            "seconds": round(self.seconds, 1),
        }


def run_batch(seeds: Sequence[int], *, alone: bool = False) -> Summary:
    """Run schedules in this process. alone: of submission alone."""
    summary = Summary(alone=alone)
    begun = time.monotonic()
    with _garbage_left_alone():
        for seed in seeds:
            summary.add(_counted(run_schedule(seed, alone=alone)))
    summary.seconds = time.monotonic() - begun
    return summary


def run_campaign(seeds: Sequence[int], processes: int, *, alone: bool = False) -> Iterator[Summary]:
    """Yield the summary so far, each time that a batch has been run."""
    summary, begun = Summary(alone=alone), time.monotonic()
    batches = [seeds[at : at + BATCH] for at in range(0, len(seeds), BATCH)]
    for done in _spread(batches, processes, partial(run_batch, alone=alone)):
        summary.add(done)
        summary.seconds = time.monotonic() - begun
        yield summary


def _spread(
    batches: Sequence[Sequence[int]],
    processes: int,
    run: Callable[[Sequence[int]], Summary],
) -> Iterable[Summary]:
    if processes == 1:
        yield from map(run, batches)
        return
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(processes, maxtasksperchild=BATCHES_A_PROCESS) as pool:
        yield from pool.imap_unordered(run, batches)


@contextmanager
def _garbage_left_alone() -> Iterator[None]:
    """Collect garbage after a batch and not within it: that takes a sixth of the time."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()


def _counted(report: Report) -> Summary:
    failures = {} if report.violation is None else {report.seed: report.violation}
    return Summary(1, report.steps, report.fault_kinds, failures)
