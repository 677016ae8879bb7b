"""A SHOP case to a client: its watercourse, and the prices of its market as one scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import PurePath
from typing import Any

import numpy as np

from hydrobid.domain.conditions import Steps
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.market import Market
from hydrobid.domain.time import parse_instant, utc_text
from hydrobid.hydro.conditions import means
from hydrobid.hydro.horizon import Horizon
from hydrobid.schema.findings import Findings, Place, one_of
from hydrobid.schema.legacy.imported import (
    REPORT_FILE,
    Account,
    ImportedClient,
    client_id,
    identifier,
    yaml_text,
)
from hydrobid.schema.market_rules import market_of
from hydrobid.schema.price_files import SourceFile
from hydrobid.schema.scenario_sets import scenario_set_of
from hydrobid.schema.shop import is_shop, shop_case_of
from hydrobid.schema.shop.case import ShopCase
from hydrobid.schema.versions import CANONICAL_VERSION
from hydrobid.schema.watercourse_documents import document_of
from hydrobid.schema.yaml_document import read_yaml

SCENARIO_SET = "day-ahead"
SCENARIO = "shop"
EFFECTS = {
    "model.creek_intake": " (less water: the inflow of creek intakes into tunnels is left out)",
    "model.junction": " (more head: the losses of tunnels that meet in junctions are left out)",
}
"""What it means for a bid that a kind of objects is not read."""


@dataclass(frozen=True)
class ImportChoices:
    """What a source does not say. client: None for its name. price_area: None for the market's first.

    prices: scenarios in place of the source's own prices.
    """

    client: str | None = None
    market: str = "nordic"
    price_area: str | None = None
    prices: SourceFile | None = None


@dataclass(frozen=True)
class ImportedAsset:
    """A watercourse to bid, by which method and in which price area."""

    name: str
    case: ShopCase
    price_area: str
    method: Mapping[str, Any] | None = None


@dataclass
class ClientDraft:
    """A client's folder in the making. market: as its file states it; rules: what that means."""

    client: str
    market: Any
    rules: Market
    assets: list[ImportedAsset]
    source: str
    account: Account = field(default_factory=Account)

    def finished(self, prices: SourceFile | None, place: Place) -> ImportedClient:
        """Return the folder; raise InvalidInput where there are no prices to bid by."""
        files: dict[str, bytes] = {}
        for asset in self.assets:
            document = document_of(asset.case.watercourse)
            files[_watercourse_file(asset)] = yaml_text({**document, "source": self.source})
        name, content = self._prices(prices, place)
        files[name] = content
        stated = scenario_set_of(content, name, self.rules, place, None, place)
        days = _days(stated, self.rules) if stated is not None else None
        place.findings.raise_if_any()
        files["client.yaml"] = yaml_text(self._client(name))
        files[REPORT_FILE] = yaml_text(self.account.as_document())
        return ImportedClient(client_id(self.client), files, self.account, days)

    def _client(self, prices: str) -> dict[str, Any]:
        client = str(client_id(self.client))
        self.account.defaulted |= {
            "portfolio": f"{client}: the source has no account at the exchange",
            "stages, approval, coverage, fallback": "as for any client",
        }
        return {
            "version": CANONICAL_VERSION,
            "client": client,
            "description": self.source,
            "market": self.market,
            "portfolio": client,
            "assets": [
                {
                    "asset": asset.name,
                    "price_area": asset.price_area,
                    "scenario_set": SCENARIO_SET,
                    **({"method": dict(asset.method)} if asset.method else {}),
                    "watercourse": _watercourse_file(asset),
                }
                for asset in self.assets
            ],
            "scenario_sets": {SCENARIO_SET: {"file": prices}},
        }

    def _prices(self, prices: SourceFile | None, place: Place) -> tuple[str, bytes]:
        """Return a file of scenarios: the given one, or the prices of the cases' own markets."""
        if prices is not None:
            self.account.mapped[prices.name] = f"scenario_sets.{SCENARIO_SET}"
            return f"scenarios/{PurePath(prices.name).name}", prices.content
        rows = ["scenario,price_area,time,price"]
        areas: set[str] = set()
        for asset in self.assets:
            if asset.case.prices is None:
                expected = f"prices: the case of {asset.name} has no market with a sale_price"
                Place(place.findings, "command line", "--prices").refuse(None, expected)
            elif asset.price_area not in areas:
                areas.add(asset.price_area)
                rows += _rows(asset, self.rules)
        place.findings.raise_if_any()
        self.account.defaulted["scenarios"] = f"one, {SCENARIO}: the case's own prices"
        return "scenarios/prices.csv", ("\n".join(rows) + "\n").encode()


