"""Workflows as a bid needs them: children, solvers over HTTP, cut-offs, messages, callbacks."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from examples import ROOT
from google.api_core import exceptions
from google.cloud import pubsub_v1

from emulators.clock import MarketClock
from emulators.process import Options
from emulators.pubsub.server import serve as serve_pubsub
from emulators.workflows.server import WorkflowsOptions
from emulators.workflows.server import serve as serve_workflows

LOCATION = "projects/hydro/locations/europe-north1"
TOPIC = "projects/hydro/topics/asset-settled"
SUBSCRIPTION = "projects/hydro/subscriptions/seen"

BID = """
main:
  params: [input]
  steps:
    - begin: {assign: [{published: {messageIds: []}}]}
    - listen: {call: events.create_callback_endpoint, result: callback}
    - plan:
        try:
          call: http.post
          args:
            url: ${sys.get_env("ORIGIN") + "/dispatch"}
            auth: {type: OIDC}
            body: {callback: "${callback.url}", client: "${input.client}"}
          result: planned
        retry: ${http.default_retry}
    - start_assets:
        for:
          value: asset
          in: ${planned.body.assets}
          steps:
            - start:
                call: googleapis.workflowexecutions.v1.projects.locations.workflows.executions.create
                args:
                  parent: ${sys.get_env("SOLVE")}
                  body: {argument: "${json.encode_to_string(asset)}"}
                  connector_params: {skip_polling: true}
    - until_cut_off:
        try:
          call: events.await_callback
          args:
            callback: ${callback}
            timeout: ${time.parse(planned.body.cut_off) - sys.now()}
        except:
          as: e
          steps:
            - late: {switch: [{condition: '${not("TimeoutError" in e.tags)}', raise: "${e}"}]}
            - settle:
                call: googleapis.pubsub.v1.projects.topics.publish
                args:
                  topic: ${sys.get_env("TOPIC")}
                  body:
                    messages:
                      - data: ${base64.encode(json.encode({"cause":"cut-off"}))}
                        attributes: {client: "${input.client}"}
                result: published
    - until_the_end:
        call: events.await_callback
        args: {callback: "${callback}"}
        result: end
    - done: {return: "${[len(published.messageIds), end.http_request.body]}"}
"""

SOLVE = """
main:
  params: [asset]
  steps:
    - begin: {assign: [{failed: []}]}
    - solve:
        parallel:
          shared: [failed]
          concurrency_limit: 3
          for:
            value: task
            in: ${asset.tasks}
            steps:
              - attempt:
                  try:
                    try:
                      call: http.post
                      args:
                        url: ${sys.get_env("ORIGIN") + "/solve"}
                        auth: {type: OIDC, audience: solver}
                        timeout: 1800
                        body: {task: "${task}"}
                    retry:
                      predicate: ${http.default_retry_predicate}
                      max_retries: 2
                      backoff: {initial_delay: 0.01, max_delay: 0.05, multiplier: 2}
                  except:
                    as: e
                    steps:
                      - note: {assign: [{failed: "${list.concat(failed, [task, e.code])}"}]}
    - settled:
        call: googleapis.pubsub.v1.projects.topics.publish
        args:
          topic: ${sys.get_env("TOPIC")}
          body: {messages: [{data: "${base64.encode(json.encode(asset.name))}"}]}
    - done: {return: "${failed}"}
"""


class Functions(BaseHTTPRequestHandler):
    """A dispatcher with a plan, and a solver that fails as its tasks' names say."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/dispatch":
            self.server.callbacks.append(body["callback"])
            self.server.asked.append(body)
            plan = self.server.plan
            planned = plan.pop(0) if isinstance(plan, list) else plan
            crashed = isinstance(planned, int)
            return self._answer(planned if crashed else 200, {} if crashed else planned)
        task, server = body["task"], self.server
        with server.solvers:
            server.attempts[task] += 1
            server.solving += 1
            server.most_solving = max(server.most_solving, server.solving)
            server.solvers.notify_all()
            server.solvers.wait_for(lambda: server.most_solving >= 3, timeout=30)
        time.sleep(0.02)  # for a fourth to show itself
        with server.solvers:
            server.solving -= 1
        code = {"broken": 500, "busy": 503, "busy-once": 503}.get(task, 200)
        return self._answer(200 if task == "busy-once" and server.attempts[task] > 1 else code, {})

    def _answer(self, code: int, document) -> None:
        content = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def functions():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Functions)
    server.callbacks, server.asked = [], []
    server.attempts, server.solvers = Counter(), threading.Condition()
    server.solving = server.most_solving = 0
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def pubsub(monkeypatch):
    server = serve_pubsub(Options(0, None, MarketClock(None)))
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{server.port}")
    with pubsub_v1.SubscriberClient() as subscriber:
        publisher = pubsub_v1.PublisherClient()
        publisher.create_topic(name=TOPIC)
        publisher.transport.close()
        subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC)
        subscriber.port = server.port
        yield subscriber
    server.stop()


