"""Pub/Sub targets: one message, acknowledged when it is published."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any, Final

import grpc
import grpc.aio

from emulators.scheduler.definition import PubsubTarget
from emulators.scheduler.outcome import OK, UNAVAILABLE, Outcome

_SECONDS: Final = 60.0


class MessagePublisher:
    """Publishes to the Pub/Sub at `host`; without one every attempt is UNAVAILABLE."""

    def __init__(self, host: str | None) -> None:
        self._channel: Any = None if host is None else grpc.aio.insecure_channel(host)

    async def close(self) -> None:
        """Close the channel."""
        if self._channel is not None:
            await self._channel.close()

    async def publish(self, target: PubsubTarget) -> Outcome:
        """Return how one attempt ended; the message is what the target says and nothing else."""
        if self._channel is None:
            return Outcome(UNAVAILABLE, "No Pub/Sub was given to this scheduler (--pubsub-host).")
        # The classes come with a client library that takes half a second to import.
        protos = await asyncio.to_thread(importlib.import_module, "emulators.pubsub.protos")
        message = protos.PubsubMessage(data=target.data, attributes=target.attributes)
        request = protos.PublishRequest(topic=target.topic_name, messages=[message])
        method = self._channel.unary_unary(
            "/google.pubsub.v1.Publisher/Publish",
            request_serializer=protos.PublishRequest.SerializeToString,
            response_deserializer=protos.PublishResponse.FromString,
        )
        try:
            await method(request, timeout=_SECONDS)
        except grpc.aio.AioRpcError as error:
            return Outcome(error.code().value[0], error.details() or error.code().name)
        return Outcome(OK)
