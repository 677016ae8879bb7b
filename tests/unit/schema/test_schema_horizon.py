"""What is solved with a delivery day: later prices, scenarios of inflow, and the form that asks for it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from hydrobid.domain.canonical import canonical_json
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import Identifier, PriceArea, ScenarioId
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.hydro.horizon import Horizon
from hydrobid.schema import configuration_of, read_client, scenario_set_for, with_prices

NO2, UPPER = PriceArea("NO2"), Identifier("Upper")
DAY = date(2026, 3, 30)
HOUR = timedelta(hours=1)
QUARTERS = [f"{at // 4:02}:{at % 4 * 15:02}" for at in range(96)]


def inflow_table(scenarios=("low", "high"), name="Upper", times=QUARTERS, value="value"):
    rows = [
        f"{scenario},{name},{time},{number + at / 100}"
        for number, scenario in enumerate(scenarios, start=1)
        for at, time in enumerate(times)
    ]
    return "\n".join([f"scenario,inflow,time,{value}", *rows]).encode()


@pytest.fixture
def with_inflows(edited):
    """Return the small client's files with a file of inflows."""

    def make(content: bytes = inflow_table(), file: str = "scenarios/inflows.csv"):
        stated = f"prices.csv, inflows: {file}}}"
        return {**edited("client.yaml", "prices.csv}", stated), file: content}

    return make


def picked(inputs, horizon=None, day=DAY):
    market = configuration_of(inputs.configuration).market
    stored = json.loads(canonical_json(inputs.scenario_sets["prices"]))
    scenarios = scenario_set_for(stored, market, day, [NO2], horizon)
    return ScenarioSet.from_document(json.loads(canonical_json(scenarios.to_document())))


def horizon_of(inputs, now, later=()):
    return Horizon.mixed(now, configuration_of(inputs.configuration).market.grid(DAY), later)


def midnight(inputs):
    return configuration_of(inputs.configuration).market.grid(DAY).start


def instants(start, minutes, count):
    return [(start + n * timedelta(minutes=minutes)).isoformat() for n in range(count)]


def dated(inputs, *times):
    rows = [f"{s},NO2,{time},{at}" for s in ("low", "high") for at, time in enumerate(times)]
    content = "\n".join(["scenario,price_area,time,price", *rows]).encode()
    return with_prices(inputs, "prices", "dated.csv", content)


def test_read_client__inflows_are_of_the_prices_scenarios(with_inflows):
    day = picked(read_client(with_inflows(), "small-client"))

    assert day.ids == ("high", "low")
    np.testing.assert_allclose(
        day.inflows[UPPER], [2 + np.arange(96) / 100, 1 + np.arange(96) / 100]
    )


@pytest.mark.parametrize("suffix", ["json", "parquet"])
def test_read_client__inflows_in_other_formats(with_inflows, tmp_path, suffix):
    expected = read_client(with_inflows(), "small-client").scenario_sets["prices"]["inflows"]
    header, *lines = inflow_table().decode().splitlines()
    rows = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    rows = [{**row, "value": float(row["value"])} for row in rows]
    if suffix == "json":
        content = json.dumps(rows).encode()
    else:
        parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "inflows.parquet")
        content = (tmp_path / "inflows.parquet").read_bytes()

    files = with_inflows(content, f"scenarios/inflows.{suffix}")
    found = read_client(files, "small-client").scenario_sets["prices"]["inflows"]

    assert found["series"] == expected["series"]


@pytest.mark.parametrize(
    ("content", "field", "expected"),
    [
        (inflow_table(name="Uper"), "inflow.Uper", "a reservoir of an asset on prices: Upper"),
        (inflow_table(("low",)), "scenario.high", "the 2 scenarios of scenarios/prices.csv"),
        (inflow_table(("low", "high", "x")), "scenario.x", "the 2 scenarios"),
        (inflow_table(value="price"), "header.value", "the columns scenario, inflow, time, value"),
        (inflow_table().replace(b",1.5\n", b",-1.5\n"), "row 52, value", "between 0 and 100000"),
        (inflow_table(times=QUARTERS[:95]), "scenario low, inflow Upper", "23:45 is missing"),
    ],
)
def test_read_client__inflows_that_are_refused(with_inflows, problems, content, field, expected):
    found = problems(with_inflows(content))

    assert expected in found["scenarios/inflows.csv", field][1]


def test_read_client__inflow_of_reservoirs_of_two_assets(with_inflows, problems):
    files = with_inflows()
    second = """  - asset: twin
    price_area: NO2
    scenario_set: prices
    watercourse: watercourses/twin.yaml
scenario_sets:"""
    files["client.yaml"] = files["client.yaml"].replace(b"scenario_sets:", second.encode(), 1)
    twin = files["watercourses/valley.yaml"].replace(b"watercourse: valley", b"watercourse: twin")
    files["watercourses/twin.yaml"] = twin

    value, expected = problems(files)["scenarios/inflows.csv", "inflow.Upper"]

    assert (value, expected) == ("of valley, twin", "one such reservoir among the assets on prices")


