"""Parallel steps: branches and iterations as threads of their own, a bounded number at once.

An unhandled error ends its branch only; when all have ended the step raises one
UnhandledBranchError that tells of each (the policy continueAll, Google's only one).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulators.workflows import limits
from emulators.workflows.errors import (
    ExecutionAborted,
    WorkflowError,
    system_error,
    type_error,
    value_error,
)
from emulators.workflows.history import Progress
from emulators.workflows.loops import loop_values
from emulators.workflows.scope import Scope
from emulators.workflows.steps import Block, Loop, Parallel
from emulators.workflows.values import Value, type_name

if TYPE_CHECKING:
    from emulators.workflows.interpreter import Thread


_NESTING_ERROR = "ParallelNestingError"


@dataclass(frozen=True, slots=True)
class _Task:
    """One branch or iteration: its name in errors, its steps and the variables that it begins with."""

    name: str
    body: Block
    variables: dict[str, Value]
    step_type: str
    progress: Progress


async def run_parallel(thread: Thread, action: Parallel) -> None:
    """Run a parallel step to the end of all its branches, or raise what they left unhandled."""
    if thread.nesting >= limits.PARALLEL_NESTING:
        message = f"parallel steps nest deeper than {limits.PARALLEL_NESTING}"
        raise system_error(_NESTING_ERROR, message)
    tasks = await _tasks(thread, action)
    lanes = min(await _limit(thread, action), len(tasks))
    group = _Group(thread, action.shared, tasks)
    if thread.nesting > 0:
        # A branch that only waits for branches of its own leaves its place to them.
        thread.run.slots.release()
    try:
        async with asyncio.TaskGroup() as lane_group:
            for _ in range(lanes):
                lane_group.create_task(group.run_lane())
    except* ExecutionAborted as aborts:
        raise aborts.exceptions[0] from None
    await _join(thread)
    if group.failures:
        raise _unhandled(tasks, group.failures)


class _Group:
    """The branches of one parallel step; each lane runs one at a time until none is left."""

    def __init__(self, thread: Thread, shared: tuple[str, ...], tasks: list[_Task]) -> None:
        self.failures: dict[int, WorkflowError] = {}
        self._thread = thread
        self._shared = frozenset(shared)
        self._key = thread.next_key()
        self._left: Iterator[tuple[int, _Task]] = iter(enumerate(tasks))

    async def run_lane(self) -> None:
        for index, task in self._left:
            scope = self._thread.scope.inner(self._shared)
            branch = self._thread.branch(f"{self._key}.{index}", scope)
            await _take_slot(branch, "Start")
            try:
                await self._run(branch, scope, task, index)
            finally:
                branch.run.slots.release()

    async def _run(self, branch: Thread, scope: Scope, task: _Task, index: int) -> None:
        try:
            with branch:
                for name, value in task.variables.items():
                    scope.declare(name, value)
                with branch.recorded(task.step_type, task.progress):
                    await branch.run_block(task.body)
        except ExecutionAborted:
            raise
        except WorkflowError as error:
            error.frames.append(branch.frame())
            self.failures[index] = error
            branch.run.count_uncaught_error()
        finally:
            scope.close()


async def _join(thread: Thread) -> None:
    if thread.nesting > 0:
        await _take_slot(thread, "Join")
    else:
        await thread.run.journal.go_on(thread.next_key(), "Join", _nothing)


async def _take_slot(thread: Thread, kind: str) -> None:
    key, journal, slots = thread.next_key(), thread.run.journal, thread.run.slots
    passed_before = journal.knows(key)
    await journal.go_on(key, kind, slots.acquire)
    if passed_before:
        slots.take()


async def _nothing() -> None:
    return None


async def _tasks(thread: Thread, action: Parallel) -> list[_Task]:
    if not isinstance(action.work, Loop):
        kind, total = "PROGRESS_TYPE_PARALLEL_BRANCH", len(action.work)
        return [
            _Task(
                branch.name,
                branch.body,
                {},
                "STEP_PARALLEL_BRANCH_ENTRY",
                Progress(kind, number, total),
            )
            for number, branch in enumerate(action.work, 1)
        ]
    loop = action.work
    tasks = []
    values = await loop_values(thread, loop)
    for index, value in enumerate(values):
        variables = {loop.value: value}
        if loop.index is not None:
            variables[loop.index] = index
        progress = Progress("PROGRESS_TYPE_PARALLEL_FOR", index + 1, len(values))
        tasks.append(_Task(str(index), loop.body, variables, "STEP_FOR_ITERATION", progress))
    return tasks


async def _limit(thread: Thread, action: Parallel) -> int:
    if action.concurrency_limit is None:
        return limits.CONCURRENT_BRANCHES
    limit = await thread.value_of(action.concurrency_limit)
    if type(limit) is not int:
        raise type_error(f"concurrency_limit must be an integer, not {type_name(limit)}")
    if limit < 1:
        raise value_error(f"concurrency_limit must be positive, got {limit}")
    return min(limit, limits.CONCURRENT_BRANCHES)


def _unhandled(tasks: list[_Task], failures: dict[int, WorkflowError]) -> WorkflowError:
    for error in failures.values():
        # What is wrong is the program's form, not a branch: the outermost step raises it as it is.
        if isinstance(error.payload, dict) and error.payload.get("tags") == [_NESTING_ERROR]:
            return WorkflowError(error.payload)
    branches = [
        {
            "id": tasks[index].name,
            "error": {"payload": failures[index].payload, "context": failures[index].context()},
        }
        for index in sorted(failures)
    ]
    message = "One or more branches or iterations encountered an unhandled runtime error"
    return system_error(
        "UnhandledBranchError", message, "RuntimeError", branches=branches, truncated=False
    )
