"""The emulator as a whole: its parts wired together, gRPC and REST on one event loop."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import Any

import grpc.aio

from emulators.health import add_health
from emulators.http_server import LoopServer, listening
from emulators.process import LOOPBACK, Options
from emulators.tokens import TokenMint
from emulators.workflows.alarms import Alarms
from emulators.workflows.callbacks import Callbacks
from emulators.workflows.engine import Engine
from emulators.workflows.executions_service import ExecutionsService
from emulators.workflows.google_apis import GoogleApis
from emulators.workflows.http_calls import HttpCalls
from emulators.workflows.rest import RestApi
from emulators.workflows.rpc import (
    EXECUTIONS,
    WORKFLOWS,
    execution_methods,
    handler_of,
    workflow_methods,
)
from emulators.workflows.step_entries import StepEntries
from emulators.workflows.storage import Store
from emulators.workflows.workflows_service import WorkflowsService


@dataclass(frozen=True)
class WorkflowsOptions:
    """Arguments of the Workflows emulator; the hosts are those that connectors call."""

    common: Options
    rest_port: int = 0
    pubsub_host: str | None = None
    firestore_host: str | None = None


class WorkflowsServer:
    """The running emulator; made and used on one event loop."""

    def __init__(self, options: WorkflowsOptions) -> None:
        self._options = options
        self._store = Store(options.common.data_dir)
        self._alarms = Alarms(options.common.clock)
        self._http = HttpCalls(TokenMint())
        self._apis = GoogleApis(options.pubsub_host, options.firestore_host)
        self._rpc: Any = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        add_health(self._rpc)
        self.port: int = self._rpc.add_insecure_port(f"{options.common.host}:{options.common.port}")
        listener = listening(options.rest_port, options.common.host)
        self.rest_port: int = listener.getsockname()[1]
        callbacks = Callbacks(self._store, self._alarms, f"http://{LOOPBACK}:{self.rest_port}")
        executions = ExecutionsService(self._store, self._alarms)
        self._engine = Engine(
            self._store,
            self._alarms,
            callbacks,
            self._http,
            self._apis,
            executions,
            options.common.faults,
        )
        executions.attach(self._engine)
        workflows = WorkflowsService(self._store, self._alarms, self._engine)
        of_workflows, of_executions = workflow_methods(workflows), execution_methods(executions)
        self._rpc.add_generic_rpc_handlers(
            (handler_of(WORKFLOWS, of_workflows), handler_of(EXECUTIONS, of_executions))
        )
        api = RestApi({**of_workflows, **of_executions}, callbacks, StepEntries(self._store))
        self._rest = LoopServer(api.application, listener, lifespan="off", log_config=None)

    async def start(self) -> None:
        """Take requests from now on, and go on with the executions that have not ended."""
        await self._rest.start()
        await self._rpc.start()
        self._engine.resume()

    async def stop(self) -> None:
        """Stop taking requests and running; what has not ended stays in the store as it is."""
        await self._rpc.stop(grace=0.2)
        await self._rest.stop()
        await self._engine.stop()
        await self._alarms.stop()
        await self._http.close()
        await self._apis.close()
        self._store.close()


class Handle:
    """An emulator on an event loop of its own, in a thread: what `serve` returns."""

    def __init__(self, options: WorkflowsOptions) -> None:
        self.port = 0
        self.rest_port = 0
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="workflows-emulator")
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Stop the emulator and return when it has stopped."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        try:
            server = WorkflowsServer(self._options)
            await server.start()
            self.port, self.rest_port = server.port, server.rest_port
        except BaseException as failure:  # noqa: BLE001 - raised where serve was called
            self._failure = failure
            return
        finally:
            self._ready.set()
        await self._stop.wait()
        await server.stop()


def serve(options: WorkflowsOptions) -> Handle:
    """Start an emulator inside this process and return when it takes requests."""
    return Handle(options)
