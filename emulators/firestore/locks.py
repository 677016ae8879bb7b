"""Locks of read-write transactions: the pessimistic mode of Google's own emulator.

A transaction holds a shared lock on every document it has read, found or not, and on every
collection id it has queried, whatever the parent. A commit waits until no other transaction holds
one of those that it touches, at most `wait` seconds; then it fails with ABORTED. It takes no lock
itself, as nothing else runs on the event loop while it commits.

Two commits that wait for each other's locks would both wait in vain. One is refused at once
instead: a first attempt before a retry, then the younger. The retries of a database also take
turns: each begins to read when the one before has ended, so that contention costs a contender one
refusal, not one for each rival. To wait for one's turn, or behind a commit that waits, is a
courtesy: where it would take too long or close a circle, the read goes ahead after all. A
transaction's read is thus delayed at most, never refused; clients repeat a refused commit, but not
a refused read. Which transaction a retry follows is not relied on: clients are known to mix the ids
up between threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from emulators.firestore.errors import AbortedError

CONTENTION = "Too much contention on these documents. Please try again."

Resource: TypeAlias = str | tuple[str, str]  # a document's name; a database and a collection id


@dataclass(slots=True, eq=False)
class Owner:
    """A transaction as the lock table sees it; `number` is lower for older ones."""

    database: str
    number: int
    is_retry: bool
    has_ended: bool = False
    held: set[Resource] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class _Waiter:
    """A commit, or a read that lets others go first. `owner` None commits outside transactions."""

    owner: Owner | None
    resources: frozenset[Resource]
    is_commit: bool
    called_up: bool = False  # it need not wait any longer: refused if a commit, granted if a read
    _turn: asyncio.Future[None] | None = None

    async def turn(self) -> None:
        """Wait until something has changed for those in line."""
        self._turn = asyncio.get_running_loop().create_future()
        await self._turn

    def look_again(self) -> None:
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(None)


class LockTable:
    """Who holds what and who waits for whom. It belongs to one event loop."""

    def __init__(self, wait: float) -> None:
        self._wait = wait  # real seconds, whatever the market's clock does
        self._readers: dict[Resource, set[Owner]] = {}
        self._turns: dict[str, Owner] = {}  # the retry that may read, by database
        self._line: list[_Waiter] = []

    async def before_read(self, owner: Owner, resources: Iterable[Resource]) -> None:
        """Lock what a transaction is about to read; it may be delayed, but is granted.

        A transaction that ends meanwhile locks nothing; the caller has to look.
        """
        wanted = frozenset(resources) - owner.held
        if wanted and (self._line or (owner.is_retry and self._turns)):
            await self._let_others_go_first(_Waiter(owner, wanted, is_commit=False))
        if owner.has_ended:
            return
        if owner.is_retry:
            self._turns.setdefault(owner.database, owner)
        owner.held |= wanted
        for resource in wanted:
            self._readers.setdefault(resource, set()).add(owner)

    def blocks(self, owner: Owner | None, resources: Iterable[Resource]) -> bool:
        """Return whether a commit of `owner` that touches `resources` would have to wait."""
        if not self._readers:
            return False
        return bool(self._holders(_Waiter(owner, frozenset(resources), is_commit=True)))

    async def before_commit(self, owner: Owner | None, resources: Iterable[Resource]) -> None:
        """Wait until no transaction but `owner` has read `resources`.

        The caller then commits before it awaits anything. Raises AbortedError when the time is
        over, or at once when this commit has to give way to another one.
        """
        if not self._readers:
            return
        waiter = _Waiter(owner, frozenset(resources), is_commit=True)
        with self._in_line(waiter):
            try:
                async with asyncio.timeout(self._wait):
                    while self._holders(waiter):
                        self._break_circles(waiter)
                        if waiter.called_up:
                            raise AbortedError(CONTENTION)
                        await waiter.turn()
            except TimeoutError:
                raise AbortedError("Transaction lock timeout.") from None

    def release(self, owner: Owner) -> None:
        """Drop the locks of a transaction that has ended; it gets no more."""
        owner.has_ended = True
        for resource in owner.held:
            readers = self._readers.get(resource)
            if readers is not None:
                readers.discard(owner)
                if not readers:
                    del self._readers[resource]
        owner.held.clear()
        if self._turns.get(owner.database) is owner:
            del self._turns[owner.database]
        self._all_look_again()

    async def _let_others_go_first(self, waiter: _Waiter) -> None:
        with self._in_line(waiter), suppress(TimeoutError):
            async with asyncio.timeout(self._wait):
                while self._in_its_way(waiter) and not waiter.called_up:
                    if self._circle(waiter):
                        return
                    await waiter.turn()

    @contextmanager
    def _in_line(self, waiter: _Waiter) -> Iterator[None]:
        self._line.append(waiter)
        try:
            yield
        finally:
            self._line.remove(waiter)
            self._all_look_again()

    def _all_look_again(self) -> None:
        for waiter in self._line:
            waiter.look_again()

    def _holders(self, waiter: _Waiter) -> set[Owner]:
        """Return the transactions whose locks, or whose turn, keep a waiter waiting."""
        if waiter.is_commit:
            held = (self._readers.get(resource, ()) for resource in waiter.resources)
            return {owner for owners in held for owner in owners if owner is not waiter.owner}
        database = _takes_turns_in(waiter)
        turn = self._turns.get(database) if database is not None else None
        return set() if turn is None or turn is waiter.owner else {turn}

    def _ahead(self, waiter: _Waiter) -> Iterator[_Waiter]:
        """Yield those in line that a read lets go first: commits, and retries before a retry."""
        if waiter.is_commit:
            return
        database = _takes_turns_in(waiter)
        for other in self._line:
            if other is waiter:
                return
            if other.is_commit:
                if other.resources & waiter.resources:
                    yield other
            elif database is not None and database == _takes_turns_in(other):
                yield other

    def _in_its_way(self, waiter: _Waiter) -> bool:
        return bool(self._holders(waiter)) or any(True for _ in self._ahead(waiter))

    def _waits_for(self, waiter: _Waiter) -> Iterator[_Waiter]:
        """Yield the others in line that must move before `waiter` can."""
        holders = self._holders(waiter)
        yield from (other for other in self._line if other.owner in holders)
        yield from self._ahead(waiter)

    def _circle(self, start: _Waiter) -> list[_Waiter]:
        """Return those who wait for one another in a circle through `start`; empty if none does."""
        seen: set[_Waiter] = set()

        def path_back(waiter: _Waiter) -> list[_Waiter]:
            for other in self._waits_for(waiter):
                if other is start:
                    return [waiter]
                if other not in seen and not other.called_up:
                    seen.add(other)
                    rest = path_back(other)
                    if rest:
                        return [waiter, *rest]
            return []

        return path_back(start)

    def _break_circles(self, commit: _Waiter) -> None:
        while not commit.called_up and (circle := self._circle(commit)):
            first = max(circle, key=_readiness_to_give_way)
            first.called_up = True
            first.look_again()


def _takes_turns_in(waiter: _Waiter) -> str | None:
    """Return the database in which a retry waits to begin to read; None for all others."""
    owner = waiter.owner
    if waiter.is_commit or owner is None or not owner.is_retry or owner.held:
        return None
    return owner.database


def _readiness_to_give_way(waiter: _Waiter) -> tuple[bool, bool, int]:
    if waiter.owner is None:
        return not waiter.is_commit, True, 0
    return not waiter.is_commit, not waiter.owner.is_retry, waiter.owner.number
