"""Messages as they are kept, and the limits that a publisher meets.

Limits: https://cloud.google.com/pubsub/quotas#resource_limits
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from emulators.pubsub import names
from emulators.pubsub.errors import invalid, too_large, too_small
from emulators.pubsub.protos import PubsubMessage

MAX_REQUEST_BYTES: Final = 10_000_000
MAX_MESSAGES: Final = 1_000
MAX_ATTRIBUTES: Final = 100
MAX_KEY_BYTES: Final = 256
MAX_VALUE_BYTES: Final = 1_024
MAX_ORDERING_KEY_BYTES: Final = 1_024

# They hand traces on under this prefix, through the same call as everybody.
_OF_CLIENT_LIBRARIES = "googclient_"
_DEAD_LETTER = "CloudPubSubDeadLetterSource"


@dataclass(frozen=True, slots=True)
class Message:
    """A published message; one object is shared by all subscriptions that have it.

    `body` is the PubsubMessage with its id and publish time, `size` its bytes on the wire and
    `stored_at` the real time (Unix seconds) that retention counts from.
    """

    id: int
    topic: str
    body: Any
    size: int
    stored_at: float


def check_publishable(messages: Sequence[Any], request_bytes: int) -> None:
    """Refuse a publish request that breaks a limit, in Google's words."""
    if not messages:
        raise too_small("message_count", 0, 1)
    if len(messages) > MAX_MESSAGES:
        raise too_large("message_count", len(messages), MAX_MESSAGES)
    if request_bytes > MAX_REQUEST_BYTES:
        raise too_large("request_size", request_bytes, MAX_REQUEST_BYTES)
    for message in messages:
        _check_message(message)


def _check_message(message: Any) -> None:
    if not message.data and not message.attributes:
        raise invalid(
            "One or more messages in the publish request is empty. Each message must contain "
            "either non-empty data, or at least one attribute."
        )
    if len(message.attributes) > MAX_ATTRIBUTES:
        raise too_large("attributes_count", len(message.attributes), MAX_ATTRIBUTES)
    if message.ordering_key:
        _check_bytes("ordering_key", message.ordering_key, MAX_ORDERING_KEY_BYTES)
    for key, value in message.attributes.items():
        if not key:
            raise invalid("An attribute key in the publish request is empty.")
        if key.startswith("goog") and not key.startswith(_OF_CLIENT_LIBRARIES):
            raise invalid(f"The attribute key {key!r} begins with the reserved prefix 'goog'.")
        _check_bytes("attribute_key_size", key, MAX_KEY_BYTES)
        _check_bytes("attribute_value_size", value, MAX_VALUE_BYTES)


def _check_bytes(field: str, text: str, maximum: int) -> None:
    # A character takes at most four bytes, so most texts need no encoding to be measured.
    if len(text) * 4 > maximum and (size := len(text.encode())) > maximum:
        raise too_large(field, size, maximum)


def dead_letter_copy(message: Message, subscription: str, attempts: int) -> Any:
    """Return the PubsubMessage that a dead-letter topic gets for `message`.

    It carries where the message came from, how often it was tried and when it was published:
    https://cloud.google.com/pubsub/docs/handling-failures
    """
    project, subscription_id = names.split(subscription)
    copy = PubsubMessage(data=message.body.data, ordering_key=message.body.ordering_key)
    copy.attributes.update(message.body.attributes)
    copy.attributes[f"{_DEAD_LETTER}DeliveryCount"] = str(attempts)
    copy.attributes[f"{_DEAD_LETTER}Subscription"] = subscription_id
    copy.attributes[f"{_DEAD_LETTER}SubscriptionProject"] = project
    copy.attributes[f"{_DEAD_LETTER}TopicPublishTime"] = message.body.publish_time.ToJsonString()
    return copy
