"""`hydrobid client`: files under terraform/clients, made and checked."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from examples import MORNING
from typer.testing import CliRunner

from hydrobid.adapters.memory import MemoryClock, MemoryDocuments
from hydrobid.bootstrap.settings import CloudSettings
from hydrobid.cli.main import app
from hydrobid.pipeline.publish_inputs import current_inputs
from hydrobid.schema.domain_model.json_schema import document_schema

ROOT = Path(__file__).resolve().parents[3]
FILES = ROOT / "terraform" / "clients"
NORDIC = "market: nordic\n"
TWO = f"{NORDIC}database_location: eur3\n"
STANDBY = "standby: {region: europe-west4}\n"
EXCHANGE = ("--exchange-url", "https://x.example.com", "--token-url", "https://t.example.com")


@pytest.fixture
def run(tmp_path):
    def invoke(*arguments: str):
        return CliRunner().invoke(app, ["client", *arguments, "--files", str(tmp_path)])

    return invoke


def test_validate__examples_are_sound():
    ended = CliRunner().invoke(app, ["client", "validate", "--json"])
    assert ended.exit_code == 0, ended.output
    assert set(json.loads(ended.stdout)) == {path.stem for path in FILES.glob("*.yaml")}


def test_editors_schema__is_that_of_the_form():
    kept = json.loads((FILES / "client.schema.json").read_text("utf-8"))
    assert kept == document_schema("cloud-client")


def test_new__of_a_client_with_a_folder_agrees_with_it(run, tmp_path):
    assert run("new", "sintef-example", *EXCHANGE).exit_code == 0
    assert yaml.safe_load((tmp_path / "sintef-example.yaml").read_text("utf-8")) == {
        "client": "sintef-example",
        "market": "nordic",
        "exchange": {"url": "https://x.example.com", "token_url": "https://t.example.com"},
    }
    assert run("validate", "sintef-example").exit_code == 0


def test_new__asks_for_the_addresses_that_are_not_given(tmp_path):
    words = ["client", "new", "sintef-example", "--files", str(tmp_path)]
    ended = CliRunner().invoke(app, words, input="https://x.example.com\nhttps://t.example.com\n")
    assert ended.exit_code == 0, ended.output
    said = yaml.safe_load((tmp_path / "sintef-example.yaml").read_text("utf-8"))
    assert said["exchange"] == {
        "url": "https://x.example.com",
        "token_url": "https://t.example.com",
    }


def test_new__of_a_backtest_client_pauses_its_jobs(run, tmp_path):
    assert run("new", "backtest-example", *EXCHANGE).exit_code == 0
    said = yaml.safe_load((tmp_path / "backtest-example.yaml").read_text("utf-8"))
    assert said["bids"] is False


def test_new__never_overwrites(run, tmp_path):
    made = ("new", "river-example", "--market", "nordic", *EXCHANGE)
    assert run(*made).exit_code == 0
    before = (tmp_path / "river-example.yaml").read_bytes()
    assert run(*made).exit_code == 2
    assert (tmp_path / "river-example.yaml").read_bytes() == before


def test_new__without_a_market_writes_nothing(run, tmp_path):
    ended = run("new", "river-example", *EXCHANGE)
    assert ended.exit_code == 2
    assert "market" in ended.output
    assert list(tmp_path.iterdir()) == []


def test_validate__tells_every_fault_at_once(run, tmp_path):
    (tmp_path / "river-example.yaml").write_text(
        "client: river-example\n"
        "market: nordic\n"
        "stages: {guard: 30, solve: {timeout: 900}}\n"
        "exchange: {url: http://x.example.com, token_url: https://t.example.com}\n"
        "desk: [allUsers]\n"
        "retension: {}\n",
        "utf-8",
    )
    ended = run("validate", "river-example", "--json")
    assert ended.exit_code == 2
    fields = {
        problem["field"] for problem in json.loads(ended.stdout)["error"]["details"]["problems"]
    }
    assert fields == {"stages.guard", "exchange.url", "desk[0]", "retension"}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("market: nordic\nstages: {guard: 600}\n", "stages.guard"),
        ("market: nordic-hourly\n", "market"),
        ("market: nordic\nbids: false\n", "bids"),
    ],
)
def test_validate__holds_a_file_against_the_clients_folder(run, tmp_path, text, field):
    (tmp_path / "sintef-example.yaml").write_text(
        f"client: sintef-example\n{text}"
        "exchange: {url: https://x.example.com, token_url: https://t.example.com}\n",
        "utf-8",
    )
    ended = run("validate", "sintef-example", "--json")
    assert ended.exit_code == 2
    assert [p["field"] for p in json.loads(ended.stdout)["error"]["details"]["problems"]] == [field]


@pytest.mark.parametrize(
    ("name", "text", "field"),
    [
        ("lake-example", "market: nordic\n", "client"),
        ("river-example", "market: nordik\n", "market"),
        ("river-example", 'market: nordic\nstages: {daily_run: "12:30"}\n', "stages.daily_run"),
        ("river-example", f"{NORDIC}retention: {{solves_days: 29}}\n", "retention.solves_days"),
        ("river-example", f"{NORDIC}{STANDBY}", "database_location"),
        (
            "river-example",
            f"{NORDIC}database_location: europe-west1\n{STANDBY}",
            "database_location",
        ),
        ("river-example", f"{TWO}region: europe-west4\n{STANDBY}", "standby.region"),
        ("river-example", f"{TWO}vpc_connector: out\n{STANDBY}", "standby.vpc_connector"),
        ("river-example", f"{TWO}kms_key: k\n", "kms_key"),
    ],
)
def test_validate__refuses(run, tmp_path, name, text, field):
    (tmp_path / f"{name}.yaml").write_text(
        f"client: river-example\n{text}"
        "exchange: {url: https://x.example.com, token_url: https://t.example.com}\n",
        "utf-8",
    )
    ended = run("validate", name, "--json")
    assert ended.exit_code == 2
    assert [p["field"] for p in json.loads(ended.stdout)["error"]["details"]["problems"]] == [field]


def test_apply__once_changes_and_again_does_not(run, tmp_path, monkeypatch):
    documents, clock = MemoryDocuments(), MemoryClock(MORNING)
    asked = []

    def console(settings: CloudSettings):
        asked.append(settings.project)
        return SimpleNamespace(documents=lambda _: documents, clock=clock)

    monkeypatch.setattr("hydrobid.bootstrap.console.Console", console)
    assert run("new", "sintef-example", *EXCHANGE).exit_code == 0
    command = ("apply", "sintef-example", "--project", "example-project", "--json")

    told = [json.loads(run(*command).stdout) for _ in range(2)]

    assert [each.pop("changed") for each in told] == [True, False]
    assert told[0] == told[1] == current_inputs(documents).to_document()
    assert set(asked) == {"example-project"}
    tried = json.loads(run(*command, "--description", "tried out").stdout)
    assert tried["changed"]
    assert tried["configuration"] != told[0]["configuration"]


def test_apply__without_a_folder_writes_nothing(run):
    assert run("new", "river-example", "--market", "nordic", *EXCHANGE).exit_code == 0
    ended = run("apply", "river-example", "--project", "example-project")
    assert ended.exit_code == 2
    assert "whose folder is here" in ended.output
