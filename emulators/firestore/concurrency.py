"""The two ways in which read-write transactions are kept apart, chosen for each database.

Pessimistic: reads lock, and writers wait for them, as on Google's own emulator. Optimistic: a
transaction reads one instant and locks nothing, and its commit is aborted at once when something
that it has read has changed since. A transaction may ask for either itself.
"""

from __future__ import annotations

from enum import StrEnum

from emulators.firestore.messages import Message, TransactionOptions
from emulators.firestore.storage import Store

_SETTING = "concurrency_mode"
_ASKED = TransactionOptions.ReadWrite.DESCRIPTOR.fields_by_name[_SETTING].enum_type.values_by_name


class ConcurrencyMode(StrEnum):
    """The names of Google's Admin API."""

    PESSIMISTIC = "PESSIMISTIC"
    OPTIMISTIC = "OPTIMISTIC"


class ConcurrencyModes:
    """The mode of each database: what was set for it, which outlives the process, or `default`."""

    def __init__(self, store: Store, default: ConcurrencyMode) -> None:
        self._store = store
        self._default = default
        self._chosen = {
            database: ConcurrencyMode(value) for database, value in store.settings(_SETTING).items()
        }

    def of(self, database: str) -> ConcurrencyMode:
        """Return the mode of `projects/P/databases/D`."""
        return self._chosen.get(database, self._default)

    def choose(self, database: str, mode: ConcurrencyMode) -> None:
        """Set the mode of the transactions that begin in a database from now on."""
        self._store.put_setting(database, _SETTING, mode)
        self._chosen[database] = mode

    def is_optimistic(self, database: str, asked: Message) -> bool:
        """Return whether a transaction of `database` with these ReadWrite options is optimistic."""
        if asked.concurrency_mode == _ASKED[ConcurrencyMode.OPTIMISTIC].number:
            return True
        if asked.concurrency_mode == _ASKED[ConcurrencyMode.PESSIMISTIC].number:
            return False
        return self.of(database) is ConcurrencyMode.OPTIMISTIC
