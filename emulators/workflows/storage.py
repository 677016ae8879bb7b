"""What the emulator keeps, in SQLite: every call returns when a crash of the process cannot lose it.

In WAL mode a committed transaction is in the operating system's hands, so it survives the death of
the process; losing power may cost the last moments.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulators.workflows.history import StepEntry
from emulators.workflows.journal import Entry
from emulators.workflows.messages import Execution, Message, State, Workflow
from emulators.workflows.names import workflow_of
from emulators.workflows.values import Value, dump, load

_FILE = "workflows.sqlite3"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS workflows (name TEXT PRIMARY KEY, message BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS revisions (
    workflow TEXT, revision TEXT, message BLOB NOT NULL, PRIMARY KEY (workflow, revision));
CREATE TABLE IF NOT EXISTS executions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, workflow TEXT NOT NULL,
    active INTEGER NOT NULL, message BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS executions_by_workflow ON executions (workflow, number);
CREATE INDEX IF NOT EXISTS executions_active ON executions (number) WHERE active;
CREATE TABLE IF NOT EXISTS journal (
    number INTEGER PRIMARY KEY, execution TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL,
    value TEXT NOT NULL, failed INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS journal_by_execution ON journal (execution, number);
CREATE TABLE IF NOT EXISTS steps (
    execution TEXT NOT NULL, number INTEGER NOT NULL, created REAL NOT NULL, entry TEXT NOT NULL,
    PRIMARY KEY (execution, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS callbacks (
    name TEXT PRIMARY KEY, execution TEXT NOT NULL, method TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS callbacks_by_execution ON callbacks (execution);
CREATE TABLE IF NOT EXISTS requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT, callback TEXT NOT NULL, document TEXT NOT NULL,
    taken_by TEXT);
CREATE INDEX IF NOT EXISTS requests_by_callback ON requests (callback, number);
"""


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback endpoint: its resource name and the HTTP method that it takes."""

    name: str
    method: str


class Store:
    """The emulator's state, in a folder or in memory."""

    def __init__(self, folder: Path | None) -> None:
        place = ":memory:" if folder is None else str(folder / _FILE)
        self._database = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)
        # Those of the executions that run.
        self._journals: dict[str, ExecutionJournal] = {}

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def workflow(self, name: str) -> Message | None:
        """Return a workflow with its latest revision."""
        row = self._row("SELECT message FROM workflows WHERE name = ?", name)
        return None if row is None else Workflow.FromString(row[0])

    def workflows(self, parent: str) -> list[Message]:
        """Return the workflows of a location by name."""
        query = "SELECT message FROM workflows WHERE substr(name, 1, ?) = ? ORDER BY name"
        prefix = f"{parent}/workflows/"
        rows = self._database.execute(query, (len(prefix), prefix))
        return [Workflow.FromString(row[0]) for row in rows]

    def revision(self, name: str, revision: str) -> Message | None:
        """Return a workflow as one of its revisions has it."""
        query = "SELECT message FROM revisions WHERE workflow = ? AND revision = ?"
        row = self._row(query, name, revision)
        return None if row is None else Workflow.FromString(row[0])

    def revisions(self, name: str) -> list[Message]:
        """Return a workflow as each of its revisions has it, newest first."""
        query = "SELECT message FROM revisions WHERE workflow = ? ORDER BY revision DESC"
        return [Workflow.FromString(row[0]) for row in self._database.execute(query, (name,))]

    def save_workflow(self, workflow: Message) -> None:
        """Keep a workflow as its latest, and as the content of its revision."""
        message = workflow.SerializeToString()
        with self._transaction():
            self._database.execute(
                "INSERT OR REPLACE INTO workflows VALUES (?, ?)", (workflow.name, message)
            )
            self._database.execute(
                "INSERT OR REPLACE INTO revisions VALUES (?, ?, ?)",
                (workflow.name, workflow.revision_id, message),
            )

    def delete_workflow(self, name: str) -> None:
        """Forget a workflow, its revisions and its executions."""
        own = "SELECT name FROM executions WHERE workflow = ?"
        with self._transaction():
            for execution in [row[0] for row in self._database.execute(own, (name,))]:
                self._forget_progress(execution)
                self._database.execute("DELETE FROM steps WHERE execution = ?", (execution,))
            for statement in (
                "DELETE FROM executions WHERE workflow = ?",
                "DELETE FROM revisions WHERE workflow = ?",
                "DELETE FROM workflows WHERE name = ?",
            ):
                self._database.execute(statement, (name,))

    def execution(self, name: str) -> Message | None:
        """Return an execution."""
        row = self._row("SELECT message FROM executions WHERE name = ?", name)
        return None if row is None else Execution.FromString(row[0])

    def executions(self, workflow: str) -> Iterator[tuple[int, Message]]:
        """Yield the executions of a workflow, newest first, with growing numbers of creation."""
        query = "SELECT number, message FROM executions WHERE workflow = ? ORDER BY number DESC"
        for number, message in self._database.execute(query, (workflow,)).fetchall():
            yield number, Execution.FromString(message)

    def active_executions(self) -> list[Message]:
        """Return the executions that have not ended, oldest first."""
        query = "SELECT message FROM executions WHERE active ORDER BY number"
        return [Execution.FromString(row[0]) for row in self._database.execute(query)]

    def add_execution(self, execution: Message) -> None:
        """Keep a new execution."""
        self._database.execute(
            "INSERT INTO executions (name, workflow, active, message) VALUES (?, ?, 1, ?)",
            (execution.name, workflow_of(execution.name), execution.SerializeToString()),
        )

    def end_execution(self, execution: Message) -> None:
        """Keep how an execution ended; its journal and its callbacks are needed no longer."""
        assert execution.state != State.ACTIVE  # noqa: S101 - the caller has set how it ended
        journal = self._journals.pop(execution.name, None)
        with self._transaction():
            if journal is not None:
                journal.write_history()
            self._database.execute(
                "UPDATE executions SET active = 0, message = ? WHERE name = ?",
                (execution.SerializeToString(), execution.name),
            )
            self._forget_progress(execution.name)

    def add_callback(self, execution: str, callback: Callback) -> None:
        """Keep a callback endpoint; one that is there already stays as it is."""
        self._database.execute(
            "INSERT OR IGNORE INTO callbacks VALUES (?, ?, ?)",
            (callback.name, execution, callback.method),
        )

    def callback(self, name: str) -> Callback | None:
        """Return a callback endpoint of an execution that has not ended."""
        row = self._row("SELECT name, method FROM callbacks WHERE name = ?", name)
        return None if row is None else Callback(*row)

    def callbacks(self, execution: str) -> list[Callback]:
        """Return the callback endpoints of an execution."""
        query = "SELECT name, method FROM callbacks WHERE execution = ? ORDER BY rowid"
        return [Callback(*row) for row in self._database.execute(query, (execution,))]

    def add_request(self, callback: str, request: Value) -> None:
        """Keep a request that a callback endpoint received."""
        self._database.execute(
            "INSERT INTO requests (callback, document) VALUES (?, ?)", (callback, dump(request))
        )

    def take_request(self, callback: str, key: str) -> Value | None:
        """Return the oldest request that nobody took, and mark it as taken by `key`.

        What `key` has taken before it is given again.
        """
        query = """
            SELECT number, document FROM requests
            WHERE callback = ? AND (taken_by = ? OR taken_by IS NULL)
            ORDER BY taken_by IS NULL, number LIMIT 1"""
        row = self._row(query, callback, key)
        if row is None:
            return None
        number, document = row
        self._database.execute("UPDATE requests SET taken_by = ? WHERE number = ?", (key, number))
        return load(document)

    def waiting_requests(self, callback: str) -> int:
        """Return how many requests of a callback nobody has taken."""
        query = "SELECT count(*) FROM requests WHERE callback = ? AND taken_by IS NULL"
        row = self._row(query, callback)
        return 0 if row is None else int(row[0])

    def journal_of(self, execution: str, now: Callable[[], float]) -> ExecutionJournal:
        """Return the journal and the history of an execution that runs from here on."""
        journal = ExecutionJournal(self._database, execution, now)
        self._journals[execution] = journal
        return journal

    def step_entries(self, execution: str) -> list[StepEntry]:
        """Return the entries of an execution's history in their order."""
        if execution in self._journals:
            self._journals[execution].flush()
        query = "SELECT entry FROM steps WHERE execution = ? ORDER BY number"
        return [
            StepEntry.of_row(load(row[0])) for row in self._database.execute(query, (execution,))
        ]

    def _forget_progress(self, execution: str) -> None:
        for statement in (
            """DELETE FROM requests
               WHERE callback IN (SELECT name FROM callbacks WHERE execution = ?)""",
            "DELETE FROM callbacks WHERE execution = ?",
            "DELETE FROM journal WHERE execution = ?",
        ):
            self._database.execute(statement, (execution,))

    def _row(self, query: str, *parameters: str) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._database.execute(query, parameters).fetchone()
        return row

    def _transaction(self) -> _Transaction:
        return _Transaction(self._database)


