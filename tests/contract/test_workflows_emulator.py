"""Deploying and executing workflows through Google's own clients, and the same over REST."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import httpx
import pytest
from google.api_core import exceptions
from google.cloud import workflows_v1
from google.cloud.workflows import executions_v1
from google.cloud.workflows.executions_v1.services.executions.transports import (
    ExecutionsGrpcTransport,
)
from google.cloud.workflows_v1.services.workflows.transports import WorkflowsGrpcTransport
from google.protobuf import field_mask_pb2

from emulators.clock import MarketClock
from emulators.process import Options
from emulators.workflows.server import WorkflowsOptions, serve

LOCATION = "projects/hydro/locations/europe-north1"
State = executions_v1.Execution.State
HELLO = """
main:
  params: [who]
  steps:
    - greet:
        return: ${"hello " + default(who, "nobody")}
"""
WAITING = """
- open:
    call: events.create_callback_endpoint
    args: {http_callback_method: POST}
    result: callback
- first:
    call: events.await_callback
    args: {callback: "${callback}", timeout: 3600}
    result: first
- second:
    try:
      call: events.await_callback
      args: {callback: "${callback}", timeout: 3600}
      result: second
    except:
      as: error
      steps:
        - late:
            return: ${error.tags}
- done:
    return: ${[first.http_request.body, second.http_request.body, first.http_request.query]}
"""


class Cloud:
    """An emulator in this process, Google's clients for it, and the file that moves its clock."""

    def __init__(self, folder) -> None:
        self._clock_file = folder / "clock.json"
        data = folder / "data"
        data.mkdir()
        options = Options(port=0, data_dir=data, clock=MarketClock(self._clock_file))
        self.server = serve(WorkflowsOptions(options))
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self.server.port}")
        self.workflows = workflows_v1.WorkflowsClient(
            transport=WorkflowsGrpcTransport(channel=self._channel)
        )
        self.executions = executions_v1.ExecutionsClient(
            transport=ExecutionsGrpcTransport(channel=self._channel)
        )
        self.rest = httpx.Client(base_url=f"http://127.0.0.1:{self.server.rest_port}/v1/")

    def close(self) -> None:
        self.rest.close()
        self._channel.close()
        self.server.stop()

    def advance(self, seconds: float) -> None:
        document = self._clock_file.with_suffix(".new")
        document.write_text(json.dumps({"offset_seconds": seconds}))
        document.replace(self._clock_file)

    def deploy(self, identifier: str, source: str, **fields) -> workflows_v1.Workflow:
        workflow = workflows_v1.Workflow(source_contents=source, **fields)
        operation = self.workflows.create_workflow(
            parent=LOCATION, workflow=workflow, workflow_id=identifier
        )
        return operation.result(timeout=5)

    def start(self, workflow: str, argument=None) -> executions_v1.Execution:
        text = "" if argument is None else json.dumps(argument)
        execution = executions_v1.Execution(argument=text)
        parent = f"{LOCATION}/workflows/{workflow}"
        return self.executions.create_execution(parent=parent, execution=execution)

    def ended(self, execution: executions_v1.Execution) -> executions_v1.Execution:
        return eventually(
            lambda: self.executions.get_execution(name=execution.name),
            lambda found: found.state != State.ACTIVE,
        )

    def run(self, identifier: str, source: str, argument=None) -> executions_v1.Execution:
        self.deploy(identifier, source)
        return self.ended(self.start(identifier, argument))

    def await_step(self, execution: executions_v1.Execution, name: str) -> None:
        eventually(
            lambda: self.executions.get_execution(name=execution.name).status.current_steps,
            lambda steps: [step.step for step in steps] == [name],
        )

    def callbacks(self, execution) -> list[dict]:
        return self.rest.get(f"{execution.name}/callbacks").json().get("callbacks", [])


