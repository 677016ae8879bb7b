"""Running executions: started, resumed after a restart, cancelled, awaited, ended."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import logging
from collections.abc import Mapping

from emulators.faults.switch import Faults
from emulators.workflows.alarms import Alarms
from emulators.workflows.callbacks import Callbacks
from emulators.workflows.checks import deployable
from emulators.workflows.errors import WorkflowError, system_error, timeout_error
from emulators.workflows.google_apis import GoogleApis
from emulators.workflows.history import History
from emulators.workflows.hosting import ExecutionHost, Executions, Services
from emulators.workflows.http_calls import HttpCalls
from emulators.workflows.injection import InjectedExecution
from emulators.workflows.interpreter import Interpreter
from emulators.workflows.journal import Journal
from emulators.workflows.messages import Message, State, timestamp
from emulators.workflows.names import last_part, parse_workflow, workflow_of
from emulators.workflows.steps import Program
from emulators.workflows.storage import Store
from emulators.workflows.values import from_json, to_json

_log = logging.getLogger(__name__)


@functools.lru_cache(maxsize=256)
def _program(source: str) -> Program:
    return deployable(source)


class Engine:
    """All executions that have not ended, each a task of the event loop."""

    def __init__(
        self,
        store: Store,
        alarms: Alarms,
        callbacks: Callbacks,
        http: HttpCalls,
        apis: GoogleApis,
        executions: Executions,
        faults: Faults,
    ) -> None:
        self._store = store
        self._faults = faults
        self._alarms = alarms
        self._services = Services(alarms, callbacks, http, apis, executions)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._interpreters: dict[str, Interpreter] = {}
        self._stopping = False

    def resume(self) -> None:
        """Go on with every execution that had not ended when the emulator stopped."""
        for execution in self._store.active_executions():
            self.launch(execution)

    def launch(self, execution: Message) -> None:
        """Run an execution that the store holds as active."""
        name = execution.name
        task = asyncio.create_task(self._run(execution), name=name)
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None))

    def current_steps(self, name: str) -> list[tuple[str, str]]:
        """Return routine and step of every thread of a running execution."""
        interpreter = self._interpreters.get(name)
        return [] if interpreter is None else interpreter.current_steps()

    async def cancel(self, name: str) -> None:
        """Cancel a running execution and return when it has ended."""
        task = self._tasks.get(name)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            execution = self._store.execution(name)
            if task.cancelled() and execution is not None:
                # It had not begun to run, so nothing in it could take note of its end.
                execution.state = State.CANCELLED
                self._end(execution)

    async def ended(self, name: str, seconds: float) -> None:
        """Return when the execution has ended, or raise a TimeoutError."""
        task = self._tasks.get(name)
        if task is None:
            return
        done, _ = await asyncio.wait([task], timeout=seconds)
        if not done:
            raise timeout_error(f"execution {name} has not ended within {seconds:g} seconds")

    async def stop(self) -> None:
        """Stop running; executions that have not ended go on when the store is opened again."""
        self._stopping = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, execution: Message) -> None:
        try:
            execution.result = await self._interpret(execution)
            execution.state = State.SUCCEEDED
        except WorkflowError as error:
            _fail(execution, error)
        except asyncio.CancelledError:
            if self._stopping:
                return
            execution.state = State.CANCELLED
        except Exception:  # noqa: BLE001 - a fault of the emulator ends its execution openly
            _log.exception("execution %s failed inside the emulator", execution.name)
            _fail(execution, system_error("SystemError", "internal error of the emulator"))
        self._end(execution)

    async def _interpret(self, execution: Message) -> str:
        name = execution.name
        workflow = self._store.revision(workflow_of(name), execution.workflow_revision_id)
        if workflow is None:
            raise system_error("SystemError", "the revision that this execution runs is gone")
        environment = _environment(workflow, name)
        account = environment["GOOGLE_CLOUD_SERVICE_ACCOUNT_NAME"]
        kept = self._store.journal_of(name, self._alarms.now)
        outside = InjectedExecution(
            ExecutionHost(self._services, name, account),
            kept,
            self._faults,
            environment["GOOGLE_CLOUD_WORKFLOW_ID"],
        )
        program = _program(workflow.source_contents)
        interpreter = Interpreter(program, environment, outside, Journal(outside), History(kept))
        self._interpreters[name] = interpreter
        argument = from_json(execution.argument) if execution.argument else None
        return to_json(await interpreter.run(argument))

    def _end(self, execution: Message) -> None:
        interpreter = self._interpreters.pop(execution.name, None)
        if interpreter is not None and interpreter.last_step is not None:
            routine, step = interpreter.last_step
            execution.status.current_steps.add(routine=routine, step=step)
        end = self._alarms.moment()
        execution.end_time.CopyFrom(timestamp(end))
        duration = execution.end_time.ToNanoseconds() - execution.start_time.ToNanoseconds()
        execution.duration.FromNanoseconds(max(0, duration))
        self._store.end_execution(execution)


def _fail(execution: Message, error: WorkflowError) -> None:
    execution.state = State.FAILED
    execution.error.payload = json.dumps(error.payload, default=repr, ensure_ascii=False)
    execution.error.context = error.context()
    for frame in error.frames:
        element = execution.error.stack_trace.elements.add(step=frame.step, routine=frame.routine)
        element.position.line = frame.line


def _environment(workflow: Message, execution: str) -> Mapping[str, str]:
    """Return what sys.get_env finds: the variables that Google defines and the workflow's own."""
    name = parse_workflow(workflow.name)
    # Any number will do, as long as it is always the same for a project.
    digest = hashlib.sha256(name.project.encode()).digest()
    number = str(100_000_000_000 + int.from_bytes(digest[:4]))
    account = last_part(workflow.service_account)
    return {
        **workflow.user_env_vars,
        "GOOGLE_CLOUD_LOCATION": name.location,
        "GOOGLE_CLOUD_PROJECT_ID": name.project,
        "GOOGLE_CLOUD_PROJECT_NUMBER": number,
        "GOOGLE_CLOUD_SERVICE_ACCOUNT_NAME": account
        or f"{number}-compute@developer.gserviceaccount.com",
        "GOOGLE_CLOUD_WORKFLOW_EXECUTION_ATTEMPT": "1",
        "GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID": last_part(execution),
        "GOOGLE_CLOUD_WORKFLOW_ID": name.workflow,
        "GOOGLE_CLOUD_WORKFLOW_REVISION_ID": workflow.revision_id,
    }
