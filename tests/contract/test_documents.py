"""The documents port over every backend: memory, the embedded Firestore, and Google's emulator."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from hydrobid.adapters.firestore import EXPIRES_AT, FirestoreDocuments
from hydrobid.adapters.memory import MemoryDocuments
from hydrobid.domain.errors import Contended, DocumentExists
from hydrobid.pipeline.blobs import CHUNK_BYTES, get_blob, put_blob
from hydrobid.pipeline.ports import Create, Documents, Put, Transaction


@pytest.fixture
def documents(
    backend: str, host_of: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Documents]:
    if backend == "memory":
        yield MemoryDocuments()
        return
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host_of("firestore"))
    store = FirestoreDocuments(f"p-{uuid.uuid4().hex[:12]}", "hydrobid-test")
    yield store
    store._client.close()


def test_get__document_that_is_not_there(documents: Documents):
    assert documents.get("runs/none") is None


def test_commit__what_was_written_is_read(documents: Documents):
    content = {
        "text": "é",
        "number": 1.5,
        "whole": 3,
        "nothing": None,
        "yes": True,
        "bytes": b"\0\1",
        "list": [1, {"a": [2.5]}],
        "map": {"x": {"y": []}},
    }
    documents.commit(Put("runs/a", content))
    assert documents.get("runs/a") == content


def test_commit__all_or_nothing(documents: Documents):
    documents.commit(Create("runs/a", {"n": 1}))

    with pytest.raises(DocumentExists):
        documents.commit(Put("runs/b", {"n": 2}), Create("runs/a", {"n": 3}))

    assert documents.get_many(["runs/a", "runs/b"]) == [{"n": 1}, None]


def test_get_many__in_the_order_asked_for(documents: Documents):
    for name in "cab":
        documents.commit(Put(f"runs/{name}", {"name": name}))

    found = documents.get_many(["runs/b", "runs/x", "runs/a", "runs/c"])

    assert [d and d["name"] for d in found] == ["b", None, "a", "c"]
    assert documents.get_many([]) == []


def test_find__by_equal_fields_sorted_by_id_in_one_collection(documents: Documents):
    documents.commit(
        Put("events/b~1", {"run": "r1", "entity": "b"}),
        Put("events/a~1", {"run": "r1", "entity": "a"}),
        Put("events/c~1", {"run": "r2", "entity": "c"}),
        Put("runs/r1/events/z", {"run": "r1"}),
    )

    assert list(documents.find("events")) == ["a~1", "b~1", "c~1"]
    assert list(documents.find("events", run="r1")) == ["a~1", "b~1"]
    assert list(documents.find("events", run="r1", entity="b")) == ["b~1"]
    assert list(documents.find("runs/r1/events")) == ["z"]


def expiry_of(documents: Documents, path: str) -> datetime | None:
    """Return what tells the backend when to delete a document."""
    if isinstance(documents, MemoryDocuments):
        return documents._expires.get(path)
    assert isinstance(documents, FirestoreDocuments)
    stored = documents._client.document(path).get().to_dict() or {}
    return stored.get(EXPIRES_AT)


def test_expiry__is_stored_beside_what_is_read_until_it_is_written_without(documents: Documents):
    instant = datetime(2027, 1, 2, 12, tzinfo=UTC)
    documents.commit(Create("runs/r/attempts/a", {"n": 1}, instant), Put("runs/r", {"n": 0}))
    documents.transact(lambda t: t.write(Put("runs/r/attempts/b", {"n": 2}, instant)))

    assert documents.get("runs/r/attempts/a") == {"n": 1}
    assert documents.get_many(["runs/r/attempts/b"]) == [{"n": 2}]
    assert documents.find("runs/r/attempts") == {"a": {"n": 1}, "b": {"n": 2}}
    assert documents.transact(lambda t: t.get("runs/r/attempts/a")) == {"n": 1}
    told = [expiry_of(documents, path) for path in ("runs/r/attempts/a", "runs/r/attempts/b")]
    assert told == [instant, instant]
    assert expiry_of(documents, "runs/r") is None

    documents.commit(Put("runs/r/attempts/a", {"n": 3}))
    assert expiry_of(documents, "runs/r/attempts/a") is None


def test_documents__are_the_callers_own(documents: Documents):
    content = {"list": [1]}
    documents.commit(Put("runs/a", content))
    content["list"].append(2)
    found = documents.get("runs/a")
    assert found == {"list": [1]}
    found["list"].append(3)
    assert documents.get("runs/a") == {"list": [1]}


def test_transact__an_error_writes_nothing(documents: Documents):
    def work(transaction: Transaction) -> None:
        transaction.write(Put("runs/a", {"n": 1}))
        raise LookupError("no")

    with pytest.raises(LookupError):
        documents.transact(work)
    assert documents.get("runs/a") is None


def test_transact__create_of_what_exists(documents: Documents):
    documents.commit(Put("runs/a", {"n": 1}))

    with pytest.raises(DocumentExists):
        documents.transact(lambda t: t.write(Create("runs/a", {"n": 2})))


def in_threads(count: int, work: Callable[[int], None]) -> list[BaseException]:
    """Run `work` in threads that start together; return what they raised."""
    raised: list[BaseException] = []
    barrier = threading.Barrier(count)

    def body(number: int) -> None:
        barrier.wait()
        try:
            work(number)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=body, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_transact__no_increment_is_lost(documents: Documents, backend: str):
    documents.commit(Put("counters/a", {"n": 0}))

    def increment(transaction: Transaction) -> None:
        found = transaction.get("counters/a")
        assert found is not None
        transaction.write(Put("counters/a", {"n": found["n"] + 1}))

    def surely_increment() -> None:
        # Google's emulator refuses a transaction that has lost five times; it is the caller's to repeat.
        while True:
            try:
                return documents.transact(increment)
            except Contended:
                continue

    # It also has those who contend wait for two seconds each time: two threads are enough of them.
    threads = 2 if backend == "official" else 4
    raised = in_threads(threads, lambda _: [surely_increment() for _ in range(5)])

    assert raised == []
    assert documents.get("counters/a") == {"n": 5 * threads}


def test_commit__racing_creates_have_one_winner(documents: Documents):
    raised = in_threads(8, lambda n: documents.commit(Create("runs/a", {"winner": n})))

    assert [type(error) for error in raised] == [DocumentExists] * 7
    assert documents.get("runs/a") is not None


def test_blob__larger_than_a_document(documents: Documents):
    seed = 20261124
    print(f"seed {seed}")
    noise = random.Random(seed).randbytes(CHUNK_BYTES + 1).hex()
    content = {"noise": noise, "n": 1}

    digest = put_blob(documents, content)

    assert get_blob(documents, digest) == content
    assert put_blob(documents, {"n": 1.0, "noise": noise}) == digest
