"""The example clients, and what makes canonical documents canonical."""

import json
import runpy
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import yaml
from pyarrow import parquet

from hydrobid.domain.canonical import canonical_json, digest
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import PriceArea
from hydrobid.schema import configuration_of, read_client, scenario_set_for

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", ["sintef-example", "cascade-example"])
def test_example__through_storage_to_the_domain(example, name):
    inputs = read_client(example(name), name)
    stored = json.loads(canonical_json(inputs.configuration))
    configuration = configuration_of(stored)

    assert configuration.client == configuration.portfolio == name
    assert stored["description"].startswith("Example.")
    assert configuration.to_document() == inputs.configuration["configuration"]
    assert digest(stored) == digest(inputs.configuration)
    for asset in configuration.assets:
        scenarios = json.loads(canonical_json(inputs.scenario_sets[asset.scenario_set]))
        for day, mtus in ((date(2026, 3, 29), 92), (date(2026, 10, 25), 100)):
            picked = scenario_set_for(scenarios, configuration.market, day, [asset.price_area])
            assert picked.prices[asset.price_area].shape == (len(picked.ids), mtus)


@pytest.mark.parametrize(("client", "scenarios"), [("sintef-example", 52), ("cascade-example", 60)])
def test_example__prices_on_both_sides_of_the_water_values(example, client, scenarios):
    inputs = read_client(example(client), client)
    configuration = configuration_of(inputs.configuration)
    (document,) = inputs.scenario_sets.values()
    assert len(document["scenarios"]) == scenarios

    for asset in configuration.assets:
        prices = np.asarray(document["prices"][asset.price_area]["values"])
        for energy_value in energy_values(asset.watercourse):
            share_above = (prices > energy_value).mean(axis=0)
            assert np.count_nonzero((share_above > 0.05) & (share_above < 0.95)) >= 48


def energy_values(watercourse):
    """Yield for each plant what its energy is worth in EUR/MWh by the water above and below it."""
    reservoirs = {reservoir.name: reservoir for reservoir in watercourse.reservoirs}
    for plant in watercourse.plants:
        upper = reservoirs[plant.reservoir]
        below, _delay = watercourse.downstream(plant.to)
        head = np.interp(upper.start_volume, upper.level.x, upper.level.y) - plant.outlet_level
        energy = 9.81 * 0.92 * head / 3.6
        lower = reservoirs[below].water_value if below else 0.0
        yield (upper.water_value - lower) / energy


def test_backtest_example__convex_and_by_the_hour(example):
    inputs = read_client(example("backtest-example"), "backtest-example")
    configuration = configuration_of(inputs.configuration)
    (asset,) = configuration.assets

    assert configuration.market.mtu_minutes == 60
    assert len(asset.watercourse.reservoirs) == 5
    assert not asset.watercourse.rivers
    for plant in asset.watercourse.plants:
        for unit in plant.units:
            assert (unit.power_min, unit.start_cost, plant.discharge_min) == (0, 0, 0)
            for curve in unit.turbine:
                assert np.all(np.diff(curve.efficiency) <= 0)
    for energy_value in energy_values(asset.watercourse):
        assert energy_value == pytest.approx(28, rel=0.03)


def test_sintef_example__levels_as_volumes(example):
    inputs = read_client(example("sintef-example"), "x")
    (asset,) = configuration_of(inputs.configuration).assets
    first, second = asset.watercourse.reservoirs

    assert (first.start_volume, second.start_volume) == (32.77, 56.541666667)
    assert [len(plant.units) for plant in asset.watercourse.plants] == [2, 4]
    assert asset.watercourse.plants[0].units[0].turbine[0].efficiency[0] == 0.858733


@pytest.mark.parametrize(
    ("file", "column"), [("prices.parquet", "price"), ("inflows.parquet", "value")]
)
def test_cascade_example__script_makes_the_scenarios_that_are_there(file, column):
    folder = ROOT / "shared" / "clients" / "cascade-example"
    made = runpy.run_path(str(folder / "make_scenarios.py"))["tables"]()[file]
    kept = parquet.read_table(folder / "scenarios" / file)

    assert made.drop_columns(column) == kept.drop_columns(column)
    # Other processors may round the last binary digit, and so a cent, another way.
    np.testing.assert_allclose(made[column].to_numpy(), kept[column].to_numpy(), atol=0.011)


