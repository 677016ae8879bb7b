"""The REST form of Firestore: Google's paths and JSON, refusals, and emptying a database."""

from __future__ import annotations

import json
import time
from itertools import count
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from google.cloud import firestore

NUMBERS = count()


@pytest.fixture
def database():
    """The name of a database of its own."""
    return f"projects/p/databases/rest-{next(NUMBERS)}"


@pytest.fixture
def call(server, database):
    """Send a request; return the status and the JSON of its answer."""

    def call(method, path, body=None, *, content=None, prefix="v1"):
        url = f"http://127.0.0.1:{server.rest_port}/{prefix}/{database}{path}"
        data = content if body is None else json.dumps(body).encode()
        try:
            with urlopen(Request(url, data, method=method)) as answer:
                return answer.status, json.load(answer)
        except HTTPError as refused:
            return refused.code, json.load(refused)

    return call


VALUES = {
    "null": {"nullValue": None},
    "yes": {"booleanValue": True},
    "whole": {"integerValue": "9223372036854775807"},
    "real": {"doubleValue": 1.5},
    "nan": {"doubleValue": "NaN"},
    "text": {"stringValue": 'æ "/" \U0001f600'},
    "bytes": {"bytesValue": "AQI="},
    "when": {"timestampValue": "2026-11-27T09:30:00.000123Z"},
    "where": {"geoPointValue": {"latitude": 59.9, "longitude": 10.7}},
    "list": {"arrayValue": {"values": [{"integerValue": "1"}]}},
    "map": {"mapValue": {"fields": {"a": {"stringValue": "b"}}}},
}


def test_document__is_created_read_changed_and_deleted(call, database):
    status, made = call("POST", "/documents/runs?documentId=r1", {"fields": VALUES})
    assert (status, made["fields"]) == (200, VALUES)
    assert made["name"] == f"{database}/documents/runs/r1"
    assert call("GET", "/documents/runs/r1") == (200, made)

    changed = {"fields": {"real": {"doubleValue": 2.5}, "yes": {"booleanValue": False}}}
    status, document = call("PATCH", "/documents/runs/r1?updateMask.fieldPaths=real", changed)
    assert (status, document["fields"]) == (200, VALUES | {"real": {"doubleValue": 2.5}})
    assert document["createTime"] == made["createTime"] < document["updateTime"]

    mask = "mask.fieldPaths=yes&mask.fieldPaths=map.a"
    _, masked = call("GET", f"/documents/runs/r1?{mask}")
    assert masked["fields"] == {"yes": VALUES["yes"], "map": VALUES["map"]}
    assert call("DELETE", "/documents/runs/r1") == (200, {})
    assert call("GET", "/documents/runs/r1")[0] == 404


def test_document__preconditions_hold(call):
    status, refused = call("PATCH", "/documents/runs/r1?currentDocument.exists=true", {})
    assert (status, refused["error"]["status"]) == (404, "NOT_FOUND")
    assert call("POST", "/documents/runs?documentId=r1", {})[0] == 200
    status, refused = call("POST", "/documents/runs?documentId=r1", {})
    assert (status, refused["error"]["status"]) == (409, "ALREADY_EXISTS")
    stale = "currentDocument.updateTime=2020-01-01T00:00:00Z"
    status, refused = call("DELETE", f"/documents/runs/r1?{stale}")
    assert (status, refused["error"]["status"]) == (400, "FAILED_PRECONDITION")


def test_collection__is_listed_in_pages(call):
    for number in range(3):
        call("POST", f"/documents/runs/r/tasks?documentId=t{number}", {})
    _, page = call("GET", "/documents/runs/r/tasks?pageSize=2")
    _, rest = call("GET", f"/documents/runs/r/tasks?pageToken={page['nextPageToken']}")
    names = [one["name"].rsplit("/", 1)[1] for one in page["documents"] + rest["documents"]]
    assert names == ["t0", "t1", "t2"]
    assert call("GET", "/documents/runs?showMissing=true")[1]["documents"][0].keys() == {"name"}
    assert call("POST", "/documents/runs/r:listCollectionIds", {})[1] == {
        "collectionIds": ["tasks"]
    }


