"""One trace through every process: in the log lines, and in the spans that a collector gets."""

from __future__ import annotations

import time

import pytest

pytestmark = pytest.mark.e2e

CLIENT = "cascade-example"
FUNCTIONS = ("dispatcher", "solver", "aggregator", "submission")
SECONDS = 60.0


@pytest.fixture(scope="module")
def run(cloud) -> str:
    return cloud.json("run", CLIENT, "--date", "2027-02-04")["run"]


@pytest.fixture(scope="module")
def logs(cloud, run):
    return cloud.json("logs", run, "--client", CLIENT)


def test_logs__one_trace_through_every_function(logs, run):
    (trace,) = logs["traces"]
    lines = logs["lines"]

    assert {line["process"] for line in lines} == {f"{CLIENT}-{name}" for name in FUNCTIONS}
    for line in lines:
        assert line["logging.googleapis.com/trace"] == f"projects/hydrobid-local/traces/{trace}"
        labels = line["logging.googleapis.com/labels"]
        assert (labels["client"], labels["run"]) == (CLIENT, run)
    # The trace is the execution of the daily bid.
    planned = next(line for line in lines if line["function"] == "dispatcher")
    execution = planned["logging.googleapis.com/labels"]["execution"]
    assert execution.replace("-", "") == trace
    # Each scenario has a line with the try at its task.
    solved = [line["logging.googleapis.com/labels"] for line in lines if "termination" in line]
    assert len({(label["asset"], label["scenario"]) for label in solved}) == len(solved) > 100
    assert {label["attempt"] for label in solved} == {"1"}
    assert all(label["task"] for label in solved)


def test_spans__lead_from_the_workflow_to_the_exchange_and_the_callback(logs, collected):
    (trace,) = logs["traces"]
    # The callback ends the run, so its span is among the last.
    deadline = time.monotonic() + SECONDS
    while "callback" not in {span.name for span in collected.of_trace(trace)}:
        assert time.monotonic() < deadline, collected.of_trace(trace)
        time.sleep(0.05)
    spans = {span.span: span for span in collected.of_trace(trace)}

    def way_to(name: str, service: str) -> list[str]:
        """Return the services from the workflow to a span, in that order."""
        span = next(s for s in spans.values() if (s.service, s.name) == (service, name))
        way = [span.service]
        while span.parent in spans:
            span = spans[span.parent]
            if span.service != way[0]:
                way.insert(0, span.service)
        assert span.parent == "0000000000000001"  # the workflow's, which exports nothing
        return way

    # The workflow tells the aggregator, the aggregator submission: messages are links of the chain.
    chain = ["aggregator", "submission"]
    assert way_to("exchange POST /curveorders", "submission") == chain
    assert way_to("callback", "submission") == chain
    assert way_to("solve scenario", "solver") == ["solver"]
    assert way_to("dispatcher", "dispatcher") == ["dispatcher"]
    scenario = next(span for span in spans.values() if span.name == "solve scenario")
    assert scenario.attributes["hydrobid.termination"] == "optimal"
    assert scenario.attributes["hydrobid.attempt"] == 1
    assert spans[scenario.parent].attributes["hydrobid.task"].startswith("independent-")