def eventually(look, wanted, seconds: float = 30):
    deadline = time.monotonic() + seconds
    while not wanted(found := look()):
        assert time.monotonic() < deadline, f"still {found}"
        time.sleep(0.01)
    return found


@pytest.fixture
def cloud(tmp_path):
    cloud = Cloud(tmp_path)
    yield cloud
    cloud.close()


def test_workflow__deployed_updated_and_deleted(cloud):
    created = cloud.deploy("hello", HELLO, labels={"team": "bids"}, user_env_vars={"AREA": "NO2"})
    assert created.name == f"{LOCATION}/workflows/hello"
    assert created.state == workflows_v1.Workflow.State.ACTIVE
    assert created.revision_id[:7] == "000001-"

    def updated(*paths, **fields):
        workflow = workflows_v1.Workflow(name=created.name, **fields)
        mask = field_mask_pb2.FieldMask(paths=paths)
        return cloud.workflows.update_workflow(workflow=workflow, update_mask=mask).result()

    described = updated("description", description="greets", source_contents="ignored")
    assert described.revision_id == created.revision_id
    assert described.source_contents == HELLO
    revised = updated("source_contents", source_contents="- done: {return: 2}")
    assert revised.revision_id[:7] == "000002-"
    assert revised.description == "greets"
    assert revised.user_env_vars == {"AREA": "NO2"}

    assert cloud.workflows.get_workflow(name=created.name) == revised
    old = cloud.workflows.get_workflow({"name": created.name, "revision_id": created.revision_id})
    assert old.source_contents == HELLO
    cloud.workflows.delete_workflow(name=created.name).result()
    with pytest.raises(exceptions.NotFound, match="workflows/hello' was not found"):
        cloud.workflows.get_workflow(name=created.name)


def test_workflows__listed_in_pages(cloud):
    for number in range(5):
        cloud.deploy(f"w{number}", HELLO)
    pager = cloud.workflows.list_workflows({"parent": LOCATION, "page_size": 2})
    pages = [[w.name[-2:] for w in page.workflows] for page in pager.pages]
    assert pages == [["w0", "w1"], ["w2", "w3"], ["w4"]]


@pytest.mark.parametrize(
    ("request_fields", "error", "message"),
    [
        ({"workflow_id": "2nd"}, exceptions.InvalidArgument, "workflow_id '2nd' is invalid"),
        ({"parent": "projects/p"}, exceptions.InvalidArgument, "projects/p' is malformed"),
        ({"workflow_id": "hello"}, exceptions.AlreadyExists, "already exists"),
        (
            {"workflow": {"source_contents": "- a:\n    call: nothing\n"}},
            exceptions.InvalidArgument,
            r"error in step a: 'nothing' is neither .* \(line: 1\)",
        ),
        (
            {"workflow": {"source_contents": HELLO, "user_env_vars": {"GOOGLE_X": "1"}}},
            exceptions.InvalidArgument,
            "GOOGLE_X",
        ),
        ({"workflow": {}}, exceptions.InvalidArgument, "source_contents is empty"),
    ],
)
def test_create_workflow__refused(cloud, request_fields, error, message):
    cloud.deploy("hello", HELLO)
    request = {"parent": LOCATION, "workflow_id": "new", "workflow": {"source_contents": HELLO}}
    with pytest.raises(error, match=message):
        cloud.workflows.create_workflow({**request, **request_fields})


def test_execution__succeeds_with_its_result(cloud):
    execution = cloud.run("hello", HELLO, "world")
    assert execution.state == State.SUCCEEDED
    assert json.loads(execution.result) == "hello world"
    assert execution.argument == '"world"'
    assert execution.end_time >= execution.start_time
    assert execution.workflow_revision_id[:7] == "000001-"
    assert [step.step for step in execution.status.current_steps] == ["greet"]


