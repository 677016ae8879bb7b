"""The solver port in processes of their own, which can be killed when they hang.

A worker takes one task at a time. It is started before it is needed and kept for the next task; one
that dies or takes too long over a scenario is killed, and its task fails as retryable: what it
yielded before stands.
"""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Self

from hydrobid.domain.errors import SolverDied
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.hydro.joint_program import JointProgram, JointResult
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import Schedule, SolveFailure

Result = tuple[ScenarioId, Schedule | SolveFailure]


@dataclass(frozen=True)
class ScenarioTask:
    """Scenarios that are solved one by one. commitment: units on or off, heads as they change."""

    problem: Problem
    scenarios: Mapping[ScenarioId, Scenario]
    commitment: bool

    def results(self) -> Iterator[Result]:
        """Yield each scenario's result as it is found."""
        # Only a worker loads a solver.
        from hydrobid.hydro.optimise import optimise_problem  # noqa: PLC0415 - see above
        from hydrobid.hydro.solve import solve_problem  # noqa: PLC0415 - see above

        solve = optimise_problem if self.commitment else solve_problem
        return solve(self.problem, self.scenarios)


@dataclass(frozen=True)
class JointTask:
    """A programme of all scenarios together. commitment: units on or off, at the first heads."""

    problem: Problem
    scenarios: Sequence[Scenario]
    program: JointProgram
    commitment: bool

    def results(self) -> Iterator[JointResult | SolveFailure]:
        """Yield the one result."""
        # Only a worker loads a solver.
        from hydrobid.hydro.joint import solved_jointly  # noqa: PLC0415 - see above

        yield solved_jointly(self.problem, self.scenarios, self.program, commitment=self.commitment)


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
        task = ScenarioTask(problem, dict(scenarios), commitment)
        with self._worker() as worker:
            yield worker.solve(task, scenario_seconds)

    @contextmanager
    def solve_jointly(
        self,
        problem: Problem,
        scenarios: Sequence[Scenario],
        program: JointProgram,
        seconds: float,
        *,
        commitment: bool = False,
    ) -> Iterator[Iterator[JointResult | SolveFailure]]:
        """Wait for a free worker on entering; the one result raises SolverDied as those of `solve`."""
        task = JointTask(problem, list(scenarios), program, commitment)
        with self._worker() as worker:
            yield worker.solve(task, seconds)

    @contextmanager
    def _worker(self) -> Iterator[Worker]:
        number = self._free.get()
        try:
            if not self.workers[number].idle:
                self.workers[number].kill()
                self.workers[number] = Worker()
            yield self.workers[number]
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

    def solve_jointly(
        self,
        problem: Problem,
        scenarios: Sequence[Scenario],
        program: JointProgram,
        seconds: float,
    ) -> AbstractContextManager[Iterator[JointResult | SolveFailure]]:
        """Wait for a free worker on entering; the one result has units on or off, at the first heads."""
        return self._processes.solve_jointly(problem, scenarios, program, seconds, commitment=True)


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

    def solve(self, task: ScenarioTask | JointTask, seconds: float) -> Iterator[Any]:
        """Yield the results of one task; a worker whose task was left early is not idle again.

        seconds: how long each may take.
        """
        self.idle = False
        try:
            self._pipe.send(task)
            while (result := self._next(seconds)) is not None:
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

    def _next(self, seconds: float) -> Any:
        if not self._pipe.poll(seconds):
            raise SolverDied(f"a result took more than {seconds:g} s", seconds=seconds)
        return self._pipe.recv()


def _serve_tasks(pipe: Connection) -> None:
    """Solve what comes through the pipe until it closes; None ends the results of a task."""
    while True:
        try:
            task: ScenarioTask | JointTask = pipe.recv()
        except EOFError:
            return
        for result in task.results():
            pipe.send(result)
        pipe.send(None)
