"""What each process of a local cloud is started with."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples import ROOT

from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import ClientId, Portfolio
from hydrobid.local_cloud.credentials import ensure_accounts
from hydrobid.local_cloud.layout import DataFolder
from hydrobid.local_cloud.processes import Service
from hydrobid.local_cloud.services import Blueprint, port_owners
from hydrobid.local_cloud.settings import LocalCloudSettings
from hydrobid.local_cloud.state import CloudState

CLIENT = ClientId("sintef-example")
TELLING = {
    "sintef-example-aggregator",
    "sintef-example-dispatcher",
    "sintef-example-submission",
}
PLANTED = "http://127.0.0.1:1/planted-token"
SET = {
    "HYDROBID_ALERT_WEBHOOK_URL": PLANTED,
    "HYDROBID_ALERT_EMAIL_TO": "desk@example.com",
    "HYDROBID_ALERT_EMAIL_FROM": "bids@example.com",
    "HYDROBID_SMTP_HOST": "mail.example.com",
    "HYDROBID_SMTP_PORT": "2525",
}


def services(folder: Path) -> dict[str, Service]:
    owners = port_owners((CLIENT,), ())
    state = CloudState(
        project="p",
        location="l",
        home=ROOT,
        clients_dir=folder,
        clients=(CLIENT,),
        ports={name: 1 + at for at, name in enumerate(owners)},
        outside={},
        processes={},
    )
    data = DataFolder(folder)
    ensure_accounts(data, {CLIENT: Portfolio("sintef")})
    return Blueprint(data, LocalCloudSettings.from_environment(), state).services()


def alert_settings(service: Service) -> dict[str, str]:
    return {
        name: value
        for name, value in service.environment.items()
        if name.startswith(("HYDROBID_ALERT_", "HYDROBID_SMTP_"))
    }


def test_services__alert_settings_reach_those_that_tell_alerts_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in {
        **SET,
        "HYDROBID_SMTP_CREDENTIALS_FILE": "",
        "HYDROBID_ALERT_X": "1",
    }.items():
        monkeypatch.setenv(name, value)

    given = {name: alert_settings(service) for name, service in services(tmp_path).items()}

    assert {name: told for name, told in given.items() if told} == dict.fromkeys(TELLING, SET)


def test_services__no_alert_settings__none_are_passed_on(tmp_path: Path):
    assert not any(alert_settings(service) for service in services(tmp_path).values())


def test_services__wrong_alert_settings__are_named_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HYDROBID_ALERT_WEBHOOK_URL", PLANTED)
    monkeypatch.setenv("HYDROBID_SMTP_PORT", "planted")

    with pytest.raises(InvalidInput) as refused:
        services(tmp_path)

    assert "HYDROBID_SMTP_PORT" in str(refused.value.details)
    assert "planted" not in f"{refused.value} {refused.value.details}"
