"""Scenario sets in JSON: the same content as CSV, and what is refused by name."""

from __future__ import annotations

import csv
import io
import json

import pytest

from hydrobid.schema import read_client

FILE = "scenarios/prices.json"


@pytest.fixture
def in_json(edited):
    """Return the small client's files with its scenario set in JSON, edited as text."""

    def make(old: str = "", new: str = "") -> dict[str, bytes]:
        files = edited("client.yaml", "prices.csv", "prices.json")
        table = csv.DictReader(io.StringIO(files.pop("scenarios/prices.csv").decode()))
        text = json.dumps([{**row, "price": float(row["price"])} for row in table])
        assert old in text
        files[FILE] = text.replace(old, new, 1).encode()
        return files

    return make


def test_read_client__json_is_the_same_set_as_csv(files, in_json):
    from_csv = read_client(files, "small-client").scenario_sets["prices"]
    from_json = read_client(in_json(), "small-client").scenario_sets["prices"]

    assert {**from_json, "file": None} == {**from_csv, "file": None}


def test_read_client__json_with_probabilities(in_json):
    files = in_json()
    rows = json.loads(files[FILE])
    for row in rows:
        row["probability"] = 0.25 if row["scenario"] == "low" else 0.75
    files[FILE] = json.dumps(rows).encode()

    document = read_client(files, "small-client").scenario_sets["prices"]

    assert dict(zip(document["scenarios"], document["probabilities"], strict=True)) == {
        "low": 0.25,
        "high": 0.75,
    }


@pytest.mark.parametrize(
    ("old", "new", "field", "value", "expected"),
    [
        ('"price": 10.25', '"price": "ten"', "row 2, price", "ten", "a number"),
        ('"price": 10.25', '"price": true', "row 2, price", True, "a number"),
        ('"price": 10.25', '"price": null', "row 2, price", None, "a number"),
        ('"price": 10.25', f'"price": 1{"0" * 400}', "row 2, price", "inf", "a finite number"),
        ('"price": 10.25', '"price": 1e9', "row 2, price", 1e9, "100000"),
        ('"price": 10.25', '"price": NaN', "content", "NaN, which is no JSON", "a list of rows"),
        ('"price": 10.25', '"price": 1, "price": 2', "content", None, "each column once"),
        ('"price": 10.25', '"prize": 10.25', "row 2", None, "the columns scenario, price_area"),
        ('"time": "00:15"', '"time": 15', "row 2, time", 15, "text"),
        ('"time": "00:15"', '"time": "00:00"', "row 2", "low, NO2, 00:00", "row 1 has it"),
        ('"time": "00:15"', '"time": "25:00"', "row 2, time", "25:00", "steps of 15 minutes"),
        ('"scenario"', '"szenario"', "header.scenario", None, "the columns"),
        ("[{", "[", "line 1", None, "well-formed JSON"),
    ],
)
def test_read_client__one_fault_in_json(in_json, problems, old, new, field, value, expected):
    found = problems(in_json(old, new))

    assert (FILE, field) in found, found
    shown, right = found[FILE, field]
    if value is not None:
        assert shown == value
    assert expected in right


@pytest.mark.parametrize("content", [b"{}", b"7", b"[1, 2]", b"[" * 100_000, b"\xff", b"[]"])
def test_read_client__json_that_is_no_table(in_json, problems, content):
    files = in_json()
    files[FILE] = content

    assert {document for document, _ in problems(files)} == {FILE}
