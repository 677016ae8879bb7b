"""What faults do to a request: one coroutine around whatever the service would have done."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

from emulators.faults.rules import Fault, Kind

_Answer = TypeVar("_Answer")


class InjectedError(Exception):
    """The request is answered with an error instead of being carried out."""

    def __init__(self, status: str | int | None) -> None:
        super().__init__(f"Injected fault: {status}.")
        self.status = status
        self.message = str(self)


class ConnectionBroken(Exception):
    """The request gets no answer: its connection breaks."""


async def carried_out(fault: Fault, action: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Return what the action gives, as far as the fault lets it.

    Raises InjectedError and ConnectionBroken, which the service turns into what its clients would
    see. A hanging request ends only by being cancelled, and a crash ends the process: before the
    action has begun, or after it has ended in whatever way, before anyone has learned of it.
    """
    match fault.kind:
        case Kind.LATENCY:
            await asyncio.sleep(fault.seconds)
        case Kind.ERROR:
            raise InjectedError(fault.status)
        case Kind.DROP:
            raise ConnectionBroken
        case Kind.HANG:
            await hang()
        case Kind.CRASH_BEFORE:
            die()
        case Kind.CRASH_AFTER:
            try:
                await action()
            finally:
                die()
        case Kind.ACCEPT_THEN_BREAK:
            await action()
            raise ConnectionBroken
        case Kind.DUPLICATE:
            await action()
    return await action()


async def hang() -> NoReturn:
    """Wait until cancelled."""
    while True:
        await asyncio.Event().wait()


def die() -> NoReturn:
    """End this process as `kill -9` does."""
    while True:
        os.kill(os.getpid(), signal.SIGKILL)
