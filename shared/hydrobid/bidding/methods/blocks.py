"""Blocks for what starts cost, and curves for what is left free to follow the price of its hour.

A curve asks for an hour whatever the hours around it do; a unit whose start costs wants several or
none. The programme of `stochastic` is given blocks to choose from besides: windows of hours that are
dear together, each from some average price up. A block earns its start where it is taken, because
each scenario pays for the starts that its sales make it do.

Blocks over one window at rising prices are linked by their prices alone, so none is linked to another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.methods import stochastic
from hydrobid.bidding.methods.stochastic import bid, scenarios, seconds, taken_together, tasks
from hydrobid.bidding.water_value import water_value_bid
from hydrobid.domain.blocks import BlockBid, BlockOrder
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.market import BlockRules, Market
from hydrobid.domain.methods import Blocks
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.curve_program import BlockCandidate, CurveProgram, SharedCurves

__all__ = ["bid", "joint_bid", "program", "scenarios", "seconds", "taken_together", "tasks"]
"""The scenarios, the tasks and the curves that stand by are those of `stochastic`."""

Floats = NDArray[np.float64]

HOURS = (2, 3, 4, 6, 8, 12, 16, 24)
"""Lengths of windows; of each the dearest of the day and of either half is one to choose."""
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9)
"""Of the scenarios by rising average price: a block may be offered so that as many do not take it."""


def program(
    market: Market, grid: MtuGrid, asset: AssetConfiguration, scenarios: ScenarioSet
) -> CurveProgram:
    """Return curves and blocks to be found.

    Raises:
        InvalidInput: the market takes no blocks.
    """
    rules = rules_of(market)
    curves = stochastic.program(market, grid, asset, scenarios)
    most = cast("Blocks", asset.method).blocks
    return replace(
        curves,
        most=min(curves.most, float(rules.volume_max)),
        blocks=tuple(_candidates(market, grid, asset, curves, rules.mtus_min)),
        blocks_max=min(most, rules.orders_max or most),
    )


def rules_of(market: Market) -> BlockRules:
    """Return a market's rules for blocks.

    Raises:
        InvalidInput: the market takes none.
    """
    if market.blocks is None:
        expected = "rules for block orders, as the market of an asset bid in blocks has"
        raise InvalidInput.of(f"market {market.id}", "blocks", None, expected)
    return market.blocks


def joint_bid(
    market: Market,
    grid: MtuGrid,
    asset: AssetConfiguration,
    program: CurveProgram,
    curves: SharedCurves,
) -> BidMatrix:
    """Return the blocks found, each of a lot or more, and curves that leave room for them above.

    A block's price lies where the same scenarios take it, as near as may be to what it costs: the
    water, and the starts that its volume needs, spread over its energy.
    """
    blocks = tuple(_offered(market, grid, asset, program, curves))
    offered = BlockBid(asset.price_area, grid, market.price_tick, market.volume_lot, blocks)
    beside = stochastic.bid_with_room(market, grid, asset, program, curves, offered.most)
    return replace(beside, blocks=blocks)


def _offered(
    market: Market,
    grid: MtuGrid,
    asset: AssetConfiguration,
    program: CurveProgram,
    curves: SharedCurves,
) -> Iterator[BlockOrder]:
    number = 0
    for candidate, volume in zip(program.blocks, curves.blocks, strict=True):
        lots = int(np.floor(volume / float(market.volume_lot) + 1e-6))
        if lots:
            number += 1
            yield BlockOrder(
                name=Identifier(f"{asset.asset}-{number}"),
                price=_price(market, grid, asset, program, candidate, lots),
                first=candidate.first,
                lots=(lots,) * candidate.count,
            )


def _candidates(
    market: Market,
    grid: MtuGrid,
    asset: AssetConfiguration,
    program: CurveProgram,
    fewest: int,
) -> Iterator[BlockCandidate]:
    """Yield windows at prices that set scenarios apart, none below what the first lot costs."""
    tick = float(market.price_tick)
    marginal = water_value_bid(market, grid, asset).curves[0]
    offered = np.asarray(marginal.ticks)[np.asarray(marginal.lots) > max(marginal.lots[0], 0)]
    floor = float(offered[0]) if offered.size else float(market.max_ticks)
    for first, count in _windows(program.weights @ program.prices, grid, fewest):
        average = np.mean(program.prices[:, first : first + count], axis=1) / tick
        levels = np.quantile(average, SHARES, method="higher")
        for price in np.unique(np.maximum(np.floor(np.round(levels, 6)), floor)):
            if price <= np.max(average):
                yield BlockCandidate(first, count, float(price) * tick)


def _windows(expected: Floats, grid: MtuGrid, fewest: int) -> list[tuple[int, int]]:
    """Return (first, count) of the dearest windows of each length, in the day and in its halves."""
    found: dict[tuple[int, int], None] = {}
    total = np.concatenate([[0.0], np.cumsum(expected)])
    half = len(grid) // 2
    for hours in HOURS:
        count = min(round(hours / grid.hours), len(grid))
        for start, end in ((0, len(grid)), (0, half), (half, len(grid))):
            if fewest <= count <= end - start:
                sums = total[start + count : end + 1] - total[start : end + 1 - count]
                found[(start + int(np.argmax(np.round(sums, 6))), count)] = None
    return list(found)


def _price(
    market: Market,
    grid: MtuGrid,
    asset: AssetConfiguration,
    program: CurveProgram,
    candidate: BlockCandidate,
    lots: int,
) -> int:
    """Return a block's price in ticks."""
    tick = float(market.price_tick)
    average = np.mean(program.prices[:, candidate.first : candidate.mtus.stop], axis=1) / tick
    taken = program.accepting(candidate)
    highest = int(np.floor(np.round(np.min(average[taken]), 6)))
    left = average[~taken]
    lowest = int(np.floor(np.round(np.max(left), 6))) + 1 if left.size else market.min_ticks
    energy = lots * float(market.volume_lot) * candidate.count * grid.hours
    cost = _marginal(market, grid, asset, lots) + _starts(asset, market, lots) / energy / tick
    return max(market.min_ticks, min(max(int(np.ceil(cost)), lowest), highest, market.max_ticks))


def _marginal(market: Market, grid: MtuGrid, asset: AssetConfiguration, lots: int) -> int:
    """Return the ticks from which marginal cost offers some lots, or its last before the limit."""
    curve = water_value_bid(market, grid, asset).curves[0]
    enough = np.flatnonzero(np.asarray(curve.lots) >= lots)
    return curve.ticks[int(enough[0])] if enough.size else curve.ticks[-2]


def _starts(asset: AssetConfiguration, market: Market, lots: int) -> float:
    """Return what the fewest starts cost that some lots need, the largest units first."""
    units = [unit for plant in asset.watercourse.plants for unit in plant.units]
    left, cost = lots * float(market.volume_lot), 0.0
    for unit in sorted(units, key=lambda unit: (-unit.power_max, unit.name)):
        if left <= 0:
            break
        left -= unit.power_max
        cost += unit.start_cost
    return cost
