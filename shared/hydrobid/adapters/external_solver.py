"""The solver port on any program that reads a task's JSON and writes its result's.

The program is run once for each scenario, so that a scenario's outcome cannot hang on others. It
gets the task on standard input, writes its result on standard output, and is killed with all that
it started when it takes too long or writes too much. What it writes is outside input: it is checked
and simulated, and every figure of the schedule is the simulator's.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from hydrobid.domain.errors import CorruptDocument, SolverDied
from hydrobid.domain.identifiers import Identifier, ScenarioId
from hydrobid.hydro.evaluation import schedule_of
from hydrobid.hydro.problem import Problem, Series
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import FailureCode, Method, Schedule, SolveFailure
from hydrobid.hydro.task_documents import result_in, task_bytes, task_document

MOST_OUTPUT = 50_000_000
LAST_WORDS = 2000
# A program gets no more of our environment: what else it needs, a script around it can set.
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")

Result = tuple[ScenarioId, Schedule | SolveFailure]


@dataclass(frozen=True)
class ExternalSolver:
    """A program under a name. command: the program and its arguments; no shell reads it."""

    name: Identifier
    command: Sequence[str]

    @contextmanager
    def solve(
        self,
        problem: Problem,
        scenarios: Mapping[ScenarioId, Scenario],
        scenario_seconds: float,
    ) -> Iterator[Iterator[Result]]:
        """Yield the results; they raise SolverDied where the program ends badly or is ended."""
        yield self._results(problem, scenarios, scenario_seconds)

    def _results(
        self,
        problem: Problem,
        scenarios: Mapping[ScenarioId, Scenario],
        scenario_seconds: float,
    ) -> Iterator[Result]:
        for name, scenario in scenarios.items():
            own = scenario.of(problem)
            yield name, self.schedule(own, name, scenario.prices, scenario_seconds)

    def schedule(
        self, problem: Problem, scenario: ScenarioId, prices: Series, seconds: float
    ) -> Schedule | SolveFailure:
        """Return what the program decides at (T,) prices, simulated.

        Raises:
            SolverDied: it cannot be started, fails, or has to be ended.
        """
        task = task_bytes(task_document(problem, scenario, prices))
        try:
            found = result_in(_run(self.name, self.command, task, seconds), problem)
        except CorruptDocument as error:
            return SolveFailure(FailureCode.SOLVER_ERROR, f"{self.name}: {error.message}")
        if isinstance(found, SolveFailure):
            return found
        operation, termination = found
        return schedule_of(
            problem,
            prices,
            operation,
            method=Method.EXTERNAL,
            reason=f"as {self.name} decided",
            termination=termination,
        )


def _run(name: str, command: Sequence[str], task: bytes, seconds: float) -> bytes:
    """Return what a program writes; raise SolverDied where it fails or has to be killed."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as complaints:
        given.write(task)
        given.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603 - the deployment's settings name the program
                command,
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env={key: os.environ[key] for key in PASSED_ON if key in os.environ},
                start_new_session=True,
            )
        except OSError as error:
            raise SolverDied(f"{name} cannot be started: {error.strerror}") from error
        with process:
            try:
                answer = _output(name, process, seconds)
            finally:
                _kill_all(process)
        if process.returncode != 0:
            complaints.seek(0, os.SEEK_END)
            complaints.seek(max(complaints.tell() - LAST_WORDS, 0))
            words = complaints.read().decode(errors="replace")
            raise SolverDied(
                f"{name} ended with code {process.returncode}", last_words=words, solver=name
            )
        return answer


def _output(name: str, process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """Return what a process writes until it closes its output and ends."""
    deadline = monotonic() + seconds
    if process.stdout is None:
        raise AssertionError("the output is a pipe")
    parts: list[bytes] = []
    size = 0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(max(deadline - monotonic(), 0.0)):
                raise SolverDied(f"{name} took more than {seconds:g} s", scenario_seconds=seconds)
            part = os.read(process.stdout.fileno(), 1 << 16)
            if not part:
                break
            parts.append(part)
            size += len(part)
            if size > MOST_OUTPUT:
                raise SolverDied(f"{name} wrote more than {MOST_OUTPUT} bytes", solver=name)
    try:
        process.wait(max(deadline - monotonic(), 0.0))
    except subprocess.TimeoutExpired:
        raise SolverDied(f"{name} took more than {seconds:g} s", scenario_seconds=seconds) from None
    return b"".join(parts)


def _kill_all(process: subprocess.Popen[bytes]) -> None:
    """End a process and whatever it started; it leads a session of its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # all of it has ended
