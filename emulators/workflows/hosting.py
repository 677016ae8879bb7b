"""The host of the emulator: performs effects on the market's clock, the network and the store."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from emulators.workflows.alarms import Alarms
from emulators.workflows.callbacks import Callbacks
from emulators.workflows.effects import (
    AwaitCallback,
    AwaitExecution,
    BackOff,
    CallApi,
    CreateCallback,
    Effect,
    GenerateUuid,
    ReadClock,
    SendRequest,
    SleepUntil,
    StartExecution,
    WriteLog,
)
from emulators.workflows.google_apis import GoogleApis
from emulators.workflows.http_calls import HttpCalls
from emulators.workflows.values import Value

_log = logging.getLogger("emulators.workflows.executions")


class Executions(Protocol):
    """What one execution may ask about others."""

    def start(self, workflow: str, execution: Value, identifier: str) -> Value:
        """Return the execution with this id as a map; it is started when it is not there yet."""

    async def ended(self, name: str, seconds: float) -> Value:
        """Return an execution as a map when it has ended; TimeoutError after so many seconds."""

    def answers(self, method: str) -> bool:
        """Tell whether a method is one of theirs."""

    async def call(self, method: str, request: Value) -> Value:
        """Return what a method of theirs answers as a map, or raise a WorkflowError."""


@dataclass(frozen=True, slots=True)
class Services:
    """What all executions share."""

    alarms: Alarms
    callbacks: Callbacks
    http: HttpCalls
    apis: GoogleApis
    executions: Executions


class ExecutionHost:
    """Performs the effects of one execution, in the name of its workflow's service account."""

    def __init__(self, services: Services, execution: str, account: str) -> None:
        self._services = services
        self._execution = execution
        self._account = account

    async def perform(self, effect: Effect, key: str) -> Value:
        """Return what the effect gives, or raise a WorkflowError."""
        return await _PERFORMERS[type(effect)](self, effect, key)

    async def read_clock(self, _: ReadClock, __: str) -> Value:
        return self._services.alarms.now()

    async def sleep(self, effect: SleepUntil, _: str) -> Value:
        await self._services.alarms.at(effect.instant)

    async def back_off(self, effect: BackOff, _: str) -> Value:
        await asyncio.sleep(effect.seconds)

    async def generate_uuid(self, _: GenerateUuid, __: str) -> Value:
        return str(uuid.uuid4())

    async def write_log(self, effect: WriteLog, _: str) -> Value:
        kind = "jsonPayload" if isinstance(effect.payload, dict) else "textPayload"
        entry = {
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "severity": effect.severity,
            kind: effect.payload,
            "labels": {"execution": self._execution},
        }
        _log.info("%s", json.dumps(entry, default=repr, ensure_ascii=False))

    async def send_request(self, effect: SendRequest, _: str) -> Value:
        return await self._services.http.send(effect, self._account)

    async def create_callback(self, effect: CreateCallback, key: str) -> Value:
        return self._services.callbacks.create(self._execution, key, effect.method)

    async def await_callback(self, effect: AwaitCallback, key: str) -> Value:
        callbacks = self._services.callbacks
        return await callbacks.take(self._execution, key, effect.url, effect.deadline)

    async def start_execution(self, effect: StartExecution, key: str) -> Value:
        # Started at most once, whatever happens between the start and its entry in the journal.
        identifier = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._execution}{key}"))
        return self._services.executions.start(effect.workflow, effect.execution, identifier)

    async def await_execution(self, effect: AwaitExecution, _: str) -> Value:
        return await self._services.executions.ended(effect.name, effect.timeout)

    async def call_api(self, effect: CallApi, _: str) -> Value:
        executions = self._services.executions
        if executions.answers(effect.method):
            return await executions.call(effect.method, effect.request)
        return await self._services.apis.call(effect)


class _Performer(Protocol):
    def __call__(self, host: ExecutionHost, effect: Any, key: str, /) -> Awaitable[Value]: ...


_PERFORMERS: dict[type[Effect], _Performer] = {
    ReadClock: ExecutionHost.read_clock,
    SleepUntil: ExecutionHost.sleep,
    BackOff: ExecutionHost.back_off,
    GenerateUuid: ExecutionHost.generate_uuid,
    WriteLog: ExecutionHost.write_log,
    SendRequest: ExecutionHost.send_request,
    CreateCallback: ExecutionHost.create_callback,
    AwaitCallback: ExecutionHost.await_callback,
    StartExecution: ExecutionHost.start_execution,
    AwaitExecution: ExecutionHost.await_execution,
    CallApi: ExecutionHost.call_api,
}
