"""What outlives the process: resources, messages, and who still owes a delivery of which.

One SQLite database. Changes collect in a transaction that `commit` ends: whoever answers a client
commits first, and one commit serves all that changed meanwhile. `synchronous=FULL` puts a commit
on the disk itself, so neither a killed process nor a power cut loses an acknowledged publish.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from emulators.pubsub.messages import Message
from emulators.pubsub.protos import PubsubMessage, Schema, Snapshot, Subscription, Topic

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, resource BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS subscriptions (key INTEGER PRIMARY KEY, resource BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, stored_at REAL NOT NULL, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS owed (
    subscription INTEGER NOT NULL, message INTEGER NOT NULL, attempts INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL,
    PRIMARY KEY (subscription, message)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS snapshots (
    name TEXT PRIMARY KEY, resource BLOB NOT NULL, horizon INTEGER NOT NULL, unacknowledged TEXT
);
CREATE TABLE IF NOT EXISTS schemas (
    name TEXT NOT NULL, number INTEGER NOT NULL, resource BLOB NOT NULL, compiled BLOB NOT NULL,
    deleted INTEGER NOT NULL,
    PRIMARY KEY (name, number)
);
"""


class Debt(NamedTuple):
    """What a subscription owes of a message, or has acknowledged and keeps."""

    subscription: int
    attempts: int
    acknowledged: bool


