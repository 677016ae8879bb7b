"""Nearest neighbours, partitions, query explain and groups beneath a document, by Google's client."""

from __future__ import annotations

import math
from itertools import chain

import pytest
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_vector_query import DistanceMeasure
from google.cloud.firestore_v1.query_profile import ExplainOptions
from google.cloud.firestore_v1.vector import Vector

ASKED = Vector([1.0, 1.0])


@pytest.fixture
def lakes(client):
    """Lakes with vectors, one of another length, one that is a plain array, one without."""
    vectors = {
        "north": Vector([1.0, 0.0]),
        "south": Vector([0.0, 1.0]),
        "far": Vector([2.0, 2.0]),
        "against": Vector([-1.0, -1.0]),
        "nowhere": Vector([0.0, 0.0]),
        "deep": Vector([1.0, 1.0, 1.0]),
        "array": [1.0, 1.0],
    }
    batch = client.batch()
    for name, vector in vectors.items():
        batch.set(
            client.document(f"lakes/{name}"), {"at": vector, "in": {"at": vector}, "d": "old"}
        )
    batch.set(client.document("lakes/none"), {"level": 1})
    batch.commit()
    return client.collection("lakes")


def nearest(lakes, measure, *, limit=10, field="at", **options):
    search = lakes.find_nearest(
        field, ASKED, limit=limit, distance_measure=measure, distance_result_field="d", **options
    )
    return [(found.id, found.get("d")) for found in search.get()]


def test_find_nearest__euclidean_ties_are_in_name_order(lakes):
    assert nearest(lakes, DistanceMeasure.EUCLIDEAN) == [
        ("north", 1.0),
        ("south", 1.0),
        ("far", pytest.approx(math.sqrt(2))),
        ("nowhere", pytest.approx(math.sqrt(2))),
        ("against", pytest.approx(math.sqrt(8))),
    ]


def test_find_nearest__cosine_of_a_zero_vector_comes_last(lakes):
    found = nearest(lakes, DistanceMeasure.COSINE, field="in.at")
    assert [name for name, _ in found] == ["far", "north", "south", "against", "nowhere"]
    assert found[0][1] == pytest.approx(0.0)
    assert math.isnan(found[-1][1])


def test_find_nearest__dot_product_is_largest_first(lakes):
    found = nearest(lakes, DistanceMeasure.DOT_PRODUCT, limit=3)
    assert found == [("far", 4.0), ("north", 1.0), ("south", 1.0)]


@pytest.mark.parametrize(
    ("measure", "threshold", "expected"),
    [
        (DistanceMeasure.EUCLIDEAN, 1.0, ["north", "south"]),
        (DistanceMeasure.EUCLIDEAN, 0.5, []),
        (DistanceMeasure.DOT_PRODUCT, 1.5, ["far"]),
    ],
)
def test_find_nearest__stays_within_the_threshold(lakes, measure, threshold, expected):
    found = nearest(lakes, measure, distance_threshold=threshold)
    assert [name for name, _ in found] == expected


@pytest.mark.parametrize(
    ("vector", "options", "error"),
    [
        (Vector([]), {}, "1 to 2048 dimensions, not 0"),
        (Vector([0.0] * 2_049), {}, "not 2049"),
        (ASKED, {"limit": 1_001}, "no more than 1000, not 1001"),
        (ASKED, {"limit": 0}, "not 0"),
        (ASKED, {"distance_result_field": "__d__"}, '"__d__" is reserved'),
    ],
)
def test_find_nearest__impossible_is_refused(lakes, vector, options, error):
    asked = {"limit": 1, "distance_measure": DistanceMeasure.COSINE} | options
    with pytest.raises(exceptions.InvalidArgument, match=error):
        lakes.find_nearest("at", vector, **asked).get()


def filled_group(client, documents):
    parents = ["", "plants/a/", "plants/b/"]
    paths = [f"{parents[n % 3]}gauges/g{n:03}" for n in range(documents)]
    batch = client.batch()
    for path in paths:
        batch.set(client.document(path), {"n": 1})
    batch.commit()
    return paths


