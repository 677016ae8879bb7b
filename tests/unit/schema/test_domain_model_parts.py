"""Units, expressions and schemas by themselves."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from operator_models import PLANTS, fell_client

from hydrobid.schema.domain_model.canonical import KINDS
from hydrobid.schema.domain_model.elements import put, steps_of
from hydrobid.schema.domain_model.expressions import Budget, ExpressionRefused, expression
from hydrobid.schema.domain_model.json_schema import (
    DOCUMENTS,
    document_schema,
    instances_schema,
)
from hydrobid.schema.domain_model.operator_model import model_in
from hydrobid.schema.domain_model.units import NoConversion, converted, factor
from hydrobid.schema.versions import CANONICAL_VERSION
from hydrobid.schema.yaml_document import read_yaml


@pytest.mark.parametrize(
    ("source", "target", "value", "expected"),
    [
        ("hm3", "Mm3", 40, 40),
        ("m3", "Mm3", 2_500_000, 2.5),
        ("acre_foot", "Mm3", 1000, 1.23348923847),
        ("l/s", "m3/s", 9000, 9),
        ("kW", "MW", 62_000, 62),
        ("ft", "m", 3280.84, 1000.000032),
        ("1", "%", 0.93, 93),
        ("EUR/m3", "currency/Mm3", 0.032, 32_000),
        ("EUR/kWh", "currency/MWh", 0.05, 50),
        ("h", "min", 1.5, 90),
        ("m3/s/min", "m3/s/h", 1, 60),
    ],
)
def test_factor__of_figures_that_measure_the_same(source, target, value, expected):
    assert converted(value, factor(source, target, "EUR")) == expected


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("MWh", "Mm3"),
        ("NOK/m3", "currency/Mm3"),
        ("degC", "K"),
        ("Gm3", "Mm3"),
        ("9**9**9**9", "m"),
        ("m^99", "m"),
        ("m**2", "m"),
        ("__import__('os')", "m"),
        ("", "m"),
        ("m" * 100_000, "m"),
    ],
)
def test_factor__refuses_what_is_no_unit_of_the_kind(source, target):
    with pytest.raises(NoConversion):
        factor(source, target, "EUR")


def test_canonical__every_unit_is_one_that_can_be_converted_to():
    for kind in KINDS.values():
        for path, leaf in kind.leaves.items():
            if leaf.unit is not None:
                unit = leaf.unit.replace("currency", "EUR")
                assert factor(f"{unit}*1", leaf.unit, "EUR") == 1, (kind.name, path)


def test_canonical__every_figure_has_a_unit_or_is_known_to_have_none():
    bare = {
        f"{kind.name}.{path}"
        for kind in KINDS.values()
        for path, leaf in kind.leaves.items()
        if leaf.kind in ("number", "integer") and leaf.unit is None
    }

    assert bare == {
        "asset.coverage.minimum_price_span",
        "asset.coverage.minimum_probability",
        "market.blocks.group_max",
        "market.blocks.mtus_min",
        "market.blocks.orders_max",
        "market.gate_closure.days_before",
        "market.max_points",
        "market.mtu_minutes",
        "market.reserve.bids_max",
        "pump.penstock",
        "unit.penstock",
        "watercourse.cuts[].constant",
    }


@pytest.mark.parametrize(
    ("text", "roots", "path"),
    [
        ("a", {"a"}, ("a",)),
        ("a.b", {"a"}, ("a", "b")),
        ("a[*].b", {"a"}, None),
        ("a[?b > `1`].c", {"a"}, None),
        ("[a, b.c]", {"a", "b"}, None),
        ("{x: a, y: b}", {"a", "b"}, None),
        ("a | b", {"a"}, None),
        ("not_null(a, b.c)", {"a", "b"}, None),
        ("a == 'x' && !b", {"a", "b"}, None),
        ("'x'", set(), None),
    ],
)
def test_expression__knows_what_it_reads(text, roots, path):
    found = expression(text)

    assert (found.roots, found.path) == (roots, path)


def test_expression__steps_run_out():
    document = {"a": list(range(30_000))}

    with pytest.raises(ExpressionRefused, match="more than 100000 steps"):
        expression("[a, a, a, a][] | [?@ > `5`]").value_in(document)


def test_expression__steps_of_all_run_out_together():
    document, budget = {"a": list(range(100))}, Budget(1000)
    found = expression("a[?@ > `5`]")

    assert len(found.value_in(document, budget)) == 94
    found.value_in(document, budget)
    with pytest.raises(ExpressionRefused, match="steps"):
        found.value_in(document, budget)


def test_expression__what_a_function_does_not_take_is_told():
    with pytest.raises(ExpressionRefused, match="sum"):
        expression("sum(a)").value_in({"a": "x"})


def test_put__by_fields_and_positions():
    fields = {}
    put(fields, steps_of("turbine[1].head"), 3)
    put(fields, steps_of("turbine[0].head"), 2)
    put(fields, steps_of("level.volume"), [0, 1])

    assert fields == {"turbine": [{"head": 2}, {"head": 3}], "level": {"volume": [0, 1]}}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_schema__is_json_schema(name):
    Draft202012Validator.check_schema(document_schema(name))


def test_document_schema__takes_what_is_taken(example):
    files = example("cascade-example")
    for name, content in files.items():
        if name.startswith("watercourses"):
            newest = {**read_yaml(content, name), "version": CANONICAL_VERSION}
            Draft202012Validator(document_schema("watercourse")).validate(newest)
    documents = {
        "client": "client.yaml",
        "model": "model/model.yaml",
        "mapping": "model/mapping.yaml",
    }
    for schema, name in documents.items():
        content = read_yaml(fell_client()[name], name)
        Draft202012Validator(document_schema(schema)).validate(content)


TYPES = model_in(fell_client(), "x").types
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10**16),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["Glen", "1962-05-01", "Ann", "west", ""]),
    st.lists(st.sampled_from(["a", 1]), max_size=2),
    st.just({"desk": "x"}),
)


@pytest.mark.parametrize("name", TYPES)
def test_instances_schema__is_json_schema_and_takes_the_instances(name):
    schema = instances_schema(TYPES[name])

    Draft202012Validator.check_schema(schema)
    if name == "Plant":
        Draft202012Validator(schema).validate(PLANTS)


@given(st.data())
def test_instances_schema__says_what_the_check_says(data):
    operator_type = TYPES[data.draw(st.sampled_from(sorted(TYPES)))]
    names = [*sorted(operator_type.own), "unknown", "reservoir", "outlet_level"]
    fields = data.draw(st.dictionaries(st.sampled_from(names), VALUES, max_size=6))
    validator = Draft202012Validator(instances_schema(operator_type))

    by_schema = validator.is_valid({"x": json.loads(json.dumps(fields))})

    try:
        operator_type.form.model_validate(fields)
        by_check = True
    except ValueError:
        by_check = False
    # Where the two differ, the check is the stricter: of dates and ids a schema knows the type only.
    assert by_schema or not by_check
    texts = any(isinstance(value, str) for value in fields.values())
    assert texts or by_schema == by_check
