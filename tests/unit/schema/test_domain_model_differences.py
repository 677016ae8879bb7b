"""What changed in a model, and that a compatible change takes every instance that was taken before."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from operator_models import MODEL

from hydrobid.schema.domain_model.differences import differences
from hydrobid.schema.domain_model.operator_model import model_of
from hydrobid.schema.domain_model.operator_types import types_of

BEFORE = model_of(MODEL.encode(), "model.yaml")


@pytest.mark.parametrize(
    ("old", "new", "path", "compatible"),
    [
        ("gauge: {type: text}", "gauge: {type: text}\n      ice: {type: text}", "types.Lake.properties.ice", True),
        ("gauge: {type: text}", "gauge: {type: text}\n      ice: {type: text, required: true}", "types.Lake.properties.ice", False),
        ("      gauge: {type: text}\n", "", "types.Lake.properties.gauge", False),
        ("unit: hm3", "unit: m3", "types.Lake.properties.contents.unit", False),
        ("default: 0.02", "default: 0.03", "types.Lake.properties.worth.default", False),
        ("minimum: 0, required", "minimum: 1, required", "types.Lake.properties.contents.minimum", False),
        ("minimum: 0, required", "minimum: -1, required", "types.Lake.properties.contents.minimum", True),
        ("minimum: 0, required", "required", "types.Lake.properties.contents.minimum", True),
        ("options: [south, west]", "options: [south, west, east]", "types.Offer.properties.zone.options", True),
        ("options: [south, west]", "options: [south]", "types.Offer.properties.zone.options", False),
        ("reach: {type: integer", "reach: {type: number", "types.Plant.properties.reach.type", True),
        ("gauge: {type: text}", "gauge: {type: number}", "types.Lake.properties.gauge.type", False),
        (', pattern: "^[A-Z][a-z]+$"', "", "types.Lake.properties.warden.pattern", True),
        ("q: {type: list, items: {type: number, unit: l/s}}", "q: {type: list, items: {type: number, unit: m3/s}}",
         "types.Set.properties.hill.items.fields.q.items.unit", False),
        ("extends: plant", "extends: gate", "types.Plant.extends", False),
        ("next: {to: Lake, acyclic: true}", "next: {to: Lake}", "types.Lake.relations.next.acyclic", True),
        ("next: {to: Lake, acyclic: true}", "next: {to: Basin}", "types.Lake.relations.next.to", False),
        ("rule: lrv < hrv", "rule: lrv <= hrv", "types.Lake.constraints", False),
        ("  Offer:\n", "  More: {}\n  Offer:\n", "types.More", True),
    ],
)  # fmt: skip
def test_differences__of_one_change(old, new, path, compatible):
    assert old in MODEL
    after = model_of(MODEL.replace(old, new, 1).replace("version: 3", "version: 4").encode(), "x")

    found = [d for d in differences(BEFORE, after) if d.path == path]

    assert found, differences(BEFORE, after)
    assert all(difference.compatible for difference in found) is compatible


def test_differences__none():
    assert differences(BEFORE, BEFORE) == []


def test_differences__of_descriptions_are_none():
    after = model_of(MODEL.replace("type: text}", "type: text, description: X}", 1).encode(), "x")

    assert differences(BEFORE, after) == []


def test_differences__without_a_new_version():
    after = model_of(MODEL.replace("gauge:", "gage:").encode(), "x")

    assert "version" in [difference.path for difference in differences(BEFORE, after)]


PROPERTIES = st.one_of(
    st.builds(
        lambda kind, low, high, required: {
            "type": kind,
            **({"minimum": low} if low is not None else {}),
            **({"maximum": high} if high is not None else {}),
            "required": required,
        },
        st.sampled_from(["number", "integer"]),
        st.sampled_from([None, -1.0, 0.0, 1.0]),
        st.sampled_from([None, 1.0, 5.0]),
        st.booleans(),
    ),
    st.builds(
        lambda length, required: {"type": "text", "max_length": length, "required": required},
        st.sampled_from([0, 2, 5]),
        st.booleans(),
    ),
    st.builds(
        lambda options: {"type": "choice", "options": options},
        st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, unique=True),
    ),
)
MODELS = st.dictionaries(st.sampled_from(["p", "q"]), PROPERTIES, max_size=2)
INSTANCES = st.dictionaries(
    st.sampled_from(["p", "q"]),
    st.one_of(st.integers(-2, 6), st.floats(-2, 6), st.sampled_from(["", "a", "abc", "abcdef"])),
)


def _model(properties, version):
    document = {
        "model": "m",
        "version": version,
        "canonical": 2,
        "types": {"T": {"properties": properties}},
    }
    return type(BEFORE).model_validate(document)


def _takes(model, instance):
    try:
        types_of(model)["T"].form.model_validate(instance)
    except ValueError:
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(MODELS, MODELS, st.lists(INSTANCES, max_size=6))
def test_differences__what_is_compatible_takes_every_instance_taken_before(old, new, instances):
    before, after = _model(old, 1), _model(new, 2)

    if all(difference.compatible for difference in differences(before, after)):
        for instance in instances:
            assert not _takes(before, instance) or _takes(after, instance), instance