@pytest.mark.parametrize(("documents", "parts"), [(5, 1), (255, 1), (256, 2), (400, 3)])
def test_partitions__of_128_documents_or_more_cover_the_group(client, documents, parts):
    paths = filled_group(client, documents)
    partitions = list(client.collection_group("gauges").get_partitions(5))
    found = [[one.reference.path for one in part.query().stream()] for part in partitions]
    assert len(partitions) == parts
    assert all(len(part) >= min(documents, 128) for part in found)
    assert sorted(chain(*found)) == sorted(paths)


def test_partitions__are_at_most_those_asked_for_and_come_in_pages(client):
    filled_group(client, 400)
    query = client.collection_group("gauges").order_by("__name__")
    api = client._firestore_api
    request = {
        "parent": client._database_string + "/documents",
        "structured_query": query._to_protobuf(),
        "partition_count": 2,
        "page_size": 1,
    }
    pages = list(api.partition_query(request=request, metadata=client._rpc_metadata).pages)
    assert [len(page.partitions) for page in pages] == [1, 1]
    names = [page.partitions[0].values[0].reference_value for page in pages]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"partition_count": 0}, "partition_count must be positive, not 0"),
        ({"page_size": -1}, "nonnegative"),
        ({"page_token": "²"}, "Invalid page token"),
        ({"structured_query": {"from_": [{"collection_id": "gauges"}]}}, "single collection group"),
        ({"limit": 3}, "cannot have 'limit'"),
        ({"order": "n"}, "__name__ ascending"),
    ],
)
def test_partitions__of_what_cannot_be_cut_are_refused(client, change, error):
    selector = {"collection_id": "gauges", "all_descendants": True}
    query = {"from_": [selector], "limit": change.pop("limit", None)}
    if "order" in change:
        query["order_by"] = [{"field": {"field_path": change.pop("order")}, "direction": 1}]
    request = {
        "parent": client._database_string + "/documents",
        "structured_query": query,
        "partition_count": 3,
        **change,
    }
    with pytest.raises(exceptions.InvalidArgument, match=error):
        list(client._firestore_api.partition_query(request=request, metadata=client._rpc_metadata))


def test_explain__plans_without_running(lakes):
    explained = lakes.where(filter=firestore.FieldFilter("d", "==", "old")).get(
        explain_options=ExplainOptions(analyze=False)
    )
    assert list(explained) == []
    metrics = explained.get_explain_metrics()
    assert metrics.plan_summary.indexes_used == [
        {"query_scope": "Collection", "properties": "(__name__ ASC)"}
    ]


def test_explain__analyze_runs_and_counts(lakes):
    query = lakes.where(filter=firestore.FieldFilter("d", "==", "old"))
    explained = query.get(explain_options=ExplainOptions(analyze=True))
    assert len(list(explained)) == 7
    stats = explained.get_explain_metrics().execution_stats
    assert stats.results_returned == stats.read_operations == 7
    assert stats.debug_stats == {"documents_scanned": "8"}
    counted = query.count().get(explain_options=ExplainOptions(analyze=True))
    assert next(iter(counted))[0].value == 7
    assert counted.get_explain_metrics().execution_stats.results_returned == 1


def beneath(client, collection_id="gauges"):
    """Return a query for the group beneath one document, which the client has no method for."""
    group = client.collection_group(collection_id)
    group._parent = client.collection("plants").document("a").collection(collection_id)
    return group


def test_group__beneath_a_document_comes_in_name_order(client):
    client.document("plants/a/gauges/1").set({"n": 1})
    client.document("plants/a/units/u/gauges/2").set({"n": 2})
    client.document("plants/b/gauges/3").set({"n": 3})
    assert [found.id for found in beneath(client).stream()] == ["1", "2"]


@pytest.mark.parametrize(
    ("change", "code", "error"),
    [
        (lambda query: query.order_by("n"), 400, "only allowed at the root parent"),
        (
            lambda query: query.where(filter=firestore.FieldFilter("n", ">", 1)),
            400,
            "only allowed at the root parent",
        ),
        (
            lambda query: query.order_by("__name__", direction="DESCENDING"),
            400,
            "ascending primary key scan",
        ),
        (lambda query: query.avg("n"), 400, "requires an index that has fields \\[n\\]"),
    ],
)
def test_group__beneath_a_document_by_a_field_is_refused(client, change, code, error):
    with pytest.raises(exceptions.GoogleAPICallError, match=error) as refused:
        change(beneath(client)).get()
    assert refused.value.code == code
