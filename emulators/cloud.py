"""All services of the emulated cloud in one process, on one event loop: started, reset, stopped.

They find each other: workflows publish to and write into, and jobs call, what runs beside them.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from emulators.clock import MarketClock
from emulators.faults.switch import Faults
from emulators.firestore.concurrency import ConcurrencyMode
from emulators.firestore.server import FirestoreServer
from emulators.firestore.transactions import TransactionLimits
from emulators.process import LOOPBACK, Options
from emulators.pubsub import server as pubsub
from emulators.scheduler import server as scheduler
from emulators.workflows.server import WorkflowsOptions, WorkflowsServer

FIRESTORE, PUBSUB, WORKFLOWS, SCHEDULER = "firestore", "pubsub", "workflows", "scheduler"
FIRESTORE_REST, WORKFLOWS_REST = "firestore-rest", "workflows-rest"
PORTS = (FIRESTORE, FIRESTORE_REST, PUBSUB, WORKFLOWS, WORKFLOWS_REST, SCHEDULER)
SERVICES = (FIRESTORE, PUBSUB, WORKFLOWS, SCHEDULER)

# What a service listens on, by name; some have a port for gRPC and one for REST.
Ports: TypeAlias = dict[str, int]


@dataclass(frozen=True)
class CloudOptions:
    """What to run and where.

    ports: by name; what is not named takes a free port. data_dir: a folder of state for each service
    in it; None keeps everything in memory.
    """

    services: Collection[str] = SERVICES
    ports: Mapping[str, int] = field(default_factory=dict)
    host: str = LOOPBACK
    data_dir: Path | None = None
    clock_file: Path | None = None
    faults_file: Path | None = None
    # How Firestore keeps transactions apart in databases that do not say it.
    concurrency: ConcurrencyMode = ConcurrencyMode.PESSIMISTIC


class _Opener(Protocol):
    def __call__(self, cloud: Cloud, common: Options, /) -> AsyncIterator[Ports]: ...


class Cloud:
    """The services that the options name; made, used and stopped on one event loop."""

    def __init__(self, options: CloudOptions) -> None:
        self._options = options
        self._running: dict[str, AsyncExitStack] = {}
        self.ports: Ports = {
            name: port for name, port in options.ports.items() if _owner(name) in options.services
        }

    @property
    def services(self) -> list[str]:
        """The services of this cloud, in the order in which they start."""
        return [name for name in SERVICES if name in self._options.services]

    @property
    def concurrency(self) -> ConcurrencyMode:
        """How this cloud's Firestore keeps transactions apart where a database does not say it."""
        return self._options.concurrency

    def address(self, name: str) -> str | None:
        """Return HOST:PORT of what listens under a name; None when it is not of this cloud."""
        port = self.ports.get(name)
        return f"{LOOPBACK}:{port}" if port and _owner(name) in self._options.services else None

    def addresses(self) -> dict[str, str]:
        """Return HOST:PORT of all that listens, by name."""
        return {name: f"{LOOPBACK}:{port}" for name, port in self.ports.items()}

    def is_serving(self, service: str) -> bool:
        """Tell whether a service takes requests: not while it is being reset."""
        return service in self._running

    async def start(self) -> None:
        """Take requests from here on; what has started is stopped again when one cannot."""
        try:
            for service in self.services:
                await self._open(service)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop taking requests and close the state; the last that started stops first."""
        for service in reversed(list(self._running)):
            await self._running.pop(service).aclose()

    async def reset(self, services: Collection[str]) -> None:
        """Forget everything that the services hold; they keep their ports.

        Each is stopped, emptied and started again, so nothing of before can be left: clients
        connect again by themselves, streams end with UNAVAILABLE.
        """
        chosen = [name for name in self.services if name in services]
        for service in reversed(chosen):
            await self._running.pop(service).aclose()
            folder = self._folder(service)
            if folder is not None:
                shutil.rmtree(folder)
        for service in chosen:
            await self._open(service)

    async def _open(self, service: str) -> None:
        options = self._options
        folder = self._folder(service)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        common = Options(
            self.ports.get(service, 0),
            folder,
            MarketClock(options.clock_file),
            Faults(service, options.faults_file, folder),
            options.host,
        )
        stack = AsyncExitStack()
        context = asynccontextmanager(_OPENERS[service])(self, common)
        self.ports |= await stack.enter_async_context(context)
        self._running[service] = stack

    def _folder(self, service: str) -> Path | None:
        data_dir = self._options.data_dir
        return None if data_dir is None else data_dir / service


def _owner(name: str) -> str:
    return name.removesuffix("-rest")


async def _firestore(cloud: Cloud, common: Options) -> AsyncIterator[Ports]:
    rest_port = cloud.ports.get(FIRESTORE_REST, 0)
    server = FirestoreServer(common, TransactionLimits(), rest_port, cloud.concurrency)
    await server.start()
    try:
        yield {FIRESTORE: server.port, FIRESTORE_REST: server.rest_port}
    finally:
        await server.stop()


async def _pubsub(_: Cloud, common: Options) -> AsyncIterator[Ports]:
    async with pubsub.running(common) as port:
        yield {PUBSUB: port}


async def _workflows(cloud: Cloud, common: Options) -> AsyncIterator[Ports]:
    rest_port = cloud.ports.get(WORKFLOWS_REST, 0)
    server = WorkflowsServer(
        WorkflowsOptions(common, rest_port, cloud.address(PUBSUB), cloud.address(FIRESTORE))
    )
    await server.start()
    try:
        yield {WORKFLOWS: server.port, WORKFLOWS_REST: server.rest_port}
    finally:
        await server.stop()


async def _scheduler(cloud: Cloud, common: Options) -> AsyncIterator[Ports]:
    options = scheduler.SchedulerOptions(
        common, cloud.address(PUBSUB), cloud.address(WORKFLOWS_REST)
    )
    async with scheduler.running(options) as port:
        yield {SCHEDULER: port}


_OPENERS: dict[str, _Opener] = {
    FIRESTORE: _firestore,
    PUBSUB: _pubsub,
    WORKFLOWS: _workflows,
    SCHEDULER: _scheduler,
}
