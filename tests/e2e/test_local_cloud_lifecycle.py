"""The local cloud's processes: killed, restarted, side by side, and gone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from local_cloud import COMMAND_SECONDS

pytestmark = pytest.mark.e2e


def kill(*processes):
    """End processes as a crash would."""
    for process in processes:
        os.kill(process["pid"], signal.SIGKILL)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # ended; whoever inherited it has not taken note yet


def test_up__restarts_what_was_killed_and_loses_nothing(cloud):
    run = cloud.json("run", "sintef-example", "--date", "2027-02-01")
    before = cloud.processes()
    assert "up already" in cloud("up")

    kill(before["sintef-example-solver"])
    dead = cloud.processes(exit_code=3)
    assert [name for name, process in dead.items() if not process["alive"]] == [
        "sintef-example-solver"
    ]
    cloud("run", "sintef-example", exit_code=3)
    assert "Started sintef-example-solver;" in cloud("up")

    kill(*cloud.processes().values())
    cloud("up")
    after = cloud.processes()
    assert {name: process["port"] for name, process in after.items()} == {
        name: process["port"] for name, process in before.items()
    }
    shown = cloud.json("show", run["run"], "--client", "sintef-example")
    assert {**shown, "new": True, "inputs_were": "new"} == run
    assert not cloud.json("run", "sintef-example", "--date", "2027-02-01")["new"]


def test_run__goes_on_when_everything_is_killed_and_started_again(cloud):
    processes = cloud.processes().values()
    with cloud.start("run", "cascade-example", "--date", "2027-02-02") as following:
        seen = next(line for line in following.stdout if "solving" in line)
        kill(*processes)
        cloud("up")
        printed, errors = following.communicate(timeout=COMMAND_SECONDS)
    # One that gave up, as the cloud was away for so long, is typed again.
    assert following.returncode in {0, 3}, f"{seen}\n{printed}\n{errors}"
    cloud("run", "cascade-example", "--date", "2027-02-02")
    shown = cloud.json("show", "nordic~2027-02-02~r1")
    assert shown["state"] == "submitted"
    assert {area["exchange_version"] for area in shown["areas"].values()} == {1}
    assert cloud.json("events", "nordic~2027-02-02~r1")["faults"] == []


def test_up__two_local_clouds_side_by_side(cloud, new_cloud):
    other = new_cloud("sintef-example")
    other("up", "--now", "2030-06-03T10:30+02:00")

    assert other.json("clock")["market_time"] > cloud.json("clock")["market_time"]
    run = other.json("run", "sintef-example")
    assert (run["day"], run["state"]) == ("2030-06-04", "submitted")
    ports = [{p["port"] for p in each.processes().values()} for each in (cloud, other)]
    assert ports[0].isdisjoint(ports[1])

    pids = [process["pid"] for process in other.processes().values()]
    other("down")
    assert not [pid for pid in pids if is_running(pid)]
    assert all(process["alive"] for process in cloud.processes().values())
    secrets = other.data_dir / "secrets"
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in secrets.iterdir()} == {0o600}


def test_up__a_process_that_cannot_start_is_shown_with_its_last_words(new_cloud, tmp_path):
    market = tmp_path / "market.yaml"
    market.write_text("name: [unclosed")
    broken = new_cloud("sintef-example", HYDROBID_MARKET_FILE=str(market))

    printed = broken("up", exit_code=1)

    assert "exchange ended while starting" in printed
    assert "market.yaml" in printed
