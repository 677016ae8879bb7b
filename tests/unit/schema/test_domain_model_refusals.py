"""Faults of an operator's documents: all at once, where the operator has them, with what would be right."""

from __future__ import annotations

import json
from datetime import date

import pytest
from operator_models import changed, fell_client

from hydrobid.domain.errors import InvalidInput
from hydrobid.schema.domain_model.client import read_operator_client

DAY = date(2026, 11, 26)


def refused(files):
    """Return the problems of a client by document and field."""
    with pytest.raises(InvalidInput) as caught:
        read_operator_client(files, "fell-client", DAY)
    return {
        (p.document.removeprefix("fell-client/"), p.field): (p.value, p.expected)
        for p in caught.value.problems
    }


MODEL, MAPPING = "model/model.yaml", "model/mapping.yaml"
LAKE, RULES = "types.Lake.properties", "rules[0].fields"


@pytest.mark.parametrize(
    ("file", "old", "new", "document", "field", "expected"),
    [
        # The model
        ("client.yaml", "model/model", "model/modle", "client.yaml", "model", "model/model.yaml perhaps"),
        (MODEL, "canonical: 2", "canonical: 3", MODEL, "canonical", "at most 2"),
        (MODEL, "extends: plant", "extends: plants", MODEL, "types.Plant.extends", "plant perhaps"),
        (MODEL, "unit: hm3", "unit: hmm", MODEL, f"{LAKE}.contents.unit", "hmm is not known"),
        (MODEL, "type: text, pattern", "type: test, pattern", MODEL, f"{LAKE}.warden.type", "'text'"),
        (MODEL, "to: Basin", "to: Basins", MODEL, "types.Lake.relations.basin.to", "Basin perhaps"),
        (MODEL, "by: plant", "by: plants", MODEL, "types.Plant.relations.sets.by", "plant perhaps"),
        (MODEL, "lrv < hrv", "lrv < ", MODEL, "types.Lake.constraints[0].rule", "JMESPath"),
        (MODEL, "lakes.csv", "lake.csv", MODEL, "instances.Lake.files[0]", "lakes.csv perhaps"),
        (MODEL, "  Lake: {files", "  Lakes: {files", MODEL, "instances.Lakes", "Lake perhaps"),
        (MODEL, "      tags: {", "      _tags: {", MODEL, f"{LAKE}._tags", "a letter first"),
        (MODEL, "      tags: {", "      json: {", MODEL, f"{LAKE}.json", "json means something else"),
        (MODEL, "      tags: {", "      id: {", MODEL, f"{LAKE}.id", "id means something else"),
        (MODEL, '"^[A-Z][a-z]+$"', '"("', MODEL, f"{LAKE}.warden.pattern", "a regular expression"),
        (MODEL, '"^[A-Z][a-z]+$"', '"(?=a)"', MODEL, f"{LAKE}.warden.pattern", "look-around"),
        (MODEL, "default: 0.02", "default: x", MODEL, f"{LAKE}.worth.default", "a number"),
        (MODEL, "default: true", "default: 1", MODEL, "types.Set.properties.fit.default", "boolean"),
        (MODEL, "minimum: 0,", "minimum: 2, maximum: 1,", MODEL, f"{LAKE}.contents.minimum", "maximum, 1"),
        (MODEL, "            h: {", "            h: {default: 1, ", MODEL, "types.Set.properties.hill.items", "as a whole"),
        ("client.yaml", "market: nordic", "market: nordic\nhorizon: {after: 5}", "client.yaml", "horizon.after", "a list"),
        # The mapping
        (MAPPING, "model: 3", "model: 2", MAPPING, "model", "3, the version of fells"),
        (MAPPING, "from: Lake", "from: Lakes", MAPPING, "rules[0].from", "Lake perhaps"),
        (MAPPING, "to: reservoir", "to: reservoirs", MAPPING, "rules[0].to", "reservoir perhaps"),
        (MAPPING, "in: basin", "in: basins", MAPPING, "rules[0].in", "basin perhaps"),
        (MAPPING, "volume_max:", "volume_mx:", MAPPING, f"{RULES}.volume_mx", "volume_max perhaps"),
        (MAPPING, "_max: contents", "_max: content", MAPPING, f"{RULES}.volume_max", "contents perhaps"),
        (MAPPING, ", unit: hm3", "", MAPPING, f"{RULES}.level.volume.unit", "becomes Mm3"),
        (MAPPING, "unit: hm3", "unit: MWh", MAPPING, f"{RULES}.level.volume.unit", "does not measure"),
        (MAPPING, "currency: EUR", "currency: NOK", MAPPING, f"{RULES}.water_value.unit", "currency"),
        (MAPPING, "lookup: zones", "lookup: zone", MAPPING, "rules[2].fields.price_area.lookup", "zones perhaps"),
        (MAPPING, "series: gauges", "series: gauge", MAPPING, f"{RULES}.conditions.inflow.series", "gauges perhaps"),
        (MAPPING, "each: hill", "each: rated", MAPPING, "rules[1].fields.turbine", "list of records"),
        (MAPPING, "head: h,", "head: hh,", MAPPING, "rules[1].fields.turbine.fields.head", "eta, h, q"),
        (MAPPING, "where: fit", "where: sum(fit", MAPPING, "rules[1].where", "JMESPath"),
        (MAPPING, "where: fit", "where: summ(fit)", MAPPING, "rules[1].where", "sum perhaps"),
        (MAPPING, "volume_max: contents", "volume_max: {value: gauge, series: gauges}", MAPPING, f"{RULES}.volume_max", "under conditions."),
        (MAPPING, "start_level: level", "level: lrv", MAPPING, f"{RULES}.level", "as a whole or by its parts"),
        # Instances
        ("lakes.csv", "Top,Glen,40", "Top,Glenn,40", "lakes.csv", "Top.basin", "Glen perhaps"),
        ("lakes.csv", "Top,Glen,40", "Top,Glen,4o", "lakes.csv", "row 2, contents", "a number"),
        ("lakes.csv", "Top,Glen,40", "Top,Glen,", "lakes.csv", "Top.contents", "required"),
        ("lakes.csv", "Top,Glen,40", "Top,Glen,-4", "lakes.csv", "Top.contents", "0 or more"),
        ("lakes.csv", "Low,", "Top,", "lakes.csv", "Top", "each id once"),
        ("lakes.csv", "880,905", "910,905", "lakes.csv", "Top", "lrv lies below hrv (lrv < hrv)"),
        ("lakes.csv", "id,basin", "id,basn", "lakes.csv", "Top.basn", "basin perhaps"),
        ("lakes.csv", ",Ann", ",ann", "lakes.csv", "Top.warden", "^[A-Z][a-z]+$"),
        ("lakes.csv", ",top,", ",tap,", "lakes.csv", "Top.gauge", "top perhaps"),
        ("plants.json", '"1962-05-01"', '"1962-5-1"', "plants.json", "Foot.opened", "a date"),
        ("sets.yaml", "H1: {plant: High", "H1: {plant: Hihg", "sets.yaml", "H1.plant", "High perhaps"),
        ("offers.yaml", "zone: west", "zone: north", "offers.yaml", "glen.zone", "'south' or 'west'"),
        ("gauges.csv", "8000,2", "x,2", "gauges.csv", "top", "numbers only"),
        ("gauges.csv", "8000,2", ",2", "gauges.csv", "row 3, top", "a number at each time"),
        ("gauges.csv", "25T06", "25T00", "gauges.csv", "row 4, time", "each time once"),
        ("gauges.csv", "2026-11-25T06:00+01:00", "soon", "gauges.csv", "row 4, time", "an instant"),
        # What the canonical form refuses is told where it came from.
        ("lakes.csv", ",40,880,905,897.5", ",40,880,905,907.5", "lakes.csv", "Top.level",
         "within the reservoir's limits, 880 to 905 m (start_level of reservoir Top)"),
        ("plants.json", '"to": "Low"', '"to": "Loe"', "plants.json", "High.to", "Low perhaps"),
        ("plants.json", '"outlet_level": 545', '"outlet_level": 99999', "plants.json",
         "High.outlet_level", "at most 10000"),
        ("sets.yaml", "eta: [84, 93]", "eta: [0.84, 0.93]", "sets.yaml", "H1.hill", "above 1"),
        ("sets.yaml", "q: [6000, 18000]", "q: [18000, 6000]", "sets.yaml", "H1.hill", "above 18"),
        ("offers.yaml", "zone: west", "zone: south", "offers.yaml", "glen.zone", "NO5"),
    ],
)  # fmt: skip
def test_read_operator_client__names_document_path_value_and_what_would_be_right(
    file, old, new, document, field, expected
):
    found = refused(changed(fell_client(), file, old, new))

    assert (document, field) in found, found
    assert expected in found[document, field][1]


