"""Firestore and Pub/Sub under requests that make no sense: a status that says so, and no crash.

Bytes are random, or a valid request's with a few of them changed; the messages that Hypothesis
builds are well formed and absurd. A status that tells of a fault inside the server fails the test.
"""

from __future__ import annotations

import random

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulators.clock import MarketClock
from emulators.firestore import messages
from emulators.firestore.server import serve as serve_firestore
from emulators.firestore.transactions import TransactionLimits
from emulators.process import Options
from emulators.pubsub import protos
from emulators.pubsub.server import serve as serve_pubsub

SEED = 20261127
ROUNDS = 40
SECONDS = 0.2  # for calls that wait for what never comes
FAULTS = {
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,  # what a client makes of a status that is too long
}

DATABASE = "projects/p/databases/(default)"
DOCUMENT = f"{DATABASE}/documents/c/d"
TOPIC, SUBSCRIPTION = "projects/p/topics/runs", "projects/p/subscriptions/runs"
SCHEMA = {
    "name": "projects/p/schemas/readings",
    "type_": 2,
    "definition": '{"type": "map", "values": {"type": "array", "items": ["null", "string"]}}',
}
VALUES = {
    "whole": messages.Value(integer_value=-7),
    "text": messages.Value(string_value="æ"),
    "list": messages.Value(array_value={"values": [{"double_value": 1.5}]}),
    "map": messages.Value(map_value={"fields": {"a": {"null_value": 0}}}),
}
WRITE = {
    "update": {"name": DOCUMENT, "fields": VALUES},
    "update_mask": {"field_paths": ["whole", "map.a"]},
    "update_transforms": [{"field_path": "n", "increment": {"integer_value": 1}}],
    "current_document": {"exists": True},
}
QUERY = {
    "from_": [{"collection_id": "c", "all_descendants": True}],
    "where": {
        "field_filter": {"field": {"field_path": "n"}, "op": 3, "value": {"integer_value": 1}}
    },
    "order_by": [{"field": {"field_path": "n"}, "direction": 2}],
    "start_at": {"values": [{"integer_value": 1}], "before": True},
    "limit": {"value": 3},
}


