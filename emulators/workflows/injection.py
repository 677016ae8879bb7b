"""Injected faults of executions: between the interpreter and its host, and at the journal.

A crash belongs to the entry that an effect leaves in the journal: before it the effect has
happened and is forgotten, after it a restart goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from emulators.faults.effects import ConnectionBroken, InjectedError, carried_out, die, hang
from emulators.faults.rules import Call, Fault, Kind
from emulators.faults.switch import Faults
from emulators.workflows.effects import Effect, Host, SendRequest
from emulators.workflows.errors import (
    ExecutionAborted,
    WorkflowError,
    system_error,
    timeout_error,
)
from emulators.workflows.journal import Entry, JournalStore
from emulators.workflows.values import Value

_CRASHES = (Kind.CRASH_BEFORE, Kind.CRASH_AFTER)


class InjectedExecution:
    """The host and the journal's store of one execution of a workflow, with its faults."""

    def __init__(self, host: Host, store: JournalStore, faults: Faults, workflow: str) -> None:
        self._host = host
        self._store = store
        self._faults = faults
        self._workflow = workflow
        self._crashes: dict[str, Kind] = {}

    async def perform(self, effect: Effect, key: str) -> Value:
        """Return what the effect gives, as far as a fault lets it."""
        fault = self._faults.strike(lambda: _described(self._workflow, effect))
        if fault is None:
            return await self._host.perform(effect, key)
        if fault.kind in _CRASHES:
            self._crashes[key] = fault.kind
            return await self._host.perform(effect, key)
        if fault.kind is Kind.FAIL:
            failure = system_error("SystemError", "injected fault: the execution failed")
            raise ExecutionAborted(failure.payload)
        if fault.kind is Kind.FREEZE:
            await hang()
        if isinstance(effect, SendRequest):
            return await self._send(fault, effect, key)
        return await carried_out(fault, lambda: self._host.perform(effect, key))

    def entries(self) -> Sequence[Entry]:
        """Return what the journal holds."""
        return self._store.entries()

    def append(self, entry: Entry) -> None:
        """Keep the entry; a crash that is due at it ends the process."""
        crash = self._crashes.pop(entry.key, None)
        if crash is Kind.CRASH_BEFORE:
            die()
        self._store.append(entry)
        if crash is Kind.CRASH_AFTER:
            die()

    async def _send(self, fault: Fault, request: SendRequest, key: str) -> Value:
        try:
            async with asyncio.timeout(request.timeout):
                return await carried_out(fault, lambda: self._host.perform(request, key))
        except TimeoutError:
            message = f"no response from {request.url} within {request.timeout:g} seconds"
            raise timeout_error(message) from None
        except ConnectionBroken:
            message = f"connection to {request.url} broke"
            raise system_error("ConnectionError", message) from None
        except InjectedError as error:
            raise _refused(error) from None


def _refused(error: InjectedError) -> WorkflowError:
    return WorkflowError(
        {
            "message": f"HTTP server responded with error code {error.status}",
            "tags": ["HttpError"],
            "code": error.status,
            "headers": {},
            "body": error.message,
        }
    )


def _described(workflow: str, effect: Effect) -> Call:
    if isinstance(effect, SendRequest):
        return {"workflow": (workflow,), "http": (effect.url,), "body": (effect.body,)}
    return {"workflow": (workflow,)}
