"""Where a run starts from: since when the water's levels are known, and what is sold since then.

What an asset's watercourse states goes before what is stored. Of a day whose auction has a result
the asset has sold its own bid at the prices that came; without a result, the bid that stood is read
at the prices that were expected of it. Where there is neither, that is said, and nothing is made up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.clearing import cleared
from hydrobid.domain.canonical import POWER_DECIMALS, rounded
from hydrobid.domain.configuration import AssetConfiguration, ClientConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import PermanentError
from hydrobid.domain.identifiers import RunId
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.domain.position import OLDEST_LEVELS, Position, Sold
from hydrobid.domain.records import AssetRecord, OrderRecord
from hydrobid.domain.results import AuctionResult
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid, utc_text
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.read_results import result_of
from hydrobid.pipeline.run_inputs import plan_of

Floats = NDArray[np.float64]

STATED = "stated by the watercourse"


def position_for(
    documents: Documents, configuration: ClientConfiguration, day: date, as_of: datetime
) -> tuple[Position, datetime]:
    """Return the position of a client before a delivery day, and when the newest of it was known.

    as_of: when the inputs were published, and the levels of the watercourses with them.
    """
    levels_at = as_of.astimezone(UTC).replace(second=0, microsecond=0)
    grid = configuration.market.grid(day)
    known = _Known(documents, configuration, newest=as_of)
    sold = {asset.asset: known.sold(asset, levels_at, grid) for asset in configuration.assets}
    return Position(levels_at=levels_at, assets=sold), known.newest


@dataclass
class _DaySales:
    """What an asset sold on a day, by the starts of its MTUs, MW; and where that is from."""

    volumes: dict[datetime, float]
    source: str


@dataclass
class _Known:
    """What documents tell of earlier days. newest: when the newest of it became known."""

    documents: Documents
    configuration: ClientConfiguration
    newest: datetime
    _days: dict[tuple[str, date], _DaySales | str] = field(default_factory=dict)

    def sold(self, asset: AssetConfiguration, levels_at: datetime, grid: MtuGrid) -> Sold:
        """Return what an asset sold between its levels and a day, as far back as it is known."""
        if levels_at >= grid.start:
            return Sold(since=grid.start)
        if grid.start - levels_at > OLDEST_LEVELS:
            age = f"the levels are those of {utc_text(levels_at)}, long before the day"
            return Sold(since=grid.start, unknown=age)
        known: list[tuple[float, str]] = []
        start = grid.start
        while start > levels_at:
            found = self._in_mtu(asset, start - grid.step)
            if isinstance(found, str):
                return _sold(start, known, found)
            known.append(found)
            start -= grid.step
        return _sold(levels_at, known)

    def _in_mtu(self, asset: AssetConfiguration, start: datetime) -> tuple[float, str] | str:
        """Return what an asset sold in the MTU from an instant on and its source, or why not."""
        conditions = asset.watercourse.conditions
        trade = None if conditions is None else conditions.trade
        stated = None if trade is None or trade.obligation is None else trade.obligation.at(start)
        if stated is not None:
            return stated, STATED
        day = self._on(asset, start.astimezone(self.configuration.market.zone).date())
        if isinstance(day, str):
            return day
        if start not in day.volumes:
            return f"{day.source} has no {utc_text(start)}"
        return day.volumes[start], day.source

    def _on(self, asset: AssetConfiguration, day: date) -> _DaySales | str:
        """Return what an asset sold on a day, or why that is not known."""
        key = (str(asset.asset), day)
        if key not in self._days:
            try:
                self._days[key] = self._read(asset, day)
            except PermanentError as error:
                self._days[key] = f"{day}: {error.message}"
        return self._days[key]

    def _read(self, asset: AssetConfiguration, day: date) -> _DaySales | str:
        market, portfolio = self.configuration.market, self.configuration.portfolio
        result = result_of(self.documents, market.id, day, portfolio, asset.price_area)
        if result is not None:
            self.newest = max(self.newest, result.published_at)
            return self._cleared(asset, day, result)
        stored = self.documents.get(
            paths.order(RunId(market.id, day, 1), portfolio, asset.price_area)
        )
        stood = None if stored is None else OrderRecord.from_document(stored).stood
        if stood is None:
            return f"{day} has no result, and no bid of ours stood"
        plan, planned = self._plan(asset, stood.run)
        if planned is None:
            return f"{stood.run} did not bid {asset.asset}"
        content = get_blob(self.documents, plan.inputs.scenario_sets[planned.scenario_set])
        scenarios = ScenarioSet.from_document(content)
        expected = scenarios.probabilities @ scenarios.prices[planned.price_area]
        volumes = self._at(asset, stood.run, day, expected)
        return _DaySales(volumes, f"{stood.run} at expected prices")

    def _cleared(
        self, asset: AssetConfiguration, day: date, result: AuctionResult
    ) -> _DaySales | str:
        """Return an asset's part in an auction's result."""
        published = result.published
        if result.run is None:
            others = [a for a in self.configuration.assets if a.price_area == asset.price_area]
            if len(others) > 1:
                return f"{day}: what stood in {asset.price_area} was no bid of ours"
            return _DaySales(_by_start(published.grid, published.sold), f"result of {day}")
        plan, planned = self._plan(asset, result.run)
        if planned is None:
            return f"{result.run} did not bid {asset.asset}"
        source = f"{result.run} as cleared"
        if len(plan.assets_in(asset.price_area)) == 1:
            # Its bid is the portfolio's: what the exchange says is exact.
            return _DaySales(_by_start(published.grid, published.sold), source)
        return _DaySales(self._at(asset, result.run, day, np.array(published.prices)), source)

    def _plan(self, asset: AssetConfiguration, run: RunId) -> tuple[Plan, AssetPlan | None]:
        plan = plan_of(self.documents, run)
        planned = plan.asset(asset.asset)
        bid_there = planned is not None and planned.price_area == asset.price_area
        return plan, planned if bid_there else None

    def _at(
        self, asset: AssetConfiguration, run: RunId, day: date, prices: Floats
    ) -> dict[datetime, float]:
        """Return what an asset's part in a run's bid sells at (T,) prices; without one, nothing."""
        market = self.configuration.market
        grid = market.grid(day)
        stored = self.documents.get(paths.asset(run, asset.asset))
        matrix = None if stored is None else AssetRecord.from_document(stored).matrix
        if matrix is None:
            return _by_start(grid, np.zeros(len(grid)))
        bid = BidMatrix.from_document(get_blob(self.documents, matrix))
        return _by_start(bid.grid, cleared(bid, prices, market))


def _sold(since: datetime, backwards: list[tuple[float, str]], unknown: str | None = None) -> Sold:
    """Return what is known since an instant. backwards: volume and source, the last MTU first."""
    known = backwards[::-1]
    return Sold(
        since=since,
        volumes=tuple(rounded(volume, POWER_DECIMALS) for volume, _ in known),
        sources=tuple(dict.fromkeys(source for _, source in known)),
        unknown=unknown,
    )


def _by_start(grid: MtuGrid, volumes: Floats) -> dict[datetime, float]:
    return dict(zip(grid.starts(), volumes.tolist(), strict=True))
