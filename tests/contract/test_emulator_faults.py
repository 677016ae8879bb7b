"""The faults file and the switch: which calls are struck, whatever the service."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from faulty_cloud import write_faults

from emulators.faults.reading import FaultsFileError, read_rules
from emulators.faults.rules import Fault, Kind
from emulators.faults.switch import Faults

EVERY_COMMIT = {"service": "firestore", "where": {"rpc": "Commit"}, "fault": "drop"}


def commit(*paths, database="d"):
    return {"rpc": ("Commit",), "database": (database,), "path": paths}


def struck(faults, calls=10, call=None):
    """Return the numbers, from 1, of the calls that were struck."""
    found = [faults.strike(lambda: call or commit("orders/o1")) for _ in range(calls)]
    return [number for number, fault in enumerate(found, 1) if fault is not None]


@pytest.fixture
def switch(tmp_path):
    """A function that puts rules in place and returns a switch of Firestore that reads them."""

    def make(*rules, seed=1, data_dir=None):
        path = write_faults(tmp_path / "faults.json", *rules, seed=seed)
        return Faults("firestore", path, data_dir)

    return make


def test_no_file__strikes_nothing_and_asks_nothing(tmp_path):
    def unasked():
        raise AssertionError

    assert Faults("firestore").strike(unasked) is None
    assert Faults("firestore", tmp_path / "absent.json").strike(unasked) is None


@pytest.mark.parametrize(
    ("where", "call", "expected"),
    [
        ({}, commit("orders/o1"), True),
        ({"rpc": "RunQuery"}, commit("orders/o1"), False),
        ({"database": "e"}, commit("orders/o1"), False),
        ({"path": "orders/"}, commit("runs/r1", "orders/o1"), True),
        ({"path": "orders/"}, commit("runs/r1/orders/o1"), False),
        ({"path_regex": "/scenarios/.*~s7$"}, commit("runs/r1/scenarios/a~s7"), True),
        ({"path_regex": "/scenarios/.*~s7$"}, commit("runs/r1/scenarios/a~s70"), False),
        ({"rpc": "Commit", "path": "orders/"}, commit(), False),
    ],
)
def test_where__every_condition_has_to_hold(switch, where, call, expected):
    faults = switch({"service": "firestore", "where": where, "fault": "drop"})
    assert (faults.strike(lambda: call) == Fault(Kind.DROP)) is expected


@pytest.mark.parametrize(
    ("wanted", "body", "expected"),
    [
        ({"task": "t1"}, {"task": "t1", "run": "r1"}, True),
        ({"task": "t1", "run": "r2"}, {"task": "t1", "run": "r1"}, False),
        ({"plan": {"asset": "a"}}, {"plan": {"asset": "a", "n": 2}}, True),
        ({"plan": {"asset": "a"}}, {"plan": None}, False),
        ({"task": "t1"}, None, False),
    ],
)
def test_body__has_the_wanted_fields_and_may_have_more(tmp_path, wanted, body, expected):
    rule = {"service": "workflows", "where": {"http": "solver", "body": wanted}, "fault": "drop"}
    faults = Faults("workflows", write_faults(tmp_path / "faults.json", rule))
    call = {"workflow": ("w",), "http": ("http://solver/",), "body": (body,)}
    assert (faults.strike(lambda: call) is not None) is expected


def test_count_and_after__choose_which_matches_are_struck(switch):
    assert struck(switch({**EVERY_COMMIT, "after": 2, "count": 3})) == [3, 4, 5]
    assert struck(switch({**EVERY_COMMIT, "after": 8})) == [9, 10]


def test_probability__is_the_same_for_the_same_file_and_calls(switch):
    rule = {**EVERY_COMMIT, "probability": 0.3}
    first = struck(switch(rule), 1000)
    assert struck(switch(rule), 1000) == first
    assert 230 < len(first) < 370
    assert struck(switch(rule, seed=2), 1000) != first
    # Calls and rules that have nothing to do with a rule do not move its draws.
    faults = switch({**EVERY_COMMIT, "where": {"rpc": "RunQuery"}}, rule)
    strikes = []
    for number in range(1, 1001):
        faults.strike(lambda: {"rpc": ("RunQuery",)})
        if faults.strike(lambda: commit("orders/o1")) is not None:
            strikes.append(number)
    assert strikes == first


def test_rules__the_first_that_strikes_decides(switch):
    error = {**EVERY_COMMIT, "fault": "error", "status": "ABORTED", "count": 1}
    faults = switch(error, {**EVERY_COMMIT, "count": 1})
    kinds = [faults.strike(commit) for _ in range(3)]
    assert kinds == [Fault(Kind.ERROR, status="ABORTED"), Fault(Kind.DROP), None]


def test_counts__outlive_the_process_with_a_data_folder(switch, tmp_path):
    rule = {**EVERY_COMMIT, "after": 1, "count": 2}
    assert struck(switch(rule, data_dir=tmp_path), 2) == [2]
    assert struck(switch(rule, data_dir=tmp_path)) == [1]
    assert struck(switch(rule, data_dir=tmp_path)) == []
    assert struck(switch(rule)) == [2, 3]


def test_file__is_read_again_and_a_bad_one_changes_nothing(switch, tmp_path, caplog):
    path = tmp_path / "faults.json"
    faults = switch(EVERY_COMMIT)
    assert struck(faults, 1) == [1]
    path.write_text('{"rules": [')
    with caplog.at_level(logging.WARNING):
        assert struck(faults, 2) == [1, 2]
    told = [record.message for record in caplog.records if "stay as they were" in record.message]
    assert len(told) == 1
    assert str(path) in told[0]
    write_faults(path)
    assert struck(faults, 1) == []
    write_faults(path, EVERY_COMMIT)
    assert struck(faults, 1) == [1]
    path.unlink()
    assert struck(faults, 1) == []


@pytest.mark.parametrize(
    ("change", "field", "right"),
    [
        ({"service": "solver"}, "rules[1].service", "firestore, pubsub, workflows, exchange"),
        ({"where": {"rpc": "commit"}}, "rules[1].where.rpc", "Commit"),
        ({"where": {"pth": "orders/"}}, "rules[1].where.pth", "path_regex"),
        ({"where": {"path_regex": "("}}, "rules[1].where.path_regex", "regular expression"),
        ({"where": []}, "rules[1].where", "object"),
        ({"fault": "reorder"}, "rules[1].fault", "accept_then_break"),
        ({"fault": "latency"}, "rules[1].seconds", "above 0"),
        ({"fault": "latency", "seconds": -1}, "rules[1].seconds", "above 0"),
        ({"fault": "error", "status": 503}, "rules[1].status", "UNAVAILABLE"),
        ({"status": "ABORTED"}, "rules[1].status", "leave it out"),
        ({"count": 0}, "rules[1].count", "from 1"),
        ({"after": True}, "rules[1].after", "from 0"),
        ({"probability": 1.5}, "rules[1].probability", "up to 1"),
        ({"wen": {}}, "rules[1].wen", "probability"),
        ({"service": "pubsub"}, "rules[1].where", "publish or delivery"),
    ],
)
def test_malformed__names_file_field_and_what_would_be_right(tmp_path, change, field, right):
    path = write_faults(tmp_path / "faults.json", EVERY_COMMIT, {**EVERY_COMMIT, **change})
    with pytest.raises(FaultsFileError) as refused:
        read_rules(path)
    assert refused.value.field == field
    assert str(path) in str(refused.value)
    assert right in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", '{"rules": {}}', '{"rules": [1]}', '{"seed": 0.5}'])
def test_malformed__as_a_whole(tmp_path, text):
    path = tmp_path / "faults.json"
    path.write_text(text)
    with pytest.raises(FaultsFileError):
        read_rules(path)


@pytest.mark.parametrize("service", ["firestore", "pubsub", "workflows", "exchange"])
def test_process__refuses_to_start_on_a_malformed_file(tmp_path, service):
    path = tmp_path / "faults.json"
    path.write_text(json.dumps({"rules": [{**EVERY_COMMIT, "fault": "explode"}]}))
    command = [sys.executable, "-m", f"emulators.{service}", "--faults-file", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 2
    assert f"{path}: rules[0].fault" in ended.stderr
    assert ended.stdout == ""


def test_guide__its_examples_can_be_read_and_show_every_fault(tmp_path):
    guide = Path(__file__).parents[2] / "docs" / "faults.md"
    examples = re.findall(r"```json\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    shown = set()
    for number, example in enumerate(examples):
        path = tmp_path / f"{number}.json"
        path.write_text(example)
        shown |= {rule.fault.kind for rule in read_rules(path)}
    assert shown == set(Kind)
