"""What terraform/ makes of the example clients, planned and applied without Google."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from terraform.resources import Values, changes_of, of_client, resources_of
from terraform.stack import GOLDEN, PROJECT, ROOT, Stack, agreed

from hydrobid.adapters.firestore import EXPIRES_AT
from hydrobid.adapters.scheduler import topic_target, workflow_target
from hydrobid.bootstrap import deployment
from hydrobid.bootstrap.schedule import schedule_of
from hydrobid.bootstrap.settings import (
    CloudSettings,
    DeskSettings,
    DispatcherSettings,
    FunctionSettings,
    SolverSettings,
    SubmissionSettings,
)
from hydrobid.bootstrap.topology import (
    database_id,
    job_path,
    subscription_path,
    topic_path,
    topology,
    workflow_path,
)
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.market import Market
from hydrobid.domain.messages import AlertSweep, GuardTick, ResultsDue
from hydrobid.domain.stages import Stages

pytestmark = [pytest.mark.xdist_group("terraform")]

CLIENTS = sorted(path.stem for path in (ROOT / "terraform" / "clients").glob("*.yaml"))
REGION = "europe-north1"
Options = tuple[Stack, dict[str, Values]]
SETTINGS: dict[str, type[FunctionSettings]] = {
    "dispatcher": DispatcherSettings,
    "solver": SolverSettings,
    "aggregator": FunctionSettings,
    "submission": SubmissionSettings,
    "desk": DeskSettings,
}
OPTIONS = """\
database_location: eur3
standby: {region: europe-west4}
retention: {solves_days: 30}
"""
ADDED = """\
client: river-example
market: nordic
exchange: {url: https://exchange.example.com, token_url: https://sts.example.com/token}
"""


def test_files__are_formatted(applied: Stack) -> None:
    assert applied.run("fmt", "-check", "-recursive") == ""


def test_files__are_valid(applied: Stack) -> None:
    assert json.loads(applied.run("validate", "-json"))["diagnostics"] == []


def test_stand_in__is_found_in_its_mirror_and_started_by_terraform(
    program: str, mirror: Path, tmp_path: Path
) -> None:
    source = 'terraform {\n  required_providers {\n    google = { version = "~> 8.7" }\n  }\n}\n'
    topic = 'resource "google_pubsub_topic" "this" {\n  nam = "x"\n}\n'
    (tmp_path / "main.tf").write_text(source + topic, "utf-8")
    stack = Stack(tmp_path, program, {"TF_CLI_CONFIG_FILE": str(mirror)})
    stack.run("init", "-input=false")

    told = json.loads(stack.tried("validate", "-json").stdout)["diagnostics"]

    assert {fault["summary"] for fault in told} == {
        "Missing required argument",
        "Unsupported argument",
    }


def test_inputs__are_checked_by_terraforms_own_tests(applied: Stack) -> None:
    told = applied.run("test", "-no-color", *applied.variables)
    assert re.search(r"^Success! [1-9]\d* passed, 0 failed\.", told, re.MULTILINE), told


def test_platform__has_what_was_agreed(applied: Stack) -> None:
    resources = resources_of(applied.state)
    agreed("platform", [a for a in resources if a.startswith("module.platform.")])


@pytest.mark.parametrize("client", CLIENTS)
def test_client__has_what_was_agreed(applied: Stack, client: str) -> None:
    agreed("client", list(of_client(resources_of(applied.state), client)))


def test_adding_a_client__touches_no_other(applied: Stack, tmp_path: Path) -> None:
    """Given what was applied, when one file is added, then its own parts come and nothing else."""
    stack = applied.copy(tmp_path)
    (stack.folder / "clients" / "river-example.yaml").write_text(ADDED, "utf-8")

    changes = changes_of(stack.plan())

    assert changes
    assert {address.partition(".google_")[0] for address in changes} == {
        'module.client["river-example"]'
    }
    assert {tuple(actions) for actions in changes.values()} == {("create",)}


@pytest.fixture(scope="module")
def with_options(applied: Stack, tmp_path_factory: pytest.TempPathFactory) -> Options:
    """A client that stands by in a second region and deletes what was solved, and what it has."""
    stack = applied.copy(tmp_path_factory.mktemp("options"))
    (stack.folder / "clients" / "river-example.yaml").write_text(f"{ADDED}{OPTIONS}", "utf-8")
    stack.run("apply", "-input=false", "-auto-approve", "-refresh=false", *stack.variables)
    state = json.loads(stack.run("show", "-json"))
    return stack, of_client(resources_of(state), "river-example")


def test_options__add_what_was_agreed(with_options: Options) -> None:
    _, made = with_options
    usual = (GOLDEN / "client.txt").read_text("utf-8").splitlines()
    assert set(usual) <= set(made)
    agreed("client-options", sorted({*made} - {*usual}))


def test_standing_in__touches_nothing_of_the_lost_region(with_options: Options) -> None:
    """Given a client that stands by, when its second region is made the active one, then what is
    planned changes pushes and that region's jobs, and asks nothing of the first.
    """
    stack, before = with_options
    file = stack.folder / "clients" / "river-example.yaml"
    file.write_text(file.read_text("utf-8").replace("west4}", "west4, active: true}"), "utf-8")
    plan = stack.plan()

    changes = {a.partition("].")[2]: actions for a, actions in changes_of(plan).items()}
    jobs = {address for address in before if address.startswith("google_cloud_scheduler_job.")}
    pushes = {f'google_pubsub_subscription.push["{topic}"]' for topic in topology().topics}
    assert changes == {a: ["update"] for a in pushes | {job for job in jobs if "standby/" in job}}
    after = of_client(resources_of({"values": plan["planned_values"]}), "river-example")
    for topic, declared in topology().topics.items():
        push = after[f'google_pubsub_subscription.push["{topic}"]']["push_config"][0]
        there = before[f'google_cloudfunctions2_function.this["standby/{declared.function}"]']
        assert push["push_endpoint"].startswith(there["service_config"][0]["uri"])
    assert not any(after[job]["paused"] for job in jobs)


def test_expiring__are_the_collections_and_the_field_that_the_library_writes(
    with_options: Options,
) -> None:
    _, made = with_options
    fields = [v for a, v in made.items() if a.startswith("google_firestore_field.expiring[")]
    assert {field["collection"] for field in fields} == set(topology().expiring)
    assert {field["field"] for field in fields} == {EXPIRES_AT}
    assert all(field["ttl_config"] and field["index_config"] for field in fields)
    told = made['google_cloudfunctions2_function.this["dispatcher"]']["service_config"][0]
    assert told["environment_variables"]["HYDROBID_SOLVES_DAYS"] == "30"


def test_release__is_told_whole_so_that_it_can_be_applied_again(applied: Stack) -> None:
    """terraform/deploy.py makes the folder of an earlier release from this output alone."""
    release = applied.state["values"]["outputs"]["release"]["value"]
    dist = applied.folder.parent / "dist"
    manifest = json.loads((dist / "manifest.json").read_text("utf-8"))

    assert release["archives"] == {n: f"functions/{e['file']}" for n, e in manifest.items()}
    assert release["workflows"] == {
        path.name: path.read_text("utf-8") for path in (dist / "workflows").iterdir()
    }
    assert release["bucket"] == f"{PROJECT}-hydrobid-archives"


def test_shards__each_has_the_clients_whose_files_name_it(applied: Stack, tmp_path: Path) -> None:
    stack = applied.copy(tmp_path)
    (stack.folder / "clients" / "river-example.yaml").write_text(f"{ADDED}shard: north\n", "utf-8")

    assert stack.value_of("keys(local.clients)") == CLIENTS
    assert stack.value_of("keys(local.clients)", "-var=shard=north") == ["river-example"]


@pytest.mark.parametrize("client", CLIENTS)
def test_names__are_the_librarys(applied: Stack, client: str) -> None:
    """What the library addresses is what terraform makes, so that both clouds are one."""
    id_, declared = ClientId(client), topology()
    made = of_client(resources_of(applied.state), client)

    def names(kind: str, *of: str) -> set[tuple[Any, ...]]:
        return {
            tuple(values[key] for key in of)
            for address, values in made.items()
            if address.startswith(f"{kind}.")
        }

    topics = [*declared.topics, declared.dead_letters]
    subscriptions = [
        *(subscription_path(PROJECT, id_, name, t.function) for name, t in declared.topics.items()),
        subscription_path(PROJECT, id_, declared.dead_letters, deployment.KEPT),
    ]
    assert names("google_pubsub_topic", "name") == {
        (topic_path(PROJECT, id_, topic).rpartition("/")[2],) for topic in topics
    }
    assert names("google_pubsub_subscription", "name") == {
        (path.rpartition("/")[2],) for path in subscriptions
    }
    assert names("google_workflows_workflow", "region", "name") == {
        (REGION, workflow_path(PROJECT, REGION, id_, name).rpartition("/")[2])
        for name in declared.workflows
    }
    assert names("google_cloud_scheduler_job", "region", "name") == {
        (REGION, job_path(PROJECT, REGION, id_, job).rpartition("/")[2]) for job in declared.jobs
    }
    assert names("google_firestore_database", "name") == {(database_id(id_),)}


@pytest.mark.parametrize("client", CLIENTS)
def test_jobs__say_and_fire_as_the_librarys(applied: Stack, client: str) -> None:
    id_ = ClientId(client)
    made = of_client(resources_of(applied.state), client)
    schedule = schedule_of(_market(client), Stages.from_document(_said(client).get("stages", {})))
    identity = "any"

    def starts(workflow: str) -> dict[str, Any]:
        path = made[f'google_workflows_workflow.this["{workflow}"]']["id"]
        return workflow_target(path, {"client": client}, identity)

    targets = {
        "daily-run": starts("daily-bid"),
        "benchmark": starts("benchmark-methods"),
        "guard": topic_target("any", GuardTick(client=id_).to_document()),
        "alerts": topic_target("any", AlertSweep(client=id_).to_document()),
        "results": topic_target("any", ResultsDue(client=id_).to_document()),
    }
    crons = {
        "daily-run": schedule.daily_run,
        "guard": schedule.guard,
        "alerts": schedule.alerts,
        "results": schedule.results,
        "benchmark": schedule.benchmark,
    }
    assert set(targets) == set(topology().jobs)
    for name, target in targets.items():
        kind = "workflow" if "httpTarget" in target else "topic"
        job = made[f'google_cloud_scheduler_job.{kind}["{name}"]']
        assert (job["schedule"], job["time_zone"]) == (crons[name], schedule.time_zone)
        said = _said(client)
        rehearsed = said.get("rehearsal", False) and name == "results"
        assert job["paused"] == (rehearsed or not said.get("bids", True))
        if kind == "workflow":
            got, wanted = job["http_target"][0], target["httpTarget"]
            assert got["uri"] == wanted["uri"]
            assert _argument(got["body"]) == _argument(wanted["body"])
        else:
            got, wanted = job["pubsub_target"][0], target["pubsubTarget"]
            assert _decoded(got["data"]) == _decoded(wanted["data"])


@pytest.mark.parametrize("client", CLIENTS)
def test_functions__are_told_what_they_need(
    applied: Stack, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = of_client(resources_of(applied.state), client)
    for name in topology().functions:
        service = made[f'google_cloudfunctions2_function.this["{name}"]']["service_config"][0]
        with monkeypatch.context() as patch:
            for variable, value in service["environment_variables"].items():
                patch.setenv(variable, value)
            settings = SETTINGS[name]()
        assert settings.client == client
        known = {f"HYDROBID_{field}".upper() for field in SETTINGS[name].model_fields}
        assert set(service["environment_variables"]) <= known


@pytest.mark.parametrize("client", CLIENTS)
def test_workflows__know_what_the_local_clouds_know(applied: Stack, client: str) -> None:
    made = of_client(resources_of(applied.state), client)
    urls = {
        name: made[f'google_cloudfunctions2_function.this["{name}"]']["service_config"][0]["uri"]
        for name in topology().functions
    }
    wanted = deployment._workflow_environment(
        CloudSettings(project=PROJECT, location=REGION),
        ClientId(client),
        Stages.from_document(_said(client).get("stages", {})),
        urls,
    )
    for name, workflow in topology().workflows.items():
        got = made[f'google_workflows_workflow.this["{name}"]']
        topics = {key for key in wanted if key.endswith("_TOPIC")}
        # A topic's id is Google's to give, projects/P/topics/T; the stand-in makes up another.
        assert {k: v for k, v in got["user_env_vars"].items() if k not in topics} == {
            k: v for k, v in wanted.items() if k not in topics
        }
        assert topics <= set(got["user_env_vars"])
        assert got["source_contents"] == (ROOT / "workflows" / workflow.source).read_text("utf-8")


def _said(client: str) -> dict[str, Any]:
    text = (ROOT / "terraform" / "clients" / f"{client}.yaml").read_text("utf-8")
    said: dict[str, Any] = yaml.safe_load(text)
    return said


def _market(client: str) -> Market:
    folder = ROOT / "shared" / "hydrobid" / "schema" / "markets"
    text = (folder / f"{_said(client)['market']}.yaml").read_text("utf-8")
    return Market.from_document(yaml.safe_load(text))


def _decoded(data: str) -> Any:
    return json.loads(base64.b64decode(data))


def _argument(body: str) -> Any:
    return json.loads(_decoded(body)["argument"])
