"""Optimistic transactions: one instant is read, nothing is locked, contention aborts at once."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.request import Request, urlopen

import pytest
from google.api_core import exceptions
from google.cloud import firestore

from emulators.clock import MarketClock
from emulators.firestore.server import serve
from emulators.process import Options


def choose(server, database, mode):
    url = f"http://127.0.0.1:{server.rest_port}/v1/projects/p/databases/{database}"
    body = json.dumps({"concurrencyMode": mode}).encode()
    with urlopen(Request(url, body, method="PATCH")) as answer:
        return json.load(answer)


@pytest.fixture
def client(server, open_client):
    """A client of an optimistic database of its own."""
    opened = open_client()
    choose(server, opened._database, "OPTIMISTIC")
    return opened


def begun(client):
    transaction = client.transaction()
    transaction._begin()
    return transaction


def test_optimistic__writer_does_not_wait_and_reader_is_aborted(client):
    document, other = client.document("c/d"), client.document("c/e")
    document.set({"n": 1})
    transaction = begun(client)
    document.get(transaction=transaction)
    started = time.monotonic()
    document.set({"n": 2})
    assert time.monotonic() - started < 1.0
    transaction.set(other, {"n": 1})
    with pytest.raises(exceptions.Aborted, match="contention"):
        transaction._commit()
    assert not other.get().exists
    assert document.get().get("n") == 2


def test_optimistic__document_that_was_missing_counts_as_read(client):
    transaction = begun(client)
    client.document("c/d").get(transaction=transaction)
    client.document("c/d").create({})
    transaction.set(client.document("c/e"), {})
    with pytest.raises(exceptions.Aborted):
        transaction._commit()


@pytest.mark.parametrize(
    "change",
    [
        lambda client: client.document("c/new").create({"n": 1}),
        lambda client: client.document("c/d").delete(),
        lambda client: client.document("c/d").update({"n": 7}),
    ],
)
def test_optimistic__query_is_aborted_by_a_change_of_its_collection(client, change):
    client.document("c/d").set({"n": 1})
    transaction = begun(client)
    assert len(list(client.collection("c").stream(transaction=transaction))) == 1
    change(client)
    transaction.set(client.document("sums/c"), {"n": 1})
    with pytest.raises(exceptions.Aborted):
        transaction._commit()


def test_optimistic__query_is_not_aborted_by_another_collection(client):
    client.document("c/d").set({"n": 1})
    transaction = begun(client)
    list(client.collection("c").stream(transaction=transaction))
    client.document("other/d").set({})
    transaction.set(client.document("sums/c"), {"n": 1})
    transaction._commit()
    assert client.document("sums/c").get().exists


def test_optimistic__reads_one_instant_and_commits_when_it_writes_nothing(client):
    first, second = client.document("c/1"), client.document("c/2")
    first.set({"n": 1})
    second.set({"n": 1})
    transaction = begun(client)
    assert first.get(transaction=transaction).get("n") == 1
    batch = client.batch()
    batch.set(first, {"n": 2})
    batch.set(second, {"n": 2})
    batch.commit()
    assert second.get(transaction=transaction).get("n") == 1
    transaction._commit()


def test_optimistic__of_two_that_read_and_write_the_first_to_commit_wins(client):
    document = client.document("c/d")
    document.set({"n": 0})
    first, second = begun(client), begun(client)
    for transaction in (first, second):
        document.get(transaction=transaction)
    second.update(document, {"n": 2})
    second._commit()
    first.update(document, {"n": 1})
    with pytest.raises(exceptions.Aborted):
        first._commit()
    assert document.get().get("n") == 2


def test_optimistic__counter_of_four_threads_loses_nothing(client):
    document = client.document("counters/c")
    document.set({"n": 0})

    @firestore.transactional
    def incremented(transaction):
        number = document.get(transaction=transaction).get("n")
        transaction.update(document, {"n": number + 1})

    def five_times(_):
        for _ in range(5):
            incremented(client.transaction(max_attempts=200))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(five_times, range(4)))
    assert document.get().get("n") == 20


def test_mode__of_one_transaction_is_its_own(server, client):
    request = {
        "database": client._database_string,
        "options": {"read_write": {"concurrency_mode": "PESSIMISTIC"}},
    }
    document = client.document("c/d")
    api, metadata = client._firestore_api, client._rpc_metadata
    begun_one = api.begin_transaction(request=request, metadata=metadata).transaction
    asked = {
        "database": client._database_string,
        "documents": [document._document_path],
        "transaction": begun_one,
    }
    list(api.batch_get_documents(request=asked, metadata=metadata))
    with pytest.raises(exceptions.Aborted, match="lock timeout"):
        document.set({"n": 1}, retry=None)


def test_mode__unknown_is_refused_and_none_asked_is_told(server):
    with pytest.raises(OSError, match="400"):
        choose(server, "d", "OPTIMISTIC_WITH_ENTITY_GROUPS")
    assert choose(server, "d", None)["concurrencyMode"] == "PESSIMISTIC"


def test_mode__outlives_the_process(tmp_path):
    options = Options(0, tmp_path, MarketClock(None))
    first = serve(options)
    choose(first, "kept", "OPTIMISTIC")
    first.stop()
    second = serve(options)
    assert choose(second, "kept", None)["concurrencyMode"] == "OPTIMISTIC"
    second.stop()
