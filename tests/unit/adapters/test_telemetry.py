"""Spans and the trace context that goes on, with OpenTelemetry's SDK recording in memory."""

from __future__ import annotations

import json

import httpx
import pytest
from examples import published
from opentelemetry.trace import StatusCode
from traces import TRACE_ID, TRACEPARENT, recorded_spans

from hydrobid.adapters.structured_logs import StructuredLog, labels_of_a_call
from hydrobid.adapters.telemetry import (
    ScenarioTelemetry,
    context_from,
    send_traced,
    span,
    trace_headers,
)
from hydrobid.domain.errors import ServiceUnavailable, SolverDied
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.hydro.schedule import FailureCode, SolveFailure
from hydrobid.pipeline.solve_task import TaskRequest, solve_task, unwatched

LOG = StructuredLog("solver", "some-project")
PLANTED = "hunter2-planted"


@pytest.fixture
def spans():
    with recorded_spans() as recorded:
        yield recorded


def solve_all(pipeline, watch):
    """Solve every task of the example's day as the solver does, and the rest as it is."""
    plan = pipeline.plan("sintef-example").plan
    for asset in plan.assets:
        for task in asset.tasks:
            request = TaskRequest(client=plan.client, run=plan.run, asset=asset.asset, task=task.id)
            with labels_of_a_call():
                solve_task(pipeline.documents, pipeline.clock, pipeline.solvers, request, watch)
    pipeline.solve(plan)
    pipeline.deliver()
    return plan


def test_solve_task__a_trace_is_in_no_document(sintef_inputs, spans, capsys):
    plain, traced = published(sintef_inputs), published(sintef_inputs)

    plan = solve_all(plain, unwatched)
    with span("solver", context=context_from(TRACEPARENT)):
        solve_all(traced, ScenarioTelemetry(LOG))

    assert traced.documents._documents == plain.documents._documents
    assert traced.exchange.orders == plain.exchange.orders
    scenarios = {s for asset in plan.assets for task in asset.tasks for s in task.scenarios}
    solved = [one for one in spans.get_finished_spans() if one.name == "solve scenario"]
    assert {one.attributes["hydrobid.scenario"] for one in solved} == scenarios
    assert {format(one.context.trace_id, "032x") for one in solved} == {TRACE_ID}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    labels = [line["logging.googleapis.com/labels"] for line in lines]
    assert {label["scenario"] for label in labels} == scenarios
    assert {label["attempt"] for label in labels} == {"1"}
    assert {line["termination"] for line in lines} == {"optimal"}


def test_scenario_telemetry__a_failure_and_a_death_say_which_scenario(spans, capsys):
    failure = SolveFailure(FailureCode.INFEASIBLE, "no water", {})
    asked = []

    def results():
        yield ScenarioId("s1"), failure
        asked.append("more")
        raise SolverDied("the solver's process ended")

    watched = ScenarioTelemetry(LOG)(results(), ["s1", "s2"], 4)
    assert next(watched) == ("s1", failure)
    with pytest.raises(SolverDied):
        next(watched)

    first, second = spans.get_finished_spans()
    assert first.attributes["hydrobid.termination"] == failure.code
    assert second.attributes["error.type"] == "SOLVER_DIED"
    assert {one.status.status_code for one in (first, second)} == {StatusCode.ERROR}
    assert {one.attributes["hydrobid.attempt"] for one in (first, second)} == {4}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [(x["severity"], x["logging.googleapis.com/labels"]["scenario"]) for x in lines]
    assert told == [("WARNING", "s1"), ("WARNING", "s2")]
    assert lines[1]["code"] == "SOLVER_DIED"


def test_scenario_telemetry__asks_for_the_end_of_the_results(capsys):
    ended = []

    def results():
        yield ScenarioId("s1"), SolveFailure(FailureCode.INFEASIBLE, "no water", {})
        ended.append(True)  # only now is a solver free for the next task

    assert len(list(ScenarioTelemetry(LOG)(results(), ["s1"], 1))) == 1
    assert ended == [True]


def test_send_traced__the_request_carries_the_span_that_it_is_made_under(spans):
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(503)

    with (
        httpx.Client(base_url="http://exchange", transport=httpx.MockTransport(answer)) as client,
        span("submission", context=context_from(TRACEPARENT)),
    ):
        send_traced(
            client.request, "exchange", "POST", "/orders", headers={"Authorization": "x"}, json={}
        )

    call, submission = spans.get_finished_spans()
    assert call.parent.span_id == submission.context.span_id
    assert call.attributes["http.response.status_code"] == 503
    assert call.status.status_code is StatusCode.ERROR
    assert seen[0]["Authorization"] == "x"
    assert seen[0]["traceparent"] == f"00-{TRACE_ID}-{call.context.span_id:016x}-01"


def test_span__a_failure_is_told_by_its_code_and_not_by_its_words(spans):
    for error in (ServiceUnavailable(PLANTED), ValueError(PLANTED)):
        with pytest.raises(type(error)), span("work"):
            raise error

    told = [one.to_json() for one in spans.get_finished_spans()]
    assert "SERVICE_UNAVAILABLE" in told[0]
    assert "ValueError" in told[1]
    assert PLANTED not in "".join(told)


def test_trace_headers__without_an_sdk_what_came_in_goes_on():
    assert trace_headers() == {}
    with span("solver", context=context_from("nonsense", None, TRACEPARENT)):
        assert trace_headers() == {"traceparent": TRACEPARENT}
