"""Alerts at the end of a function: told, and never at the cost of what it did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from examples import MORNING

from hydrobid.adapters.memory import MemoryClock, MemoryDocuments
from hydrobid.bootstrap import alerting
from hydrobid.bootstrap.alerting import alerts_sent, notifiers_of
from hydrobid.bootstrap.settings import AlertSettings
from hydrobid.domain.alerts import AlertCode, Cause
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import ClientId
from hydrobid.pipeline.alerts import raise_alert, resolve_alerts

CLIENT = ClientId("sintef-example")
CAUSE = Cause("run-1", AlertCode.GATE_MISSED, "NO2")
DEAD = "http://127.0.0.1:1/planted-token"


@pytest.fixture(autouse=True)
def nothing_wired() -> None:
    alerting._notifiers.cache_clear()


def deliveries_after_work(*, fails: bool = False) -> tuple[list[str], str]:
    """Return the deliveries of the alerts that work within left, and its outcome."""
    documents, clock = MemoryDocuments(), MemoryClock(MORNING)
    outcome = "done"
    try:
        with alerts_sent("submission", CLIENT, documents, clock):
            raise_alert(documents, clock, CAUSE, "too late", {})
            if fails:
                raise RuntimeError("the work's own")
    except RuntimeError as error:
        outcome = str(error)
    stored = json.dumps(documents.find("alerts"))
    assert "planted" not in stored
    return [alert["delivery"] for alert in documents.find("alerts").values()], outcome


def test_alerts__without_a_channel_are_told_to_the_log(capsys: pytest.CaptureFixture[str]):
    assert deliveries_after_work() == (["SENT"], "done")

    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["severity"], line["message"], line["code"]) == (
        "CRITICAL",
        "too late",
        CAUSE.code,
    )
    assert (line["alert_state"], line["alert"], line["subject"]) == ("open", CAUSE.id, "NO2")
    assert line["logging.googleapis.com/labels"] == {"client": CLIENT, "run": CAUSE.run}


def test_alerts__resolved__are_told_to_the_log_as_information(capsys: pytest.CaptureFixture[str]):
    documents, clock = MemoryDocuments(), MemoryClock(MORNING)
    raise_alert(documents, clock, CAUSE, "too late", {})
    resolve_alerts(documents, clock, [CAUSE])

    with alerts_sent("submission", CLIENT, documents, clock):
        pass

    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["severity"], line["alert_state"]) == ("INFO", "resolved")


@pytest.mark.parametrize("fails", [False, True])
def test_alerts__nobody_answers__logged_without_secrets_and_left_for_the_next_call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fails: bool
):
    monkeypatch.setenv("HYDROBID_ALERT_WEBHOOK_URL", DEAD)

    outcome = deliveries_after_work(fails=fails)

    alert, line = map(json.loads, capsys.readouterr().out.splitlines())
    assert outcome == (["UNSENT"], "the work's own" if fails else "done")
    assert alert["alert_state"] == "open"
    assert (line["severity"], line["channel"]) == ("WARNING", "webhook")
    assert (line["alert"], line["code"]) == (CAUSE.id, "SERVICE_UNAVAILABLE")
    assert "planted" not in json.dumps(line)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"ALERT_WEBHOOK_URL": "http://example.com/planted"}, "HYDROBID_ALERT_WEBHOOK_URL"),
        ({"ALERT_EMAIL_TO": "planted@example.com"}, "HYDROBID_SMTP_HOST"),
        ({"SMTP_PORT": "planted"}, "HYDROBID_SMTP_PORT"),
        (
            {"ALERT_WEBHOOK_URL": DEAD, "ALERT_WEBHOOK_SECRET_FILE": "absent"},
            "HYDROBID_ALERT_WEBHOOK_SECRET_FILE",
        ),
    ],
)
def test_alerts__wrong_settings_are_logged_by_name_and_cost_no_other_channel(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    named: str,
):
    for name, value in environment.items():
        monkeypatch.setenv(f"HYDROBID_{name}", value)

    assert deliveries_after_work() == (["UNSENT"], "done")
    logged = capsys.readouterr().out
    alert, fault = map(json.loads, logged.splitlines())
    assert (alert["severity"], alert["message"]) == ("CRITICAL", "too late")
    assert named in json.dumps(fault)
    assert "planted" not in logged


def test_alerts__a_key_that_comes_later__is_told_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    key = tmp_path / "key"
    monkeypatch.setenv("HYDROBID_ALERT_WEBHOOK_URL", DEAD)
    monkeypatch.setenv("HYDROBID_ALERT_WEBHOOK_SECRET_FILE", str(key))
    deliveries_after_work()
    key.write_text("planted")
    deliveries_after_work()

    codes = [json.loads(line).get("code") for line in capsys.readouterr().out.splitlines()]
    assert codes == [CAUSE.code, "INVALID_INPUT", CAUSE.code, "SERVICE_UNAVAILABLE"]


def test_notifiers__both_channels_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    credentials, secret = tmp_path / "smtp.json", tmp_path / "key"
    credentials.write_text(json.dumps({"username": "hydrobid", "password": "planted"}))
    secret.write_text("planted\n")
    for name, value in {
        "HYDROBID_ALERT_WEBHOOK_URL": "https://alerts.example.com/hook",
        "HYDROBID_ALERT_WEBHOOK_SECRET_FILE": str(secret),
        "HYDROBID_ALERT_EMAIL_TO": "desk@example.com, dam@example.com",
        "HYDROBID_ALERT_EMAIL_FROM": "alerts@example.com",
        "HYDROBID_SMTP_HOST": "mail.example.com",
        "HYDROBID_SMTP_PORT": "",
        "HYDROBID_SMTP_CREDENTIALS_FILE": str(credentials),
    }.items():
        monkeypatch.setenv(name, value)

    settings = AlertSettings.from_environment()

    assert [n.channel for n in notifiers_of(settings, CLIENT)] == ["webhook", "email"]
    assert settings.alert_email_to == ("desk@example.com", "dam@example.com")
    assert settings.smtp_port == 587


@pytest.mark.parametrize("content", ['{"password": "planted"}', '["planted"]', "planted"])
def test_notifiers__wrong_credentials_are_not_shown(tmp_path: Path, content: str):
    credentials = tmp_path / "smtp.json"
    credentials.write_text(content)
    settings = AlertSettings(
        alert_email_to=("desk@example.com",),
        alert_email_from="alerts@example.com",
        smtp_host="mail.example.com",
        smtp_credentials_file=credentials,
    )

    with pytest.raises(InvalidInput, match="username, password") as refusal:
        notifiers_of(settings, CLIENT)

    assert "planted" not in str(refusal.value.as_document())
