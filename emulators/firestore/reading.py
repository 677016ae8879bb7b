"""What a request reads from: the present, an instant, or what its transaction may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from emulators.firestore.locks import LockTable, Resource
from emulators.firestore.messages import Message, Timestamp, write_timestamp
from emulators.firestore.queries import Query
from emulators.firestore.timeline import Timeline
from emulators.firestore.transactions import TransactionTable

WHOLE_DATABASE = ""  # in place of a collection id


@dataclass(frozen=True, slots=True)
class View:
    """What a read sees. `at` None is the present; `begun` the transaction it has opened."""

    at: int | None
    read_time: Message
    begun: bytes = b""


class Reading:
    """Opens views for requests that say what they want to see (their consistency selector)."""

    def __init__(
        self, timeline: Timeline, transactions: TransactionTable, locks: LockTable
    ) -> None:
        self._timeline = timeline
        self._transactions = transactions
        self._locks = locks

    async def open_view(
        self, request: Message, database: str, resources: Iterable[Resource]
    ) -> View:
        """Return the view of a request with a `consistency_selector`.

        In a read-write transaction `resources` are locked first, or noted if it is optimistic. The caller reads before it awaits
        anything, so that what it reads is one moment of the database.
        """
        match request.WhichOneof("consistency_selector"):
            case "read_time":
                return _at(self._timeline.requested(request.read_time))
            case "transaction":
                transaction = self._transactions.use(request.transaction, database)
                begun = b""
            case "new_transaction":
                transaction = self._transactions.begin(database, request.new_transaction)
                begun = transaction.id
            case _:
                return View(None, _timestamp(self._timeline.present()))
        if transaction.snapshot is not None:
            if transaction.is_optimistic:
                transaction.locks.held.update(resources)
            return _at(transaction.snapshot, begun)
        await self._locks.before_read(transaction.locks, resources)
        self._transactions.check_open(transaction)
        return View(None, _timestamp(self._timeline.present()), begun)


def _at(instant: int, begun: bytes = b"") -> View:
    return View(instant, _timestamp(instant), begun)


def _timestamp(instant: int) -> Message:
    timestamp = Timestamp()
    write_timestamp(timestamp, instant)
    return timestamp


def collection_lock(database: str, collection_id: str) -> Resource:
    """Return what a query of that collection id locks, whatever the parent."""
    return (database, collection_id)


def query_locks(query: Query) -> tuple[Resource, ...]:
    """Return what a query locks: its collection id, or all when it names none."""
    return (collection_lock(query.parent.database, query.collection_id or WHOLE_DATABASE),)
