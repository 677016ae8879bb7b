"""Push delivery of the local Pub/Sub against small HTTP servers."""

import asyncio
import base64
import itertools
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.protobuf import duration_pb2
from traces import TRACEPARENT

from emulators.clock import MarketClock
from emulators.process import Options
from emulators.pubsub import protos
from emulators.pubsub.broker import Broker
from emulators.pubsub.push import Pusher
from emulators.pubsub.server import serve
from emulators.pubsub.store import Store
from emulators.tokens import TokenMint
from hydrobid.adapters.pubsub import PubSubMessages
from hydrobid.adapters.pushes import pushed_message
from hydrobid.adapters.telemetry import context_from, pushed_traceparent, span
from hydrobid.domain.identifiers import RunId
from hydrobid.domain.messages import AssetSettled


class Endpoint:
    """An HTTP server that records what it is sent; `answer(nth, body)` decides the status."""

    def __init__(self, answer):
        self.requests = []
        self._changed = threading.Condition()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with endpoint._changed:
                    endpoint.requests.append(
                        (self.path, dict(self.headers), body, time.monotonic())
                    )
                    endpoint._changed.notify_all()
                    number = len(endpoint.requests)
                self.send_response(answer(number, body))
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_args):
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def wait(self, count, seconds=10):
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self.requests) >= count, seconds)
        assert enough, f"{len(self.requests)} of {count} requests"
        return self.requests

    def texts(self):
        return [
            base64.b64decode(body["message"]["data"]).decode() for _, _, body, _ in self.requests
        ]

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def endpoint(answer=lambda _number, _body: 204):
    server = Endpoint(answer)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def cloud(monkeypatch):
    """A server with a topic, and clients for it: (publisher, subscriber, topic)."""
    server = serve(Options(0, None, MarketClock(None)))
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{server.port}")
    options = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
    publisher = pubsub_v1.PublisherClient(publisher_options=options)
    with pubsub_v1.SubscriberClient() as subscriber:
        yield publisher, subscriber, publisher.create_topic(name="projects/p/topics/bids").name
    publisher.stop()
    publisher.transport.close()
    server.stop()


def push_to(subscriber, topic, url, name="push", **fields):
    push = {"push_endpoint": f"{url}/projects/p/topics/bids", **fields.pop("push", {})}
    request = {"name": f"projects/p/subscriptions/{name}", "topic": topic, "push_config": push}
    return subscriber.create_subscription(request | fields).name


def publish(publisher, topic, *payloads, **attributes):
    return [publisher.publish(topic, data.encode(), **attributes).result(5) for data in payloads]


def backoff(milliseconds):
    return {"minimum_backoff": duration_pb2.Duration(nanos=milliseconds * 1_000_000)}


def test_push__sends_the_envelope_and_a_token(cloud):
    publisher, subscriber, topic = cloud
    token = {"service_account_email": "bids@p.example", "audience": "https://desk.example"}
    with endpoint() as desk:
        name = push_to(subscriber, topic, desk.url, push={"oidc_token": token})
        [number] = publish(publisher, topic, "hello", run="r1", ordering_key="k")
        [(path, headers, body, _)] = desk.wait(1)
    message = body["message"]
    assert path == "/projects/p/topics/bids"
    assert body == {"message": message, "subscription": name}
    assert message == {
        "data": base64.b64encode(b"hello").decode(),
        "attributes": {"run": "r1"},
        "messageId": number,
        "message_id": number,
        "publishTime": message["publish_time"],
        "publish_time": message["publish_time"],
        "orderingKey": "k",
    }
    claims = headers["Authorization"].removeprefix("Bearer ").split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert (claims["email"], claims["aud"]) == (token["service_account_email"], token["audience"])
    assert claims["iat"] <= time.time() < claims["exp"]


def test_push__carries_the_trace_in_which_a_message_was_published(cloud):
    """Given a publisher in a trace, then the trace is an attribute and no part of the message."""
    _, subscriber, topic = cloud
    settled = AssetSettled(client="own-client", run=RunId.parse("n~2026-03-29~r1"), asset="a")
    messages = PubSubMessages(lambda _: topic)
    with endpoint() as aggregator:
        push_to(subscriber, topic, aggregator.url)
        with span("dispatcher", context=context_from(TRACEPARENT)):
            messages.publish(settled)
        messages.publish(settled)
        requests = aggregator.wait(2)
    pushed = [body for _, _, body, _ in requests]
    assert {pushed_traceparent(body) for body in pushed} == {TRACEPARENT, None}
    assert [pushed_message(AssetSettled, body) for body in pushed] == [settled, settled]
    assert len({body["message"]["data"] for body in pushed}) == 1


