"""The journal of an execution: what its effects gave, in the order in which it went on.

An execution consists of threads: the main one and those of parallel branches. A thread computes
without interruption until it needs something from outside; the stretch between two such points is a
slice. Each time a thread goes on, one entry is written first, under a key that says which thread
and which of its points: so the order of entries is the order of slices. An execution that is
resumed runs again from its start, takes what is in the journal instead of performing it, and lets
its threads go on in exactly the recorded order; shared variables therefore pass through the same
states, and it arrives where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from emulators.workflows.errors import ExecutionAborted, WorkflowError, system_error
from emulators.workflows.values import Value


@dataclass(frozen=True, slots=True)
class Entry:
    """How one point of a thread came out: a value, or the payload of the error that was raised."""

    key: str
    kind: str
    value: Value
    failed: bool = False


class JournalStore(Protocol):
    """Keeps the entries of one execution."""

    def entries(self) -> Sequence[Entry]:
        """Return all entries in the order in which they were appended."""

    def append(self, entry: Entry) -> None:
        """Keep the entry; when this returns, a crash cannot lose it."""


class MemoryJournal:
    """A journal store that lives as long as its process."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def entries(self) -> Sequence[Entry]:
        """Return all entries in order."""
        return tuple(self._entries)

    def append(self, entry: Entry) -> None:
        """Keep the entry."""
        self._entries.append(entry)


class Journal:
    """Records what happens for the first time, and gives back what has happened before."""

    def __init__(self, store: JournalStore) -> None:
        self._store = store
        recorded = store.entries()
        self._recorded = {entry.key: (turn, entry) for turn, entry in enumerate(recorded)}
        self._turns = len(recorded)
        self._turn = 0
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._caught_up = asyncio.Event()
        if not recorded:
            self._caught_up.set()

    @property
    def replaying(self) -> bool:
        """Whether recorded entries are still to come."""
        return self._turn < self._turns

    def knows(self, key: str) -> bool:
        """Tell whether this point was passed before and has not been passed again yet."""
        return key in self._recorded

    async def go_on(self, key: str, kind: str, action: Callable[[], Awaitable[Value]]) -> Value:
        """Return what `action` gives, or gave when this point was passed before."""
        found = self._recorded.pop(key, None)
        if found is None:
            # What is new comes after all that is recorded.
            await self._caught_up.wait()
            entry = await _outcome(key, kind, action)
            self._store.append(entry)
        else:
            turn, entry = found
            await self._await_turn(turn)
            if entry.kind != kind:
                difference = f"recorded {entry.kind} at {key}, now {kind}"
                raise ExecutionAborted(system_error("SystemError", difference).payload)
        if entry.failed:
            raise WorkflowError(entry.value)
        return entry.value

    async def _await_turn(self, turn: int) -> None:
        if turn != self._turn:
            self._waiting[turn] = asyncio.get_running_loop().create_future()
            await self._waiting[turn]
        self._turn += 1
        successor = self._waiting.pop(self._turn, None)
        if successor is not None:
            successor.set_result(None)
        if not self.replaying:
            self._caught_up.set()


async def _outcome(key: str, kind: str, action: Callable[[], Awaitable[Value]]) -> Entry:
    try:
        return Entry(key, kind, await action())
    except ExecutionAborted:
        raise
    except WorkflowError as error:
        return Entry(key, kind, error.payload, failed=True)
