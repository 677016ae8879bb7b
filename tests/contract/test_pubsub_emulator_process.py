"""The local Pub/Sub as a process: its ready line, its stop, and what a kill leaves behind."""

import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1

from emulators.clock import MarketClock
from emulators.pubsub import protos
from emulators.pubsub.broker import Broker
from emulators.pubsub.errors import Refusal
from emulators.pubsub.push import Pusher
from emulators.pubsub.store import Store
from emulators.tokens import TokenMint

TOPIC = "projects/p/topics/bids"
SUBSCRIPTION = "projects/p/subscriptions/desk"


class Process:
    def __init__(self, folder, port=0):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "emulators.pubsub", "--data-dir", folder, "--port", str(port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ready = json.loads(self._process.stdout.readline())
        self.port = self.ready["port"]

    def end(self, number=signal.SIGKILL):
        self._process.send_signal(number)
        code = self._process.wait(5)
        self._process.stdout.close()
        return code


@contextmanager
def running(folder, port=0):
    process = Process(folder, port)
    try:
        yield process
    finally:
        if process._process.poll() is None:
            process.end()


@pytest.fixture
def clients(monkeypatch):
    """A function that makes a publisher and a subscriber for a port."""
    made = []

    def make(port):
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{port}")
        made.append((pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()))
        return made[-1]

    yield make
    for publisher, subscriber in made:
        publisher.stop()
        publisher.transport.close()
        subscriber.close()


def drain(subscriber):
    """Pull and acknowledge until nothing is left; returns the message ids."""
    ids = []
    while True:
        answer = subscriber.pull(subscription=SUBSCRIPTION, max_messages=1000, timeout=2)
        if not answer.received_messages:
            return ids
        ids += [one.message.message_id for one in answer.received_messages]
        subscriber.acknowledge(
            subscription=SUBSCRIPTION, ack_ids=[one.ack_id for one in answer.received_messages]
        )


def test_process__says_that_it_is_ready_and_stops_on_sigterm(tmp_path):
    with running(tmp_path / "state") as process:
        assert process.ready == {"ready": "pubsub", "port": process.port}
        began = time.monotonic()
        assert process.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < 2


def test_kill__loses_no_acknowledged_publish_and_redelivers_no_acknowledged_message(
    tmp_path, clients
):
    with running(tmp_path) as first:
        publisher, subscriber = clients(first.port)
        publisher.create_topic(name=TOPIC)
        subscriber.create_subscription({"name": SUBSCRIPTION, "topic": TOPIC})
        published = []
        stopped = threading.Event()

        def publish():
            while not stopped.is_set():
                future = publisher.publish(TOPIC, b"x" * 100)
                try:
                    published.append(future.result(60))
                except exceptions.GoogleAPICallError:
                    return

        threads = [threading.Thread(target=publish) for _ in range(8)]
        for thread in threads:
            thread.start()
        acknowledged = set()
        while len(acknowledged) < 100:
            answer = subscriber.pull(subscription=SUBSCRIPTION, max_messages=20, timeout=5)
            received = answer.received_messages
            half = received[: len(received) // 2 + 1]
            subscriber.acknowledge(subscription=SUBSCRIPTION, ack_ids=[one.ack_id for one in half])
            acknowledged |= {one.message.message_id for one in half}
        first.end()
        # The client retries what was under way against the server that comes back.
        with running(tmp_path, first.port) as second:
            stopped.set()
            for thread in threads:
                thread.join(60)
            _, later = clients(second.port)
            left = drain(later)
    assert set(published) - acknowledged <= set(left)
    assert not acknowledged & set(left)
    assert len(left) == len(set(left))


def test_restart__keeps_resources_attempts_and_order(tmp_path, clients):
    with running(tmp_path) as first:
        publisher, subscriber = clients(first.port)
        publisher.create_topic(name=TOPIC)
        dead = publisher.create_topic(name="projects/p/topics/dead").name
        made = subscriber.create_subscription(
            {
                "name": SUBSCRIPTION,
                "topic": TOPIC,
                "dead_letter_policy": {"dead_letter_topic": dead},
            }
        )
        ids = [publisher.publish(TOPIC, b"x").result(5) for _ in range(5)]
        before = subscriber.pull(subscription=SUBSCRIPTION, max_messages=3).received_messages
        publisher.get_topic(topic=TOPIC)
        first.end()
    with running(tmp_path) as second:
        publisher, subscriber = clients(second.port)
        assert subscriber.get_subscription(subscription=SUBSCRIPTION) == made
        after = subscriber.pull(subscription=SUBSCRIPTION, max_messages=10).received_messages
        assert [one.message.message_id for one in after] == ids
        assert [one.delivery_attempt for one in after] == [2, 2, 2, 1, 1]
        # An ack id of the server that died acknowledges nothing of the new one's.
        subscriber.acknowledge(subscription=SUBSCRIPTION, ack_ids=[one.ack_id for one in before])
        subscriber.modify_ack_deadline(
            subscription=SUBSCRIPTION,
            ack_ids=[one.ack_id for one in after],
            ack_deadline_seconds=0,
        )
        assert sorted(drain(subscriber)) == sorted(ids)
        assert int(publisher.publish(TOPIC, b"y").result(5)) > int(ids[-1])


async def test_full_disk__confirms_and_delivers_nothing_more():
    class FullDisk(Store):
        def commit(self):
            raise sqlite3.OperationalError("database or disk is full")

    store = FullDisk(None)
    broker = Broker(store, MarketClock(None), lambda one: Pusher(one, TokenMint(), set()))
    broker.create_topic(protos.Topic(name=TOPIC))
    for _ in range(2):
        with pytest.raises(Refusal, match="disk is full") as refused:
            await broker.durable()
        assert refused.value.code == grpc.StatusCode.UNAVAILABLE
    Store.commit(store)
