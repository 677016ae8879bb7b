"""An operator's own model becomes canonical inputs; what is not mapped goes along untouched."""

from __future__ import annotations

import io
import json
from datetime import date, datetime

import pyarrow as pa
import pytest
from examples import CLIENTS, SINTEF, files_of
from hypothesis import given, settings
from hypothesis import strategies as st
from operator_models import LAKES, PLANTS, changed, fell_client
from pyarrow import parquet
from random_problems.strategies import problems

from hydrobid.domain.canonical import digest
from hydrobid.domain.watercourse import Watercourse
from hydrobid.schema import configuration_of, read_client
from hydrobid.schema.domain_model.client import read_operator_client

DAY = date(2026, 11, 26)


def watercourse(files):
    configuration = configuration_of(read_operator_client(files, "x", DAY).configuration)
    return configuration.assets[0].watercourse


def test_read_operator_client__canonical_client_stays_what_it_is():
    files = files_of(CLIENTS / SINTEF)

    assert read_operator_client(files, SINTEF) == read_client(files, SINTEF)


def test_read_operator_client__maps_converts_and_looks_up():
    inputs = read_operator_client(fell_client(), "x", DAY)

    asset = configuration_of(inputs.configuration).assets[0]
    assert (asset.asset, asset.price_area, asset.method.chunk) == ("glen", "NO5", 5)
    low, top = asset.watercourse.reservoirs
    assert (top.name, top.volume_max, top.start_volume, top.water_value) == ("Top", 40, 28, 20_000)
    assert (low.name, low.water_value) == ("Low", 20_000)  # an own property's default
    foot, high = asset.watercourse.plants
    assert (high.reservoir, high.to, high.outlet_level) == ("Top", "Low", 545)
    assert [unit.name for unit in high.units] == ["H1"]  # the other is not fit
    assert high.units[0].power_max == 62
    assert high.units[0].turbine[0].flow == (6, 18)
    assert foot.to is None


def test_read_operator_client__unmapped_fields_are_carried_along_as_they_are():
    told = read_operator_client(fell_client(), "x", DAY).configuration["operator"]

    assert told["model"] == {"name": "fells", "version": 3}
    assert told["carried"] == {
        "Basin": {"Glen": {"licence": "L1"}},
        "Lake": {"Top": {"warden": "Ann", "tags": ["high", "cold"]}},
        "Plant": {"Foot": {"opened": "1962-05-01"}},
        "Set": {"H2": {"plant": "High", "rated": 62000, "fit": False}},
        "Offer": {"glen": {"book": {"desk": "night", "phone": 110}}},
    }


def test_read_operator_client__series_are_kept_for_the_days_of_a_bid():
    (inflow,) = watercourse(fell_client()).conditions.inflow.values()

    # The value that holds when the days begin, and then each change until they end.
    assert [time.isoformat() for time in inflow.times] == [
        "2026-11-23T23:00:00+00:00",
        "2026-11-24T23:00:00+00:00",
    ]
    assert inflow.values == (9, 8)


def test_read_operator_client__series_are_kept_as_far_as_the_horizon_goes():
    text = "portfolio: fells\nhorizon: {after: [{hours: 336, step: 24}, {hours: 336, step: 24}]}"
    files = changed(fell_client(), "client.yaml", "portfolio: fells", text)

    assert watercourse(files).conditions.inflow["Top"].values == (9, 8, 7)


def test_read_operator_client__without_a_day_all_of_a_series_is_kept():
    configuration = configuration_of(read_operator_client(fell_client(), "x").configuration)

    assert configuration.assets[0].watercourse.conditions.inflow["Top"].values == (9, 8, 7)


def test_read_operator_client__the_next_open_day_counts_where_none_is_given():
    now = datetime.fromisoformat("2026-11-25T10:30+01:00")

    assert read_operator_client(fell_client(), "x", now=now) == read_operator_client(
        fell_client(), "x", DAY
    )


