"""The parts that a client has in a cloud, and what they are called there."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Literal

import yaml

from hydrobid.domain.base import Value
from hydrobid.domain.identifiers import ClientId

DAILY_BID, BENCHMARK = "daily-bid", "benchmark-methods"


class Topic(Value):
    """A topic that is pushed to one function, within the budget of one stage.

    published_by: functions, or the workflows, the jobs or the buckets.
    """

    function: str
    stage: Literal["aggregate", "submit"]
    published_by: tuple[str, ...]


class Bucket(Value):
    """A bucket that tells a topic of each file that is put into it. read_by: functions."""

    topic: str
    read_by: tuple[str, ...]


class Workflow(Value):
    """A workflow and the file, under workflows/, that it is deployed from.

    started_by: functions, or the workflows or the jobs.
    """

    source: str
    started_by: tuple[str, ...]


class Job(Value):
    """A cron job that starts a workflow or publishes to a topic."""

    workflow: str | None = None
    topic: str | None = None


class Topology(Value):
    """Everything that a client has; names are without the client's prefix.

    expiring: collections of its database of which some documents say when they may be deleted.
    """

    functions: tuple[str, ...]
    topics: dict[str, Topic]
    buckets: dict[str, Bucket]
    dead_letters: str
    expiring: tuple[str, ...]
    workflows: dict[str, Workflow]
    jobs: dict[str, Job]


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


def job_path(project: str, location: str, client: ClientId, job: str) -> str:
    """Return the full name of a client's cron job."""
    return f"projects/{project}/locations/{location}/jobs/{resource_id(client, job)}"


def bucket_id(project: str, client: ClientId, bucket: str = "inputs") -> str:
    """Return what a client's bucket is called: such names are the whole world's."""
    return f"{project}-{resource_id(client, bucket)}"


def database_id(client: ClientId) -> str:
    """Return the id of a client's own Firestore database."""
    return f"hydrobid-{client}"
