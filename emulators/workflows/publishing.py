"""Publishing to Pub/Sub for the connector, over gRPC."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import grpc
import grpc.aio
from google.protobuf import json_format

from emulators.workflows.api_errors import Status
from emulators.workflows.errors import http_error, system_error, value_error
from emulators.workflows.messages import as_map
from emulators.workflows.values import Value

_HTTP_CODES = {status.name: status.http_code for status in Status}


class Publisher:
    """A client of the Pub/Sub at `host`; without one, publishing raises ConnectionFailedError."""

    def __init__(self, host: str | None) -> None:
        self._host = host
        self._channel: Any = None if host is None else grpc.aio.insecure_channel(host)

    async def close(self) -> None:
        """Close the channel."""
        if self._channel is not None:
            await self._channel.close()

    async def publish(self, topic: str, body: Value) -> Value:
        """Return {messageIds} for the messages of `body`, a PublishRequest in JSON."""
        if self._channel is None:
            message = "no Pub/Sub was given to this emulator (--pubsub-host)"
            raise system_error("ConnectionFailedError", message)
        # The classes come with a client library that takes half a second to import.
        types = await asyncio.to_thread(_pubsub_types)
        try:
            request = json_format.ParseDict({**body, "topic": topic}, types.PublishRequest.pb()())
        except json_format.ParseError as error:
            raise value_error(f"body is no PublishRequest: {error}") from error
        method = self._channel.unary_unary(
            "/google.pubsub.v1.Publisher/Publish",
            request_serializer=types.PublishRequest.pb().SerializeToString,
            response_deserializer=types.PublishResponse.pb().FromString,
        )
        try:
            return as_map(await method(request, timeout=60))
        except grpc.aio.AioRpcError as error:
            name = error.code().name
            raise http_error(_HTTP_CODES.get(name, 500), name, error.details()) from error


@functools.cache
def _pubsub_types() -> Any:
    from google.pubsub_v1.types import pubsub  # noqa: PLC0415 - half a second at start otherwise

    return pubsub
