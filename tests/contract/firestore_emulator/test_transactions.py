"""Transactions through Google's client: isolation, lock waits, deadlocks, ends and snapshots."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import firestore

from emulators.clock import MarketClock
from emulators.firestore.server import serve
from emulators.firestore.transactions import TransactionLimits
from emulators.process import Options

LOCK_WAIT = 0.4
IDLE = 1.0


@pytest.fixture(scope="module")
def server():
    limits = TransactionLimits(lock_wait=LOCK_WAIT, idle=IDLE)
    handle = serve(Options(0, None, MarketClock(None)), limits)
    yield handle
    handle.stop()


@pytest.fixture
def begin(client):
    """Open transactions that are driven by hand; those left open are rolled back."""
    opened = []

    def begin(**options):
        transaction = client.transaction(**options)
        transaction._begin()
        opened.append(transaction)
        return transaction

    yield begin
    for transaction in opened:
        if transaction.in_progress:
            transaction._rollback()


def read(transaction, reference):
    return reference.get(transaction=transaction)


def test_transaction__80_increments_from_8_threads_give_80(client):
    counter = client.document("counters/c")
    counter.set({"n": 0})

    @firestore.transactional
    def increment(transaction):
        value = counter.get(transaction=transaction).get("n")
        transaction.update(counter, {"n": value + 1})

    def ten_times(_):
        for _ in range(10):
            increment(client.transaction())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ten_times, range(8)))
    assert counter.get().get("n") == 80


def test_transaction__transfers_in_both_directions_keep_the_sum(client):
    accounts = [client.document("accounts/a"), client.document("accounts/b")]
    for account in accounts:
        account.set({"n": 100})

    @firestore.transactional
    def move(transaction, source, target):
        balances = [account.get(transaction=transaction).get("n") for account in (source, target)]
        transaction.update(source, {"n": balances[0] - 1})
        transaction.update(target, {"n": balances[1] + 1})

    def moves(number):
        source, target = accounts if number % 2 else reversed(accounts)
        for _ in range(5):
            move(client.transaction(), source, target)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(moves, range(4)))
    assert sum(account.get().get("n") for account in accounts) == 200


def test_create__16_racers_have_one_winner(client):
    def race(number):
        try:
            client.document("c/d").create({"winner": number})
        except exceptions.AlreadyExists:
            return "lost"
        return "won"

    with ThreadPoolExecutor(16) as pool:
        assert Counter(pool.map(race, range(16))) == {"won": 1, "lost": 15}


@pytest.mark.parametrize("document", ["found", "missing"])
def test_writer__outside_waits_for_a_read_lock_and_then_gives_up(client, begin, document):
    client.document("c/found").set({"n": 1})
    transaction = begin()
    read(transaction, client.document(f"c/{document}"))
    started = time.monotonic()
    with pytest.raises(exceptions.Aborted, match=r"Transaction lock timeout\."):
        client.document(f"c/{document}").set({"n": 2})
    assert LOCK_WAIT <= time.monotonic() - started < LOCK_WAIT + 0.5
    client.document("c/other").set({"n": 1})  # nobody has read it


def test_writer__outside_proceeds_when_the_transaction_ends(client, begin):
    reference = client.document("c/d")
    reference.set({"n": 1})
    transaction = begin()
    read(transaction, reference)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(reference.set, {"n": 3})
        transaction.update(reference, {"n": 2})
        transaction._commit()
        waiting.result(timeout=5)
    assert reference.get().get("n") == 3


def test_query__locks_its_collection_against_phantoms(client, begin):
    client.document("c/d").set({"n": 1})
    transaction = begin()
    list(
        client.collection("c").where(filter=firestore.FieldFilter("n", ">", 5)).stream(transaction)
    )
    with pytest.raises(exceptions.Aborted):
        client.document("c/phantom").set({"n": 6})
    client.document("c/d/beneath/x").set({"n": 6})
    transaction.set(client.document("c/own"), {"n": 7})  # its own locks are no obstacle
    transaction._commit()


def test_batch_write__waits_for_each_locked_document_and_writes_the_others(client, begin):
    locked, free = client.document("c/locked"), client.document("c/free")
    transaction = begin()
    read(transaction, locked)
    batch = client.batch()
    batch.set(locked, {"n": 1})
    batch.set(free, {"n": 1})
    response = client._firestore_api.batch_write(
        request={"database": client._database_string, "writes": batch._write_pbs}
    )
    aborted = grpc.StatusCode.ABORTED.value[0]
    assert [status.code for status in response.status] == [aborted, 0]
    assert (locked.get().exists, free.get().exists) == (False, True)


def test_deadlock__ends_at_once_and_one_of_the_two_commits(client, begin):
    reference = client.document("c/d")
    reference.set({"n": 0})
    transactions = [begin(), begin()]
    for number, transaction in enumerate(transactions, start=1):
        read(transaction, reference)
        transaction.update(reference, {"n": number})

    def commit(transaction):
        try:
            transaction._commit()
        except exceptions.Aborted:
            return "aborted"
        return "committed"

    started = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        outcomes = Counter(pool.map(commit, transactions))
    assert outcomes == {"committed": 1, "aborted": 1}
    assert time.monotonic() - started < LOCK_WAIT


def test_transaction__that_has_ended_is_aborted_when_used_again(client, begin):
    transaction = begin()
    identity = transaction.id
    transaction._commit()
    for method, request in (
        ("commit", {"writes": []}),
        ("batch_get_documents", {"documents": [f"{client._database_string}/documents/c/d"]}),
    ):
        call = getattr(client._firestore_api, method)
        asked = {"database": client._database_string, "transaction": identity, **request}
        with pytest.raises(exceptions.Aborted, match="has expired or is no longer valid"):
            list(call(request=asked))
    client._firestore_api.rollback(
        request={"database": client._database_string, "transaction": identity}
    )


@pytest.mark.parametrize("identity", [b"abc", b"\xff" * 16])
def test_transaction__that_never_was_is_invalid(client, identity):
    with pytest.raises(exceptions.InvalidArgument):
        client._firestore_api.commit(
            request={"database": client._database_string, "transaction": identity}
        )


def test_transaction__failed_precondition_ends_it_and_an_invalid_write_does_not(client, begin):
    reference = client.document("c/d")
    reference.set({"n": 1})
    transaction = begin()
    transaction.set(reference, {"__reserved__": 1})
    with pytest.raises(exceptions.InvalidArgument):
        transaction._commit()
    transaction._write_pbs.clear()
    assert read(transaction, reference).exists
    transaction.create(reference, {"n": 2})
    with pytest.raises(exceptions.AlreadyExists):
        transaction._commit()
    transaction._write_pbs.clear()
    with pytest.raises(exceptions.Aborted):
        read(transaction, reference)


def test_transaction__idle_for_too_long_lets_go(client, begin):
    reference = client.document("c/d")
    transaction = begin()
    read(transaction, reference)
    deadline = time.monotonic() + IDLE + 2
    while time.monotonic() < deadline:
        try:
            reference.set({"n": 1})
            break
        except exceptions.Aborted:
            continue
    assert reference.get().exists
    with pytest.raises(exceptions.Aborted):
        transaction._commit()


def test_read_only__sees_its_snapshot_and_locks_nothing(client, begin):
    reference = client.document("c/d")
    reference.set({"n": 1})
    transaction = begin(read_only=True)
    assert read(transaction, reference).get("n") == 1
    reference.set({"n": 2})
    client.document("c/new").set({"n": 3})
    assert read(transaction, reference).get("n") == 1
    assert [found.id for found in client.collection("c").stream(transaction)] == ["d"]


def test_read_time__shows_documents_as_they_stood(client):
    reference = client.document("c/d")
    before = client.document("c/first").set({"n": 0}).update_time
    first = reference.set({"n": 1}).update_time
    reference.set({"n": 2})
    reference.delete()
    assert not reference.get(read_time=before).exists
    assert reference.get(read_time=first).get("n") == 1
    assert reference.get(read_time=first).update_time == first
    assert [found.id for found in client.collection("c").stream(read_time=first)] == ["d", "first"]
    assert not reference.get().exists


def test_retry__of_an_aborted_transaction_does_not_meet_its_rivals_again(client, begin):
    """Given two transactions that read a document for the second time, the second read waits."""
    reference = client.document("c/d")
    reference.set({"n": 1})
    first = begin()
    retries = [client.transaction(), client.transaction()]
    for retry in retries:
        retry._begin(retry_id=first.id)
    read(retries[0], reference)
    with ThreadPoolExecutor(1) as pool:
        second_read = pool.submit(read, retries[1], reference)
        retries[0].update(reference, {"n": 2})
        retries[0]._commit()
        assert second_read.result(timeout=5).get("n") == 2
    retries[1].update(reference, {"n": 3})
    retries[1]._commit()
    assert reference.get().get("n") == 3


def test_query__that_begins_a_transaction_and_finds_nothing_tells_when_it_looked(client):
    api, metadata = client._firestore_api, client._rpc_metadata
    request = {
        "parent": f"{client._database_string}/documents",
        "structured_query": client.collection("c")._query()._to_protobuf(),
        "new_transaction": {"read_only": {}},
    }
    begun, ended = api.run_query(request=request, metadata=metadata)
    assert begun.transaction
    assert ended.read_time.timestamp() > 0
    assert ended.done
