"""The emulated cloud inside a process of one's own, for tests: in a thread, in memory by default.

with running() as cloud:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", cloud.address("firestore"))
    ...
    cloud.reset()
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from emulators.cloud import SERVICES, Cloud, CloudOptions


class InProcess:
    """A cloud on an event loop and thread of its own; raises what kept it from starting."""

    def __init__(self, options: CloudOptions | None = None) -> None:
        self._cloud = Cloud(options or CloudOptions())
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="emulators", daemon=True)
        self._thread.start()
        try:
            self._wait_for(self._cloud.start())
        except BaseException:
            self._end()
            raise

    def address(self, name: str) -> str:
        """Return HOST:PORT of a service, or of `workflows-rest`; KeyError when it does not run."""
        return self._cloud.addresses()[name]

    def reset(self, *services: str) -> None:
        """Forget what the services hold, all of them when none is named; ports stay."""
        self._wait_for(self._cloud.reset(services or SERVICES))

    def stop(self) -> None:
        """Stop the services and wait until they have."""
        self._wait_for(self._cloud.stop())
        self._end()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def running(options: CloudOptions | None = None) -> Iterator[InProcess]:
    """Run a cloud in a thread of this process inside the block."""
    cloud = InProcess(options)
    try:
        yield cloud
    finally:
        cloud.stop()
