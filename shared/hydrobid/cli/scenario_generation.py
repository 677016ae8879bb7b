"""What `scenarios generate` does: files of forecasts in, a file of scenarios out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.scenarios.generation import block_bootstrap, gaussian_copula
from hydrobid.bidding.scenarios.history import ForecastSeries, History, known_history
from hydrobid.cli.scenario_files import (
    COMMAND_LINE,
    Scenarios,
    check_suffix,
    local_text,
    market_named,
    read_series,
    write_rows,
    zone_named,
)
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.market import Market

WAYS = ("gaussian_copula", "block_bootstrap")


@dataclass(frozen=True)
class Drawing:
    """The command's options, as `hydrobid scenarios generate --help` has them."""

    forecast: Path
    actual: Path
    series: tuple[str, ...]
    day: date
    out: Path
    inflow_out: Path | None
    count: int
    way: str
    history: int
    block: int | None
    seed: int
    market: str
    timezone: str | None


def generated(drawing: Drawing) -> dict[str, Any]:
    """Write the scenarios and return what they were made from, JSON-ready; raise InvalidInput."""
    market = market_named(drawing.market)
    _check(drawing)
    columns = _columns(drawing.series)
    areas = [name for name in columns if name in market.price_areas]
    if not areas:
        expected = f"a price area of {market.id} among the names"
        raise InvalidInput.of(COMMAND_LINE, "--series", ", ".join(columns), expected)
    others = [name for name in columns if name not in areas]
    if others and drawing.inflow_out is None:
        raise InvalidInput.of(COMMAND_LINE, "--inflow-out", None, f"a file for {', '.join(others)}")
    series = _read(drawing, market, columns)
    history = known_history(series, market, drawing.day, drawing.history)
    drawn = _drawn(drawing, history)
    names = [f"s{number:0{len(str(drawing.count))}}" for number in range(1, drawing.count + 1)]
    times = [local_text(start, market) for start in market.grid(drawing.day).starts()]
    values = {name: drawn[:, at] for at, name in enumerate(history.names)}
    prices = Scenarios(names, times, {area: values[area] for area in areas})
    write_rows(drawing.out, list(prices.rows()))
    if drawing.inflow_out is not None and others:
        inflows = Scenarios(names, times, {name: values[name] for name in others})
        write_rows(drawing.inflow_out, list(inflows.inflow_rows()))
    return _report(drawing, history, series)


def _check(drawing: Drawing) -> None:
    for path, option in ((drawing.out, "--out"), (drawing.inflow_out, "--inflow-out")):
        if path is not None:
            check_suffix(path, option)
    if drawing.way not in WAYS:
        raise InvalidInput.of(COMMAND_LINE, "--way", drawing.way, f"one of {', '.join(WAYS)}")
    if drawing.block is not None and drawing.way != "block_bootstrap":
        raise InvalidInput.of(
            COMMAND_LINE, "--block", drawing.block, "nothing, unless --way is block_bootstrap"
        )


def _columns(series: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """Return the columns of forecast and actual by the name of each series."""
    columns = {}
    for text in series:
        name, _, both = text.partition("=")
        forecast, _, actual = both.partition(":")
        sound = Identifier.pattern.fullmatch(name) and forecast and actual
        if not sound or name in columns:
            expected = "NAME=FORECAST:ACTUAL, as NO2=lear:actual, each name once"
            raise InvalidInput.of(COMMAND_LINE, "--series", text, expected)
        columns[name] = (forecast, actual)
    return columns


def _read(
    drawing: Drawing, market: Market, columns: Mapping[str, tuple[str, str]]
) -> dict[str, ForecastSeries]:
    zone = zone_named(drawing.timezone, market)
    return {
        name: ForecastSeries(
            read_series(drawing.forecast, forecast, market, zone, published=True),
            read_series(drawing.actual, actual, market, zone),
        )
        for name, (forecast, actual) in columns.items()
    }


def _drawn(drawing: Drawing, history: History) -> NDArray[np.float64]:
    way = (drawing.count, drawing.seed)
    if drawing.way == "block_bootstrap":
        return block_bootstrap(history.forecast, history.errors, *way, block=drawing.block)
    return gaussian_copula(history.forecast, history.errors, *way)


def _report(
    drawing: Drawing, history: History, series: Mapping[str, ForecastSeries]
) -> dict[str, Any]:
    both = [one for pair in series.values() for one in (pair.forecast, pair.actual)]
    clock_days = set().union(*(one.clock_days for one in both))
    incomplete: set[date] = set().union(*(one.incomplete.keys() for one in both))
    return {
        "out": str(drawing.out),
        "inflow_out": None if drawing.inflow_out is None else str(drawing.inflow_out),
        "date": drawing.day.isoformat(),
        "scenarios": drawing.count,
        "way": drawing.way,
        "seed": drawing.seed,
        "series": list(history.names),
        "mtus": history.forecast.shape[1],
        "past_days": {
            "count": len(history.days),
            "first": history.days[0].isoformat(),
            "last": history.days[-1].isoformat(),
        },
        "clock_change_days": [day.isoformat() for day in sorted(clock_days)],
        "incomplete_days": [day.isoformat() for day in sorted(incomplete)],
    }
