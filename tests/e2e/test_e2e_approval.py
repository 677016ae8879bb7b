"""A run that waits for two people: one approves from the command line, one over the desk's API."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.e2e

CLIENT = "sintef-example"
PATIENCE = 180.0


@pytest.fixture
def four_eyes(cloud) -> Iterator[None]:
    """Two people have to approve the client's bids while a test lasts."""
    file: Path = cloud.clients_dir / CLIENT / "client.yaml"
    before = file.read_text()
    file.write_text(before.replace("approval: automatic", "approval: four_eyes"))
    yield
    file.write_text(before)


def test_run__two_people_approve(cloud, four_eyes):
    now = datetime.fromisoformat(cloud.json("clock")["market_time"])
    day = (now + timedelta(days=9)).date().isoformat()
    with cloud.start("run", CLIENT, "--date", day, "--json") as running:
        bid = waiting_bid(cloud)
        assert bid["people"] == 2
        asked = ("--reason", "first day", "--by", "anna", "--wait", str(PATIENCE))
        tried = cloud.json("dry-run", CLIENT, bid["matrix"], *asked)
        assert tried["dry_run"]["findings"] == []
        assert tried["dry_run"]["acts"] == ["place"]
        assert [request["path"] for request in tried["requests"]] == ["/curveorders"]
        first = cloud("approve", CLIENT, bid["matrix"][:12], "--by", "anna")
        assert "waits for 1 more to approve it" in first

        asked = cloud.json("desk-token", CLIENT, "bo")
        path = f"/runs/{bid['run']}/areas/{bid['price_area']}/approve"
        body = {"matrix": bid["matrix"], "reason": "looks right"}
        with httpx.Client(base_url=asked["url"], trust_env=False, timeout=30) as desk:
            assert desk.post(path, json=body).status_code == 401
            token = {"Authorization": f"Bearer {asked['token']}"}
            answer = desk.post(path, json=body, headers=token)
        assert answer.json()["bid"]["approval"]["by"] == "anna and bo"

        printed, errors = running.communicate(timeout=PATIENCE)

    assert running.returncode == 0, errors
    run = json.loads(printed)
    assert run["state"] == "submitted"
    assert run["areas"]["NO2"]["standing_matrix"] == bid["matrix"]
    assert [alert["code"] for alert in run["alerts"] if alert["resolved"] is None] == []
    logs = (cloud.data_dir / "logs").glob("*.log")
    assert not [log.name for log in logs if asked["token"] in log.read_text()]
    shown = cloud("events", run["run"], "--client", CLIENT)
    assert "desk: anna" in shown
    assert "dry-run-done" in shown
    assert "every chain is whole" in shown


def waiting_bid(cloud) -> dict:
    """Return the one bid that waits, once it does."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        bids = cloud.json("pending", CLIENT)["bids"]
        if bids:
            return bids[0]
        time.sleep(1)
    raise AssertionError("no bid waits for approval")
