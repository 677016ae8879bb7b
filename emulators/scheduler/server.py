"""The scheduler as a server on loopback: a thread of this process, or a process through `__main__`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI

from emulators.http_server import HttpServer, listening, serving
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


def serve(options: SchedulerOptions) -> HttpServer:
    """Return a scheduler that takes requests on loopback, at the port that it tells.

    Raises OSError when the port is taken, sqlite3.OperationalError when the data folder is.
    """
    listener = listening(options.common.port)
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

    return serving("scheduler", create_app(service, firing), listener, store.close, lifespan="on")