def test_read_operator_client__forms_of_files_say_the_same():
    expected = read_operator_client(fell_client(), "x", DAY)
    rows = [line.split(",") for line in LAKES.splitlines()]
    lakes = {}
    for row in rows[1:]:
        fields = {name: cell for name, cell in zip(rows[0], row, strict=True) if cell}
        for number in ("contents", "lrv", "hrv", "level"):
            fields[number] = float(fields[number])
        if "tags" in fields:
            fields["tags"] = fields["tags"].split(";")
        lakes[fields.pop("id")] = fields
    listed = [{"id": name, **fields} for name, fields in lakes.items()]
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(listed), sink)
    forms = {
        "lakes.json": json.dumps(lakes).encode(),
        "lakes.yaml": json.dumps(listed).encode(),
        "lakes.parquet": sink.getvalue(),
    }
    for name, content in forms.items():
        files = changed(fell_client(), "model/model.yaml", "lakes.csv", name)
        assert read_operator_client({**files, name: content}, "x", DAY) == expected, name


def test_read_operator_client__a_model_beside_the_clients_own_assets():
    files = changed(fell_client(), "client.yaml", "scenario_sets:", OWN_ASSET)
    files["valley.yaml"] = files_of(CLIENTS / SINTEF)["watercourses/shop-standard-example.yaml"]

    configuration = configuration_of(read_operator_client(files, "x", DAY).configuration)

    assert [asset.asset for asset in configuration.assets] == ["own", "glen"]


OWN_ASSET = """
assets:
  - {asset: own, price_area: NO5, scenario_set: prices, watercourse: valley.yaml}
scenario_sets:"""


def test_read_operator_client__an_asset_of_the_clients_own_on_a_mapped_watercourse():
    files = changed(fell_client(), "model/mapping.yaml", "to: asset", "to: scenario_set")
    text = files["model/mapping.yaml"].decode()
    files["model/mapping.yaml"] = text[: text.index("  - from: Offer")].encode()
    own = OWN_ASSET.replace("valley.yaml", "Glen")
    files = changed(files, "client.yaml", "scenario_sets:", own)

    inputs = read_operator_client(files, "x", DAY)

    asset = configuration_of(inputs.configuration).assets[0]
    assert (asset.asset, asset.watercourse.name) == ("own", "Glen")
    assert inputs.configuration["sources"]["watercourses"] == {"own": "Glen"}


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from([str, "{:.3f}".format, "{:e}".format]))
def test_read_operator_client__digest_leaves_out_order_and_how_numbers_are_typed(random, spelled):
    def shuffled(content):
        names = list(content)
        random.shuffle(names)
        return {name: content[name] for name in names}

    plants = {
        name: shuffled(
            {k: f"@{spelled(v)}@" if isinstance(v, int) else v for k, v in fields.items()}
        )
        for name, fields in shuffled(PLANTS).items()
    }
    text = json.dumps(plants).replace('"@', "").replace('@"', "")
    header, *rows = LAKES.splitlines()
    random.shuffle(rows)
    files = {**fell_client(), "plants.json": text.encode()}
    files["lakes.csv"] = "\n".join([header, *rows]).encode()

    before = read_operator_client(fell_client(), "x", DAY).configuration
    assert digest(read_operator_client(files, "x", DAY).configuration) == digest(before)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_watercourse__canonical_to_json_and_back_is_identity(problem):
    document = problem.watercourse.to_document()

    again = json.loads(json.dumps(document))

    assert Watercourse.from_document(again) == problem.watercourse
    assert digest(again) == digest(document)


def test_configuration__canonical_to_json_and_back_is_identity():
    stored = read_operator_client(fell_client(), "x", DAY).configuration

    again = json.loads(json.dumps(stored))

    assert again == stored
    assert configuration_of(again).to_document() == stored["configuration"]


@pytest.mark.parametrize("name", ["Lake.2", "7", "a.b-c"])
def test_read_operator_client__names_with_dots_and_digits(name):
    files = {k: v.replace(b"Top", name.encode()) for k, v in fell_client().items()}

    found = watercourse(files)

    assert name in [reservoir.name for reservoir in found.reservoirs]
    assert list(found.conditions.inflow) == [name]


def test_read_operator_client__units_with_their_plant_and_units_of_a_type_side_by_side():
    files = fell_client()
    plants = json.loads(files["plants.json"])
    curve = {"head": 330, "flow": [6, 18], "efficiency_percent": [84, 93]}
    plants["High"]["units"] = {"Old": {"power_max": 5, "turbine": [curve]}}
    files["plants.json"] = json.dumps(plants).encode()

    high = watercourse(files).plants[1]

    assert [unit.name for unit in high.units] == ["H1", "Old"]
