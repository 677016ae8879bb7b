"""Topics, subscriptions and workflows, created where they are not and brought up to date where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import grpc
from google.api_core import exceptions
from google.cloud import pubsub_v1, workflows_v1
from google.cloud.workflows_v1.services.workflows.transports import WorkflowsGrpcTransport
from google.protobuf.field_mask_pb2 import FieldMask

from hydrobid.domain.errors import PermanentError, ServiceUnavailable

CALL_SECONDS = 20.0
OPERATION_SECONDS = 120.0


class DeploymentRefused(PermanentError):
    """The cloud read what was to be deployed and said no; its words are the message."""

    code = "DEPLOYMENT_REFUSED"


@dataclass(frozen=True)
class Redelivery:
    """How a push subscription redelivers, and where it puts what it gives up."""

    ack_deadline_seconds: int
    minimum_backoff: timedelta
    maximum_backoff: timedelta
    maximum_attempts: int
    dead_letter_topic: str


@dataclass(frozen=True)
class Endpoint:
    """Where a subscription pushes. audience, identity: of the token that goes with each push."""

    url: str
    audience: str
    identity: str


@dataclass(frozen=True)
class WorkflowSource:
    """A workflow as it should be deployed. identity: the service account that it acts as."""

    path: str
    source: str
    environment: Mapping[str, str]
    identity: str


class PubSubResources:
    """Topics and subscriptions of a project."""

    def __init__(self) -> None:
        self._publisher = pubsub_v1.PublisherClient()
        self._subscriber = pubsub_v1.SubscriberClient()

    def ensure_topic(self, path: str) -> None:
        """Return when the topic is there."""
        try:
            self._publisher.create_topic(name=path, timeout=CALL_SECONDS)
        except exceptions.AlreadyExists:
            return

    def ensure_pull(self, path: str, topic: str) -> None:
        """Return when a subscription keeps what is published on `topic` until it is pulled."""
        try:
            self._subscriber.create_subscription(name=path, topic=topic, timeout=CALL_SECONDS)
        except exceptions.AlreadyExists:
            return

    def ensure_push(
        self, path: str, topic: str, endpoint: Endpoint, redelivery: Redelivery
    ) -> None:
        """Return when `topic` is pushed to `endpoint` as said."""
        wanted = pubsub_v1.types.Subscription(
            name=path,
            topic=topic,
            push_config=pubsub_v1.types.PushConfig(
                push_endpoint=endpoint.url,
                oidc_token=pubsub_v1.types.PushConfig.OidcToken(
                    service_account_email=endpoint.identity, audience=endpoint.audience
                ),
            ),
            ack_deadline_seconds=redelivery.ack_deadline_seconds,
            retry_policy=pubsub_v1.types.RetryPolicy(
                minimum_backoff=redelivery.minimum_backoff,
                maximum_backoff=redelivery.maximum_backoff,
            ),
            dead_letter_policy=pubsub_v1.types.DeadLetterPolicy(
                dead_letter_topic=redelivery.dead_letter_topic,
                max_delivery_attempts=redelivery.maximum_attempts,
            ),
        )
        try:
            self._subscriber.create_subscription(request=wanted, timeout=CALL_SECONDS)
        except exceptions.AlreadyExists:
            changeable = ("push_config", "ack_deadline_seconds", "retry_policy")
            mask = FieldMask(paths=[*changeable, "dead_letter_policy"])
            self._subscriber.update_subscription(
                subscription=wanted, update_mask=mask, timeout=CALL_SECONDS
            )

    def close(self) -> None:
        """Let go of the connections."""
        self._publisher.transport.close()
        self._subscriber.close()


class WorkflowDeployments:
    """Workflows of a location; `host` names a server other than Google's, spoken to without TLS."""

    def __init__(self, host: str | None = None) -> None:
        if host is None:
            self._client = workflows_v1.WorkflowsClient()
        else:
            transport = WorkflowsGrpcTransport(channel=grpc.insecure_channel(host))
            self._client = workflows_v1.WorkflowsClient(transport=transport)

    def ensure(self, wanted: WorkflowSource) -> None:
        """Return when the workflow is deployed; one that is so already gets no new revision."""
        parent, _, workflow_id = wanted.path.rpartition("/workflows/")
        workflow = workflows_v1.Workflow(
            name=wanted.path,
            source_contents=wanted.source,
            user_env_vars=dict(wanted.environment),
            service_account=wanted.identity,
        )
        try:
            found = self._client.get_workflow(name=wanted.path, timeout=CALL_SECONDS)
        except exceptions.NotFound:
            operation = self._client.create_workflow(
                parent=parent, workflow=workflow, workflow_id=workflow_id, timeout=CALL_SECONDS
            )
        else:
            if _same(found, workflow):
                return
            operation = self._client.update_workflow(workflow=workflow, timeout=CALL_SECONDS)
        operation.result(timeout=OPERATION_SECONDS)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Let go of the connection."""
        self._client.transport.close()  # type: ignore[no-untyped-call]


@contextmanager
def deployment_errors(subject: str) -> Iterator[None]:
    """Turn Google's errors while `subject` is deployed into ours."""
    try:
        yield
    except (
        exceptions.ServerError,
        exceptions.TooManyRequests,
        exceptions.RetryError,
        TimeoutError,
    ) as error:
        raise ServiceUnavailable(f"{subject}: {error}", subject=subject) from error
    except exceptions.GoogleAPICallError as error:
        raise DeploymentRefused(f"{subject}: {error.message}", subject=subject) from error


def _same(found: workflows_v1.Workflow, wanted: workflows_v1.Workflow) -> bool:
    return (
        found.source_contents == wanted.source_contents
        and dict(found.user_env_vars) == dict(wanted.user_env_vars)
        # Google answers with the full name of the account.
        and str(found.service_account).rpartition("/")[2] == wanted.service_account
    )
