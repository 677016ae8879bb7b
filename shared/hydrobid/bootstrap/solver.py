"""The solver, wired: a task in, counts out; or a bid method and a day that is over, and what it came to."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import Any

from hydrobid.adapters.clock import SystemClock
from hydrobid.adapters.firestore import FirestoreDocuments
from hydrobid.adapters.solver_process import SolverProcesses
from hydrobid.adapters.structured_logs import label
from hydrobid.adapters.telemetry import ScenarioTelemetry
from hydrobid.bootstrap.outcomes import Done
from hydrobid.bootstrap.requests import check_client, request_of
from hydrobid.bootstrap.settings import SolverSettings
from hydrobid.bootstrap.solvers import solvers_of
from hydrobid.bootstrap.telemetry import log_of
from hydrobid.bootstrap.topology import database_id
from hydrobid.pipeline.ports import Clock, Documents, Solvers
from hydrobid.pipeline.solve_task import TaskRequest, solve_task


@lru_cache(maxsize=1)
def _wired() -> tuple[SolverSettings, FirestoreDocuments, SystemClock, Solvers]:
    settings = SolverSettings()
    return (
        settings,
        FirestoreDocuments(settings.project, database_id(settings.client)),
        SystemClock(settings.clock_file),
        solvers_of(SolverProcesses(settings.solver_workers), settings),
    )


def solve(content: Any) -> Done:
    """Solve what a task lacks, and return how many of its outcomes there are.

    A request of a benchmark is answered with what is due, or what a method came to. Raises:
        HydrobidError: as `solve_task` or `benchmark_method` does, or the request is not of its form.
    """
    settings, documents, clock, solvers = _wired()
    if isinstance(content, dict) and "benchmark" in content:
        return _benchmark(settings, documents, clock, content)
    request = request_of(TaskRequest, content)
    label(request.to_document())
    check_client(settings.client, request.client)
    watch = ScenarioTelemetry(log_of("solver"))
    report = solve_task(documents, clock, solvers, request, watch)
    return Done(
        f"{request.task} of {request.asset}: {report.solved} of {report.planned} solved, "
        f"{report.failed} failed, {len(report.skipped)} skipped",
        {**request.to_document(), **asdict(report)},
    )


def _benchmark(settings: SolverSettings, documents: Documents, clock: Clock, content: Any) -> Done:
    # It solves in this process, and what it needs takes a second to load: tasks go without.
    from hydrobid.pipeline.benchmark_methods import (  # noqa: PLC0415 - see above
        BenchmarkRequest,
        benchmark_method,
        due_benchmarks,
    )

    request = request_of(BenchmarkRequest, content)
    label({"client": request.client})
    check_client(settings.client, request.client)
    task = request.benchmark
    if task is None:
        due = [due.to_document() for due in due_benchmarks(documents, clock)]
        return Done(f"{len(due)} methods to be tried", {"client": request.client, "due": due})
    found = benchmark_method(documents, task)
    came_to = found.failure or f"{found.value:.0f} {found.currency}"
    return Done(f"{task.method} for {task.asset} on {task.day}: {came_to}", found.to_document())
