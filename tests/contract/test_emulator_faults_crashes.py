"""Faults that kill a service before or after its change is durable, and what a restart finds.

Each test puts one crash of either sort into the faults file and leaves it there: what has struck
once does not strike the restarted process again.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from faulty_cloud import ServiceProcess, write_faults
from google.api_core import exceptions
from google.cloud import firestore, pubsub_v1
from google.pubsub_v1 import PublisherClient as PublisherApi

NORDIC = Path(__file__).parents[2] / "emulators" / "exchange" / "markets" / "nordic.yaml"
AUCTION = "DA-2026-10-25"
TOPIC = "projects/p/topics/settled"
SUBSCRIPTION = "projects/p/subscriptions/aggregator"
PARENT = "projects/hydro/locations/europe-north1/workflows"


@pytest.fixture
def service(tmp_path):
    """A function that makes a service whose faults file has one crash before, one after `where`."""
    made = []

    def make(name, *wheres, arguments=()):
        rules = [
            {"service": name, "where": where, "fault": fault, "count": 1}
            for where in wheres
            for fault in ("crash_before", "crash_after")
        ]
        path = write_faults(tmp_path / "faults.json", *rules)
        made.append(ServiceProcess(name, tmp_path / "data", path, *arguments))
        return made[-1]

    yield make
    for process in made:
        process.end()


def test_firestore__a_commit_is_lost_or_kept(service, monkeypatch):
    process = service("firestore", {"rpc": "Commit", "path": "orders/"})
    process.start()
    for stands in (False, True):
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", process.host)
        with closing(firestore.Client(project="p")) as client:
            with pytest.raises(exceptions.ServiceUnavailable):
                client.document("orders/o1").create({"n": 1}, retry=None)
            process.await_crash()
        process.start()
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", process.host)
        with closing(firestore.Client(project="p")) as client:
            assert client.document("orders/o1").get().exists is stands


@contextmanager
def messaging(process, monkeypatch):
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", process.host)
    publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    try:
        yield publisher, subscriber
    finally:
        publisher.stop()
        publisher.transport.close()
        subscriber.close()


def test_pubsub__a_message_and_an_acknowledgement_are_lost_or_kept(service, monkeypatch):
    process = service("pubsub", {"publish": "settled"}, {"delivery": "aggregator"})
    process.start()
    with messaging(process, monkeypatch) as (publisher, subscriber):
        publisher.create_topic(name=TOPIC)
        subscriber.create_subscription({"name": SUBSCRIPTION, "topic": TOPIC})
    for data in (b"lost", b"kept"):
        with messaging(process, monkeypatch) as (publisher, _):
            with pytest.raises(exceptions.ServiceUnavailable):
                PublisherApi.publish(publisher, topic=TOPIC, messages=[{"data": data}], retry=None)
            process.await_crash()
        process.start()
    for _ in range(2):
        with messaging(process, monkeypatch) as (_, subscriber):
            (received,) = subscriber.pull(
                subscription=SUBSCRIPTION, max_messages=5, timeout=5
            ).received_messages
            assert received.message.data == b"kept"
            with pytest.raises(exceptions.ServiceUnavailable):
                subscriber.acknowledge(
                    subscription=SUBSCRIPTION, ack_ids=[received.ack_id], retry=None
                )
            process.await_crash()
        process.start()
    with messaging(process, monkeypatch) as (_, subscriber):
        answer = subscriber.pull(subscription=SUBSCRIPTION, max_messages=5, timeout=0.6)
        assert not answer.received_messages


@pytest.fixture
def solver():
    """A server's URL, and the list of the paths that it was asked for."""
    calls = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            calls.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", calls
    server.shutdown()
    thread.join()
    server.server_close()


def test_workflows__a_call_is_made_again_or_remembered(service, solver):
    url, calls = solver
    process = service("workflows", {"http": url})
    source = f"- call:\n    call: http.post\n    args: {{url: '{url}'}}\n    result: answer\n"
    source += "- done:\n    return: ${answer.code}\n"
    process.start()
    rest = f"http://127.0.0.1:{process.ready['rest_port']}/v1"
    workflow = {"sourceContents": source}
    httpx.post(f"{rest}/{PARENT}", params={"workflowId": "w"}, json=workflow).raise_for_status()
    execution = httpx.post(f"{rest}/{PARENT}/w/executions", json={}).json()["name"]
    process.await_crash()
    assert len(calls) == 1
    process.start()
    process.await_crash()
    assert len(calls) == 2
    process.start()
    rest = f"http://127.0.0.1:{process.ready['rest_port']}/v1"
    deadline = time.monotonic() + 10
    found = httpx.get(f"{rest}/{execution}").json()
    while found["state"] == "ACTIVE" and time.monotonic() < deadline:
        time.sleep(0.02)
        found = httpx.get(f"{rest}/{execution}").json()
    assert (found["state"], found["result"]) == ("SUCCEEDED", "200")
    assert len(calls) == 2


def logged_in(process):
    form = {
        "grant_type": "password",
        "scope": "auction_api",
        "username": "trader",
        "password": "planted-password",
    }
    base = f"http://{process.host}"
    token = httpx.post(f"{base}/connect/token", data=form, auth=("client", "planted-secret"))
    headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
    return httpx.Client(base_url=base, headers=headers)


def test_exchange__an_order_is_lost_or_stands(service, tmp_path):
    clock, credentials = tmp_path / "clock.json", tmp_path / "credentials.json"
    offset = datetime.fromisoformat("2026-10-24T09:00:00+00:00") - datetime.now(UTC)
    clock.write_text(json.dumps({"offset_seconds": offset.total_seconds()}))
    user = {"password": "planted-password", "portfolios": ["sintef-example"]}
    accounts = {
        "client_id": "client",
        "client_secret": "planted-secret",
        "users": {"trader": user},
    }
    credentials.write_text(json.dumps(accounts))
    points = [{"price": -500, "volume": 0}, {"price": 4000, "volume": -12.3}]
    order = {
        "auctionId": AUCTION,
        "portfolio": "sintef-example",
        "areaCode": "NO2",
        "comment": "digest",
        "curves": [{"contractId": f"{AUCTION}-PT15M-05", "curvePoints": points}],
    }
    arguments = ("--clock-file", clock, "--credentials-file", credentials, "--market", NORDIC)
    where = {"method": "POST", "path": "/curveorders"}
    process = service("exchange", where, arguments=[str(argument) for argument in arguments])
    process.start()
    for standing in (0, 1):
        with logged_in(process) as client, pytest.raises(httpx.TransportError):
            client.post("/curveorders", json=order)
        process.await_crash()
        process.start()
        with logged_in(process) as client:
            orders = client.get(f"/auctions/{AUCTION}/orders").json()["curveOrders"]
            assert len(orders) == standing
