"""The backtest command on a made-up past: its tables, its page, and what it refuses."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import datetime, timedelta

import numpy as np
import pytest
from examples import CLIENTS

DAYS = 26
TESTED = ("--from", "2017-03-24", "--to", "2017-03-26")
METHODS = "multi_scenario,price_shifts:3,price_independent,water_value"


@pytest.fixture
def past(tmp_path):
    """A file of 26 days of naive hours, 1 to 26 March 2017; the clocks go forward on the last."""
    rng = np.random.default_rng(5)
    start = datetime(2017, 3, 1)  # noqa: DTZ001 - as published files have them
    file = tmp_path / "past.csv"
    with file.open("w") as target:
        target.write("time,price,forecast\n")
        for at in range(24 * DAYS):
            expected = 28 + 4 * np.sin(at / 24 * 2 * np.pi) + rng.normal(0, 1)
            price = expected + rng.normal(0, 2)
            target.write(f"{start + timedelta(hours=at)},{price:.2f},{expected:.2f}\n")
    return file


@pytest.fixture
def backtest(command, past):
    def run(*arguments, **files):
        named = {"prices": past, "forecast": past} | files
        options = [part for name, path in named.items() for part in (f"--{name}", path)]
        return ("backtest", "backtest-example", *options, *arguments)

    return run


def test_backtest__tells_value_regret_starts_and_spill_of_each_method(command, backtest, tmp_path):
    result = command(
        *backtest(*TESTED, "--methods", METHODS, "--scenarios", "4,8", "--workers", "1"),
        "--json", "--html", "--out", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["days"] == 3
    assert document["clock_change_days"] == {
        "--prices": ["2017-03-26"], "--forecast": ["2017-03-26"]
    }  # fmt: skip
    assert document["assumed_publication"] == "08:00"
    assert document["left_out"] == []
    found = {(method["method"], method["scenarios"]): method for method in document["methods"]}
    assert set(found) == {
        ("multi_scenario", 4), ("multi_scenario", 8), ("price_shifts:3", 3),
        ("price_independent", 1), ("water_value", 0),
    }  # fmt: skip

    with (tmp_path / "out" / "days.csv").open() as source:
        rows = list(csv.DictReader(source))
    assert len(rows) == 3 * len(found)
    for (label, scenarios), method in found.items():
        mine = [r for r in rows if (r["method"], r["scenarios"]) == (label, str(scenarios))]
        regret = sum(float(row["perfect"]) - float(row["value"]) for row in mine)
        earned = sum(float(row["perfect"]) - float(row["no_production"]) for row in mine)
        share = method["regret_share"]
        assert share["estimate"] == pytest.approx(regret / earned, abs=1e-6)
        assert 0 <= share["low"] <= share["estimate"] <= share["high"]
        assert {"value", "starts", "spill", "by_month", "by_price_regime"} <= set(method)
    with (tmp_path / "out" / "curves.csv").open() as source:
        points = list(csv.DictReader(source))
    spring = {row["mtu_start"] for row in points if row["day"] == "2017-03-26"}
    assert len(spring) == 23

    page = (tmp_path / "out" / "backtest.html").read_text()
    assert "http-equiv" in page
    assert "price_shifts:3" in page
    assert "What more scenarios bring" in page
    assert 'src="http' not in page


def test_backtest__page_of_one_number_of_scenarios_has_no_chart_over_them(
    command, backtest, tmp_path
):
    tested = backtest(*TESTED, "--methods", "multi_scenario", "--scenarios", "4", "--workers", "1")
    result = command(*tested, "--html", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "What more scenarios bring" not in (tmp_path / "backtest.html").read_text()


def test_backtest__processes_find_what_one_finds(command, backtest):
    arguments = backtest(*TESTED, "--methods", "price_shifts:3,water_value", "--json")
    one, two = command(*arguments, "--workers", "1"), command(*arguments, "--workers", "2")
    assert one.exit_code == 0, one.output
    assert one.stdout == two.stdout


def test_backtest__prints_a_row_a_method_and_what_to_know_of_the_days(command, backtest):
    result = command(*backtest(*TESTED, "--methods", "water_value,price_independent"))
    assert result.exit_code == 0, result.output
    assert "price_independent" in result.stdout
    assert "1 day with 24 hours though clocks changed (2017-03-26)" in result.stdout
    assert "08:00 on the day before" in result.stdout


def test_backtest__what_of_the_daily_bid_has_no_part_in_it_is_told(command, backtest, tmp_path):
    # Given a client whose daily bid has a horizon and scenarios of inflow
    folder = tmp_path / "clients" / "backtest-example"
    shutil.copytree(CLIENTS / "backtest-example", folder)
    scenarios = folder / "scenarios"
    rows = [line.split(",") for line in (scenarios / "prices.csv").read_text().splitlines()[1:]]
    inflows = [f"{scenario},Upper,{time},7" for scenario, _, time, _ in rows]
    (scenarios / "inflows.csv").write_text("\n".join(["scenario,inflow,time,value", *inflows]))
    stated = (folder / "client.yaml").read_text()
    stated = stated.replace("prices.csv", "prices.csv, inflows: scenarios/inflows.csv")
    (folder / "client.yaml").write_text(f"{stated}\nhorizon: {{}}\n")
    tested = (*TESTED, "--methods", "water_value", "--clients-dir", folder.parent)

    # When it is backtested
    told, document = command(*backtest(*tested)), command(*backtest(*tested, "--json"))

    # Then that is said for people and for programs
    assert told.exit_code == 0, told.output
    assert "Without the client's horizon" in told.stdout
    assert "Without the client's scenarios of inflow" in told.stdout
    assert json.loads(document.stdout)["left_out"] == ["horizon", "inflow_scenarios"]


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        (("--from", "2017-03-20", "--to", "2017-03-19"), "--to", "2017-03-19"),
        (("--from", "someday", "--to", "2017-03-19"), "first", "someday"),
        (("--from", "2017-03-26", "--to", "2017-03-27"), "2017-03-27", "0 values"),
        (("--from", "2017-03-05", "--to", "2017-03-06"), "past errors", "4 days before 2017-03-05"),
        ((*TESTED, "--methods", "shifts"), "--methods", "shifts"),
        ((*TESTED, "--scenarios", "many"), "--scenarios", "many"),
        ((*TESTED, "--scenarios", "0"), "--scenarios", 0),
        ((*TESTED, "--asset", "other"), "--asset", "other"),
        ((*TESTED, "--timezone", "Europe/Olso"), "--timezone", "Europe/Olso"),
        ((*TESTED, "--published-at", "noon"), "--published-at", "noon"),
        ((*TESTED, "--published-at", "10:30"), "2017-03-24", "published 2017-03-23 10:30"),
        ((*TESTED, "--price-column", "cost"), "header.cost", None),
        ((*TESTED, "--generator", "dice"), "generator", "dice"),
        ((*TESTED, "--imbalance-share", "-1"), "imbalance.share", -1.0),
        ((*TESTED, "--html"), "--out", None),
    ],
)
def test_backtest__bad_input_is_refused_before_anything_is_solved(
    command, backtest, arguments, field, value
):
    problem = command.problems(*backtest(*arguments))[0]
    assert (problem["field"], problem["value"]) == (field, value)


def test_backtest__days_with_gaps_are_named_with_their_file(command, backtest, past, tmp_path):
    lines = past.read_text().splitlines()
    gappy = tmp_path / "gappy.csv"
    gappy.write_text("\n".join([*lines[: 24 * 23 + 5], *lines[24 * 23 + 6 :]]))
    (problem,) = command.problems(*backtest(*TESTED, prices=gappy))
    assert (problem["document"], problem["field"], problem["value"]) == (
        "gappy.csv", "2017-03-24", "23 values"
    )  # fmt: skip


def test_backtest__a_client_or_file_that_is_not_there(command, backtest, tmp_path):
    unknown = command.problems("backtest", "nobody", *backtest(*TESTED)[2:])[0]
    assert unknown["field"] == "CLIENT"
    assert "backtest-example" in unknown["expected"]
    absent = command.problems(*backtest(*TESTED, prices=tmp_path / "absent.csv"))[0]
    assert absent["document"].endswith("absent.csv")


def test_backtest__with_starts_in_another_market__tells_blocks(command, past, tmp_path):
    result = command(
        "backtest", "sintef-example", "--prices", past, "--forecast", past,
        "--from", "2017-03-24", "--to", "2017-03-24", "--methods", "blocks", "--scenarios", "3",
        "--commitment", "--market", "nordic-hourly", "--workers", "1", "--out", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "Units are on or off" in result.output
    with (tmp_path / "out" / "curves.csv").open() as source:
        assert len({row["mtu_start"] for row in csv.DictReader(source)}) == 24
    blocks = tmp_path / "out" / "blocks.csv"
    with blocks.open() as source:
        assert csv.DictReader(source).fieldnames == [
            "method", "scenarios", "day", "block", "mtu_start", "mtus", "price", "volume", "accepted",
        ]  # fmt: skip


def test_backtest__unknown_market__is_refused_by_name(command, backtest):
    result = command(*backtest(*TESTED, "--market", "nordic-daily"))
    assert result.exit_code == 2
    assert "nordic-daily" in result.output
    assert "nordic-hourly" in result.output
