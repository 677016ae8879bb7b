"""Days on which something breaks, shown by `demo --inject` through every process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from local_cloud import EXAMPLES, LocalCloud

pytestmark = pytest.mark.e2e

CLIENTS = ("cascade-example", "sintef-example")


@pytest.fixture
def shown(tmp_path):
    """Show a case and return what it printed, and each client's run as the demo left it behind."""
    cloud = LocalCloud(tmp_path / "data", EXAMPLES)

    def show(case: str) -> tuple[str, dict[str, dict[str, Any]]]:
        printed = cloud(
            "demo", "--inject", case, "--data-dir", cloud.data_dir, "--out", tmp_path / "out"
        )
        assert cloud("status", exit_code=3)
        return printed, {
            client: _left_behind(tmp_path / "out" / f"{client}~nordic~2026-11-25~r1")
            for client in CLIENTS
        }

    yield show
    cloud("down")


def _left_behind(folder: Path) -> dict[str, Any]:
    run = json.loads((folder / "run.json").read_text())
    return {**run, "orders": json.loads((folder / "orders.json").read_text())}


def states(run: dict[str, Any]) -> set[str]:
    return {asset["state"] for asset in run["assets"].values()}


def test_exchange_breaks__one_order_an_area(shown):
    printed, runs = shown("exchange-breaks")

    for run in runs.values():
        assert run["state"] == "submitted"
        assert states(run) == {"COMPLETE"}
        assert len(run["orders"]) == len(run["areas"])
    assert "marked: nothing" in printed


def test_scenarios_hang__partial_at_the_solve_cut_off(shown):
    printed, runs = shown("scenarios-hang")

    for run in runs.values():
        assert run["state"] == "submitted"
        assert states(run) == {"PARTIAL"}
        assert len(run["orders"]) == len(run["areas"])
    assert "11:29:42, the solve cut-off" in printed
    assert "the approval cut-off" not in printed


def test_dispatcher_down__the_guard_plans_the_day(shown):
    printed, runs = shown("dispatcher-down")

    for run in runs.values():
        assert run["state"] == "submitted"
        assert states(run) == {"FALLBACK"}
        assert "RUN_BY_GUARD" in {alert["code"] for alert in run["alerts"]}
    assert "the daily bid's execution is FAILED" in printed
