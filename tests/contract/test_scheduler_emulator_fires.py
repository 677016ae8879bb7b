"""Jobs that fire: on a market clock that is moved, into Pub/Sub and small HTTP servers."""

from __future__ import annotations

import base64
import json
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zoneinfo import ZoneInfo

import httpx
import pytest
from google.cloud import pubsub_v1

from emulators.clock import MarketClock
from emulators.process import Options
from emulators.pubsub import server as pubsub
from emulators.scheduler.definition import HttpTarget
from emulators.scheduler.http_target import HttpCaller
from emulators.scheduler.server import SchedulerOptions, serve
from emulators.tokens import TokenMint

PARENT = "projects/p/locations/europe-north1"
NAME = f"{PARENT}/jobs/guard"
OSLO = ZoneInfo("Europe/Oslo")
MORNING = "2026-10-24T10:29:20+02:00"


class Clock:
    """A clock file that tests move."""

    def __init__(self, path):
        self.path = path

    def set(self, instant):
        offset = datetime.fromisoformat(instant) - datetime.now(UTC)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"offset_seconds": offset.total_seconds()}))
        fresh.replace(self.path)


class Target:
    """An HTTP server that records requests; `answer(nth)` decides the status, or blocks."""

    def __init__(self):
        self.requests = []
        self.answer = lambda _nth: 200
        self._changed = threading.Condition()
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with target._changed:
                    received = (self.command, self.path, self.headers, body, time.monotonic())
                    target.requests.append(received)
                    target._changed.notify_all()
                    number = len(target.requests)
                self.send_response(target.answer(number))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"

    def wait(self, count):
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self.requests) >= count, 10)
        assert enough, f"{len(self.requests)} of {count} requests"

    def paths(self):
        return [path for _, path, *_ in self.requests]

    def fires(self):
        """Return the times that the requests were scheduled for."""
        return [headers["X-CloudScheduler-ScheduleTime"] for _, _, headers, *_ in self.requests]

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def target():
    server = Target()
    yield server
    server.close()


@pytest.fixture
def clock(tmp_path):
    moved = Clock(tmp_path / "clock.json")
    moved.set(MORNING)
    return moved