class Workflows:
    def __init__(self, rest: httpx.Client, clock_file, environment) -> None:
        self._rest, self._clock_file, self._environment = rest, clock_file, environment

    def deploy(self, identifier: str, source: str) -> None:
        body = {"sourceContents": source, "userEnvVars": self._environment}
        answer = self._rest.post(
            f"{LOCATION}/workflows", params={"workflowId": identifier}, json=body
        )
        answer.raise_for_status()

    def start(self, identifier: str, argument=None) -> str:
        body = {"argument": json.dumps(argument)}
        return self._rest.post(f"{LOCATION}/workflows/{identifier}/executions", json=body).json()[
            "name"
        ]

    def of(self, identifier: str) -> list[dict]:
        path = f"{LOCATION}/workflows/{identifier}/executions"
        return self._rest.get(path).json().get("executions", [])

    def ended(self, name: str):
        found = eventually(lambda: self._rest.get(name).json(), lambda e: e["state"] != "ACTIVE")
        return json.loads(found["result"] if "result" in found else found["error"]["payload"])

    def run(self, identifier: str, source: str, argument=None):
        self.deploy(identifier, source)
        return self.ended(self.start(identifier, argument))

    def advance(self, seconds: float) -> None:
        self._clock_file.write_text(json.dumps({"offset_seconds": seconds}))


@pytest.fixture
def workflows(tmp_path, functions, pubsub):
    clock_file = tmp_path / "clock.json"
    options = Options(0, None, MarketClock(clock_file))
    server = serve_workflows(WorkflowsOptions(options, 0, f"127.0.0.1:{pubsub.port}"))
    environment = {
        "ORIGIN": f"http://127.0.0.1:{functions.server_port}",
        "SOLVE": f"{LOCATION}/workflows/solve",
        "TOPIC": TOPIC,
        "DISPATCHER_URL": f"http://127.0.0.1:{functions.server_port}/dispatch",
        "DISPATCH_TIMEOUT": "10",
        "DISPATCH_ATTEMPTS": "2",
    }
    with httpx.Client(base_url=f"http://127.0.0.1:{server.rest_port}/v1/") as rest:
        yield Workflows(rest, clock_file, environment)
    server.stop()


def eventually(look, wanted, seconds: float = 30):
    deadline = time.monotonic() + seconds
    while not wanted(found := look()):
        assert time.monotonic() < deadline, f"still {found}"
        time.sleep(0.01)
    return found


def received(subscriber, count: int) -> list:
    messages = []

    def pull():
        try:
            answer = subscriber.pull(subscription=SUBSCRIPTION, max_messages=100, timeout=0.5)
        except exceptions.DeadlineExceeded:
            return messages
        messages.extend(answer.received_messages)
        return messages

    eventually(pull, lambda found: len(found) >= count)
    return [(json.loads(m.message.data), dict(m.message.attributes)) for m in messages]


def test_bid__children_start_cut_off_publishes_and_the_callback_ends_it(
    workflows, functions, pubsub
):
    """Given assets that solve, when the cut-off passes, then it is told, and a call ends the run."""
    names = ("a1", "a2", "a3")
    assets = [{"name": name, "tasks": ["t1", "t2"]} for name in names]
    cut_off = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    functions.plan = {"assets": assets, "cut_off": cut_off}
    workflows.deploy("solve", SOLVE)
    workflows.deploy("bid", BID)
    name = workflows.start("bid", {"client": "north"})
    solved = received(pubsub, 3)
    assert sorted(data for data, _ in solved) == list(names)
    assert len(workflows.of("solve")) == 3

    workflows.advance(3600)
    assert received(pubsub, 1) == [({"cause": "cut-off"}, {"client": "north"})]
    httpx.post(functions.callbacks[0], json={"state": "submitted"}).raise_for_status()
    assert workflows.ended(name) == [1, {"state": "submitted"}]