def test_execution__fails_with_payload_context_and_stack(cloud):
    source = """
main:
  steps:
    - outer:
        call: inner
inner:
  steps:
    - look:
        assign:
          - x: ${sys.get_env("ABSENT")}
"""
    execution = cloud.run("fails", source)
    assert execution.state == State.FAILED
    error = execution.error
    assert json.loads(error.payload) == {
        "message": "KeyError: key not found: ABSENT",
        "tags": ["KeyError", "LookupError"],
    }
    assert error.context == (
        "KeyError: key not found: ABSENT\n"
        'in step "look", routine "inner", line: 8\n'
        'in step "outer", routine "main", line: 4'
    )
    stack = [
        (frame.routine, frame.step, frame.position.line) for frame in error.stack_trace.elements
    ]
    assert stack == [("inner", "look", 8), ("main", "outer", 4)]


def test_execution__environment(cloud):
    names = (
        "PROJECT_ID",
        "LOCATION",
        "WORKFLOW_ID",
        "WORKFLOW_EXECUTION_ID",
        "SERVICE_ACCOUNT_NAME",
    )
    reads = ", ".join(f'sys.get_env("GOOGLE_CLOUD_{name}")' for name in names)
    source = f'- done:\n    return: \'${{[{reads}, sys.get_env("AREA"), sys.get_env("X", 1)]}}\''
    account = "projects/hydro/serviceAccounts/bids@hydro.iam"
    cloud.deploy("env", source, user_env_vars={"AREA": "NO2"}, service_account=account)
    execution = cloud.ended(cloud.start("env"))
    assert json.loads(execution.result) == [
        "hydro", "europe-north1", "env", execution.name[-36:], "bids@hydro.iam", "NO2", 1,
    ]  # fmt: skip


def test_executions__listed_newest_first_by_page_filter_and_order(cloud):
    cloud.deploy("hello", HELLO)
    made = [cloud.ended(cloud.start("hello", n if n == 3 else str(n))) for n in range(5)]
    parent = f"{LOCATION}/workflows/hello"

    def listed(**request):
        pager = cloud.executions.list_executions({"parent": parent, **request})
        return [[execution.name for execution in page.executions] for page in pager.pages]

    newest_first = [execution.name for execution in reversed(made)]
    assert listed(page_size=2) == [newest_first[:2], newest_first[2:4], newest_first[4:]]
    assert listed(filter='state = "FAILED"') == [[made[3].name]]
    since = made[2].start_time.isoformat()
    assert listed(filter=f'state="SUCCEEDED" AND startTime >= "{since}"') == [
        [made[4].name, made[2].name]
    ]
    assert listed(order_by="startTime asc") == [newest_first[::-1]]
    with pytest.raises(exceptions.InvalidArgument, match="filter field 'colour' is unknown"):
        listed(filter='colour = "red"')
    with pytest.raises(exceptions.InvalidArgument, match="page_token"):
        listed(page_token="no token")

    basic = next(iter(cloud.executions.list_executions(parent=parent)))
    assert (basic.result, basic.argument) == ("", "")
    full = next(iter(cloud.executions.list_executions({"parent": parent, "view": "FULL"})))
    assert json.loads(full.result) == "hello 4"


def test_execution__refused(cloud):
    with pytest.raises(exceptions.NotFound):
        cloud.start("absent")
    cloud.deploy("hello", HELLO)
    parent = f"{LOCATION}/workflows/hello"
    with pytest.raises(exceptions.InvalidArgument, match="argument is no JSON"):
        cloud.executions.create_execution(parent=parent, execution={"argument": "{"})
    with pytest.raises(exceptions.NotFound):
        cloud.executions.get_execution(name=f"{parent}/executions/none")


def test_rpc__malformed_bytes_and_unknown_methods(cloud):
    with grpc.insecure_channel(f"127.0.0.1:{cloud.server.port}") as channel:

        def status(service: str, method: str) -> grpc.StatusCode:
            with pytest.raises(grpc.RpcError) as raised:
                channel.unary_unary(f"/{service}/{method}")(b"\xff\xff", timeout=5)
            return raised.value.code()

        service = "google.cloud.workflows.v1.Workflows"
        assert status(service, "GetWorkflow") is grpc.StatusCode.INVALID_ARGUMENT
        assert status(service, "NoSuchMethod") is grpc.StatusCode.UNIMPLEMENTED


