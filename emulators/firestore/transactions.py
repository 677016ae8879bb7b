"""Transactions: their ids, what they may see, and when they end.

An id is the start of this process and a number. So an id from before a restart reads as one that
has expired, which clients answer by running their transaction again.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, field

from emulators.clock import real_seconds
from emulators.firestore.concurrency import ConcurrencyModes
from emulators.firestore.errors import AbortedError, InvalidArgumentError
from emulators.firestore.locks import LockTable, Owner
from emulators.firestore.messages import Message
from emulators.firestore.timeline import Timeline

_ENDED = "The referenced transaction has expired or is no longer valid."
_ID = struct.Struct(">QQ")


@dataclass(frozen=True, slots=True)
class TransactionLimits:
    """How long transactions live and commits wait, in real seconds.

    The waiting time is what Google's emulator was observed to wait; the others are production's.
    """

    lock_wait: float = 2.0
    idle: float = 60.0
    total: float = 270.0


@dataclass(slots=True, eq=False)
class Transaction:
    """An open transaction.

    One that is read-only or optimistic sees one instant, its `snapshot`, and locks nothing; what
    an optimistic one has read is told by `locks.held` and compared with the present when it commits.
    """

    id: bytes
    database: str
    snapshot: int | None
    locks: Owner
    started: float
    is_optimistic: bool = False
    last_used: float = field(init=False)
    expiry: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self.last_used = self.started

    @property
    def is_read_only(self) -> bool:
        """Whether the transaction was begun as read-only."""
        return self.snapshot is not None and not self.is_optimistic


class TransactionTable:
    """The open transactions of a server. It belongs to one event loop."""

    def __init__(
        self,
        timeline: Timeline,
        locks: LockTable,
        limits: TransactionLimits,
        modes: ConcurrencyModes,
    ) -> None:
        self._modes = modes
        self._timeline = timeline
        self._locks = locks
        self._limits = limits
        self._open: dict[bytes, Transaction] = {}
        self._epoch = timeline.present()
        self._issued = 0

    def begin(self, database: str, options: Message) -> Transaction:
        """Open a transaction by TransactionOptions; read-write when they are empty."""
        snapshot, is_retry, is_optimistic = None, False, False
        match options.WhichOneof("mode"):
            case "read_only" if options.read_only.HasField("read_time"):
                snapshot = self._timeline.requested(options.read_only.read_time)
            case "read_only":
                snapshot = self._timeline.present()
            case _:
                is_optimistic = self._modes.is_optimistic(database, options.read_write)
                if is_optimistic:
                    snapshot = self._timeline.present()
                if options.read_write.retry_transaction:
                    self._check_issued(options.read_write.retry_transaction)
                    is_retry = True
        self._issued += 1
        identity = _ID.pack(self._epoch, self._issued)
        owner = Owner(database, self._issued, is_retry)
        transaction = Transaction(
            identity, database, snapshot, owner, real_seconds(), is_optimistic
        )
        self._open[identity] = transaction
        self._watch(transaction)
        return transaction

    def use(self, identity: bytes, database: str) -> Transaction:
        """Return the open transaction of that id.

        Raises AbortedError when it has ended, InvalidArgumentError when there was none.
        """
        self._check_issued(identity)
        transaction = self._open.get(identity)
        if transaction is None:
            raise AbortedError(_ENDED)
        if transaction.database != database:
            raise InvalidArgumentError(
                f'The transaction belongs to "{transaction.database}", not to "{database}".'
            )
        transaction.last_used = real_seconds()
        return transaction

    def end(self, transaction: Transaction) -> None:
        """Close a transaction and drop its locks; closing it again does nothing."""
        if self._open.pop(transaction.id, None) is None:
            return
        if transaction.expiry is not None:
            transaction.expiry.cancel()
        self._locks.release(transaction.locks)

    def check_open(self, transaction: Transaction) -> None:
        """Raise AbortedError when the transaction has ended while its request was waiting."""
        if transaction.id not in self._open:
            raise AbortedError(_ENDED)

    def rollback(self, identity: bytes, database: str) -> None:
        """Close the transaction of that id; one that has ended already is left in peace."""
        self._check_issued(identity)
        if identity in self._open:
            self.end(self.use(identity, database))

    def _check_issued(self, identity: bytes) -> None:
        if len(identity) != _ID.size:
            raise InvalidArgumentError("Invalid transaction.")
        epoch, number = _ID.unpack(identity)
        if epoch > self._epoch or (epoch == self._epoch and number > self._issued):
            raise InvalidArgumentError("Transaction is invalid or expired.")

    def _watch(self, transaction: Transaction) -> None:
        """End the transaction when it has been idle, or open, for too long."""
        limits = self._limits
        expiry = min(transaction.last_used + limits.idle, transaction.started + limits.total)
        remaining = expiry - real_seconds()
        if remaining <= 0:
            self.end(transaction)
            return
        loop = asyncio.get_running_loop()
        transaction.expiry = loop.call_later(remaining, self._watch, transaction)
