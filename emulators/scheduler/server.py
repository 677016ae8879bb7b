"""The scheduler as a server on loopback: a thread of this process, or a process through `__main__`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette

from emulators.http_server import HttpServer, LoopServer, listening, serving
from emulators.process import Options
from emulators.scheduler.api import create_app
from emulators.scheduler.delivery import Delivery
from emulators.scheduler.engine import Engine
from emulators.scheduler.service import SchedulerService
from emulators.scheduler.store import Store


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


@asynccontextmanager
async def running(options: SchedulerOptions) -> AsyncIterator[int]:
    """Serve inside the block, on the port that it is given.

    Raises OSError when the port is taken, sqlite3.OperationalError when the data folder is.
    """
    listener = listening(options.common.port, options.common.host)
    store = Store(options.common.data_dir)
    server = LoopServer(_application(options, store), listener, lifespan="on")
    try:
        await server.start()
        yield server.port
        await server.stop()
    finally:
        store.close()


def serve(options: SchedulerOptions) -> HttpServer:
    """Return a scheduler in a thread of its own, at the port that it tells; raises as `running`."""
    listener = listening(options.common.port, options.common.host)
    store = Store(options.common.data_dir)
    return serving("scheduler", _application(options, store), listener, store.close, lifespan="on")


def _application(options: SchedulerOptions, store: Store) -> Starlette:
    service = SchedulerService(store, options.common.clock)

    @asynccontextmanager
    async def firing(_: Starlette) -> AsyncIterator[None]:
        delivery = Delivery(options.pubsub_host, options.workflows_host)
        engine = Engine(store, options.common.clock, delivery)
        looking = asyncio.create_task(engine.run())
        yield
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
        await engine.stop()
        await delivery.close()

    return create_app(service, firing)
