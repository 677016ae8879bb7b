"""The scenarios of one delivery day, and of what is solved with it, picked from a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.errors import CorruptDocument
from hydrobid.domain.identifiers import Identifier, PriceArea, ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid, utc_text
from hydrobid.hydro.horizon import Horizon
from hydrobid.schema.findings import Findings, Place, one_of
from hydrobid.schema.scenario_sets import SCENARIO_SET_VERSION

Floats = NDArray[np.float64]


def scenario_set_for(
    document: Mapping[str, Any],
    market: Market,
    day: date,
    areas: Sequence[PriceArea],
    horizon: Horizon | None = None,
) -> ScenarioSet:
    """Return the scenarios of a delivery day in the areas asked for.

    A profile serves every day by its local times: in spring the skipped hour is left out, in autumn
    the repeated hour is used twice. Dated series have to hold each MTU of the day.

    horizon: what is solved, the delivery day alone if None. After the day prices go as far as
    whole periods have them in every area and scenario; inflows are where all scenarios have them.

    Raises:
        InvalidInput: the document is of another version, an area is not in it, or it does not hold
            the day's MTUs; the problems name the file that the prices came from.
        CorruptDocument: the document is not of the form that `scenario_set_of` gives it.
    """
    place = Place(Findings(), str(document.get("file", "scenario set")))
    if document.get("version") != SCENARIO_SET_VERSION:
        (place / "version").refuse(document.get("version"), str(SCENARIO_SET_VERSION))
        place.findings.raise_if_any()
    around = horizon or Horizon.of(market.grid(day))
    try:
        picking = _Picking(document, market, day, around)
        prices = picking.prices(areas, place)
        inflows = picking.inflows(place.findings)
        place.findings.raise_if_any()
        later = picking.later(list(prices))
        periods = min((values.shape[1] for values in later.values()), default=0)
        kept = around.delivery.stop + periods
        return ScenarioSet(
            tuple(ScenarioId(name) for name in document["scenarios"]),
            np.asarray(document["probabilities"], dtype=np.float64),
            prices,
            {area: values[:, :periods] for area, values in later.items() if periods},
            {name: values[:, :kept] for name, values in inflows.items()},
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise CorruptDocument(f"{place.document}: not a scenario set: {error!r}") from error


@dataclass(frozen=True)
class _Picking:
    """A document and the horizon that values are picked for."""

    document: Mapping[str, Any]
    market: Market
    day: date
    horizon: Horizon

    def prices(self, areas: Sequence[PriceArea], place: Place) -> dict[PriceArea, Floats]:
        """Return the (S, T) prices of the delivery day; note areas and MTUs that are not there."""
        prices: dict[PriceArea, Floats] = {}
        for area in dict.fromkeys(areas):
            if area not in self.document["prices"]:
                expected = f"an area that the file has: {one_of(area, self.document['prices'])}"
                (place / "price_area").refuse(str(area), expected)
                continue
            series = self._series(self.document["prices"][area], self.document["kind"])
            prices[area] = self._of_day(series, place / "prices" / area)
        return prices

    def later(self, areas: Sequence[PriceArea]) -> dict[PriceArea, Floats]:
        """Return (S, L) mean prices of the periods after the delivery day, up to the first gap."""
        bounds, kind = self.horizon.bounds[self.horizon.delivery.stop :], self.document["kind"]
        return {
            area: _up_to_the_first_gap(
                self._series(self.document["prices"][area], kind).means(bounds)
            )
            for area in areas
        }

    def inflows(self, findings: Findings) -> dict[Identifier, Floats]:
        """Return (S, H) mean inflows, NaN where the file has none; note gaps in the delivery day."""
        stated = self.document.get("inflows")
        if stated is None:
            return {}
        inflows: dict[Identifier, Floats] = {}
        place = Place(findings, str(stated["file"]), "inflow")
        for name, content in stated["series"].items():
            series = self._series(content, stated["kind"])
            self._of_day(series, place / name)
            values = series.means(self.horizon.bounds)
            # What only some scenarios tell of would set these apart by more than their inflow.
            values[:, np.any(np.isnan(values), axis=0)] = np.nan
            inflows[Identifier(name)] = values
        return inflows

    def _series(self, content: Mapping[str, Any], kind: str) -> _Series:
        return _Series(content, kind, self.market.grid(self.day), self.market.zone)

    def _of_day(self, series: _Series, place: Place) -> Floats:
        """Return (S, T) values of the delivery day, NaN where there are none, which is noted."""
        grid = self.market.grid(self.day)
        wanted = [series.label(start) for start in grid.starts()]
        if series.dated:
            _check_span(series.times, wanted, utc_text(grid.end), self.day, place)
        picked = series.at(wanted)
        absent = np.isnan(picked)
        there = np.asarray([time in series.index for time in wanted])
        scenarios = self.document["scenarios"]
        faults = (
            [("all scenarios", ~there)]
            if not there.all()
            else list(zip(scenarios, absent, strict=True))
        )
        for scenario, missing in faults:
            if missing.any():
                value = f"{len(wanted) - int(missing.sum())} values on {self.day}"
                first = wanted[int(np.argmax(missing))]
                known = f"the file has {series.times[0]} to {series.times[-1]}"
                lack = known if missing.all() else f"{first} is missing"
                (place / scenario).refuse(value, f"{len(wanted)} MTUs; {lack}")
        return picked


class _Series:
    """The values of all scenarios in one area, or of one inflow, by time."""

    def __init__(
        self, content: Mapping[str, Any], kind: str, grid: MtuGrid, zone: ZoneInfo
    ) -> None:
        self.dated = kind != "profile"
        self.times: Sequence[str] = content["times"]
        self.index = {time: at for at, time in enumerate(self.times)}
        self._values = np.asarray(content["values"], dtype=np.float64)
        self._grid, self._zone = grid, zone

    def label(self, start: datetime) -> str:
        """Return how an instant is spelled here: a profile goes by local times."""
        if self.dated:
            return utc_text(start)
        return start.astimezone(self._zone).time().isoformat("minutes")

    def at(self, wanted: Sequence[str]) -> Floats:
        """Return the (S, N) values at N times, NaN where there are none."""
        picked = np.full((self._values.shape[0], len(wanted)), np.nan)
        there = [time in self.index for time in wanted]
        picked[:, there] = self._values[
            :, [self.index[time] for time in wanted if time in self.index]
        ]
        return picked

    def means(self, bounds: Sequence[datetime]) -> Floats:
        """Return the (S, N) means over the N periods between bounds, NaN where values are missing.

        Dated values may be coarser than MTUs here, as forecasts of later days are: a value holds
        for the hour that it begins, where none stands within it.
        """
        means = np.full((self._values.shape[0], max(len(bounds) - 1, 0)), np.nan)
        for at, (start, end) in enumerate(pairwise(bounds)):
            means[:, at] = self._mean(start, end)
        return means

    def _mean(self, start: datetime, end: datetime) -> Floats:
        step = self._grid.step
        first = start - (start - self._grid.start) % step
        starts = [first + n * step for n in range(-(-(end - first) // step))]
        labels = [self._holding(start) for start in starts]
        if any(label is None for label in labels):
            return np.full(self._values.shape[0], np.nan)
        mean: Floats = self.at([label for label in labels if label is not None]).mean(axis=1)
        return mean

    def _holding(self, start: datetime) -> str | None:
        """Return the label of the value that holds in an MTU, None where there is none."""
        label = self.label(start)
        if label in self.index:
            return label
        hour = self.label(start.replace(minute=0))
        within = (self.label(start.replace(minute=m)) for m in range(15, 60, 15))
        alone = self.dated and hour in self.index and not any(w in self.index for w in within)
        return hour if alone else None


def _up_to_the_first_gap(values: Floats) -> Floats:
    gaps = np.flatnonzero(np.any(np.isnan(values), axis=0))
    return values[:, : gaps[0]] if gaps.size else values


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
