"""A day on which something was broken, as the demo follows it and what it says of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from examples import DAY, SINTEF

from hydrobid.bootstrap.console import Execution
from hydrobid.cli import injected_day
from hydrobid.cli.injected_day import FIRST_OUTCOME_SECONDS, STILL_SECONDS, FollowedDay, verdict
from hydrobid.cli.injections import injection_named
from hydrobid.cli.tending import stations_of
from hydrobid.client.errors import RunFailed
from hydrobid.pipeline.guard_gate import LAST_LOOK
from hydrobid.pipeline.summarise_run import run_summary
from hydrobid.schema import configuration_of


class Script:
    """A console that knows one execution."""

    def __init__(self, state: str) -> None:
        self.execution: Callable[[str], Execution] = lambda name: Execution(name, state)


@pytest.fixture
def day(sintef, sintef_inputs) -> FollowedDay:
    """The SINTEF example's day, whose execution was just started."""
    configuration = configuration_of(sintef_inputs.configuration)
    return FollowedDay(configuration, DAY, sintef.documents, "executions/e-1")


def test_look__a_day_outlives_its_execution_until_its_run_has_ended(sintef, day):
    day.look(Script("FAILED"))
    assert (day.failed, day.ended, day.view) == ("FAILED", None, None)

    sintef.plan(SINTEF, DAY)
    day.look(Script("FAILED"))
    assert day.ended is None

    sintef.run(SINTEF, DAY)
    day.look(Script("FAILED"))
    assert day.ended is not None
    assert str(day.finished_view().state) == "submitted"
    assert day.inputs == ""


def test_look__a_finished_run_is_followed_while_its_execution_goes_on(sintef, day):
    sintef.run(SINTEF, DAY)
    day.look(Script("ACTIVE"))
    assert (day.failed, day.ended) == (None, None)


def test_look__a_day_that_is_given_up_has_ended_without_a_run(day):
    day.given_up = True
    day.look(Script("FAILED"))
    assert day.ended is not None
    with pytest.raises(RunFailed):
        day.finished_view()


@pytest.fixture
def real_time(monkeypatch) -> SimpleNamespace:
    """The seconds that the day goes by; they pass when a test says so."""
    time = SimpleNamespace(now=1000.0)
    time.monotonic = lambda: time.now
    monkeypatch.setattr(injected_day, "time", time)
    return time


@pytest.mark.parametrize(
    ("state", "patience"), [("ACTIVE", FIRST_OUTCOME_SECONDS), ("FAILED", STILL_SECONDS)]
)
def test_is_still__longer_awaited_while_solvers_may_be_starting(day, real_time, state, patience):
    day.look(Script(state))
    assert not day.is_still(since=0.0)

    real_time.now += patience - 0.1
    day.look(Script(state))
    assert not day.is_still(since=0.0)

    real_time.now += 0.2
    day.look(Script(state))
    assert day.is_still(since=0.0)
    assert not day.is_still(since=real_time.now)


def test_is_still__not_when_something_has_moved(sintef, day, real_time):
    day.look(Script("FAILED"))
    real_time.now += STILL_SECONDS + 1.0
    sintef.plan(SINTEF, DAY)
    day.look(Script("FAILED"))
    assert not day.is_still(since=0.0)


def test_stations_of__cut_offs_then_every_minute_of_the_guard(day):
    cut_offs = day.configuration.cut_offs_of(DAY)
    instants = [station.at for station in stations_of([day, day])]

    assert instants[:3] == [cut_offs.solve, cut_offs.approval, cut_offs.submission]
    assert instants == sorted(set(instants))
    assert {b - a for a, b in pairwise(instants[2:])} == {timedelta(minutes=1)}
    assert cut_offs.gate in instants
    assert cut_offs.gate < instants[-1] < cut_offs.gate + LAST_LOOK


def test_verdict__names_what_stands_and_what_is_marked(sintef):
    summary = run_summary(sintef.documents, sintef.run(SINTEF, DAY))
    injection = injection_named("exchange-down")

    said = verdict(injection, [summary])
    assert "submitted: sintef-example NO2; marked: nothing." in said

    summary["assets"]["shop-standard"] |= {"state": "PARTIAL", "solved": 40}
    summary["areas"]["NO2"] |= {"exchange_state": None, "order_state": "CLOSED"}
    said = verdict(injection, [summary])
    assert injection.injected in said
    assert "submitted: nothing" in said
    assert "shop-standard PARTIAL with 40 of 52 solved" in said
    assert "sintef-example NO2 order CLOSED" in said
