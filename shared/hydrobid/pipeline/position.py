"""Where a run starts from: since when the water's levels are known, and what is sold since then.

What an asset's watercourse states goes before what is stored. Of a day whose auction has a result
the asset has sold its part in the bid that stood at the prices that came, with those of its blocks that
were accepted, and by power its share of what else the portfolio sold, as by a person's change. Without a result, its part in the bid
that stood is read at the prices that were expected. Where there is neither, that is said, and nothing
is made up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.clearing import cleared, sold_at
from hydrobid.domain.canonical import POWER_DECIMALS, rounded
from hydrobid.domain.configuration import AssetConfiguration, ClientConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import CorruptDocument, PermanentError
from hydrobid.domain.identifiers import AssetId, PriceArea, RunId
from hydrobid.domain.orders import OrderRecord
from hydrobid.domain.plan import Plan
from hydrobid.domain.position import OLDEST_LEVELS, Position, Sold
from hydrobid.domain.results import AuctionResult, TradedOrder
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid, utc_text
from hydrobid.pipeline import paths
from hydrobid.pipeline.bid_parts import parts_of_bid
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.read_results import result_of
from hydrobid.pipeline.run_inputs import configuration_in, plan_of

Floats = NDArray[np.float64]

STATED = "stated by the watercourse"
NOTHING = 10.0**-POWER_DECIMALS
"""MW: less is how numbers are written."""


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
        plan = plan_of(self.documents, stood.run)
        planned = plan.asset(asset.asset)
        if planned is None or planned.price_area != asset.price_area:
            return f"{stood.run} did not bid {asset.asset}"
        content = get_blob(self.documents, plan.inputs.scenario_sets[planned.scenario_set])
        scenarios = ScenarioSet.from_document(content)
        expected = scenarios.probabilities @ scenarios.prices[planned.price_area]
        parts = self._parts(plan, asset.price_area, stood.matrix, expected, ())
        volumes = _by_start(market.grid(day), parts[asset.asset])
        return _DaySales(volumes, f"{stood.run} at expected prices")

    def _cleared(
        self, asset: AssetConfiguration, day: date, result: AuctionResult
    ) -> _DaySales | str:
        """Return an asset's part in an auction's result."""
        published, area = result.published, asset.price_area
        if result.run is None or result.matrix is None:
            others = [a for a in self.configuration.assets if a.price_area == area]
            if len(others) > 1:
                return f"{day}: what stood in {area} was no bid of ours"
            return _DaySales(_by_start(published.grid, published.sold), f"result of {day}")
        plan = plan_of(self.documents, result.run)
        if asset.asset not in (planned.asset for planned in plan.assets_in(area)):
            return f"{result.run} did not bid {asset.asset}"
        prices = np.array(published.prices)
        parts = self._parts(plan, area, result.matrix, prices, published.trades)
        further = published.sold - sum(parts.values())
        source = f"{result.run} as cleared"
        volumes = parts[asset.asset]
        # Summing rounds to lots, which is nobody's sale; of a single asset nothing is summed.
        rounding = float(self.configuration.market.volume_lot) * (len(parts) - 1)
        if np.max(np.abs(further)) > rounding + NOTHING:
            volumes = volumes + further * self._share(plan, asset.asset, area)
            source = f"{source}, with its share of what else was sold"
        return _DaySales(_by_start(published.grid, volumes), source)

    def _parts(
        self,
        plan: Plan,
        area: PriceArea,
        matrix: str,
        prices: Floats,
        trades: tuple[TradedOrder, ...],
    ) -> dict[AssetId, Floats]:
        """Return the (T,) MW that each asset's part in a bid sells at (T,) prices.

        Of its blocks those in `trades` were accepted; where there are none, those that the prices take.
        """
        bids = parts_of_bid(self.documents, plan, area, matrix)
        for bid in bids.values():
            if len(prices) != len(bid.grid):
                text = f"{len(prices)} prices for the {len(bid.grid)} curves of {plan.run}"
                raise CorruptDocument(text)
        market, nothing = self.configuration.market, np.zeros(len(prices))

        def sold(bid: BidMatrix) -> Floats:
            if not trades:
                return sold_at(bid, prices, market)
            names = {block.name for block in bid.blocks}
            blocks = [np.array(t.volumes) for t in trades if t.name in names]
            curves = cleared(bid, prices, market)
            return sum(blocks, curves)

        return {
            asset.asset: sold(bids[asset.asset]) if asset.asset in bids else nothing
            for asset in plan.assets_in(area)
        }

    def _share(self, plan: Plan, asset: AssetId, area: PriceArea) -> float:
        """Return an asset's share of the power of all assets that were bid in an area."""
        configuration = configuration_in(self.documents, plan)
        powers = {
            planned.asset: sum(
                unit.power_max
                for plant in configuration.asset(planned.asset).watercourse.plants
                for unit in plant.units
            )
            for planned in plan.assets_in(area)
        }
        return powers[asset] / sum(powers.values())


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
