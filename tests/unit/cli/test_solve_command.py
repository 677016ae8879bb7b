"""`hydrobid solve`: a model in, a schedule out, and files that another simulator can follow."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from shop_documents import as_bytes, small_case

from hydrobid.hydro.schedule import Termination

# A reservoir that 10 m3/s leave through one unit: 100 m at 90 %, so 8.829 MW.
OURS = """
version: 1
watercourse: small
reservoirs:
  Upper:
    volume_max: 1
    level: {volume: [0, 1], level: [100, 100.001]}
    start_volume: 0.1
    inflow: 5
    water_value: 5000
plants:
  P:
    reservoir: Upper
    outlet_level: 0
    units:
      U:
        power_min: 4
        power_max: 9
        turbine: [{head: 100, flow: [5, 10], efficiency: [0.9, 0.9]}]
        start_cost: 10
gates:
  G: {reservoir: Upper}
"""
PRICES = "time,price\n2026-03-28T00:00Z,40\n2026-03-28T01:00Z,10\n2026-03-28T02:00Z,60\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "case.yaml").write_bytes(as_bytes(small_case()))
    (tmp_path / "small.yaml").write_text(OURS)
    (tmp_path / "prices.csv").write_text(PRICES)
    return tmp_path


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_solve__json_of_a_shop_case(command, files):
    result = command("solve", files / "case.yaml", "--json")

    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    worth = found["objective"]
    parts = worth["sales"] + worth["end_value"] - worth["start_costs"] - worth["penalties"]
    assert worth["total"] == pytest.approx(parts, abs=1e-3)
    assert found["termination"] in set(Termination)
    assert found["violations"] == []
    assert found["ignored"] == ["commands[0]"]
    assert {"build", "solve", "simulate", "prove"} <= found["timings"].keys()
    assert {"bound", "gap", "method", "reason"} <= found.keys()
    assert (found["start"], found["periods"]) == ("2018-01-23T00:00:00Z", 15)


def test_solve__proven(command, files):
    arguments = ("small.yaml", "--prices", files / "prices.csv", "--prove", "--json")
    found = json.loads(command("solve", files / arguments[0], *arguments[1:]).stdout)

    assert found["bound"] >= found["objective"]["total"] - 1e-6
    assert 0 <= found["gap"] < 0.05


def test_solve__csv_closes_the_balance_and_the_books(command, files):
    """What the files say is enough to simulate the schedule again, by hand."""
    prices = files / "prices.csv"
    arguments = ("--prices", prices, "--csv", files / "out", "--json")
    found = json.loads(command("solve", files / "small.yaml", *arguments).stdout)

    units, reservoirs = rows(files / "out/units.csv"), rows(files / "out/reservoirs.csv")
    assert list(units[0]) == ["unit", "start", "discharge_m3s", "power_mw", "on"]
    assert list(reservoirs[0]) == ["reservoir", "start", "volume_mm3", "spill_m3s"]
    assert [row["start"] for row in units] == [f"2026-03-28T0{hour}:00:00Z" for hour in range(3)]
    flow = np.array([float(row["discharge_m3s"]) for row in units])
    power = np.array([float(row["power_mw"]) for row in units])
    on = np.array([row["on"] == "1" for row in units])
    past = np.array([float(row["spill_m3s"]) for row in reservoirs])
    volume = np.array([float(row["volume_mm3"]) for row in reservoirs])
    after = volume + 0.0036 * (5 - flow - past)
    assert volume[0] == 0.1
    np.testing.assert_allclose(volume[1:], after[:-1], atol=1e-9)
    level = 100 + 0.001 * volume
    np.testing.assert_allclose(power, 9.81e-3 * 0.9 * flow * level, atol=1e-6)
    assert np.all(power[on] >= 4 - 1e-6)
    assert not np.any(flow[~on])
    starts = np.count_nonzero(on[1:] & ~on[:-1])
    total = power @ [40, 10, 60] + 5000 * after[-1] - 10 * starts
    assert found["objective"]["total"] == pytest.approx(total, abs=1e-3)


def test_solve__inflows_count(command, files):
    (files / "inflow.csv").write_text("time,Upper\n2026-03-28T00:00Z,50\n")
    arguments = ("solve", files / "small.yaml", "--prices", files / "prices.csv", "--json")
    dry = json.loads(command(*arguments).stdout)
    wet = json.loads(command(*arguments, "--inflows", files / "inflow.csv").stdout)

    assert wet["objective"]["total"] > dry["objective"]["total"] + 5000 * 0.0036 * 3 * 40


def test_solve__for_people(command, files):
    result = command("solve", files / "small.yaml", "--prices", files / "prices.csv")

    assert result.exit_code == 0, result.output
    for words in ("total", "Upper", "start and stop costs", "No limit is broken", "Method:"):
        assert words in result.stdout


def test_solve__plot_reaches_for_nothing_outside(command, files):
    drawn = files / "schedule.html"
    result = command("solve", files / "case.yaml", "--plot", drawn)

    assert result.exit_code == 0, result.output
    page = drawn.read_text()
    assert "default-src 'none'" in page
    assert "power-High" in page
    assert "volume-Lower" in page


def test_solve__every_fault_of_every_file(command, files):
    (files / "small.yaml").write_text(OURS.replace("volume_max: 1", "volume_max: much"))
    (files / "prices.csv").write_text(PRICES.replace(",40", ",dear"))
    problems = command.problems(
        "solve", files / "small.yaml", "--prices", files / "prices.csv", "--date", "2026-03-29"
    )

    assert {(p["document"], p["field"]) for p in problems} == {
        ("small.yaml", "reservoirs.Upper.volume_max"),
        ("prices.csv", "row 2, price"),
        ("command line", "--date"),
    }


def test_solve__shop_case_with_faults(command, files):
    case = small_case()
    case["model"]["plant"]["High"]["outlet_line"] = "low"
    case["connections"][0]["from"] = "Uper"
    (files / "case.yaml").write_bytes(as_bytes(case))
    problems = command.problems("solve", files / "case.yaml")

    assert {p["field"] for p in problems} == {
        "model.plant.High.outlet_line",
        "connections[0].from",
    }


OTHER = """
import json, sys
task = json.load(sys.stdin)
flow = [10 if price > 20 else 0 for price in task["prices"]]
decisions = {"on": {"U": [f > 0 for f in flow]}, "flow": {"U": flow}}
json.dump({"format": "hydrobid-result", "version": 1, "decisions": decisions}, sys.stdout)
"""


def test_solve__another_solver(command, files, monkeypatch):
    """Its decisions are simulated: 10 m3/s in the two dear hours."""
    named = {"other": [sys.executable, "-c", OTHER]}
    monkeypatch.setenv("HYDROBID_EXTERNAL_SOLVERS", json.dumps(named))
    arguments = ("solve", files / "small.yaml", "--prices", files / "prices.csv", "--json")
    found = json.loads(command(*arguments, "--solver", "other").stdout)
    ours = json.loads(command(*arguments).stdout)

    assert (found["method"], found["violations"]) == ("external", [])
    assert found["objective"]["sales"] == pytest.approx(8.829 * 100, rel=1e-4)
    assert found["objective"]["total"] <= ours["objective"]["total"] + 1e-6

    (problem,) = command.problems(*arguments[:-1], "--solver", "shop")
    assert (problem["field"], problem["expected"]) == ("--solver", "other")
    (problem,) = command.problems(*arguments[:-1], "--solver", "other", "--prove")
    assert problem["field"] == "--prove"


def test_solve__no_such_file(command, files):
    (problem,) = command.problems("solve", files / "none.yaml")

    assert problem["expected"] == "a file that can be read"


def test_solve__folder_that_cannot_be_written(command, files):
    (files / "taken").write_text("a file")
    (problem,) = command.problems("solve", files / "case.yaml", "--csv", files / "taken" / "out")

    assert problem["expected"] == "a place that can be written"


def test_solve__other_commands_do_not_load_a_solver():
    code = (
        "import sys, hydrobid.cli.main;"
        "print([m for m in ('scipy', 'highspy', 'plotly', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