FIRESTORE = {
    "GetDocument": messages.GetDocumentRequest(name=DOCUMENT, mask={"field_paths": ["a.b"]}),
    "ListDocuments": messages.ListDocumentsRequest(
        parent=f"{DATABASE}/documents", collection_id="c", page_size=2, show_missing=True
    ),
    "ListCollectionIds": messages.ListCollectionIdsRequest(parent=DOCUMENT, page_size=1),
    "CreateDocument": messages.CreateDocumentRequest(
        parent=f"{DATABASE}/documents", collection_id="c", document={"fields": VALUES}
    ),
    "UpdateDocument": messages.UpdateDocumentRequest(
        document={"name": DOCUMENT, "fields": VALUES}, update_mask={"field_paths": ["whole"]}
    ),
    "DeleteDocument": messages.DeleteDocumentRequest(name=DOCUMENT),
    "BatchGetDocuments": messages.BatchGetDocumentsRequest(database=DATABASE, documents=[DOCUMENT]),
    "BeginTransaction": messages.BeginTransactionRequest(
        database=DATABASE, options={"read_write": {"retry_transaction": b"x" * 16}}
    ),
    "Commit": messages.CommitRequest(database=DATABASE, writes=[WRITE]),
    "Rollback": messages.RollbackRequest(database=DATABASE, transaction=b"y" * 16),
    "BatchWrite": messages.BatchWriteRequest(database=DATABASE, writes=[WRITE]),
    "RunQuery": messages.RunQueryRequest(
        parent=f"{DATABASE}/documents", structured_query=QUERY, explain_options={"analyze": True}
    ),
    "RunAggregationQuery": messages.RunAggregationQueryRequest(
        parent=f"{DATABASE}/documents",
        structured_aggregation_query={
            "structured_query": QUERY,
            "aggregations": [{"alias": "n", "sum": {"field": {"field_path": "n"}}}],
        },
    ),
    "PartitionQuery": messages.PartitionQueryRequest(
        parent=f"{DATABASE}/documents", structured_query=QUERY, partition_count=3
    ),
    "Listen": messages.ListenRequest(
        database=DATABASE, add_target={"target_id": 1, "documents": {"documents": [DOCUMENT]}}
    ),
}
PUBSUB = {
    "Publisher/CreateTopic": protos.Topic(name=TOPIC, labels={"a": "b"}),
    "Publisher/UpdateTopic": protos.UpdateTopicRequest(
        topic={"name": TOPIC, "labels": {"a": "c"}}, update_mask={"paths": ["labels"]}
    ),
    "Publisher/GetTopic": protos.GetTopicRequest(topic=TOPIC),
    "Publisher/ListTopics": protos.ListTopicsRequest(project="projects/p", page_size=1),
    "Publisher/ListTopicSubscriptions": protos.ListTopicSubscriptionsRequest(topic=TOPIC),
    "Publisher/ListTopicSnapshots": protos.ListTopicSnapshotsRequest(topic=TOPIC),
    "Publisher/Publish": protos.PublishRequest(
        topic=TOPIC, messages=[{"data": b"x", "attributes": {"k": "v"}, "ordering_key": "o"}]
    ),
    "Subscriber/CreateSubscription": protos.Subscription(
        name=SUBSCRIPTION,
        topic=TOPIC,
        ack_deadline_seconds=10,
        filter='attributes.k = "v" AND NOT hasPrefix(attributes.l, "m")',
        retry_policy={"minimum_backoff": {"seconds": 1}},
        dead_letter_policy={"dead_letter_topic": TOPIC, "max_delivery_attempts": 5},
    ),
    "Subscriber/UpdateSubscription": protos.UpdateSubscriptionRequest(
        subscription={"name": SUBSCRIPTION, "ack_deadline_seconds": 20},
        update_mask={"paths": ["ack_deadline_seconds"]},
    ),
    "Subscriber/ListSubscriptions": protos.ListSubscriptionsRequest(project="projects/p"),
    "Subscriber/Pull": protos.PullRequest(subscription=SUBSCRIPTION, max_messages=2),
    "Subscriber/Acknowledge": protos.AcknowledgeRequest(
        subscription=SUBSCRIPTION, ack_ids=[f"{SUBSCRIPTION}:1"]
    ),
    "Subscriber/ModifyAckDeadline": protos.ModifyAckDeadlineRequest(
        subscription=SUBSCRIPTION, ack_ids=[f"{SUBSCRIPTION}:1"], ack_deadline_seconds=20
    ),
    "Subscriber/ModifyPushConfig": protos.ModifyPushConfigRequest(
        subscription=SUBSCRIPTION, push_config={"push_endpoint": "http://127.0.0.1:1/x"}
    ),
    "Subscriber/CreateSnapshot": protos.CreateSnapshotRequest(
        name="projects/p/snapshots/noon", subscription=SUBSCRIPTION
    ),
    "Subscriber/Seek": protos.SeekRequest(subscription=SUBSCRIPTION, time={"seconds": 1}),
    "Subscriber/StreamingPull": protos.StreamingPullRequest(
        subscription=SUBSCRIPTION, stream_ack_deadline_seconds=10
    ),
    "SchemaService/CreateSchema": protos.CreateSchemaRequest(
        parent="projects/p", schema_id="readings", schema=SCHEMA
    ),
    "SchemaService/GetSchema": protos.GetSchemaRequest(name=f"{SCHEMA['name']}@c7cfa2a8", view=1),
    "SchemaService/ListSchemas": protos.ListSchemasRequest(parent="projects/p", page_size=1),
    "SchemaService/ValidateMessage": protos.ValidateMessageRequest(
        parent="projects/p", schema=SCHEMA, message=b"\x02\x0aupper\x02\x04\x00", encoding=2
    ),
}
STREAMED = {"BatchGetDocuments", "RunQuery", "RunAggregationQuery"}
BOTH_WAYS = {"Listen", "Subscriber/StreamingPull"}


