"""`hydrobid benchmark`, over a pipeline in this process."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from examples import DAY, SINTEF

from hydrobid.bidding.backtest import entrant
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.cli import benchmark
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.messages import CutOffReached, ResultsDue
from hydrobid.pipeline.benchmark_methods import benchmark_method, due_benchmarks
from hydrobid.pipeline.run_inputs import configuration_in


@pytest.fixture
def cloud(sintef: InProcessPipeline, monkeypatch):
    """A client whose day is over, as the command finds it; its workflow runs when it is started."""
    monkeypatch.setattr(entrant, "STANDARD", ("price_independent", "water_value"))
    plan = sintef.plan(SINTEF, DAY).plan
    sintef.handle(CutOffReached(client=SINTEF, run=plan.run, cut_off="submission"))
    sintef.clock.advance(plan.cut_offs.gate - sintef.clock.now())
    market = configuration_in(sintef.documents, plan).market
    auction = sintef.exchange.auction(market, DAY)
    sintef.exchange.publish(auction, PriceArea("NO2"), [45.0] * len(market.grid(DAY)))
    sintef.handle(ResultsDue(client=SINTEF))
    console = SimpleNamespace(
        clock=sintef.clock,
        documents=lambda _: sintef.documents,
        start_benchmark=lambda client: f"{client}/1",
        states=["ACTIVE", "SUCCEEDED"],
    )

    def execution(_: str):
        state = console.states.pop(0)
        if state == "SUCCEEDED":
            for task in due_benchmarks(sintef.documents, sintef.clock):
                benchmark_method(sintef.documents, task)
        return SimpleNamespace(state=state, error="no solver")

    console.execution = execution
    state = SimpleNamespace(clients=(SINTEF,))
    monkeypatch.setattr(benchmark, "connect", lambda _: (console, state))
    return console


def test_benchmark__nothing_tried_yet__says_what_it_takes(command, cloud):
    result = command("benchmark", SINTEF)
    assert (result.exit_code, cloud.states) == (0, ["ACTIVE", "SUCCEEDED"])
    assert "no day on which methods were compared yet" in result.output


def test_benchmark__run__shows_the_methods_best_first(command, cloud):
    shown = command("benchmark", SINTEF, "--run")
    as_json = json.loads(command("benchmark", SINTEF, "--json").stdout)

    assert shown.exit_code == 0, shown.output
    lines = [line for line in shown.output.splitlines() if "multi_scenario" in line]
    assert "bid by it" in lines[0]
    ranked = as_json["methods"]["shop-standard"]
    assert {row["method"] for row in ranked} == {
        "multi_scenario",
        "price_independent",
        "water_value",
    }
    estimates = [row["whole"]["share"]["estimate"] for row in ranked]
    assert estimates == sorted(estimates)
    assert {day["day"] for day in as_json["days"]} == {DAY.isoformat()}


def test_benchmark__a_workflow_that_fails__is_told(command, cloud):
    cloud.states = ["FAILED"]
    result = command("benchmark", SINTEF, "--run")
    assert result.exit_code == 1
    assert "no solver" in result.output