def test_read_operator_client__every_fault_of_all_instances_at_once():
    files = changed(fell_client(), "lakes.csv", "Top,Glen,40", "Top,Glenn,x")
    files = changed(files, "lakes.csv", "540,548,544", "549,548,544")
    files = changed(files, "sets.yaml", "rated: 58000", "ratd: 58000")
    files = changed(files, "plants.json", '"1962-05-01"', "7")

    assert refused(files).keys() >= {
        ("lakes.csv", "row 2, contents"),
        ("lakes.csv", "Top.basin"),
        ("lakes.csv", "Low"),
        ("sets.yaml", "F1.rated"),
        ("sets.yaml", "F1.ratd"),
        ("plants.json", "Foot.opened"),
    }


def test_read_operator_client__every_fault_of_a_mapping_at_once():
    files = changed(fell_client(), MAPPING, "volume_max:", "volume_mx:")
    files = changed(files, MAPPING, "in: plant", "in: plants")
    files = changed(files, MAPPING, "lookup: zones", "lookup: zone")

    assert len(refused(files)) >= 3


def test_read_operator_client__two_instances_may_not_become_one_element():
    files = changed(fell_client(), MAPPING, "in: basin", "in: basin\n    name: basin")

    assert "became one as well" in refused(files)["lakes.csv", "Low"][1]


