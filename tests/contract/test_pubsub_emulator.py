"""The local Pub/Sub through Google's own clients: resources, publishing, pulling, leases."""

import random
import threading
import time
import zlib

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.protobuf import duration_pb2, field_mask_pb2
from google.pubsub_v1.services.publisher import PublisherClient as PlainPublisher
from google.pubsub_v1.services.subscriber import SubscriberClient as PlainSubscriber
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from emulators.clock import MarketClock
from emulators.process import Options
from emulators.pubsub.server import serve


@pytest.fixture(scope="module")
def port():
    server = serve(Options(0, None, MarketClock(None)))
    yield server.port
    server.stop()


@pytest.fixture
def publisher(port, monkeypatch):
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{port}")
    options = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
    client = pubsub_v1.PublisherClient(publisher_options=options)
    yield client
    client.stop()
    client.transport.close()


@pytest.fixture
def subscriber(port, monkeypatch):
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{port}")
    with pubsub_v1.SubscriberClient() as client:
        yield client


@pytest.fixture
def project(request):
    """A project of its own for each test, so that the tests share a server and nothing else."""
    return f"p-{zlib.crc32(request.node.name.encode())}"


@pytest.fixture
def topic(publisher, project):
    return publisher.create_topic(name=f"projects/{project}/topics/bids").name


def make(subscriber, topic, name="desk", **fields):
    path = topic.replace("/topics/", "/subscriptions/").rsplit("/", 1)[0] + f"/{name}"
    return subscriber.create_subscription({"name": path, "topic": topic, **fields}).name


def publish(publisher, topic, *payloads, **attributes):
    return [publisher.publish(topic, data.encode(), **attributes).result(5) for data in payloads]


def pull(subscriber, subscription, limit=100, timeout=5.0):
    answer = subscriber.pull(
        subscription=subscription, max_messages=limit, timeout=timeout, retry=None
    )
    return list(answer.received_messages)


def pull_now(subscriber, subscription):
    request = {"subscription": subscription, "max_messages": 100, "return_immediately": True}
    with pytest.warns(DeprecationWarning, match="return_immediately"):
        answer = subscriber.pull(request, retry=None, timeout=5)
    return list(answer.received_messages)


def texts(received):
    return [one.message.data.decode() for one in received]


def test_topic__created_listed_updated_and_deleted(publisher, project, topic):
    second = publisher.create_topic(name=f"projects/{project}/topics/alerts").name
    assert [one.name for one in publisher.list_topics(project=f"projects/{project}")] == [
        second,
        topic,
    ]
    updated = publisher.update_topic(
        topic={"name": topic, "labels": {"client": "north"}},
        update_mask=field_mask_pb2.FieldMask(paths=["labels"]),
    )
    assert updated == publisher.get_topic(topic=topic)
    assert dict(updated.labels) == {"client": "north"}
    publisher.delete_topic(topic=second)
    with pytest.raises(exceptions.NotFound, match=r"Resource not found \(resource=alerts\)\."):
        publisher.get_topic(topic=second)
    with pytest.raises(exceptions.AlreadyExists, match=r"in the project \(resource=bids\)\."):
        publisher.create_topic(name=topic)


@pytest.mark.parametrize("bad", ["ab", "1abc", "goog-topic", "a b c", "x" * 256])
def test_topic__of_a_bad_name_is_refused(publisher, project, bad):
    with pytest.raises(exceptions.InvalidArgument, match="Invalid resource name given"):
        publisher.create_topic(name=f"projects/{project}/topics/{bad}")