def test_cancel__ends_a_waiting_execution_once(cloud):
    cloud.deploy("sleeps", "- wait: {call: sys.sleep, args: {seconds: 1000}}")
    execution = cloud.start("sleeps")
    cloud.await_step(execution, "wait")
    cancelled = cloud.executions.cancel_execution({"name": execution.name})
    assert cancelled.state == State.CANCELLED
    with pytest.raises(exceptions.FailedPrecondition):
        cloud.executions.cancel_execution({"name": execution.name})


def test_delete_workflow__cancels_and_deletes_its_executions(cloud):
    name = cloud.deploy("sleeps", "- wait: {call: sys.sleep, args: {seconds: 1000}}").name
    execution = cloud.start("sleeps")
    cloud.workflows.delete_workflow(name=name).result()
    with pytest.raises(exceptions.NotFound):
        cloud.executions.get_execution(name=execution.name)


def test_callback__requests_before_the_await_are_kept_in_order(cloud):
    cloud.deploy("waits", WAITING)
    execution = cloud.start("waits")
    (callback,) = eventually(lambda: cloud.callbacks(execution), bool)
    assert callback["method"] == "POST"
    assert cloud.rest.get(callback["name"]).status_code == 400
    for body in ({"n": 1}, {"n": 2}):
        assert cloud.rest.post(callback["name"], json=body, params={"q": "x"}).status_code == 200
    ended = cloud.ended(execution)
    assert json.loads(ended.result) == [{"n": 1}, {"n": 2}, {"q": "x"}]
    assert cloud.rest.post(callback["name"], json={}).status_code == 404


def test_await_callback__times_out_when_the_market_clock_jumps(cloud):
    cloud.deploy("waits", WAITING)
    execution = cloud.start("waits")
    (callback,) = eventually(lambda: cloud.callbacks(execution), bool)
    cloud.rest.post(callback["name"], content=b"text", headers={"content-type": "text/plain"})
    cloud.await_step(execution, "second")
    before = time.monotonic()
    cloud.advance(3601)
    ended = cloud.ended(execution)
    assert time.monotonic() - before < 2
    assert json.loads(ended.result) == ["TimeoutError"]


def test_sleep__follows_the_market_clock(cloud):
    source = """
- before: {assign: [{start: "${sys.now()}"}]}
- wait: {call: sys.sleep, args: {seconds: 7200}}
- until:
    call: sys.sleep_until
    args: {time: '${time.format(start + 10800)}'}
- done: {return: "${sys.now() - start >= 10800}"}
"""
    cloud.deploy("sleeps", source)
    execution = cloud.start("sleeps")
    for hours, step in ((2, "wait"), (3, "until")):
        cloud.await_step(execution, step)
        cloud.advance(hours * 3600 + 1)
    assert json.loads(cloud.ended(execution).result) is True


class Recorder(BaseHTTPRequestHandler):
    """Answers /CODE with that status and what it was asked, after the seconds in ?delay."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length).decode()
        path, _, query = self.path.partition("?")
        self.server.seen.append((self.command, self.path))
        if "hang" in query:
            self.server.released.wait(10)
        asked = {"body": body, "query": query, "headers": dict(self.headers)}
        kind = "text/plain" if "text" in query else "application/json"
        content = b"x" * 3_000_000 if "big" in query else json.dumps(asked).encode()
        code = int(path.strip("/"))
        self.send_response(code)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def origin():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.seen, server.released = [], threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_http__request_and_response(cloud, origin):
    source = """
main:
  params: [url]
  steps:
    - send:
        call: http.post
        args:
          url: ${url + "/200"}
          query: {n: 1, flag: true, list: [a, b]}
          headers: {X-Run: r1}
          body: {mw: 12.5}
          auth: {type: OIDC}
        result: response
    - done:
        return: ${response}
