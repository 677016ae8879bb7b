"""Callback endpoints: made by an execution, called from outside, awaited by the execution."""

from __future__ import annotations

import asyncio
import uuid

from emulators.workflows.alarms import Alarms
from emulators.workflows.api_errors import ApiError, Status, not_found
from emulators.workflows.errors import timeout_error, value_error
from emulators.workflows.storage import Callback, Store
from emulators.workflows.values import Value


class Callbacks:
    """All callback endpoints of the emulator; what arrives before an await is kept for it."""

    def __init__(self, store: Store, alarms: Alarms, base_url: str) -> None:
        self._store = store
        self._alarms = alarms
        self._base_url = base_url
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    def create(self, execution: str, key: str, method: str) -> Value:
        """Open an endpoint, the same one whenever the same point of an execution asks for it."""
        identifier = uuid.uuid5(uuid.NAMESPACE_URL, f"{execution}{key}")
        name = f"{execution}/callbacks/{identifier}"
        self._store.add_callback(execution, Callback(name, method))
        return {"url": f"{self._base_url}/v1/{name}"}

    async def take(self, execution: str, key: str, url: str, deadline: float) -> Value:
        """Return the oldest request that was not taken, waiting for one until the deadline."""
        name = url.partition("/v1/")[2]
        if self._store.callback(name) is None or not name.startswith(f"{execution}/"):
            raise value_error(f"{url!r} is no callback endpoint of this execution")
        while (request := self._store.take_request(name, key)) is None:
            if deadline <= self._alarms.now():
                raise timeout_error(f"callback {url} was not called in time")
            await self._arrival(name, deadline)
        return request

    def receive(self, name: str, method: str, request: Value) -> None:
        """Keep a request for whoever awaits it; NOT_FOUND when the execution is over."""
        callback = self._store.callback(name)
        if callback is None:
            raise not_found(name)
        if callback.method != method:
            message = f"callback '{name}' takes {callback.method}, not {method}"
            raise ApiError(Status.INVALID_ARGUMENT, message)
        received = self._alarms.moment().isoformat().replace("+00:00", "Z")
        document = {"http_request": request, "received_time": received, "type": "HTTP"}
        self._store.add_request(name, document)
        for arrival in self._waiting.get(name, ()):
            if not arrival.done():
                arrival.set_result(None)

    def list_of(self, execution: str) -> list[Value]:
        """Return an execution's endpoints as Google's API lists them."""
        return [
            {
                "name": callback.name,
                "method": callback.method,
                "waiters": str(len(self._waiting.get(callback.name, ()))),
                "availablePayloads": str(self._store.waiting_requests(callback.name)),
            }
            for callback in self._store.callbacks(execution)
        ]

    async def _arrival(self, name: str, deadline: float) -> None:
        """Return when a request arrives or the deadline passes, whichever comes first."""
        arrival = asyncio.get_running_loop().create_future()
        alarm = self._alarms.at(deadline)
        self._waiting.setdefault(name, set()).add(arrival)
        try:
            await asyncio.wait((arrival, alarm), return_when=asyncio.FIRST_COMPLETED)
        finally:
            alarm.cancel()
            arrival.cancel()
            self._waiting[name].discard(arrival)
            if not self._waiting[name]:
                del self._waiting[name]
