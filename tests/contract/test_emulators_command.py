"""`python -m emulators`, `hydrobid emulators start` and the cloud inside a test's own process."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import grpc
import httpx
import pytest
from google.api_core.exceptions import NotFound
from google.cloud import firestore, pubsub_v1
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from emulators.cloud import PORTS, SERVICES, CloudOptions
from emulators.in_process import running

TOPIC, SUBSCRIPTION = "projects/local/topics/bids", "projects/local/subscriptions/bids"
PARENT = "projects/local/locations/here"
HYDROBID = Path(sys.executable).with_name("hydrobid")


class Process:
    """The emulators as a process; ports stay over a restart."""

    def __init__(self, *arguments: object, command=(sys.executable, "-m", "emulators")) -> None:
        self._command = [str(part) for part in (*command, *arguments)]
        self._process = None
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE)
        self.ready = json.loads(self._process.stdout.readline())
        ports = {name: at.rpartition(":")[2] for name, at in self.ready.items() if name != "ready"}
        if "--firestore-port" not in self._command:
            for name, port in ports.items():
                self._command += [f"--{name}-port", port]

    def url(self, name: str, path: str) -> str:
        return f"http://{self.ready[name]}{path}"

    def kill(self) -> None:
        self._process.kill()
        self.ended()

    def terminate(self) -> int:
        self._process.terminate()
        return self.ended()

    def ended(self) -> int:
        code = self._process.wait(timeout=30)
        self._process.stdout.close()
        return code


@pytest.fixture
def clients(monkeypatch):
    """Give what makes clients of whatever listens at two addresses, and close them all."""
    made = []

    def make(firestore_host: str, pubsub_host: str):
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_host)
        clients = (
            firestore.Client(project="local"),
            pubsub_v1.PublisherClient(),
            pubsub_v1.SubscriberClient(),
        )
        made.extend(clients)
        return clients

    yield make
    for client in made:
        client.stop() if hasattr(client, "stop") else client.close()


def write_everywhere(process: Process, clients) -> None:
    database, publisher, subscriber = clients
    database.document("lakes/upper").set({"level": 900})
    publisher.create_topic(name=TOPIC)
    subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC)
    publisher.publish(TOPIC, b"hello").result(timeout=30)
    source = {"sourceContents": "- nap: {call: sys.sleep, args: {seconds: 3600}}"}
    workflows = process.url("workflows-rest", f"/v1/{PARENT}/workflows")
    httpx.post(workflows, params={"workflowId": "nap"}, json=source).raise_for_status()
    httpx.post(f"{workflows}/nap/executions", json={}).raise_for_status()
    job = {
        "name": f"{PARENT}/jobs/daily",
        "schedule": "0 5 1 1 *",
        "timeZone": "Europe/Oslo",
        "pubsubTarget": {"topicName": TOPIC, "data": "Z28="},
    }
    httpx.post(process.url("scheduler", f"/v1/{PARENT}/jobs"), json=job).raise_for_status()


def test_command__serves_all_and_loses_nothing_to_kill_9_until_it_is_reset(tmp_path, clients):
    """Given acknowledged writes to every service, when the process is killed and comes back, then
    all are there; when it is reset, then nothing is, and the same ports go on."""
    process = Process("--data-dir", tmp_path)
    try:
        assert set(process.ready) == {"ready", *PORTS, "control"}
        made = clients(process.ready["firestore"], process.ready["pubsub"])
        database, publisher, subscriber = made
        write_everywhere(process, made)

        process.kill()
        process.start()
        assert database.document("lakes/upper").get(timeout=30).to_dict() == {"level": 900}
        pulled = subscriber.pull(subscription=SUBSCRIPTION, max_messages=1, timeout=30)
        assert [message.message.data for message in pulled.received_messages] == [b"hello"]
        executions = process.url("workflows-rest", f"/v1/{PARENT}/workflows/nap/executions")
        assert [e["state"] for e in httpx.get(executions).json()["executions"]] == ["ACTIVE"]
        jobs = process.url("scheduler", f"/v1/{PARENT}/jobs")
        assert len(httpx.get(jobs).json()["jobs"]) == 1

        # A job that runs now publishes to the Pub/Sub beside it.
        httpx.post(f"{jobs}/daily:run").raise_for_status()
        pulled = subscriber.pull(subscription=SUBSCRIPTION, max_messages=1, timeout=30)
        assert [message.message.data for message in pulled.received_messages] == [b"go"]

        answer = httpx.post(process.url("control", "/reset"), timeout=30)
        assert answer.json() == {"reset": list(SERVICES)}
        assert httpx.get(process.url("control", "/health")).json()["status"] == "SERVING"
        assert not database.document("lakes/upper").get(timeout=30).exists
        with pytest.raises(NotFound):
            publisher.get_topic(topic=TOPIC, timeout=30)
        assert httpx.get(executions).status_code == 404
        assert httpx.get(jobs).json() == {}
    finally:
        assert process.terminate() == 0


def test_command__runs_what_only_names_in_memory_and_resets_one(clients):
    process = Process("--only", "firestore", "pubsub")
    try:
        assert set(process.ready) == {"ready", "firestore", "firestore-rest", "pubsub", "control"}
        database, publisher, _ = clients(process.ready["firestore"], process.ready["pubsub"])
        database.document("lakes/upper").set({"level": 900})
        publisher.create_topic(name=TOPIC)
        reset = process.url("control", "/reset")
        assert httpx.post(reset, params={"service": "pubsub"}, timeout=30).is_success
        assert database.document("lakes/upper").get(timeout=30).exists
        with pytest.raises(NotFound):
            publisher.get_topic(topic=TOPIC, timeout=30)
        refused = httpx.post(reset, params={"service": "scheduler"})
        assert refused.status_code == 400
        assert "'scheduler' does not run here; there are firestore, pubsub" in refused.text
        for name in ("firestore", "pubsub"):
            with grpc.insecure_channel(process.ready[name]) as channel:
                answer = HealthStub(channel).Check(HealthCheckRequest(), timeout=30)
            assert answer.status == HealthCheckResponse.SERVING
    finally:
        assert process.terminate() == 0


def test_command__refuses_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for name in ("firestore", "scheduler"):
            command = [sys.executable, "-m", "emulators", "--only", name, f"--{name}-port", port]
            ended = subprocess.run(
                [str(part) for part in command], check=False, capture_output=True, text=True
            )
            assert ended.returncode == 2
            assert str(port) in ended.stderr or "in use" in ended.stderr
            assert "Traceback" not in ended.stderr


def test_command__is_started_by_the_cli(tmp_path):
    process = Process(
        "--only", "scheduler", "--data-dir", tmp_path, command=(HYDROBID, "emulators", "start")
    )
    assert httpx.get(process.url("control", "/health")).json()["services"] == {
        "scheduler": "SERVING"
    }
    assert (tmp_path / "scheduler").is_dir()
    assert process.terminate() == 0


def test_in_process__resets_and_stops(clients):
    with running(CloudOptions(services=("firestore", "pubsub"))) as cloud:
        database, publisher, _ = clients(cloud.address("firestore"), cloud.address("pubsub"))
        database.document("lakes/upper").set({"level": 900})
        publisher.create_topic(name=TOPIC)
        cloud.reset("firestore")
        assert not database.document("lakes/upper").get(timeout=30).exists
        assert publisher.get_topic(topic=TOPIC, timeout=30).name == TOPIC
        with pytest.raises(KeyError):
            cloud.address("scheduler")


def test_concurrency__is_the_mode_of_databases_that_say_nothing():
    process = Process("--only", "firestore", "--concurrency", "optimistic")
    database = process.url("firestore-rest", "/v1/projects/local/databases/(default)")
    assert httpx.get(database).json()["concurrencyMode"] == "OPTIMISTIC"
    httpx.post(process.url("control", "/reset"), timeout=30).raise_for_status()
    assert httpx.get(database).json()["concurrencyMode"] == "OPTIMISTIC"
    assert process.terminate() == 0


def test_in_process__raises_what_keeps_it_from_starting():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = {"firestore": taken.getsockname()[1]}
        with pytest.raises(RuntimeError), running(CloudOptions(("firestore",), ports)):
            pass
