"""Kills on real processes: a short form of what `python -m chaos` does at length."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from chaos.kills import plan_of

SEEDS = (40,)
"""Pub/Sub dies while bids are on their way; `make chaos` has all the others."""

LONGEST_SECONDS = 400


@pytest.mark.e2e
@pytest.mark.timeout(LONGEST_SECONDS + 60)
@pytest.mark.parametrize("seed", SEEDS)
def test_day__ends_right_whoever_is_killed(seed):
    process = subprocess.Popen(
        [sys.executable, "-m", "chaos", "--runs", "1", "--seed", str(seed), "--json"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        printed, told = process.communicate(timeout=LONGEST_SECONDS)
    finally:
        process.terminate()  # it takes its local cloud down
        process.wait()
    print(told)
    summary = json.loads(printed)
    assert summary["failures"] == []
    assert summary["kills"] == len(plan_of(seed).kills)
    assert summary["outcomes"] == {"COMPLETE": 2}


def test_plan__follows_from_its_seed_and_kills_one_to_three():
    plans = [plan_of(seed) for seed in range(200)]

    assert plans == [plan_of(seed) for seed in range(200)]
    assert {len(plan.kills) for plan in plans} == {1, 2, 3}
    assert {kill.victim.kind for plan in plans for kill in plan.kills} == {
        "function",
        "service",
        "command",
        "everything",
    }
