"""Fewer points for a bid curve: first those that change nothing, then those that lose least.

On a linear market a curve may bend at some of its points only, and sells in between what the
straight line says. On a step market it may sell some of its volumes only, and changes from one to
the next at the price at which the difference breaks even. Either way what is kept is an ascending
choice whose loss is a sum over neighbours in it, so that a dynamic programme finds the best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.expected_loss import Points
from hydrobid.bidding.shortlist import shortlisted
from hydrobid.domain.curve import BidCurve
from hydrobid.domain.market import Market

Floats = NDArray[np.float64]
Loss = Callable[[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]], Floats]

LARGEST_PROGRAMME = 20_000
"""Candidates times the square of how many of them go, over two. Where a curve asks for more, points
go one by one until it does not, and the choice is the best of what is left: near the best of all,
which curves of linear programmes, with some ten to forty bends, always have."""


def within_points(curve: BidCurve, market: Market) -> BidCurve:
    """Return a curve with at most the market's number of points, its ends included.

    Each of its points weighs the same: what is left of the scenarios' probabilities after summing
    is where the points lie.
    """
    if points_of(curve, market) <= market.max_points:
        ticks, lots = np.asarray(curve.ticks), np.asarray(curve.lots)
        kept = without_collinear(ticks, lots)
        return BidCurve(tuple(ticks[kept].tolist()), tuple(lots[kept].tolist()))
    weights = np.ones(len(curve.ticks))
    weights[[0, -1]] = 0.0  # the price limits, far from where prices are
    return fitting(Points(np.asarray(curve.ticks), np.asarray(curve.lots), weights), market)


def points_of(curve: BidCurve, market: Market) -> int:
    """Return how many points a market counts in a curve: on a step market one a step and the end."""
    return len(curve.ticks) if market.interpolation == "linear" else len(set(curve.lots)) + 1


def fitting(points: Points, market: Market) -> BidCurve:
    """Return the curve of the market's form and number of points that loses least on `points`.

    The points begin and end at the price limits. Exact while `LARGEST_PROGRAMME` allows.
    """
    if market.interpolation == "linear":
        kept = without_collinear(points.ticks, points.lots)
        kept = chosen(points, kept, market.max_points, _lost_on_lines(points))
        return BidCurve(tuple(points.ticks[kept].tolist()), tuple(points.lots[kept].tolist()))
    levels = np.unique(points.lots, return_index=True)[1].tolist()
    if len(levels) > 1:
        levels = chosen(points, levels, market.max_points - 1, _lost_on_steps(points))
    return _staircase(points, levels)


def without_collinear(ticks: NDArray[np.int64], lots: NDArray[np.int64]) -> list[int]:
    """Return the positions of the points at which a curve bends, both ends included; exact."""
    points = list(zip(ticks.tolist(), lots.tolist(), strict=True))
    kept: list[int] = []
    for position, (tick, lot) in enumerate(points):
        while len(kept) > 1:
            (first_tick, first_lot), (last_tick, last_lot) = points[kept[-2]], points[kept[-1]]
            if (last_lot - first_lot) * (tick - last_tick) != (lot - last_lot) * (
                last_tick - first_tick
            ):
                break
            kept.pop()
        kept.append(position)
    return kept


def chosen(points: Points, kept: Sequence[int], most: int, loss: Loss) -> list[int]:
    """Return at most `most` of the positions `kept`, the first and the last among them."""
    if len(kept) <= most:
        return list(kept)
    spare = len(kept) - most
    while spare > 1 and (most + spare) * spare**2 > 2 * LARGEST_PROGRAMME:
        spare -= 1
    candidates = shortlisted(points, kept, most + spare)
    return [candidates[at] for at in _best(_losses(candidates, most, loss), most)]


def _lost_on_lines(points: Points) -> Loss:
    def loss(at: NDArray[np.intp], left: NDArray[np.intp], right: NDArray[np.intp]) -> Floats:
        ticks, lots = points.ticks, points.lots
        share = (ticks[at] - ticks[left]) / (ticks[right] - ticks[left])
        return points.losses(at, lots[left] + share * (lots[right] - lots[left]))

    return loss


def _lost_on_steps(points: Points) -> Loss:
    def loss(at: NDArray[np.intp], left: NDArray[np.intp], right: NDArray[np.intp]) -> Floats:
        lots = points.lots.astype(np.float64)
        lost: Floats = np.minimum(points.losses(at, lots[left]), points.losses(at, lots[right]))
        return lost

    return loss


def _losses(candidates: Sequence[int], most: int, loss: Loss) -> Floats:
    """Return (M, M) losses between two neighbours in a choice of the M candidates.

    Infinite where more would be left out between them than are to be left out at all.
    """
    positions = np.asarray(candidates)
    count = len(positions)
    spare = count - most
    lost = np.full((count, count), np.inf)
    inside = np.arange(positions[0], positions[-1] + 1)
    behind = np.searchsorted(positions, inside, side="right") - 1
    for skipped in range(spare + 1):
        width = skipped + 1
        sums = np.zeros(count)
        for back in range(width):
            first = behind - back
            sound = (first >= 0) & (first + width < count)
            # The left end itself is hit, and the right end is another pair's left end.
            sound &= positions[np.maximum(first, 0)] < inside
            at, pair = inside[sound], first[sound]
            each = loss(at, positions[pair], positions[pair + width])
            sums += np.bincount(pair, weights=each, minlength=count)
        rows = np.arange(count - width)
        lost[rows, rows + width] = sums[rows]
    return lost


def _best(lost: Floats, most: int) -> list[int]:
    """Return the `most` ascending positions, both ends among them, of least summed loss.

    best[j, k]: the least loss up to candidate j when k come before it.
    """
    count = len(lost)
    spare = count - most
    best = np.full((count, most), np.inf)
    before = np.zeros((count, most), dtype=np.intp)
    best[0, 0] = 0.0
    for last in range(1, count):
        first = max(last - 1 - spare, 0)
        fewest, highest = max(last - spare, 1), min(last, most - 1)
        sums = best[first:last, fewest - 1 : highest] + lost[first:last, last, None]
        least = np.argmin(sums, axis=0)
        best[last, fewest : highest + 1] = sums[least, np.arange(highest - fewest + 1)]
        before[last, fewest : highest + 1] = first + least
    way = [count - 1]
    for kept in range(most - 1, 0, -1):
        way.append(int(before[way[-1], kept]))
    return way[::-1]


def _staircase(points: Points, levels: Sequence[int]) -> BidCurve:
    """Return steps between the volumes of some points, each where the difference breaks even."""
    volumes = points.lots[list(levels)]
    first, end = int(points.ticks[0]), int(points.ticks[-1])
    costs = points.cost(volumes.astype(np.float64))
    even = np.ceil(np.diff(costs) / np.diff(volumes)).astype(np.int64)
    ticks, lots = [first], [int(volumes[0])]
    for jump, volume in zip(
        np.clip(even, first + 1, end).tolist(), volumes[1:].tolist(), strict=True
    ):
        if jump - 1 > ticks[-1]:
            ticks.append(jump - 1)
            lots.append(lots[-1])
        if jump > ticks[-1]:
            ticks.append(jump)
            lots.append(volume)
        else:
            lots[-1] = volume
    if ticks[-1] < end:
        ticks.append(end)
        lots.append(lots[-1])
    return BidCurve(tuple(ticks), tuple(lots))
