"""The server: as a process of its own, or in a thread beside the tests that drive it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import grpc

from emulators.health import add_health
from emulators.process import Options
from emulators.pubsub import publisher, schema_service, subscriber, wire
from emulators.pubsub.broker import Broker
from emulators.pubsub.publisher import Publisher
from emulators.pubsub.push import Pusher
from emulators.pubsub.replay import Replay
from emulators.pubsub.schema_service import SchemaService
from emulators.pubsub.store import Store
from emulators.pubsub.subscriber import Subscriber
from emulators.tokens import TokenMint

_UNBUILT: Final = {
    "google.iam.v1.IAMPolicy": ("SetIamPolicy", "GetIamPolicy", "TestIamPermissions"),
}
_CHANNEL_OPTIONS: Final = (
    # Publish requests are measured by the service, in Google's words, before gRPC cuts them off.
    ("grpc.max_receive_message_length", 24 << 20),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
    # Subscriber clients ping idle streams every 30 s; gRPC's default would hang up on them.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)
_STOP_SECONDS: Final = 0.5


@asynccontextmanager
async def running(options: Options) -> AsyncIterator[int]:
    """Serve inside the block, on the port that it is given."""
    store = Store(options.data_dir)
    mint = TokenMint()
    pushes: set[asyncio.Task[None]] = set()
    broker = Broker(store, options.clock, lambda one: Pusher(one, mint, pushes), options.faults)
    server = grpc.aio.server(options=_CHANNEL_OPTIONS)
    handlers = {
        publisher.SERVICE: Publisher(broker, options.faults).handlers(),
        subscriber.SERVICE: Subscriber(broker).handlers() | Replay(broker).handlers(),
        schema_service.SERVICE: SchemaService(broker).handlers(),
    }
    for service, methods in _UNBUILT.items():
        handlers[service] = {name: wire.unbuilt(name) for name in methods}
    for service, methods_of_service in handlers.items():
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, methods_of_service),)
        )
    add_health(server)
    port = server.add_insecure_port(f"{options.host}:{options.port}")
    await server.start()
    try:
        yield port
    finally:
        broker.stop()
        await server.stop(_STOP_SECONDS)
        for push in pushes:
            push.cancel()
        await asyncio.gather(*pushes, return_exceptions=True)
        store.close()


@dataclass(frozen=True)
class Handle:
    """A server in a thread of this process."""

    port: int
    _loop: asyncio.AbstractEventLoop
    _stop: asyncio.Event
    _thread: threading.Thread

    def stop(self) -> None:
        """Stop serving and wait until everything is closed."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


def serve(options: Options) -> Handle:
    """Start a server in a thread and return once it takes requests."""
    bound: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def main() -> None:
        stop = asyncio.Event()
        try:
            async with running(options) as port:
                bound.set_result((port, asyncio.get_running_loop(), stop))
                await stop.wait()
        except BaseException as error:
            if bound.done():
                raise
            bound.set_exception(error)

    thread = threading.Thread(target=asyncio.run, args=(main(),), name="pubsub", daemon=True)
    thread.start()
    port, loop, stop = bound.result()
    return Handle(port, loop, stop, thread)
