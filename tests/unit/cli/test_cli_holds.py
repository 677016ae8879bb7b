"""The desk's commands, over a whole pipeline in this process."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from examples import DAY, SINTEF
from scripted import Delivering

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.cli import desk

WHY = ("--reason", "unit 2 is out")


@pytest.fixture
def cloud(sintef: InProcessPipeline, monkeypatch):
    """A pipeline with a standing order, as the commands find it; `messages` may be exchanged."""
    sintef.run(SINTEF, DAY)
    console = SimpleNamespace(
        pipeline=sintef,
        clock=sintef.clock,
        documents=lambda _: sintef.documents,
        messages=lambda _: Delivering(sintef),
    )
    state = SimpleNamespace(clients=(SINTEF,))
    monkeypatch.setattr(desk, "connect", lambda _: (console, state))
    return console


def test_withdraw_and_release__confirmed_by_the_exchange(command, cloud):
    withdrawn = command("withdraw", SINTEF, *WHY, "--by", "duty desk")
    assert withdrawn.exit_code == 0
    assert "The exchange shows it so." in withdrawn.output
    assert all(word in withdrawn.output for word in ("WITHDRAWN", "duty desk", "unit 2 is out"))
    assert cloud.pipeline.exchange.orders == {}

    released = json.loads(command("release", SINTEF, *WHY, "--json").stdout)
    assert released["confirmed"]
    assert released["day"] == DAY.isoformat()
    assert released["orders"]["NO2"]["order_state"] == "STANDING"
    assert len(cloud.pipeline.exchange.orders) == 1


def test_withdraw__the_exchange_does_not_show_it_yet(command, cloud):
    cloud.messages = lambda _: cloud.pipeline.messages

    result = command("withdraw", SINTEF, *WHY, "--wait", "0")

    assert result.exit_code == 5
    assert "the exchange does not show it yet" in result.output
    cloud.pipeline.deliver()
    assert command("withdraw", SINTEF, *WHY, "--wait", "0").exit_code == 0


def test_lock__where_nothing_stands__says_so(command, cloud):
    result = command("lock", SINTEF, *WHY, "--date", "2026-11-26")

    assert result.exit_code == 0
    assert "Nothing stands in NO2: while it is locked, nothing is sent." in result.output


def test_kill_switch__on_and_off(command, cloud):
    on = command("kill-switch", SINTEF, "on", *WHY)
    assert on.exit_code == 0
    assert "kill switch" in on.output
    assert cloud.pipeline.exchange.orders == {}

    off = json.loads(command("kill-switch", SINTEF, "off", *WHY, "--json").stdout)
    assert off["kill_switch"] == "off"
    assert [order["confirmed"] for order in off["orders"].values()] == [True]
    assert len(cloud.pipeline.exchange.orders) == 1


def test_kill_switch__not_seen_by_the_exchange_yet(command, cloud):
    cloud.messages = lambda _: cloud.pipeline.messages

    assert command("kill-switch", SINTEF, "on", *WHY, "--wait", "0").exit_code == 5


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("withdraw", "nobody", *WHY), "CLIENT"),
        (("withdraw", SINTEF, "--reason", "  "), "--reason"),
        (("withdraw", SINTEF, "--reason", "out\x1b[2J"), "--reason"),
        (("lock", SINTEF, *WHY, "--by", "anna\nbo"), "--by"),
        (("lock", SINTEF, *WHY, "--by", "x" * 501), "--by"),
        (("release", SINTEF, *WHY, "--area", "NO9"), "area"),
        (("withdraw", SINTEF, *WHY, "--date", "tomorrow"), "--date"),
    ],
)
def test_commands__bad_input_names_its_field(command, cloud, arguments, field: str):
    (problem,) = command.problems(*arguments)
    assert problem["field"] == field
    assert len(cloud.pipeline.exchange.orders) == 1


@pytest.mark.parametrize("name", ["withdraw", "lock", "release"])
def test_commands__after_the_gate(command, cloud, name: str):
    result = command(name, SINTEF, *WHY, "--date", "2026-11-20")
    assert result.exit_code == 2
    assert "what stood then counts" in result.stderr


def test_commands__need_a_reason(command, cloud):
    assert command("withdraw", SINTEF).exit_code == 2
    assert len(cloud.pipeline.exchange.orders) == 1
