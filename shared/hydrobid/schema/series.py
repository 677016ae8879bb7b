"""Scenario tables to columnar documents: what is checked here needs no delivery day.

A *profile* holds local times of a typical day and serves every delivery day; a *dated* file holds
instants, of one day or of many.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.time import parse_instant, utc_text
from hydrobid.schema.findings import Place, one_of
from hydrobid.schema.forms import MAX_PRICE
from hydrobid.schema.tables import Labels, ScenarioTable

MAX_CELLS = 4_000_000
MAX_LABELS = {"scenario": 10_000, "price_area": 1000, "time": 100_000}
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_INSTANT = "an instant with an offset, as 2026-03-28T13:45+01:00, or a time of day, as 13:45"


@dataclass(frozen=True)
class _Axis:
    """One dimension of the prices: its labels in order, and the (N,) place of each row on it."""

    labels: tuple[str, ...]
    positions: NDArray[np.intp]


def series_of(table: ScenarioTable, market: Market, place: Place) -> dict[str, Any] | None:
    """Return a table as columns, JSON-ready; or None once every fault of it is noted.

    `kind`; `scenarios` in natural order; `prices`: for each price area its `times` (local times, or
    instants in UTC) and the `values` of each scenario, as long as `times`. In dated series None
    stands where a scenario has no price.
    """
    before = len(place.findings)
    if not _labels_fit(table, place):
        return None
    _check_prices(table, place)
    scenarios = _scenarios(table, place)
    areas = _areas(table, market, place)
    kind, times = _times(table, market, place)
    if len(place.findings) > before:
        return None
    cube = _cube(table, areas, scenarios, times, place)
    if cube is not None and kind == "profile":
        _check_profile(cube, areas, scenarios, times, place)
    if cube is None or len(place.findings) > before:
        return None
    return {
        "kind": kind,
        "scenarios": list(scenarios.labels),
        "prices": {
            area: _columns(prices, times.labels)
            for area, prices in zip(areas.labels, cube, strict=True)
        },
    }


def _labels_fit(table: ScenarioTable, place: Place) -> bool:
    """Return whether a table's dimensions are such that its rows are worth a look."""
    for name, limit in MAX_LABELS.items():
        count = len(getattr(table, name).names)
        if count > limit:
            (place / name).refuse(f"{count} different ones", f"at most {limit}")
    return all(len(getattr(table, name).names) <= limit for name, limit in MAX_LABELS.items())


def _check_prices(table: ScenarioTable, place: Place) -> None:
    wrong = ~(np.abs(table.price) <= MAX_PRICE)
    for row, price in zip(table.rows[wrong].tolist(), table.price[wrong].tolist(), strict=True):
        expected = f"a finite number between {-MAX_PRICE:g} and {MAX_PRICE:g}"
        (place / f"row {row}, price").refuse(price, expected)


def _scenarios(table: ScenarioTable, place: Place) -> _Axis:
    sound = [name for name in table.scenario.names if ScenarioId.pattern.fullmatch(name)]
    for name, first in zip(table.scenario.names, table.scenario.firsts, strict=True):
        if not ScenarioId.pattern.fullmatch(name):
            expected = f"a name of {ScenarioId.rule}"
            (place / f"row {table.rows[first]}, scenario").refuse(name, expected)
    return _axis(table.scenario, sorted(sound, key=_natural))


def _areas(table: ScenarioTable, market: Market, place: Place) -> _Axis:
    for name, first in zip(table.price_area.names, table.price_area.firsts, strict=True):
        if name not in market.price_areas:
            expected = f"a price area of {market.id}: {one_of(name, market.price_areas)}"
            (place / f"row {table.rows[first]}, price_area").refuse(name, expected)
    return _axis(table.price_area, sorted(table.price_area.names))


