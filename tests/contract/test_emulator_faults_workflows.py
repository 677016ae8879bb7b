"""Injected faults of Workflows: the calls of executions, and executions themselves."""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import pytest
from faulty_cloud import write_faults
from google.cloud import workflows_v1
from google.cloud.workflows import executions_v1
from google.cloud.workflows.executions_v1.services.executions.transports import (
    ExecutionsGrpcTransport,
)
from google.cloud.workflows_v1.services.workflows.transports import WorkflowsGrpcTransport

from emulators.clock import MarketClock
from emulators.faults.switch import Faults
from emulators.process import Options
from emulators.workflows.server import WorkflowsOptions, serve

LOCATION = "projects/hydro/locations/europe-north1"
State = executions_v1.Execution.State
SOLVE = """
main:
  params: [input]
  steps:
    - call:
        try:
          call: http.post
          args:
            url: ${input.url}
            timeout: 0.5
            body: {task: "${input.task}"}
          result: answer
        except:
          as: failure
          steps:
            - told:
                return: ${[failure.tags[0], default(map.get(failure, "code"), 0)]}
    - done:
        return: ${answer.code}
"""


class Solver:
    """A server that counts the tasks that it is asked for."""

    def __init__(self):
        self.tasks = []
        solver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                solver.tasks.append(body["task"])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/solver"

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Cloud:
    def __init__(self, port, faults_file, solver):
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._executions = executions_v1.ExecutionsClient(
            transport=ExecutionsGrpcTransport(channel=self._channel)
        )
        self._faults_file = faults_file
        self._solver = solver
        workflows = workflows_v1.WorkflowsClient(
            transport=WorkflowsGrpcTransport(channel=self._channel)
        )
        for name in ("solve", "other"):
            workflows.create_workflow(
                parent=LOCATION,
                workflow=workflows_v1.Workflow(source_contents=SOLVE),
                workflow_id=name,
            ).result(timeout=5)

    def close(self):
        self._channel.close()

    def inject(self, *rules):
        write_faults(self._faults_file, *[{"service": "workflows", **rule} for rule in rules])

    def start(self, task="t1", workflow="solve"):
        argument = json.dumps({"url": self._solver.url, "task": task})
        return self._executions.create_execution(
            parent=f"{LOCATION}/workflows/{workflow}",
            execution=executions_v1.Execution(argument=argument),
        )

    def ended(self, execution, seconds=5):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self._executions.get_execution(name=execution.name)
            if found.state != State.ACTIVE:
                return found
            time.sleep(0.01)
        raise AssertionError(f"{execution.name} is still active after {seconds} s")

    def result(self, task="t1", workflow="solve"):
        return json.loads(self.ended(self.start(task, workflow)).result)

    def cancel(self, execution):
        return self._executions.cancel_execution(name=execution.name)


@pytest.fixture
def solver():
    with closing(Solver()) as opened:
        yield opened


@pytest.fixture
def cloud(tmp_path, solver):
    path = tmp_path / "faults.json"
    options = Options(0, None, MarketClock(None), Faults("workflows", path))
    server = serve(WorkflowsOptions(options))
    with closing(Cloud(server.port, path, solver)) as opened:
        yield opened
    server.stop()


@pytest.mark.parametrize(
    ("fault", "result", "arrivals"),
    [
        ({"fault": "error", "status": 503}, ["HttpError", 503], 0),
        ({"fault": "drop"}, ["ConnectionError", 0], 0),
        ({"fault": "hang"}, ["TimeoutError", 0], 0),
        ({"fault": "latency", "seconds": 30}, ["TimeoutError", 0], 0),
        ({"fault": "latency", "seconds": 0.1}, 200, 1),
        ({"fault": "accept_then_break"}, ["ConnectionError", 0], 1),
        ({"fault": "duplicate"}, 200, 2),
    ],
    ids=lambda value: value.get("fault") if isinstance(value, dict) else None,
)
def test_call__is_struck_by_url_and_body_and_others_are_not(cloud, solver, fault, result, arrivals):
    where = {"body": {"task": "independent-001"}}
    cloud.inject({"where": where, **fault})
    assert cloud.result("independent-002") == 200
    assert cloud.result("independent-001") == result
    assert solver.tasks.count("independent-001") == arrivals
    assert solver.tasks.count("independent-002") == 1


def test_call__of_one_workflow(cloud):
    cloud.inject({"where": {"workflow": "other", "http": "/"}, "fault": "error", "status": 429})
    assert cloud.result(workflow="solve") == 200
    assert cloud.result(workflow="other") == ["HttpError", 429]


def test_execution_fail__ends_it_whatever_it_catches(cloud, solver):
    cloud.inject({"where": {"workflow": "solve"}, "fault": "fail", "count": 1})
    failed = cloud.ended(cloud.start())
    assert failed.state == State.FAILED
    assert "injected fault" in failed.error.payload
    assert solver.tasks == []
    assert cloud.result() == 200


def test_execution_freeze__stands_still_until_it_is_cancelled(cloud, solver):
    cloud.inject({"where": {"workflow": "solve"}, "fault": "freeze", "count": 1})
    frozen = cloud.start("frozen")
    assert cloud.result("free") == 200
    assert solver.tasks == ["free"]
    assert cloud.cancel(frozen).state == State.CANCELLED


def test_execution_latency__delays_its_steps(cloud):
    cloud.inject({"where": {"workflow": "solve"}, "fault": "latency", "seconds": 0.3})
    began = time.monotonic()
    assert cloud.result() == 200
    assert time.monotonic() - began >= 0.3
