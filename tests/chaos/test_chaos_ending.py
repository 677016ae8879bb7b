"""Each rule on the end of a day is broken by what it is about, and by nothing else."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from chaos.ending import Ending, faults_of
from chaos.market_side import StandingOrder

ORDER = StandingOrder("order-1", 1, "NO2", "a" * 64)
SHOWN = {
    "state": "submitted",
    "assets": {"lake": {"state": "COMPLETE", "missing": {}}},
    "areas": {
        "NO2": {
            "order_id": "order-1",
            "exchange_version": 1,
            "standing_matrix": "a" * 64,
            "order_state": "CLOSED",
        }
    },
}
APPROVED = {
    "type": "area-validated",
    "entity": "runs:nordic~2026-11-25~r1:areas:lake-power~NO2",
    "data": {"matrix": "a" * 64, "approved_by": "rule:automatic"},
}
RIGHT = Ending(
    client="lake-power",
    asked=True,
    areas=frozenset({"NO2"}),
    orders=(ORDER,),
    shown=SHOWN,
    revisions=1,
    trail={"events": [APPROVED], "faults": []},
    executions={"daily-bid": "SUCCEEDED"},
    alerts=(),
)


def shown_with(*path_and_value):
    shown = copy.deepcopy(SHOWN)
    *path, last, value = path_and_value
    part = shown
    for name in path:
        part = part[name]
    part[last] = value
    return {"shown": shown}


def test_faults__of_a_day_that_ended_right():
    assert list(faults_of(RIGHT)) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"orders": (ORDER, replace(ORDER, order_id="order-2"))}, "2 orders stand in NO2"),
        ({"orders": ()}, "no critical alert says so"),
        ({"orders": (replace(ORDER, price_area="NO5"),)}, "where nothing is bid"),
        ({"orders": (replace(ORDER, digest="b" * 64),)}, "approved were, oldest first"),
        ({"orders": (replace(ORDER, version=2),)}, "`show` says of NO2"),
        ({"trail": {"events": [], "faults": []}}, "approved were, oldest first, []"),
        ({"trail": {"events": [APPROVED], "faults": ["x~2: lost"]}}, "x~2: lost"),
        ({"executions": {"daily-bid": "ACTIVE"}}, "execution daily-bid is ACTIVE"),
        ({"revisions": 2}, "2 revisions"),
        ({"shown": None, "revisions": 0}, "the day has no run"),
        (shown_with("state", "failed"), "the run is failed"),
        (shown_with("areas", "NO2", "order_state", "STANDING"), "is STANDING"),
        (shown_with("assets", "lake", "state", "FALLBACK"), "though there was time"),
        ({"asked": False}, "no alert says that the guard did"),
    ],
)
def test_faults__each_is_named(change, words):
    assert any(words in fault for fault in faults_of(replace(RIGHT, **change)))


def test_faults__scenarios_that_two_deaths_left_out_may_be_missing():
    change = shown_with("assets", "lake", {"state": "PARTIAL", "missing": {"s1": "SKIPPED"}})
    assert list(faults_of(replace(RIGHT, **change))) == []
