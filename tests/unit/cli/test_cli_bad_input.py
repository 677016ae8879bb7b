"""Inputs that `run` refuses before anything is started, naming file, field, value and what is right."""

from __future__ import annotations

import pytest


def edited(path, old, new):
    """Replace one piece of a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def refusals(command, *arguments):
    """Return what `run` says, a line for each problem."""
    return "\n".join(
        f"{p['document']}: {p['field']}: {p['value']}: {p['expected']}"
        for p in command.problems("run", "sintef-example", *arguments)
    )


def test_run__plant_that_points_at_no_reservoir(stopped, own_client):
    edited(
        own_client / "watercourses/shop-standard-example.yaml",
        "reservoir: Reservoir1",
        "reservoir: Reservoir9",
    )
    said = refusals(stopped)
    assert "shop-standard-example.yaml: plants.Plant1.reservoir: Reservoir9" in said
    assert "Reservoir1" in said


def test_run__unknown_price_area(stopped, own_client):
    edited(own_client / "client.yaml", "price_area: NO2", "price_area: NO9")
    assert "client.yaml: assets[0].price_area: NO9: " in refusals(stopped)


def test_run__text_in_a_price_column(stopped, own_client):
    prices = own_client / "scenarios/prices.csv"
    lines = prices.read_text().splitlines()
    lines[3] = lines[3].rpartition(",")[0] + ",cheap"
    prices.write_text("\n".join(lines))
    said = refusals(stopped)
    assert "prices.csv: row 4, price: cheap: " in said


def test_run__probabilities_that_do_not_sum_to_one(stopped, own_client):
    share = 0.9 / 52
    listed = ", ".join(f"s{n:02d}: {share:.6f}" for n in range(1, 53))
    edited(
        own_client / "client.yaml",
        "day-ahead: {file: scenarios/prices.csv}",
        f"day-ahead: {{file: scenarios/prices.csv, probabilities: {{{listed}}}}}",
    )
    said = refusals(stopped)
    assert "client.yaml: scenario_sets.day-ahead.probabilities: " in said
    assert "0.9" in said


def test_run__scenario_with_a_value_too_few(stopped, own_client):
    day = "2026-03-30"
    rows = ["scenario,price_area,time,price"]
    for scenario in ("a", "b"):
        for quarter in range(96 if scenario == "a" else 95):
            hour, minute = divmod(quarter * 15, 60)
            rows.append(f"{scenario},NO2,{day}T{hour:02d}:{minute:02d}:00+02:00,40.0")
    (own_client / "scenarios/prices.csv").write_text("\n".join(rows))
    said = refusals(stopped, "--date", day)
    assert "prices.csv: prices.NO2.b: 95 values on 2026-03-30: 96 MTUs" in said


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("--date", "tomorrow"), "--date"),
        (("--prices", "no-such-file.csv"), "file"),
        (("--prices", __file__, "--scenario-set", "week-ahead"), "--scenario-set"),
    ],
)
def test_run__options_that_name_nothing(stopped, arguments, field):
    assert stopped.problems("run", "sintef-example", *arguments)[0]["field"] == field


def test_run__unknown_client(stopped):
    problem = stopped.problems("run", "sintef")[0]
    assert problem["expected"] == "one of cascade-example, sintef-example"


def test_run__folder_of_another_name_than_its_client(stopped, own_client):
    own_client.rename(own_client.with_name("renamed"))
    problem = stopped.problems("run", "renamed")[0]
    assert (problem["document"], problem["value"]) == ("renamed/client.yaml", "sintef-example")
