"""The prices of one delivery day, picked from a document of series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.errors import CorruptDocument
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import utc_text
from hydrobid.schema.findings import Findings, Place, one_of
from hydrobid.schema.scenario_sets import SCENARIO_SET_VERSION


def scenario_set_for(
    document: Mapping[str, Any], market: Market, day: date, areas: Sequence[PriceArea]
) -> ScenarioSet:
    """Return the scenarios of a delivery day in the areas asked for.

    A profile serves every day by its local times: in spring the skipped hour is left out, in autumn
    the repeated hour is used twice. Dated series have to hold each MTU of the day.

    Raises:
        InvalidInput: the document is of another version, an area is not in it, or it does not hold
            the day's MTUs; the problems name the file that the prices came from.
        CorruptDocument: the document is not of the form that `scenario_set_of` gives it.
    """
    place = Place(Findings(), str(document.get("file", "scenario set")))
    if document.get("version") != SCENARIO_SET_VERSION:
        (place / "version").refuse(document.get("version"), str(SCENARIO_SET_VERSION))
        place.findings.raise_if_any()
    try:
        prices = _prices(document, market, day, areas, place)
        place.findings.raise_if_any()
        ids = tuple(ScenarioId(name) for name in document["scenarios"])
        return ScenarioSet(ids, np.asarray(document["probabilities"], dtype=np.float64), prices)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise CorruptDocument(f"{place.document}: not a scenario set: {error!r}") from error


def _prices(
    document: Mapping[str, Any],
    market: Market,
    day: date,
    areas: Sequence[PriceArea],
    place: Place,
) -> dict[PriceArea, NDArray[np.float64]]:
    grid = market.grid(day)
    profile = document["kind"] == "profile"
    if profile:
        wanted = [local.isoformat("minutes") for local in grid.local_times(market.zone)]
    else:
        wanted = [utc_text(start) for start in grid.starts()]
    prices: dict[PriceArea, NDArray[np.float64]] = {}
    for area in dict.fromkeys(areas):
        if area not in document["prices"]:
            expected = f"an area that the file has: {one_of(area, document['prices'])}"
            (place / "price_area").refuse(str(area), expected)
            continue
        series, at = document["prices"][area], place / "prices" / area
        if not profile:
            _check_span(series["times"], wanted, utc_text(grid.end), day, at)
        prices[area] = _picked(series, wanted, document["scenarios"], day, at)
    return prices


def _check_span(
    times: Sequence[str], wanted: Sequence[str], end: str, day: date, place: Place
) -> None:
    """Note values of the day that lie between the starts of its MTUs."""
    known = set(wanted)
    # One spelling of instants, so that their text sorts as they do.
    stray = [time for time in times if wanted[0] <= time < end and time not in known]
    if stray:
        expected = f"the starts of the {len(wanted)} MTUs of {day} only"
        (place / "times").refuse(f"{len(stray)} others, {stray[0]} first", expected)


def _picked(
    series: Mapping[str, Any],
    wanted: Sequence[str],
    scenarios: Sequence[str],
    day: date,
    place: Place,
) -> NDArray[np.float64]:
    """Return (S, T) prices at the wanted times, NaN where there are none, which is noted."""
    index = {time: at for at, time in enumerate(series["times"])}
    picked = np.full((len(scenarios), len(wanted)), np.nan)
    there = np.asarray([time in index for time in wanted])
    values = np.asarray(series["values"], dtype=np.float64)
    picked[:, there] = values[:, [index[time] for time in wanted if time in index]]
    absent = np.isnan(picked)
    faults = [("all scenarios", ~there)] if not there.all() else zip(scenarios, absent, strict=True)
    for scenario, missing in faults:
        if missing.any():
            value = f"{len(wanted) - int(missing.sum())} values on {day}"
            first = wanted[int(np.argmax(missing))]
            known = f"the file has {series['times'][0]} to {series['times'][-1]}"
            lack = known if missing.all() else f"{first} is missing"
            (place / scenario).refuse(value, f"{len(wanted)} MTUs; {lack}")
    return picked
