"""Jobs and the executions that have not ended, in SQLite.

A write that has returned outlives the process and, with `synchronous=FULL`, the machine. Instants
are Unix seconds: of the market's clock for jobs, of the real one for attempts.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from emulators.scheduler.definition import JobDefinition
from emulators.scheduler.outcome import Outcome

_FILE: Final = "scheduler.sqlite3"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS jobs (
    key INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, definition TEXT NOT NULL,
    state TEXT NOT NULL, updated REAL NOT NULL, next_fire REAL, last_attempt REAL,
    outcome_code INTEGER, outcome_message TEXT
);
CREATE INDEX IF NOT EXISTS jobs_by_fire ON jobs (next_fire);
CREATE TABLE IF NOT EXISTS executions (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL REFERENCES jobs (key) ON DELETE CASCADE,
    fire REAL NOT NULL, forced INTEGER NOT NULL, failures INTEGER NOT NULL,
    began REAL, due REAL NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_scheduled_execution ON executions (job) WHERE NOT forced;
"""
_JOB: Final = (
    "key, definition, state, updated, next_fire, last_attempt, outcome_code, outcome_message"
)
_EXECUTION: Final = "key, job, fire, forced, failures, began, due"


class JobState(StrEnum):
    """The states of a job that can be here, as the API spells them."""

    ENABLED = "ENABLED"
    PAUSED = "PAUSED"


@dataclass(frozen=True, slots=True)
class Job:
    """A job; its instants are of the market's clock.

    key: never given to another job, not even to one of the same name. next_fire: None while it is
    paused. outcome: how its last attempt ended, None before the first has.
    """

    key: int
    definition: JobDefinition
    state: JobState
    updated: datetime
    next_fire: datetime | None
    last_attempt: datetime | None = None
    outcome: Outcome | None = None

    @property
    def name(self) -> str:
        """The resource name."""
        return self.definition.name


@dataclass(frozen=True, slots=True)
class Execution:
    """A fire of a job that has not ended: what is tried, or will be at `due`.

    fire: the market's instant that it is for. forced: asked for by a caller, not by the schedule.
    failures: attempts that have failed. began: real Unix seconds of the first attempt, None before.
    due: real Unix seconds of the next attempt.
    """

    key: int
    job: int
    fire: datetime
    forced: bool
    failures: int
    began: float | None
    due: float


