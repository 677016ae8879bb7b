from datetime import UTC, date, datetime

import pytest

from hydrobid.domain.canonical import canonical_json, digest
from hydrobid.domain.errors import CorruptDocument, InvalidInput
from hydrobid.domain.events import chain_faults, next_event
from hydrobid.domain.identifiers import ClientId, RunId
from hydrobid.domain.messages import AssetSettled

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def test_digest__key_order_and_way_of_writing_do_not_matter():
    assert digest({"a": 1.0, "b": [2, 3]}) == digest({"b": (2.0, 3), "a": 1})


def test_canonical_json__nan_has_no_form():
    with pytest.raises(CorruptDocument, match="no canonical form"):
        canonical_json({"a": float("nan")})


@pytest.mark.parametrize("text", ["nordic~2026-03-29", "nordic~2026-13-01~r1", "a/b~2026-01-01~r1"])
def test_run_id__bad_text(text: str):
    with pytest.raises(InvalidInput, match="nordic~2026-03-29~r1"):
        RunId.parse(text)


def test_run_id__orders_by_revision():
    first, tenth = (RunId.parse(f"nordic~2026-03-29~r{n}") for n in (1, 10))
    assert first < tenth
    assert first.day == date(2026, 3, 29)


@pytest.mark.parametrize("text", ["", "A", "-a", "a" * 41, "a/b", "a~b", "ab-"])
def test_client_id__bad_text(text: str):
    with pytest.raises(InvalidInput, match="ClientId"):
        ClientId(text)


def test_message__unknown_fields_are_refused_by_name():
    with pytest.raises(CorruptDocument, match="volume"):
        AssetSettled.from_document(
            {"client": "abc", "run": "n~2026-03-29~r1", "asset": "x", "volume": 1}
        )


def chain(length: int):
    events = []
    for version in range(1, length + 1):
        events.append(
            next_event(
                run="n~2026-03-29~r1",
                entity="orders:x",
                version=version,
                type="order-wanted",
                actor="submission",
                at=AT,
                data={"n": version},
                previous=events[-1].hash if events else "",
            )
        )
    return events


def test_chain_faults__sound_chain():
    assert chain_faults(chain(4)) == []


def test_chain_faults__changed_dropped_and_swapped_events_are_found():
    events = chain(4)
    changed = events[1].model_copy(update={"data": {"n": 99}})

    assert any("does not match" in fault for fault in chain_faults([events[0], changed]))
    assert any("does not follow" in fault for fault in chain_faults([events[0], events[2]]))
    assert chain_faults([events[1], events[0]])


def test_event__time_is_not_part_of_its_hash():
    first = chain(1)[0]
    later = next_event(
        run=first.run,
        entity=first.entity,
        version=1,
        type=first.type,
        actor=first.actor,
        at=AT.replace(hour=23),
        data=first.data,
    )
    assert later.hash == first.hash
