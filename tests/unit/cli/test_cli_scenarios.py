"""`hydrobid scenarios`: from forecasts to sets, from sets to smaller ones, and how good they were."""

from __future__ import annotations

import csv
import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from typer.testing import CliRunner

from hydrobid.cli.main import app
from hydrobid.domain.market import Market
from hydrobid.schema import scenario_set_for
from hydrobid.schema.findings import Findings, Place
from hydrobid.schema.market_rules import market_of
from hydrobid.schema.scenario_sets import scenario_set_of, with_inflows

FIRST, DAYS = date(2018, 1, 1), 140
SEED = 20261127
HOURLY = ("--market", "nordic-hourly")
Row = dict[str, Any]


def history() -> list[Row]:
    """Rows of 24 naive hours on every day: a forecast and what came, of prices and of inflow."""
    rng = np.random.default_rng(SEED)
    rows = []
    for number in range(DAYS):
        drift = rng.normal(0, 3, 24).cumsum()
        for hour in range(24):
            at = datetime.combine(FIRST, datetime.min.time()) + timedelta(days=number, hours=hour)
            expected = 30 + 10 * np.sin(hour / 4)
            rows.append(
                {
                    "time": at.isoformat(),
                    "told": round(expected, 2),
                    "came": round(expected + drift[hour], 2),
                    "melt": 12.0,
                    "ran": round(12 - drift[hour] / 4, 2),
                }
            )
    return rows


def write(path: Path, rows: list[Row]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def forecasts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("series") / "forecasts.csv", history())


def called(*arguments: object) -> tuple[int, Any]:
    result = CliRunner().invoke(app, ["scenarios", *map(str, arguments), "--json"])
    assert result.stdout, result.stderr
    return result.exit_code, json.loads(result.stdout)


def generate(forecasts: Path, out: Path, *more: object, day: str = "2018-05-02") -> Any:
    given = ("--forecast", forecasts, "--series", "NO2=told:came", "--date", day, "--out", out)
    code, report = called("generate", *given, *HOURLY, *more)
    assert code == 0, report
    return report


@pytest.fixture(scope="module")
def hourly() -> Market:
    findings = Findings()
    return findings.settled(market_of("nordic-hourly", Place(findings, "market")))


def read(path: Path, market: Market) -> dict[str, Any]:
    findings = Findings()
    place = Place(findings, path.name)
    document = scenario_set_of(path.read_bytes(), path.name, market, place, None, place)
    return findings.settled(document)


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_generate__writes_a_set_that_a_client_can_use(forecasts, tmp_path, hourly, suffix):
    out = tmp_path / f"prices.{suffix}"

    report = generate(forecasts, out, "--scenarios", 30)

    document = read(out, hourly)
    day = scenario_set_for(document, hourly, date(2018, 5, 2), ["NO2"])
    assert (len(day.ids), day.prices["NO2"].shape) == (30, (30, 24))
    assert day.prices["NO2"].mean() == pytest.approx(30, abs=6)
    assert report["past_days"]["count"] == 90
    assert report["past_days"]["last"] == "2018-05-01"
    assert report["clock_change_days"] == ["2018-03-25"]


@pytest.mark.parametrize("way", ["gaussian_copula", "block_bootstrap"])
def test_generate__one_seed_writes_one_file(forecasts, tmp_path, way):
    names = ("one.csv", "same.csv", "other.csv")

    for name, seed in zip(names, (3, 3, 4), strict=True):
        generate(forecasts, tmp_path / name, "--way", way, "--seed", seed)

    one, same, other = ((tmp_path / name).read_bytes() for name in names)
    assert one == same != other


def test_generate__knows_nothing_of_the_day_or_later(forecasts, tmp_path):
    rows = [dict(row) for row in history()]
    for row in rows:
        if row["time"] >= "2018-04-10":
            row["came"] += 500
        if row["time"] >= "2018-04-11":
            row["told"] += 500
    changed = write(tmp_path / "changed.csv", rows)

    for name, source in (("one.csv", forecasts), ("other.csv", changed)):
        generate(source, tmp_path / name, day="2018-04-10")

    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()


