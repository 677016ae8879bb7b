"""Virtual time: one event after the other, in an order that follows from a seed alone.

Product code runs in greenlets, which give way inside port calls and nowhere else. So two handlers
interleave at every line that matters, and a schedule is the same whenever it is run.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from greenlet import getcurrent, greenlet

MAX_STEPS = 60_000
_MASK = (1 << 40) - 1


class Crashed(BaseException):
    """The process that ran a task is gone; no handler of the product sees it."""


class Choices:
    """Random numbers by name: what one name gives does not depend on what else was asked."""

    def __init__(self, seed: int) -> None:
        self._hash = hashlib.blake2b(digest_size=8, key=seed.to_bytes(8, "big"))

    def number(self, name: str) -> int:
        """Return the number below 2**64 of a name."""
        hashed = self._hash.copy()
        hashed.update(name.encode())
        return int.from_bytes(hashed.digest())

    def unit(self, name: str) -> float:
        """Return the number in [0, 1) of a name."""
        return self.number(name) / 2**64

    def between(self, low: float, high: float, name: str) -> float:
        """Return the number in [low, high) of a name."""
        return low + (high - low) * self.unit(name)

    def pick(self, options: tuple[Any, ...], name: str) -> Any:
        """Return one of the options."""
        return options[int(self.unit(name) * len(options))]


@dataclass(frozen=True)
class Ended:
    """How a task ended: with a value, with an exception, or with neither when it crashed."""

    value: Any = None
    error: Exception | None = None
    crashed: bool = False


@dataclass(eq=False)
class Task:
    """A call of product code; `pauses` counts how often it gave way."""

    name: str
    greenlet: greenlet = field(repr=False)
    chance: int
    dead: bool = False
    pauses: int = 0
    ended: Ended | None = None

    def wait(self) -> float:
        """Return a number in [0, 1) for the next pause: cheap, and the task's own."""
        return (hash((self.chance, self.pauses)) & _MASK) / (_MASK + 1)


class Kernel:
    """The events to come, by time; `trace` tells what happened, when, and in which task."""

    def __init__(self, start: datetime, choices: Choices) -> None:
        self._choices = choices
        self.now = start.timestamp()
        self.current: Task | None = None
        self.trace: list[tuple[float, str, str]] = []
        self.steps = 0
        self.stopped = False
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._tasks: dict[Task, Callable[[Ended], None]] = {}

    def instant(self) -> datetime:
        """Return the present, aware UTC."""
        return datetime.fromtimestamp(self.now, UTC)

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Do something at a time, at once when it has passed."""
        heapq.heappush(self._heap, (max(when, self.now), next(self._numbers), action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after a while."""
        self.at(self.now + seconds, action)

    def note(self, what: str) -> None:
        """Add a line to the trace."""
        self.trace.append((self.now, self.current.name if self.current else "world", what))

    def stop(self) -> None:
        """End the schedule after this step."""
        self.stopped = True

    def spawn(self, name: str, work: Callable[[], Any], ended: Callable[[Ended], None]) -> Task:
        """Start a task; `ended` is called when it has returned, raised or crashed."""

        def body() -> None:
            try:
                task.ended = Ended(value=work())
            except Crashed:
                task.ended = Ended(crashed=True)
            except Exception as error:
                # Its frames would hold each other, and all that they know, until it is collected.
                task.ended = Ended(error=error.with_traceback(None))

        task = Task(name, greenlet(body), self._choices.number(name))
        self._tasks[task] = ended
        self._resume(task)
        return task

    def pause(self, seconds: float) -> None:
        """Let the current task wait, and others go on meanwhile; raise Crashed when it is gone."""
        task = self._running()
        when = self.now + seconds
        self.steps += 1
        task.pauses += 1
        if not self.stopped and (not self._heap or self._heap[0][0] > when):
            self.now = when
        else:
            self.at(when, lambda: self._resume(task))
            getcurrent().parent.switch()
        if task.dead:
            raise Crashed

    def crash(self) -> None:
        """End the current task as `kill -9` would."""
        self._running().dead = True
        raise Crashed

    def run(self, until: float) -> None:
        """Let events happen until a time, or until there are none or the schedule is stopped."""
        while self._heap and not self.stopped and self._heap[0][0] <= until:
            self.now, _, action = heapq.heappop(self._heap)
            self.steps += 1
            action()
            if self.steps > MAX_STEPS:
                self.stop()

    @property
    def endless(self) -> bool:
        """Whether the schedule was stopped because it went on and on."""
        return self.steps > MAX_STEPS

    def close(self) -> None:
        """Unwind every task that has not ended."""
        for task in list(self._tasks):
            task.dead = True
            self._tasks[task] = lambda _: None
            self._resume(task)

    def _running(self) -> Task:
        if self.current is None:
            raise RuntimeError("no task is running")
        if self.current.dead:
            raise Crashed
        return self.current

    def _resume(self, task: Task) -> None:
        outer, self.current = self.current, task
        task.greenlet.parent = getcurrent()
        task.greenlet.switch()
        self.current = outer
        if task.ended is not None and task in self._tasks:
            self._tasks.pop(task)(task.ended)
