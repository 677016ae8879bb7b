"""Dead letters of a client on the local Pub/Sub, given up for real by a subscription of its own."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime

import pytest
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1.types import PubsubMessage
from google.pubsub_v1 import PublisherClient as PublisherMethods

from emulators.clock import MarketClock
from emulators.process import Options
from emulators.pubsub.server import serve
from hydrobid.adapters import dead_letters
from hydrobid.bootstrap.dead_letters import dead_letters_of
from hydrobid.bootstrap.deployment import KEPT
from hydrobid.bootstrap.settings import CloudSettings
from hydrobid.bootstrap.topology import subscription_path, topic_path
from hydrobid.cli import dead_letters as commands
from hydrobid.domain.errors import InvalidInput, NotFound
from hydrobid.domain.identifiers import ClientId

CLIENT = ClientId("sintef-example")
ATTEMPTS = 5


@pytest.fixture(scope="module")
def port():
    server = serve(Options(0, None, MarketClock(None)))
    yield server.port
    server.stop()


class Cloud:
    """A client's messaging in a project of its own, with a puller where its function would be."""

    def __init__(self, project: str) -> None:
        self.settings = CloudSettings(project=project)
        self.publisher = pubsub_v1.PublisherClient()
        self.subscriber = pubsub_v1.SubscriberClient()
        self.topic = topic_path(project, CLIENT, "asset-settled")
        self.dead = topic_path(project, CLIENT, "dead-letters")
        self.function = subscription_path(project, CLIENT, "asset-settled", "aggregator")
        for topic in (self.topic, self.dead):
            self.publisher.create_topic(name=topic)
        kept = subscription_path(project, CLIENT, "dead-letters", KEPT)
        self.subscriber.create_subscription(name=kept, topic=self.dead)
        policy = {"dead_letter_topic": self.dead, "max_delivery_attempts": ATTEMPTS}
        self.subscriber.create_subscription(
            request={"name": self.function, "topic": self.topic, "dead_letter_policy": policy}
        )

    def pull(self):
        answer = self.subscriber.pull(
            subscription=self.function, max_messages=10, timeout=5, retry=None
        )
        return list(answer.received_messages)

    def give_up(self, data: bytes, **attributes: str) -> None:
        """Publish a message and refuse it until it is a dead letter."""
        self.publisher.publish(self.topic, data, **attributes).result(5)
        self.refuse()

    def refuse(self) -> None:
        """Refuse the message that waits until it is a dead letter."""
        for _ in range(ATTEMPTS):
            (received,) = self.pull()
            self.subscriber.modify_ack_deadline(
                subscription=self.function, ack_ids=[received.ack_id], ack_deadline_seconds=0
            )

    def listed(self) -> list[dead_letters.DeadLetter]:
        with dead_letters_of(self.settings, CLIENT) as letters:
            return letters.listed()

    def replay(self, ids: list[str] | None = None) -> list[dead_letters.DeadLetter]:
        with dead_letters_of(self.settings, CLIENT) as letters:
            return letters.replay(ids)


@pytest.fixture
def cloud(port, monkeypatch, request):
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{port}")
    monkeypatch.setattr(dead_letters, "LAST_PULL_SECONDS", 0.5)
    made = Cloud(f"p-{zlib.crc32(request.node.name.encode())}")
    yield made
    made.subscriber.close()
    made.publisher.stop()
    made.publisher.transport.close()


def test_listed__tells_where_letters_came_from_and_loses_none(cloud):
    cloud.give_up(b'{"asset": "a"}', trace="t-1")
    cloud.give_up(b'{"asset": "b"}')

    first, again = cloud.listed(), cloud.listed()

    assert again == first
    assert [letter.data for letter in first] == [b'{"asset": "a"}', b'{"asset": "b"}']
    assert {letter.topic for letter in first} == {cloud.topic}
    assert {letter.subscription for letter in first} == {cloud.function}
    assert {letter.attempts for letter in first} == {ATTEMPTS}
    assert first[0].attributes == {"trace": "t-1"}
    assert first[0].published <= first[0].died


def test_replay__delivers_the_message_as_it_was_and_takes_the_letter_out(cloud):
    cloud.give_up(b"one", trace="t-1")
    cloud.give_up(b"two")
    one, two = cloud.listed()

    assert cloud.replay([one.id]) == [one]

    (received,) = cloud.pull()
    assert received.message.data == b"one"
    assert dict(received.message.attributes) == {"trace": "t-1"}
    assert cloud.listed() == [two]


