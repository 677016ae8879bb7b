"""Cloud Workflows in virtual time: the deployed YAML on the real interpreter, with a host of ours."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from simulation import client
from simulation.kernel import Ended
from simulation.loop import SteppedLoop
from simulation.ports import World

from emulators.workflows.checks import deployable
from emulators.workflows.effects import (
    AwaitCallback,
    BackOff,
    CallApi,
    CreateCallback,
    Effect,
    ReadClock,
    SendRequest,
    StartExecution,
    WriteLog,
)
from emulators.workflows.errors import WorkflowError, http_error, system_error, timeout_error
from emulators.workflows.interpreter import Interpreter
from emulators.workflows.journal import Journal, MemoryJournal
from emulators.workflows.steps import Program
from emulators.workflows.values import from_json
from hydrobid.domain.stages import Stages
from hydrobid.domain.states import RunState

SOURCES = Path(__file__).parents[2] / "workflows"
WORKFLOWS = {"daily-bid": "daily_bid.yaml", "solve-asset": "solve_asset.yaml"}
ENVIRONMENT = {
    "GOOGLE_CLOUD_PROJECT_ID": "simulated",
    "GOOGLE_CLOUD_LOCATION": "here",
    "DISPATCHER_URL": "http://dispatcher",
    "SOLVER_URL": "http://solver",
    "DISPATCH_TIMEOUT": "120",
    "DISPATCH_ATTEMPTS": "3",
    "SOLVE_ASSET_WORKFLOW": "solve-asset",
    "ASSET_SETTLED_TOPIC": "asset-settled",
    "CUTOFF_REACHED_TOPIC": "cutoff-reached",
}

SOLVE_CUT_OFF = Stages().cut_offs(client.GATE).solve.timestamp()

Answer = tuple[int, Any]
Http = Callable[[str, Any], Answer]
Publish = Callable[[str, dict[str, Any]], None]


@lru_cache(maxsize=8)
def program(workflow: str) -> Program:
    """Return a deployed workflow."""
    return deployable((SOURCES / WORKFLOWS[workflow]).read_text(encoding="utf-8"))


@dataclass
class Execution:
    """An execution: its journal outlives the process that runs it.

    answer: the dispatcher's, of a daily bid. settled: assets that it had solved, as was published.
    """

    name: str
    workflow: str
    argument: Any
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    task: asyncio.Task[Any] | None = None
    state: str = "ACTIVE"
    result: Any = None
    lives: int = 0
    answer: Any = None
    settled: set[str] = field(default_factory=set)

    @property
    def waits_for_solving(self) -> bool:
        """Whether it is too early to tell it how its run ended: its own assets are being solved."""
        assets = {asset["asset"] for asset in self.answer["assets"]}
        return bool(assets - self.settled)


@dataclass
class _Endpoint:
    execution: Execution
    requests: list[dict[str, Any]] = field(default_factory=list)
    takers: list[str | None] = field(default_factory=list)
    waiting: asyncio.Future[None] | None = None


class Workflows:
    """All executions."""

    def __init__(self, world: World, http: Http, publish: Publish) -> None:
        self.world, self.http, self.publish = world, http, publish
        self.loop = SteppedLoop()
        self.executions: dict[str, Execution] = {}
        self.endpoints: dict[str, _Endpoint] = {}
        self.told_too_early: list[str] = []

    def start(self, workflow: str, argument: Any, name: str) -> Execution:
        """Start an execution, once for each name."""
        if name not in self.executions:
            execution = self.executions[name] = Execution(name, workflow, argument)
            self.world.kernel.note(f"{name} started")
            self.world.kernel.after(0.0, lambda: self._live(execution))
        return self.executions[name]

    def receive(self, url: str, content: dict[str, Any]) -> None:
        """Take a call to a callback endpoint; those of ended executions are gone."""
        endpoint = self.endpoints.get(url)
        if endpoint is None or endpoint.execution.state != "ACTIVE":
            return
        self._check_time(endpoint.execution, content)
        endpoint.requests.append({"http_request": {"body": json.loads(json.dumps(content))}})
        endpoint.takers.append(None)
        self.world.kernel.note(f"call back {url}: {content['state']}")
        if endpoint.waiting is not None:
            waiting = endpoint.waiting
            self.world.kernel.after(0.0, lambda: self.settle(waiting, None))

    def _check_time(self, execution: Execution, content: dict[str, Any]) -> None:
        """Note an execution that hears of the end before what it had solved is in the bid."""
        if content["state"] == RunState.SUPERSEDED or execution.answer is None:
            return
        if execution.waits_for_solving and self.world.kernel.now < SOLVE_CUT_OFF:
            self.told_too_early.append(f"{execution.name} was told the end before it had solved")

    def kill(self, execution: Execution) -> None:
        """End the process of an execution; it is resumed from its journal later, or never."""
        if execution.state != "ACTIVE" or execution.task is None:
            return
        task, execution.task = execution.task, None
        task.cancel()
        self.loop.run_ready()
        if self.world.faults.strikes("execution-lost", execution.name):
            execution.state = "LOST"
            self.world.kernel.note(f"{execution.name} lost")
            return
        pause = self.world.choices.between(1, 900, f"resume {execution.name} {execution.lives}")
        self.world.kernel.note(f"{execution.name} killed, resumed in {pause:.0f} s")
        self.world.kernel.after(pause, lambda: self._live(execution))

    def settle(self, future: asyncio.Future[Any], value: Any) -> None:
        """Give a waiting effect its value or its error, and let its execution go on."""
        if not future.done():
            if isinstance(value, WorkflowError):
                future.set_exception(value)
            else:
                future.set_result(value)
        self.loop.run_ready()

    def close(self) -> None:
        """Unwind every execution that is still there."""
        for execution in self.executions.values():
            if execution.task is not None and not execution.task.done():
                execution.task.cancel()
        self.loop.run_ready()
        self.executions.clear()
        self.endpoints.clear()

    def _live(self, execution: Execution) -> None:
        execution.lives += 1
        environment = {**ENVIRONMENT, "GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID": execution.name}
        interpreter = Interpreter(
            program(execution.workflow),
            environment,
            _Host(self, execution),
            Journal(execution.journal),
        )
        execution.task = self.loop.create_task(interpreter.run(execution.argument))
        task = execution.task
        task.add_done_callback(lambda _: self._ended(execution, task))
        self.loop.run_ready()

    def _ended(self, execution: Execution, task: asyncio.Task[Any]) -> None:
        if task.cancelled() or execution.task is not task:
            return
        error = task.exception()
        if error is None:
            execution.state, execution.result = "SUCCEEDED", task.result()
        elif isinstance(error, WorkflowError):
            execution.state, execution.result = "FAILED", error.payload
        else:
            raise error
        self.world.kernel.note(f"{execution.name} {execution.state} {execution.result}")


class _Host:
    """Performs the effects of one life of an execution."""

    def __init__(self, workflows: Workflows, execution: Execution) -> None:
        self._all, self._own = workflows, execution
        self._world = workflows.world

    async def perform(self, effect: Effect, key: str) -> Any:
        """Return what an effect gives; the process may be killed before or after it."""
        await self._may_be_killed(f"before {type(effect).__name__} {key}")
        value = await self._perform(effect, key)
        await self._may_be_killed(f"after {type(effect).__name__} {key}")
        return value

    async def _perform(self, effect: Effect, key: str) -> Any:
        kernel, name = self._world.kernel, self._own.name
        match effect:
            case ReadClock():
                return kernel.now
            case WriteLog(_, payload):
                return kernel.note(f"{name}: {payload}")
            case BackOff(seconds):
                return await self._until(kernel.now + seconds)
            case CreateCallback():
                url = f"http://callbacks/{name}{key}"
                self._all.endpoints.setdefault(url, _Endpoint(self._own))
                return {"url": url}
            case AwaitCallback(url, deadline):
                return await self._callback(url, deadline, key)
            case StartExecution():
                return await self._start(effect, key)
            case CallApi("google.pubsub.v1.Publisher/Publish"):
                return await self._publish(effect, key)
            case SendRequest():
                return await self._request(effect, key)
        raise NotImplementedError(type(effect).__name__)

    async def _start(self, effect: StartExecution, key: str) -> Any:
        await self._call(f"start {key}")
        workflow = effect.workflow.rpartition("/")[2]
        child = f"{workflow}<{self._own.name}{key}>"
        self._all.start(workflow, from_json(effect.execution["argument"]), child)
        return {"name": child, "state": "ACTIVE"}

    async def _publish(self, effect: CallApi, key: str) -> Any:
        await self._call(f"publish {key}")
        for message in effect.request["messages"]:
            content = json.loads(base64.b64decode(message["data"]))
            parent = self._all.executions.get(content.get("execution") or "")
            if parent is not None:
                parent.settled.add(content["asset"])
            self._all.publish(effect.request["topic"], content)
        return {"messageIds": [key]}

    async def _may_be_killed(self, where: str) -> None:
        if self._world.faults.strikes("execution-killed", f"{self._own.name} {where}"):
            self._world.kernel.after(0.0, lambda: self._all.kill(self._own))
            await self._all.loop.create_future()

    async def _until(self, when: float) -> None:
        future = self._all.loop.create_future()
        self._world.kernel.at(when, lambda: self._all.settle(future, None))
        await future

    async def _call(self, what: str) -> None:
        """Reach one of Google's services, which may be unavailable."""
        site = f"{self._own.name} {what}"
        world = self._world
        await self._until(world.kernel.now + world.scale * world.choices.unit(site))
        if world.faults.strikes("error-before", site):
            raise http_error(503, "UNAVAILABLE", "simulated")

    async def _callback(self, url: str, deadline: float, key: str) -> Any:
        endpoint = self._all.endpoints[url]
        while True:
            for index, taker in enumerate(endpoint.takers):
                if taker in (None, key):
                    endpoint.takers[index] = key
                    return endpoint.requests[index]
            if deadline <= self._world.kernel.now:
                raise timeout_error("callback was not called in time")
            endpoint.waiting = self._all.loop.create_future()
            over = partial(self._all.settle, endpoint.waiting, None)
            self._world.kernel.at(deadline, over)
            await endpoint.waiting

    async def _request(self, request: SendRequest, key: str) -> Any:
        kernel, loop = self._world.kernel, self._all.loop
        answer = loop.create_future()
        late = timeout_error(f"no response within {request.timeout:g} seconds")
        kernel.after(request.timeout, lambda: self._all.settle(answer, late))
        function = request.url.removeprefix("http://")
        what = " ".join(str(v) for k, v in request.body.items() if k in ("asset", "task"))
        name = f"{function} {what or key}<{self._own.name}>"
        self._send(name, request, answer)
        if self._world.faults.strikes("request-twice", name):
            self._send(f"{name} twin", request, loop.create_future())
        value = await answer
        if function == "dispatcher":
            self._own.answer = value["body"]
        return value

    def _send(self, name: str, request: SendRequest, answer: asyncio.Future[Any]) -> None:
        world = self._world

        def ended(how: Ended) -> None:
            value = self._answer(name, how)
            if not world.faults.strikes("error-after", name):
                self._all.settle(answer, value)
            else:
                world.kernel.note(f"answer of {name} lost")
                self._all.settle(answer, system_error("ConnectionError", "simulated"))

        def begin() -> None:
            if world.faults.strikes("error-before", name):
                refused = system_error("ConnectionFailedError", "simulated")
                self._all.settle(answer, refused)
                return
            world.kernel.spawn(name, lambda: self._all.http(request.url, request.body), ended)

        world.kernel.after(world.scale * world.choices.unit(f"send {name}"), begin)

    def _answer(self, name: str, how: Ended) -> Any:
        if how.crashed:
            code = self._world.choices.pick((0, 500, 503), f"crash of {name}")
            if code == 0:
                return system_error("ConnectionError", "simulated: the instance died")
            return http_error(code, "UNAVAILABLE", "simulated: the instance died")
        if how.error is not None:
            return http_error(500, "INTERNAL", repr(how.error))
        code, body = how.value
        if code >= 400:
            return WorkflowError(
                {
                    "message": f"HTTP server responded with error code {code}",
                    "tags": ["HttpError"],
                    "code": code,
                    "headers": {},
                    "body": body,
                }
            )
        return {"code": code, "headers": {}, "body": body}
