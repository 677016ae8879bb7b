"""Simulated days: whatever goes wrong in them, every rule holds."""

from __future__ import annotations

import pytest
from simulation.campaign import run_batch
from simulation.schedule import run_schedule
from simulation.shrinking import shrunk, told

SCHEDULES = 10_000
ALONE = 250
"""Of submission alone; 10,000 of them take minutes and are run by `make simulate-submission`."""
CHUNK = 250
EARLY = 40 * 60
"""Seconds before the gate at which a day without faults ends with every scenario solved."""


@pytest.mark.parametrize("first", range(0, SCHEDULES, CHUNK))
def test_schedules__no_rule_is_broken(first: int):
    seeds = range(first, first + CHUNK)
    print(f"seeds {seeds.start} to {seeds.stop - 1}")

    summary = run_batch(seeds)

    smallest = [told(shrunk(run_schedule(seed))) for seed in sorted(summary.failures)[:1]]
    assert not summary.failures, "\n".join(smallest)


@pytest.mark.parametrize("first", range(0, ALONE, CHUNK))
def test_schedules_of_submission_alone__no_rule_is_broken(first: int):
    seeds = range(first, first + CHUNK)
    print(f"seeds {seeds.start} to {seeds.stop - 1}")

    summary = run_batch(seeds, alone=True)

    broken = sorted(summary.failures)[:1]
    smallest = [told(shrunk(run_schedule(seed, alone=True))) for seed in broken]
    assert not summary.failures, "\n".join(smallest)


@pytest.mark.parametrize("seed", [3, 8, 33])
def test_schedule__same_seed_leaves_the_same_trace(seed: int):
    first, again = run_schedule(seed), run_schedule(seed)

    assert (first.trace_hash, first.steps) == (again.trace_hash, again.steps)
    assert first.trace


def test_schedule__begun_in_time_and_without_faults__ends_without_an_alert():
    reports = [run_schedule(seed, only=()) for seed in range(40)]

    in_time = [r for r in reports if r.gate - r.trace[0][0] > EARLY]
    alerts = [what for r in in_time for _, _, what in r.trace if what.startswith("alert raised")]
    assert in_time
    assert alerts == []
    assert [report.violation for report in reports] == [None] * len(reports)