class Store:
    """The database in `folder`, or one in memory when it is None; for one thread only."""

    def __init__(self, folder: Path | None) -> None:
        path = ":memory:" if folder is None else str(folder / "pubsub.sqlite3")
        self._db = sqlite3.connect(path, isolation_level=None)
        # Exclusive: a second server on the same folder is refused instead of sharing messages.
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        self._holders: Counter[int] = Counter()
        self._dirty = False

    def close(self) -> None:
        """Commit and let go of the file."""
        self.commit()
        self._db.close()

    def commit(self) -> None:
        """Make every change so far durable."""
        if self._dirty:
            self._db.execute("COMMIT")
            self._dirty = False

    @property
    def dirty(self) -> bool:
        """Whether there is something to commit."""
        return self._dirty

    def topics(self) -> list[Any]:
        """Return the Topic resources."""
        rows = self._db.execute("SELECT resource FROM topics ORDER BY name")
        return [Topic.FromString(blob) for (blob,) in rows]

    def subscriptions(self) -> list[tuple[int, Any]]:
        """Return the keys and the Subscription resources."""
        rows = self._db.execute("SELECT key, resource FROM subscriptions ORDER BY key")
        return [(key, Subscription.FromString(blob)) for key, blob in rows]

    def debts(self) -> Iterator[tuple[Message, list[Debt]]]:
        """Yield each message in publish order with what each subscription has of it."""
        rows = self._db.execute(
            "SELECT id, topic, stored_at, body, subscription, attempts, acknowledged"
            " FROM messages JOIN owed ON message = id ORDER BY id, subscription"
        )
        message: Message | None = None
        owing: list[Debt] = []
        for number, topic, stored_at, body, key, attempts, acknowledged in rows:
            self._holders[number] += 1
            if message is None or message.id != number:
                if message is not None:
                    yield message, owing
                owing = []
                parsed = PubsubMessage.FromString(body)
                message = Message(number, topic, parsed, len(body), stored_at)
            owing.append(Debt(key, attempts, bool(acknowledged)))
        if message is not None:
            yield message, owing

    def first_free_id(self) -> int:
        """Return a message id above all that were ever given out, at the rate of a clock's µs.

        Ids of messages that nobody was subscribed to are stored nowhere: the clock keeps a
        restarted server from giving them out again.
        """
        (highest,) = self._db.execute("SELECT coalesce(max(id), 0) FROM messages").fetchone()
        return max(int(highest) + 1, time.time_ns() // 1_000)

    def put_topic(self, resource: Any) -> None:
        self._write("INSERT OR REPLACE INTO topics VALUES (?, ?)", _name_and_blob(resource))

    def delete_topic(self, name: str) -> None:
        self._write("DELETE FROM topics WHERE name = ?", (name,))

    def put_subscription(self, key: int, resource: Any) -> None:
        _, blob = _name_and_blob(resource)
        self._write("INSERT OR REPLACE INTO subscriptions VALUES (?, ?)", (key, blob))

    def delete_subscription(self, key: int) -> None:
        self._write("DELETE FROM subscriptions WHERE key = ?", (key,))

    def snapshots(self) -> list[tuple[Any, int, frozenset[int]]]:
        """Return the Snapshot resources with their horizon and unacknowledged messages."""
        rows = self._db.execute("SELECT resource, horizon, unacknowledged FROM snapshots")
        return [
            (Snapshot.FromString(blob), horizon, frozenset(json.loads(unacknowledged)))
            for blob, horizon, unacknowledged in rows
        ]

    def put_snapshot(self, resource: Any, horizon: int, unacknowledged: Iterable[int]) -> None:
        self._write(
            "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)",
            (*_name_and_blob(resource), horizon, json.dumps(sorted(unacknowledged))),
        )

    def delete_snapshot(self, name: str) -> None:
        self._write("DELETE FROM snapshots WHERE name = ?", (name,))

    def schemas(self) -> list[tuple[Any, int, bytes, bool]]:
        """Return revisions, from each schema's oldest on: Schema resource, place, compiled form
        and whether it was deleted.
        """
        rows = self._db.execute(
            "SELECT resource, number, compiled, deleted FROM schemas ORDER BY name, number"
        )
        return [
            (Schema.FromString(blob), number, compiled, bool(deleted))
            for blob, number, compiled, deleted in rows
        ]

    def put_schema(self, resource: Any, number: int, compiled: bytes, *, deleted: bool) -> None:
        name, blob = _name_and_blob(resource)
        self._write(
            "INSERT OR REPLACE INTO schemas VALUES (?, ?, ?, ?, ?)",
            (name, number, blob, compiled, deleted),
        )

    def delete_schema(self, name: str) -> None:
        self._write("DELETE FROM schemas WHERE name = ?", (name,))

    def add(self, message: Message, blob: bytes, keys: Sequence[int]) -> None:
        """Keep a message that the subscriptions of `keys` owe from now on."""
        self._write(
            "INSERT INTO messages VALUES (?, ?, ?, ?)",
            (message.id, message.topic, message.stored_at, blob),
        )
        for key in keys:
            self._write("INSERT INTO owed VALUES (?, ?, 0, 0)", (key, message.id))
        self._holders[message.id] = len(keys)

    def count_attempt(self, key: int, message_id: int, attempts: int) -> None:
        self._write(
            "UPDATE owed SET attempts = ? WHERE subscription = ? AND message = ?",
            (attempts, key, message_id),
        )

    def keep(self, key: int, message_id: int) -> None:
        """Mark a message as acknowledged, yet to be found by a seek."""
        self._write(
            "UPDATE owed SET acknowledged = 1 WHERE subscription = ? AND message = ?",
            (key, message_id),
        )

    def owe_again(self, key: int, message_id: int) -> None:
        """Take an acknowledgement back; attempts are counted anew."""
        self._write(
            "UPDATE owed SET acknowledged = 0, attempts = 0 WHERE subscription = ? AND message = ?",
            (key, message_id),
        )

    def settle(self, key: int, message_id: int) -> None:
        """Forget that `key` owes the message, and the message when it was the last to owe it."""
        self._write("DELETE FROM owed WHERE subscription = ? AND message = ?", (key, message_id))
        self._holders[message_id] -= 1
        if self._holders[message_id] <= 0:
            del self._holders[message_id]
            self._write("DELETE FROM messages WHERE id = ?", (message_id,))

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        if not self._dirty:
            self._db.execute("BEGIN")
            self._dirty = True
        self._db.execute(statement, values)


def _name_and_blob(resource: Any) -> tuple[str, bytes]:
    return resource.name, resource.SerializeToString()
