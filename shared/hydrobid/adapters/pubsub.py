"""The messages port on Pub/Sub."""

from __future__ import annotations

from collections.abc import Callable

from google.api_core import exceptions
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import BatchSettings, PublisherOptions

from hydrobid.domain.canonical import canonical_json
from hydrobid.domain.errors import ServiceUnavailable
from hydrobid.domain.messages import Message

PUBLISH_SECONDS = 30.0


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
