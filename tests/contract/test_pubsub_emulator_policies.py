"""What the local Pub/Sub delivers, in which order and how often: the policies of a subscription."""

import time

import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.protobuf import duration_pb2

from emulators.clock import MarketClock
from emulators.process import Options
from emulators.pubsub.server import serve

PROJECT = "projects/policies"


@pytest.fixture
def publisher(monkeypatch):
    server = serve(Options(0, None, MarketClock(None)))
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{server.port}")
    options = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
    client = pubsub_v1.PublisherClient(publisher_options=options)
    yield client
    client.stop()
    client.transport.close()
    server.stop()


@pytest.fixture
def subscriber(publisher):
    with pubsub_v1.SubscriberClient() as client:
        yield client


@pytest.fixture
def topic(publisher):
    return publisher.create_topic(name=f"{PROJECT}/topics/bids").name


def make(subscriber, topic, name="desk", **fields):
    path = f"{PROJECT}/subscriptions/{name}"
    return subscriber.create_subscription({"name": path, "topic": topic, **fields}).name


def publish(publisher, topic, *payloads, **attributes):
    return [publisher.publish(topic, data.encode(), **attributes).result(5) for data in payloads]


def pull(subscriber, subscription, limit=100, timeout=5):
    answer = subscriber.pull(
        subscription=subscription, max_messages=limit, timeout=timeout, retry=None
    )
    return list(answer.received_messages)


def acknowledge(subscriber, subscription, received):
    subscriber.acknowledge(subscription=subscription, ack_ids=[one.ack_id for one in received])


def give_back(subscriber, subscription, *received):
    ack_ids = [one.ack_id for one in received]
    subscriber.modify_ack_deadline(
        subscription=subscription, ack_ids=ack_ids, ack_deadline_seconds=0
    )


def texts(received):
    return [one.message.data.decode() for one in received]


def test_ordering__a_key_stays_in_order_and_a_nack_brings_back_what_follows(
    publisher, subscriber, topic
):
    subscription = make(subscriber, topic, enable_message_ordering=True)
    for text in ("a1", "a2", "a3"):
        publisher.publish(topic, text.encode(), ordering_key="a").result(5)
    publisher.publish(topic, b"b1", ordering_key="b").result(5)
    first = pull(subscriber, subscription, limit=2)
    assert texts(first) == ["a1", "a2"]
    # Key a is outstanding, so only b goes out.
    assert texts(pull(subscriber, subscription)) == ["b1"]
    give_back(subscriber, subscription, first[0])
    second = pull(subscriber, subscription)
    assert texts(second) == ["a1", "a2", "a3"]
    acknowledge(subscriber, subscription, second)
    publisher.publish(topic, b"a4", ordering_key="a").result(5)
    assert texts(pull(subscriber, subscription)) == ["a4"]


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ('attributes.kind = "bid"', ["bid", "bid high"]),
        ('attributes.kind != "bid"', ["ask", "none"]),
        ('hasPrefix(attributes.kind, "a")', ["ask"]),
        ("attributes:priority", ["bid high"]),
        ('NOT attributes:priority AND attributes."kind" = "bid"', ["bid"]),
        (
            'attributes.kind = "ask" OR (attributes:kind AND attributes:priority)',
            ["ask", "bid high"],
        ),
        ("-attributes:kind", ["none"]),
    ],
)
def test_filter__keeps_what_matches(publisher, subscriber, topic, expression, kept):
    subscription = make(subscriber, topic, filter=expression)
    publish(publisher, topic, "bid", kind="bid")
    publish(publisher, topic, "ask", kind="ask")
    publish(publisher, topic, "bid high", kind="bid", priority="1")
    publish(publisher, topic, "none")
    assert sorted(texts(pull(subscriber, subscription))) == sorted(kept)


@pytest.mark.parametrize(
    "expression",
    [
        "attributes:a AND attributes:b OR attributes:c",
        "data = 1",
        "(attributes:a",
        'attributes.a = "x',
    ],
)
def test_filter__that_does_not_parse_is_refused(subscriber, topic, expression):
    with pytest.raises(exceptions.InvalidArgument, match="Invalid filter"):
        make(subscriber, topic, filter=expression)


