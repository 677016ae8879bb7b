"""The gRPC server around the service: messages in and out, errors as statuses, start and stop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from emulators.firestore import messages
from emulators.firestore.commits import Committer
from emulators.firestore.concurrency import ConcurrencyMode, ConcurrencyModes
from emulators.firestore.errors import InvalidArgumentError, ServiceError
from emulators.firestore.injection import InjectedStatus, Injection
from emulators.firestore.locks import LockTable
from emulators.firestore.messages import Message
from emulators.firestore.reading import Reading
from emulators.firestore.rest import RestApi, Rpc
from emulators.firestore.service import FirestoreService
from emulators.firestore.storage import Store
from emulators.firestore.timeline import Timeline
from emulators.firestore.transactions import TransactionLimits, TransactionTable
from emulators.health import add_health
from emulators.http_server import LoopServer, listening
from emulators.process import Options
from emulators.status_text import status_text

_SERVICE = "google.firestore.v1.Firestore"
_FILE = "firestore.sqlite3"
_REQUEST_LIMIT = 10 * 1024 * 1024
# Past the service's own limit, so that it is the service that answers.
_TRANSPORT_LIMIT = 64 * 1024 * 1024
_HEADER_LIMIT = 128 * 1024

_UNARY = (
    "GetDocument",
    "ListDocuments",
    "ListCollectionIds",
    "CreateDocument",
    "UpdateDocument",
    "DeleteDocument",
    "BeginTransaction",
    "Commit",
    "Rollback",
    "BatchWrite",
    "PartitionQuery",
)
_UNIMPLEMENTED = ("Write", "ExecutePipeline")
_STREAMING = ("BatchGetDocuments", "RunQuery", "RunAggregationQuery")

_log = logging.getLogger(__name__)

Context: TypeAlias = Any  # grpc ships no types


class FirestoreServer:
    """One Firestore on loopback, on the event loop that starts it."""

    def __init__(
        self,
        options: Options,
        limits: TransactionLimits,
        rest_port: int = 0,
        concurrency: ConcurrencyMode = ConcurrencyMode.PESSIMISTIC,
    ) -> None:
        """Take a port for gRPC, another for REST; concurrency: where a database does not say it."""
        file: Path | None = options.data_dir / _FILE if options.data_dir else None
        self._store = Store(file)
        timeline = Timeline(options.clock, self._store.last_commit())
        locks = LockTable(limits.lock_wait)
        modes = ConcurrencyModes(self._store, concurrency)
        transactions = TransactionTable(timeline, locks, limits, modes)
        service = FirestoreService(
            self._store,
            timeline,
            transactions,
            Reading(timeline, transactions, locks),
            Committer(self._store, timeline, locks, transactions),
        )
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", _TRANSPORT_LIMIT),
                ("grpc.max_send_message_length", _TRANSPORT_LIMIT),
                ("grpc.so_reuseport", 0),  # a taken port is an error, not a share
                # Clients send a document's name in a header as well, percent-encoded.
                ("grpc.max_metadata_size", _HEADER_LIMIT),
                ("grpc.absolute_max_metadata_size", _HEADER_LIMIT),
            ]
        )
        rpcs = _rpcs(service, Injection(options.faults, service))
        self._server.add_generic_rpc_handlers((_handlers(service, rpcs),))
        add_health(self._server)
        self.port: int = self._server.add_insecure_port(f"{options.host}:{options.port}")
        api = RestApi(rpcs, modes, service.empty, _REQUEST_LIMIT)
        listener = listening(rest_port, options.host)
        self._rest = LoopServer(api.application, listener, lifespan="off", log_config=None)
        self.rest_port: int = self._rest.port

    async def start(self) -> None:
        """Take requests from now on."""
        await self._rest.start()
        await self._server.start()

    async def stop(self, grace: float = 0.5) -> None:
        """Let running requests end for `grace` seconds, then close the store."""
        await self._server.stop(grace)
        await self._rest.stop()
        self._store.close()


def _rpcs(service: FirestoreService, injection: Injection) -> dict[str, Rpc]:
    """Return the methods that take one request, with their faults, by name."""
    unary = {
        name: Rpc(_request_type(name), unary=injection.unary(name, getattr(service, name)))
        for name in _UNARY
    }
    streaming = {
        name: Rpc(_request_type(name), streaming=injection.streaming(name, getattr(service, name)))
        for name in _STREAMING
    }
    return unary | streaming


def _request_type(method: str) -> Any:
    return getattr(messages, f"{method}Request")


def _handlers(service: FirestoreService, rpcs: dict[str, Rpc]) -> Any:
    methods = {name: _handler(rpc) for name, rpc in rpcs.items()}
    methods["Listen"] = grpc.stream_stream_rpc_method_handler(
        _bidirectional(messages.ListenRequest, service.Listen)
    )
    for name in _UNIMPLEMENTED:
        methods[name] = grpc.stream_stream_rpc_method_handler(_unimplemented(name))
    return grpc.method_handlers_generic_handler(_SERVICE, methods)


def _handler(rpc: Rpc) -> Any:
    if rpc.unary is not None:
        return grpc.unary_unary_rpc_method_handler(_unary(rpc.request_type, rpc.unary))
    assert rpc.streaming is not None  # noqa: S101 - one of the two is given
    return grpc.unary_stream_rpc_method_handler(_streaming(rpc.request_type, rpc.streaming))


def _parse(request_type: Any, data: bytes) -> Message:
    if len(data) > _REQUEST_LIMIT:
        raise InvalidArgumentError(
            f"Request payload size exceeds the limit: {_REQUEST_LIMIT} bytes."
        )
    try:
        return request_type.FromString(data)
    except DecodeError:
        raise InvalidArgumentError(
            f"The request is not a valid {request_type.DESCRIPTOR.full_name}."
        ) from None


def _unary(request_type: Any, method: Callable[[Message], Any]) -> Callable[..., Any]:
    async def answer(data: bytes, context: Context) -> bytes:
        try:
            response = await method(_parse(request_type, data))
            return bytes(response.SerializeToString())
        except Exception as error:  # whatever fails, the client gets a status
            await _abort(context, error)
            raise

    return answer


def _streaming(
    request_type: Any, method: Callable[[Message], AsyncIterator[Message]]
) -> Callable[..., Any]:
    async def answer(data: bytes, context: Context) -> AsyncIterator[bytes]:
        try:
            async for response in method(_parse(request_type, data)):
                yield response.SerializeToString()
        except Exception as error:  # whatever fails, the client gets a status
            await _abort(context, error)
            raise

    return answer


def _bidirectional(
    request_type: Any, method: Callable[[AsyncIterator[Message]], AsyncIterator[Message]]
) -> Callable[..., Any]:
    async def parsed(stream: AsyncIterator[bytes]) -> AsyncIterator[Message]:
        async for data in stream:
            yield _parse(request_type, data)

    async def answer(stream: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        try:
            async for response in method(parsed(stream)):
                yield response.SerializeToString()
        except Exception as error:  # whatever fails, the client gets a status
            await _abort(context, error)
            raise

    return answer


def _unimplemented(name: str) -> Callable[..., Any]:
    async def answer(_: AsyncIterator[bytes], context: Context) -> None:
        message = f"This emulator does not implement {name}."
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, message)

    return answer


async def _abort(context: Context, error: Exception) -> None:
    if isinstance(error, ServiceError | InjectedStatus):
        await context.abort(error.code, status_text(error.message))
    _log.error("The request failed in the emulator itself.", exc_info=error)
    await context.abort(grpc.StatusCode.INTERNAL, f"Internal error: {type(error).__name__}.")


class Handle:
    """A server that runs on an event loop and thread of its own, for tests in one process."""

    def __init__(self, options: Options, limits: TransactionLimits) -> None:
        self.port = self.rest_port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._run, args=(options, limits), name="firestore-emulator", daemon=True
        )
        self._started = threading.Event()
        self._stopping = asyncio.Event()
        self._failure: BaseException | None = None
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure

    def _run(self, options: Options, limits: TransactionLimits) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._serve(options, limits))
            except BaseException as failure:  # noqa: BLE001 - raised again where serve was called
                self._failure = failure
            finally:
                self._started.set()

    async def _serve(self, options: Options, limits: TransactionLimits) -> None:
        server = FirestoreServer(options, limits)
        await server.start()
        self.port, self.rest_port = server.port, server.rest_port
        self._started.set()
        await self._stopping.wait()
        await server.stop()

    def stop(self) -> None:
        """Stop the server and wait until it has; stopping it again does nothing."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()


def serve(options: Options, limits: TransactionLimits | None = None) -> Handle:
    """Start a server in this process; return its handle: `.port`, `.rest_port`, `.stop()`."""
    return Handle(options, limits or TransactionLimits())