def test_read_operator_client__a_relation_may_not_lead_in_circles():
    files = changed(fell_client(), "lakes.csv", "id,", "next,id,")
    files = changed(files, "lakes.csv", "\nTop", "\nLow,Top")
    files = changed(files, "lakes.csv", "\nLow,Glen", "\nTop,Low,Glen")

    (problem,) = refused(files).items()

    assert problem[0][1] in ("Top.next", "Low.next")
    assert "does not lead back" in problem[1][1]


def test_read_operator_client__water_may_not_run_in_circles():
    files = changed(
        fell_client(), "plants.json", '"reservoir": "Low"', '"reservoir": "Low", "to": "Top"'
    )

    assert refused(files).keys() <= {("plants.json", "Foot.to"), ("plants.json", "High.to")}


def laughs():
    lines = ["a: &a [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    for former, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{former}'] * 9)}]")
    return "\n".join(lines)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("file", "content", "field", "expected"),
    [
        ("sets.yaml", laughs(), "f[", "aliases expanded"),
        (MODEL, laughs(), "f[", "aliases expanded"),
        ("plants.json", "[" * 100_000, "content", "JSON with each field once"),
        ("plants.json", '{"a":' * 60 + "1" + "}" * 60, "content", "values in 20 levels"),
        ("plants.json", json.dumps([[0] * 1000] * 300), "content", "at most 200000 values"),
        (
            "plants.json",
            '{"High": {"outlet_level": 1' + "0" * 4000 + "}}",
            "High.outlet_level",
            "a number",
        ),
        ("plants.json", '{"High": {"outlet_level": NaN}}', "content", "JSON"),
        ("plants.json", '{"High": {}, "High": {}}', "content", "JSON with each field once"),
        ("plants.json", "x" * 5_000_001, "size", "at most"),
        ("sets.yaml", "H1: {plant: High, rated: 1e308}", "H1.rated", "at most 1e+15"),
        ("sets.yaml", "../x: {plant: High, rated: 1}", "[0].id", "an id of"),
        ("lakes.csv", "id\n" + "x\n" * 20_002, "rows", "at most 20000"),
        ("gauges.csv", "time,top\n" * 2, "row 2, time", "an instant"),
    ],
)
def test_read_operator_client__hostile_documents_are_refused_within_limits(
    file, content, field, expected
):
    found = refused({**fell_client(), file: content.encode()})

    assert any(
        at == file and path.startswith(field) and expected in text
        for (at, path), (_, text) in found.items()
    ), found