def test_transaction__commits_and_rolls_back(call, database):
    name = f"{database}/documents/runs/r1"
    _, begun = call("POST", "/documents:beginTransaction", {})
    body = {"documents": [name], "transaction": begun["transaction"]}
    assert call("POST", "/documents:batchGet", body)[1][0]["missing"] == name
    write = {"update": {"name": name, "fields": {"n": {"integerValue": "1"}}}}
    _, made = call(
        "POST", "/documents:commit", {"writes": [write], "transaction": begun["transaction"]}
    )
    assert made["writeResults"][0]["updateTime"] == made["commitTime"]
    _, begun = call("POST", "/documents:beginTransaction", {"options": {"readOnly": {}}})
    assert call("POST", "/documents:rollback", begun) == (200, {})


def test_query__streams_as_a_list(call):
    for number in (3, 1, 2):
        body = {"fields": {"n": {"integerValue": str(number)}}}
        call("POST", "/documents/runs", body)
    query = {"from": [{"collectionId": "runs"}], "orderBy": [{"field": {"fieldPath": "n"}}]}
    _, found = call("POST", "/documents:runQuery", {"structuredQuery": query})
    assert [one["document"]["fields"]["n"]["integerValue"] for one in found] == ["1", "2", "3"]
    asked = {"structuredQuery": query, "aggregations": [{"alias": "n", "count": {}}]}
    _, counted = call(
        "POST", "/documents:runAggregationQuery", {"structuredAggregationQuery": asked}
    )
    assert counted[0]["result"]["aggregateFields"]["n"] == {"integerValue": "3"}


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("GET", "/documents/runs/r1/tasks/..", None, 400, "INVALID_ARGUMENT"),
        ("GET", "/documents/runs?pageSize=many", None, 400, "INVALID_ARGUMENT"),
        ("GET", "/documents/runs/r?mask=x&mask.fieldPaths=y", None, 400, "INVALID_ARGUMENT"),
        ("POST", "/documents:commit", b"{", 400, "INVALID_ARGUMENT"),
        ("POST", "/documents:commit", b"[]", 400, "INVALID_ARGUMENT"),
        ("POST", "/documents:commit", b"[" * 100_000, 400, "INVALID_ARGUMENT"),
        ("POST", "/documents:commit", b'{"wrong": 1}', 400, "INVALID_ARGUMENT"),
        ("POST", "/documents:commit", b" " * 10_485_761, 400, "INVALID_ARGUMENT"),
        ("POST", "/documents:conjure", b"{}", 404, "NOT_FOUND"),
        ("PATCH", "/documents/runs", b"{}", 404, "NOT_FOUND"),
        ("DELETE", "", None, 404, "NOT_FOUND"),
    ],
)
def test_request__that_is_wrong_gets_googles_error(call, method, path, content, status, code):
    answered, body = call(method, path, content=content)
    error = body["error"]
    assert (answered, error["code"], error["status"]) == (status, status, code)
    assert error["message"]


def test_emptying__forgets_one_database_and_tells_listeners(call, server, database, monkeypatch):
    call("POST", "/documents/runs?documentId=r1", {})
    call("POST", "/documents/runs/r1/tasks?documentId=t1", {})
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{server.port}")
    name = database.rsplit("/", 1)[1]
    client = firestore.Client(project="p", database=name)
    other = firestore.Client(project="p", database="another")
    other.document("runs/r1").set({})
    sizes = []
    watch = client.collection("runs").on_snapshot(lambda seen, *_: sizes.append(len(seen)))
    wait_until(lambda: sizes == [1])
    assert call("DELETE", "/documents", prefix="emulator/v1") == (200, {})
    wait_until(lambda: sizes == [1, 0])
    watch.unsubscribe()
    assert not client.document("runs/r1/tasks/t1").get().exists
    assert other.document("runs/r1").get().exists
    client.close()
    other.close()


def wait_until(condition, seconds=10.0):
    """Return when the condition holds; fail after the seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