@pytest.fixture(scope="module")
def servers():
    """Both servers; gives a channel to each by the prefix of its services."""
    options = Options(0, None, MarketClock(None))
    running = {
        "google.firestore.v1.Firestore/": serve_firestore(options, TransactionLimits(0.05)),
        "google.pubsub.v1.": serve_pubsub(options),
    }
    channels = {
        prefix: grpc.insecure_channel(f"127.0.0.1:{server.port}")
        for prefix, server in running.items()
    }
    yield channels
    for channel in channels.values():
        channel.close()
    for server in running.values():
        server.stop()


CALLS = [
    *(("google.firestore.v1.Firestore/", name, request) for name, request in FIRESTORE.items()),
    *(("google.pubsub.v1.", name, request) for name, request in PUBSUB.items()),
]


def status_of(channel, path, name, content):
    """Send bytes to a method; return the status that it ends with."""
    try:
        if name in BOTH_WAYS:
            list(channel.stream_stream(path)(iter([content]), timeout=SECONDS))
        elif name in STREAMED:
            list(channel.unary_stream(path)(content, timeout=SECONDS))
        else:
            channel.unary_unary(path)(content, timeout=SECONDS)
    except grpc.RpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""


def damaged(request, rng):
    """Return a valid request's bytes with some of them changed, cut out, doubled or cut off."""
    content = bytearray(request.SerializeToString())
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(content) + 1)
        match rng.randrange(4):
            case 0 if at < len(content):
                content[at] = rng.randrange(256)
            case 1:
                del content[at : at + rng.randint(1, 4)]
            case 2:
                content[at:at] = content[at : at + rng.randint(1, 8)]
            case 3:
                del content[at:]
            case _:
                content.append(rng.randrange(256))
    return bytes(content)


@pytest.mark.parametrize(("service", "name", "request_message"), CALLS)
def test_bytes__that_make_no_sense_get_a_status(servers, service, name, request_message):
    print("seed", SEED)
    rng = random.Random(f"{SEED} {name}")
    channel, path = servers[service], f"/{service}{name}"
    waiting = name in BOTH_WAYS or name.endswith("Pull")
    for turn in range(ROUNDS // 4 if waiting else ROUNDS):
        content = (
            rng.randbytes(rng.randrange(64)) if turn % 4 == 0 else damaged(request_message, rng)
        )
        code, details = status_of(channel, path, name, content)
        assert code not in FAULTS, f"{name} {content!r}: {code} {details}"


KNOWN = st.sampled_from(["c", "d", "e"])
SEGMENTS = st.one_of(
    KNOWN,
    KNOWN,
    st.sampled_from([".", "..", "", "__x__", "__id7__", "__id99999999999999999999__"]),
    st.text(max_size=12),
    st.just("é" * 800),
)
NAMES = st.one_of(
    st.lists(SEGMENTS, max_size=6).map(lambda parts: "/".join([f"{DATABASE}/documents", *parts])),
    st.lists(SEGMENTS, max_size=8).map("/".join),
)
PATHS = st.one_of(
    st.sampled_from(["a", "b", "a.b"]),
    st.sampled_from(["a", "b", "a.b"]),
    st.sampled_from(["a", "a.b", "`a.b`", "__name__", "", ".", "a..b", "`", "`\\`", "a`b"]),
    st.text(max_size=12),
)
INTEGERS = st.integers(-(2**63), 2**63 - 1)


def value_messages():
    """Return Values of every type, nested, the reserved and unset ones included."""
    leaves = st.one_of(
        st.just({}),
        st.just({"null_value": 0}),
        st.booleans().map(lambda value: {"boolean_value": value}),
        INTEGERS.map(lambda value: {"integer_value": value}),
        st.floats().map(lambda value: {"double_value": value}),
        st.text(max_size=8).map(lambda value: {"string_value": value}),
        st.binary(max_size=8).map(lambda value: {"bytes_value": value}),
        NAMES.map(lambda value: {"reference_value": value}),
        INTEGERS.map(lambda value: {"timestamp_value": {"seconds": value, "nanos": 5}}),
        st.tuples(st.floats(), st.floats()).map(
            lambda point: {"geo_point_value": {"latitude": point[0], "longitude": point[1]}}
        ),
    )
    keys = st.one_of(
        st.sampled_from(["a", "b", "value"]), st.sampled_from(["", "__type__"]), st.text(max_size=6)
    )
    nested = st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda values: {"array_value": {"values": values}}),
            st.dictionaries(keys, inner, max_size=3).map(
                lambda fields: {"map_value": {"fields": fields}}
            ),
            st.lists(inner, max_size=3).map(
                lambda values: {
                    "map_value": {
                        "fields": {
                            "__type__": {"string_value": "__vector__"},
                            "value": {"array_value": {"values": values}},
                        }
                    }
                }
            ),
        ),
        max_leaves=6,
    )
    return nested.map(lambda fields: messages.Value(**fields))


