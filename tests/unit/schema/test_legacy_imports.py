"""SHOP cases and PowerOps' resync configurations become clients that bid."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest
import yaml
from examples import published
from hypothesis import given, settings
from random_problems.strategies import problems
from shop_documents import standard_example

from hydrobid.domain.conditions import Conditions
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import ClientId
from hydrobid.schema import configuration_of, read_client
from hydrobid.schema.findings import Findings, Place
from hydrobid.schema.legacy.imported import client_id, identifier
from hydrobid.schema.legacy.resync import snake
from hydrobid.schema.legacy.resync_import import imported_resync
from hydrobid.schema.legacy.shop_import import ImportChoices, imported_shop_case
from hydrobid.schema.models import read_model
from hydrobid.schema.price_files import SourceFile
from hydrobid.schema.watercourse_documents import document_of
from hydrobid.schema.watercourses import watercourse_of
from hydrobid.schema.yaml_document import read_yaml

DAY = date(2018, 1, 24)
MORNING = datetime.fromisoformat("2018-01-23T10:30+01:00")
CASE = SourceFile("standard.yaml", json.dumps(standard_example()).encode())


def read_again(watercourse):
    findings = Findings()
    text = yaml.safe_dump(document_of(watercourse))
    found = watercourse_of(read_yaml(text.encode(), "x"), Place(findings, "x"))
    return findings.settled(found)


@settings(max_examples=60, deadline=None)
@given(problems(commitment=True))
def test_document_of__reading_it_gives_the_watercourse_again(problem):
    assert read_again(problem.watercourse) == problem.watercourse


def test_document_of__with_all_conditions():
    (plant, *_), (reservoir, *_) = (
        read_model(CASE).problem.watercourse.plants,
        read_model(CASE).problem.watercourse.reservoirs,
    )
    steps = {"times": ["2026-11-28T00:00Z", "2026-11-29T00:00Z"], "values": [2, None]}
    unit = plant.units[0].name
    conditions = Conditions.model_validate(
        {
            "inflow": {reservoir.name: steps},
            "limits": {"discharge_min": {plant.name: steps}},
            "maintenance": {unit: [{"start": "2026-11-28T00:00Z", "end": "2026-11-28T02:00Z"}]},
            "machines": {unit: {"on": True, "hours": 3}},
            "flow": {plant.name: 12},
            "trade": {"obligation": steps, "sale_max": steps},
            "reserve_up": {unit: steps},
            "reserve_down": {plant.name: steps},
        }
    )
    watercourse = read_model(CASE).problem.watercourse.model_copy(update={"conditions": conditions})

    assert read_again(watercourse) == watercourse


def run(client):
    """Bid a day of an imported client."""
    inputs = read_client(client.files, client.client)
    view = published(inputs, MORNING).run(ClientId(client.client), DAY)
    return view.state, {area: order.state for area, order in view.orders.items()}


def test_imported_shop_case__is_a_client_that_bids():
    client = imported_shop_case(CASE, ImportChoices(price_area="NO2"))

    assert (client.client, client.days) == ("standard", ("2018-01-24", "2018-01-25"))
    assert run(client) == ("submitted", {"NO2": "STANDING"})


def test_imported_shop_case__means_what_the_case_means():
    client = imported_shop_case(CASE, ImportChoices())
    (asset,) = configuration_of(read_client(client.files, "x").configuration).assets

    source = read_model(CASE).problem.watercourse

    assert asset.watercourse.model_copy(update={"name": source.name, "source": None}) == source


def test_imported_shop_case__accounts_for_everything_once():
    case = standard_example()
    account = imported_shop_case(CASE, ImportChoices()).account

    for kind, objects in case["model"].items():
        for name, attributes in objects.items():
            for attribute in attributes:
                path = f"standard.yaml: model.{kind}.{name}.{attribute}"
                gone = any(path == p or path.startswith(f"{p}.") for p in account.ignored)
                assert (path in account.mapped) != gone, path
    assert {"market", "method", "scenarios", "portfolio"} <= account.defaulted.keys()
    told = read_yaml(imported_shop_case(CASE, ImportChoices()).files["import.yaml"], "import.yaml")
    assert told == account.as_document()


@pytest.mark.parametrize(
    ("choices", "field"),
    [
        (ImportChoices(market="nordik"), "--market"),
        (ImportChoices(price_area="NO9"), "--price-area"),
        (ImportChoices(prices=SourceFile("p.csv", b"a,b\n1,2\n")), "header"),
    ],
)
def test_imported_shop_case__refuses_what_cannot_be_bid(choices, field):
    with pytest.raises(InvalidInput) as caught:
        imported_shop_case(CASE, choices)

    assert any(problem.field.startswith(field) for problem in caught.value.problems)


def test_imported_shop_case__without_prices_asks_for_some():
    case = standard_example()
    del case["model"]["market"]
    file = SourceFile("x.yaml", json.dumps(case).encode())

    with pytest.raises(InvalidInput, match="--prices"):
        imported_shop_case(file, ImportChoices())


# A resync configuration in small: two plants of one model, with three scenarios.
def override(shift: float) -> dict[str, Any]:
    points = [
        {"offset_minute": 0.0, "offset_value": shift},
        {"offset_minute": 1440.0, "offset_value": 0},
    ]
    return {
        "external_id": f"sale_{shift:g}",
        "object_type": "market",
        "attribute_name": "sale_price",
        "transformations": [{"AddFromOffset": {"parameters": {"relative_datapoints": points}}}],
    }


def scenario(name: str, *overrides: str) -> dict[str, Any]:
    return {
        "name": name,
        "model": "[name]Vale",
        "attribute_mappings_override": [f"[external_id]{o}" for o in overrides],
    }


def partial(name: str, plant: str, scenarios: str) -> dict[str, Any]:
    return {
        "name": name,
        "method": "multi scenario",
        "power_asset": f"[external_id]plant_information_{plant.lower()}",
        "add_steps": False,
        "scenario_set": f"[name|type:ShopScenarioSet]{scenarios}",
    }


def resync() -> dict[str, Any]:
    return {
        "shared/market_configuration.yaml": [
            {
                "name": "Nord Pool Day-Ahead 15 min",
                "max_price": 4000.0,
                "min_price": -500.0,
                "timezone": "Europe/Oslo",
                "price_unit": "EUR/MWh",
                "price_steps": 200,
                "tick_size": 0.1,
                "time_unit": "15m",
                "trade_lot": 0.1,
            }
        ],
        "shared/price_area_information.yaml": [{"name": "NO1"}, {"name": "NO2"}],
        "shared/bid_configuration_day_ahead.yaml": [
            {
                "name": "Multi Scenario NO2",
                "market_configuration": "[external_id]market_configuration_nord_pool_day_ahead_15_min",
                "price_area": "[name]NO2",
                "partials": [
                    "[name|type:ShopBasedPartialBidConfigurationWrite]Plant1 three",
                    "[external_id]shop_based_partial_bid_configuration_plant2_three",
                ],
            }
        ],
        "vale/plant_information.yaml": [{"name": "Plant1"}, {"name": "Plant2"}],
        "vale/shop_based_partial_bid_configuration.yaml": [
            partial("Plant1 three", "Plant1", "Three"),
            partial("Plant2 three", "Plant2", "Three"),
            partial("Plant2 one", "Plant2", "One"),
        ],
        "vale/water_value_based_partial_bid_configuration.yaml": [
            {"name": "Plant1 water", "power_asset": "[name]Plant1"},
        ],
        "vale/shop_scenario_set.yaml": [
            {"name": "Three", "scenarios": ["[name]minus", "[name]base", "[name]plus"]},
            {"name": "One", "scenarios": ["[name]base"]},
        ],
        "vale/shop_scenario.yaml": [
            scenario("minus", "sale_-20"),
            scenario("base"),
            scenario("plus", "sale_20"),
        ],
        "vale/shop_attribute_mapping.yaml": [override(-20), override(20)],
        "vale/shop_model.yaml": [
            {"name": "Vale", "model": "[external_id]x", "penalty_limit": 3000}
        ],
        "vale/generator.yaml": [{"name": "G1"}],
    }


def files(content: dict[str, Any]) -> dict[str, bytes]:
    return {name: json.dumps(listed).encode() for name, listed in content.items()}


CASES = {"Vale": CASE}


def test_imported_resync__is_a_client_that_bids():
    client = imported_resync(files(resync()), CASES, None, ImportChoices(client="vale-client"))

    configuration = configuration_of(read_client(client.files, "x").configuration)
    (asset,) = configuration.assets
    assert (asset.asset, asset.price_area) == ("Vale", "NO2")
    assert (asset.method.name, asset.method.profile) == ("price_shifts", "moved")
    assert list(asset.method.shifts) == [-20, 0, 20]
    assert (configuration.market.id, configuration.market.mtu_minutes) == (
        "nord-pool-day-ahead-15-min",
        15,
    )
    assert run(client) == ("submitted", {"NO2": "STANDING"})


def test_imported_resync__accounts_for_what_it_took():
    account = imported_resync(files(resync()), CASES, None, ImportChoices()).account

    assert account.mapped["shop_scenario plus"] == "assets: a shift of 20"
    assert "market.gate_closure" in account.defaulted
    assert "vale/generator.yaml" in account.ignored
    assert "shop_model Vale: penalty_limit" in account.ignored


def test_imported_resync__a_plant_with_another_method_is_told():
    content = resync()
    (bid,) = content["shared/bid_configuration_day_ahead.yaml"]
    bid["partials"][1] = "[name]Plant2 one"

    account = imported_resync(files(content), CASES, None, ImportChoices()).account

    assert any("Plant2 one: method" in path for path in account.ignored)


def test_imported_resync__by_water_values_needs_no_scenarios():
    content = resync()
    (bid,) = content["shared/bid_configuration_day_ahead.yaml"]
    bid["partials"] = ["[name|type:WaterValueBasedPartialBidConfiguration]Plant1 water"]

    client = imported_resync(files(content), {"": CASE}, None, ImportChoices())

    (asset,) = configuration_of(read_client(client.files, "x").configuration).assets
    assert asset.method.name == "water_value"
    assert "Plant2" in client.account.defaulted["plants of Vale without a partial bid"]


@pytest.mark.parametrize(
    ("file", "at", "field", "value", "told"),
    [
        ("shared/bid_configuration_day_ahead", 0, "price_area", "[name]NO3", "NO2 perhaps"),
        ("shared/bid_configuration_day_ahead", 0, "price_area", "NO2", "a reference"),
        ("shared/bid_configuration_day_ahead", 0, "partials", "x", "a list of references"),
        (
            "shared/bid_configuration_day_ahead",
            0,
            "market_configuration",
            "[external_id]x",
            "nord_pool",
        ),
        ("shared/market_configuration", 0, "time_unit", "1d", "15m, 1h, 30m"),
        ("shared/market_configuration", 0, "price_unit", "EUR", "EUR/MWh"),
        ("shared/market_configuration", 0, "max_price", "high", "a number"),
        ("vale/shop_scenario", 1, "model", "[name]Val", "Vale perhaps"),
        ("vale/plant_information", 0, "name", "Plant9", "plant_information_plant9"),
    ],
)
def test_imported_resync__names_what_is_wrong(file, at, field, value, told):
    content = resync()
    content[f"{file}.yaml"][at][field] = value

    with pytest.raises(InvalidInput) as caught:
        imported_resync(files(content), CASES, None, ImportChoices())

    assert any(told in problem.expected for problem in caught.value.problems), caught.value


def test_imported_resync__asks_for_what_powerops_keeps_elsewhere():
    with pytest.raises(InvalidInput, match="--shop-model Vale=FILE"):
        imported_resync(files(resync()), {}, None, ImportChoices())


def test_imported_resync__of_several_bid_configurations_one_is_named():
    content = resync()
    listed = content["shared/bid_configuration_day_ahead.yaml"]
    listed.append({**listed[0], "name": "Other"})

    with pytest.raises(InvalidInput, match="Multi Scenario NO2, Other"):
        imported_resync(files(content), CASES, None, ImportChoices())

    assert imported_resync(files(content), CASES, "Other", ImportChoices()).client == "other"


@pytest.mark.parametrize(
    ("text", "client", "name", "words"),
    [
        (
            "Nord Pool Day-Ahead",
            "nord-pool-day-ahead",
            "Nord-Pool-Day-Ahead",
            "nord_pool_day_ahead",
        ),
        ("ShopScenarioSet", "shopscenarioset", "ShopScenarioSet", "shop_scenario_set"),
        ("x", "xxx", "x", "x"),
        ("1_2", "c-1-2", "1_2", "1_2"),
        ("ÆØÅ", "cxx", "unnamed", ""),
    ],
)
def test_names__made_from_any(text, client, name, words):
    assert (client_id(text), identifier(text), snake(text)) == (client, name, words)