def test_subscription__has_defaults_pages_and_masked_updates(publisher, subscriber, project, topic):
    names = sorted(make(subscriber, topic, f"desk-{number}") for number in range(5))
    pages = subscriber.list_subscriptions({"project": f"projects/{project}", "page_size": 2})
    assert [len(page.subscriptions) for page in pages.pages] == [2, 2, 1]
    assert sorted(publisher.list_topic_subscriptions(topic=topic)) == names
    before = subscriber.get_subscription(subscription=names[0])
    assert before.ack_deadline_seconds == 10
    assert before.message_retention_duration.days == 7
    changed = subscriber.update_subscription(
        subscription={
            "name": names[0],
            "ack_deadline_seconds": 60,
            "retry_policy": {"minimum_backoff": duration_pb2.Duration(seconds=1)},
            "labels": {"ignored": "not in the mask"},
        },
        update_mask=field_mask_pb2.FieldMask(paths=["ack_deadline_seconds", "retry_policy"]),
    )
    assert changed.ack_deadline_seconds == 60
    assert changed.retry_policy.maximum_backoff.seconds == 600
    assert not changed.labels


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"ack_deadline_seconds": 5}, exceptions.InvalidArgument, "ack_deadline_seconds is too"),
        ({"filter": "attributes.kind = 5"}, exceptions.InvalidArgument, "expected a quoted"),
        ({"push_config": {"push_endpoint": "ftp://x"}}, exceptions.InvalidArgument, "endpoint"),
        (
            {"dead_letter_policy": {"dead_letter_topic": "projects/nobody/topics/none"}},
            exceptions.NotFound,
            "resource=none",
        ),
        (
            {
                "dead_letter_policy": {
                    "dead_letter_topic": "projects/nobody/topics/none",
                    "max_delivery_attempts": 4,
                }
            },
            exceptions.OutOfRange,
            "minimum value is 5",
        ),
        ({"bigquery_config": {"table": "t"}}, exceptions.MethodNotImplemented, "bigquery_config"),
    ],
)
def test_subscription__out_of_bounds_is_refused(subscriber, topic, fields, error, words):
    with pytest.raises(error, match=words):
        make(subscriber, topic, **fields)


def test_update__of_an_immutable_or_unknown_field_is_refused(subscriber, topic):
    name = make(subscriber, topic)
    for path, words in (("filter", "not mutable"), ("nonsense", "not a known")):
        with pytest.raises(exceptions.InvalidArgument, match=words):
            subscriber.update_subscription(
                subscription={"name": name, "filter": "attributes:x"},
                update_mask=field_mask_pb2.FieldMask(paths=[path]),
            )


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "message_count is too small"),
        ([{"ordering_key": "only"}], "is empty"),
        ([{"data": b"x" * 10_000_001}], "request_size is too large"),
        ([{"attributes": {"k": "v" * 1_025}}], "attribute_value_size"),
        ([{"attributes": {"googx": "v"}}], "reserved prefix"),
        ([{"attributes": {str(number): "v" for number in range(101)}}], "attributes_count"),
    ],
)
def test_publish__beyond_a_limit_is_refused(publisher, topic, messages, words):
    request = {"topic": topic, "messages": messages}
    with pytest.raises(exceptions.InvalidArgument, match=words):
        PlainPublisher(transport=publisher.transport).publish(request)


def test_pull__fans_out_to_every_subscription_that_existed(publisher, subscriber, topic):
    early = make(subscriber, topic, "early")
    twin = make(subscriber, topic, "twin")
    ids = publish(publisher, topic, "one", "two", kind="bid")
    late = make(subscriber, topic, "late")
    for subscription in (early, twin):
        received = pull(subscriber, subscription)
        assert [one.message.message_id for one in received] == ids
        assert dict(received[0].message.attributes) == {"kind": "bid"}
        assert received[0].message.publish_time is not None
    assert pull_now(subscriber, late) == []


def test_pull__waits_for_a_message_and_is_empty_before_the_deadline(publisher, subscriber, topic):
    subscription = make(subscriber, topic)
    began = time.monotonic()
    assert pull(subscriber, subscription, timeout=2.0) == []
    assert 1.0 < time.monotonic() - began < 2.0
    timer = threading.Timer(0.2, publish, (publisher, topic, "late"))
    timer.start()
    assert texts(pull(subscriber, subscription, timeout=5.0)) == ["late"]
    timer.join()