def test_replay__all_leaves_what_came_from_elsewhere(cloud):
    cloud.give_up(b"ours")
    cloud.publisher.publish(cloud.dead, b"stray").result(5)

    assert [letter.data for letter in cloud.replay()] == [b"ours"]

    (stray,) = cloud.listed()
    assert (stray.data, stray.topic, stray.attempts) == (b"stray", None, None)
    with pytest.raises(InvalidInput, match="asset-settled-aggregator"):
        cloud.replay([stray.id])
    assert cloud.listed() == [stray]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("DeliveryCount", "five"), ("DeliveryCount", "-1"), ("TopicPublishTime", "yesterday")],
)
def test_listed__what_a_stray_says_that_nobody_can_read_is_not_said(cloud, attribute, value):
    cloud.give_up(b"ours")
    told = {f"{dead_letters.SOURCE}{attribute}": value}
    cloud.publisher.publish(cloud.dead, b"stray", **told).result(5)

    ours, stray = cloud.listed()

    assert (ours.data, ours.attempts) == (b"ours", ATTEMPTS)
    assert (stray.data, stray.attempts, stray.published) == (b"stray", None, None)
    assert [letter.data for letter in cloud.replay()] == [b"ours"]


def test_replay__attributes_of_any_name_go_with_the_message(cloud):
    named = {"topic": "x", "timeout": "soon", "ordering_key": "k", "retry": "no", "data": "d"}
    message = PubsubMessage(data=b"one", attributes=named)
    PublisherMethods.publish(cloud.publisher, topic=cloud.topic, messages=[message])
    cloud.refuse()

    assert [letter.attributes for letter in cloud.replay()] == [named]

    (received,) = cloud.pull()
    assert (received.message.data, dict(received.message.attributes)) == (b"one", named)


def test_listed__cut_short_by_an_error_gives_back_what_it_held(cloud, monkeypatch):
    cloud.give_up(b"one")
    cloud.give_up(b"two")
    monkeypatch.setattr(dead_letters, "MOST_AT_ONCE", 1)
    with dead_letters_of(cloud.settings, CLIENT) as letters:
        pulled, pull = [], letters._pull

        def failing():
            if pulled:
                raise RuntimeError("gone")
            pulled.extend(pull())
            return pulled

        monkeypatch.setattr(letters, "_pull", failing)
        with pytest.raises(RuntimeError, match="gone"):
            letters.listed()

    assert sorted(letter.data for letter in cloud.listed()) == [b"one", b"two"]


def test_replay__an_unknown_id_delivers_nothing(cloud):
    cloud.give_up(b"one")
    (one,) = cloud.listed()

    with pytest.raises(NotFound, match=r"no dead letter 999.*it holds"):
        cloud.replay([one.id, "999"])

    assert cloud.listed() == [one]


def test_replay__that_cannot_publish_keeps_the_letter(cloud):
    cloud.give_up(b"one")
    (one,) = cloud.listed()
    cloud.publisher.delete_topic(topic=cloud.topic)

    with pytest.raises(NotFound, match=f"no {cloud.topic}$"):
        cloud.replay([one.id])

    assert cloud.listed() == [one]


def test_listed__a_client_that_was_never_deployed(cloud):
    with (
        dead_letters_of(cloud.settings, ClientId("nobody")) as letters,
        pytest.raises(NotFound, match="nobody-dead-letters-kept"),
    ):
        letters.listed()


def test_dead_letters__command_lists_and_replays(cloud, command, monkeypatch):
    class State:
        clients = (CLIENT,)

    monkeypatch.setattr(commands, "connect", lambda _: (None, State()))
    monkeypatch.setattr(commands, "cloud_settings", lambda _folder, _state: cloud.settings)
    cloud.give_up(b'{"asset": "a"}')
    (letter,) = cloud.listed()

    (listed,) = json.loads(command("dead-letters", "--json").stdout)["dead_letters"]
    printed = command("dead-letters").stdout
    refused = command("dead-letters", "replay", "--id", "999")
    replayed = command("dead-letters", "replay", "--id", letter.id, "--json")

    assert listed["id"] == letter.id
    assert listed["topic"] == "sintef-example-asset-settled"
    assert (listed["message"], listed["attempts"]) == ({"asset": "a"}, ATTEMPTS)
    assert all(text in printed for text in (letter.id, "sintef-example-asset-settled", "asset"))
    assert refused.exit_code == 2
    assert json.loads(replayed.stdout)["replayed"] == [listed]
    assert "No dead letters that can be seen now." in command("dead-letters").stdout


def test_dead_letters__a_message_of_any_content_is_shown():
    deep, half = b"[" * 200_000, rb'"\ud83d"'
    at = datetime(2026, 11, 24, tzinfo=UTC)
    for data in (deep, half, b"\xff"):
        letter = dead_letters.DeadLetter("1", None, "s", None, None, at, {}, data)
        assert commands._described(CLIENT, letter)["message"] is not None
