"""The history of an execution: an entry for every step, iteration, branch and attempt that began.

A replay after a restart makes the same entries in the same order; what was kept of them before
gives the times at which they really began.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from emulators.workflows.errors import WorkflowError
from emulators.workflows.values import Value

IN_PROGRESS, SUCCEEDED, FAILED = "STATE_IN_PROGRESS", "STATE_SUCCEEDED", "STATE_FAILED"


@dataclass(frozen=True, slots=True)
class Progress:
    """Which turn an entry is, as `PROGRESS_TYPE_FOR`, and of how many; 0 when nobody knows."""

    kind: str
    number: int
    expected: int


@dataclass(slots=True)
class StepEntry:
    """What is known of one entry; times are Unix seconds, numbers begin at 1, parent 0 is none."""

    number: int
    parent: int
    thread: str
    routine: str
    step: str
    step_type: str
    created: float
    updated: float
    progress: Progress | None = None
    state: str = IN_PROGRESS
    # The payload of the error that ended it.
    exception: Value = None

    def row(self) -> list[Value]:
        """Return the entry as values that can be kept; `of_row` makes it again."""
        turn = self.progress and [self.progress.kind, self.progress.number, self.progress.expected]
        identity = [self.number, self.parent, self.thread, self.routine, self.step, self.step_type]
        return [*identity, self.created, self.updated, turn, self.state, self.exception]

    @classmethod
    def of_row(cls, row: list[Value]) -> StepEntry:
        """Return the entry that `row` gave."""
        number, parent, thread, routine, step, step_type, created, updated, turn, *end = row
        progress = turn and Progress(*turn)
        return cls(
            number, parent, thread, routine, step, step_type, created, updated, progress, *end
        )


class HistoryStore(Protocol):
    """Keeps the entries of one execution."""

    def begun(self) -> Mapping[int, float]:
        """Return when each entry that is kept began."""

    def note(self, entry: StepEntry) -> None:
        """Take an entry that is new or has changed."""

    def now(self) -> float:
        """Return the present."""


class History:
    """Makes the entries of one execution; without a store they are not kept."""

    def __init__(self, store: HistoryStore | None = None) -> None:
        self._store = store
        self._begun = {} if store is None else store.begun()
        self._last = 0

    @contextmanager
    def recorded(
        self,
        parent: StepEntry | None,
        thread: str,
        routine: str,
        step: str,
        step_type: str,
        progress: Progress | None,
    ) -> Iterator[StepEntry | None]:
        """Record what runs inside the block; gives its entry, the parent of those within."""
        if self._store is None:
            yield None
            return
        self._last = number = self._last + 1
        now = self._store.now()
        entry = StepEntry(
            number,
            0 if parent is None else parent.number,
            thread,
            routine,
            step,
            step_type,
            self._begun.get(number, now),
            now,
            progress,
        )
        self._store.note(entry)
        try:
            yield entry
        except WorkflowError as error:
            entry.exception = error.payload
            self._end(self._store, entry, FAILED)
            raise
        self._end(self._store, entry, SUCCEEDED)

    @staticmethod
    def _end(store: HistoryStore, entry: StepEntry, state: str) -> None:
        entry.state = state
        entry.updated = store.now()
        store.note(entry)
