"""Whole days in one exclusive group: the auction takes the one that earns most at what prices come.

What an hour should sell hangs on the hours around it where starts cost or water is scarce. A curve
cannot say so, and a schedule of the day does. Each is a profiled block at what it costs, its water and
its starts; no two are ever sold together, so that each can be delivered as it is. Where no price
pays for a start, none is accepted and nothing is sold.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.methods import stochastic
from hydrobid.bidding.methods.blocks import rules_of
from hydrobid.bidding.methods.stochastic import bid, scenarios, seconds, taken_together, tasks
from hydrobid.bidding.tails import Reach
from hydrobid.domain.blocks import BlockOrder
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.market import Market
from hydrobid.domain.methods import ExclusiveGroup
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.day_program import DayProgram, DaySchedules

__all__ = ["bid", "joint_bid", "program", "scenarios", "seconds", "taken_together", "tasks"]
"""The scenarios, the tasks and the curves that stand by are those of `stochastic`."""

Floats = NDArray[np.float64]


def program(
    market: Market, _grid: MtuGrid, asset: AssetConfiguration, scenarios: ScenarioSet
) -> DayProgram:
    """Return schedules to be found, no more than the market takes in a group.

    Raises:
        InvalidInput: the market takes no blocks.
    """
    rules = rules_of(market)
    most = cast("ExclusiveGroup", asset.method).blocks
    prices, weights = stochastic.represented(market, asset, scenarios)
    reach = Reach.of(asset.watercourse, market)
    return DayProgram(
        prices=prices,
        weights=weights,
        most=min(reach.most * float(market.volume_lot), float(rules.volume_max)),
        count=min(most, rules.orders_max or most, rules.group_max or most),
    )


def joint_bid(
    market: Market,
    grid: MtuGrid,
    asset: AssetConfiguration,
    program: DayProgram,
    found: DaySchedules,
) -> BidMatrix:
    """Return the schedules found as profiled blocks of one group, and curves that sell nothing."""
    nothing = BidCurve((market.min_ticks, market.max_ticks), (0, 0))
    return BidMatrix(
        asset.price_area,
        grid,
        market.price_tick,
        market.volume_lot,
        (nothing,) * len(grid),
        tuple(_offered(market, grid, asset, program, found)),
    )


def _offered(
    market: Market,
    grid: MtuGrid,
    asset: AssetConfiguration,
    program: DayProgram,
    found: DaySchedules,
) -> Iterator[BlockOrder]:
    """Yield a block for each schedule that the market can take.

    A block has no hole: where a schedule stands still in between, a lot is sold. Its price is never
    below its cost.
    """
    lot, fewest = float(market.volume_lot), rules_of(market).mtus_min
    largest = int(np.floor(program.most / lot + 1e-6))
    digits = len(str(len(found.costs)))  # names in the order of their numbers
    for number, (volumes, cost) in enumerate(zip(found.volumes, found.costs, strict=True), 1):
        lots = np.minimum(np.rint(volumes / lot).astype(np.int64), largest)
        runs = np.flatnonzero(lots)
        if not runs.size or runs[-1] + 1 - runs[0] < fewest:
            continue
        block = np.maximum(lots[runs[0] : runs[-1] + 1], 1)
        energy = float(np.sum(block)) * lot * grid.hours
        ticks = int(np.ceil(np.round(cost / energy / float(market.price_tick), 6)))
        if ticks <= market.max_ticks:
            yield BlockOrder(
                name=Identifier(f"{asset.asset}-{number:0{digits}}"),
                price=max(ticks, market.min_ticks),
                first=int(runs[0]),
                lots=tuple(block.tolist()),
                group=Identifier(asset.asset),
            )
