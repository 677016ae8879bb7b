"""Files of scenarios, and of the series that they are made from and held against."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from hydrobid.cli.clients import read_bytes
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.market import Market
from hydrobid.schema.daily_series import DailySeries, read_daily_series
from hydrobid.schema.findings import Findings, Place
from hydrobid.schema.market_rules import market_of
from hydrobid.schema.scenario_sets import scenario_set_of, with_inflows

COMMAND_LINE = "command line"
PRICE_DECIMALS = 3
SUFFIXES = (".csv", ".json", ".parquet")


def market_named(name: str) -> Market:
    """Return a shipped market; raise InvalidInput naming those that there are."""
    findings = Findings()
    return findings.settled(market_of(name, Place(findings, COMMAND_LINE, "--market")))


def zone_named(name: str | None, market: Market) -> ZoneInfo:
    """Return the zone of times without an offset, the market's where none is named."""
    try:
        return market.zone if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        expected = "a time zone of the IANA database, as Europe/Oslo"
        raise InvalidInput.of(COMMAND_LINE, "--timezone", name, expected) from None


def read_series(
    path: Path, column: str, market: Market, zone: ZoneInfo, *, published: bool = False
) -> DailySeries:
    """Return a column of a CSV or Parquet file by delivery days; raise InvalidInput."""
    return read_daily_series(read_bytes(path), path.name, column, market, zone, published=published)


def read_scenarios(path: Path, market: Market) -> dict[str, Any]:
    """Return the document of a file of scenarios; raise InvalidInput with all that is wrong."""
    findings = Findings()
    place = Place(findings, path.name)
    document = scenario_set_of(read_bytes(path), path.name, market, place, None, place)
    return findings.settled(document)


def read_inflows(path: Path, document: dict[str, Any], market: Market) -> dict[str, Any]:
    """Return the document of scenarios with a file of their inflows; raise InvalidInput."""
    findings = Findings()
    place = Place(findings, path.name)
    return findings.settled(with_inflows(document, read_bytes(path), path.name, market, place))


@dataclass(frozen=True, eq=False)
class Scenarios:
    """Scenarios to be written. times: T, as the file spells them. values: (S, T) by area or inflow.

    probabilities: (S,), or None where all are equal.
    """

    names: Sequence[str]
    times: Sequence[str]
    values: Mapping[str, NDArray[np.float64]]
    probabilities: NDArray[np.float64] | None = None

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the table that `docs/client-folder.md` describes."""
        for at, scenario in enumerate(self.names):
            for area, values in self.values.items():
                prices = np.round(values[at], PRICE_DECIMALS) + 0.0
                for time, price in zip(self.times, prices.tolist(), strict=True):
                    row = {
                        "scenario": scenario,
                        "price_area": area,
                        "time": time,
                        "price": price,
                    }
                    if self.probabilities is not None:
                        row["probability"] = float(self.probabilities[at])
                    yield row

    def inflow_rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table of inflows, which are never below zero."""
        for at, scenario in enumerate(self.names):
            for name, values in self.values.items():
                inflow = np.maximum(np.round(values[at], PRICE_DECIMALS), 0.0) + 0.0
                for time, value in zip(self.times, inflow.tolist(), strict=True):
                    yield {"scenario": scenario, "inflow": name, "time": time, "value": value}


def check_suffix(path: Path, option: str) -> None:
    """Return when a file's name says a format that can be written; raise InvalidInput."""
    if path.suffix not in SUFFIXES:
        expected = f"a file that ends in {', '.join(SUFFIXES)}"
        raise InvalidInput.of(COMMAND_LINE, option, str(path), expected)


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of one set of columns as the file's name says; raise InvalidInput."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            import pyarrow as pa  # noqa: PLC0415 - a third of a second that only Parquet is worth
            from pyarrow import parquet  # noqa: PLC0415 - as above

            parquet.write_table(pa.Table.from_pylist(list(rows)), path)
        else:
            path.write_text(_json(rows) if path.suffix == ".json" else _csv(rows), encoding="utf-8")
    except OSError as error:
        raise InvalidInput.of(
            COMMAND_LINE, "--out", str(path), f"a file that can be written: {error.strerror}"
        ) from error


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"


def local_text(instant: datetime, market: Market) -> str:
    """Return an instant in market time with its offset, as `2026-10-25T02:00+01:00`."""
    return instant.astimezone(market.zone).isoformat(timespec="minutes")
