"""The solver port in processes of their own, which can be killed when they hang.

A worker takes one task at a time. It is started before it is needed and kept for the next task; one
that dies or takes too long over a scenario is killed, and its task fails as retryable: what it
yielded before stands.
"""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Self

from hydrobid.domain.errors import SolverDied
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import Schedule, SolveFailure

Result = tuple[ScenarioId, Schedule | SolveFailure]
Task = tuple[Problem, dict[ScenarioId, Scenario], bool]


class SolverProcesses:
    """A fixed number of workers; a task waits for a free one."""

    def __init__(self, workers: int) -> None:
        self.workers = [Worker() for _ in range(workers)]
        self._free: queue.LifoQueue[int] = queue.LifoQueue()
        for number in range(workers):
            self._free.put(number)

    @contextmanager
    def solve(
        self,
        problem: Problem,
        scenarios: Mapping[ScenarioId, Scenario],
        scenario_seconds: float,
        *,
        commitment: bool = False,
    ) -> Iterator[Iterator[Result]]:
        """Wait for a free worker on entering; its results come as they are found.

        commitment: whether units are on or off and heads change. The results raise SolverDied
        where the worker ends, or is ended because a scenario took too long.
        """
        number = self._free.get()
        try:
            if not self.workers[number].idle:
                self.workers[number].kill()
                self.workers[number] = Worker()
            task = problem, dict(scenarios), commitment
            yield self.workers[number].solve(task, scenario_seconds)
        finally:
            self._free.put(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End every worker, at work or not."""
        for worker in self.workers:
            worker.kill()


class CommittedProcesses:
    """The same workers, asked for units on or off and heads as the water makes them."""

    def __init__(self, processes: SolverProcesses) -> None:
        self._processes = processes

    def solve(
        self,
        problem: Problem,
        scenarios: Mapping[ScenarioId, Scenario],
        scenario_seconds: float,
    ) -> AbstractContextManager[Iterator[Result]]:
        """Wait for a free worker on entering; its results come as they are found."""
        return self._processes.solve(problem, scenarios, scenario_seconds, commitment=True)


class Worker:
    """A process that solves one task at a time; `idle` while it waits for the next."""

    def __init__(self) -> None:
        # Spawned, not forked: the function's threads and connections stay out of it.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(
            target=_serve_tasks, args=(theirs,), daemon=True
        )
        self.process.start()
        theirs.close()
        self.idle = True

    def solve(self, task: Task, scenario_seconds: float) -> Iterator[Result]:
        """Yield the results of one task; a worker whose task was left early is not idle again."""
        self.idle = False
        try:
            self._pipe.send(task)
            while (result := self._next(scenario_seconds)) is not None:
                yield result
        except (EOFError, OSError) as error:
            raise SolverDied(f"the solver's process ended: {error!r}") from error
        self.idle = True

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.process.join()
        self.process.close()
        self._pipe.close()

    def _next(self, seconds: float) -> Result | None:
        if not self._pipe.poll(seconds):
            raise SolverDied(f"a scenario took more than {seconds:g} s", scenario_seconds=seconds)
        result: Result | None = self._pipe.recv()
        return result


def _serve_tasks(pipe: Connection) -> None:
    """Solve what comes through the pipe until it closes; None ends the results of a task."""
    # Only a worker loads a solver.
    from hydrobid.hydro.optimise import optimise_problem  # noqa: PLC0415 - see above
    from hydrobid.hydro.solve import solve_problem  # noqa: PLC0415 - see above

    while True:
        try:
            problem, scenarios, commitment = pipe.recv()
        except EOFError:
            return
        solve = optimise_problem if commitment else solve_problem
        for result in solve(problem, scenarios):
            pipe.send(result)
        pipe.send(None)