def test_dead_letter__is_forwarded_with_its_origin_after_the_last_attempt(
    publisher, subscriber, topic
):
    dead_topic = publisher.create_topic(name=f"{PROJECT}/topics/dead-letters").name
    dead = make(subscriber, dead_topic, "morgue")
    policy = {"dead_letter_topic": dead_topic, "max_delivery_attempts": 5}
    subscription = make(subscriber, topic, dead_letter_policy=policy)
    publish(publisher, topic, "poison", asset="north")
    for attempt in range(1, 6):
        [received] = pull(subscriber, subscription)
        assert received.delivery_attempt == attempt
        give_back(subscriber, subscription, received)
    [letter] = pull(subscriber, dead)
    assert letter.message.data == b"poison"
    attributes = dict(letter.message.attributes)
    assert attributes.pop("CloudPubSubDeadLetterSourceTopicPublishTime").endswith("Z")
    assert attributes == {
        "asset": "north",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": "desk",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "policies",
    }
    assert pull(subscriber, subscription, timeout=1) == []


def test_retry_policy__backs_off_exponentially(publisher, subscriber, topic):
    policy = {"minimum_backoff": duration_pb2.Duration(nanos=200_000_000)}
    subscription = make(subscriber, topic, retry_policy=policy)
    publish(publisher, topic, "later")
    [received] = pull(subscriber, subscription)
    for wait in (0.2, 0.4):
        began = time.monotonic()
        give_back(subscriber, subscription, received)
        [received] = pull(subscriber, subscription)
        assert time.monotonic() - began > wait


def test_seek__to_a_time_replays_retained_messages_and_drops_older_ones(
    publisher, subscriber, topic
):
    subscription = make(subscriber, topic, retain_acked_messages=True)
    publish(publisher, topic, "old")
    time.sleep(0.005)  # publish times are told apart in milliseconds
    publish(publisher, topic, "new")
    old, new = pull(subscriber, subscription)
    acknowledge(subscriber, subscription, [new])
    subscriber.seek({"subscription": subscription, "time": new.message.publish_time})
    assert texts(pull(subscriber, subscription)) == ["new"]
    subscriber.seek({"subscription": subscription, "time": old.message.publish_time})
    assert sorted(texts(pull(subscriber, subscription))) == ["new", "old"]


def test_seek__delivers_anew_what_is_out_and_forgets_its_acknowledgement(
    publisher, subscriber, topic
):
    subscription = make(subscriber, topic)
    publish(publisher, topic, "out")
    [before] = pull(subscriber, subscription)
    subscriber.seek({"subscription": subscription, "time": before.message.publish_time})
    acknowledge(subscriber, subscription, [before])
    [after] = pull(subscriber, subscription)
    assert after.message.message_id == before.message.message_id
    acknowledge(subscriber, subscription, [after])
    assert pull(subscriber, subscription, timeout=1) == []


def test_seek__to_a_snapshot_owes_what_was_owed_then_and_all_since(publisher, subscriber, topic):
    subscription = make(subscriber, topic, enable_message_ordering=True)
    publish(publisher, topic, "acked before", "owed then", ordering_key="k")
    first = pull(subscriber, subscription)
    acknowledge(subscriber, subscription, first[:1])
    snapshot = subscriber.create_snapshot(
        name=f"{PROJECT}/snapshots/noon", subscription=subscription
    )
    assert list(subscriber.list_snapshots(project=PROJECT)) == [snapshot]
    assert snapshot.topic == topic
    publish(publisher, topic, "since", ordering_key="k")
    acknowledge(subscriber, subscription, first[1:])
    acknowledge(subscriber, subscription, pull(subscriber, subscription))
    subscriber.seek({"subscription": subscription, "snapshot": snapshot.name})
    assert texts(pull(subscriber, subscription)) == ["owed then", "since"]
    subscriber.delete_snapshot(snapshot=snapshot.name)
    with pytest.raises(exceptions.NotFound, match="resource=noon"):
        subscriber.seek({"subscription": subscription, "snapshot": snapshot.name})
