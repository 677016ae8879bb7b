"""Handlers between gRPC's bytes and the services: parsing, refusals, and nothing unforeseen."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError

from emulators.pubsub.errors import Refusal, unimplemented
from emulators.status_text import status_text

_LOGGER = logging.getLogger(__name__)

UnaryCall = Callable[[Any, Any], Awaitable[Any]]
StreamCall = Callable[[AsyncIterator[Any], Any], AsyncIterator[Any]]


def unary(request_type: Any, call: UnaryCall) -> Any:
    """Return the gRPC handler of a call that takes and returns one message."""

    async def handle(raw: bytes, context: Any) -> bytes:
        try:
            response = await call(_parse(request_type, raw), context)
            return bytes(response.SerializeToString())
        except Exception as error:  # noqa: BLE001  # whatever it is, the client gets a status
            await _abort(context, error)

    return grpc.unary_unary_rpc_method_handler(handle)


def streaming(request_type: Any, call: StreamCall) -> Any:
    """Return the gRPC handler of a call with a stream in both directions."""

    async def handle(raw_requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        requests = (_parse(request_type, raw) async for raw in raw_requests)
        try:
            async for response in call(requests, context):
                yield response.SerializeToString()
        except Exception as error:  # noqa: BLE001  # whatever it is, the client gets a status
            await _abort(context, error)

    return grpc.stream_stream_rpc_method_handler(handle)


def unbuilt(method: str) -> Any:
    """Return the gRPC handler of a call of Google's that is not built here."""

    async def handle(_raw: bytes, context: Any) -> NoReturn:
        await _abort(context, unimplemented(method))

    return grpc.unary_unary_rpc_method_handler(handle)


def _parse(request_type: Any, raw: bytes) -> Any:
    try:
        return request_type.FromString(raw)
    except DecodeError:
        name = request_type.DESCRIPTOR.name
        raise Refusal(
            grpc.StatusCode.INVALID_ARGUMENT, f"The request is no valid {name} message."
        ) from None


async def _abort(context: Any, error: Exception) -> NoReturn:
    if isinstance(error, Refusal):
        refusal = error
    else:
        _LOGGER.error("A call failed for a reason that is no refusal", exc_info=error)
        refusal = Refusal(grpc.StatusCode.INTERNAL, "Internal error encountered.")
    await context.abort(refusal.code, status_text(refusal.message), refusal.trailing_metadata())
    raise AssertionError  # abort always raises
