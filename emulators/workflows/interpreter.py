"""The interpreter: runs a checked program, one coroutine a thread, with all effects left to a host.

It never touches real time, chance or sockets, so the same code runs on a real or a virtual clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from emulators.workflows import limits
from emulators.workflows.effects import Effect, Host
from emulators.workflows.errors import (
    ExecutionAborted,
    Frame,
    WorkflowError,
    aborted,
    system_error,
    type_error,
)
from emulators.workflows.evaluate import evaluate
from emulators.workflows.expressions import Expression
from emulators.workflows.history import History, Progress, StepEntry
from emulators.workflows.journal import Journal
from emulators.workflows.loops import run_loop
from emulators.workflows.outcomes import Jump, Outcome, Returned, go_to
from emulators.workflows.parallel import run_parallel
from emulators.workflows.retrying import run_try
from emulators.workflows.scope import Memory, Scope
from emulators.workflows.slots import Slots
from emulators.workflows.stdlib import FUNCTIONS, is_elsewhere
from emulators.workflows.steps import (
    Action,
    Assign,
    Block,
    Call,
    Loop,
    Nested,
    Parallel,
    Proceed,
    Program,
    Raise,
    Return,
    Routine,
    Step,
    Switch,
    Try,
)
from emulators.workflows.values import Value, type_name, with_item

_STEPS_BETWEEN_YIELDS = 500


class Interpreter:
    """One execution of a program."""

    def __init__(
        self,
        program: Program,
        environment: Mapping[str, str],
        host: Host,
        journal: Journal,
        history: History | None = None,
    ) -> None:
        self.program = program
        self.environment = environment
        self.host = host
        self.journal = journal
        self.history = history or History()
        self.memory = Memory()
        self.slots = Slots(limits.CONCURRENT_BRANCHES)
        self.threads: list[Thread] = []
        self.last_step: tuple[str, str] | None = None
        self._steps = 0
        self._uncaught = 0

    async def run(self, argument: Value) -> Value:
        """Return what `main` returns for the argument, or raise the error that nothing caught."""
        main = self.program.main
        thread = Thread(self, path="", scope=Scope(self.memory))
        with thread:
            return await thread.run_routine(main, [argument] if main.parameters else [], {})

    def current_steps(self) -> list[tuple[str, str]]:
        """Return routine and step of every thread, outermost first."""
        return [(thread.routine, thread.step) for thread in self.threads]

    def count_step(self) -> bool:
        """Count a step, up to the limit; return whether it is time to let others run."""
        self._steps += 1
        if self._steps > limits.STEPS_PER_EXECUTION:
            raise aborted(f"more than {limits.STEPS_PER_EXECUTION} steps")
        return self._steps % _STEPS_BETWEEN_YIELDS == 0

    def count_uncaught_error(self) -> None:
        """Count an error that ended a parallel branch, up to the limit."""
        self._uncaught += 1
        if self._uncaught > limits.UNCAUGHT_BRANCH_ERRORS:
            allowed = limits.UNCAUGHT_BRANCH_ERRORS
            raise aborted(f"more than {allowed} unhandled errors in parallel branches")


class Thread:
    """One line of execution: the main one, or that of a parallel branch."""

    def __init__(self, run: Interpreter, path: str, scope: Scope, nesting: int = 0) -> None:
        self.run = run
        self.path = path
        self.scope = scope
        self.nesting = nesting
        self.routine = "main"
        self.step = ""
        self.entry: StepEntry | None = None
        self._line = 0
        self._depth = 0
        self._points = 0

    def __enter__(self) -> None:
        self.run.threads.append(self)

    def __exit__(self, *_: object) -> None:
        self.run.threads.remove(self)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that sys.get_env reads."""
        return self.run.environment

    def next_key(self) -> str:
        """Return the key of the next point at which this thread waits for something."""
        self._points += 1
        return f"{self.path}#{self._points}"

    async def perform(self, effect: Effect) -> Value:
        """Return what the effect gives, from the journal when it was performed before."""
        key = self.next_key()
        kind = type(effect).__name__
        return await self.run.journal.go_on(key, kind, lambda: self.run.host.perform(effect, key))

    def branch(self, key: str, scope: Scope) -> Thread:
        """Return the thread of a parallel branch of this one."""
        thread = Thread(self.run, key, scope, self.nesting + 1)
        thread.routine, thread.step, thread._line = self.routine, self.step, self._line
        thread.entry = self.entry
        thread._depth = self._depth
        return thread

    def frame(self) -> Frame:
        """Return where this thread stands."""
        return Frame(self.step, self.routine, self._line)

    def is_routine(self, name: str) -> bool:
        """Tell whether the program has a subworkflow of this name."""
        return name in self.run.program.routines

    async def value_of(self, expression: Expression) -> Value:
        """Return the expression's value in the current scope."""
        return await evaluate(expression, self)

    async def apply(self, function: str, arguments: list[Value]) -> Value:
        """Return what a function or subworkflow gives for positional arguments."""
        return await self.invoke(function, arguments, {})

    async def invoke(self, name: str, positional: list[Value], named: Mapping[str, Value]) -> Value:
        """Return what a function, connector or subworkflow gives."""
        routine = self.run.program.routines.get(name)
        if routine is not None:
            return await self._call_routine(routine, positional, named)
        function = FUNCTIONS.get(name)
        if function is None:
            # Not an error that a workflow of production would know how to handle.
            problem = f"{name} is not in this emulator"
            raise ExecutionAborted(system_error("NotImplementedError", problem).payload)
        return await function.call(self, function.bind(positional, named))

    async def _call_routine(
        self, routine: Routine, positional: list[Value], named: Mapping[str, Value]
    ) -> Value:
        if self._depth >= limits.CALL_DEPTH:
            message = f"more than {limits.CALL_DEPTH} calls inside each other"
            raise system_error("RecursionError", message)
        caller = self.scope, self.routine, self.step, self._line
        self.scope = Scope(self.run.memory)
        self._depth += 1
        try:
            return await self.run_routine(routine, positional, named)
        finally:
            self.scope.close()
            self._depth -= 1
            self.scope, self.routine, self.step, self._line = caller

    async def run_routine(
        self, routine: Routine, positional: list[Value], named: Mapping[str, Value]
    ) -> Value:
        """Return what the routine returns when it runs in the thread's scope, which is its own."""
        await self._bind(routine, positional, named)
        self.routine = routine.name
        try:
            outcome = await self.run_block(routine.body)
        except WorkflowError as error:
            error.frames.append(self.frame())
            raise
        except RecursionError:
            raise system_error("RecursionError", "steps are nested too deeply") from None
        return outcome.value if isinstance(outcome, Returned) else None

    async def _bind(
        self, routine: Routine, positional: list[Value], named: Mapping[str, Value]
    ) -> None:
        names = [parameter.name for parameter in routine.parameters]
        if len(positional) > len(names):
            count = f"{len(names)} arguments, got {len(positional)}"
            raise type_error(f"subworkflow '{routine.name}' takes {count}")
        for name in named:
            if name not in names:
                raise type_error(f"subworkflow '{routine.name}' has no parameter '{name}'")
        given = {**dict(zip(names, positional, strict=False)), **named}
        for parameter in routine.parameters:
            if parameter.name in given:
                self.scope.set(parameter.name, given[parameter.name])
            elif parameter.default is not None:
                self.scope.set(parameter.name, await self.value_of(parameter.default))
            else:
                problem = f"subworkflow '{routine.name}' needs the argument '{parameter.name}'"
                raise type_error(problem)

    async def run_block(self, block: Block) -> Outcome:
        """Run the steps in order; return where an outer block has to go on, None at the end."""
        position = 0
        while position < len(block.steps):
            step = block.steps[position]
            outcome = await self._run_step(step)
            if outcome is None:
                if step.next is None:
                    position += 1
                    continue
                outcome = go_to(step.next)
            if not isinstance(outcome, Jump) or outcome.target not in block.positions:
                return outcome
            position = block.positions[outcome.target]
        return None

    async def run_inner(self, block: Block, variables: Mapping[str, Value]) -> Outcome:
        """Run the steps in a scope of their own, in which the given variables exist."""
        outer = self.scope
        self.scope = outer.inner()
        try:
            for name, value in variables.items():
                self.scope.declare(name, value)
            return await self.run_block(block)
        finally:
            self.scope.close()
            self.scope = outer

    async def _run_step(self, step: Step) -> Outcome:
        if self.run.count_step():
            await self.run.journal.go_on(self.next_key(), "Yield", lambda: asyncio.sleep(0))
        self.step, self._line = step.name, step.line
        self.run.last_step = self.routine, self.step
        run = _ACTIONS[type(step.action)]
        if isinstance(step.action, Nested):
            # Its steps stand in the history as if they stood in its place.
            return await run(self, step.action)
        with self.recorded(self._step_type(step.action)):
            return await run(self, step.action)

    @contextmanager
    def recorded(self, step_type: str, progress: Progress | None = None) -> Iterator[None]:
        """Record a part of the step at hand, or the step, beneath what runs around it."""
        outer = self.entry
        # Steps inside have come and gone when a step's second part begins.
        step = self.step if outer is None or step_type in _OWN_STEP else outer.step
        history = self.run.history
        with history.recorded(outer, self.path, self.routine, step, step_type, progress) as inner:
            self.entry = inner
            try:
                yield
            finally:
                self.entry = outer

    def _step_type(self, action: Action) -> str:
        if isinstance(action, Call):
            if self.is_routine(action.function):
                return "STEP_SUBWORKFLOW_CALL"
            connector = is_elsewhere(action.function)
            return "STEP_CONNECTOR_CALL" if connector else "STEP_STD_LIB_CALL"
        if isinstance(action, Parallel):
            iterates = isinstance(action.work, Loop)
            return "STEP_PARALLEL_FOR" if iterates else "STEP_PARALLEL_BRANCH"
        return _STEP_TYPES[type(action)]


