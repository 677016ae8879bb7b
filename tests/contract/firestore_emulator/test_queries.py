"""Queries through Google's client: order across types, filters, cursors, groups, aggregations."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore import And, FieldFilter, Or
from google.cloud.firestore_v1.vector import Vector
from hypothesis import given
from hypothesis import strategies as st

from emulators.firestore.names import decode, encode

# In the order of Google's documentation; equals share an entry.
ORDERED = [
    [None],
    [False],
    [True],
    [math.nan],
    [-math.inf],
    [-1],
    [-0.0, 0],
    [0.5],
    [1, 1.0],
    [2.0**53],
    [2**53 + 1],
    [math.inf],
    [datetime(2026, 1, 1, tzinfo=UTC)],
    [datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)],
    [""],
    ["a"],
    ["aa"],
    ["\uffff"],
    ["\U0001f600"],
    [b"\x01"],
    [b"\x01\x00"],
    [firestore.GeoPoint(1, 2)],
    [[]],
    [[None]],
    [[1], [1.0]],
    [[1, 2]],
    [[2]],
    [["a", None]],
    [Vector([1.0, 2.0])],
    [Vector([0.0, 0.0, 0.0])],
    [{}],
    [{"a": 1}, {"a": 1.0}],
    [{"a": 1, "b": 0}],
    [{"b": 0}],
]
RANK = {
    f"{position:02}-{number}": position
    for position, equals in enumerate(ORDERED)
    for number in range(len(equals))
}


@pytest.fixture(scope="module")
def types(open_client):
    """A collection with a document for every value of ORDERED, and one without the field."""
    client = open_client()
    batch = client.batch()
    for position, equals in enumerate(ORDERED):
        for number, value in enumerate(equals):
            batch.set(client.document(f"types/{position:02}-{number}"), {"v": value})
    batch.set(client.document("types/without"), {"other": 1})
    batch.commit()
    return client.collection("types")


@pytest.fixture(scope="module")
def runs(open_client):
    """Runs of three assets, with scenarios beneath them."""
    client = open_client()
    batch = client.batch()
    for number, (asset, price, tags) in enumerate(
        [("a", 10, ["x", "y"]), ("a", 20, ["y"]), ("b", 20, []), ("b", 5, ["x"]), ("c", 20, ["z"])]
    ):
        run = client.document(f"runs/r{number}")
        batch.set(run, {"asset": asset, "price": price, "tags": tags, "deep": {"n": number}})
        batch.set(run.collection("scenarios").document("s"), {"n": number})
    batch.commit()
    return client


def ids(query):
    return [snapshot.id for snapshot in query.stream()]


def where(*filters):
    return And([FieldFilter(*each) for each in filters])


@pytest.mark.parametrize("direction", ["ASCENDING", "DESCENDING"])
def test_order__runs_across_types_and_leaves_out_what_lacks_the_field(types, direction):
    found = ids(types.order_by("v", direction=direction))
    assert "without" not in found
    assert found == sorted(
        RANK, reverse=direction == "DESCENDING", key=lambda name: (RANK[name], name)
    )


@pytest.mark.parametrize("position", range(len(ORDERED)))
def test_filter__equality_crosses_integers_and_doubles_only(types, position):
    for value in ORDERED[position]:
        expected = [name for name, rank in RANK.items() if rank == position]
        # The client turns equality with null and NaN into the unary filters.
        assert ids(types.where(filter=FieldFilter("v", "==", value))) == expected


def test_filter__inequality_leaves_out_null_and_missing(types):
    found = ids(types.where(filter=FieldFilter("v", "!=", 1)))
    assert found == [
        name for name, rank in RANK.items() if rank not in (0, ORDERED.index([1, 1.0]))
    ]


@pytest.mark.parametrize(
    ("operator", "bound", "expected"),
    [
        ("<", 1, [-math.inf, -1, -0.0, 0.5]),
        (">=", 2**53, [2.0**53, 2**53 + 1, math.inf]),
        (">", "a", ["aa", "\uffff", "\U0001f600"]),
        ("<=", [1], [[], [None], [1]]),
        (">", {}, [{"a": 1}, {"a": 1, "b": 0}, {"b": 0}]),
        ("<", True, [False]),
    ],
)
def test_filter__range_stays_within_its_type(types, operator, bound, expected):
    found = ids(types.where(filter=FieldFilter("v", operator, bound)))
    assert [ORDERED[rank][0] for rank in dict.fromkeys(RANK[name] for name in found)] == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (where(("asset", "==", "a"), ("price", ">", 10)), ["r1"]),
        (Or([where(("price", "<", 6)), where(("asset", "==", "c"))]), ["r3", "r4"]),
        (where(("asset", "in", ["b", "c"])), ["r2", "r3", "r4"]),
        (where(("asset", "not-in", ["b", "c"])), ["r0", "r1"]),
        (where(("tags", "array_contains", "x")), ["r0", "r3"]),
        (where(("tags", "array_contains_any", ["z", "x"])), ["r0", "r3", "r4"]),
        (where(("deep.n", "<=", 1)), ["r0", "r1"]),
        (where(("price", ">", 5), ("deep.n", ">", 1)), ["r2", "r4"]),
    ],
)
def test_filter__combines_fields(runs, condition, expected):
    assert ids(runs.collection("runs").where(filter=condition)) == expected


@pytest.mark.parametrize(
    ("condition", "error"),
    [
        (where(("asset", "in", list("abcdefghijklmnopqrstuvwxyz12345"))), "up to 30"),
        (where(("asset", "in", [])), "non-empty ArrayValue"),
        (where(("asset", "not-in", ["a"]), ("price", "in", [1])), "NOT_IN"),
        (where(("asset", "!=", "a"), ("price", "!=", 1)), "Only a single 'NOT_EQUAL'"),
        (where(("tags", "array_contains", "x"), ("tags", "array_contains", "y")), "A maximum of 1"),
        (
            where(("asset", "in", list("abcdefgh")), ("price", "in", [1, 2, 3, 4])),
            "32 disjunctions",
        ),
    ],
)
def test_filter__that_one_query_cannot_hold_is_refused(runs, condition, error):
    with pytest.raises(exceptions.BadRequest, match=error):
        ids(runs.collection("runs").where(filter=condition))


def test_order__by_two_fields_and_the_name(runs):
    query = runs.collection("runs").order_by("price", direction="DESCENDING").order_by("asset")
    assert ids(query) == ["r1", "r2", "r4", "r0", "r3"]
    assert ids(query.limit(2).offset(1)) == ["r2", "r4"]
    assert ids(runs.collection("runs").order_by("__name__", direction="DESCENDING").limit(1)) == [
        "r4"
    ]


def test_cursor__bounds_by_values_and_by_documents(runs):
    query = runs.collection("runs").order_by("price")
    assert ids(query.start_at({"price": 10}).end_before({"price": 20})) == ["r0"]
    assert ids(query.start_after({"price": 10})) == ["r1", "r2", "r4"]
    assert ids(query.start_after(runs.document("runs/r1").get())) == ["r2", "r4"]
    assert [snapshot.id for snapshot in query.limit_to_last(2).get()] == ["r2", "r4"]


def test_select__returns_the_named_fields_alone(runs):
    (found,) = runs.collection("runs").select(["deep.n", "asset"]).limit(1).stream()
    assert found.to_dict() == {"deep": {"n": 0}, "asset": "a"}
    (bare,) = runs.collection("runs").select([]).limit(1).stream()
    assert bare.to_dict() == {}


def test_collection__does_not_show_what_lies_beneath(runs):
    assert ids(runs.collection("runs")) == ["r0", "r1", "r2", "r3", "r4"]
    assert ids(runs.document("runs/r1").collection("scenarios")) == ["s"]


def test_collection_group__finds_every_collection_of_that_id(runs):
    group = runs.collection_group("scenarios")
    assert [snapshot.get("n") for snapshot in group.stream()] == [0, 1, 2, 3, 4]
    assert [
        snapshot.get("n") for snapshot in group.where(filter=FieldFilter("n", ">", 2)).stream()
    ] == [3, 4]


def test_aggregation__counts_sums_and_averages(runs):
    query = runs.collection("runs").where(filter=FieldFilter("asset", "in", ["a", "b"]))
    counted = query.count(alias="n").sum("price", alias="sum").avg("price", alias="avg")
    (result,) = counted.get()
    assert {each.alias: each.value for each in result} == {"n": 4, "sum": 55, "avg": 13.75}
    ((limited,),) = runs.collection("runs").limit(2).sum("price").get()
    assert limited.value == 15  # the two lowest, as from an index over the field


def test_aggregation__sum_leaves_integers_when_64_bits_do_not_hold_it(client):
    for number, value in enumerate([2**63 - 1, 1]):
        client.document(f"c/d{number}").set({"v": value})
    ((total,),) = client.collection("c").sum("v").get()
    assert total.value == 2.0**63
    client.document("c/d2").set({"v": -1})
    ((total,),) = client.collection("c").sum("v").get()
    assert total.value == 2**63 - 1


def test_listing__shows_missing_documents_and_collections_in_pages(client):
    for path in ("c/a", "c/b/sub/x", "c/b/sub2/y", "c/d", "c/d/sub/z", "ghost/g/deep/x"):
        client.document(path).set({"n": 1})
    assert [found.id for found in client.collection("c").list_documents(page_size=1)] == [
        "a",
        "b",
        "d",
    ]
    assert [found.id for found in client.collections()] == ["c", "ghost"]
    assert [found.id for found in client.document("c/b").collections()] == ["sub", "sub2"]
    assert client.recursive_delete(client.collection("c")) == 5
    assert [found.id for found in client.collections()] == ["ghost"]


segments = st.one_of(
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1, max_size=4
    ),
    st.integers(-(2**63), 2**63 - 1).map("__id{}__".format),
)
paths = st.lists(segments, max_size=4).map(tuple)


def name_order(path):
    """The order that Google documents for names, said another way than by bytes."""
    return [
        (0, int(segment[4:-2]), "") if segment.startswith("__id") else (1, 0, segment.encode())
        for segment in path
    ]


@given(paths, paths)
def test_encoded_name__sorts_as_names_do_and_reads_back(left, right):
    assert decode(encode(left)) == left
    assert (encode(left) < encode(right)) == (name_order(left) < name_order(right))
