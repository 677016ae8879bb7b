"""Files of series that arrive between two publications of a client's folder.

Prices have the form of a scenario file, and so may inflows. Everything else is a table over time: a
column `time` of instants with an offset, and a column for each element, with its unit in brackets where
it has a choice of one: `Upper [Mm3]`. What a series is of, within which limits, is asked of the client's
configuration.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from typing import Any

from hydrobid.domain.conditions import Steps
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import Problem
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.market import Market
from hydrobid.domain.series import OF_SCENARIOS, SeriesKind
from hydrobid.domain.time import utc_text
from hydrobid.domain.watercourse import Reservoir, Watercourse
from hydrobid.schema.client import ClientInputs, configuration_of, set_from_file
from hydrobid.schema.findings import MAX_PROBLEMS, Findings, Place, one_of
from hydrobid.schema.parquet import parquet_columns
from hydrobid.schema.price_files import SourceFile
from hydrobid.schema.scenario_sets import check_inflow_names, inflows_of
from hydrobid.schema.series import LARGEST_INFLOW
from hydrobid.schema.series_checks import check_gaps, check_scenario_gaps, scenarios_in, spikes_in
from hydrobid.schema.tables import INFLOWS
from hydrobid.schema.value_tables import Columns, columns_of, series_in

PUSHED_VERSION = 1
UNITS: Mapping[SeriesKind, tuple[str, ...]] = {
    SeriesKind.INFLOWS: ("m3/s",),
    SeriesKind.LEVELS: ("m", "Mm3"),
    SeriesKind.OBLIGATIONS: ("MW",),
}
"""What numbers of a kind count, the first unless a column says another."""
WIDEST = (-1e9, 1e9)
MAX_HEADER = 100_000
INSTANT = "an instant with an offset, as 2026-03-28T13:45+01:00: without one, clock changes repeat an hour"
_COLUMN = re.compile(r"(?P<name>[^\[\]]+?)\s*(?:\[(?P<unit>[^\[\]]*)\])?")


@dataclass(frozen=True)
class FileOfSeries:
    """What a file holds. content: JSON-ready, with `series` by name. spikes: values that stick out,
    with the name of their series.
    """

    kind: SeriesKind
    content: dict[str, Any]
    spikes: tuple[tuple[Identifier, Problem], ...]

    @property
    def names(self) -> tuple[Identifier, ...]:
        """What its series are of: scenario sets, reservoirs or assets."""
        return tuple(map(Identifier, self.content["series"]))


@dataclass(frozen=True)
class _Element:
    """Something that a column may be of. limits: by unit, the least and the greatest value."""

    limits: Mapping[str, tuple[float, float]]


def kind_in(kind: SeriesKind, file: SourceFile) -> SeriesKind:
    """Return what a file is about: inflows whose columns are of scenarios are scenarios of inflow."""
    if kind is SeriesKind.INFLOWS and {"scenario", INFLOWS.group} <= set(_header(file)):
        return SeriesKind.SCENARIO_INFLOWS
    return kind


def series_in_file(
    kind: SeriesKind,
    file: SourceFile,
    inputs: ClientInputs,
    scenario_set: str | None = None,
    partners: Mapping[Identifier, Mapping[str, Any]] | None = None,
) -> FileOfSeries:
    """Return the series in a file, checked against a client's inputs.

    kind: as `kind_in` has it. scenario_set: which one scenarios are for; None where the client has one
    only. partners: by scenario set, the inflows that arrived for prices, or the prices for inflows: what
    scenarios have to fit in place of the client's own.

    Raises:
        InvalidInput: with every problem found.
    """
    findings = Findings()
    place = Place(findings, PurePath(file.name).name)
    if kind in OF_SCENARIOS:
        name = _set_named(inputs, scenario_set, findings)
        partner = (partners or {}).get(Identifier(name))
        read = _prices if kind is SeriesKind.PRICES else _inflows
        series = {name: findings.settled(read(name, file, inputs, partner, place))}
    else:
        series = _table(kind, file, configuration_of(inputs.configuration), place)
    content = {"version": PUSHED_VERSION, "kind": str(kind), "series": series}
    spikes = spikes_in(series, place, measured=kind is SeriesKind.LEVELS)
    found = ((Identifier(name), spike) for name, spike in islice(spikes, MAX_PROBLEMS))
    return FileOfSeries(kind, content, tuple(found))


def _prices(
    name: str,
    file: SourceFile,
    inputs: ClientInputs,
    partner: Mapping[str, Any] | None,
    place: Place,
) -> dict[str, Any] | None:
    """Return a scenario set's document without inflows, None once its faults are noted."""
    document = set_from_file(inputs, name, file.name, file.content, place.findings, partner=partner)
    if document is None:
        return None
    market = configuration_of(inputs.configuration).market
    _check_gaps(document, document["kind"], document["scenarios"], market, place)
    # The file's name is no part of the content: the same under another name is the same version.
    return {**document, "file": f"prices of {name}"}


def _inflows(
    name: str,
    file: SourceFile,
    inputs: ClientInputs,
    partner: Mapping[str, Any] | None,
    place: Place,
) -> dict[str, Any] | None:
    """Return what a scenario set's document has of inflows, None once their faults are noted."""
    prices = partner or inputs.scenario_sets[name]
    configuration = configuration_of(inputs.configuration)
    found = inflows_of(prices, file.content, file.name, configuration.market, place)
    if found is None:
        return None
    check_inflow_names(found, name, configuration.assets, place)
    document = {
        "scenarios": prices["scenarios"],
        "inflows": {**found, "file": f"inflows of {name}"},
    }
    _check_gaps(document, found["kind"], prices["scenarios"], configuration.market, place)
    return document