async def _assign(thread: Thread, action: Assign) -> Outcome:
    for assignment in action.assignments:
        value = await thread.value_of(assignment.value)
        if assignment.path:
            path = [await thread.value_of(key) for key in assignment.path]
            value = with_item(thread.scope.get(assignment.variable), path, value)
        thread.scope.set(assignment.variable, value)
    return None


async def _call(thread: Thread, action: Call) -> Outcome:
    arguments = await thread.value_of(action.arguments)
    if not isinstance(arguments, dict):
        raise type_error(f"args must be a map, not {type_name(arguments)}")
    value = await thread.invoke(action.function, [], arguments)
    if action.result is not None:
        thread.scope.set(action.result, value)
    return None


async def _switch(thread: Thread, action: Switch) -> Outcome:
    for number, condition in enumerate(action.conditions, 1):
        progress = Progress("PROGRESS_TYPE_SWITCH", number, len(action.conditions))
        with thread.recorded("STEP_CONDITION", progress):
            chosen = await thread.value_of(condition.test)
            if not isinstance(chosen, bool):
                raise type_error(f"a condition must be a boolean, not {type_name(chosen)}")
            if chosen:
                outcome = None if condition.body is None else await thread.run_block(condition.body)
                if outcome is None and condition.next is not None:
                    outcome = go_to(condition.next)
                return outcome
    return None


