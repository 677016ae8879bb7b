"""The local Pub/Sub's schemas through Google's own clients: revisions, and topics bound to them."""

import json
import struct
from contextlib import suppress

import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.pubsub_v1.types import Encoding, Schema, SchemaView
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulators.clock import MarketClock
from emulators.process import Options
from emulators.pubsub.schema_avro import AvroDefinition
from emulators.pubsub.schema_proto import ProtoDefinition
from emulators.pubsub.server import serve

PROJECT = "projects/p"
LEVEL = {"name": "level", "type": "double"}
AVRO = {"type": "record", "name": "Reading", "fields": [{"name": "lake", "type": "string"}, LEVEL]}
WITH_UNIT = AVRO | {
    "fields": [*AVRO["fields"], {"name": "unit", "type": "string", "default": "masl"}]
}
PROTO = 'syntax = "proto3"; message Reading { string lake = 1; double level = 2; }'
VALUE = json.dumps({"lake": "upper", "level": 900.5}).encode()
BINARY = bytes([10]) + b"upper" + struct.pack("<d", 900.5)


class Cloud:
    """A server on a folder with the three clients, which can be stopped and started."""

    def __init__(self, folder):
        self._options = Options(0, folder, MarketClock(None))
        self.start()

    def start(self):
        self._server = serve(self._options)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{self._server.port}")
            self.schemas = pubsub_v1.SchemaServiceClient()
            self.publisher = pubsub_v1.PublisherClient()
            self.subscriber = pubsub_v1.SubscriberClient()

    def stop(self):
        self.publisher.stop()
        for client in (self.schemas, self.publisher, self.subscriber):
            client.transport.close()
        self._server.stop()

    def publish(self, topic, data):
        self.publisher.publish(topic, data, retry=None).result(5)

    def attributes(self, subscription):
        answer = self.subscriber.pull(subscription=subscription, max_messages=10, timeout=5)
        received = answer.received_messages
        self.subscriber.acknowledge(
            subscription=subscription, ack_ids=[one.ack_id for one in received]
        )
        return [dict(one.message.attributes) for one in received]


@pytest.fixture(scope="module")
def cloud():
    cloud = Cloud(None)
    yield cloud
    cloud.stop()


@pytest.fixture
def create(cloud):
    """A function that creates a schema."""

    def create(schema_id, definition, kind="AVRO"):
        text = definition if isinstance(definition, str) else json.dumps(definition)
        schema = Schema(type_=Schema.Type[kind], definition=text)
        return cloud.schemas.create_schema(parent=PROJECT, schema=schema, schema_id=schema_id)

    return create


@pytest.fixture
def commit(cloud):
    """A function that commits a revision."""

    def commit(name, definition, kind="AVRO"):
        text = definition if isinstance(definition, str) else json.dumps(definition)
        schema = Schema(name=name, type_=Schema.Type[kind], definition=text)
        return cloud.schemas.commit_schema(name=name, schema=schema)

    return commit


def bound(cloud, name, schema, encoding="JSON", **revisions):
    """Create a topic that is bound to a schema, and a subscription to it."""
    topic = f"{PROJECT}/topics/{name}"
    settings = {"schema": schema, "encoding": Encoding[encoding], **revisions}
    cloud.publisher.create_topic(request={"name": topic, "schema_settings": settings})
    subscription = f"{PROJECT}/subscriptions/{name}"
    cloud.subscriber.create_subscription(name=subscription, topic=topic)
    return topic, subscription


