"""`hydrobid results`, over a whole pipeline in this process."""

from __future__ import annotations

import csv
import json
from types import SimpleNamespace

import pytest
from examples import DAY, SINTEF

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.cli import results
from hydrobid.pipeline.run_inputs import configuration_in


@pytest.fixture
def cloud(sintef: InProcessPipeline, monkeypatch):
    """A pipeline whose day has been bid and whose gate has closed, as the command finds it."""
    view = sintef.run(SINTEF, DAY)
    sintef.clock.advance(view.plan.cut_offs.gate - sintef.clock.now())
    console = SimpleNamespace(
        pipeline=sintef,
        market=configuration_in(sintef.documents, view.plan).market,
        clock=sintef.clock,
        documents=lambda _: sintef.documents,
        messages=lambda _: SimpleNamespace(publish=sintef.handle),
        exchange_orders=lambda *_: [],
    )
    state = SimpleNamespace(clients=(SINTEF,))
    monkeypatch.setattr(results, "connect", lambda _: (console, state))
    monkeypatch.setattr(results, "exchange_settings", lambda *_: None)
    return console


def publish(cloud, price: float) -> None:
    exchange = cloud.pipeline.exchange
    auction = exchange.auction(cloud.market, DAY)
    exchange.publish(auction, "NO2", [price] * len(cloud.market.grid(DAY)))


def test_results__not_published(command, cloud):
    result = command("results", SINTEF, "--wait", "0")

    assert result.exit_code == 6
    assert "not published" in result.output


def test_results__the_last_closed_day_is_asked_for_and_shown(command, cloud):
    publish(cloud, 60.0)

    result = command("results", SINTEF)

    assert result.exit_code == 0, result.output
    assert "nordic~2026-11-25~r1" in result.output
    assert "60.00" in result.output
    assert "final" in result.output


def test_results__every_unit_of_an_area(command, cloud):
    publish(cloud, 60.0)

    units = command("results", SINTEF, "--area", "NO2").output.splitlines()

    assert sum(line.startswith("2026-11-2") for line in units) == 96


def test_results__for_machines_and_in_files(command, cloud, tmp_path):
    publish(cloud, 60.0)
    folder = tmp_path / "out"

    done = command("results", SINTEF, "--json", "--out", folder)
    assert done.exit_code == 0, done.exception
    told = json.loads(done.stdout)

    published = told["results"]["NO2"]["published"]
    assert (told["day"], told["missing"], told["alerts"]) == (DAY.isoformat(), [], [])
    lines = (folder / "results.csv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(lines))
    assert [float(row["volume"]) for row in rows] == published["volumes"]
    assert {float(row["price"]) for row in rows} == {60.0}
    assert "What was sold" in (folder / "report.html").read_text(encoding="utf-8")
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert run["results"]["NO2"]["published"]["status"] == "final"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [(("results", "nobody"), "CLIENT"), (("results", SINTEF, "--area", "NO9"), "--area")],
)
def test_results__bad_input_names_its_field(command, cloud, arguments, field: str):
    (problem,) = command.problems(*arguments)
    assert problem["field"] == field


def test_results__a_day_that_was_not_bid(command, cloud):
    result = command("results", SINTEF, "--date", "2026-11-20")

    assert result.exit_code == 2
    assert "2026-11-20 was not bid" in result.stderr


def test_results__what_the_bid_does_not_explain_is_shown(command, cloud, monkeypatch):
    exchange = cloud.pipeline.exchange
    read = exchange.result

    def short_of_one(*asked):
        found = read(*asked)
        volumes = (found.volumes[0] - 1.0, *found.volumes[1:])
        return found.model_copy(update={"volumes": volumes, "trades": ()})

    monkeypatch.setattr(exchange, "result", short_of_one)
    publish(cloud, 60.0)

    result = command("results", SINTEF)

    assert result.exit_code == 0
    assert "CRITICAL RESULT_MISMATCH" in result.output
