"""Injected faults of Pub/Sub: publishing and deliveries, as Google's clients meet them."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from faulty_cloud import write_faults
from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.protobuf import duration_pb2
from google.pubsub_v1 import PublisherClient as PublisherApi

from emulators.clock import MarketClock
from emulators.faults.switch import Faults
from emulators.process import Options
from emulators.pubsub.push import Pusher
from emulators.pubsub.server import serve

TOPIC = "projects/p/topics/settled"
SUBSCRIPTION = "projects/p/subscriptions/aggregator"


class Cloud:
    def __init__(self, port, faults_file, monkeypatch):
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{port}")
        self.publisher = pubsub_v1.PublisherClient()
        self.subscriber = pubsub_v1.SubscriberClient()
        self._faults_file = faults_file
        self.publisher.create_topic(name=TOPIC)

    def close(self):
        self.publisher.stop()
        self.publisher.transport.close()
        self.subscriber.close()

    def inject(self, *rules):
        write_faults(self._faults_file, *[{"service": "pubsub", **rule} for rule in rules])

    def subscribe(self, **settings):
        self.subscriber.create_subscription(
            {"name": SUBSCRIPTION, "topic": TOPIC, "ack_deadline_seconds": 10, **settings}
        )

    def publish(self, *assets, **options):
        messages = [{"data": json.dumps({"asset": asset}).encode()} for asset in assets]
        # One request, made once: the client's own `publish` batches and repeats.
        answer = PublisherApi.publish(
            self.publisher, topic=TOPIC, messages=messages, retry=None, **options
        )
        return list(answer.message_ids)

    def pull(self, count, seconds=5, *, acknowledge=True):
        """Return the assets of the first `count` messages to come, in their order."""
        assets, deadline = [], time.monotonic() + seconds
        while len(assets) < count and time.monotonic() < deadline:
            answer = self.subscriber.pull(
                subscription=SUBSCRIPTION, max_messages=1, timeout=1.0, retry=None
            )
            for one in answer.received_messages:
                assets.append(json.loads(one.message.data)["asset"])
                if acknowledge:
                    self.subscriber.acknowledge(subscription=SUBSCRIPTION, ack_ids=[one.ack_id])
        return assets

    def is_empty(self):
        answer = self.subscriber.pull(subscription=SUBSCRIPTION, max_messages=1, timeout=0.6)
        return not answer.received_messages


class Endpoint:
    """A push endpoint that takes everything and remembers the assets."""

    def __init__(self):
        self._assets = []
        self._arrival = threading.Condition()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                envelope = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(204)
                self.end_headers()
                with endpoint._arrival:
                    data = base64.b64decode(envelope["message"]["data"])
                    endpoint._assets.append(json.loads(data)["asset"])
                    endpoint._arrival.notify_all()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def first(self, count):
        """Return the assets that arrived, once there are so many."""
        with self._arrival:
            assert self._arrival.wait_for(lambda: len(self._assets) >= count, 10)
            return list(self._assets)

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def endpoint():
    opened = Endpoint()
    yield opened
    opened.close()


@pytest.fixture
def cloud(tmp_path, monkeypatch):
    path = tmp_path / "faults.json"
    server = serve(Options(0, None, MarketClock(None), Faults("pubsub", path)))
    opened = Cloud(server.port, path, monkeypatch)
    yield opened
    opened.close()
    server.stop()


def test_publish_error__only_of_the_topic_and_body_that_are_meant(cloud):
    cloud.subscribe()
    where = {"publish": "settled", "body": {"asset": "b"}}
    cloud.inject({"where": where, "fault": "error", "status": "RESOURCE_EXHAUSTED"})
    cloud.publish("a")
    with pytest.raises(exceptions.ResourceExhausted, match="Injected fault"):
        cloud.publish("b")
    assert cloud.pull(1) == ["a"]
    assert cloud.is_empty()


def test_publish_unavailable__is_retried_by_the_client(cloud):
    cloud.subscribe()
    cloud.inject(
        {"where": {"publish": TOPIC}, "fault": "error", "status": "UNAVAILABLE", "count": 2}
    )
    cloud.publisher.publish(TOPIC, b'{"asset": "a"}').result(10)
    assert cloud.pull(1) == ["a"]


def test_publish_drop_and_accept_then_break__look_alike_to_the_publisher(cloud):
    cloud.subscribe()
    where = {"publish": "settled"}
    cloud.inject(
        {"where": where, "fault": "drop", "count": 1},
        {"where": where, "fault": "accept_then_break", "count": 1},
    )
    for asset in ("lost", "kept"):
        with pytest.raises(exceptions.ServiceUnavailable, match="Socket closed"):
            cloud.publish(asset)
    assert cloud.pull(1) == ["kept"]
    assert cloud.is_empty()


def test_publish_duplicate__two_messages_with_ids_of_their_own(cloud):
    cloud.subscribe()
    cloud.inject({"where": {"publish": "settled"}, "fault": "duplicate", "count": 1})
    cloud.publish("a")
    received = []
    while len(received) < 2:
        answer = cloud.subscriber.pull(subscription=SUBSCRIPTION, max_messages=2, timeout=5)
        received += [one.message for one in answer.received_messages]
    assert len({message.message_id for message in received}) == 2
    assert [message.data for message in received] == [b'{"asset": "a"}'] * 2


def test_publish_latency_and_hang(cloud):
    where = {"publish": "settled"}
    cloud.inject({"where": where, "fault": "latency", "seconds": 0.3, "count": 1})
    began = time.monotonic()
    cloud.publish("a")
    assert time.monotonic() - began >= 0.3
    cloud.inject({"where": where, "fault": "hang"})
    with pytest.raises(exceptions.DeadlineExceeded):
        cloud.publish("b", timeout=0.3)


def test_delivery_latency__holds_back_one_message_and_not_the_others(cloud):
    cloud.subscribe()
    where = {"delivery": "aggregator", "body": {"asset": "slow"}}
    cloud.inject({"where": where, "fault": "latency", "seconds": 0.5})
    began = time.monotonic()
    cloud.publish("slow", "fast")
    assert cloud.pull(2) == ["fast", "slow"]
    assert time.monotonic() - began >= 0.5
    assert cloud.is_empty()


def test_delivery_reorder__waits_for_a_later_message_and_no_longer(cloud):
    cloud.subscribe()
    rule = {"where": {"delivery": "aggregator"}, "fault": "reorder", "count": 1}
    cloud.inject({**rule, "seconds": 60})
    cloud.publish("first")
    assert cloud.is_empty()
    cloud.publish("second", "third")
    assert sorted(cloud.pull(3)) == ["first", "second", "third"]
    cloud.inject({**rule, "seconds": 0.2})
    cloud.publish("alone")
    assert cloud.pull(1) == ["alone"]


def test_delivery_reorder__the_later_message_is_seen_first(cloud):
    cloud.subscribe()
    rule = {"where": {"delivery": "aggregator"}, "fault": "reorder", "seconds": 60, "count": 1}
    cloud.inject(rule)
    cloud.publish("first", "second")
    assert cloud.pull(2) == ["second", "first"]


def test_delivery_reorder__keeps_the_order_of_a_key(cloud):
    cloud.subscribe(enable_message_ordering=True)
    rule = {"where": {"delivery": "aggregator"}, "fault": "reorder", "seconds": 0.3, "count": 1}
    cloud.inject(rule)
    messages = [
        {"data": json.dumps({"asset": asset}).encode(), "ordering_key": "k"} for asset in "abc"
    ]
    PublisherApi.publish(cloud.publisher, topic=TOPIC, messages=messages)
    assert cloud.pull(3) == ["a", "b", "c"]


def test_delivery_duplicate__comes_again_although_it_was_acknowledged(cloud):
    cloud.subscribe()
    where = {"delivery": SUBSCRIPTION, "body": {"asset": "twice"}}
    cloud.inject({"where": where, "fault": "duplicate"})
    cloud.publish("twice", "once")
    assert sorted(cloud.pull(3)) == ["once", "twice", "twice"]
    assert cloud.is_empty()


def test_delivery_error__counts_as_an_attempt_up_to_the_dead_letters(cloud):
    dead = cloud.publisher.create_topic(name="projects/p/topics/dead").name
    cloud.subscribe(
        dead_letter_policy={"dead_letter_topic": dead, "max_delivery_attempts": 5},
        retry_policy={"minimum_backoff": duration_pb2.Duration(nanos=10_000_000)},
    )
    letters = "projects/p/subscriptions/letters"
    cloud.subscriber.create_subscription({"name": letters, "topic": dead})
    cloud.inject({"where": {"delivery": "aggregator"}, "fault": "error", "count": 7})
    cloud.publish("poison")
    assert cloud.is_empty()
    answer = cloud.subscriber.pull(subscription=letters, max_messages=1, timeout=10)
    assert answer.received_messages[0].message.data == b'{"asset": "poison"}'
    # Two of the seven are left: the next message is delivered at its third attempt.
    cloud.publish("lucky")
    answer = cloud.subscriber.pull(subscription=SUBSCRIPTION, max_messages=1, timeout=10)
    assert answer.received_messages[0].delivery_attempt == 3


def test_push__is_struck_like_any_other_delivery(cloud, endpoint):
    cloud.subscribe(push_config={"push_endpoint": endpoint.url})
    where = {"delivery": "aggregator"}
    cloud.inject(
        {"where": where, "fault": "error", "count": 2},
        {"where": where, "fault": "duplicate", "count": 1},
    )
    cloud.publish("a")
    assert endpoint.first(2) == ["a", "a"]


def test_delivery_drop__comes_again_when_its_deadline_has_passed(cloud, endpoint, monkeypatch):
    # The shortest deadline that the service allows is ten seconds.
    monkeypatch.setattr(Pusher, "lease_seconds", 0.4)
    cloud.subscribe(push_config={"push_endpoint": endpoint.url})
    cloud.inject({"where": {"delivery": "aggregator"}, "fault": "drop", "count": 1})
    began = time.monotonic()
    cloud.publish("lost", "next")
    assert endpoint.first(1) == ["next"]
    assert endpoint.first(2) == ["next", "lost"]
    assert time.monotonic() - began >= 0.4
