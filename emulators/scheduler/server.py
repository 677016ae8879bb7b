"""The scheduler as a server on loopback: a thread of this process, or a process through `__main__`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from emulators.process import LOOPBACK, Options
from emulators.scheduler.api import create_app
from emulators.scheduler.delivery import Delivery
from emulators.scheduler.engine import Engine
from emulators.scheduler.service import SchedulerService
from emulators.scheduler.store import Store

START_LIMIT_SECONDS = 10.0
STOP_LIMIT_SECONDS = 5.0


@dataclass(frozen=True)
class SchedulerOptions:
    """Arguments of the scheduler.

    pubsub_host: HOST:PORT that Pub/Sub targets publish to. workflows_host: HOST:PORT of the REST
    server that HTTP targets on workflowexecutions.googleapis.com are sent to. Without them the
    attempts of such jobs fail.
    """

    common: Options
    pubsub_host: str | None = None
    workflows_host: str | None = None


class _Server(uvicorn.Server):
    """A server that tells when it takes requests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class SchedulerServer:
    """A running scheduler."""

    def __init__(self, server: _Server, listener: socket.socket, store: Store) -> None:
        self._server = server
        self._store = store
        self._thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="scheduler", daemon=True
        )
        self.port: int = listener.getsockname()[1]

    def start(self) -> None:
        """Take requests and fire jobs from here on; raises TimeoutError when that fails."""
        self._thread.start()
        if not self._server.ready.wait(START_LIMIT_SECONDS):
            raise TimeoutError(f"the scheduler was not ready within {START_LIMIT_SECONDS} s")

    def stop(self) -> None:
        """Finish the requests at hand, give attempts in flight a second, and close the store."""
        self._server.should_exit = True
        self._thread.join(STOP_LIMIT_SECONDS)
        self._store.close()


def serve(options: SchedulerOptions) -> SchedulerServer:
    """Return a scheduler that takes requests on loopback, at the port that it tells.

    Raises OSError when the port is taken, sqlite3.OperationalError when the data folder is.
    """
    listener = socket.create_server((LOOPBACK, options.common.port))
    store = Store(options.common.data_dir)
    service = SchedulerService(store, options.common.clock)

    @asynccontextmanager
    async def firing(_: FastAPI) -> AsyncIterator[None]:
        delivery = Delivery(options.pubsub_host, options.workflows_host)
        engine = Engine(store, options.common.clock, delivery)
        looking = asyncio.create_task(engine.run())
        yield
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
        await engine.stop()
        await delivery.close()

    config = uvicorn.Config(
        create_app(service, firing),
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = SchedulerServer(_Server(config), listener, store)
    server.start()
    return server