def test_schema__has_revisions_that_are_committed_rolled_back_and_deleted(cloud, create, commit):
    first = create("levels", AVRO)
    assert first.name == f"{PROJECT}/schemas/levels"
    assert len(first.revision_id) == 8
    second = commit(first.name, WITH_UNIT)
    third = cloud.schemas.rollback_schema(name=first.name, revision_id=first.revision_id)

    assert third.definition == first.definition
    assert cloud.schemas.get_schema(name=first.name) == third
    assert cloud.schemas.get_schema(name=f"{first.name}@{second.revision_id}") == second
    listed = list(cloud.schemas.list_schema_revisions(request={"name": first.name, "page_size": 2}))
    assert [one.revision_id for one in listed] == [
        one.revision_id for one in (first, second, third)
    ]
    assert {one.definition for one in listed} == {""}

    gone = cloud.schemas.delete_schema_revision(name=f"{first.name}@{second.revision_id}")
    assert gone == second
    with pytest.raises(exceptions.NotFound):
        cloud.schemas.get_schema(name=f"{first.name}@{second.revision_id}")
    cloud.schemas.delete_schema_revision(name=f"{first.name}@{third.revision_id}")
    with pytest.raises(exceptions.InvalidArgument, match="last revision"):
        cloud.schemas.delete_schema_revision(name=f"{first.name}@{first.revision_id}")
    cloud.schemas.delete_schema(name=first.name)
    with pytest.raises(exceptions.NotFound):
        cloud.schemas.get_schema(name=first.name)


def test_schemas__are_listed_with_their_definition_when_it_is_asked_for(cloud, create):
    with pytest.raises(exceptions.InvalidArgument, match="Invalid resource name"):
        create("goog-levels", AVRO)
    names = [create(f"list-{number}", AVRO).name for number in range(3)]
    with pytest.raises(exceptions.AlreadyExists):
        create("list-0", AVRO)
    listed = cloud.schemas.list_schemas(request={"parent": PROJECT, "page_size": 2})
    assert [one.name for one in listed if "/list-" in one.name] == names
    full = cloud.schemas.list_schemas(request={"parent": PROJECT, "view": SchemaView.FULL})
    assert {one.definition for one in full if "/list-" in one.name} == {json.dumps(AVRO)}
    basic = cloud.schemas.get_schema(request={"name": names[0], "view": SchemaView.BASIC})
    assert (basic.type_, basic.definition) == (Schema.Type.AVRO, "")


@pytest.mark.parametrize(
    ("kind", "definition", "reason"),
    [
        ("AVRO", "{", "Expecting property name"),
        ("AVRO", {"type": "record", "name": "1st", "fields": []}, "1st"),
        ("AVRO", AVRO | {"fields": [LEVEL | {"default": "high"}]}, "the default of level"),
        (
            "AVRO",
            {"type": "array", "items": AVRO | {"fields": [LEVEL, LEVEL]}},
            "level already in use",
        ),
        ("AVRO", "[" * 100_000, "nested too deeply"),
        ("AVRO", "x" * 300_001, "too large"),
        ("PROTOCOL_BUFFER", "message {", "schema.proto:1:9"),
        ("TYPE_UNSPECIFIED", AVRO, "schema.type"),
    ],
)
def test_schema__that_is_no_schema_is_refused(create, kind, definition, reason):
    with pytest.raises(exceptions.InvalidArgument, match=reason):
        create("refused", definition, kind)


@pytest.mark.parametrize("fields", [[*AVRO["fields"], {"name": "unit", "type": "string"}], [LEVEL]])
def test_revision__of_avro_that_the_last_could_not_read_is_refused(cloud, create, commit, fields):
    name = create("incompatible", AVRO).name
    with pytest.raises(exceptions.InvalidArgument, match="not compatible"):
        commit(name, AVRO | {"fields": fields})
    cloud.schemas.delete_schema(name=name)


def proto(*fields, dependency=(), messages=1):
    """Return the definition of a file without its compiler; a field is a name, number and label."""
    file = FileDescriptorProto(name="schema.proto", dependency=dependency)
    for number in range(messages):
        message = file.message_type.add(name=f"Reading{number}")
        for name, place, label in fields:
            message.field.add(
                name=name, number=place, label=label, type=FieldDescriptorProto.TYPE_DOUBLE
            )
    return ProtoDefinition(file.SerializeToString())


OPTIONAL, REPEATED = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED


