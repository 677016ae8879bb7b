"""Injected faults of Firestore, as Google's client meets them."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from faulty_cloud import write_faults
from google.api_core import exceptions
from google.cloud import firestore

from emulators.clock import MarketClock
from emulators.faults.switch import Faults
from emulators.firestore.server import serve
from emulators.process import Options


class Cloud:
    def __init__(self, client, faults_file):
        self.client = client
        self._faults_file = faults_file

    def inject(self, *rules):
        write_faults(self._faults_file, *[{"service": "firestore", **rule} for rule in rules])

    def document(self, path="orders/o1"):
        return self.client.document(path)


@pytest.fixture
def cloud(tmp_path, monkeypatch):
    path = tmp_path / "faults.json"
    server = serve(Options(0, None, MarketClock(None), Faults("firestore", path)))
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{server.port}")
    with closing(firestore.Client(project="p")) as client:
        yield Cloud(client, path)
    server.stop()


def test_error__instead_of_the_write(cloud):
    where = {"rpc": "Commit", "path": "orders/"}
    cloud.inject({"where": where, "fault": "error", "status": "PERMISSION_DENIED", "count": 1})
    cloud.document("runs/r1").create({"n": 1})
    with pytest.raises(exceptions.PermissionDenied, match="Injected fault"):
        cloud.document().create({"n": 1})
    assert not cloud.document().get().exists
    cloud.document().create({"n": 1})


def test_unavailable__is_retried_by_the_client(cloud):
    cloud.inject({"fault": "error", "status": "UNAVAILABLE", "count": 2})
    cloud.document().set({"n": 1})
    assert cloud.document().get().get("n") == 1


def test_aborted__ends_the_transaction_so_that_the_next_attempt_finds_no_lock(cloud):
    cloud.document().set({"n": 0})
    where = {"rpc": "Commit", "path": "orders/o1"}
    cloud.inject({"where": where, "fault": "error", "status": "ABORTED", "count": 1})
    attempts = []

    @firestore.transactional
    def count(transaction):
        attempts.append(cloud.document().get(transaction=transaction).get("n"))
        transaction.update(cloud.document(), {"n": firestore.Increment(1)})

    began = time.monotonic()
    count(cloud.client.transaction())
    assert attempts == [0, 0]
    assert cloud.document().get().get("n") == 1
    # A lock of the first attempt would have been waited for: two seconds.
    assert time.monotonic() - began < 1.9


def test_latency__comes_before_the_answer(cloud):
    cloud.inject({"where": {"rpc": "Commit"}, "fault": "latency", "seconds": 0.3, "count": 1})
    began = time.monotonic()
    cloud.document().set({"n": 1})
    assert time.monotonic() - began >= 0.3
    assert cloud.document().get().get("n") == 1


def test_drop__leaves_nothing_behind(cloud):
    cloud.inject({"where": {"rpc": "Commit"}, "fault": "drop", "count": 1})
    with pytest.raises(exceptions.ServiceUnavailable, match="Socket closed"):
        cloud.document().set({"n": 1}, retry=None)
    assert not cloud.document().get().exists


def test_accept_then_break__the_write_stands_and_a_repeated_create_finds_it(cloud):
    cloud.inject({"where": {"rpc": "Commit"}, "fault": "accept_then_break", "count": 1})
    with pytest.raises(exceptions.AlreadyExists):
        cloud.document().create({"n": 1})
    assert cloud.document().get().get("n") == 1


def test_accept_then_break__what_is_refused_is_told(cloud):
    cloud.inject({"where": {"rpc": "Commit"}, "fault": "accept_then_break"})
    with pytest.raises(exceptions.NotFound):
        cloud.document().update({"n": 1})


def test_hang__until_the_client_gives_up(cloud):
    cloud.inject({"where": {"rpc": "BatchGetDocuments"}, "fault": "hang", "count": 1})
    with pytest.raises((exceptions.DeadlineExceeded, exceptions.RetryError)):
        cloud.document().get(timeout=0.3, retry=None)
    assert not cloud.document().get().exists


def test_query__is_found_by_its_collection(cloud):
    cloud.document("runs/r1/tasks/t1").set({"n": 1})
    where = {"rpc": "RunQuery", "path": "runs/r1/tasks/"}
    cloud.inject({"where": where, "fault": "error", "status": "INTERNAL", "count": 1})
    assert list(cloud.client.collection("orders").stream()) == []
    tasks = cloud.client.collection("runs/r1/tasks")
    with pytest.raises(exceptions.InternalServerError):
        list(tasks.stream(retry=None))
    assert [task.id for task in tasks.stream()] == ["t1"]
    where["rpc"] = "RunAggregationQuery"
    cloud.inject({"where": where, "fault": "latency", "seconds": 0.2})
    began = time.monotonic()
    assert tasks.count().get()[0][0].value == 1
    assert time.monotonic() - began >= 0.2


def test_database__one_of_a_cloud_is_struck(cloud):
    cloud.inject({"where": {"database": "other"}, "fault": "drop"})
    cloud.document().set({"n": 1})
    with (
        closing(firestore.Client(project="p", database="other")) as other,
        pytest.raises(exceptions.ServiceUnavailable),
    ):
        other.document("orders/o1").set({"n": 1}, retry=None)
