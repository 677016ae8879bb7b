"""The messages port over every backend: memory, the embedded Pub/Sub, and Google's emulator."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from contract.conftest import BACKENDS
from google.cloud import pubsub_v1

from hydrobid.adapters.memory import MemoryMessages
from hydrobid.adapters.pubsub import PubSubMessages
from hydrobid.adapters.pushes import pushed_message
from hydrobid.domain.errors import ServiceUnavailable
from hydrobid.domain.messages import GuardTick, Message
from hydrobid.pipeline.ports import Messages

SECONDS = 30


@dataclass(frozen=True)
class Topic:
    """The port, and what it has published to the topic of the test's messages so far."""

    messages: Messages
    delivered: Callable[[int], list[Message]]


def tick(client: str) -> GuardTick:
    return GuardTick(client=client)


@pytest.fixture
def topic(
    backend: str, host_of: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Topic]:
    if backend == "memory":
        memory = MemoryMessages()
        yield Topic(memory, lambda _: list(memory.waiting))
        return
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", host_of("pubsub"))
    project = f"p-{uuid.uuid4().hex[:12]}"
    publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    name, subscription = (
        f"projects/{project}/{kind}/{GuardTick.topic}" for kind in ("topics", "subscriptions")
    )
    publisher.create_topic(name=name)
    subscriber.create_subscription(name=subscription, topic=name)

    def delivered(count: int) -> list[Message]:
        found: list[Message] = []
        deadline = time.monotonic() + SECONDS
        while len(found) < count and time.monotonic() < deadline:
            answer = subscriber.pull(subscription=subscription, max_messages=100, timeout=30)
            for received in answer.received_messages:
                data = type(received.message).to_dict(received.message)["data"]
                found.append(pushed_message(GuardTick, {"message": {"data": data}}))
            ids = [received.ack_id for received in answer.received_messages]
            if ids:
                subscriber.acknowledge(subscription=subscription, ack_ids=ids)
        return found

    port = PubSubMessages(lambda topic_id: f"projects/{project}/topics/{topic_id}")
    yield Topic(port, delivered)
    port._publisher.stop()
    publisher.stop()
    subscriber.close()


def test_publish__what_was_published_is_delivered(topic: Topic):
    topic.messages.publish(tick("upper"))
    assert topic.delivered(1) == [tick("upper")]


def test_publish__from_several_threads_loses_nothing(topic: Topic):
    clients = [f"client-{number}" for number in range(40)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda client: topic.messages.publish(tick(client)), clients))
    assert sorted(m.client for m in topic.delivered(40)) == sorted(clients)


# In memory there are no topics that could be missing.
@pytest.mark.parametrize("backend", BACKENDS[1:], indirect=True)
def test_publish__to_a_topic_that_is_not_there(topic: Topic):
    topic.messages._topic_path = lambda _: "projects/p-absent/topics/absent"
    with pytest.raises(ServiceUnavailable):
        topic.messages.publish(tick("upper"))