async def _parallel(thread: Thread, action: Parallel) -> Outcome:
    await run_parallel(thread, action)
    return None


async def _raise(thread: Thread, action: Raise) -> Outcome:
    raise WorkflowError(await thread.value_of(action.error))


async def _return(thread: Thread, action: Return) -> Outcome:
    return Returned(await thread.value_of(action.value))


async def _nested(thread: Thread, action: Nested) -> Outcome:
    return await thread.run_block(action.body)


async def _proceed(_: Thread, action: Proceed) -> Outcome:  # noqa: ARG001 - the step's `next` does it
    return None


_STEP_TYPES: dict[type[Action], str] = {
    Assign: "STEP_ASSIGN",
    Switch: "STEP_SWITCH",
    Loop: "STEP_FOR",
    Try: "STEP_TRY_RETRY_EXCEPT",
    Raise: "STEP_RAISE",
    Return: "STEP_RETURN",
    Proceed: "STEP_GOTO",
}
_OWN_STEP = {
    *_STEP_TYPES.values(),
    "STEP_CONNECTOR_CALL",
    "STEP_PARALLEL_BRANCH",
    "STEP_PARALLEL_FOR",
    "STEP_STD_LIB_CALL",
    "STEP_SUBWORKFLOW_CALL",
}
_ACTIONS: dict[type[Action], Callable[[Thread, Any], Awaitable[Outcome]]] = {
    Assign: _assign,
    Call: _call,
    Switch: _switch,
    Loop: run_loop,
    Parallel: _parallel,
    Try: run_try,
    Raise: _raise,
    Return: _return,
    Nested: _nested,
    Proceed: _proceed,
}