def test_generate__draws_inflow_together_with_prices(forecasts, tmp_path):
    given = ("--series", "river=melt:ran", "--inflow-out", tmp_path / "inflow.csv")

    report = generate(forecasts, tmp_path / "prices.csv", "--scenarios", 60, *given)

    def last(name: str, column: str) -> list[float]:
        rows = csv.DictReader((tmp_path / name).read_text().splitlines())
        return [float(row[column]) for row in rows if "T23:00" in row["time"]]

    prices, inflows = last("prices.csv", "price"), last("inflow.csv", "value")
    assert report["series"] == ["NO2", "river"]
    assert np.corrcoef(prices, inflows)[0, 1] < -0.8


@pytest.mark.parametrize(("day", "mtus"), [("2018-03-25", 23), ("2018-03-26", 24)])
def test_generate__has_the_mtus_of_a_clock_change(forecasts, tmp_path, day, mtus):
    assert generate(forecasts, tmp_path / "prices.csv", day=day)["mtus"] == mtus


@pytest.mark.parametrize(
    ("changed", "named", "expected"),
    [
        ({"--series": "NO2=told"}, "--series", "NAME=FORECAST:ACTUAL"),
        ({"--series": "river=told:came"}, "--series", "a price area"),
        ({"--series": "NO2=tld:came"}, "header.tld", "told perhaps"),
        ({"--date": "2018-06-30"}, "2018-06-30", "a whole day of values"),
        ({"--date": "2018-01-05"}, "errors", "10 days or more"),
        ({"--out": "prices.txt"}, "--out", ".csv, .json, .parquet"),
        ({"--way": "guess"}, "--way", "gaussian_copula"),
        ({"--block": "4"}, "--block", "block_bootstrap"),
        ({"--market": "nordik"}, "--market", "nordic"),
        ({"--timezone": "Oslo"}, "--timezone", "Europe/Oslo"),
    ],
)
def test_generate__refuses_by_name(forecasts, tmp_path, changed, named, expected):
    given = {
        "--forecast": forecasts,
        "--series": "NO2=told:came",
        "--date": "2018-05-02",
        "--out": tmp_path / "prices.csv",
        "--market": "nordic-hourly",
    }
    options = [part for pair in {**given, **changed}.items() for part in pair]

    code, report = called("generate", *options)

    (problem,) = report["error"]["details"]["problems"]
    assert (code, problem["field"]) == (2, named)
    assert expected in problem["expected"]
    assert not (tmp_path / "prices.csv").exists()


def test_reduce__keeps_those_that_stand_for_all(forecasts, tmp_path, hourly):
    generate(forecasts, tmp_path / "all.csv", "--scenarios", 80)

    _, few = called("reduce", tmp_path / "all.csv", "--scenarios", 5, "--out",
                    tmp_path / "few.csv", *HOURLY)  # fmt: skip
    _, more = called("reduce", tmp_path / "all.csv", "--scenarios", 20, "--out",
                     tmp_path / "more.json", *HOURLY)  # fmt: skip

    kept = read(tmp_path / "few.csv", hourly)
    whole = read(tmp_path / "all.csv", hourly)
    assert sum(kept["probabilities"]) == pytest.approx(1.0, abs=1e-9)
    assert more["order"][:5] == few["order"]
    assert more["distance"] < few["distance"] < few["spread"]
    at = whole["scenarios"].index(kept["scenarios"][0])
    assert kept["prices"]["NO2"]["values"][0] == whole["prices"]["NO2"]["values"][at]
    assert len(read(tmp_path / "more.json", hourly)["scenarios"]) == 20


def test_reduce__takes_the_inflows_of_the_kept_ones_along(forecasts, tmp_path, hourly):
    river = ("--series", "river=melt:ran", "--inflow-out", tmp_path / "melt.csv")
    generate(forecasts, tmp_path / "all.csv", "--scenarios", 40, *river)
    joint = ("--inflows", tmp_path / "melt.csv", "--inflow-out", tmp_path / "few-melt.csv")

    code, _ = called("reduce", tmp_path / "all.csv", "--scenarios", 5, "--out",
                     tmp_path / "few.csv", *joint, *HOURLY)  # fmt: skip

    findings = Findings()
    place = Place(findings, "few-melt.csv")
    few = read(tmp_path / "few.csv", hourly)
    content = (tmp_path / "few-melt.csv").read_bytes()
    both = findings.settled(with_inflows(few, content, "few-melt.csv", hourly, place))
    assert code == 0
    assert len(both["inflows"]["series"]["river"]["values"]) == 5

    def values(name: str) -> list[tuple[str, str]]:
        rows = csv.DictReader((tmp_path / name).read_text().splitlines())
        return [(row["scenario"], row["value"]) for row in rows]

    kept = [value for value in values("melt.csv") if value[0] in few["scenarios"]]
    assert values("few-melt.csv") == kept


