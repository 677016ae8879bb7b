"""The messages port on Pub/Sub, and the reading of what Pub/Sub pushes."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from google.api_core import exceptions
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import BatchSettings, PublisherOptions

from hydrobid.domain.canonical import canonical_json
from hydrobid.domain.errors import CorruptDocument, ServiceUnavailable
from hydrobid.domain.messages import Message

PUBLISH_SECONDS = 30.0

M = TypeVar("M", bound=Message)


class PubSubMessages:
    """Publishes each message at once: an event is worth more than a fuller batch.

    The current trace goes with it as an attribute, never in the message itself.
    """

    def __init__(self, topic_path: Callable[[str], str]) -> None:
        self._publisher = PublisherClient(
            batch_settings=BatchSettings(max_messages=1),
            publisher_options=PublisherOptions(enable_open_telemetry_tracing=True),
        )
        self._topic_path = topic_path

    def publish(self, message: Message) -> None:
        """Return when Pub/Sub has taken the message."""
        try:
            self._publisher.publish(
                self._topic_path(message.topic), canonical_json(message.to_document())
            ).result(timeout=PUBLISH_SECONDS)
        except (exceptions.GoogleAPICallError, exceptions.RetryError, TimeoutError) as error:
            raise ServiceUnavailable(f"Pub/Sub: {error}", topic=message.topic) from error


def pushed_topic(source: str) -> str:
    """Return the topic id in a CloudEvent's source, `//pubsub.googleapis.com/projects/P/topics/T`.

    Raises:
        CorruptDocument: the source names no topic.
    """
    _, found, topic = source.partition("/topics/")
    if not found or not topic:
        raise CorruptDocument(f"an event from {source!r}, which is no topic", source=source)
    return topic


def pushed_message(kind: type[M], data: Any) -> M:
    """Return the message in a CloudEvent's data.

    Raises:
        CorruptDocument: the data is no message of this kind.
    """
    return kind.from_document(pushed_content(data))


def pushed_content(data: Any) -> dict[str, Any]:
    """Return the JSON object in a CloudEvent's data.

    Raises:
        CorruptDocument: the data holds none.
    """
    try:
        encoded = data["message"]["data"] if isinstance(data, Mapping) else None
        content = json.loads(base64.b64decode(encoded or b"", validate=True))
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise CorruptDocument(f"a pushed message that cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise CorruptDocument("a pushed message that is no JSON object")
    return content