def test_nordic__the_rules_that_the_exchange_has():
    ours = yaml.safe_load((ROOT / "shared/hydrobid/schema/markets/nordic.yaml").read_text())
    theirs = yaml.safe_load((ROOT / "emulators/exchange/markets/nordic.yaml").read_text())

    for key in ("time_zone", "mtu_minutes", "currency", "price_tick", "volume_lot"):
        assert ours[key] == theirs[key]
    assert ours["price_areas"] == [area["code"] for area in theirs["price_areas"]]
    assert ours["price_min"] == theirs["price_limits"]["minimum"]
    assert ours["price_max"] == theirs["price_limits"]["maximum"]
    assert ours["max_points"] == theirs["maximum_points"]
    assert ours["gate_closure"]["local_time"] == theirs["gate_closure"]["time"]
    assert ours["gate_closure"]["days_before"] == theirs["gate_closure"]["days_before_delivery"]


def test_digest__does_not_depend_on_how_a_document_was_typed(files):
    def turned(content):
        if isinstance(content, dict):
            return {key: turned(content[key]) for key in reversed(content)}
        if isinstance(content, list) and not isinstance(content[0], dict):
            return [float(part) for part in content]
        return content

    valley = yaml.safe_load(files["watercourses/valley.yaml"])
    client = yaml.safe_load(files["client.yaml"])
    header, *rows = files["scenarios/prices.csv"].decode().splitlines()
    other = {
        "client.yaml": yaml.safe_dump(dict(reversed(client.items())), sort_keys=False).encode(),
        "watercourses/valley.yaml": yaml.safe_dump(turned(valley), sort_keys=False).encode(),
        "scenarios/prices.csv": "\n".join([header, *reversed(rows)]).encode(),
    }
    first, second = read_client(files, "a"), read_client(other, "b")

    assert digest(first.configuration) == digest(second.configuration)
    assert digest(first.scenario_sets) == digest(second.scenario_sets)


def test_market__in_line_and_shipped_are_the_same(edited, files):
    rules = in_line().replace("price_max: 4000", "price_max: 4000.00")
    typed = read_client(edited("client.yaml", "market: nordic\n", rules), "x")

    assert digest(typed.configuration) == digest(read_client(files, "x").configuration)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("price_tick: 0.1", "price_tick: 0", r"market\.price_tick is 0; expected above 0"),
        (
            "price_min: -500",
            "price_min: -500.05",
            r"market\.price_min is .*; expected price_min on",
        ),
        ("Oslo", "Olso", r"market\.time_zone is 'Europe/Olso'; expected a time zone of the IANA"),
        ("NO1, NO2,", "NO1,", r"assets\[0\]\.price_area is 'NO2'; expected a price area of nordic"),
    ],
)
def test_market__faulty_rules_in_line(edited, old, new, fault):
    files = edited("client.yaml", "market: nordic\n", in_line().replace(old, new))

    with pytest.raises(InvalidInput, match=fault):
        read_client(files, "x")


def in_line():
    rules = (ROOT / "shared/hydrobid/schema/markets/nordic.yaml").read_text()
    return "market:\n" + "".join(f"  {line}\n" for line in rules.splitlines())


def test_configuration_of__other_version_and_faulty_content(files):
    document = read_client(files, "x").configuration

    with pytest.raises(InvalidInput, match=r"client\.yaml: version is 2; expected 1"):
        configuration_of({**document, "version": 2})
    faulty = {key: value for key, value in document["configuration"].items() if key != "market"}
    with pytest.raises(InvalidInput, match=r"client\.yaml: market is None"):
        configuration_of({**document, "configuration": faulty})
    assert configuration_of(document).assets[0].price_area == PriceArea("NO2")


def test_backtest_example__script_makes_the_past_that_is_there():
    folder = ROOT / "shared" / "clients" / "backtest-example"
    made = list(runpy.run_path(str(folder / "make_past.py"))["rows"]())
    kept = (folder / "past.csv").read_text().splitlines()

    assert [line[:16] for line in made] == [line[:16] for line in kept]
    # Other processors may round the last binary digit, and so a cent, another way.
    prices = [[line.split(",")[1:] for line in lines[1:]] for lines in (made, kept)]
    np.testing.assert_allclose(*np.array(prices, dtype=float), atol=0.011)