class Store:
    """The database in `folder`, or one in memory when it is None."""

    def __init__(self, folder: Path | None) -> None:
        place = ":memory:" if folder is None else str(folder / _FILE)
        # Opened by whoever starts the server, used by the thread of its event loop alone.
        self._database = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
        # Exclusive: a second server on the same folder is refused instead of firing everything twice.
        self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("PRAGMA foreign_keys = ON")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def job(self, name: str) -> Job | None:
        """Return the job of that name."""
        return self._one_job("name = ?", name)

    def job_of(self, execution: Execution) -> Job | None:
        """Return the job of an execution, None when it has been deleted."""
        return self._one_job("key = ?", execution.job)

    def jobs(self, parent: str, after: str, limit: int) -> list[Job]:
        """Return the first jobs of a location whose names come after one, by name."""
        prefix = f"{parent}/jobs/"
        rows = self._database.execute(
            f"SELECT {_JOB} FROM jobs WHERE substr(name, 1, ?) = ? AND name > ?"  # noqa: S608 - constant
            " ORDER BY name LIMIT ?",
            (len(prefix), prefix, after, limit),
        )
        return [_job(row) for row in rows]

    def due_jobs(self, now: datetime) -> list[Job]:
        """Return the jobs that have to fire and have no scheduled execution left, in order."""
        rows = self._database.execute(
            f"SELECT {_JOB} FROM jobs WHERE next_fire <= ? AND NOT EXISTS"  # noqa: S608 - constant
            " (SELECT 1 FROM executions WHERE job = jobs.key AND NOT forced)"
            " ORDER BY next_fire, name",
            (now.timestamp(),),
        )
        return [_job(row) for row in rows]

    def add(self, definition: JobDefinition, now: datetime, next_fire: datetime) -> None:
        """Keep a new job, whose name no other has."""
        self._database.execute(
            "INSERT INTO jobs (name, definition, state, updated, next_fire) VALUES (?, ?, ?, ?, ?)",
            (
                definition.name,
                json.dumps(definition.document()),
                JobState.ENABLED,
                now.timestamp(),
                next_fire.timestamp(),
            ),
        )

    def save(self, job: Job) -> None:
        """Keep what has changed of a job."""
        outcome = job.outcome
        self._database.execute(
            "UPDATE jobs SET definition = ?, state = ?, updated = ?, next_fire = ?,"
            " last_attempt = ?, outcome_code = ?, outcome_message = ? WHERE key = ?",
            (
                json.dumps(job.definition.document()),
                job.state,
                job.updated.timestamp(),
                _seconds(job.next_fire),
                _seconds(job.last_attempt),
                None if outcome is None else outcome.code,
                None if outcome is None else outcome.message,
                job.key,
            ),
        )

    def delete(self, job: Job) -> None:
        """Forget a job and its executions."""
        self._database.execute("DELETE FROM jobs WHERE key = ?", (job.key,))

    def due_executions(self, real_now: float) -> list[Execution]:
        """Return the executions whose next attempt is due, oldest first."""
        rows = self._database.execute(
            f"SELECT {_EXECUTION} FROM executions WHERE due <= ? ORDER BY key",  # noqa: S608 - constant
            (real_now,),
        )
        return [_execution(row) for row in rows]

    def add_execution(self, job: Job, fire: datetime, *, forced: bool, due: float) -> None:
        """Keep a new execution of a job."""
        self._database.execute(
            "INSERT INTO executions (job, fire, forced, failures, due) VALUES (?, ?, ?, 0, ?)",
            (job.key, fire.timestamp(), forced, due),
        )

    def save_execution(self, execution: Execution) -> None:
        """Keep what has changed of an execution; one that is gone stays gone."""
        self._database.execute(
            "UPDATE executions SET failures = ?, began = ?, due = ? WHERE key = ?",
            (execution.failures, execution.began, execution.due, execution.key),
        )

    def end_execution(self, execution: Execution) -> None:
        """Forget an execution."""
        self._database.execute("DELETE FROM executions WHERE key = ?", (execution.key,))

    def end_executions(self, job: Job) -> None:
        """Forget the executions of a job."""
        self._database.execute("DELETE FROM executions WHERE job = ?", (job.key,))

    def transaction(self) -> _Transaction:
        """Return a context in which writes are kept together or not at all."""
        return _Transaction(self._database)

    def _one_job(self, condition: str, value: object) -> Job | None:
        query = f"SELECT {_JOB} FROM jobs WHERE {condition}"  # noqa: S608 - constants
        row = self._database.execute(query, (value,)).fetchone()
        return None if row is None else _job(row)


class _Transaction:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, error: object, *_: object) -> None:
        self._database.execute("COMMIT" if error is None else "ROLLBACK")


def _job(row: tuple[Any, ...]) -> Job:
    key, definition, state, updated, next_fire, last_attempt, code, message = row
    return Job(
        key,
        JobDefinition.model_validate_json(definition),
        JobState(state),
        datetime.fromtimestamp(updated, UTC),
        _instant(next_fire),
        _instant(last_attempt),
        None if code is None else Outcome(code, message),
    )


def _execution(row: tuple[Any, ...]) -> Execution:
    key, job, fire, forced, failures, began, due = row
    return Execution(
        key, job, datetime.fromtimestamp(fire, UTC), bool(forced), failures, began, due
    )


def _seconds(instant: datetime | None) -> float | None:
    return None if instant is None else instant.timestamp()


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
