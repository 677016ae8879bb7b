"""What a function writes about a call: one JSON line in Google's form, and no secret in it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import datetime

import flask
import pytest
from traces import HOSTILE, SPAN_ID, TRACE_ID, TRACEPARENT, recorded_spans
from werkzeug.exceptions import HTTPException

from hydrobid.adapters.structured_logs import label
from hydrobid.bootstrap import outcomes
from hydrobid.bootstrap.outcomes import Done
from hydrobid.bootstrap.settings import FunctionSettings
from hydrobid.bootstrap.telemetry import log_of
from hydrobid.domain.errors import GateClosed, ServiceUnavailable

OTHER = "00-11111111111111111111111111111111-2222222222222222-00"
TRACE = f"projects/hydrobid-local/traces/{TRACE_ID}"
PLANTED = "hunter2-planted"


@pytest.fixture
def lines(capsys):
    def read() -> list[dict]:
        out, err = capsys.readouterr()
        assert err == ""
        return [json.loads(line) for line in out.splitlines()]

    return read


def request(traceparent=None):
    headers = {} if traceparent is None else {"traceparent": traceparent}
    return flask.Flask("test").test_request_context("/", headers=headers)


def pushed(traceparent):
    return {"message": {"data": "", "attributes": {"googclient_traceparent": traceparent}}}


def done(**facts):
    return lambda: Done("it is done", facts)


def failing(error: Exception):
    def call() -> Done:
        raise error

    return call


def test_answered__writes_one_line_in_googles_form(lines):
    with request(TRACEPARENT):
        body, status = outcomes.answered("solver", done(run="n~2026-03-29~r1", task="t", solved=3))

    assert (status, body) == (200, {"run": "n~2026-03-29~r1", "task": "t", "solved": 3})
    (line,) = lines()
    assert datetime.fromisoformat(line.pop("time")).utcoffset().total_seconds() == 0
    assert line == {
        "severity": "INFO",
        "message": "it is done",
        "function": "solver",
        "solved": 3,
        "logging.googleapis.com/labels": {"run": "n~2026-03-29~r1", "task": "t"},
        "logging.googleapis.com/trace": TRACE,
        "logging.googleapis.com/spanId": SPAN_ID,
        "logging.googleapis.com/trace_sampled": True,
    }


@pytest.mark.parametrize("hostile", HOSTILE)
def test_handled__a_bad_traceparent_changes_nothing(lines, hostile):
    outcomes.handled("aggregator", pushed(hostile), done())

    (line,) = lines()
    assert (line["severity"], line["message"]) == ("INFO", "it is done")
    assert "logging.googleapis.com/trace" not in line


@pytest.mark.parametrize("data", [None, [], "x", {"message": None}, {"message": {}}, pushed(None)])
def test_handled__a_message_without_a_trace_is_in_that_of_its_request(lines, data):
    with request(TRACEPARENT):
        outcomes.handled("aggregator", data, done())

    assert lines()[0]["logging.googleapis.com/trace"] == TRACE


def test_handled__a_messages_trace_goes_before_that_of_the_request(lines):
    with request(OTHER):
        outcomes.handled("aggregator", pushed(TRACEPARENT), done())

    assert lines()[0]["logging.googleapis.com/trace"] == TRACE


@pytest.mark.parametrize(
    ("error", "severity"), [(ServiceUnavailable("later"), "WARNING"), (GateClosed("late"), "ERROR")]
)
def test_answered__an_error_has_its_code_and_the_labels_that_were_known(lines, error, severity):
    def call() -> Done:
        label({"client": "c", "asset": "a", "callback": "http://somewhere", "day": None})
        raise error

    outcomes.answered("dispatcher", call)
    outcomes.answered("dispatcher", done())

    failed, after = lines()
    assert (failed["severity"], failed["code"]) == (severity, error.code)
    assert failed["message"] == error.message
    assert failed["logging.googleapis.com/labels"] == {"client": "c", "asset": "a"}
    assert after["logging.googleapis.com/labels"] == {}


def crash() -> Done:
    try:
        raise ValueError(f"Authorization: Bearer {PLANTED}")
    except ValueError as error:
        raise RuntimeError(f"password={PLANTED}") from error


def test_answered__a_crash_is_reported_with_its_stack_and_without_its_words(lines):
    body, status = outcomes.answered("solver", crash)

    (line,) = lines()
    assert (status, body) == (500, {"code": "CRASHED", "message": "RuntimeError"})
    assert line["severity"] == "ERROR"
    assert line["@type"].endswith(".ReportedErrorEvent")
    assert line["serviceContext"]["service"] == "solver"
    stack = line["stack_trace"]
    assert stack.startswith("Traceback (most recent call last):\n")
    assert stack.endswith("\nRuntimeError\n")
    assert "\nValueError\n" in stack
    assert stack.count("in crash") == 2
    assert PLANTED not in json.dumps([line, body])


def test_handled__a_crash_is_raised_for_redelivery_and_told_once(lines):
    with pytest.raises(HTTPException) as raised:
        outcomes.handled("aggregator", pushed(TRACEPARENT), crash)

    assert raised.value.code == 500
    assert PLANTED not in str(raised.value)
    (line,) = lines()
    assert line["logging.googleapis.com/trace"] == TRACE
    assert PLANTED not in json.dumps(line)


@pytest.mark.parametrize(
    ("error", "code"),
    [(ServiceUnavailable("later"), "SERVICE_UNAVAILABLE"), (OSError(), "OSError")],
)
def test_handled__is_a_span_that_continues_the_messages_trace(error, code):
    def call() -> Done:
        label({"run": "n~2026-03-29~r1"})
        raise error

    with recorded_spans() as spans, pytest.raises(HTTPException):
        outcomes.handled("aggregator", pushed(TRACEPARENT), call)

    (span,) = spans.get_finished_spans()
    assert (span.name, format(span.parent.span_id, "016x")) == ("aggregator", SPAN_ID)
    assert span.attributes == {"error.type": code, "hydrobid.run": "n~2026-03-29~r1"}


def test_answered__wrong_settings_are_named_without_their_values(lines, monkeypatch):
    monkeypatch.setenv("HYDROBID_CLIENT", f"No/{PLANTED}")

    outcomes.answered("solver", lambda: Done("", FunctionSettings().model_dump()))

    (line,) = lines()
    assert line["message"].startswith("solver crashed: ValidationError: FunctionSettings: client ")
    assert PLANTED not in json.dumps(line)


def test_library_logs__what_a_library_says_is_a_line_too(lines):
    log_of("solver")
    try:
        raise OSError(PLANTED)
    except OSError:
        logging.getLogger("some.library").exception("no connection\nafter %d tries", 3)
    logging.getLogger("some.library").info("not worth a line")

    (line,) = lines()
    assert (line["severity"], line["logger"]) == ("ERROR", "some.library")
    assert line["message"] == "no connection\nafter 3 tries"
    assert line["stack_trace"].endswith("\nOSError\n")
    assert PLANTED not in json.dumps(line)


def test_log_of__without_an_endpoint_loads_neither_sdk_nor_exporter():
    program = """
import sys
import hydrobid.bootstrap.dispatcher
from hydrobid.bootstrap.outcomes import Done, answered
answered("dispatcher", lambda: Done("done", {}))
loaded = [name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))]
assert not loaded, loaded
assert "google.cloud.pubsub_v1" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