VALUE_MESSAGES = value_messages()
OPERATORS = st.integers(0, 11)
FIELD_FILTERS = st.builds(
    lambda path, op, value: {
        "field_filter": {"field": {"field_path": path}, "op": op, "value": value}
    },
    PATHS,
    OPERATORS,
    VALUE_MESSAGES,
)
FILTERS = st.recursive(
    st.one_of(
        FIELD_FILTERS,
        st.builds(
            lambda path, op: {"unary_filter": {"field": {"field_path": path}, "op": op}},
            PATHS,
            st.integers(0, 6),
        ),
        st.just({}),
    ),
    lambda inner: st.builds(
        lambda op, filters: {"composite_filter": {"op": op, "filters": filters}},
        st.integers(0, 3),
        st.lists(inner, max_size=3),
    ),
    max_leaves=5,
)
CURSORS = st.builds(
    lambda values, before: {"values": values, "before": before},
    st.lists(VALUE_MESSAGES, max_size=3),
    st.booleans(),
)
QUERIES = st.fixed_dictionaries(
    {
        "from_": st.lists(
            st.fixed_dictionaries({"collection_id": SEGMENTS, "all_descendants": st.booleans()}),
            min_size=1,
            max_size=1,
        )
    },
    optional={
        "where": FILTERS,
        "order_by": st.lists(
            st.builds(
                lambda path, way: {"field": {"field_path": path}, "direction": way},
                PATHS,
                st.integers(0, 3),
            ),
            max_size=3,
        ),
        "start_at": CURSORS,
        "end_at": CURSORS,
        "offset": st.integers(-2, 3),
        "limit": st.integers(-2, 3).map(lambda value: {"value": value}),
        "select": st.lists(PATHS, max_size=2).map(
            lambda paths: {"fields": [{"field_path": path} for path in paths]}
        ),
        "find_nearest": st.builds(
            lambda path, vector, measure, limit: {
                "vector_field": {"field_path": path},
                "query_vector": vector,
                "distance_measure": measure,
                "limit": {"value": limit},
                "distance_result_field": path,
            },
            PATHS,
            VALUE_MESSAGES,
            st.integers(0, 4),
            st.integers(-1, 5),
        ),
    },
)
FIELDS = st.dictionaries(
    st.one_of(st.sampled_from(["a", "b", "c"]), st.text(max_size=6)), VALUE_MESSAGES, max_size=4
)
TRANSFORMS = st.builds(
    lambda path, kind, value: {"field_path": path, kind: value},
    PATHS,
    st.sampled_from(["increment", "maximum", "minimum"]),
    VALUE_MESSAGES,
)
WRITES = st.builds(
    lambda name, fields, mask, transforms: {
        "update": {"name": name, "fields": fields},
        "update_transforms": transforms,
        **({} if mask is None else {"update_mask": {"field_paths": mask}}),
    },
    st.one_of(st.just(DOCUMENT), NAMES),
    FIELDS,
    st.one_of(st.none(), st.lists(PATHS, max_size=3)),
    st.lists(TRANSFORMS, max_size=2),
)
FIRESTORE_SERVICE = "google.firestore.v1.Firestore/"