def imported_shop_case(file: SourceFile, choices: ImportChoices) -> ImportedClient:
    """Return a client made from a SHOP case in YAML.

    Raises:
        InvalidInput: with every problem of the case, or it has no prices and none were given.
    """
    findings = Findings()
    place = Place(findings, file.name)
    content = read_yaml(file.content, file.name)
    if not is_shop(content):
        place.refuse("no SHOP case", "a case with model, connections and time")
        findings.raise_if_any()
    name = identifier(PurePath(file.name).stem)
    account = Account()
    case = shop_case(content, name, account, place)
    rules, area = _market(choices, findings)
    asset = ImportedAsset(name, case, area)
    source = f"SHOP case {PurePath(file.name).name}"
    draft = ClientDraft(choices.client or name, choices.market, rules, [asset], source, account)
    account.defaulted["market"] = f"{choices.market}, price area {area}: a case has neither"
    account.defaulted["method"] = "multi_scenario"
    return draft.finished(choices.prices, place)


def shop_case(content: Mapping[str, Any], name: str, account: Account, place: Place) -> ShopCase:
    """Return a SHOP case, and account for all of it; raise InvalidInput."""
    case = place.findings.settled(shop_case_of(content, name, place))
    account.ignored += [f"{place.document}: {path}{EFFECTS.get(path, '')}" for path in case.ignored]
    for path, target in _mapped(content, name):
        if not any(path == gone or path.startswith(f"{gone}.") for gone in case.ignored):
            account.mapped[f"{place.document}: {path}"] = target
    return case


def _mapped(content: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    """Yield each attribute that a case states, and the watercourse's element that it went to."""
    for kind, objects in content["model"].items():
        for element, attributes in objects.items() if isinstance(objects, dict) else ():
            for attribute in attributes if isinstance(attributes, dict) else ():
                yield f"model.{kind}.{element}.{attribute}", f"watercourses/{name}.yaml: {element}"
    yield "connections", f"watercourses/{name}.yaml: reservoir and to of its elements"
    yield "time", "the instants of conditions and prices"


def _market(choices: ImportChoices, findings: Findings) -> tuple[Market, str]:
    option = Place(findings, "command line", "--market")
    rules = findings.settled(market_of(choices.market, option))
    area = choices.price_area or str(rules.price_areas[0])
    if area not in rules.price_areas:
        expected = one_of(area, rules.price_areas)
        raise InvalidInput.of("command line", "--price-area", area, expected)
    return rules, area


def _rows(asset: ImportedAsset, market: Market) -> Iterator[str]:
    """Yield a row for each MTU of the market that the case's horizon holds as a whole."""
    horizon, prices = asset.case.horizon, asset.case.prices
    step = timedelta(minutes=market.mtu_minutes)
    count = int((horizon.end - horizon.start) / step)
    if prices is None or count < 1:
        return
    bounds = tuple(horizon.start + number * step for number in range(count + 1))
    steps = Steps(times=horizon.starts, values=tuple(prices.tolist()))
    values = means(steps, Horizon(bounds, slice(0, count)), 0.0)
    for start, price in zip(bounds, np.round(values, 4).tolist(), strict=False):
        yield f"{SCENARIO},{asset.price_area},{utc_text(start)},{price:g}"


def _days(stated: Mapping[str, Any], market: Market) -> tuple[str, str] | None:
    """Return the first and the last delivery day of which a set holds every MTU; None for any."""
    if stated["kind"] == "profile":
        return None
    times = set.intersection(*(set(series["times"]) for series in stated["prices"].values()))
    days = sorted({_local_day(time, market) for time in times})
    whole = [day for day in days if {utc_text(s) for s in market.grid(day).starts()} <= times]
    return (whole[0].isoformat(), whole[-1].isoformat()) if whole else None


def _local_day(time: str, market: Market) -> date:
    return parse_instant(time).astimezone(market.zone).date()


def _watercourse_file(asset: ImportedAsset) -> str:
    return f"watercourses/{asset.name}.yaml"