def test_revision__of_protocol_buffers_adds_and_removes_optional_fields_alone():
    first = proto(("level", 1, OPTIONAL), ("head", 2, OPTIONAL))
    proto(("level", 1, OPTIONAL), ("inflow", 3, OPTIONAL)).check_follows(first)
    with pytest.raises(ValueError, match="field 2 of Reading0"):
        proto(("level", 1, OPTIONAL), ("fall", 2, OPTIONAL)).check_follows(first)
    with pytest.raises(ValueError, match="gauges of Reading0"):
        proto(("level", 1, OPTIONAL), ("gauges", 3, REPEATED)).check_follows(first)


def test_protocol_buffers__are_one_message_type_without_imports():
    with pytest.raises(ValueError, match="one message type"):
        proto(messages=2)
    with pytest.raises(ValueError, match=r"an import of google/protobuf/any\.proto"):
        proto(dependency=["google/protobuf/any.proto"])


def test_topic__lets_in_what_its_schema_says(cloud, create):
    schema = create("json", AVRO)
    topic, subscription = bound(cloud, "json", schema.name)
    binary_topic, binary_subscription = bound(cloud, "binary", schema.name, "BINARY")
    cloud.publish(topic, VALUE)
    cloud.publish(binary_topic, BINARY)
    for refused in (b"level", b'{"lake": "upper"}', BINARY, VALUE + b"1", b"\xff"):
        with pytest.raises(exceptions.InvalidArgument, match="failed schema validation"):
            cloud.publish(topic, refused)
        with pytest.raises(exceptions.InvalidArgument, match="failed schema validation"):
            cloud.publish(binary_topic, refused if refused != BINARY else BINARY + b"1")
    told = {
        "googclient_schemaname": schema.name,
        "googclient_schemarevisionid": schema.revision_id,
    }
    assert cloud.attributes(subscription) == [told | {"googclient_schemaencoding": "JSON"}]
    assert cloud.attributes(binary_subscription) == [told | {"googclient_schemaencoding": "BINARY"}]


def test_topic__tries_the_revisions_of_its_range_from_the_newest_on(cloud, create, commit):
    first = create("range", AVRO)
    second = commit(first.name, WITH_UNIT)
    third = commit(first.name, AVRO)
    topic, subscription = bound(
        cloud,
        "range",
        first.name,
        first_revision_id=first.revision_id,
        last_revision_id=second.revision_id,
    )
    longer = json.dumps({"lake": "upper", "level": 900.5, "unit": "masl"}).encode()
    cloud.publish(topic, VALUE)
    cloud.publish(topic, longer)
    assert [one["googclient_schemarevisionid"] for one in cloud.attributes(subscription)] == [
        first.revision_id,
        second.revision_id,
    ]
    # A deleted end of the range leaves the next revision inside of it as its end.
    cloud.schemas.delete_schema_revision(name=f"{first.name}@{second.revision_id}")
    cloud.publish(topic, longer)
    (told,) = cloud.attributes(subscription)
    assert told["googclient_schemarevisionid"] == first.revision_id != third.revision_id


def test_topic__of_a_deleted_schema_lets_nothing_in_until_it_is_unbound(cloud, create):
    schema = create("gone", AVRO)
    topic, _ = bound(cloud, "gone", schema.name)
    cloud.schemas.delete_schema(name=schema.name)
    assert cloud.publisher.get_topic(topic=topic).schema_settings.schema == "_deleted-schema_"
    with pytest.raises(exceptions.NotFound):
        cloud.publish(topic, VALUE)
    mask = {"paths": ["schema_settings"]}
    cloud.publisher.update_topic(topic={"name": topic}, update_mask=mask)
    cloud.publish(topic, b"anything")


def test_topic__is_bound_to_nothing_that_is_not_there(cloud, create):
    schema = create("there", AVRO)
    with pytest.raises(exceptions.NotFound):
        bound(cloud, "unbound", f"{PROJECT}/schemas/missing")
    with pytest.raises(exceptions.NotFound):
        bound(cloud, "unbound", schema.name, first_revision_id="deadbeef")
    with pytest.raises(exceptions.InvalidArgument, match="encoding"):
        bound(cloud, "unbound", schema.name, "ENCODING_UNSPECIFIED")


