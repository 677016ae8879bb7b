"""Commits: planned writes turned into one durable change of the store, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from emulators.firestore.errors import AbortedError, InvalidArgumentError, ServiceError
from emulators.firestore.locks import CONTENTION, LockTable, Resource
from emulators.firestore.messages import Message, write_timestamp
from emulators.firestore.names import parse_document
from emulators.firestore.reading import WHOLE_DATABASE, collection_lock
from emulators.firestore.storage import Change, Store
from emulators.firestore.timeline import Timeline
from emulators.firestore.transactions import Transaction, TransactionTable
from emulators.firestore.writes import Draft, PlannedWrite


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that nothing stands against: its instant, a WriteResult a write, what it changes."""

    instant: int
    results: tuple[Message, ...]
    changes: tuple[Change, ...]


class Committer:
    """Applies writes, in or outside transactions, once no other transaction's locks forbid it."""

    def __init__(
        self, store: Store, timeline: Timeline, locks: LockTable, transactions: TransactionTable
    ) -> None:
        self._store = store
        self._timeline = timeline
        self._locks = locks
        self._transactions = transactions

    async def commit(
        self, writes: Sequence[PlannedWrite], transaction: Transaction | None = None
    ) -> Commit:
        """Apply all writes or none, and end their transaction.

        Raises ServiceError when a precondition fails or the locks of others do not go away; that
        ends the transaction too. An InvalidArgumentError leaves it open.
        """
        if transaction is None:
            return await self._commit(writes, None)
        if transaction.is_read_only and writes:
            raise InvalidArgumentError("Cannot modify entities in a read-only transaction.")
        try:
            made = await self._commit(writes, transaction)
        except InvalidArgumentError:
            raise
        except ServiceError:
            self._transactions.end(transaction)
            raise
        self._transactions.end(transaction)
        return made

    async def _commit(
        self, writes: Sequence[PlannedWrite], transaction: Transaction | None
    ) -> Commit:
        owner = None if transaction is None else transaction.locks
        await self._locks.before_commit(owner, _touched(writes))
        if transaction is not None:
            self._transactions.check_open(transaction)
            if writes and transaction.is_optimistic:
                self._check_unchanged(transaction)
        made = self._prepare(writes)
        self._store.commit(made.changes)
        return made

    def _check_unchanged(self, transaction: Transaction) -> None:
        """Raise AbortedError when something that an optimistic transaction has read has changed."""
        since = transaction.snapshot
        assert since is not None  # noqa: S101 - optimistic transactions read one instant
        for read in transaction.locks.held:
            has_changed = (
                self._store.changed_since(parse_document(read), since)
                if isinstance(read, str)
                else self._store.collection_changed_since(*read, since)
            )
            if has_changed:
                raise AbortedError(CONTENTION)

    async def apply_each(self, writes: Sequence[PlannedWrite]) -> list[Message | ServiceError]:
        """Apply each write by itself; return its WriteResult, or why it was not applied.

        Writes that need not wait share one transaction of the store.
        """
        outcomes: list[Message | ServiceError] = []
        unstored: list[Change] = []
        for write in writes:
            try:
                if self._locks.blocks(None, _touched([write])):
                    self._store.commit(unstored)
                    unstored.clear()
                    await self._locks.before_commit(None, _touched([write]))
                made = self._prepare([write])
            except ServiceError as error:
                outcomes.append(error)
            else:
                outcomes.extend(made.results)
                unstored.extend(made.changes)
        self._store.commit(unstored)
        return outcomes

    def _prepare(self, writes: Sequence[PlannedWrite]) -> Commit:
        """Work a commit out without touching the store; raises ServiceError if it cannot be."""
        instant = self._timeline.next_commit()
        drafts: dict[bytes, Draft] = {}
        applied: list[tuple[Draft, Message]] = []
        for write in writes:
            draft = drafts.get(write.path.key)
            if draft is None:
                draft = Draft(write.path, self._store.get(write.path))
                drafts[write.path.key] = draft
            applied.append((draft, draft.apply(write, instant)))
        changes = {draft: draft.change(instant) for draft in drafts.values()}
        for write, (draft, result) in zip(writes, applied, strict=True):
            updated = draft.update_time(changes[draft])
            if updated is not None and write.document is not None:
                write_timestamp(result.update_time, updated)
        made = tuple(change for change in changes.values() if change is not None)
        return Commit(instant, tuple(result for _, result in applied), made)


def _touched(writes: Sequence[PlannedWrite]) -> Iterator[Resource]:
    """Yield all that a transaction may have locked to keep these writes from happening."""
    for write in writes:
        database = write.path.database
        yield write.path.name
        yield collection_lock(database, write.path.collection_id)
        yield collection_lock(database, WHOLE_DATABASE)
