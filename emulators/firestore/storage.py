"""Documents in SQLite, with their versions of the last hour.

`documents` holds what stands now, keyed in name order, each row a serialised Document. What a
commit replaces or deletes moves to `history` with the span in which it stood, so that a read at an
instant of the last hour finds it. One commit is one SQLite transaction in WAL mode: it survives the
death of the process from the moment it returns; without a sync at each commit, a power failure may
cost the newest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from emulators.firestore.names import DocumentPath
from emulators.firestore.timeline import RETENTION

_SCHEMA = """
CREATE TABLE IF NOT EXISTS databases (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS documents (
    database INTEGER NOT NULL, key BLOB NOT NULL,
    collection TEXT NOT NULL, parent BLOB NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (database, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS documents_by_collection ON documents (database, collection, parent);
CREATE TABLE IF NOT EXISTS history (
    ended INTEGER NOT NULL, database INTEGER NOT NULL, key BLOB NOT NULL,
    collection TEXT NOT NULL, parent BLOB NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (ended, database, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (
    database TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (database, name)
);
CREATE TABLE IF NOT EXISTS last_commit (
    only INTEGER PRIMARY KEY CHECK (only = 1), instant INTEGER NOT NULL
);
INSERT OR IGNORE INTO last_commit VALUES (1, 0);
"""

_COLUMNS = "key, created, updated, data"
_GET = f"SELECT {_COLUMNS} FROM documents WHERE database = ? AND key = ?"  # noqa: S608
_KEEP = (
    "INSERT INTO history SELECT ?, database, key, collection, parent, created, updated, data"
    " FROM documents WHERE database = ? AND key = ?"
)
_PUT = "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM documents WHERE database = ? AND key = ?"
_PRUNE_EVERY = 60_000_000
_OPENING_TIMEOUT = 2.0  # seconds: long enough for a predecessor to stop


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of a document: instants in microseconds, `data` the serialised Document."""

    key: bytes
    created: int
    updated: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit at `instant` does to one document: its new version, or None when it goes."""

    path: DocumentPath
    instant: int
    replaced: Stored | None
    stored: Stored | None


Watcher: TypeAlias = Callable[[tuple[Change, ...]], None]


class StoreInUseError(Exception):
    """The file of a store cannot be opened, as a rule because another process has it open."""

    def __init__(self, file: Path | None) -> None:
        super().__init__(f'"{file}" cannot be opened: another emulator may be running on it')
        self.file = file


class Store:
    """The documents of all databases of one cloud. Not thread-safe: one event loop owns it."""

    def __init__(self, file: Path | None) -> None:
        self._connection = sqlite3.connect(
            ":memory:" if file is None else file,
            timeout=_OPENING_TIMEOUT,
            isolation_level=None,
        )
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise StoreInUseError(file) from error
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)
        self._databases: dict[str, int] = dict(
            self._connection.execute("SELECT name, id FROM databases")
        )
        self._pruned = 0
        self._watchers: set[Watcher] = set()

    def close(self) -> None:
        """Close the file; what was committed is in it."""
        self._connection.close()

    def last_commit(self) -> int:
        """Return the instant of the newest commit, 0 before the first."""
        row = self._connection.execute("SELECT instant FROM last_commit").fetchone()
        return int(row[0])

    def settings(self, name: str) -> dict[str, str]:
        """Return the values of a setting by database name."""
        rows = self._connection.execute(
            "SELECT database, value FROM settings WHERE name = ?", (name,)
        )
        return dict(rows)

    def put_setting(self, database: str, name: str, value: str) -> None:
        """Keep a setting of a database."""
        self._connection.execute(
            "INSERT OR REPLACE INTO settings VALUES (?, ?, ?)", (database, name, value)
        )

    def get(self, path: DocumentPath, at: int | None = None) -> Stored | None:
        """Return a document as it stands, or as it stood at an instant; None if it did not."""
        if at is not None:
            return next(self._select(path.database, "key = ?", (path.key,), at), None)
        bound = (self._databases.get(path.database), path.key)
        row = self._connection.execute(_GET, bound).fetchone()
        return None if row is None else Stored(*row)

    def collection(
        self, database: str, collection_id: str, parent: bytes, at: int | None = None
    ) -> Iterator[Stored]:
        """Yield the documents of one collection in name order."""
        condition = "collection = ? AND parent = ?"
        return self._select(database, condition, (collection_id, parent), at)

    def group(
        self, database: str, collection_id: str, ancestor: bytes, at: int | None = None
    ) -> Iterator[Stored]:
        """Yield the documents of all collections of that id beneath `ancestor`, in name order."""
        condition = "collection = ? AND parent >= ? AND parent < ?"
        bounds = (collection_id, ancestor, _beyond(ancestor))
        return self._select(database, condition, bounds, at)

    def descendants(
        self, database: str, ancestor: bytes, at: int | None = None
    ) -> Iterator[Stored]:
        """Yield every document beneath `ancestor`, in name order."""
        return self._select(database, "key > ? AND key < ?", (ancestor, _beyond(ancestor)), at)

    def first_beyond(self, database: str, key: bytes, at: int | None = None) -> Stored | None:
        """Return the first document in name order that is neither at `key` nor beneath it."""
        return next(self._select(database, "key >= ?", (_beyond(key),), at, limit=1), None)

    def first_beneath(self, database: str, key: bytes, at: int | None = None) -> Stored | None:
        """Return the first document in name order beneath `key`."""
        bounds = (key, _beyond(key))
        return next(self._select(database, "key > ? AND key < ?", bounds, at, limit=1), None)

    def changed_since(self, path: DocumentPath, instant: int) -> bool:
        """Return whether a document is not what it was at an instant."""
        return self.get(path) != self.get(path, instant)

    def collection_changed_since(self, database: str, collection_id: str, instant: int) -> bool:
        """Return whether a document of a collection id, of any when it is empty, has changed."""
        number = self._databases.get(database)
        chosen = "database = ? AND (? = '' OR collection = ?)"
        statement = (
            f"SELECT EXISTS (SELECT 1 FROM documents WHERE {chosen} AND updated > ?)"  # noqa: S608
            f" OR EXISTS (SELECT 1 FROM history WHERE ended > ? AND {chosen})"
        )
        which = (number, collection_id, collection_id)
        row = self._connection.execute(statement, (*which, instant, instant, *which)).fetchone()
        return bool(row[0])

    def _select(
        self,
        database: str,
        condition: str,
        values: tuple[object, ...],
        at: int | None,
        limit: int = -1,
    ) -> Iterator[Stored]:
        number = self._databases.get(database)
        if number is None:
            return
        where = f"database = ? AND {condition}"
        bound: tuple[object, ...] = (number, *values)
        if at is None:
            # Conditions are this class's own constants; what comes from clients is bound.
            statement = f"SELECT {_COLUMNS} FROM documents WHERE {where}"  # noqa: S608
        else:
            statement = (
                f"SELECT {_COLUMNS} FROM documents WHERE {where} AND updated <= ?"  # noqa: S608
                f" UNION ALL SELECT {_COLUMNS} FROM history"
                f" WHERE ended > ? AND updated <= ? AND {where}"
            )
            bound = (*bound, at, at, at, *bound)
        cursor = self._connection.execute(f"{statement} ORDER BY key LIMIT ?", (*bound, limit))
        for row in cursor:
            yield Stored(*row)

    def commit(self, changes: Sequence[Change]) -> None:
        """Make changes durable, all or none; none twice to one document at one instant."""
        if not changes:
            return
        rows = [(self._database_number(change.path.database), change) for change in changes]
        instant = changes[-1].instant
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            for database, change in rows:
                self._change(database, change)
            execute("UPDATE last_commit SET instant = ?", (instant,))
            if instant - self._pruned > _PRUNE_EVERY:
                execute("DELETE FROM history WHERE ended < ?", (instant - RETENTION,))
                self._pruned = instant
        except BaseException:
            execute("ROLLBACK")
            raise
        execute("COMMIT")
        for watcher in tuple(self._watchers):
            watcher(tuple(changes))

    @contextmanager
    def watched_by(self, watcher: Watcher) -> Iterator[None]:
        """Tell `watcher` of each commit's changes, after they are durable, within the context."""
        self._watchers.add(watcher)
        try:
            yield
        finally:
            self._watchers.discard(watcher)

    def _change(self, database: int, change: Change) -> None:
        path, stored = change.path, change.stored
        if change.replaced is not None:
            self._connection.execute(_KEEP, (change.instant, database, path.key))
        if stored is None:
            self._connection.execute(_DELETE, (database, path.key))
            return
        row = (database, path.key, path.collection_id, path.parent_key)
        self._connection.execute(_PUT, (*row, stored.created, stored.updated, stored.data))

    def _database_number(self, name: str) -> int:
        number = self._databases.get(name)
        if number is None:
            cursor = self._connection.execute("INSERT INTO databases (name) VALUES (?)", (name,))
            assert cursor.lastrowid is not None  # noqa: S101 - SQLite sets it on every insert
            number = self._databases[name] = cursor.lastrowid
        return number


def _beyond(key: bytes) -> bytes:
    """Return the least bytes that follow every encoded path beginning with `key`."""
    # Every encoded segment begins with 1 or 2.
    return key + b"\x03"
