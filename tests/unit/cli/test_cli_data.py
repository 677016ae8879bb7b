"""`hydrobid data`: series pushed, listed and watched for."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest
from examples import MORNING, PRICE_COLUMNS, SINTEF, published, sintef_prices

from hydrobid.cli import data
from hydrobid.client.platform import Platform


@pytest.fixture
def cloud(sintef_inputs, monkeypatch):
    """A pipeline in this process, as the command finds it."""
    pipeline = published(sintef_inputs)
    console = SimpleNamespace(
        clock=pipeline.clock,
        documents=lambda _: pipeline.documents,
        messages=lambda _: pipeline.messages,
    )
    monkeypatch.setattr(data, "connect", lambda _: Platform(console, (SINTEF,)))
    return pipeline


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "inbox" / "prices" / "nov.csv"
    path.parent.mkdir(parents=True)
    path.write_text(PRICE_COLUMNS + sintef_prices(1.5))
    os.utime(path, (MORNING.timestamp() - 60,) * 2)
    return path


def test_push__twice__counts_once(command, cloud, prices):
    first = command("data", "push", SINTEF, "prices", prices, "--by", "anna")
    again = command("data", "push", SINTEF, "prices", prices, "--json")

    assert first.exit_code == again.exit_code == 0, first.output
    assert "counts from now on" in first.output
    pushed = json.loads(again.stdout)
    assert (pushed["outcome"], pushed["by"]) == ("unchanged", "anna")
    assert f"version {pushed['content'][:12]}" in first.output

    listed = command("data", "list", SINTEF, "--json")
    (series,) = json.loads(listed.stdout)["series"]
    assert (series["kind"], series["file"]) == ("prices", "nov.csv")
    assert "nov.csv" in command("data", "list", SINTEF).output


def test_push__an_older_publication__is_kept_and_does_not_count(command, cloud, prices):
    command("data", "push", SINTEF, "prices", prices)
    prices.write_text(PRICE_COLUMNS + sintef_prices(1.1))

    older = command(
        "data", "push", SINTEF, "prices", prices, "--published", "2026-11-24T08:00+01:00"
    )

    assert "a later published one counts" in older.output


def test_push__what_is_wrong_is_named(command, cloud, prices):
    prices.write_text("scenario,price_area,time,price\ns1,NO9,00:00,1\n")
    problems = command.problems("data", "push", SINTEF, "prices", prices)
    assert {problem["document"] for problem in problems} == {"nov.csv"}
    (problem,) = command.problems("data", "push", "nobody", "levels", prices)
    assert (problem["field"], problem["expected"]) == ("CLIENT", f"one of {SINTEF}")


def test_list__nothing_has_arrived(command, cloud):
    assert "Nothing has arrived" in command("data", "list", SINTEF).output


def test_watch__once__takes_what_is_there(command, cloud, prices):
    (prices.parent / "broken.csv").write_text("x\n")
    os.utime(prices.parent / "broken.csv", (MORNING.timestamp(),) * 2)

    result = command("data", "watch", SINTEF, prices.parents[1], "--once")

    assert result.exit_code == 0, result.output
    assert "prices/nov.csv: prices of " in result.output
    assert "prices/broken.csv is refused" in result.output


def test_watch__no_folder(command, cloud, tmp_path):
    refused = command("data", "watch", SINTEF, tmp_path / "none", "--once")
    assert refused.exit_code == 2
    assert "a folder that is there" in refused.stderr
    (problem,) = command.problems("data", "push", SINTEF, "levels", tmp_path / "none.csv")
    assert problem["expected"] == "a file that can be read"
