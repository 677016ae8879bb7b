"""What survives `kill -9` of the emulator's process, and how a resumed execution goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import httpx
import pytest

WORKFLOW = "projects/hydro/locations/europe-north1/workflows/bid"


class EmulatorProcess:
    """The emulator as a process that can be killed and started again on the same folder and port."""

    def __init__(self, folder) -> None:
        self._folder = folder
        self._rest_port = 0
        self._process = None
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "emulators.workflows", "--data-dir", self._folder / "data"]
        command += ["--clock-file", self._folder / "clock.json", "--rest-port", self._rest_port]
        self._process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        ready = json.loads(self._process.stdout.readline())
        assert ready["ready"] == "workflows"
        self._rest_port = ready["rest_port"]
        self.rest = httpx.Client(base_url=f"http://127.0.0.1:{self._rest_port}/v1/")

    def kill(self) -> None:
        self._process.kill()
        self._await_end()

    def terminate(self) -> int:
        self._process.terminate()
        return self._await_end()

    def _await_end(self) -> int:
        self.rest.close()
        code = self._process.wait(timeout=15)
        self._process.stdout.close()
        return code

    def deploy(self, source: str) -> None:
        parent, _, identifier = WORKFLOW.rpartition("/")
        body = {"sourceContents": source}
        self.rest.post(parent, params={"workflowId": identifier}, json=body).raise_for_status()

    def execute(self, argument=None) -> str:
        body = {"argument": json.dumps(argument)}
        return self.rest.post(f"{WORKFLOW}/executions", json=body).json()["name"]

    def await_step(self, execution: str, step: str) -> None:
        """Return once a step has succeeded: what it waited for is in the journal."""
        wanted = {"filter": f'step = "{step}" AND state = "STATE_SUCCEEDED"'}
        entries = f"{execution}/stepEntries"
        eventually(
            lambda: self.rest.get(entries, params=wanted).json(),
            lambda found: found["totalSize"] > 0,
        )

    def ended(self, execution: str) -> dict:
        return eventually(
            lambda: self.rest.get(execution).json(), lambda found: found["state"] != "ACTIVE"
        )


class Counter(BaseHTTPRequestHandler):
    """Counts what arrives under each path; the first request of /slow is never answered."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        calls = self.server.calls
        calls[self.path] = calls.get(self.path, 0) + 1
        if self.path == "/slow" and calls[self.path] == 1:
            self.server.released.wait(20)
            return
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(calls[self.path]).encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def eventually(look, wanted, seconds: float = 30):
    deadline = time.monotonic() + seconds
    while not wanted(found := look()):
        assert time.monotonic() < deadline, f"still {found}"
        time.sleep(0.01)
    return found


@pytest.fixture
def emulator(tmp_path):
    emulator = EmulatorProcess(tmp_path)
    yield emulator
    emulator.terminate()


@pytest.fixture
def counter():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    server.calls, server.released = {}, Event()
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


SOURCE = """
main:
  params: [url]
  steps:
    - begin:
        assign:
          - run: ${uuid.generate()}
          - answers: []
    - call_back:
        call: events.create_callback_endpoint
        result: callback
    - ask:
        parallel:
          shared: [answers]
          for:
            value: place
            in: [fast, slow]
            steps:
              - post:
                  call: http.post
                  args: {url: '${url + "/" + place}'}
                  result: response
              - note:
                  assign:
                    - answers: ${list.concat(answers, response.body)}
    - wait:
        call: events.await_callback
        args: {callback: "${callback}"}
        result: request
    - child:
        call: googleapis.workflowexecutions.v1.projects.locations.workflows.executions.create
        args:
          parent: %s
          body: {argument: '"child"'}
          connector_params: {skip_polling: true}
        result: child
    - nap:
        call: sys.sleep
        args: {seconds: 3600}
    - done:
        return:
          run: ${run}
          answers: ${answers}
          said: ${request.http_request.body}
""" % (WORKFLOW + "_child")


