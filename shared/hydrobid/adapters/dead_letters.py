"""What Pub/Sub gave up delivering, as a client's dead-letter subscription keeps it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from google.api_core import exceptions
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.cloud.pubsub_v1.types import PubsubMessage, ReceivedMessage
from google.pubsub_v1 import PublisherClient as PublisherMethods

from hydrobid.domain.errors import InvalidInput, NotFound, ServiceUnavailable
from hydrobid.domain.time import parse_instant

CALL_SECONDS = 20.0
LAST_PULL_SECONDS = 2.0
"""How long the pull that finds nothing more waits for it."""
LEASE_SECONDS = 120
MOST_AT_ONCE = 100
SOURCE = "CloudPubSubDeadLetterSource"
"""What Pub/Sub's own attributes begin with: https://cloud.google.com/pubsub/docs/handling-failures"""


@dataclass(frozen=True)
class DeadLetter:
    """A message that was given up.

    id: of the dead letter itself. subscription: the full name of the one that gave it up. topic: the
    full name of the one that it was published to, None where the subscription is none of ours.
    attempts: deliveries that failed; published: when it first was; None where Pub/Sub did not say so, as of
    what somebody else put there. died: as Pub/Sub tells the time.
    """

    id: str
    topic: str | None
    subscription: str
    attempts: int | None
    published: datetime | None
    died: datetime
    attributes: Mapping[str, str]
    data: bytes


_Held = dict[str, tuple[DeadLetter, str]]
"""Letters by id, each with what it is acknowledged by."""


class DeadLetters:
    """One client's dead letters.

    subscription: the one that keeps them. topics: the topic of each subscription that gives up.
    """

    def __init__(self, subscription: str, topics: Mapping[str, str]) -> None:
        self._subscription, self._topics = subscription, topics
        self._subscriber = SubscriberClient()
        self._publisher = PublisherClient()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the connections."""
        self._subscriber.close()
        self._publisher.transport.close()

    def listed(self) -> list[DeadLetter]:
        """Return what lies there, the longest dead first; it all goes on lying there.

        While it is looked at, and for two minutes if the looking is cut short, nobody else sees it.

        Raises:
            NotFound: the client has no such subscription. ServiceUnavailable: no answer.
        """
        with self._leased() as held:
            return [letter for letter, _ in held.values()]

    def replay(self, ids: Collection[str] | None = None) -> list[DeadLetter]:
        """Publish letters to the topics that they came from, then take them out, and return them.

        ids: which; None for every one whose topic is known. A crash between publishing and taking
        out leaves a letter that is published twice, which receivers have to bear anyway.

        Raises:
            NotFound: no such letter, or no such subscription; InvalidInput: a letter came from a
            subscription that is none of ours; both before anything is published.
            ServiceUnavailable: no answer; what was replayed before is done.
        """
        with self._leased() as held:
            if ids is None:
                ids = [letter.id for letter, _ in held.values() if letter.topic is not None]
            self._check(ids, {letter.id: letter for letter, _ in held.values()})
            return [self._replay(held, letter_id) for letter_id in dict.fromkeys(ids)]

    def _check(self, ids: Collection[str], known: Mapping[str, DeadLetter]) -> None:
        unknown = [letter_id for letter_id in ids if letter_id not in known]
        if unknown:
            raise NotFound(
                f"no dead letter {', '.join(unknown)} in {self._subscription}; it holds "
                f"{', '.join(known) or 'none'}",
                ids=unknown,
                known=list(known),
            )
        for letter_id in ids:
            letter = known[letter_id]
            if letter.topic is None:
                expected = f"one of {', '.join(self._topics)}"
                raise InvalidInput.of(
                    f"dead letter {letter_id}", "subscription", letter.subscription, expected
                )

    def _replay(self, held: _Held, letter_id: str) -> DeadLetter:
        letter, ack_id = held[letter_id]
        with _translated(str(letter.topic)):
            # The method beneath the client's own, among whose arguments are attributes by any name.
            message = PubsubMessage(data=letter.data, attributes=letter.attributes)
            PublisherMethods.publish(
                self._publisher, topic=letter.topic, messages=[message], timeout=CALL_SECONDS
            )
        with _translated(self._subscription):
            self._subscriber.acknowledge(
                subscription=self._subscription, ack_ids=[ack_id], timeout=CALL_SECONDS
            )
        del held[letter_id]
        return letter

    @contextmanager
    def _leased(self) -> Iterator[_Held]:
        """Hold every letter, the longest dead first; what is still held at the end is given back."""
        held: _Held = {}
        try:
            with _translated(self._subscription):
                while received := self._pull():
                    found = [(self._letter(each), str(each.ack_id)) for each in received]
                    held.update({letter.id: (letter, ack_id) for letter, ack_id in found})
                    self._lease([each.ack_id for each in received], LEASE_SECONDS)
            held = dict(sorted(held.items(), key=lambda item: (item[1][0].died, item[0])))
            yield held
        finally:
            with _translated(self._subscription):
                self._lease([ack_id for _, ack_id in held.values()], 0)

    def _pull(self) -> list[ReceivedMessage]:
        try:
            answer = self._subscriber.pull(
                subscription=self._subscription,
                max_messages=MOST_AT_ONCE,
                timeout=LAST_PULL_SECONDS,
                retry=None,
            )
        except exceptions.DeadlineExceeded:
            return []
        return list(answer.received_messages)

    def _lease(self, ack_ids: list[str], seconds: int) -> None:
        for at in range(0, len(ack_ids), MOST_AT_ONCE):
            self._subscriber.modify_ack_deadline(
                subscription=self._subscription,
                ack_ids=ack_ids[at : at + MOST_AT_ONCE],
                ack_deadline_seconds=seconds,
                timeout=CALL_SECONDS,
            )

    def _letter(self, received: ReceivedMessage) -> DeadLetter:
        message = received.message
        attributes = dict(message.attributes)
        source = {
            name.removeprefix(SOURCE): attributes.pop(name)
            for name in list(attributes)
            if name.startswith(SOURCE)
        }
        project = source.get("SubscriptionProject", "")
        subscription = f"projects/{project}/subscriptions/{source.get('Subscription', '')}"
        return DeadLetter(
            id=message.message_id,
            topic=self._topics.get(subscription),
            subscription=subscription,
            attempts=_count(source.get("DeliveryCount", "")),
            published=_instant(source.get("TopicPublishTime", "")),
            died=message.publish_time,
            attributes=attributes,
            data=message.data,
        )


def _count(told: str) -> int | None:
    return int(told) if told.isascii() and told.isdecimal() else None


def _instant(told: str) -> datetime | None:
    try:
        return parse_instant(told)
    except InvalidInput:
        return None


@contextmanager
def _translated(resource: str) -> Iterator[None]:
    """Turn Google's errors about a topic or subscription into ours."""
    try:
        yield
    except exceptions.NotFound as error:
        raise NotFound(f"Pub/Sub has no {resource}", resource=resource) from error
    except (exceptions.GoogleAPICallError, exceptions.RetryError, TimeoutError) as error:
        raise ServiceUnavailable(f"Pub/Sub: {error}", resource=resource) from error