def _check_gaps(
    document: Mapping[str, Any], kind: str, scenarios: Sequence[str], market: Market, place: Place
) -> None:
    section, groups = scenarios_in(document)
    check_scenario_gaps(kind, scenarios, groups, market, place / section)


def _header(file: SourceFile) -> Sequence[str]:
    """Return the names of a table's columns, none where it is not one: its reader will say so."""
    match PurePath(file.name).suffix.lower():
        case ".json":  # of scenarios alone
            return INFLOWS.columns
        case ".parquet":
            return parquet_columns(file.content)
    line = file.content[:MAX_HEADER].partition(b"\n")[0].decode("utf-8-sig", "replace")
    return [name.strip(' "\r') for name in line.split(",")]


def steps_in(content: Mapping[str, Any], name: Identifier) -> tuple[str, Steps]:
    """Return the unit and the values of one series of a file that is no price file."""
    series = content["series"][name]
    return series["unit"], Steps(times=series["times"], values=series["values"])


def _set_named(inputs: ClientInputs, given: str | None, findings: Findings) -> str:
    names = sorted(inputs.scenario_sets)
    if given is None and len(names) == 1:
        return names[0]
    if given not in names:
        place = Place(findings, "request", "scenario_set")
        place.refuse(given, f"a scenario set: {one_of(given or '', names)}")
        findings.raise_if_any()
    return str(given)


def _table(
    kind: SeriesKind, file: SourceFile, configuration: ClientConfiguration, place: Place
) -> dict[str, dict[str, Any]]:
    columns = columns_of(file.content, file.name, place)
    if columns is None:
        place.findings.raise_if_any()
        raise AssertionError("a table was refused without a finding")
    _check_offsets(columns, place)
    elements = _elements(kind, configuration)
    units = _units(kind, columns, elements, place)
    place.findings.raise_if_any()
    found = series_in(columns, WIDEST, place)
    place.findings.raise_if_any()
    if kind is not SeriesKind.LEVELS:
        check_gaps(next(iter(found.values())).times, configuration.market.zone, place / "time")
    series: dict[str, dict[str, Any]] = {}
    for column, steps in found.items():
        name, unit = units[column]
        _check_limits(steps, elements[name].limits[unit], unit, place / column)
        times = [utc_text(time) for time in steps.times]
        series[name] = {"unit": unit, "times": times, "values": list(steps.values)}
    place.findings.raise_if_any()
    return dict(sorted(series.items()))


def _check_offsets(columns: Columns, place: Place) -> None:
    """Note times that do not say from which offset they are counted."""
    for row, cell in enumerate(columns["time"], start=2):
        text = cell if isinstance(cell, str) else getattr(cell, "isoformat", str)()
        if re.search(r"(Z|[+-]\d\d:?\d\d)$", text.strip()) is None:
            (place / f"row {row}, time").refuse(text, INSTANT)


def _units(
    kind: SeriesKind, columns: Columns, elements: Mapping[str, _Element], place: Place
) -> dict[str, tuple[str, str]]:
    """Return the element and the unit of each column of values; note those that are none."""
    found: dict[str, tuple[str, str]] = {}
    for column in columns:
        if column == "time":
            continue
        match = _COLUMN.fullmatch(column)
        name, unit = (match["name"], match["unit"]) if match else (column, None)
        known, unit = UNITS[kind], UNITS[kind][0] if unit is None else unit.strip()
        if name not in elements:
            what = "an asset" if kind is SeriesKind.OBLIGATIONS else "a reservoir of one asset"
            (place / "header" / column).refuse(name, f"{what}: {one_of(name, elements)}")
        elif unit not in known:
            (place / "header" / column).refuse(unit, f"a unit of {kind}: {', '.join(known)}")
        elif name in (other for other, _ in found.values()):
            (place / "header" / column).refuse(name, "each element once")
        else:
            found[column] = (name, unit)
    return found


def _elements(kind: SeriesKind, configuration: ClientConfiguration) -> dict[str, _Element]:
    """Return what series of a kind may be of; a name that several assets use is left out."""
    if kind is SeriesKind.OBLIGATIONS:
        return {
            str(asset.asset): _Element({"MW": _trade_limits(asset.watercourse)})
            for asset in configuration.assets
        }
    reservoirs = [r for asset in configuration.assets for r in asset.watercourse.reservoirs]
    names = [str(reservoir.name) for reservoir in reservoirs]
    return {
        name: _Element(
            {"m3/s": (0.0, LARGEST_INFLOW)}
            if kind is SeriesKind.INFLOWS
            else _level_limits(reservoir)
        )
        for name, reservoir in zip(names, reservoirs, strict=True)
        if names.count(name) == 1
    }


def _level_limits(reservoir: Reservoir) -> dict[str, tuple[float, float]]:
    low, high = reservoir.level_limits
    return {"m": (low, high), "Mm3": (reservoir.volume_min, reservoir.volume_max)}


def _trade_limits(watercourse: Watercourse) -> tuple[float, float]:
    """Return what can have been sold, MW: more than twice what machines can do is another unit."""
    most = sum(unit.power_max for plant in watercourse.plants for unit in plant.units)
    least = sum(pump.power_max for plant in watercourse.plants for pump in plant.pumps)
    return -2 * max(least, most), 2 * most


def _check_limits(steps: Steps, limits: tuple[float, float], unit: str, place: Place) -> None:
    low, high = limits
    for time, value in zip(steps.times, steps.values, strict=True):
        if value is not None and not low <= value <= high:
            (place / utc_text(time)).refuse(value, f"{low:g} to {high:g} {unit}")