def test_execution__goes_on_after_kill_9_at_each_wait(emulator, counter, tmp_path):
    """Given an execution, when the process dies at each of its waits, then nothing is lost or twice.

    Only the request that was in flight is made again.
    """
    parent = WORKFLOW.rpartition("/")[0]
    child = {"sourceContents": "- done: {return: ok}"}
    emulator.rest.post(parent, params={"workflowId": "bid_child"}, json=child).raise_for_status()
    emulator.deploy(SOURCE)
    name = emulator.execute(f"http://127.0.0.1:{counter.server_port}")
    eventually(lambda: counter.calls, lambda calls: calls == {"/fast": 1, "/slow": 1})
    emulator.await_step(name, "note")  # comes once the fast answer is written down

    emulator.kill()
    emulator.start()
    eventually(lambda: counter.calls, lambda calls: calls == {"/fast": 1, "/slow": 2})
    endpoint = eventually(
        lambda: emulator.rest.get(f"{name}/callbacks").json()["callbacks"][0],
        lambda found: found["waiters"] == "1",
    )

    emulator.kill()
    emulator.start()
    emulator.rest.post(endpoint["name"], json="approved").raise_for_status()
    eventually(
        lambda: emulator.rest.get(name).json()["status"]["currentSteps"][0]["step"],
        lambda step: step == "nap",
    )
    emulator.kill()
    emulator.start()
    (tmp_path / "clock.json").write_text(json.dumps({"offset_seconds": 3601}))

    ended = emulator.ended(name)
    result = json.loads(ended["result"])
    assert len(result.pop("run")) == 36
    assert result == {"answers": [1, 2], "said": "approved"}
    assert counter.calls == {"/fast": 1, "/slow": 2}
    children = emulator.rest.get(f"{WORKFLOW}_child/executions").json()["executions"]
    assert len(children) == 1


def test_sleep__keeps_its_end_over_a_restart(emulator, tmp_path):
    """Given a sleep of an hour, when the clock passes its end while nobody runs, then it is over."""
    emulator.deploy("- nap: {call: sys.sleep, args: {seconds: 3600}}\n- done: {return: rested}")
    name = emulator.execute()
    eventually(lambda: emulator.rest.get(name).json(), lambda found: "status" in found)
    emulator.kill()
    (tmp_path / "clock.json").write_text(json.dumps({"offset_seconds": 3601}))
    emulator.start()
    assert json.loads(emulator.ended(name)["result"]) == "rested"


def test_request_to_callback__survives_before_it_is_awaited(emulator):
    source = """
- open: {call: events.create_callback_endpoint, result: callback}
- nap: {call: sys.sleep, args: {seconds: 1}}
- wait: {call: events.await_callback, args: {callback: "${callback}"}, result: request}
- done: {return: "${request.http_request.body}"}
"""
    emulator.deploy(source)
    name = emulator.execute()
    found = eventually(lambda: emulator.rest.get(f"{name}/callbacks").json().get("callbacks"), bool)
    emulator.rest.post(found[0]["name"], json=[1, 2]).raise_for_status()
    emulator.kill()
    emulator.start()
    assert json.loads(emulator.ended(name)["result"]) == [1, 2]


def test_process__stops_on_sigterm_and_resumes(tmp_path):
    emulator = EmulatorProcess(tmp_path)
    emulator.deploy("- nap: {call: sys.sleep, args: {seconds: 0.3}}\n- done: {return: 1}")
    name = emulator.execute()
    assert emulator.terminate() == 0
    emulator.start()
    assert emulator.ended(name)["state"] == "SUCCEEDED"
    assert emulator.terminate() == 0


def test_process__is_ready_soon(tmp_path):
    # A bound with room for a busy machine; idle it takes about 1.2 s.
    before = time.monotonic()
    emulator = EmulatorProcess(tmp_path)
    seconds = time.monotonic() - before
    emulator.terminate()
    assert seconds < 1.5 * (1 + os.getloadavg()[0])
