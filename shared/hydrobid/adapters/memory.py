"""Every port in memory: real adapters, for tests and for a whole pipeline in one process."""

from __future__ import annotations

import copy
import threading
from bisect import insort
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from hydrobid.adapters.memory_exchange import MemoryExchange
from hydrobid.domain.errors import (
    DocumentExists,
)
from hydrobid.domain.identifiers import ClientId, ScenarioId
from hydrobid.domain.messages import Message
from hydrobid.domain.records import Alert
from hydrobid.hydro.joint_program import JointProgram, JointResult
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import Schedule, SolveFailure
from hydrobid.pipeline.ports import (
    Create,
    Document,
    Transaction,
    Write,
)

__all__ = [
    "InProcessJointSolver",
    "InProcessSolver",
    "MemoryCallbacks",
    "MemoryClock",
    "MemoryDailyBids",
    "MemoryDocuments",
    "MemoryExchange",
    "MemoryMessages",
    "MemoryNotifier",
]

T = TypeVar("T")


class MemoryClock:
    """A clock that moves only when it is told to; both times start at `start`."""

    def __init__(self, start: datetime) -> None:
        self._now = self._real = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def real_now(self) -> datetime:
        return self._real

    def advance(self, span: timedelta) -> None:
        """Move market time."""
        self._now += span

    def advance_real(self, span: timedelta) -> None:
        """Move real time: leases run out."""
        self._real += span


class MemoryDocuments:
    """Documents in a dictionary; transactions are serial under one lock."""

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._expires: dict[str, datetime] = {}
        self._ids: defaultdict[str, list[str]] = defaultdict(list)  # sorted, by collection
        self._lock = threading.RLock()

    def get(self, path: str) -> Document | None:
        with self._lock:
            return copy.deepcopy(self._documents.get(path))

    def get_many(self, paths: Sequence[str]) -> list[Document | None]:
        with self._lock:
            return [copy.deepcopy(self._documents.get(path)) for path in paths]

    def find(self, collection: str, **equal: str) -> dict[str, Document]:
        with self._lock:
            listed = (
                (i, self._documents[f"{collection}/{i}"]) for i in self._ids.get(collection, ())
            )
            return {
                name: copy.deepcopy(document)
                for name, document in listed
                if all(document.get(field) == value for field, value in equal.items())
            }

    def commit(self, *writes: Write) -> None:
        with self._lock:
            for write in writes:
                if isinstance(write, Create) and write.path in self._documents:
                    raise DocumentExists(f"{write.path} exists", path=write.path)
            for write in writes:
                if write.path not in self._documents:
                    collection, _, name = write.path.rpartition("/")
                    insort(self._ids[collection], name)
                self._documents[write.path] = copy.deepcopy(write.document)
                self._expires.pop(write.path, None)
                if write.expires is not None:
                    self._expires[write.path] = write.expires

    def expire(self, now: datetime) -> None:
        """Delete what has expired, as a database does in its own time."""
        with self._lock:
            for path in [path for path, instant in self._expires.items() if instant <= now]:
                collection, _, name = path.rpartition("/")
                self._ids[collection].remove(name)
                del self._documents[path], self._expires[path]

    def transact(self, work: Callable[[Transaction], T]) -> T:
        with self._lock:
            transaction = _MemoryTransaction(self)
            result = work(transaction)
            self.commit(*transaction.writes)
            return result


class _MemoryTransaction:
    def __init__(self, documents: MemoryDocuments) -> None:
        self._documents = documents
        self.writes: list[Write] = []

    def get(self, path: str) -> Document | None:
        if self.writes:
            raise RuntimeError("a transaction reads before it writes")
        return self._documents.get(path)

    def write(self, *writes: Write) -> None:
        self.writes.extend(writes)


class MemoryMessages:
    """Published messages, oldest first, until somebody delivers them."""

    def __init__(self) -> None:
        self.waiting: deque[Message] = deque()

    def publish(self, message: Message) -> None:
        self.waiting.append(message)


class MemoryCallbacks:
    """Remembers who was called, with what."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Document]] = []

    def call(self, url: str, content: Document) -> None:
        self.calls.append((url, content))


class MemoryDailyBids:
    """Remembers which days arrivals have started a bid of."""

    def __init__(self) -> None:
        self.started: list[tuple[ClientId, date]] = []

    def start(self, client: ClientId, day: date) -> None:
        self.started.append((client, day))


class MemoryNotifier:
    """Remembers what was told, in that order."""

    channel = "memory"

    def __init__(self) -> None:
        self.told: list[Alert] = []

    def notify(self, alert: Alert) -> None:
        self.told.append(alert)


SolveProblem = Callable[
    [Problem, Mapping[ScenarioId, Scenario]],
    Iterator[tuple[ScenarioId, Schedule | SolveFailure]],
]


SolveJointly = Callable[[Problem, Sequence[Scenario], JointProgram], JointResult | SolveFailure]


class InProcessSolver:
    """The solver in the caller's own process."""

    def __init__(self, solve_problem: SolveProblem) -> None:
        self._solve_problem = solve_problem

    def solve(
        self,
        problem: Problem,
        scenarios: Mapping[ScenarioId, Scenario],
        scenario_seconds: float,
    ) -> AbstractContextManager[Iterator[tuple[ScenarioId, Schedule | SolveFailure]]]:
        del scenario_seconds  # a solver in this process cannot be stopped
        return nullcontext(self._solve_problem(problem, scenarios))


class InProcessJointSolver(InProcessSolver):
    """The same, for programmes of all scenarios together as well."""

    def __init__(self, solve_problem: SolveProblem, together: SolveJointly) -> None:
        super().__init__(solve_problem)
        self._together = together

    def solve_jointly(
        self,
        problem: Problem,
        scenarios: Sequence[Scenario],
        program: JointProgram,
        seconds: float,
    ) -> AbstractContextManager[Iterator[JointResult | SolveFailure]]:
        del seconds  # as above
        return nullcontext(iter([self._together(problem, scenarios, program)]))