def test_lease__acknowledged_nacked_and_expired(publisher, subscriber, topic):
    subscription = make(subscriber, topic)
    publish(publisher, topic, "ack", "nack", "expire")
    acked, nacked, expiring = pull(subscriber, subscription)
    assert pull_now(subscriber, subscription) == []
    subscriber.acknowledge(subscription=subscription, ack_ids=[acked.ack_id])
    subscriber.modify_ack_deadline(
        subscription=subscription, ack_ids=[nacked.ack_id], ack_deadline_seconds=0
    )
    subscriber.modify_ack_deadline(
        subscription=subscription, ack_ids=[expiring.ack_id], ack_deadline_seconds=1
    )
    assert texts(pull(subscriber, subscription)) == ["nack"]
    # The ended lease's id acknowledges nothing.
    again = pull(subscriber, subscription, timeout=5)
    assert texts(again) == ["expire"]
    subscriber.acknowledge(subscription=subscription, ack_ids=[expiring.ack_id])
    subscriber.modify_ack_deadline(
        subscription=subscription, ack_ids=[again[0].ack_id], ack_deadline_seconds=0
    )
    assert texts(pull(subscriber, subscription)) == ["expire"]


def test_acknowledge__of_a_foreign_ack_id_is_refused(publisher, subscriber, topic):
    mine, other = make(subscriber, topic, "mine"), make(subscriber, topic, "other")
    publish(publisher, topic, "one")
    [received] = pull(subscriber, mine)
    for ack_id in ("garbage", received.ack_id):
        with pytest.raises(exceptions.InvalidArgument, match="invalid ack ID"):
            subscriber.acknowledge(subscription=other, ack_ids=[ack_id])


def test_streaming_pull__acks_nacks_and_respects_the_flow_limit(publisher, subscriber, topic):
    subscription = make(subscriber, topic)
    publish(publisher, topic, *(str(number) for number in range(30)))
    lock, done = threading.Lock(), threading.Event()
    seen, open_now, most = [], set(), 0

    def work(message):
        nonlocal most
        text = message.data.decode()
        with lock:
            first = text not in seen
            seen.append(text)
            open_now.add(text)
            most = max(most, len(open_now))
        time.sleep(0.01)
        with lock:
            open_now.discard(text)
        if first and int(text) % 10 == 0:
            message.nack()
        else:
            message.ack()
        if len(seen) == 33:
            done.set()

    limit = pubsub_v1.types.FlowControl(max_messages=4)
    pulling = subscriber.subscribe(subscription, work, flow_control=limit)
    assert done.wait(10)
    pulling.cancel()
    pulling.result(5)
    assert sorted(set(seen), key=int) == [str(number) for number in range(30)]
    assert most <= 4
    assert pull_now(subscriber, subscription) == []


@pytest.fixture
def open_stream(port):
    """A function that opens a stream without the client library's own flow control."""
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    client = PlainSubscriber(transport=SubscriberGrpcTransport(channel=channel))
    done = threading.Event()

    def start(subscription, **fields):
        first = {"subscription": subscription, "stream_ack_deadline_seconds": 10, **fields}

        def requests():
            yield first
            done.wait(20)

        return client.streaming_pull(requests())

    yield start
    done.set()
    channel.close()


def test_streaming_pull__sends_no_more_than_may_be_outstanding(
    publisher, subscriber, open_stream, topic
):
    subscription = make(subscriber, topic)
    publish(publisher, topic, "1", "2", "3", "4")
    stream = open_stream(subscription, max_outstanding_messages=2)
    received = list(next(stream).received_messages)
    assert texts(received) == ["1", "2"]
    subscriber.acknowledge(subscription=subscription, ack_ids=[received[1].ack_id])
    assert texts(next(stream).received_messages) == ["3"]
    stream.cancel()