def _times(table: ScenarioTable, market: Market, place: Place) -> tuple[str, _Axis]:
    """Return the kind of the series and its axis of times, each in one canonical spelling."""
    names = table.time.names
    profile = 2 * sum(_TIME_OF_DAY.fullmatch(text) is not None for text in names) > len(names)
    local = f"a local time in steps of {market.mtu_minutes} minutes, as in most rows"
    spelled = []
    for text, first in zip(names, table.time.firsts, strict=True):
        time = _local(text, market.mtu_minutes) if profile else _instant(text)
        if time is None:
            expected = local if profile else _INSTANT
            (place / f"row {table.rows[first]}, time").refuse(text, expected)
        spelled.append(time or "")
    if profile:
        return "profile", _axis(table.time, _day_of(market.mtu_minutes), spelled)
    return "dated", _axis(table.time, sorted(set(spelled)), spelled)


def _local(text: str, minutes: int) -> str | None:
    match = _TIME_OF_DAY.fullmatch(text)
    return text if match and int(match[2]) % minutes == 0 else None


def _instant(text: str) -> str | None:
    try:
        instant = parse_instant(text)
    except (InvalidInput, OverflowError):
        return None
    return None if instant.second or instant.microsecond else utc_text(instant)


def _day_of(minutes: int) -> list[str]:
    return [f"{at // 60:02}:{at % 60:02}" for at in range(0, 24 * 60, minutes)]


def _axis(column: Labels, order: Sequence[str], spelled: Sequence[str] | None = None) -> _Axis:
    index = {label: position for position, label in enumerate(order)}
    names = column.names if spelled is None else spelled
    position = np.asarray([index.get(name, 0) for name in names], dtype=np.intp)
    return _Axis(tuple(order), position[column.codes])


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return a sort key that has s2 before s10."""
    parts = re.findall(r"\d+|\D+", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name


def _cube(
    table: ScenarioTable, areas: _Axis, scenarios: _Axis, times: _Axis, place: Place
) -> NDArray[np.float64] | None:
    """Return prices by (area, scenario, time), NaN where there is none; note rows that stand twice."""
    shape = (len(areas.labels), len(scenarios.labels), len(times.labels))
    if np.prod(shape, dtype=np.float64) > MAX_CELLS:
        expected = f"at most {MAX_CELLS} prices"
        place.refuse(f"{shape[0]} areas x {shape[1]} scenarios x {shape[2]} times", expected)
        return None
    cells = np.ravel_multi_index((areas.positions, scenarios.positions, times.positions), shape)
    order = np.argsort(cells, kind="stable")
    again = np.flatnonzero(np.diff(cells[order]) == 0)
    for earlier, later in zip(order[again], order[again + 1], strict=True):
        labels = (scenarios, areas, times)
        named = ", ".join(axis.labels[axis.positions[later]] for axis in labels)
        expected = f"each MTU of a scenario once: row {table.rows[earlier]} has it"
        (place / f"row {table.rows[later]}").refuse(named, expected)
    cube = np.full(shape, np.nan)
    cube.flat[cells] = table.price
    return cube


def _check_profile(
    cube: NDArray[np.float64], areas: _Axis, scenarios: _Axis, times: _Axis, place: Place
) -> None:
    absent = np.isnan(cube)
    for area, scenario in np.argwhere(absent.any(axis=2)):
        missing = [times.labels[at] for at in np.flatnonzero(absent[area, scenario])]
        count = len(times.labels) - len(missing)
        at = place / f"scenario {scenarios.labels[scenario]}, price_area {areas.labels[area]}"
        expected = f"{len(times.labels)} MTUs of a 24-hour day; {missing[0]} is missing"
        at.refuse(f"{count} values", expected)


def _columns(prices: NDArray[np.float64], times: Sequence[str]) -> dict[str, Any]:
    """Return one area's prices, at the times at which the area has any."""
    kept = np.flatnonzero(np.any(~np.isnan(prices), axis=0)).tolist()
    values = prices[:, kept].tolist()
    if np.isnan(prices[:, kept]).any():
        values = [[None if math.isnan(price) else price for price in row] for row in values]
    return {"times": [times[at] for at in kept], "values": values}