def test_protocol_buffers__of_both_encodings_outlive_the_process(tmp_path):
    cloud = Cloud(tmp_path)
    schema = Schema(type_=Schema.Type.PROTOCOL_BUFFER, definition=PROTO)
    cloud.schemas.validate_schema(parent=PROJECT, schema=schema)
    created = cloud.schemas.create_schema(parent=PROJECT, schema=schema, schema_id="proto")
    topic, subscription = bound(cloud, "proto", created.name, "BINARY")
    wire = bytes([10, 5]) + b"upper" + bytes([17]) + struct.pack("<d", 900.5)
    cloud.stop()

    cloud.start()
    assert cloud.schemas.get_schema(name=created.name) == created
    cloud.publish(topic, wire)
    with pytest.raises(exceptions.InvalidArgument):
        cloud.publish(topic, b"\x0a\xff")
    assert [one["googclient_schemarevisionid"] for one in cloud.attributes(subscription)] == [
        created.revision_id
    ]
    trial = {"parent": PROJECT, "name": created.name, "encoding": Encoding.JSON}
    cloud.schemas.validate_message(request=trial | {"message": VALUE})
    with pytest.raises(exceptions.InvalidArgument, match="depth"):
        cloud.schemas.validate_message(request=trial | {"message": b'{"depth": 3}'})
    cloud.stop()


ALL_TYPES = {
    "type": "record",
    "name": "All",
    "namespace": "hydro",
    "fields": [
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "unit", "type": "int"},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["LAKE", "PLANT"]}},
        {"name": "key", "type": {"type": "fixed", "name": "Key", "size": 2}},
        {"name": "raw", "type": "bytes"},
        {"name": "head", "type": ["null", "double", "Kind"]},
        {"name": "on", "type": {"type": "map", "values": "boolean"}},
        {"name": "next", "type": {"type": "array", "items": "All"}},
    ],
}
GOOD = {
    "at": 2**60,
    "unit": -5,
    "kind": "LAKE",
    "key": "\u00ffa",
    "raw": "",
    "head": {"hydro.Kind": "PLANT"},
    "on": {"a": True},
    "next": [],
}


def encoded(**changes):
    return json.dumps(GOOD | changes).encode()


def test_avro_json__of_every_type():
    definition = AvroDefinition(json.dumps(ALL_TYPES))
    for good in (
        encoded(),
        encoded(head=None),
        encoded(head={"double": 3}),
        encoded(next=[GOOD | {"more": 1}]),
    ):
        definition.check_json(good)


@pytest.mark.parametrize(
    "changes",
    [
        {"at": 2**63},
        {"unit": 2**31},
        {"unit": 1.0},
        {"unit": True},
        {"kind": "DAM"},
        {"key": "abc"},
        {"raw": "\u0100"},
        {"head": 3.0},
        {"head": {"null": None}},
        {"head": {"double": 1, "hydro.Kind": "LAKE"}},
        {"on": {"a": 1}},
        {"next": [{}]},
    ],
)
def test_avro_json__that_is_no_value_of_the_schema_is_refused(changes):
    definition = AvroDefinition(json.dumps(ALL_TYPES))
    with pytest.raises(ValueError, match="no JSON encoding"):
        definition.check_json(encoded(**changes))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["string", "record", "int", "All"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "name", "fields", "items", "values", "symbols", "size"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=JSON, data=st.binary(max_size=40))
def test_avro__of_any_definition_and_data_is_checked_or_refused(document, data):
    for text in (json.dumps(document), json.dumps(ALL_TYPES)):
        try:
            definition = AvroDefinition(text)
        except ValueError:
            continue
        for check in (definition.check_binary, definition.check_json):
            with suppress(ValueError):
                check(data)