def test_streaming_pull__closed_keeps_its_leases(publisher, subscriber, open_stream, topic):
    subscription = make(subscriber, topic)
    publish(publisher, topic, "held")
    stream = open_stream(subscription)
    [received] = next(stream).received_messages
    stream.cancel()
    assert pull_now(subscriber, subscription) == []
    subscriber.modify_ack_deadline(
        subscription=subscription, ack_ids=[received.ack_id], ack_deadline_seconds=0
    )
    assert texts(pull(subscriber, subscription)) == ["held"]


def test_exactly_once__tells_that_a_thousand_leases_are_lost(publisher, subscriber, topic):
    subscription = make(subscriber, topic, enable_exactly_once_delivery=True)
    stale = [f"{subscription}:{number}" for number in range(1_000)]
    with pytest.raises(exceptions.FailedPrecondition, match="ids in the request were invalid"):
        subscriber.acknowledge(subscription=subscription, ack_ids=stale)


def test_exactly_once__tells_that_a_lease_is_lost(publisher, subscriber, topic):
    subscription = make(subscriber, topic, enable_exactly_once_delivery=True)
    publish(publisher, topic, "once")
    [received] = pull(subscriber, subscription)
    subscriber.acknowledge(subscription=subscription, ack_ids=[received.ack_id])
    with pytest.raises(exceptions.FailedPrecondition) as refused:
        subscriber.acknowledge(subscription=subscription, ack_ids=[received.ack_id])
    assert refused.value.metadata == {received.ack_id: "PERMANENT_FAILURE_INVALID_ACK_ID"}


def test_delete_topic__leaves_the_subscription_and_its_messages(publisher, subscriber, topic):
    subscription = make(subscriber, topic)
    publish(publisher, topic, "left")
    publisher.delete_topic(topic=topic)
    assert subscriber.get_subscription(subscription=subscription).topic == "_deleted-topic_"
    assert texts(pull(subscriber, subscription)) == ["left"]


def test_detach__drops_the_messages_and_refuses_pulls(publisher, subscriber, topic):
    subscription = make(subscriber, topic)
    publish(publisher, topic, "dropped")
    publisher.detach_subscription({"subscription": subscription})
    assert subscriber.get_subscription(subscription=subscription).detached
    assert list(publisher.list_topic_subscriptions(topic=topic)) == []
    with pytest.raises(exceptions.FailedPrecondition, match="detached"):
        pull(subscriber, subscription)


def call(channel, path, request):
    """Call a method with raw bytes and return the status code."""
    if path.endswith("StreamingPull"):
        return channel.stream_stream(path)(iter([request]), timeout=5).code()
    try:
        return channel.unary_unary(path).with_call(request, timeout=5)[1].code()
    except grpc.RpcError as error:
        return error.code()


def test_wire__random_bytes_never_break_the_server(publisher, port, topic):
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # what repeats a failing run
    dice = random.Random(seed)
    methods = [
        *(f"Publisher/{name}" for name in ("CreateTopic", "UpdateTopic", "Publish", "ListTopics")),
        *(f"Subscriber/{name}" for name in ("CreateSubscription", "Pull", "Acknowledge")),
        *(f"SchemaService/{name}" for name in ("CreateSchema", "CommitSchema", "ValidateMessage")),
        "Subscriber/StreamingPull",
    ]
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        for _ in range(300):
            path = f"/google.pubsub.v1.{dice.choice(methods)}"
            noise = dice.randbytes(dice.randrange(40))
            code = call(channel, path, noise)
            assert code in {
                grpc.StatusCode.OK,
                grpc.StatusCode.INVALID_ARGUMENT,
                grpc.StatusCode.NOT_FOUND,
            }, (path, noise)
    assert publisher.get_topic(topic=topic).name == topic
