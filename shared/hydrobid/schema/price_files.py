"""A price file for a single solve: plain values over time, or one scenario of a set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from hydrobid.domain.conditions import Steps
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.time import parse_instant
from hydrobid.schema.delivery import scenario_set_for
from hydrobid.schema.findings import Place, one_of
from hydrobid.schema.forms import MAX_PRICE
from hydrobid.schema.market_rules import market_of
from hydrobid.schema.scenario_sets import scenario_set_of
from hydrobid.schema.value_tables import columns_of, series_in

SCENARIO_FORM = {"scenario", "price_area"}
SHIPPED_MARKET = "nordic"


@dataclass(frozen=True)
class SourceFile:
    """A file from outside: its name, for messages and for its ending, and its content."""

    name: str
    content: bytes


@dataclass(frozen=True)
class PriceChoice:
    """Which prices of a file with scenarios are meant; None where there is no choice.

    day: picks a delivery day of the shipped market, as a profile of local times needs it.
    """

    scenario: str | None = None
    price_area: str | None = None
    day: date | None = None


def prices_of(file: SourceFile, choice: PriceChoice, place: Place) -> Steps | None:
    """Return prices as steps, or None once every fault is noted."""
    columns = columns_of(file.content, file.name, place)
    if columns is None:
        return None
    if columns.keys() >= SCENARIO_FORM:
        return _scenario(file, choice, place)
    chosen = (
        ("--scenario", choice.scenario),
        ("--price-area", choice.price_area),
        ("--date", choice.day),
    )
    for option, value in chosen:
        if value is not None:
            expected = f"nothing: {file.name} has no scenarios"
            place.findings.add(_option(place, option).problem(value, expected))
    names = [name for name in columns if name != "time"]
    if len(names) > 1:
        (place / "header").refuse(", ".join(names), "one column of prices beside time")
        return None
    return series_in(columns, (-MAX_PRICE, MAX_PRICE), place).get(names[0])


def _scenario(file: SourceFile, choice: PriceChoice, place: Place) -> Steps | None:
    """Return one scenario's prices in one area."""
    market = market_of(SHIPPED_MARKET, place)
    found = scenario_set_of(file.content, file.name, market, place, None, place)
    if found is None or market is None:
        return None
    scenario = _chosen(choice.scenario, found["scenarios"], _option(place, "--scenario"))
    area = _chosen(choice.price_area, list(found["prices"]), _option(place, "--price-area"))
    if scenario is None or area is None:
        return None
    position = found["scenarios"].index(scenario)
    if choice.day is not None:
        return _of_day(found, market, choice.day, area, position, place)
    if found["kind"] == "profile":
        _option(place, "--date").refuse(None, "a delivery day: the prices have local times only")
        return None
    series = found["prices"][area]
    values = series["values"][position]
    known = [
        (parse_instant(at), v)
        for at, v in zip(series["times"], values, strict=True)
        if v is not None
    ]
    return Steps(times=tuple(at for at, _ in known), values=tuple(v for _, v in known))


def _of_day(
    found: dict[str, Any], market: Market, day: date, area: str, position: int, place: Place
) -> Steps | None:
    try:
        scenarios = scenario_set_for(found, market, day, [PriceArea(area)])
    except InvalidInput as error:
        for problem in error.problems:
            place.findings.add(problem)
        return None
    values = scenarios.prices[PriceArea(area)][position].tolist()
    return Steps(times=tuple(market.grid(day).starts()), values=tuple(values))


def _chosen(given: str | None, known: list[str], place: Place) -> str | None:
    if given is None and len(known) == 1:
        return known[0]
    if given in known:
        return given
    place.refuse(given, one_of(given or "", known))
    return None


def _option(place: Place, option: str) -> Place:
    return Place(place.findings, "command line", option)