@pytest.mark.parametrize(
    "reference", ["../../etc/passwd", "/etc/passwd", "c:\\x.csv", "model/../../x.csv"]
)
@pytest.mark.parametrize(
    ("file", "old", "field"),
    [
        ("client.yaml", "model/model.yaml", "model"),
        (MODEL, "model/mapping.yaml", "mapping"),
        (MODEL, "lakes.csv", "instances.Lake.files[0]"),
        (MODEL, "gauges.csv", "series.gauges.files[0]"),
    ],
)
def test_read_operator_client__references_stay_in_the_folder(reference, file, old, field):
    found = refused(changed(fell_client(), file, old, reference))

    assert "a file in the client's folder" in found[file, field][1]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[@,@]|" * 15 + "to_string(@)", "copies what it finds"),
        ("map(&[@,@,@,@,@,@,@,@,@], map(&[@,@,@,@,@,@,@,@,@], hill))", "copies what it finds"),
        ("a" * 501, "at most 500 characters"),
        ("(" * 200 + "plant" + ")" * 200, "at most 20 brackets"),
        ("!" * 300 + "plant", "at most 20 brackets"),
        ("length(length(length(length(length(length(length(length(length(length(length(plant"
         + ")" * 11, "at most 10 functions"),
        ("rated[?", "JMESPath"),
    ],
)  # fmt: skip
def test_read_operator_client__expressions_that_could_not_end_are_refused(text, expected):
    found = refused(changed(fell_client(), MAPPING, "where: fit", f'where: "{text}"'))

    assert expected in found[MAPPING, "rules[1].where"][1]


@pytest.mark.timeout(60)
def test_read_operator_client__a_pattern_takes_time_linear_in_the_text():
    files = changed(fell_client(), MODEL, '"^[A-Z][a-z]+$"', '"^(a+)+$"')
    files = changed(files, "lakes.csv", ",Ann", "," + "a" * 5000 + "!")

    assert "(a+)+" in refused(files)["lakes.csv", "Top.warden"][1]


def test_read_operator_client__too_many_rules_for_too_many_instances():
    rule = "  - {from: Set, to: watercourse, where: 'fit == `2`'}\n"
    files = fell_client()
    files[MAPPING] = files[MAPPING] + rule.encode() * 900
    sets = {f"S{n}": {"plant": "High", "rated": 1, "fit": False} for n in range(600)}
    files["sets.yaml"] = json.dumps(sets).encode()

    (problem,) = refused(files).values()

    assert "at most 500000 applications" in problem[1]


def test_read_operator_client__a_unit_may_not_stand_with_its_plant_as_well():
    files = fell_client()
    plants = json.loads(files["plants.json"])
    curve = {"head": 330, "flow": [6, 18], "efficiency_percent": [84, 93]}
    plants["High"]["units"] = {"H1": {"power_max": 5, "turbine": [curve]}}
    files["plants.json"] = json.dumps(plants).encode()

    assert "stand with" in refused(files)["sets.yaml", "H1"][1]
