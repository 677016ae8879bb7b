"""The scenarios of a delivery day: profiles over clock changes, dated files, both file formats."""

import io
import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from hydrobid.domain.canonical import canonical_json
from hydrobid.domain.errors import CorruptDocument, InvalidInput
from hydrobid.domain.identifiers import PriceArea
from hydrobid.schema import configuration_of, read_client, scenario_set_for, with_prices

OSLO = ZoneInfo("Europe/Oslo")
NO2 = PriceArea("NO2")
SPRING, AUTUMN, USUAL = date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 28)


@pytest.fixture
def inputs(files):
    return read_client(files, "small-client")


def picked(inputs, day, areas=(NO2,)):
    market = configuration_of(inputs.configuration).market
    stored = json.loads(canonical_json(inputs.scenario_sets["prices"]))
    return scenario_set_for(stored, market, day, areas)


def dated(first, count, skip=None, area="NO2"):
    """Return a dated file of two scenarios from a local midnight, with an offset in each time."""
    start = datetime(first.year, first.month, first.day, tzinfo=OSLO).astimezone(UTC)
    rows = [
        f"{scenario},{area},{(start + timedelta(minutes=15 * at)).astimezone(OSLO).isoformat()},{at}"
        for scenario in ("s2", "s10")
        for at in range(count)
        if (scenario, at) != skip
    ]
    return "\n".join(["scenario,price_area,time,price", *rows]).encode()


def test_profile__usual_day(inputs):
    scenarios = picked(inputs, USUAL)

    assert scenarios.ids == ("high", "low")
    np.testing.assert_array_equal(scenarios.prices[NO2][1], 10 + np.arange(96) / 4)
    np.testing.assert_array_equal(scenarios.probabilities, [0.5, 0.5])


def test_profile__spring_leaves_the_skipped_hour_out(inputs):
    low = picked(inputs, SPRING).prices[NO2][1]

    np.testing.assert_array_equal(low, 10 + np.r_[0:8, 12:96] / 4)


def test_profile__autumn_uses_the_repeated_hour_twice(inputs):
    low = picked(inputs, AUTUMN).prices[NO2][1]

    np.testing.assert_array_equal(low, 10 + np.r_[0:12, 8:12, 12:96] / 4)


@pytest.mark.parametrize(("day", "count"), [(USUAL, 96), (SPRING, 92), (AUTUMN, 100)])
def test_dated__whole_day_among_others(inputs, day, count):
    content = dated(day - timedelta(days=1), 300)
    scenarios = picked(with_prices(inputs, "prices", "dated.csv", content), day)

    assert scenarios.ids == ("s2", "s10")
    np.testing.assert_array_equal(scenarios.prices[NO2][0], 96 + np.arange(count))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            dated(USUAL, 95),
            "all scenarios is '95 values on 2026-03-28'; expected 96 MTUs; 2026-03-2",
        ),
        (dated(USUAL, 96, skip=("s10", 7)), "s10 is '95 values on 2026-03-28'; expected 96 MTUs"),
        (
            dated(SPRING, 92),
            "'0 values on 2026-03-28'; expected 96 MTUs; the file has 2026-03-28T23",
        ),
        (
            dated(USUAL, 96).replace(b"28T10:15", b"28T10:17", 1),
            "1 others, 2026-03-28T09:17:00Z first",
        ),
    ],
)
def test_dated__incomplete_day(inputs, content, message):
    later = with_prices(inputs, "prices", "dated.csv", content)

    with pytest.raises(InvalidInput, match=r"^dated\.csv: prices\.NO2\.") as caught:
        picked(later, USUAL)
    assert message in caught.value.message


def test_dated__the_same_instant_with_two_offsets(inputs):
    content = (
        b"scenario,price_area,time,price\ns,NO2,2026-03-28T01:00+01:00,1\ns,NO2,2026-03-28T00:00Z,2"
    )

    with pytest.raises(InvalidInput, match=r"row 3 is .*; expected each MTU .* row 2 has it"):
        with_prices(inputs, "prices", "x.csv", content)


def test_dated__time_without_offset(inputs):
    content = b"scenario,price_area,time,price\ns,NO2,2026-03-28T01:00,1"

    with pytest.raises(
        InvalidInput, match=r"row 2, time is .*; expected an instant with an offset"
    ):
        with_prices(inputs, "prices", "x.csv", content)


def test_scenario_set_for__area_that_is_not_there(inputs):
    with pytest.raises(InvalidInput, match=r"prices\.csv: price_area is 'NO5'.* one of NO2"):
        picked(inputs, USUAL, [PriceArea("NO5")])


def test_scenario_set_for__damaged_document(inputs):
    market = configuration_of(inputs.configuration).market

    with pytest.raises(CorruptDocument):
        scenario_set_for({"version": 1, "kind": "profile"}, market, USUAL, [NO2])
    with pytest.raises(InvalidInput, match="version is 2"):
        scenario_set_for({"version": 2}, market, USUAL, [NO2])


def as_parquet(content, **types):
    kinds = arrow_csv.ConvertOptions(column_types={"time": pa.string(), **types})
    sink = io.BytesIO()
    parquet.write_table(arrow_csv.read_csv(io.BytesIO(content), convert_options=kinds), sink)
    return sink.getvalue()


@pytest.mark.parametrize("kind", [pa.string(), pa.timestamp("us", tz="UTC")])
def test_parquet__the_same_prices_as_csv(inputs, kind):
    content = dated(USUAL, 96)
    texts = with_prices(inputs, "prices", "x.csv", content)
    columns = with_prices(inputs, "prices", "x.parquet", as_parquet(content, time=kind))

    for key in ("kind", "scenarios", "prices", "probabilities"):
        assert columns.scenario_sets["prices"][key] == texts.scenario_sets["prices"][key]


@pytest.mark.parametrize(
    ("content", "field", "value", "expected"),
    [
        (as_parquet(dated(USUAL, 9), price=pa.string()), "price", "column of string", "numbers"),
        (as_parquet(dated(USUAL, 9).replace(b",7", b",")), "price", "2 empty", "a value in each"),
        (b"PAR1 and then something else", "content", "", "can be read"),
    ],
)
def test_parquet__refused(inputs, content, field, value, expected):
    with pytest.raises(InvalidInput) as caught:
        with_prices(inputs, "prices", "x.parquet", content)

    (problem,) = caught.value.problems
    assert (problem.document, problem.field) == ("x.parquet", field)
    assert value in problem.value
    assert expected in problem.expected


def test_with_prices__probabilities_of_the_client_stay(edited):
    files = edited("client.yaml", ".csv}", ".csv, probabilities: {low: 0.75, high: 0.25}}")
    inputs = read_client(files, "small-client")
    again = with_prices(inputs, "prices", "somewhere/new.csv", files["scenarios/prices.csv"])

    assert again.scenario_sets["prices"] == {**inputs.scenario_sets["prices"], "file": "new.csv"}
    assert again.scenario_sets["prices"]["probabilities"] == [0.25, 0.75]
    with pytest.raises(InvalidInput, match=r"probabilities\.s2 is None"):
        with_prices(inputs, "prices", "new.csv", dated(USUAL, 96))
