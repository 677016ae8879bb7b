"""What the topology declares for a client, made real in a cloud; repeating it changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from hydrobid.adapters.deployment import (
    Endpoint,
    PubSubResources,
    Redelivery,
    WorkflowDeployments,
    WorkflowSource,
    deployment_errors,
)
from hydrobid.adapters.scheduler import (
    ScheduledJob,
    SchedulerJobs,
    topic_target,
    workflow_target,
)
from hydrobid.bootstrap.schedule import Schedule, schedule_of
from hydrobid.bootstrap.settings import CloudSettings
from hydrobid.bootstrap.topology import (
    job_path,
    resource_id,
    subscription_path,
    topic_path,
    topology,
    workflow_path,
)
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.market import Market
from hydrobid.domain.messages import AlertSweep, GuardTick, ResultsDue
from hydrobid.domain.stages import FIRST_BACKOFF, LONGEST_BACKOFF, Stage, Stages

IDENTITY = "invoker"
KEPT = "kept"


def deploy(
    settings: CloudSettings,
    client: ClientId,
    stages: Stages,
    function_urls: Mapping[str, str],
    workflow_sources: Path,
) -> None:
    """Create or update a client's topics, subscriptions and workflows.

    stages: the client's budgets. function_urls: where each of its functions listens.
    workflow_sources: the folder of the workflows' YAML.

    Raises:
        DeploymentRefused: the cloud refused something, as a workflow with a fault.
        ServiceUnavailable: the cloud did not answer.
    """
    with closing(PubSubResources()) as resources, deployment_errors(f"messaging of {client}"):
        _deploy_messaging(settings, client, stages, function_urls, resources)
    with closing(WorkflowDeployments(settings.workflows_host)) as workflows:
        for name, workflow in topology().workflows.items():
            source = workflow_sources / workflow.source
            wanted = WorkflowSource(
                path=workflow_path(settings.project, settings.location, client, name),
                source=source.read_text(encoding="utf-8"),
                environment=_workflow_environment(settings, client, stages, function_urls),
                identity=_identity(settings, client),
            )
            with deployment_errors(f"{source.name} of {client}"):
                workflows.ensure(wanted)


def deploy_jobs(
    settings: CloudSettings, client: ClientId, market: Market, stages: Stages, *, paused: bool
) -> None:
    """Create or update a client's cron jobs on the Scheduler that the settings name.

    Raises:
        DeploymentRefused, ServiceUnavailable: as `deploy`.
    """
    if settings.scheduler_host is None:
        return
    schedule = schedule_of(market, stages)
    jobs = {
        "daily-run": _starts(settings, client, schedule, "daily-run", schedule.daily_run),
        "benchmark": _starts(settings, client, schedule, "benchmark", schedule.benchmark),
        "guard": _ticks(settings, schedule, "guard", schedule.guard, GuardTick(client=client)),
        "alerts": _ticks(settings, schedule, "alerts", schedule.alerts, AlertSweep(client=client)),
        "results": _ticks(
            settings, schedule, "results", schedule.results, ResultsDue(client=client)
        ),
    }
    with closing(SchedulerJobs(settings.scheduler_host)) as scheduler:
        for name in topology().jobs:
            scheduler.ensure(jobs[name], paused=paused)


def _starts(
    settings: CloudSettings, client: ClientId, schedule: Schedule, job: str, cron: str
) -> ScheduledJob:
    """Return a job that starts its workflow for a client."""
    workflow = str(topology().jobs[job].workflow)
    path = workflow_path(settings.project, settings.location, client, workflow)
    return ScheduledJob(
        path=job_path(settings.project, settings.location, client, job),
        schedule=cron,
        time_zone=schedule.time_zone,
        target=workflow_target(path, {"client": client}, _identity(settings, client)),
    )


def _ticks(
    settings: CloudSettings,
    schedule: Schedule,
    job: str,
    cron: str,
    message: GuardTick | AlertSweep | ResultsDue,
) -> ScheduledJob:
    return ScheduledJob(
        path=job_path(settings.project, settings.location, message.client, job),
        schedule=cron,
        time_zone=schedule.time_zone,
        target=topic_target(
            topic_path(settings.project, message.client, message.topic), message.to_document()
        ),
    )


def _deploy_messaging(
    settings: CloudSettings,
    client: ClientId,
    stages: Stages,
    function_urls: Mapping[str, str],
    resources: PubSubResources,
) -> None:
    declared = topology()
    project = settings.project
    dead_letters = topic_path(project, client, declared.dead_letters)
    resources.ensure_topic(dead_letters)
    # Subscribed before anything can be given up, so that no dead letter is lost.
    kept = subscription_path(project, client, declared.dead_letters, KEPT)
    resources.ensure_pull(kept, dead_letters)
    for name, topic in declared.topics.items():
        path = topic_path(project, client, name)
        stage: Stage = getattr(stages, topic.stage)
        resources.ensure_topic(path)
        resources.ensure_push(
            subscription_path(project, client, name, topic.function),
            path,
            Endpoint(
                # The functions framework takes the topic from the path.
                url=f"{function_urls[topic.function]}/{path}",
                audience=function_urls[topic.function],
                identity=_identity(settings, client),
            ),
            Redelivery(
                ack_deadline_seconds=stage.timeout,
                minimum_backoff=timedelta(seconds=FIRST_BACKOFF),
                maximum_backoff=timedelta(seconds=LONGEST_BACKOFF),
                maximum_attempts=stage.attempts,
                dead_letter_topic=dead_letters,
            ),
        )


def _workflow_environment(
    settings: CloudSettings, client: ClientId, stages: Stages, function_urls: Mapping[str, str]
) -> dict[str, str]:
    return {
        "DISPATCH_TIMEOUT": str(stages.dispatch.timeout),
        "DISPATCH_ATTEMPTS": str(stages.dispatch.attempts),
        "DISPATCHER_URL": function_urls["dispatcher"],
        "SOLVER_URL": function_urls["solver"],
        "SOLVE_ASSET_WORKFLOW": resource_id(client, "solve-asset"),
        "ASSET_SETTLED_TOPIC": topic_path(settings.project, client, "asset-settled"),
        "CUTOFF_REACHED_TOPIC": topic_path(settings.project, client, "cutoff-reached"),
    }


def _identity(settings: CloudSettings, client: ClientId) -> str:
    """Return the service account in whose name the client's parts call each other."""
    return f"{resource_id(client, IDENTITY)}@{settings.project}.iam.gserviceaccount.com"