"""
    response = json.loads(cloud.run("posts", source, origin.url).result)
    assert response["code"] == 200
    assert response["headers"]["Content-Type"] == "application/json"
    asked = response["body"]
    assert asked["query"] == "n=1&flag=true&list=a&list=b"
    assert json.loads(asked["body"]) == {"mw": 12.5}
    sent = asked["headers"]
    assert sent["Content-Type"] == "application/json; charset=utf-8"
    assert sent["X-Run"] == "r1"
    assert sent["User-Agent"].startswith("GoogleCloudWorkflows")
    assert len(sent["Authorization"].removeprefix("Bearer ").split(".")) == 3


@pytest.mark.parametrize(
    ("path", "tag", "code"),
    [
        ("/404", "HttpError", 404),
        ("/503?text", "HttpError", 503),
        ("/200?hang", "TimeoutError", None),
        ("/200?big", "ResourceLimitError", None),
    ],
)
def test_http__errors(cloud, origin, path, tag, code):
    source = """
main:
  params: [url]
  steps:
    - send:
        try:
          call: http.get
          args: {url: "${url}", timeout: 0.3}
        except:
          as: error
          steps:
            - done: {return: "${error}"}
"""
    error = json.loads(cloud.run("gets", source, origin.url + path).result)
    assert error["tags"] == [tag]
    assert error.get("code") == code
    if tag == "HttpError":
        assert error["message"] == f"HTTP server responded with error code {code}"
        assert isinstance(error["body"], str if "text" in path else dict)


def test_http__nobody_listens(cloud):
    source = "- send: {call: http.get, args: {url: 'http://127.0.0.1:9/'}}"
    execution = cloud.run("gets", source)
    assert json.loads(execution.error.payload)["tags"] == ["ConnectionFailedError"]


def test_rest__same_api_as_grpc(cloud):
    created = cloud.rest.post(
        f"{LOCATION}/workflows", params={"workflowId": "hello"}, json={"sourceContents": HELLO}
    ).json()
    assert created["done"] is True
    assert created["response"]["name"] == f"{LOCATION}/workflows/hello"
    body = {"argument": '"rest"'}
    execution = cloud.rest.post(f"{LOCATION}/workflows/hello/executions", json=body).json()
    assert execution["state"] == "ACTIVE"
    ended = eventually(
        lambda: cloud.rest.get(execution["name"]).json(), lambda e: e["state"] != "ACTIVE"
    )
    assert json.loads(ended["result"]) == "hello rest"
    listed = cloud.rest.get(f"{LOCATION}/workflows/hello/executions", params={"view": "FULL"})
    assert listed.json()["executions"] == [ended]
    refused = cloud.rest.post(f"{execution['name']}:cancel")
    assert (refused.status_code, refused.json()["error"]["status"]) == (400, "FAILED_PRECONDITION")
    assert cloud.rest.get(f"{LOCATION}/workflows/absent").status_code == 404
    assert cloud.rest.post(f"{LOCATION}/workflows", content=b"{").status_code == 400


def test_executions__hundreds_at_once_take_the_time_of_one(cloud):
    source = """
- open: {call: events.create_callback_endpoint, result: callback}
- wait: {call: events.await_callback, args: {callback: "${callback}"}}
- nap: {call: sys.sleep, args: {seconds: 0.2}}
- done: {return: ok}
"""
    cloud.deploy("naps", source)
    executions = [cloud.start("naps") for _ in range(200)]
    for execution in executions:
        (callback,) = eventually(lambda e=execution: cloud.callbacks(e), bool)
        cloud.rest.post(callback["name"])
    before = time.monotonic()
    for execution in executions:
        assert cloud.ended(execution).state == State.SUCCEEDED
    # One after another would take 40 seconds.
    assert time.monotonic() - before < 10
