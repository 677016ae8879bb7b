"""What deploying makes in Pub/Sub, Workflows and the Scheduler, asked for as Google is asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
from google.cloud import pubsub_v1, workflows_v1
from google.cloud.workflows_v1.services.workflows.transports import WorkflowsGrpcTransport

from emulators.clock import MarketClock
from emulators.process import Options
from emulators.pubsub import server as pubsub
from emulators.scheduler import server as scheduling
from emulators.workflows import server as workflows
from hydrobid.adapters.deployment import DeploymentRefused
from hydrobid.bootstrap.deployment import deploy, deploy_jobs
from hydrobid.bootstrap.settings import CloudSettings
from hydrobid.cli.local_cloud.ports import free_port
from hydrobid.domain.errors import ServiceUnavailable
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.stages import Stages
from hydrobid.schema import configuration_of

CLIENT = ClientId("test-client")
SOURCES = Path(__file__).parents[2] / "workflows"
FUNCTIONS = ("dispatcher", "solver", "aggregator", "submission")
TOPICS = "projects/test/topics/test-client"
SUBSCRIPTIONS = "projects/test/subscriptions/test-client"
WORKFLOWS = "projects/test/locations/europe-north1/workflows/test-client"


@dataclass
class Cloud:
    """A Pub/Sub and a Workflows in this process."""

    settings: CloudSettings
    publisher: pubsub_v1.PublisherClient
    subscriber: pubsub_v1.SubscriberClient
    workflows: workflows_v1.WorkflowsClient

    def deploy(self, port: int, sources: Path = SOURCES) -> None:
        """Deploy a client whose functions listen from `port` on."""
        urls = {name: f"http://127.0.0.1:{port + at}" for at, name in enumerate(FUNCTIONS)}
        deploy(self.settings, CLIENT, Stages(), urls, sources)

    def subscription(self, name: str) -> pubsub_v1.types.Subscription:
        return self.subscriber.get_subscription(subscription=f"{SUBSCRIPTIONS}-{name}")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    options = Options(0, None, MarketClock(None))
    messaging = pubsub.serve(options)
    executor = workflows.serve(workflows.WorkflowsOptions(options))
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{messaging.port}")
    host = f"127.0.0.1:{executor.port}"
    made = Cloud(
        CloudSettings(project="test", location="europe-north1", workflows_host=host),
        pubsub_v1.PublisherClient(),
        pubsub_v1.SubscriberClient(),
        workflows_v1.WorkflowsClient(
            transport=WorkflowsGrpcTransport(channel=grpc.insecure_channel(host))
        ),
    )
    yield made
    made.publisher.transport.close()
    made.subscriber.close()
    made.workflows.transport.close()
    executor.stop()
    messaging.stop()


def test_deploy__each_topic_is_pushed_to_its_function_as_declared(cloud):
    cloud.deploy(9000)

    topics = {topic.name for topic in cloud.publisher.list_topics(project="projects/test")}
    assert topics == {
        f"{TOPICS}-{name}"
        for name in (
            "asset-settled",
            "asset-bid",
            "cutoff-reached",
            "approval-decided",
            "hold-changed",
            "dry-run-asked",
            "results-due",
            "dead-letters",
        )
    }
    pushed = cloud.subscription("asset-bid-submission")
    assert pushed.topic == f"{TOPICS}-asset-bid"
    assert pushed.push_config.push_endpoint == f"http://127.0.0.1:9003/{TOPICS}-asset-bid"
    assert pushed.push_config.oidc_token.service_account_email == (
        "test-client-invoker@test.iam.gserviceaccount.com"
    )
    assert pushed.push_config.oidc_token.audience == "http://127.0.0.1:9003"
    assert pushed.ack_deadline_seconds == Stages().submit.timeout
    assert pushed.retry_policy.minimum_backoff.total_seconds() == 1
    assert pushed.retry_policy.maximum_backoff.total_seconds() == 60
    assert pushed.dead_letter_policy.dead_letter_topic == f"{TOPICS}-dead-letters"
    assert pushed.dead_letter_policy.max_delivery_attempts == Stages().submit.attempts
    assert cloud.subscription("dead-letters-kept").topic == f"{TOPICS}-dead-letters"


def test_deploy__workflows_find_functions_topics_and_each_other(cloud):
    cloud.deploy(9000)

    daily = cloud.workflows.get_workflow(name=f"{WORKFLOWS}-daily-bid")
    assert daily.source_contents == (SOURCES / "daily_bid.yaml").read_text(encoding="utf-8")
    assert dict(daily.user_env_vars) == {
        "DISPATCH_TIMEOUT": "120",
        "DISPATCH_ATTEMPTS": "3",
        "DISPATCHER_URL": "http://127.0.0.1:9000",
        "SOLVER_URL": "http://127.0.0.1:9001",
        "SOLVE_ASSET_WORKFLOW": "test-client-solve-asset",
        "ASSET_SETTLED_TOPIC": f"{TOPICS}-asset-settled",
        "CUTOFF_REACHED_TOPIC": f"{TOPICS}-cutoff-reached",
    }
    assert cloud.workflows.get_workflow(name=f"{WORKFLOWS}-solve-asset").source_contents


def test_deploy__again_changes_nothing(cloud):
    cloud.deploy(9000)
    before = cloud.workflows.get_workflow(name=f"{WORKFLOWS}-daily-bid")
    pushed = cloud.subscription("asset-settled-aggregator")
    cloud.deploy(9000)

    assert cloud.workflows.get_workflow(name=f"{WORKFLOWS}-daily-bid") == before
    assert cloud.subscription("asset-settled-aggregator") == pushed


def test_deploy__functions_that_moved_are_found_where_they_are(cloud):
    cloud.deploy(9000)
    cloud.deploy(9100)

    pushed = cloud.subscription("asset-settled-aggregator")
    assert pushed.push_config.push_endpoint == f"http://127.0.0.1:9102/{TOPICS}-asset-settled"
    daily = cloud.workflows.get_workflow(name=f"{WORKFLOWS}-daily-bid")
    assert daily.user_env_vars["SOLVER_URL"] == "http://127.0.0.1:9101"
    assert daily.revision_id.startswith("000002")


def test_deploy__a_faulty_workflow_is_refused_by_name(cloud, tmp_path):
    for source in SOURCES.glob("*.yaml"):
        text = source.read_text(encoding="utf-8").replace("next: finished", "next: nowhere")
        (tmp_path / source.name).write_text(text, encoding="utf-8")
    with pytest.raises(DeploymentRefused, match=r"daily_bid\.yaml of test-client: .*nowhere"):
        cloud.deploy(9000, tmp_path)


def test_deploy__a_cloud_that_is_gone_is_unavailable(cloud, monkeypatch):
    monkeypatch.setattr("hydrobid.adapters.deployment.CALL_SECONDS", 0.3)
    gone = cloud.settings.model_copy(update={"workflows_host": f"127.0.0.1:{free_port([])}"})
    with pytest.raises(ServiceUnavailable, match=r"daily_bid\.yaml of test-client"):
        deploy(gone, CLIENT, Stages(), dict.fromkeys(FUNCTIONS, "http://127.0.0.1:9"), SOURCES)


def test_deploy_jobs__fire_on_the_markets_clock_within_the_clients_budgets(sintef_inputs):
    configuration = configuration_of(sintef_inputs.configuration)
    scheduler = scheduling.serve(
        scheduling.SchedulerOptions(Options(0, None, MarketClock(None)), None, None)
    )
    settings = CloudSettings(project="test", scheduler_host=f"127.0.0.1:{scheduler.port}")
    location = f"http://127.0.0.1:{scheduler.port}/v1/projects/test/locations/europe-north1/jobs"
    market, stages = configuration.market, configuration.stages

    deploy_jobs(settings, CLIENT, market, stages, paused=True)
    deploy_jobs(settings, CLIENT, market, stages, paused=True)
    paused = {job["name"].rpartition("/")[2]: job for job in listed(location)}
    deploy_jobs(settings, CLIENT, market, stages, paused=False)
    states = {job["state"] for job in listed(location)}
    scheduler.stop()

    assert {name: job["schedule"] for name, job in paused.items()} == {
        "test-client-daily-run": "0 10 * * *",
        "test-client-guard": "* 11-12 * * *",
        "test-client-alerts": "*/5 * * * *",
        "test-client-results": "*/5 * * * *",
        "test-client-benchmark": "30 3 * * *",
    }
    assert {job["timeZone"] for job in paused.values()} == {"Europe/Oslo"}
    assert {job["state"] for job in paused.values()} == {"PAUSED"}
    assert states == {"ENABLED"}
    guard = paused["test-client-guard"]["pubsubTarget"]
    assert guard["topicName"] == f"{TOPICS}-cutoff-reached"
    assert json.loads(base64.b64decode(guard["data"])) == {"client": CLIENT}
    sweep = paused["test-client-alerts"]["pubsubTarget"]
    assert sweep["topicName"] == f"{TOPICS}-cutoff-reached"
    assert json.loads(base64.b64decode(sweep["data"])) == {"client": CLIENT, "sweep": "alerts"}
    results = paused["test-client-results"]["pubsubTarget"]
    assert results["topicName"] == f"{TOPICS}-results-due"
    assert json.loads(base64.b64decode(results["data"])) == {"client": CLIENT}


def listed(location: str) -> list[dict]:
    jobs: list[dict] = httpx.get(location, trust_env=False).json()["jobs"]
    return jobs