def refused_at_most(channel, name, message):
    code, details = status_of(
        channel, f"/{FIRESTORE_SERVICE}{name}", name, message.SerializeToString()
    )
    assert code not in FAULTS, f"{name}: {code} {details}\n{message}"
    return code


@settings(max_examples=200, deadline=None, database=None)
@given(writes=st.lists(WRITES, max_size=3))
def test_writes__absurd_ones_are_stored_or_refused(servers, writes):
    channel = servers[FIRESTORE_SERVICE]
    refused_at_most(channel, "Commit", messages.CommitRequest(database=DATABASE, writes=writes))
    refused_at_most(
        channel, "BatchWrite", messages.BatchWriteRequest(database=DATABASE, writes=writes)
    )


@settings(max_examples=200, deadline=None, database=None)
@given(parent=st.one_of(st.just(f"{DATABASE}/documents"), NAMES), fields=QUERIES)
def test_queries__absurd_ones_are_answered_or_refused(servers, parent, fields):
    channel = servers[FIRESTORE_SERVICE]
    refused_at_most(
        channel, "RunQuery", messages.RunQueryRequest(parent=parent, structured_query=fields)
    )


@settings(max_examples=200, deadline=None, database=None)
@given(fields=FIELDS)
def test_documents__come_back_as_they_were_stored(servers, fields):
    channel = servers[FIRESTORE_SERVICE]
    write = {"update": {"name": DOCUMENT, "fields": fields}}
    made = refused_at_most(
        channel, "Commit", messages.CommitRequest(database=DATABASE, writes=[write])
    )
    if made is not grpc.StatusCode.OK:
        return
    content = messages.GetDocumentRequest(name=DOCUMENT).SerializeToString()
    read = channel.unary_unary(f"/{FIRESTORE_SERVICE}GetDocument")(content)
    stored = messages.Document.FromString(read)
    expected = messages.Document(fields=fields)
    assert rounded(stored.fields) == rounded(expected.fields)


def rounded(fields):
    """Return fields as bytes, with timestamps to the microsecond as Firestore keeps them."""
    document = messages.Document(fields=dict(fields))
    for value in document.fields.values():
        cut(value)
    return document.SerializeToString(deterministic=True)


def cut(value):
    match value.WhichOneof("value_type"):
        case "timestamp_value":
            value.timestamp_value.nanos -= value.timestamp_value.nanos % 1_000
        case "array_value":
            for element in value.array_value.values:
                cut(element)
        case "map_value":
            for inner in value.map_value.fields.values():
                cut(inner)


def test_servers__still_work_afterwards(servers):
    channel = servers["google.pubsub.v1."]
    name = protos.Topic(name="projects/p/topics/after").SerializeToString()
    made = channel.unary_unary("/google.pubsub.v1.Publisher/CreateTopic")(name)
    assert protos.Topic.FromString(made).name == "projects/p/topics/after"
    write = {"update": {"name": f"{DATABASE}/documents/after/all", "fields": VALUES}}
    commit = messages.CommitRequest(database=DATABASE, writes=[write]).SerializeToString()
    answer = servers[FIRESTORE_SERVICE].unary_unary(f"/{FIRESTORE_SERVICE}Commit")(commit)
    assert len(messages.CommitResponse.FromString(answer).write_results) == 1
