"""A bid configuration of Cognite PowerOps to a client: its market, assets, methods and price scenarios.

PowerOps bids plant by plant; here a watercourse is an asset, since its plants share its water. So the
plants' partial bids become the asset of the SHOP model that their scenarios run. Their scenarios are
the expected price with something added; that is the method of price shifts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.market import Market
from hydrobid.schema.findings import Place, one_of
from hydrobid.schema.legacy.imported import Account, ImportedClient, identifier
from hydrobid.schema.legacy.resync import PARTIALS, Item, Resync, read_resync
from hydrobid.schema.legacy.shop_import import (
    ClientDraft,
    ImportChoices,
    ImportedAsset,
    shop_case,
)
from hydrobid.schema.market_rules import market_of
from hydrobid.schema.price_files import SourceFile
from hydrobid.schema.shop import is_shop
from hydrobid.schema.shop.case import ShopCase
from hydrobid.schema.yaml_document import read_yaml

MINUTES = {"15m": 15, "30m": 30, "1h": 60}
_MARKET = {
    "max_price": "price_max",
    "min_price": "price_min",
    "tick_size": "price_tick",
    "trade_lot": "volume_lot",
    "price_steps": "max_points",
}


def imported_resync(
    files: Mapping[str, bytes],
    shop_models: Mapping[str, SourceFile],
    bid_configuration: str | None,
    choices: ImportChoices,
) -> ImportedClient:
    """Return the client of a bid configuration.

    files: the configuration's, by name. shop_models: SHOP cases by the name of their ShopModel, or one
    case by an empty name. bid_configuration: its name; None for the only one.

    Raises:
        InvalidInput: with every problem found.
    """
    resync = read_resync(files)
    bid = _chosen(resync, bid_configuration)
    account = Account(ignored=list(resync.ignored))
    market = resync.referred(bid, "market_configuration", "market_configuration")
    area = resync.referred(bid, "price_area", "price_area_information")
    partials = [_Partial(resync, item) for item in resync.all_referred(bid, "partials", *PARTIALS)]
    resync.findings.raise_if_any()
    rules, stated = _market(resync, resync.findings.settled(market), account)
    cases = _cases(resync, partials, shop_models, account)
    resync.findings.raise_if_any()
    name = resync.findings.settled(area).name
    account.mapped[f"{area}"] = "assets: price_area"
    assets = [
        ImportedAsset(identifier(model), case, name, _method(model, case, partials, account))
        for model, case in cases.items()
    ]
    resync.findings.raise_if_any()
    account.mapped[f"{bid}"] = "client.yaml"
    draft = ClientDraft(
        choices.client or bid.name,
        stated,
        rules,
        assets,
        f"PowerOps bid configuration {bid.name}",
        account,
    )
    return draft.finished(choices.prices, bid.place)


@dataclass
class _Partial:
    """A plant's partial bid. model: of its scenarios; None where it solves none."""

    resync: Resync
    item: Item

    def __post_init__(self) -> None:
        self.plant = self.resync.referred(self.item, "power_asset", "plant_information")
        self.scenarios: list[Item] = []
        self.model: Item | None = None
        if self.item.type != PARTIALS[0]:
            return
        chosen = self.resync.referred(self.item, "scenario_set", "shop_scenario_set")
        if chosen is not None:
            self.scenarios = self.resync.all_referred(chosen, "scenarios", "shop_scenario")
        models = [self.resync.referred(s, "model", "shop_model") for s in self.scenarios]
        self.model = next((model for model in models if model is not None), None)


def _chosen(resync: Resync, name: str | None) -> Item:
    known = {item.name: item for item in resync.of("bid_configuration_day_ahead")}
    if name is None and len(known) == 1:
        return next(iter(known.values()))
    if name not in known:
        raise InvalidInput.of("command line", "--bid-configuration", name, one_of(name, known))
    return known[name]


def _market(resync: Resync, item: Item, account: Account) -> tuple[Market, dict[str, Any]]:
    """Return a market's rules, and how a client's file states them; note what is wrong with them."""
    fields = item.fields
    minutes = MINUTES.get(str(fields.get("time_unit")))
    if minutes is None:
        (item.place / "time_unit").refuse(fields.get("time_unit"), one_of("", MINUTES))
    unit = str(fields.get("price_unit", "")).partition("/")
    if unit[1:] != ("/", "MWh"):
        (item.place / "price_unit").refuse(
            fields.get("price_unit"), "a currency per MWh, as EUR/MWh"
        )
    stated = {
        "id": identifier(item.name).lower(),
        "time_zone": fields.get("timezone") or "Europe/Oslo",
        "mtu_minutes": minutes,
        "gate_closure": {"local_time": "12:00", "days_before": 1},
        "currency": unit[0],
        **{ours: fields.get(theirs) for theirs, ours in _MARKET.items()},
        "price_areas": [area.name for area in resync.of("price_area_information")],
    }
    resync.findings.raise_if_any()
    rules = resync.findings.settled(market_of(stated, item.place))
    account.mapped[f"{item}"] = "client.yaml: market"
    account.defaulted["market.gate_closure"] = "12:00 on the day before: PowerOps has none"
    account.defaulted["market.interpolation"] = "linear"
    return rules, stated


