"""The solver port in processes of their own, which can be killed when they hang.

A worker takes one task at a time. It is started before it is needed and kept for the next task; one
that dies or takes too long over a scenario is killed, and its task fails as retryable: what it
yielded before stands.
"""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.errors import RetryableError
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.schedule import Schedule, SolveFailure

Result = tuple[ScenarioId, Schedule | SolveFailure]


class SolverDied(RetryableError):
    """The worker died, or was killed because a scenario took too long."""

    code = "SOLVER_DIED"


class SolverProcesses:
    """A fixed number of workers; a task waits for a free one."""

    def __init__(self, workers: int, scenario_seconds: float) -> None:
        self._scenario_seconds = scenario_seconds
        self._free: queue.LifoQueue[_Worker] = queue.LifoQueue()
        for _ in range(workers):
            self._free.put(_Worker())

    def solve(
        self,
        watercourse: Watercourse,
        grid: MtuGrid,
        prices: Mapping[ScenarioId, NDArray[np.float64]],
    ) -> Iterator[Result]:
        """Yield each scenario's result as it is found; raise SolverDied where the worker ends."""
        worker = self._free.get()
        try:
            yield from worker.solve(watercourse, grid, prices, self._scenario_seconds)
        finally:
            if worker.usable:
                self._free.put(worker)
            else:
                worker.kill()
                self._free.put(_Worker())


class _Worker:
    """A process that solves; `usable` while it waits for a task."""

    def __init__(self) -> None:
        # Spawned, not forked: the function's threads and connections stay out of it.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=_serve_tasks, args=(theirs,), daemon=True
        )
        self._process.start()
        theirs.close()
        self.usable = True

    def solve(
        self,
        watercourse: Watercourse,
        grid: MtuGrid,
        prices: Mapping[ScenarioId, NDArray[np.float64]],
        scenario_seconds: float,
    ) -> Iterator[Result]:
        self.usable = False
        try:
            self._pipe.send((watercourse, grid, dict(prices)))
            while (result := self._next(scenario_seconds)) is not None:
                yield result
        except (EOFError, OSError) as error:
            raise SolverDied(f"the solver's process ended: {error!r}") from error
        self.usable = True

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _next(self, seconds: float) -> Result | None:
        if not self._pipe.poll(seconds):
            raise SolverDied(f"a scenario took more than {seconds:g} s", scenario_seconds=seconds)
        result: Result | None = self._pipe.recv()
        return result


def _serve_tasks(pipe: Connection) -> None:
    """Solve what comes through the pipe until it closes; None ends the results of a task."""
    from hydrobid.hydro.solve import solve_scenarios  # noqa: PLC0415 - only a worker loads a solver

    while True:
        try:
            watercourse, grid, prices = pipe.recv()
        except EOFError:
            return
        for result in solve_scenarios(watercourse, grid, prices):
            pipe.send(result)
        pipe.send(None)
