"""Documents through Google's client: writes, masks, transforms, preconditions, limits, names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import firestore

MEGABYTE = 1024 * 1024


def test_document__keeps_every_type_of_value(client):
    reference = client.document("runs/r1")
    content = {
        "none": None,
        "flag": True,
        "count": 2**62,
        "price": -0.5,
        "text": "Ålesund",
        "bytes": b"\x00\xff",
        "at": datetime(2026, 3, 29, 1, 2, 3, 456789, UTC),
        "link": client.document("assets/a1"),
        "place": firestore.GeoPoint(59.0, 10.0),
        "steps": [1, 2.5, {"deep": ["x"]}],
        "map": {"odd.name`": {"": 0} and 1, "b": {}},
    }
    reference.set(content)
    assert reference.get().to_dict() == content


def test_get__missing_document_beside_found_ones(client):
    client.document("c/here").set({"n": 1})
    snapshots = client.get_all([client.document("c/gone"), client.document("c/here")])
    assert {snapshot.id: snapshot.exists for snapshot in snapshots} == {"gone": False, "here": True}


def test_set__merge_touches_only_the_named_fields(client):
    reference = client.document("c/d")
    reference.set({"keep": 1, "map": {"a": 1, "b": 2}})
    reference.set({"map": {"b": 3}, "new": {"x.y": 1}}, merge=True)
    assert reference.get().to_dict() == {"keep": 1, "map": {"a": 1, "b": 3}, "new": {"x.y": 1}}


def test_update__deletes_fields_and_creates_the_maps_on_the_way(client):
    reference = client.document("c/d")
    reference.set({"a": 1, "b": {"x": 1, "y": 2}})
    reference.update({"a": firestore.DELETE_FIELD, "b.x": firestore.DELETE_FIELD, "c.d.e": 5})
    assert reference.get().to_dict() == {"b": {"y": 2}, "c": {"d": {"e": 5}}}


@pytest.mark.parametrize(
    ("stored", "transform", "expected"),
    [
        (5, firestore.Increment(3), 8),
        (1.5, firestore.Increment(2), 3.5),
        ("text", firestore.Increment(7), 7),
        (2**63 - 1, firestore.Increment(1), 2**63 - 1),
        (3, firestore.Maximum(5), 5),
        (3, firestore.Maximum(3.0), 3),
        (3, firestore.Minimum(2.5), 2.5),
        ([1, "a"], firestore.ArrayUnion([1.0, "b", "b", None]), [1, "a", "b", None]),
        ([1, 2, 1.0, "x"], firestore.ArrayRemove([1]), [2, "x"]),
        ("no array", firestore.ArrayRemove([1]), []),
    ],
)
def test_transform__computes_from_what_is_stored(client, stored, transform, expected):
    reference = client.document("c/d")
    reference.set({"f": stored})
    reference.update({"f": transform})
    result = reference.get().get("f")
    assert result == expected
    assert type(result) is type(expected)


def test_transform__server_timestamp_is_the_commit_in_milliseconds(client):
    reference = client.document("c/d")
    committed = reference.set({"at": firestore.SERVER_TIMESTAMP}).update_time
    stamp = reference.get().get("at")
    assert stamp.microsecond % 1000 == 0
    assert timedelta(0) <= committed - stamp < timedelta(milliseconds=1)


def test_transform__more_than_500_on_a_document_are_refused(client):
    transforms = {f"f{number}": firestore.Increment(1) for number in range(501)}
    with pytest.raises(exceptions.InvalidArgument, match="500"):
        client.document("c/d").set(transforms)


def test_create__existing_document_keeps_its_content(client):
    reference = client.document("c/d")
    reference.create({"n": 1})
    with pytest.raises(exceptions.AlreadyExists, match=r"^409 Document already exists: projects/"):
        reference.create({"n": 2})
    assert reference.get().to_dict() == {"n": 1}


def test_update__missing_document_is_not_found(client):
    with pytest.raises(exceptions.NotFound, match="No document to update: projects/"):
        client.document("c/d").update({"n": 1})


def test_precondition__update_time_of_a_replaced_version_fails(client):
    reference = client.document("c/d")
    first = reference.set({"n": 1}).update_time
    second = reference.set({"n": 2}).update_time
    assert second > first
    with pytest.raises(exceptions.FailedPrecondition):
        reference.update({"n": 3}, option=client.write_option(last_update_time=first))
    reference.update({"n": 3}, option=client.write_option(last_update_time=second))
    assert reference.get().get("n") == 3


def test_write__that_changes_nothing_keeps_the_update_time(client):
    reference = client.document("c/d")
    first = reference.set({"n": 1, "tags": ["a"]}).update_time
    assert reference.set({"n": 1, "tags": ["a"]}).update_time == first
    assert reference.update({"tags": firestore.ArrayUnion(["a"])}).update_time == first
    assert reference.set({"n": 1.0, "tags": ["a"]}).update_time > first
    assert reference.get().create_time == first


def test_batch__with_one_failing_write_leaves_nothing(client):
    client.document("c/old").set({"n": 1})
    batch = client.batch()
    batch.set(client.document("c/new"), {"n": 1})
    batch.delete(client.document("c/old"))
    batch.update(client.document("c/missing"), {"n": 1})
    with pytest.raises(exceptions.NotFound):
        batch.commit()
    assert not client.document("c/new").get().exists
    assert client.document("c/old").get().exists


def test_batch__writes_of_one_document_build_on_each_other(client):
    reference = client.document("c/d")
    batch = client.batch()
    batch.create(reference, {"n": 1})
    batch.update(reference, {"n": firestore.Increment(1)})
    batch.update(reference, {"m": 5})
    results = batch.commit()
    assert reference.get().to_dict() == {"n": 2, "m": 5}
    assert len({result.update_time for result in results}) == 1


def test_batch_write__applies_each_write_by_itself(client):
    client.document("c/old").set({"n": 1})
    batch = client.bulk_writer()._client.batch()
    batch.create(client.document("c/old"), {"n": 2})
    batch.set(client.document("c/new"), {"n": 3})
    response = client._firestore_api.batch_write(
        request={"database": client._database_string, "writes": batch._write_pbs}
    )
    assert [status.code for status in response.status] == [
        grpc.StatusCode.ALREADY_EXISTS.value[0],
        0,
    ]
    assert client.document("c/new").get().get("n") == 3


def test_delete__missing_document_is_fine_unless_it_must_exist(client):
    reference = client.document("c/d")
    reference.delete()
    with pytest.raises(exceptions.NotFound):
        reference.delete(option=client.write_option(exists=True))


def test_databases__do_not_see_each_other(server, monkeypatch):
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{server.port}")
    clients = [
        firestore.Client(project=project, database=database)
        for project in ("p1", "p2")
        for database in ("(default)", "other")
    ]
    for number, client in enumerate(clients):
        client.document("c/d").set({"n": number})
    assert [client.document("c/d").get().get("n") for client in clients] == [0, 1, 2, 3]
    for client in clients:
        client.close()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"blob": b"x" * MEGABYTE}, "longer than 1048487 bytes"),
        ({"a": "x" * 600_000, "b": "y" * 600_000}, "maximum entity size is 1048576 bytes"),
        ({"places": [firestore.GeoPoint(0, 0)] * 70_000}, "maximum entity size is 1048576 bytes"),
        ({"__reserved__": 1}, "field name __reserved__ is reserved"),
        ({"x" * 1501: 1}, "longer than 1500 bytes"),
        ({"a": [[1]]}, "Nested arrays are not allowed"),
    ],
)
def test_document__beyond_the_limits_is_refused(client, content, message):
    with pytest.raises(exceptions.InvalidArgument, match=message):
        client.document("c/d").set(content)
    assert not client.document("c/d").get().exists


def test_document__of_almost_a_mebibyte_is_kept(client):
    client.document("c/d").set({"blob": b"x" * 1_048_400})
    assert len(client.document("c/d").get().get("blob")) == 1_048_400


def test_request__over_ten_mebibytes_is_refused(client):
    batch = client.batch()
    for number in range(11):
        batch.set(client.document(f"c/d{number}"), {"blob": b"x" * 1_000_000})
    with pytest.raises(exceptions.InvalidArgument, match="Request payload size exceeds the limit"):
        batch.commit()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("c/__x__", 'Resource id "__x__" is invalid because it is reserved.'),
        ("c/__id5x__", "A long document ID string must be formatted like"),
        ("c/..", 'contains a resource id "\\.\\."'),
        ("c/" + "d" * 1501, "longer than 1500 bytes"),
    ],
)
def test_document__name_against_the_rules_is_refused(client, path, message):
    with pytest.raises(exceptions.InvalidArgument, match=message):
        client.document(path).set({"n": 1})


@pytest.mark.parametrize("method", ["Commit", "GetDocument", "RunQuery", "Listen", "Write"])
def test_request__of_random_bytes_gets_a_status_of_its_own(server, method):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        name = f"/google.firestore.v1.Firestore/{method}"
        with pytest.raises(grpc.RpcError) as failure:
            list(channel.unary_stream(name)(b"\xff\xfe garbage", timeout=5))
    expected = {"Write": grpc.StatusCode.UNIMPLEMENTED}
    assert failure.value.code() == expected.get(method, grpc.StatusCode.INVALID_ARGUMENT)


def test_refusal__longer_than_trailers_can_be_is_cut_and_arrives(client):
    name = "\u00e9" * 5_000
    request = {"database": client._database_string, "writes": [{"delete": f"c/{name}"}]}
    with pytest.raises(exceptions.InvalidArgument, match=r'^400 Document name "c/.*\.\.\.$'):
        client._firestore_api.commit(request=request, metadata=client._rpc_metadata)


def test_document__of_the_longest_ids_is_reached(client):
    """A client sends the name in a header as well, three times as long."""
    reference = client.document("/".join("\u00e9" * 750 for _ in range(6)))
    reference.set({"n": 1})
    get = client._firestore_api.get_document
    assert get(request={"name": reference._document_path}).fields["n"].integer_value == 1