def test_daily_bid__inputs_still_arrive__it_waits_as_long_as_it_is_told_and_asks_again(
    workflows, functions
):
    """Also where the dispatcher crashes in between."""
    done = {"run": "nordic~2026-11-25~r1", "inputs": "unchanged", "state": "solving", "done": True}
    functions.plan = [{"wait": 60}, {"wait": 30}, 500, done]
    workflows.deploy("daily-bid", (ROOT / "workflows" / "daily_bid.yaml").read_text("utf-8"))

    name = workflows.start("daily-bid", {"client": "north", "day": "2026-11-25", "settle": True})
    seconds = itertools.count(10, 10)

    def looked_later() -> int:
        # Time goes on while it begins to wait: nobody knows from when on it does.
        workflows.advance(next(seconds))
        return len(functions.asked)

    eventually(looked_later, lambda count: count == 4)

    assert next(seconds) > 60 + 30
    assert workflows.ended(name) == {k: v for k, v in done.items() if k != "done"}
    (asked,) = {(a["day"], a["settle"], a["execution"]) for a in functions.asked}
    assert asked == ("2026-11-25", True, name.rpartition("/")[2])


def test_solve__one_failure_never_kills_the_rest(workflows, functions, pubsub):
    """Given tasks of which some fail, then each gets its retries and the others are solved."""
    tasks = ["good1", "broken", "good2", "busy", "busy-once", "good3"]
    failed = workflows.run("solve", SOLVE, {"name": "a1", "tasks": tasks})
    assert sorted(failed) == [["broken", 500], ["busy", 503]]
    retried = {"broken": 1, "busy": 3, "busy-once": 2}
    assert functions.attempts == {task: retried.get(task, 1) for task in tasks}
    assert functions.most_solving == 3
    assert received(pubsub, 1) == [("a1", {})]


EXECUTIONS = "googleapis.workflowexecutions.v1.projects.locations.workflows.executions"
CHILD = """
main:
  params: [n]
  steps:
    - nap: {call: sys.sleep, args: {seconds: 0.1}}
    - refuse: {switch: [{condition: "${n < 0}", raise: "${[n]}"}]}
    - done: {return: "${n * 2}"}
"""


def call(method: str, **arguments) -> str:
    return f"""
main:
  params: [n]
  steps:
    - ask:
        try:
          call: {method}
          args: {json.dumps(arguments)}
          result: answer
        except:
          as: e
          steps:
            - told: {{return: "${{e}}"}}
    - done: {{return: "${{answer}}"}}
"""


def test_executions_connector__run_create_and_get(workflows):
    workflows.deploy("child", CHILD)
    child = f"{LOCATION}/workflows/child"
    assert workflows.run("run", call(f"{EXECUTIONS}.run", workflow_id="child", argument=21)) == 42

    body = {"argument": "4"}
    created = workflows.run("create", call(f"{EXECUTIONS}.create", parent=child, body=body))
    assert (created["state"], created["result"]) == ("SUCCEEDED", "8")
    skip = {"skip_polling": True}
    started = workflows.run(
        "start", call(f"{EXECUTIONS}.create", parent=child, body=body, connector_params=skip)
    )
    assert started["state"] == "ACTIVE"
    seen = workflows.run("get", call(f"{EXECUTIONS}.get", name=created["name"]))
    assert seen["result"] == "8"

    failed = workflows.run("fails", call(f"{EXECUTIONS}.run", workflow_id="child", argument=-1))
    assert failed["tags"] == ["OperationError"]
    assert failed["operation"]["error"]["payload"] == "[-1]"
    absent = workflows.run("absent", call(f"{EXECUTIONS}.run", workflow_id="nobody"))
    assert (absent["tags"], absent["code"]) == (["HttpError"], 404)


def test_pubsub_connector__refused_topic(workflows):
    method = "googleapis.pubsub.v1.projects.topics.publish"
    body = {"messages": [{"data": "aGk="}]}
    topic = "projects/hydro/topics/absent"
    absent = workflows.run("absent", call(method, topic=topic, body=body))
    assert (absent["tags"], absent["code"]) == (["HttpError"], 404)
    assert absent["body"]["error"]["status"] == "NOT_FOUND"
    wrong = {"messages": "none"}
    assert workflows.run("wrong", call(method, topic=topic, body=wrong))["tags"] == ["ValueError"]
