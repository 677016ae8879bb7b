"""The real function apps, asked what needs no cloud: bad requests and how errors are mapped."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from http import HTTPStatus
from types import SimpleNamespace

import functions_framework
import pytest
from examples import DAY, MORNING, PRICE_COLUMNS, ROOT, sintef_prices
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from hydrobid.adapters.memory import MemoryClock, MemoryDocuments, MemoryNotifier
from hydrobid.bootstrap import aggregator, alerting, dispatcher, outcomes, submission
from hydrobid.bootstrap.settings import DispatcherSettings, FunctionSettings, SubmissionSettings
from hydrobid.bootstrap.topology import topology
from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.errors import GateClosed, NotFound, ServiceUnavailable
from hydrobid.pipeline.alerts import raise_alert

CLIENT = "sintef-example"
SWEEP = {"client": CLIENT, "sweep": "alerts"}


class Silent(MemoryNotifier):
    def notify(self, alert):
        raise ServiceUnavailable("nobody answers")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    credentials = tmp_path / "credentials.json"
    account = {"client_id": "a", "client_secret": "b", "username": "c", "password": "d"}
    credentials.write_text(json.dumps(account))
    for name, value in {
        "HYDROBID_CLIENT": CLIENT,
        "HYDROBID_WORKFLOWS_HOST": "127.0.0.1:1",
        "HYDROBID_EXCHANGE_URL": "http://127.0.0.1:1",
        "HYDROBID_EXCHANGE_TOKEN_URL": "http://127.0.0.1:1/connect/token",
        "HYDROBID_EXCHANGE_CREDENTIALS": f"file:{credentials}",
        "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1",
        "PUBSUB_EMULATOR_HOST": "127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)


def app(name: str) -> FlaskClient:
    source = ROOT / "functions" / name / "main.py"
    signature = "http" if name in ("dispatcher", "solver") else "cloudevent"
    return functions_framework.create_app(name, str(source), signature).test_client()


def push(client: FlaskClient, topic: str, content: object, **attributes: str):
    data = base64.b64encode(json.dumps(content).encode()).decode()
    message = {"data": data, "messageId": "1", "publishTime": "2026-11-24T09:30:00Z"}
    message |= {"attributes": attributes} if attributes else {}
    return client.post(
        f"/projects/hydrobid-local/topics/{CLIENT}-{topic}",
        json={"message": message, "subscription": "projects/hydrobid-local/subscriptions/s"},
    )


def test_topology__names_the_functions_that_there_are():
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/main.py")}
    sources = {path.name for path in (ROOT / "workflows").glob("*.yaml")}

    assert set(topology().functions) == folders
    assert {workflow.source for workflow in topology().workflows.values()} == sources
    assert {topic.function for topic in topology().topics.values()} <= folders


@pytest.mark.parametrize("name", ["dispatcher", "solver"])
@pytest.mark.parametrize("body", [None, [], {"client": "x/y"}, {"client": CLIENT, "day": "soon"}])
def test_http_function__bad_request_names_its_fields(name: str, body: object):
    answer = app(name).post("/", json=body)

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert answer.get_json()["code"] == "INVALID_INPUT"
    assert answer.get_json()["details"]["problems"]


def test_dispatcher__another_clients_request():
    answer = app("dispatcher").post("/", json={"client": "other-client"})

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert answer.get_json()["code"] == "FOREIGN_CLIENT"


@pytest.mark.parametrize(
    ("name", "topic", "content"),
    [
        ("aggregator", "asset-settled", {"nonsense": 1}),
        ("aggregator", "asset-settled", "text"),
        (
            "aggregator",
            "asset-settled",
            {"client": "other-client", "run": "n~2026-03-29~r1", "asset": "a"},
        ),
        ("submission", "asset-bid", {"client": CLIENT}),
        ("submission", "cutoff-reached", {"client": CLIENT, "run": "x", "cut_off": "never"}),
        ("submission", "hold-changed", {"client": CLIENT, "run": "nordic~2026-03-29~r1"}),
        ("submission", "dry-run-asked", {"client": CLIENT, "run": "nordic~2026-03-29~r1"}),
        ("submission", "of-nobody", {"client": CLIENT}),
        ("dispatcher", "inputs-arrived", {"client": CLIENT, "nonsense": 1}),
        ("dispatcher", "inputs-arrived", {"client": "other-client"}),
        ("dispatcher", "file-arrived", {"name": "prices/nov.csv"}),
        ("dispatcher", "of-nobody", {"client": CLIENT}),
    ],
)
def test_event_function__what_no_delivery_can_mend_is_acknowledged(
    name: str, topic: str, content: object, capsys: pytest.CaptureFixture[str]
):
    answer = push(app(name), topic, content)

    assert answer.status_code == HTTPStatus.OK
    assert json.loads(capsys.readouterr().out)["severity"] == "ERROR"


@pytest.mark.parametrize("name", ["dispatcher", "aggregator"])
def test_function__what_nobody_foresaw_is_one_line_and_a_500(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("HYDROBID_CLIENT", "planted/secret")
    monkeypatch.setattr(dispatcher, "_wired", FunctionSettings)
    monkeypatch.setattr(aggregator, "_wired", FunctionSettings)

    answer = (
        push(app(name), "asset-settled", {"client": CLIENT})
        if name == "aggregator"
        else app(name).post("/", json={"client": CLIENT})
    )

    out, err = capsys.readouterr()
    assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert "stack_trace" in json.loads(out)
    assert err == ""
    assert "planted" not in out + answer.get_data(as_text=True)


def test_submission__sweep__tells_what_nobody_could_be_told_and_does_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
):
    documents, clock = MemoryDocuments(), MemoryClock(MORNING)
    raise_alert(documents, clock, Cause("run-1", AlertCode.GATE_MISSED, "NO2"), "too late", {})
    silent, answering = Silent(), MemoryNotifier()
    wired = submission._Wired(SubmissionSettings(), documents, clock, None, None)
    monkeypatch.setattr(submission, "_wired", lambda: wired)
    monkeypatch.setattr(alerting, "_notifiers", lambda *_: (silent,))

    statuses = [push(app("submission"), "cutoff-reached", SWEEP).status_code]
    before = documents.find("alerts")
    monkeypatch.setattr(alerting, "_notifiers", lambda *_: (answering,))
    statuses.append(push(app("submission"), "cutoff-reached", SWEEP).status_code)
    statuses.append(push(app("submission"), "cutoff-reached", SWEEP).status_code)

    assert statuses == [HTTPStatus.OK] * 3
    assert [alert["delivery"] for alert in before.values()] == ["UNSENT"]
    assert [alert.subject for alert in answering.told] == ["NO2"]
    assert list(documents.find("alerts")) == list(before)
    assert not documents.find("events")


@pytest.fixture
def arriving(sintef, monkeypatch):
    """The dispatcher on a pipeline in this process, with a bucket that has one file of prices."""
    file = (PRICE_COLUMNS + sintef_prices(1.5)).encode()
    bucket = SimpleNamespace(read=lambda *_: file, close=lambda: None)
    started = []
    executions = SimpleNamespace(start=lambda *call: started.append(call))
    wired = dispatcher._Wired(DispatcherSettings(), sintef.documents, sintef.clock)
    monkeypatch.setattr(dispatcher, "_wired", lambda: wired)
    monkeypatch.setattr(dispatcher, "BucketFiles", lambda _: bucket)
    monkeypatch.setattr(dispatcher, "_messages", lambda _: sintef.messages)
    monkeypatch.setattr(dispatcher, "_executions", lambda _: executions)
    monkeypatch.setattr(alerting, "_notifiers", lambda *_: (sintef.notifier,))
    return SimpleNamespace(pipeline=sintef, started=started)


FILE = {
    "bucket": f"hydrobid-local-{CLIENT}-inputs",
    "name": "prices/nov.csv",
    "generation": "1",
    "timeCreated": "2026-11-24T09:29:00Z",
}


def test_dispatcher__a_file_of_the_bucket__starts_a_run_after_the_pause(arriving):
    finalize = {"eventType": "OBJECT_FINALIZE"}
    statuses = [push(app("dispatcher"), "file-arrived", FILE, **finalize).status_code] * 2
    statuses.append(push(app("dispatcher"), "inputs-arrived", {"client": CLIENT}).status_code)
    statuses.append(push(app("dispatcher"), "inputs-arrived", {"client": CLIENT}).status_code)

    assert statuses == [HTTPStatus.OK] * 4
    workflow = f"projects/hydrobid-local/locations/europe-north1/workflows/{CLIENT}-daily-bid"
    argument = {"client": CLIENT, "day": DAY.isoformat(), "settle": True}
    assert arriving.started == [(workflow, argument)]

    ask = {"client": CLIENT, "day": DAY.isoformat(), "settle": True}
    assert app("dispatcher").post("/", json=ask).get_json() == {"wait": 60}
    arriving.pipeline.clock.advance(timedelta(seconds=60))
    planned = app("dispatcher").post("/", json=ask).get_json()
    assert (planned["run"], planned["inputs"]) == (f"nordic~{DAY}~r1", "new")


def test_dispatcher__files_that_are_not_for_it__change_nothing(arriving):
    documents = arriving.pipeline.documents
    before = documents.get("inputs/current")
    for content, event in (
        (FILE, "OBJECT_DELETE"),
        ({**FILE, "bucket": "of-another-client"}, "OBJECT_FINALIZE"),
        ({**FILE, "name": "nov.csv"}, "OBJECT_FINALIZE"),
    ):
        status = push(app("dispatcher"), "file-arrived", content, eventType=event).status_code
        assert status == HTTPStatus.OK

    assert documents.get("inputs/current") == before
    assert [alert.code for alert in arriving.pipeline.notifier.told] == [
        AlertCode.INPUT_FILE_REFUSED
    ]


def test_handled__retryable_error_is_raised_for_redelivery():
    def unavailable() -> dict:
        raise ServiceUnavailable("later")

    with pytest.raises(HTTPException) as raised:
        outcomes.handled("aggregator", {}, unavailable)
    assert raised.value.code == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize(
    ("error", "status"),
    [(ServiceUnavailable("later"), 503), (NotFound("none"), 404), (GateClosed("late"), 400)],
)
def test_answered__each_family_has_its_status(error: Exception, status: int):
    def fail() -> dict:
        raise error

    body, code = outcomes.answered("dispatcher", fail)
    assert (code, body["retryable"]) == (status, status == 503)
