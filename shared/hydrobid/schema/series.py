"""Tables of scenarios to columnar documents: what is checked here needs no delivery day.

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
from hydrobid.domain.identifiers import Identifier, ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.time import parse_instant, utc_text
from hydrobid.schema.findings import Place, one_of
from hydrobid.schema.forms import MAX_PRICE
from hydrobid.schema.tables import INFLOWS, PRICES, Labels, ScenarioTable

MAX_CELLS = 4_000_000
LARGEST_INFLOW = 1e5
MAX_LABELS = {"scenario": 10_000, "group": 1000, "time": 100_000}
LIMITS = {PRICES: (-MAX_PRICE, MAX_PRICE), INFLOWS: (0.0, LARGEST_INFLOW)}
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_INSTANT = "an instant with an offset, as 2026-03-28T13:45+01:00, or a time of day, as 13:45"


@dataclass(frozen=True)
class _Axis:
    """One dimension of the prices: its labels in order, and the (N,) place of each row on it."""

    labels: tuple[str, ...]
    positions: NDArray[np.intp]


def series_of(table: ScenarioTable, market: Market, place: Place) -> dict[str, Any] | None:
    """Return a table as columns, JSON-ready; or None once every fault of it is noted.

    `kind`; `scenarios` in natural order; `series`: for each price area, or inflow, its `times` (local
    times, or instants in UTC) and the `values` of each scenario, as long as `times`. In dated
    series None stands where a scenario has no value.
    """
    before = len(place.findings)
    if not _labels_fit(table, place):
        return None
    _check_values(table, place)
    scenarios = _scenarios(table, place)
    groups = _groups(table, market, place)
    kind, times = _times(table, market, place)
    if len(place.findings) > before:
        return None
    cube = _cube(table, groups, scenarios, times, place)
    if cube is not None and kind == "profile":
        _check_profile(table, cube, groups, scenarios, times, place)
    if cube is None or len(place.findings) > before:
        return None
    return {
        "kind": kind,
        "scenarios": list(scenarios.labels),
        "series": {
            group: _columns(values, times.labels)
            for group, values in zip(groups.labels, cube, strict=True)
        },
    }


def _labels_fit(table: ScenarioTable, place: Place) -> bool:
    """Return whether a table's dimensions are such that its rows are worth a look."""
    for name, limit in MAX_LABELS.items():
        count = len(getattr(table, name).names)
        if count > limit:
            (place / (table.form.group if name == "group" else name)).refuse(
                f"{count} different ones", f"at most {limit}"
            )
    return all(len(getattr(table, name).names) <= limit for name, limit in MAX_LABELS.items())


def _check_values(table: ScenarioTable, place: Place) -> None:
    low, high = LIMITS[table.form]
    wrong = ~((low <= table.value) & (table.value <= high))
    for row, value in zip(table.rows[wrong].tolist(), table.value[wrong].tolist(), strict=True):
        expected = f"a finite number between {low:g} and {high:g}"
        (place / f"row {row}, {table.form.value}").refuse(value, expected)


def _scenarios(table: ScenarioTable, place: Place) -> _Axis:
    sound = [name for name in table.scenario.names if ScenarioId.pattern.fullmatch(name)]
    for name, first in zip(table.scenario.names, table.scenario.firsts, strict=True):
        if not ScenarioId.pattern.fullmatch(name):
            expected = f"a name of {ScenarioId.rule}"
            (place / f"row {table.rows[first]}, scenario").refuse(name, expected)
    return _axis(table.scenario, sorted(sound, key=_natural))


def _groups(table: ScenarioTable, market: Market, place: Place) -> _Axis:
    of_prices = table.form is PRICES
    for name, first in zip(table.group.names, table.group.firsts, strict=True):
        at = place / f"row {table.rows[first]}, {table.form.group}"
        if of_prices and name not in market.price_areas:
            at.refuse(name, f"a price area of {market.id}: {one_of(name, market.price_areas)}")
        elif not Identifier.pattern.fullmatch(name):
            at.refuse(name, f"a name of {Identifier.rule}")
    return _axis(table.group, sorted(table.group.names))


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
    table: ScenarioTable, groups: _Axis, scenarios: _Axis, times: _Axis, place: Place
) -> NDArray[np.float64] | None:
    """Return values by (group, scenario, time), NaN where there is none; note rows that stand twice."""
    shape = (len(groups.labels), len(scenarios.labels), len(times.labels))
    if np.prod(shape, dtype=np.float64) > MAX_CELLS:
        many = "areas" if table.form is PRICES else "inflows"
        expected = f"at most {MAX_CELLS} {'prices' if table.form is PRICES else 'values'}"
        place.refuse(f"{shape[0]} {many} x {shape[1]} scenarios x {shape[2]} times", expected)
        return None
    cells = np.ravel_multi_index((groups.positions, scenarios.positions, times.positions), shape)
    order = np.argsort(cells, kind="stable")
    again = np.flatnonzero(np.diff(cells[order]) == 0)
    for earlier, later in zip(order[again], order[again + 1], strict=True):
        labels = (scenarios, groups, times)
        named = ", ".join(axis.labels[axis.positions[later]] for axis in labels)
        expected = f"each MTU of a scenario once: row {table.rows[earlier]} has it"
        (place / f"row {table.rows[later]}").refuse(named, expected)
    cube = np.full(shape, np.nan)
    cube.flat[cells] = table.value
    return cube


def _check_profile(
    table: ScenarioTable,
    cube: NDArray[np.float64],
    groups: _Axis,
    scenarios: _Axis,
    times: _Axis,
    place: Place,
) -> None:
    absent = np.isnan(cube)
    for group, scenario in np.argwhere(absent.any(axis=2)):
        missing = [times.labels[at] for at in np.flatnonzero(absent[group, scenario])]
        count = len(times.labels) - len(missing)
        series = f"{table.form.group} {groups.labels[group]}"
        at = place / f"scenario {scenarios.labels[scenario]}, {series}"
        expected = f"{len(times.labels)} MTUs of a 24-hour day; {missing[0]} is missing"
        at.refuse(f"{count} values", expected)


def _columns(numbers: NDArray[np.float64], times: Sequence[str]) -> dict[str, Any]:
    """Return one group's values, at the times at which it has any."""
    kept = np.flatnonzero(np.any(~np.isnan(numbers), axis=0)).tolist()
    values = numbers[:, kept].tolist()
    if np.isnan(numbers[:, kept]).any():
        values = [[None if math.isnan(number) else number for number in row] for row in values]
    return {"times": [times[at] for at in kept], "values": values}