def test_push__is_repeated_with_growing_waits_until_it_is_acknowledged(cloud):
    publisher, subscriber, topic = cloud
    statuses = {1: 500, 2: 301, 3: 404, 4: 102}
    with endpoint(lambda number, _body: statuses[number]) as desk:
        push_to(subscriber, topic, desk.url, retry_policy=backoff(100))
        publish(publisher, topic, "again")
        times = [when for *_, when in desk.wait(4)]
        # 102 acknowledges, so what is published next is the next request.
        statuses[5] = 204
        publish(publisher, topic, "next")
        desk.wait(5)
        assert desk.texts() == ["again"] * 4 + ["next"]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    # Lower bounds alone: a busy machine may add to a wait, nothing takes from it.
    assert all(wait > 0.1 * 2**failures for failures, wait in enumerate(waits))


def test_push__refused_five_times_goes_to_the_dead_letter_topic(cloud):
    publisher, subscriber, topic = cloud
    dead_topic = publisher.create_topic(name="projects/p/topics/dead").name
    policy = {"dead_letter_topic": dead_topic, "max_delivery_attempts": 5}
    with endpoint(lambda *_: 503) as broken, endpoint() as morgue:
        push_to(subscriber, dead_topic, morgue.url, "morgue")
        push_to(subscriber, topic, broken.url, dead_letter_policy=policy, retry_policy=backoff(10))
        publish(publisher, topic, "poison")
        [(_, _, body, _)] = morgue.wait(1)
        attempts = [sent["deliveryAttempt"] for _, _, sent, _ in broken.requests]
    assert attempts == [1, 2, 3, 4, 5]
    assert body["message"]["attributes"]["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"


def test_push__keeps_a_key_in_order_one_at_a_time(cloud):
    publisher, subscriber, topic = cloud
    failed = set()

    def fail_once(_number, body):
        number = body["message"]["messageId"]
        first = number not in failed
        failed.add(number)
        return 500 if first else 200

    with endpoint(fail_once) as desk:
        push_to(
            subscriber,
            topic,
            desk.url,
            enable_message_ordering=True,
            retry_policy=backoff(10),
        )
        for future in [
            publisher.publish(topic, text, ordering_key="k") for text in (b"a", b"b", b"c")
        ]:
            future.result(5)
        desk.wait(6)
        assert desk.texts() == ["a", "a", "b", "b", "c", "c"]


def test_push__to_a_slow_or_absent_endpoint_delays_no_other(cloud):
    publisher, subscriber, topic = cloud
    release = threading.Event()
    count = 150

    def hang(_number, _body):
        release.wait(20)
        return 200

    with endpoint(hang) as slow, endpoint() as quick:
        push_to(subscriber, topic, slow.url, "slow")
        push_to(subscriber, topic, "http://127.0.0.1:9", "absent")
        push_to(subscriber, topic, quick.url, "quick")
        futures = [publisher.publish(topic, str(number).encode()) for number in range(count)]
        for future in futures:
            future.result(5)
        quick.wait(count, seconds=8)
        slow.wait(100)
        # No more than 100 are in flight.
        assert len(slow.requests) == 100
        release.set()
        slow.wait(count)


async def test_push__unanswered_within_the_ack_deadline_is_repeated():
    class Impatient(Pusher):
        lease_seconds = 0.3  # a subscription's shortest is 10 s

    release = threading.Event()

    def hang_first(number, _body):
        if number == 1:
            release.wait(20)
        return 200

    store, requests = Store(None), set()
    broker = Broker(store, MarketClock(None), lambda one: Impatient(one, TokenMint(), requests))
    with endpoint(hang_first) as desk:
        topic = broker.create_topic(protos.Topic(name="projects/p/topics/bids")).name
        push = protos.PushConfig(push_endpoint=desk.url)
        name = "projects/p/subscriptions/push"
        broker.create_subscription(protos.Subscription(name=name, topic=topic, push_config=push))
        broker.publish(topic, [protos.PubsubMessage(data=b"slow")], 4)
        (*_, first), (*_, second) = await asyncio.to_thread(desk.wait, 2)
        # The request that hangs is given up, too.
        await asyncio.wait_for(asyncio.gather(*requests), 2)
        release.set()
    assert 0.29 < second - first < 1
    assert list(store.debts()) == []
    broker.stop()
    store.close()


def test_push__switched_to_pull_and_back(cloud):
    publisher, subscriber, topic = cloud
    with endpoint() as desk:
        name = push_to(subscriber, topic, desk.url)
        with pytest.raises(exceptions.FailedPrecondition, match="not supported"):
            subscriber.pull(subscription=name, max_messages=1, timeout=1)
        subscriber.modify_push_config(subscription=name, push_config={})
        publish(publisher, topic, "pulled", "left")
        [received] = subscriber.pull(subscription=name, max_messages=1, timeout=5).received_messages
        subscriber.acknowledge(subscription=name, ack_ids=[received.ack_id])
        subscriber.modify_push_config(
            subscription=name, push_config={"push_endpoint": f"{desk.url}/again"}
        )
        desk.wait(1)
        assert desk.texts() == ["left"]
