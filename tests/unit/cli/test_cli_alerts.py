"""`hydrobid alerts`: what is open, also of what has no run."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from examples import CASCADE, MORNING, SINTEF

from hydrobid.adapters.memory import MemoryClock, MemoryDocuments
from hydrobid.cli import alerts
from hydrobid.domain.alerts import CATALOGUE, AlertCode, Cause
from hydrobid.pipeline.alerts import raise_alert, resolve_alerts

STALE = Cause("nordic~2026-11-25~r1", AlertCode.INPUTS_STALE, "prices")
WITHOUT = Cause(SINTEF, AlertCode.CLIENT_WITHOUT_INPUTS, "2026-11-24")
OVER = Cause("nordic~2026-11-25~r1", AlertCode.GATE_MISSED, "NO2")


@pytest.fixture(autouse=True)
def cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clients, one of which has alerts."""
    stores = {SINTEF: MemoryDocuments(), CASCADE: MemoryDocuments()}
    clock = MemoryClock(MORNING)
    for cause in (STALE, OVER, WITHOUT):
        raise_alert(stores[SINTEF], clock, cause, f"about {cause.subject}", {})
        clock.advance(timedelta(minutes=1))
    resolve_alerts(stores[SINTEF], clock, [OVER])
    console = SimpleNamespace(documents=stores.__getitem__)
    state = SimpleNamespace(clients=(SINTEF, CASCADE))
    monkeypatch.setattr(alerts, "connect", lambda _: (console, state))


def listed(command, *arguments: str) -> dict[str, list[str]]:
    told = json.loads(command("alerts", *arguments, "--json").stdout)["alerts"]
    return {client: [alert["code"] for alert in found] for client, found in told.items()}


def test_alerts__every_client__open_ones_the_critical_first(command):
    assert listed(command) == {SINTEF: [WITHOUT.code, STALE.code], CASCADE: []}

    shown = command("alerts").output
    assert shown.index("about 2026-11-24") < shown.index("about prices")
    assert CATALOGUE[WITHOUT.code].action.split(".")[0] in " ".join(shown.split())
    assert "about NO2" not in shown


def test_alerts__resolved_too__and_of_one_client(command):
    assert listed(command, SINTEF, "--resolved") == {SINTEF: [OVER.code, WITHOUT.code, STALE.code]}
    assert "resolved 2026-11-24" in command("alerts", SINTEF, "--resolved").output
    assert "No alert is open." in command("alerts", CASCADE).output


def test_alerts__unknown_client__exit_code_2(command):
    assert command("alerts", "nobody").exit_code == 2
