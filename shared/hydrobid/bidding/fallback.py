"""The bid of another delivery day, for a day that has no scenarios to bid from.

It answers yesterday's prices with yesterday's volumes, so it is for a day or two, and for a market
whose rules have not changed. What has changed in the water since then can be brought in.
`water_value` makes a bid that needs no earlier one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from hydrobid.bidding.expected_loss import Points
from hydrobid.bidding.isotonic import isotonic
from hydrobid.bidding.reduction import fitting
from hydrobid.bidding.tails import Reach
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.errors import InvalidInput, Problem
from hydrobid.domain.market import Market
from hydrobid.domain.time import MtuGrid


def bid_of_another_day(matrix: BidMatrix, market: Market, day: date) -> BidMatrix:
    """Return a bid carried over to `day`: to each MTU the curve of its local wall-clock time.

    Blocks belong to the prices and the water of their own day: another gets none. Where the clock changes on one of the two days:

    - the curves of an hour that `day` skips are left out;
    - an hour that `day` repeats takes the curves of that hour twice;
    - an hour that the matrix's day skipped takes the last curve before it (the first of the day,
      where its midnight was skipped);
    - of an hour that the matrix's day repeated the first occurrence is taken, unless `day` repeats
      it too.

    Raises:
        InvalidInput: the matrix is not of a whole delivery day under the market's present MTU,
            tick, lot, price limits, number of points and price areas; it names each that differs.
    """
    problems = list(_misfits(matrix, market))
    if problems:
        raise InvalidInput(problems)
    known = _wall_clock(matrix.grid, market.zone)
    by_clock = sorted(range(len(known)), key=known.__getitem__)
    clock = [known[position] for position in by_clock]
    grid = market.grid(day)
    blocks = matrix.blocks if matrix.grid == grid else ()
    curves = tuple(
        matrix.curves[by_clock[max(bisect_right(clock, wanted) - 1, 0)]]
        for wanted in _wall_clock(grid, market.zone)
    )
    units = (market.price_tick, market.volume_lot)
    return BidMatrix(matrix.price_area, grid, *units, curves, blocks)


def in_blocks_alone(matrix: BidMatrix) -> bool:
    """Whether a bid's curves sell and buy nothing: without its blocks there is nothing left of it."""
    return bool(matrix.blocks) and not any(any(curve.lots) for curve in matrix.curves)


def on_other_water(
    matrix: BidMatrix, market: Market, before: BidCurve, now: BidCurve, reach: Reach
) -> BidMatrix:
    """Return a bid that was made on the water of another day as it would be on today's.

    before, now: marginal cost curves of the asset's water then and now. At each price as much more
    is offered as marginal cost offers more now; what falls by that is joined at its mean. The same
    water leaves the bid as it is; on other water there are no blocks.
    """
    if before == now:
        return matrix
    curves = tuple(_on_other_water(curve, market, before, now, reach) for curve in matrix.curves)
    return BidMatrix(matrix.price_area, matrix.grid, matrix.tick, matrix.lot, curves)


def _on_other_water(
    curve: BidCurve, market: Market, before: BidCurve, now: BidCurve, reach: Reach
) -> BidCurve:
    ticks = np.unique(np.concatenate([curve.ticks, before.ticks, now.ticks]))
    volumes = curve.lots_at(ticks) + now.lots_at(ticks) - before.lots_at(ticks)
    weights = np.ones(ticks.size)
    lots = np.clip(np.rint(isotonic(volumes, weights)), reach.least, reach.most)
    weights[[0, -1]] = 0.0  # the price limits, far from where prices are
    return fitting(Points(ticks, lots.astype(np.int64), weights), market)


def _wall_clock(grid: MtuGrid, zone: ZoneInfo) -> list[tuple[time, int]]:
    """Return each MTU's local start and its fold: 1 in an hour's second occurrence, else 0.

    Times compare without their fold, so it stands beside them.
    """
    return [(local, local.fold) for local in grid.local_times(zone)]


def _misfits(matrix: BidMatrix, market: Market) -> Iterator[Problem]:
    """Yield what of a matrix is not as the market's rules are now."""
    source = matrix.grid.start.astimezone(market.zone).date()
    document = f"bid of {source} in {matrix.price_area}"
    if matrix.price_area not in market.price_areas:
        areas = ", ".join(market.price_areas)
        yield Problem(document, "price_area", str(matrix.price_area), f"one of {areas}")
    if matrix.grid.minutes != market.mtu_minutes:
        yield Problem(document, "mtu_minutes", matrix.grid.minutes, str(market.mtu_minutes))
    elif matrix.grid != market.grid(source):
        yield Problem(
            document, "MTUs", len(matrix.grid), f"the {len(market.grid(source))} of {source}"
        )
    lows = {matrix.tick * curve.ticks[0] for curve in matrix.curves}
    highs = {matrix.tick * curve.ticks[-1] for curve in matrix.curves}
    for field, values, expected in (
        ("price_tick", {matrix.tick}, market.price_tick),
        ("volume_lot", {matrix.lot}, market.volume_lot),
        ("price_min", lows, market.price_min),
        ("price_max", highs, market.price_max),
    ):
        if values - {expected}:
            yield Problem(document, field, _texts(values), str(expected))
    points = max((len(curve.ticks) for curve in matrix.curves), default=0)
    if points > market.max_points:
        yield Problem(document, "points", points, f"at most {market.max_points} a curve")


def _texts(values: set[Decimal]) -> str:
    return ", ".join(str(value) for value in sorted(values))
