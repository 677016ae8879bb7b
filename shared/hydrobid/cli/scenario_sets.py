"""What `scenarios reduce` and `scenarios check` do with a file of scenarios."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.scenarios.scores import covered, energy_score
from hydrobid.bidding.scenarios.selection import distances, redistributed, representative_order
from hydrobid.cli.scenario_files import (
    COMMAND_LINE,
    Scenarios,
    check_suffix,
    market_named,
    read_inflows,
    read_scenarios,
    read_series,
    write_rows,
    zone_named,
)
from hydrobid.domain.errors import InvalidInput, Problem
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.time import parse_instant
from hydrobid.schema import scenario_set_for
from hydrobid.schema.findings import one_of

SHARES = (0.5, 0.8, 0.9)
DECIMALS = 6


@dataclass(frozen=True)
class Inflows:
    """A file of the inflows of a set's scenarios, and the one to write those of the kept ones to."""

    file: Path
    out: Path


def reduced(
    file: Path, out: Path, count: int, market_name: str, inflows: Inflows | None = None
) -> dict[str, Any]:
    """Write the scenarios that stand best for all; return how well they do. Raises InvalidInput."""
    check_suffix(out, "--out")
    market = market_named(market_name)
    document = read_scenarios(file, market)
    if inflows is not None:
        check_suffix(inflows.out, "--inflow-out")
        document = read_inflows(inflows.file, document, market)
    areas = {area: np.array(series["values"], float) for area, series in document["prices"].items()}
    times = {tuple(series["times"]) for series in document["prices"].values()}
    _check_gaps(file.name, document, areas)
    given = len(document["scenarios"])
    if count > given:
        raise InvalidInput.of(COMMAND_LINE, "--scenarios", count, f"at most the file's {given}")
    values = np.hstack(list(areas.values()))
    probabilities = np.array(document["probabilities"])
    order = representative_order(values, probabilities)
    present = np.zeros(given, dtype=bool)
    present[order[:count]] = True
    kept = np.flatnonzero(present)
    weights = _summing_to_one(redistributed(values, probabilities, present))
    names = [document["scenarios"][at] for at in kept]
    (stamps,) = times
    prices = {area: matrix[kept] for area, matrix in areas.items()}
    write_rows(out, list(Scenarios(names, stamps, prices, weights).rows()))
    if inflows is not None:
        write_rows(inflows.out, list(_kept_inflows(document, kept.tolist(), names)))
    nearest = distances(values, values[kept]).min(axis=1)
    return {
        "out": str(out),
        "given": given,
        "kept": count,
        "distance": round(float(probabilities @ nearest), DECIMALS),
        "spread": round(float(probabilities @ distances(values, values) @ probabilities), DECIMALS),
        "order": [document["scenarios"][at] for at in order[:count]],
        "probabilities": dict(zip(names, weights.tolist(), strict=True)),
    }


def checked(
    file: Path,
    actual: Path,
    area: str,
    column: str,
    market_name: str,
    timezone: str | None,
) -> dict[str, Any]:
    """Return how well a file of scenarios told what happened. Raises InvalidInput."""
    market = market_named(market_name)
    document = read_scenarios(file, market)
    if area not in document["prices"]:
        expected = f"an area that the file has: {one_of(area, document['prices'])}"
        raise InvalidInput.of(COMMAND_LINE, "--price-area", area, expected)
    happened = read_series(actual, column, market, zone_named(timezone, market))
    days = sorted(happened.issues)
    if document["kind"] == "dated":
        times = document["prices"][area]["times"]
        dated = {parse_instant(time).astimezone(market.zone).date() for time in times}
        days = [day for day in days if day in dated]
    if not days:
        expected = f"a whole day of which {file.name} has scenarios"
        raise InvalidInput.of(actual.name, "days", 0, expected)
    scores, missed, hits, values = [], [], dict.fromkeys(SHARES, 0), 0
    for day in days:
        scenarios = scenario_set_for(document, market, day, [PriceArea(area)])
        prices, came = scenarios.prices[PriceArea(area)], happened.issues[day][-1].values
        scores.append(energy_score(prices, scenarios.probabilities, came))
        missed.append(float(np.sqrt(np.mean((scenarios.probabilities @ prices - came) ** 2))))
        values += came.size
        for share, inside in covered(prices, scenarios.probabilities, came, SHARES).items():
            hits[share] += inside
    return {
        "file": str(file),
        "price_area": area,
        "scenarios": len(document["scenarios"]),
        "days": len(days),
        "first": days[0].isoformat(),
        "last": days[-1].isoformat(),
        "coverage": {f"{share:.0%}": round(hits[share] / values, DECIMALS) for share in SHARES},
        "energy_score": round(float(np.mean(scores)), DECIMALS),
        "error_of_mean": round(float(np.mean(missed)), DECIMALS),
        "clock_change_days": _dates(happened.clock_days & set(days)),
        "incomplete_days": _dates(happened.incomplete.keys()),
    }


def _kept_inflows(
    document: Mapping[str, Any], kept: Sequence[int], names: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of some scenarios' inflows; a value that is not there has none."""
    for name, series in document["inflows"]["series"].items():
        values = np.array(series["values"], float)[kept]
        for row in Scenarios(names, series["times"], {name: values}).inflow_rows():
            if not np.isnan(row["value"]):
                yield row


def _check_gaps(
    file: str, document: Mapping[str, Any], areas: Mapping[str, NDArray[np.float64]]
) -> None:
    """Raise InvalidInput, naming the first time that a scenario lacks in each area."""
    every = sorted({time for series in document["prices"].values() for time in series["times"]})
    problems = []
    for area, values in areas.items():
        times = document["prices"][area]["times"]
        absent = [time for time in every if time not in times]
        gaps = np.argwhere(np.isnan(values))
        if absent:
            problems.append(Problem(file, f"{area}, {absent[0]}", None, "a price, as elsewhere"))
        elif gaps.size:
            at = f"{document['scenarios'][gaps[0][0]]}, {area}, {times[gaps[0][1]]}"
            problems.append(Problem(file, at, None, "a price, as in other scenarios"))
    if problems:
        raise InvalidInput(problems)


def _summing_to_one(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rounded weights whose last digits are put where they weigh least."""
    rounded: NDArray[np.float64] = np.round(weights, 9)
    largest = int(np.argmax(rounded))
    rounded[largest] = round(float(rounded[largest] + 1 - rounded.sum()), 9)
    return rounded


def _dates(days: Any) -> list[str]:
    listed: list[date] = sorted(days)
    return [day.isoformat() for day in listed]
