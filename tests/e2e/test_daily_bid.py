"""Bids from a client's folder to the exchange, through every process."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

PATIENCE = 180.0


def dearer_prices(folder: Path, path: Path, by: float = 10) -> Path:
    """Write the example's scenarios, each price higher by so many EUR/MWh, and return the path."""
    with (folder / "sintef-example/scenarios/prices.csv").open() as source:
        rows = list(csv.DictReader(source))
    with path.open("w", newline="") as target:
        writer = csv.DictWriter(target, rows[0])
        writer.writeheader()
        writer.writerows({**row, "price": f"{float(row['price']) + by:.2f}"} for row in rows)
    return path


def test_run__the_days_of_both_clock_changes(cloud):
    spring = cloud.json("run", "sintef-example", "--date", "2026-03-29")
    cloud("clock", "advance", "209d23h")
    autumn = cloud.json("run", "sintef-example", "--date", "2026-10-25")

    assert [run["mtus"] for run in (spring, autumn)] == [92, 100]
    for run in (spring, autumn):
        assert run["state"] == "submitted"
        assert run["new"]
        assert run["assets"]["shop-standard"]["solved"] == 52
        assert run["areas"]["NO2"]["exchange_state"] == "Accepted"
        assert run["areas"]["NO2"]["standing_matrix"] == run["areas"]["NO2"]["matrix"]
        assert run["alerts"] == []


def test_run__again_changes_nothing_and_says_so(cloud):
    first = cloud.json("run", "sintef-example", "--date", "2027-01-10")
    events = cloud.json("events", first["run"], "--client", "sintef-example")["events"]
    again = cloud.json("run", "sintef-example", "--date", "2027-01-10")

    assert first["new"]
    assert not again["new"]
    assert {**again, "new": True, "inputs_were": "new"} == first
    assert cloud.json("events", first["run"], "--client", "sintef-example") == {
        "run": first["run"],
        "events": events,
        "faults": [],
    }
    assert "Unchanged" in cloud("run", "sintef-example", "--date", "2027-01-10")


def test_run__other_prices_amend_the_standing_order(cloud, tmp_path):
    prices = dearer_prices(cloud.clients_dir, tmp_path / "dearer.csv")

    first = cloud.json("run", "sintef-example", "--date", "2027-01-11")
    second = cloud.json("run", "sintef-example", "--date", "2027-01-11", "--prices", prices)

    before, after = first["areas"]["NO2"], second["areas"]["NO2"]
    assert (first["revision"], second["revision"]) == (1, 2)
    assert second["inputs"] != first["inputs"]
    assert after["matrix"] != before["matrix"]
    assert after["order_id"] == before["order_id"]
    assert (before["exchange_version"], after["exchange_version"]) == (1, 2)
    assert cloud.json("show", first["run"], "--client", "sintef-example")["state"] == "superseded"


def test_push__new_prices_make_the_next_revision_by_themselves(cloud, tmp_path):
    first = cloud.json("run", "sintef-example")  # the next open day, which arrivals are for
    # Not those of the test above, since what arrives stays current for whichever test comes next.
    prices = dearer_prices(cloud.clients_dir, tmp_path / "dearer.csv", by=20)
    following = f"{first['run'].rpartition('~')[0]}~r{first['revision'] + 1}"

    pushed = cloud.json("data", "push", "sintef-example", "prices", prices)
    shown = submitted(cloud, following)

    assert (pushed["outcome"], pushed["names"]) == ("new", ["day-ahead"])
    assert shown["series"]["prices"]["day-ahead"]["content"] == pushed["content"]
    before, after = first["areas"]["NO2"], shown["areas"]["NO2"]
    assert after["matrix"] != before["matrix"]
    assert after["standing_matrix"] == after["matrix"]
    assert after["order_id"] == before["order_id"]
    trail = cloud.json("events", following, "--client", "sintef-example")
    assert trail["faults"] == []
    assert trail["events"]


def submitted(cloud, run: str) -> dict:
    """Return a run that nobody started from here, once its bid stands."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        printed = cloud("show", run, "--client", "sintef-example", "--json", exit_code=None)
        if '"state": "submitted"' in printed:
            return json.loads(printed)
        time.sleep(2)
    raise AssertionError(f"{run} does not come: {printed}")


def test_withdraw_and_release__through_every_process(cloud):
    run = cloud.json("run", "sintef-example", "--date", "2027-01-14")["run"]
    asked = ("sintef-example", "--date", "2027-01-14", "--reason", "unit 2 is out")

    withdrawn = cloud.json("withdraw", *asked)["orders"]["NO2"]
    held = cloud.json("show", run, "--client", "sintef-example")
    released = cloud.json("release", *asked)["orders"]["NO2"]
    after = cloud.json("show", run, "--client", "sintef-example")

    assert (withdrawn["order_state"], withdrawn["standing"]) == ("WITHDRAWN", None)
    assert held["state"] == "withheld"
    assert [alert["code"] for alert in held["alerts"]] == ["BID_WITHHELD"]
    assert released["order_state"] == "STANDING"
    assert after["state"] == "submitted"
    assert after["areas"]["NO2"]["standing_matrix"] == after["areas"]["NO2"]["matrix"]


def test_run__two_areas_and_what_it_leaves_behind(cloud, tmp_path):
    run = cloud.json("run", "cascade-example", "--date", "2027-01-12", "--out", tmp_path / "files")

    assert {name: area["exchange_state"] for name, area in run["areas"].items()} == {
        "NO3": "Accepted",
        "NO5": "Accepted",
    }
    assert all(asset["state"] == "COMPLETE" for asset in run["assets"].values())
    orders = json.loads((tmp_path / "files/orders.json").read_text())
    assert {order["orderId"] for order in orders} == {
        area["order_id"] for area in run["areas"].values()
    }
    names = {path.name for path in (tmp_path / "files").iterdir()}
    assert names == {"run.json", "bid_matrix.csv", "orders.json", "report.html"}


def test_run__closed_gate_is_refused_before_anything_is_solved(cloud):
    refused = cloud.json("run", "sintef-example", "--date", "2026-03-27", exit_code=2)

    assert refused["error"]["code"] == "GATE_CLOSED"
    assert refused["error"]["details"]["gate"] == "2026-03-26T11:00:00Z"
    assert cloud("show", "nordic~2026-03-27~r1", exit_code=2)