def test_reduce__inflows_without_a_file_to_write_them_to(forecasts, tmp_path):
    code, told = called("reduce", tmp_path / "all.csv", "--scenarios", 5, "--out",
                        tmp_path / "few.csv", "--inflows", tmp_path / "melt.csv")  # fmt: skip

    (problem,) = told["error"]["details"]["problems"]
    assert (code, problem["field"]) == (2, "--inflows")
    assert problem["expected"] == "--inflows and --inflow-out together"


def test_reduce__to_more_than_there_are_is_refused(forecasts, tmp_path):
    generate(forecasts, tmp_path / "all.csv", "--scenarios", 10)

    code, report = called("reduce", tmp_path / "all.csv", "--scenarios", 11, "--out",
                          tmp_path / "few.csv", *HOURLY)  # fmt: skip

    (problem,) = report["error"]["details"]["problems"]
    assert (code, problem["field"], problem["value"]) == (2, "--scenarios", 11)


def test_reduce__names_a_gap(forecasts, tmp_path):
    generate(forecasts, tmp_path / "all.csv", "--scenarios", 10)
    lines = (tmp_path / "all.csv").read_text().splitlines(keepends=True)
    lacking = next(line for line in lines if line.startswith("s03,NO2,2018-05-02T13:00"))
    (tmp_path / "gap.csv").write_text("".join(line for line in lines if line != lacking))

    code, report = called("reduce", tmp_path / "gap.csv", "--scenarios", 5, "--out",
                          tmp_path / "few.csv", *HOURLY)  # fmt: skip

    (problem,) = report["error"]["details"]["problems"]
    assert (code, problem["field"]) == (2, "s03, NO2, 2018-05-02T11:00:00Z")


def test_check__scores_a_set_against_what_came(forecasts, tmp_path):
    generate(forecasts, tmp_path / "prices.csv", "--scenarios", 60)

    code, report = called("check", tmp_path / "prices.csv", "--actual", forecasts,
                          "--price-area", "NO2", "--price-column", "came", *HOURLY)  # fmt: skip

    assert (code, report["days"], report["first"]) == (0, 1, "2018-05-02")
    assert set(report["coverage"]) == {"50%", "80%", "90%"}
    assert 0 < report["energy_score"] <= report["error_of_mean"] * 1.5


def test_check__a_profile_serves_every_day_and_hour_of_clock_changes(forecasts, tmp_path):
    rows = [
        {"scenario": name, "price_area": "NO2", "time": f"{hour:02}:00", "price": price}
        for name, price in (("low", 10), ("high", 50))
        for hour in range(24)
    ]
    profile = write(tmp_path / "profile.csv", rows)

    _, report = called("check", profile, "--actual", forecasts, "--price-area", "NO2",
                       "--price-column", "came", *HOURLY)  # fmt: skip

    assert (report["days"], report["clock_change_days"]) == (DAYS, ["2018-03-25"])


def test_check__of_no_day_in_both_is_refused(forecasts, tmp_path):
    at = datetime(2019, 1, 1, tzinfo=ZoneInfo("Europe/Oslo"))
    rows = [
        {"scenario": "one", "price_area": "NO2", "price": 1,
         "time": (at + timedelta(hours=hour)).isoformat()}
        for hour in range(24)
    ]  # fmt: skip
    later = write(tmp_path / "later.csv", rows)

    code, report = called("check", later, "--actual", forecasts, "--price-area", "NO2",
                          "--price-column", "came", *HOURLY)  # fmt: skip

    (problem,) = report["error"]["details"]["problems"]
    assert (code, problem["field"]) == (2, "days")


@pytest.mark.parametrize("command", ["generate", "reduce", "check"])
def test_scenarios__help_has_an_example(command):
    shown = CliRunner().invoke(app, ["scenarios", command, "--help"]).stdout

    assert f"Example: hydrobid scenarios {command}" in " ".join(shown.split())


def test_scenarios__are_told_in_words(forecasts, tmp_path):
    given = ["--forecast", str(forecasts), "--series", "NO2=told:came", "--date", "2018-05-02"]
    out = ["--out", str(tmp_path / "prices.csv"), *HOURLY]

    shown = CliRunner().invoke(app, ["scenarios", "generate", *given, *out]).stdout

    assert "60 scenarios of 2018-05-02" in shown
    assert "clock change days" in shown
