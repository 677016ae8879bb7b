"""What the topology declares for a client, made real in a cloud; repeating it changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from hydrobid.adapters.deployment import (
    PubSubResources,
    Redelivery,
    WorkflowDeployments,
    WorkflowSource,
    deployment_errors,
)
from hydrobid.bootstrap.settings import CloudSettings
from hydrobid.bootstrap.topology import (
    resource_id,
    subscription_path,
    topic_path,
    topology,
    workflow_path,
)
from hydrobid.domain.identifiers import ClientId

IDENTITY = "invoker"
KEPT = "kept"


def deploy(
    settings: CloudSettings,
    client: ClientId,
    function_urls: Mapping[str, str],
    workflow_sources: Path,
) -> None:
    """Create or update a client's topics, subscriptions and workflows.

    function_urls: where each of the client's functions listens. workflow_sources: the folder of
    the workflows' YAML.

    Raises:
        DeploymentRefused: the cloud refused something, as a workflow with a fault.
        ServiceUnavailable: the cloud did not answer.
    """
    with closing(PubSubResources()) as resources, deployment_errors(f"messaging of {client}"):
        _deploy_messaging(settings, client, function_urls, resources)
    with closing(WorkflowDeployments(settings.workflows_host)) as workflows:
        for name, workflow in topology().workflows.items():
            source = workflow_sources / workflow.source
            wanted = WorkflowSource(
                path=workflow_path(settings.project, settings.location, client, name),
                source=source.read_text(encoding="utf-8"),
                environment=_workflow_environment(settings, client, function_urls),
                identity=_identity(settings, client),
            )
            with deployment_errors(f"{source.name} of {client}"):
                workflows.ensure(wanted)


def _deploy_messaging(
    settings: CloudSettings,
    client: ClientId,
    function_urls: Mapping[str, str],
    resources: PubSubResources,
) -> None:
    declared = topology()
    project, policy = settings.project, declared.subscription
    dead_letters = topic_path(project, client, declared.dead_letters)
    resources.ensure_topic(dead_letters)
    # Subscribed before anything can be given up, so that no dead letter is lost.
    kept = subscription_path(project, client, declared.dead_letters, KEPT)
    resources.ensure_pull(kept, dead_letters)
    redelivery = Redelivery(
        ack_deadline_seconds=policy.ack_deadline_seconds,
        minimum_backoff=timedelta(seconds=policy.minimum_backoff_seconds),
        maximum_backoff=timedelta(seconds=policy.maximum_backoff_seconds),
        maximum_attempts=policy.maximum_attempts,
        dead_letter_topic=dead_letters,
    )
    for name, topic in declared.topics.items():
        path = topic_path(project, client, name)
        resources.ensure_topic(path)
        resources.ensure_push(
            subscription_path(project, client, name, topic.function),
            path,
            # The functions framework takes the topic from the path.
            f"{function_urls[topic.function]}/{path}",
            _identity(settings, client),
            redelivery,
        )


def _workflow_environment(
    settings: CloudSettings, client: ClientId, function_urls: Mapping[str, str]
) -> dict[str, str]:
    return {
        "DISPATCHER_URL": function_urls["dispatcher"],
        "SOLVER_URL": function_urls["solver"],
        "SOLVE_ASSET_WORKFLOW": resource_id(client, "solve-asset"),
        "ASSET_SETTLED_TOPIC": topic_path(settings.project, client, "asset-settled"),
        "CUTOFF_REACHED_TOPIC": topic_path(settings.project, client, "cutoff-reached"),
    }


def _identity(settings: CloudSettings, client: ClientId) -> str:
    """Return the service account in whose name the client's parts call each other."""
    return f"{resource_id(client, IDENTITY)}@{settings.project}.iam.gserviceaccount.com"
