"""The parts that a client has in a cloud, and what they are called there."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Self

import yaml
from pydantic import model_validator

from hydrobid.domain.base import Value
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.stages import LEASE


class Function(Value):
    """A function. timeout_seconds: how long one request may take."""

    timeout_seconds: int


class Topic(Value):
    """A topic that is pushed to one function."""

    function: str


class Subscription(Value):
    """How every push subscription redelivers."""

    ack_deadline_seconds: int
    minimum_backoff_seconds: int
    maximum_backoff_seconds: int
    maximum_attempts: int

    @model_validator(mode="after")
    def _outlasts_the_lease(self) -> Self:
        backoffs = (self.minimum_backoff_seconds * 2**n for n in range(self.maximum_attempts - 1))
        waited = sum(min(backoff, self.maximum_backoff_seconds) for backoff in backoffs)
        if waited <= LEASE.total_seconds():
            raise ValueError(
                f"retries over more than a lease's {LEASE.total_seconds():g} s: {waited} s"
            )
        return self


class Workflow(Value):
    """A workflow and the file, under workflows/, that it is deployed from."""

    source: str


class Topology(Value):
    """Everything that a client has; names are without the client's prefix."""

    functions: dict[str, Function]
    topics: dict[str, Topic]
    subscription: Subscription
    dead_letters: str
    workflows: dict[str, Workflow]


@lru_cache(maxsize=1)
def topology() -> Topology:
    """Return the declaration that is packed with the library."""
    text = resources.files(__package__).joinpath("topology.yaml").read_text(encoding="utf-8")
    return Topology.from_document(yaml.safe_load(text))


def resource_id(client: ClientId, name: str) -> str:
    """Return what a client's topic, workflow or function is called."""
    return f"{client}-{name}"


def topic_path(project: str, client: ClientId, topic: str) -> str:
    """Return the full name of a client's topic."""
    return f"projects/{project}/topics/{resource_id(client, topic)}"


def subscription_path(project: str, client: ClientId, topic: str, function: str) -> str:
    """Return the full name of the subscription that pushes a topic to a function."""
    return f"projects/{project}/subscriptions/{resource_id(client, topic)}-{function}"


def workflow_path(project: str, location: str, client: ClientId, workflow: str) -> str:
    """Return the full name of a client's workflow."""
    return f"projects/{project}/locations/{location}/workflows/{resource_id(client, workflow)}"


def database_id(client: ClientId) -> str:
    """Return the id of a client's own Firestore database."""
    return f"hydrobid-{client}"