def test_with_prices__inflows_stay_for_the_same_scenarios_only(with_inflows, files):
    inputs = read_client(with_inflows(), "small-client")
    same = files["scenarios/prices.csv"].replace(b",10.0\n", b",11.0\n")

    kept = with_prices(inputs, "prices", "other.csv", same).scenario_sets["prices"]
    with pytest.raises(InvalidInput, match=r"the 2 that scenarios/inflows.csv has"):
        with_prices(inputs, "prices", "other.csv", same.replace(b"low", b"lower"))

    assert kept["inflows"] == inputs.scenario_sets["prices"]["inflows"]


def test_scenario_set_for__a_profile_goes_on_after_the_day(files):
    inputs = read_client(files, "small-client")
    later = [(HOUR, 2 * HOUR), (4 * HOUR, 4 * HOUR)]

    low = picked(inputs, horizon_of(inputs, midnight(inputs), later)).later[NO2][1]

    # 10 at 0:00 and a quarter more each MTU.
    np.testing.assert_allclose(low, [10.375, 11.375, 10 + np.mean(np.arange(8, 24)) / 4])


def test_scenario_set_for__dated_prices_go_as_far_as_they_are_whole(files):
    """After the day hours do: forecasts of later days are seldom finer."""
    inputs = read_client(files, "small-client")
    start = midnight(inputs)
    times = [*instants(start, 15, 96), *instants(start + 24 * HOUR, 60, 6)]
    later = [(HOUR, 4 * HOUR), (4 * HOUR, 8 * HOUR)]

    day = picked(dated(inputs, *times), horizon_of(inputs, start, later))

    np.testing.assert_allclose(day.later[NO2], [[96, 97, 98, 99]] * 2)
    assert day.later_periods == 4


def test_scenario_set_for__prices_of_the_day_alone(files):
    inputs = read_client(files, "small-client")
    start = midnight(inputs)

    day = picked(dated(inputs, *instants(start, 15, 96)), horizon_of(inputs, start, [(HOUR, HOUR)]))

    assert (day.later, day.later_periods) == ({}, 0)


def test_scenario_set_for__inflow_on_the_way_to_the_day_where_the_file_has_it(with_inflows):
    at = datetime(2026, 3, 30, tzinfo=UTC) - 3 * HOUR  # 23:00 in Oslo, in summer
    times = instants(at + 0.5 * HOUR, 15, 2 + 96)
    inputs = read_client(with_inflows(inflow_table(times=times)), "small-client")

    high = picked(inputs, horizon_of(inputs, at, [(HOUR, HOUR)])).inflows[UPPER][0]

    assert np.isnan(high).tolist() == [True, True, *[False] * 98, True]
    np.testing.assert_allclose(high[2:-1], 2 + np.arange(98) / 100)


def test_scenario_set_for__inflow_of_part_of_the_day(with_inflows):
    times = instants(datetime(2026, 3, 29, 22, tzinfo=UTC), 15, 95)
    inputs = read_client(with_inflows(inflow_table(times=times)), "small-client")

    with pytest.raises(InvalidInput, match=r"inflows.csv: inflow.Upper.all scenarios"):
        picked(inputs)


def test_derived__scenarios_have_the_expected_inflow_and_later_prices(with_inflows):
    inputs = read_client(with_inflows(), "small-client")
    given = picked(inputs, horizon_of(inputs, midnight(inputs) - HOUR, [(HOUR, HOUR)]))

    moved = given.derived((ScenarioId("a"), ScenarioId("b")), lambda x: np.array([x - 5, x + 5]))

    expected = given.probabilities @ given.later[NO2]
    np.testing.assert_allclose(moved.later[NO2], [expected - 5, expected + 5])
    mean = given.probabilities @ given.inflows[UPPER]
    np.testing.assert_allclose(moved.inflows[UPPER], [mean, mean], atol=1e-6)


def test_read_client__horizon(edited):
    stated = "portfolio: small\nhorizon: {after: [{hours: 24, step: 1}, {hours: 48, step: 4}]}\n"
    configuration = configuration_of(
        read_client(
            edited("client.yaml", "portfolio: small\n", stated), "small-client"
        ).configuration
    )

    assert configuration.horizon is not None
    assert configuration.horizon.later == ((HOUR, 24 * HOUR), (4 * HOUR, 48 * HOUR))


@pytest.mark.parametrize(
    ("stated", "field", "expected"),
    [
        ("{after: [{hours: 24, step: 5}]}", "horizon.after[0].step", "a divisor of hours, 24"),
        ("{after: [{hours: 0}]}", "horizon.after[0].hours", "1 or more"),
        ("{after: [{hours: 1000}]}", "horizon.after[0].hours", "at most 336"),
        ("{before: 3}", "horizon.before", "a known field: one of after"),
    ],
)
def test_read_client__horizon_that_is_refused(edited, problems, stated, field, expected):
    found = problems(
        edited("client.yaml", "portfolio: small\n", f"portfolio: small\nhorizon: {stated}\n")
    )

    assert expected in found["client.yaml", field][1]