class ExecutionJournal:
    """The journal and the history of one execution, in the store's database.

    Steps are written with the next entry of the journal: until then a replay makes them again.
    """

    def __init__(
        self, database: sqlite3.Connection, execution: str, now: Callable[[], float]
    ) -> None:
        self._database = database
        self._execution = execution
        self._noted: dict[int, StepEntry] = {}
        self.now = now

    def entries(self) -> Sequence[Entry]:
        """Return all entries in the order in which they were appended."""
        query = "SELECT key, kind, value, failed FROM journal WHERE execution = ? ORDER BY number"
        rows = self._database.execute(query, (self._execution,))
        return [Entry(key, kind, load(value), bool(failed)) for key, kind, value, failed in rows]

    def append(self, entry: Entry) -> None:
        """Keep the entry, and the steps up to it."""
        with _Transaction(self._database):
            self.write_history()
            self._database.execute(
                "INSERT INTO journal (execution, key, kind, value, failed) VALUES (?, ?, ?, ?, ?)",
                (self._execution, entry.key, entry.kind, dump(entry.value), entry.failed),
            )

    def begun(self) -> Mapping[int, float]:
        """Return when each step that is kept began."""
        query = "SELECT number, created FROM steps WHERE execution = ?"
        return dict(self._database.execute(query, (self._execution,)).fetchall())

    def note(self, entry: StepEntry) -> None:
        """Take a step that is new or has changed."""
        self._noted[entry.number] = entry

    def flush(self) -> None:
        """Write the steps that have been noted."""
        with _Transaction(self._database):
            self.write_history()

    def write_history(self) -> None:
        """Write the steps that have been noted, in the transaction at hand."""
        rows = [
            (self._execution, entry.number, entry.created, dump(entry.row()))
            for entry in self._noted.values()
        ]
        self._noted.clear()
        self._database.executemany("INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?)", rows)


class _Transaction:
    """Statements that are kept together or not at all."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, error: object, *_: object) -> None:
        self._database.execute("COMMIT" if error is None else "ROLLBACK")
