"""Calling Google's APIs for connectors: Pub/Sub and Firestore of the local cloud, over gRPC."""

from __future__ import annotations

import asyncio
import functools
import importlib
from typing import Any

import grpc
import grpc.aio
from google.protobuf import descriptor_pool, json_format, message_factory

from emulators.workflows.api_errors import Status
from emulators.workflows.effects import CallApi
from emulators.workflows.errors import http_error, system_error, value_error
from emulators.workflows.messages import as_map
from emulators.workflows.values import Value

_HTTP_CODES = {status.name: status.http_code for status in Status}
# Where the messages of each API come from.
_TYPES = {
    "google.pubsub.v1": "google.pubsub_v1.types",
    "google.firestore.v1": "google.cloud.firestore_v1.types",
}
_OPTIONS = {"google.pubsub.v1": "--pubsub-host", "google.firestore.v1": "--firestore-host"}


class GoogleApis:
    """Clients of the APIs whose hosts are given; calling another raises ConnectionFailedError."""

    def __init__(self, pubsub_host: str | None, firestore_host: str | None) -> None:
        hosts = {"google.pubsub.v1": pubsub_host, "google.firestore.v1": firestore_host}
        self._channels: dict[str, Any] = {
            api: grpc.aio.insecure_channel(host) for api, host in hosts.items() if host is not None
        }

    async def close(self) -> None:
        """Close the channels."""
        for channel in self._channels.values():
            await channel.close()

    async def call(self, call: CallApi) -> Value:
        """Return the response of a method as a map, a list of maps when it streams.

        Raises ValueError for a request that the method does not take, HttpError as it answers.
        """
        api = call.method.rpartition(".")[0]
        channel = self._channels.get(api)
        if channel is None:
            message = f"no {api} was given to this emulator ({_OPTIONS[api]})"
            raise system_error("ConnectionFailedError", message)
        # The classes come with a client library that takes half a second to import.
        request_type = await asyncio.to_thread(_message, api, call.request_type)
        response_type = _message(api, call.response_type)
        try:
            request = json_format.ParseDict(call.request, request_type())
        except (json_format.ParseError, RecursionError) as error:
            raise value_error(f"arguments are no {call.request_type}: {error}") from error
        factory = channel.unary_stream if call.streams else channel.unary_unary
        method = factory(
            f"/{call.method}",
            request_serializer=request_type.SerializeToString,
            response_deserializer=response_type.FromString,
        )
        try:
            if call.streams:
                return [as_map(part) async for part in method(request, timeout=call.timeout)]
            return as_map(await method(request, timeout=call.timeout))
        except grpc.aio.AioRpcError as error:
            name = error.code().name
            raise http_error(_HTTP_CODES.get(name, 500), name, error.details()) from error


@functools.cache
def _message(api: str, name: str) -> Any:
    importlib.import_module(_TYPES[api])
    full_name = name if "." in name else f"{api}.{name}"
    pool = descriptor_pool.Default()
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(full_name))
