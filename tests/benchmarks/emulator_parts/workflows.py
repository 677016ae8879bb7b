"""Workflows: what a step costs, and how long hundreds of executions at once take.

The cost of a step is an execution's own duration over the steps that its history counts. The
executions at once only wait, so all of them need as long as one does; the ratio is what they took
to what they need, the requests that start them and ask after them included. Where other work takes
the processors, it is the processor time that tells: below the seconds that are needed, it fits in.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx

from emulator_parts.running import MODES, emulators, processor_seconds

PARENT = "v1/projects/local/locations/here/workflows"
STEPS, EFFECTS, EXECUTIONS, WAITS, WAIT = 20_000, 2_000, 200, 5, 1.0
LOOP = """
- begin: {assign: [{n: 0}]}
- each:
    for:
      value: i
      range: [1, %d]
      steps:
        - step: {%s}
"""
WAITING = """
main:
  params: [url]
  steps:
    - each:
        for:
          value: i
          range: [1, %d]
          steps:
            - wait: {%s}
"""


def figures() -> dict[str, Any]:
    """Return milliseconds a step, and the seconds of many executions at once, by mode."""
    return {mode: _measured(mode) for mode in MODES}


def _measured(mode: str) -> dict[str, Any]:
    with (
        _slow_server() as url,
        emulators(mode, "workflows") as at,
        httpx.Client(base_url=f"http://{at['workflows-rest']}/", timeout=60) as client,
    ):
        sleep = f"call: sys.sleep, args: {{seconds: {WAIT}}}"
        request = "call: http.get, args: {url: '${url}'}"
        return {
            "assign_step_ms": _step_cost(client, "assign", STEPS, "assign: [{n: '${n + i}'}]"),
            "journaled_step_ms": _step_cost(client, "effect", EFFECTS, "call: uuid.generate"),
            "sleeping_at_once": _at_once(client, at["pid"], "sleep", sleep),
            "requesting_at_once": _at_once(client, at["pid"], "request", request, url),
        }


async def _slow_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(WAIT)
    writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


@contextmanager
def _slow_server() -> Iterator[str]:
    """Run a server that answers after the wait, in a thread; gives its URL."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    starting = asyncio.start_server(_slow_answer, "127.0.0.1", 0, backlog=EXECUTIONS)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result()
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    loop.call_soon_threadsafe(loop.stop)


def _step_cost(client: httpx.Client, name: str, times: int, step: str) -> float:
    _deploy(client, name, LOOP % (times, step))
    execution = _ended(client, _start(client, name))
    seconds = float(execution["duration"].removesuffix("s"))
    # An iteration counts for nothing: its one step is what it costs.
    return round(1000 * seconds / times, 4)


def _at_once(
    client: httpx.Client, pid: str, name: str, wait: str, url: str = ""
) -> dict[str, float]:
    _deploy(client, name, WAITING % (WAITS, wait))
    started, worked = time.monotonic(), processor_seconds(pid)
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda _: _start(client, name, url), range(EXECUTIONS)))
    for execution in names:
        assert _ended(client, execution)["state"] == "SUCCEEDED"
    seconds, needed = time.monotonic() - started, WAITS * WAIT
    return {
        "executions": EXECUTIONS,
        "seconds": round(seconds, 3),
        "needed_seconds": needed,
        "ratio": round(seconds / needed, 3),
        "processor_seconds": round(processor_seconds(pid) - worked, 3),
    }


def _deploy(client: httpx.Client, name: str, source: str) -> None:
    body = {"sourceContents": source}
    client.post(PARENT, params={"workflowId": name}, json=body).raise_for_status()


def _start(client: httpx.Client, name: str, url: str = "") -> str:
    answer = client.post(f"{PARENT}/{name}/executions", json={"argument": f'"{url}"'})
    answer.raise_for_status()
    return str(answer.json()["name"])


def _ended(client: httpx.Client, execution: str) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = client.get(f"v1/{execution}", params={"view": "BASIC"}).json()
        if found["state"] != "ACTIVE":
            return found
        time.sleep(0.1)
