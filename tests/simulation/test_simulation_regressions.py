"""Schedules that once broke a rule, each with no more faults than it took."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simulation.schedule import run_schedule
from simulation.shrinking import REGRESSIONS


@pytest.mark.parametrize("path", sorted(REGRESSIONS.glob("*.json")), ids=lambda path: path.stem)
def test_regression__holds_now(path: Path):
    kept = json.loads(path.read_text(encoding="utf-8"))

    report = run_schedule(kept["seed"], kept["faults"], alone=kept.get("alone", False))

    assert report.violation is None