@pytest.fixture
def api(clock, target):
    handle = serve(
        SchedulerOptions(Options(0, None, MarketClock(clock.path)), workflows_host=target.host)
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{handle.port}/v1/") as client:
        yield client
    handle.stop()


def create(api, target, schedule="* * * * *", **fields):
    job = {"name": NAME, "schedule": schedule, "timeZone": "Europe/Oslo"}
    http = {"uri": f"{target.url}/guard"}
    answer = api.post(f"{PARENT}/jobs", json=job | {"httpTarget": http} | fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def until(api, condition, name=NAME):
    """Return the job once it is as the condition wants it."""
    deadline = time.monotonic() + 10
    while not condition(job := api.get(name).json()):
        assert time.monotonic() < deadline, job
        time.sleep(0.01)
    return job


def forced(api, target):
    """Run another job twice and wait for its requests: what was due before has come by then."""
    name = f"{PARENT}/jobs/fence"
    http = {"uri": f"{target.url}/fence"}
    api.post(f"{PARENT}/jobs", json={"name": name, "schedule": "0 0 1 1 *", "httpTarget": http})
    for count in (1, 2):
        api.post(f"{name}:run")
        with target._changed:
            assert target._changed.wait_for(lambda n=count: target.paths().count("/fence") == n, 10)
    with target._changed:
        target.requests = [received for received in target.requests if received[1] != "/fence"]


def claims(headers):
    payload = headers["Authorization"].removeprefix("Bearer ").split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=="))


def test_fire__publishes_data_and_attributes_to_pubsub(clock, monkeypatch):
    broker = pubsub.serve(Options(0, None, MarketClock(None)))
    host = f"127.0.0.1:{broker.port}"
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", host)
    publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    topic = publisher.create_topic(name="projects/p/topics/cutoff-reached").name
    subscription = "projects/p/subscriptions/submission"
    subscriber.create_subscription(name=subscription, topic=topic)
    handle = serve(SchedulerOptions(Options(0, None, MarketClock(clock.path)), host))
    target = {"topicName": topic, "data": "e30=", "attributes": {"client": "a"}}
    job = {"name": NAME, "schedule": "30 10 * * *", "timeZone": "Europe/Oslo"}
    with httpx.Client(base_url=f"http://127.0.0.1:{handle.port}/v1/") as api:
        made = api.post(f"{PARENT}/jobs", json=job | {"pubsubTarget": target}).json()
        assert made["scheduleTime"] == "2026-10-24T08:30:00Z"
        clock.set("2026-10-24T10:30:00+02:00")
        job = until(api, lambda job: "status" in job)
        assert job["status"] == {}
        assert job["scheduleTime"] == "2026-10-25T09:30:00Z"
        assert job["lastAttemptTime"].startswith("2026-10-24T08:30:0")
        [received] = subscriber.pull(subscription=subscription, max_messages=9).received_messages
        assert received.message.data == b"{}"
        assert dict(received.message.attributes) == {"client": "a"}
        publisher.delete_topic(topic=topic)
        api.post(f"{NAME}:run")
        job = until(api, lambda job: job["status"])
        assert job["status"] == {
            "code": 5,
            "message": "Resource not found (resource=cutoff-reached).",
        }
    handle.stop()
    publisher.stop()
    publisher.transport.close()
    subscriber.close()
    broker.stop()


def test_fire__sends_the_request_that_the_job_describes(api, clock, target):
    http = {
        "uri": f"{target.url}/run?day=1",
        "headers": {"Content-Type": "application/json", "User-Agent": "me", "X-Run": "a"},
        "body": base64.b64encode(b"{}").decode(),
        "oidcToken": {"serviceAccountEmail": "bids@p.example"},
    }
    create(api, target, "30 10 * * *", httpTarget=http)
    clock.set("2026-10-24T10:30:00+02:00")
    target.wait(1)
    [(method, path, headers, body, _)] = target.requests
    assert (method, path, body) == ("POST", "/run?day=1", b"{}")
    assert {name: headers[name] for name in ("Content-Type", "User-Agent", "X-Run")} == {
        "Content-Type": "application/json",
        "User-Agent": "Google-Cloud-Scheduler",
        "X-Run": "a",
    }
    assert headers["X-CloudScheduler"] == "true"
    assert headers["X-CloudScheduler-JobName"] == "guard"
    assert headers["X-CloudScheduler-ScheduleTime"] == "2026-10-24T10:30:00+02:00"
    token = claims(headers)
    assert (token["email"], token["aud"]) == ("bids@p.example", http["uri"])
    assert token["iat"] <= time.time() < token["exp"]


def test_fire__reaches_workflows_and_no_other_service_of_google(api, target):
    create_execution = "/v1/projects/p/locations/l/workflows/daily/executions"
    http = {
        "uri": f"https://workflowexecutions.googleapis.com{create_execution}",
        "oauthToken": {"serviceAccountEmail": "bids@p.example"},
    }
    create(api, target, "0 0 1 1 *", httpTarget=http)
    api.post(f"{NAME}:run")
    target.wait(1)
    [(_, path, headers, *_)] = target.requests
    assert path == create_execution
    assert claims(headers)["email"] == "bids@p.example"
    until(api, lambda job: job.get("status") == {})
    elsewhere = {"httpTarget": {"uri": "https://storage.googleapis.com/b"}}
    api.patch(NAME, params={"updateMask": "httpTarget"}, json=elsewhere)
    api.post(f"{NAME}:run")
    assert until(api, lambda job: job["status"])["status"]["code"] == 14


def test_fire__follows_the_wall_clock_through_the_autumn_day(api, clock, target):
    clock.set("2026-10-25T02:29:20+02:00")
    made = create(api, target, "30 2 * * *")
    assert made["scheduleTime"] == "2026-10-25T00:30:00Z"
    clock.set("2026-10-25T02:30:00+02:00")
    target.wait(1)
    until(api, lambda job: job["scheduleTime"] == "2026-10-25T01:30:00Z")
    clock.set("2026-10-25T02:30:00+01:00")
    target.wait(2)
    until(api, lambda job: job["scheduleTime"] == "2026-10-26T01:30:00Z")
    assert target.fires() == ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]


def test_fire__does_not_come_on_the_spring_day_that_lacks_it(api, clock, target):
    clock.set("2026-03-28T12:00:00+01:00")
    made = create(api, target, "30 2 * * *")
    assert made["scheduleTime"] == "2026-03-30T00:30:00Z"
    clock.set("2026-03-29T23:59:00+02:00")
    forced(api, target)
    assert target.requests == []
    clock.set("2026-03-30T02:30:00+02:00")
    target.wait(1)
    assert target.fires() == ["2026-03-30T02:30:00+02:00"]


def test_fire__comes_once_for_the_latest_of_the_times_that_the_clock_jumped_over(
    api, clock, target
):
    create(api, target)
    clock.set("2026-10-24T13:45:10+02:00")
    target.wait(1)
    forced(api, target)
    assert target.fires() == ["2026-10-24T13:45:00+02:00"]
    assert api.get(NAME).json()["scheduleTime"] == "2026-10-24T11:46:00Z"
    # A clock that is set back repeats nothing.
    clock.set("2026-10-24T12:00:10+02:00")
    forced(api, target)
    clock.set("2026-10-24T13:46:00+02:00")
    target.wait(2)
    assert target.fires() == ["2026-10-24T13:45:00+02:00", "2026-10-24T13:46:00+02:00"]


def test_fire__waits_until_the_execution_before_it_has_ended(api, clock, target):
    release = threading.Event()

    def hang_first(nth):
        if nth == 1:
            release.wait(20)
        return 200

    target.answer = hang_first
    create(api, target)
    for minute in (30, 31, 32):
        clock.set(f"2026-10-24T10:{minute}:00+02:00")
        target.wait(1)
        forced(api, target)
    assert target.fires() == ["2026-10-24T10:30:00+02:00"]
    release.set()
    target.wait(2)
    until(api, lambda job: job["scheduleTime"] == "2026-10-24T08:33:00Z")
    assert target.fires() == ["2026-10-24T10:30:00+02:00", "2026-10-24T10:32:00+02:00"]


def test_retry__goes_on_with_growing_waits_until_the_target_acknowledges(api, clock, target):
    statuses = {1: 503, 2: 404, 3: 204}
    target.answer = lambda nth: statuses[nth]
    retries = {"retryCount": 5, "minBackoffDuration": "0.150s"}
    create(api, target, "30 10 * * *", retryConfig=retries)
    clock.set("2026-10-24T10:30:00+02:00")
    target.wait(3)
    assert until(api, lambda job: job.get("status") == {})["scheduleTime"] == "2026-10-25T09:30:00Z"
    assert target.fires() == ["2026-10-24T10:30:00+02:00"] * 3
    first, second, third = (when for *_, when in target.requests)
    # Lower bounds alone: a busy machine may add to a wait, nothing takes from it.
    assert second - first > 0.14
    assert third - second > 0.29


def test_retry__ends_after_its_count_and_tells_the_last_failure(api, target):
    target.answer = lambda nth: 500 if nth < 3 else 200
    retries = {"retryCount": 1, "minBackoffDuration": "0.010s"}
    create(api, target, "0 0 1 1 *", retryConfig=retries)
    api.post(f"{NAME}:run")
    target.wait(2)
    job = until(api, lambda job: job.get("status"))
    assert job["status"] == {"code": 13, "message": "The target answered with HTTP status 500."}
    forced(api, target)
    assert len(target.requests) == 2


def test_attempt__without_a_listener_is_unavailable(api, target):
    create(api, target, "0 0 1 1 *", httpTarget={"uri": "http://127.0.0.1:9/"})
    api.post(f"{NAME}:run")
    assert until(api, lambda job: "status" in job)["status"]["code"] == 14


async def test_attempt__is_given_up_at_its_deadline(target):
    release = threading.Event()
    target.answer = lambda _nth: 200 if release.wait(20) else 500
    caller = HttpCaller(TokenMint(), None)
    # A job's own is 15 s at least.
    http = HttpTarget(uri=f"{target.url}/slow")
    outcome = await caller.call(http, NAME, datetime.now(UTC), OSLO, 0.2)
    release.set()
    await caller.close()
    assert (outcome.code, outcome.message) == (4, "The target did not answer within 0.2 seconds.")


def test_pause__stops_fires_and_retries_and_resuming_makes_up_for_none(api, clock, target):
    target.answer = lambda _nth: 503
    create(api, target, retryConfig={"retryCount": 5, "minBackoffDuration": "0.200s"})
    clock.set("2026-10-24T10:30:00+02:00")
    until(api, lambda job: job.get("status"))
    api.post(f"{NAME}:pause")
    clock.set("2026-10-24T10:35:30+02:00")
    # Longer than the retry's wait.
    deadline = time.monotonic() + 0.4
    while time.monotonic() < deadline:
        forced(api, target)
    assert target.fires() == ["2026-10-24T10:30:00+02:00"]
    resumed = api.post(f"{NAME}:resume").json()
    assert resumed["scheduleTime"] == "2026-10-24T08:36:00Z"
    clock.set("2026-10-24T10:36:00+02:00")
    target.wait(2)
    assert target.fires()[1] == "2026-10-24T10:36:00+02:00"


def test_run__dispatches_a_paused_job_and_leaves_its_schedule(api, clock, target):
    made = create(api, target)
    api.post(f"{NAME}:pause")
    ran = api.post(f"{NAME}:run", json={})
    assert (ran.status_code, ran.json()["state"]) == (200, "PAUSED")
    target.wait(1)
    assert target.fires()[0].startswith("2026-10-24T10:29:")
    assert api.post(f"{NAME}:resume").json()["scheduleTime"] == made["scheduleTime"]


def test_delete__ends_retries_even_when_the_name_is_used_again(api, target):
    target.answer = lambda _nth: 503
    retries = {"retryCount": 5, "minBackoffDuration": "0.200s"}
    create(api, target, "0 0 1 1 *", retryConfig=retries)
    api.post(f"{NAME}:run")
    until(api, lambda job: job.get("status"))
    api.delete(NAME)
    assert "status" not in create(api, target, "0 0 1 1 *")
    deadline = time.monotonic() + 0.4
    while time.monotonic() < deadline:
        forced(api, target)
    assert len(target.requests) == 1
