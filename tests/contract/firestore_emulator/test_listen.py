"""Snapshot listeners through Google's client: the first picture, and every commit after it."""

from __future__ import annotations

import queue
from contextlib import contextmanager

import pytest
from google.cloud.firestore import FieldFilter


@contextmanager
def listening(target):
    """Follow a document or query; yield a function that returns the next snapshot it gets."""
    snapshots = queue.Queue()

    def received(documents, changes, _read_time):
        changed = sorted((change.type.name, change.document.id) for change in changes)
        snapshots.put(([document.id for document in documents], changed))

    watch = target.on_snapshot(received)
    try:
        yield lambda: snapshots.get(timeout=5)
    finally:
        watch.unsubscribe()
    assert snapshots.empty()


def test_listen__document_comes_changes_and_goes(client):
    reference = client.document("c/d")
    with listening(reference) as following:
        assert following() == ([], [])
        reference.set({"n": 1})
        assert following() == (["d"], [("ADDED", "d")])
        client.document("c/other").set({"n": 1})
        reference.set({"n": 1})  # changes nothing
        reference.set({"n": 2})
        assert following() == (["d"], [("MODIFIED", "d")])
        reference.delete()
        assert following() == ([], [("REMOVED", "d")])


def test_listen__query_hears_of_what_enters_and_leaves_it(client):
    for number in range(3):
        client.document(f"c/d{number}").set({"n": number})
    query = client.collection("c").where(filter=FieldFilter("n", ">", 0)).order_by("n")
    with listening(query) as following:
        assert following() == (["d1", "d2"], [("ADDED", "d1"), ("ADDED", "d2")])
        client.document("c/d1/beneath/x").set({"n": 5})
        batch = client.batch()
        batch.set(client.document("c/d0"), {"n": 9})
        batch.update(client.document("c/d1"), {"n": -1})
        batch.delete(client.document("c/d2"))
        batch.commit()
        expected = [("ADDED", "d0"), ("REMOVED", "d1"), ("REMOVED", "d2")]
        assert following() == (["d0"], expected)


def test_listen__limit_lets_the_next_one_in(client):
    for number in range(3):
        client.document(f"c/d{number}").set({"n": number})
    with listening(client.collection("c").order_by("n").limit(2)) as following:
        assert following()[0] == ["d0", "d1"]
        client.document("c/d0").delete()
        assert following() == (["d1", "d2"], [("ADDED", "d2"), ("REMOVED", "d0")])


def test_listen__transaction_that_fails_is_not_heard_of(client):
    reference = client.document("c/d")
    with listening(client.collection("c")) as following:
        assert following() == ([], [])
        batch = client.batch()
        batch.set(reference, {"n": 1})
        batch.update(client.document("c/missing"), {"n": 1})
        with pytest.raises(Exception, match="No document to update"):
            batch.commit()
        client.document("c/e").set({"n": 1})
        assert following() == (["e"], [("ADDED", "e")])