def _cases(
    resync: Resync,
    partials: list[_Partial],
    shop_models: Mapping[str, SourceFile],
    account: Account,
) -> dict[str, ShopCase]:
    """Return the SHOP case of each model that a partial bid needs, by the model's name."""
    models = {p.model.name: p.model for p in partials if p.model is not None}
    if not models:
        # Bids by water values name a plant only: it is of whichever model has it.
        models = {item.name: item for item in resync.of("shop_model")}
        account.defaulted["shop_model"] = f"{', '.join(models)}: no partial bid names one"
    cases = {}
    for name, model in models.items():
        file = shop_models.get(name) or (shop_models.get("") if len(models) == 1 else None)
        if file is None:
            option = Place(resync.findings, "command line", f"--shop-model {name}=FILE")
            option.refuse(None, f"the SHOP case of {name}, which PowerOps keeps elsewhere")
            continue
        content = read_yaml(file.content, file.name)
        place = Place(resync.findings, file.name)
        if not is_shop(content):
            place.refuse("no SHOP case", "a case with model, connections and time")
            continue
        cases[name] = shop_case(content, identifier(name), account, place)
        account.mapped[f"{model}"] = f"watercourses/{identifier(name)}.yaml"
        left = set(model.fields) - {"name", "external_id", "model"}
        account.ignored += [f"{model}: {field}" for field in sorted(left)]
    return cases


def _method(
    model: str, case: ShopCase, partials: list[_Partial], account: Account
) -> dict[str, Any]:
    """Return the method of an asset: that of its first plant's partial bid."""
    plants = {str(plant.name) for plant in case.watercourse.plants}
    ours = []
    for partial in partials:
        plant, at = partial.plant, partial.item.place / "power_asset"
        its = partial.model is not None and partial.model.name == model
        if plant is not None and plant.name in plants and (its or partial.model is None):
            ours.append(partial)
        elif plant is not None and its:
            expected = f"a plant of the SHOP case of {model}: {one_of(plant.name, plants)}"
            at.refuse(plant.name, expected)
    if not ours:
        account.defaulted[f"method of {identifier(model)}"] = (
            "multi_scenario: no partial bid is its"
        )
        return {"name": "multi_scenario"}
    first = ours[0]
    method = _method_of(first, account)
    account.mapped[f"{first.item}"] = f"assets: {identifier(model)}, its method"
    for partial in ours[1:]:
        same = _method_of(partial, Account()) == method
        target = f"assets: {identifier(model)}, which bids all its plants"
        if same:
            account.mapped[f"{partial.item}"] = target
        else:
            account.ignored.append(f"{partial.item}: method; {first.item} has another")
    missing = plants - {p.plant.name for p in ours if p.plant is not None}
    if missing:
        what = f"{', '.join(sorted(missing))}: bid as well, since they share its water"
        account.defaulted[f"plants of {identifier(model)} without a partial bid"] = what
    return method


def _method_of(partial: _Partial, account: Account) -> dict[str, Any]:
    if partial.item.type != PARTIALS[0]:
        return {"name": "water_value"}
    shifts = []
    for scenario in partial.scenarios:
        shift = _shift(partial.resync, scenario)
        if shift is None:
            account.ignored.append(f"{scenario}: a price that is not the expected one moved")
        else:
            shifts.append(shift)
            account.mapped[f"{scenario}"] = f"assets: a shift of {shift:g}"
    different = sorted(set(shifts))
    if len(different) < 2:
        return {"name": "price_independent"}
    return {"name": "price_shifts", "profile": "moved", "shifts": different}


def _shift(resync: Resync, scenario: Item) -> float | None:
    """Return what a scenario adds to the price on the delivery day, None where it does another thing."""
    if not scenario.fields.get("attribute_mappings_override"):
        return 0.0
    found = 0.0
    overrides = resync.all_referred(
        scenario, "attribute_mappings_override", "shop_attribute_mapping"
    )
    for override in overrides:
        if (override.fields.get("object_type"), override.fields.get("attribute_name")) != (
            "market",
            "sale_price",
        ):
            continue
        for transformation in override.fields.get("transformations") or []:
            added = _added(transformation)
            if added is None:
                return None
            found += added
    return found


def _added(transformation: Any) -> float | None:
    """Return what a transformation adds from the start on; None for one that does another thing."""
    try:
        ((kind, content),) = transformation.items()
        parameters = content["parameters"]
        if kind == "AddConstant":
            value = parameters["constant"]
        elif kind == "AddFromOffset":
            first = min(parameters["relative_datapoints"], key=lambda point: point["offset_minute"])
            value = first["offset_value"]
        else:
            return None
        return float(value)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
