"""Fewer points for a bid curve: first those that change nothing, then those that change least."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.curve import BidCurve


def within_points(curve: BidCurve, max_points: int) -> BidCurve:
    """Return a curve with at most `max_points` points, its ends included.

    Points that a straight line makes needless go first. Each of the others weighs the same: what
    is left of the scenarios' probabilities after summing is where the points lie.
    """
    ticks, lots = np.asarray(curve.ticks), np.asarray(curve.lots)
    kept = without_collinear(ticks, lots)
    if len(kept) > max_points:
        weights = np.ones(len(ticks))
        weights[[0, -1]] = 0.0  # the price limits, far from where prices are
        kept = reduced(ticks, lots, weights, kept, max_points)
    return BidCurve(tuple(ticks[kept].tolist()), tuple(lots[kept].tolist()))


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


def reduced(
    ticks: NDArray[np.int64],
    lots: NDArray[np.int64],
    weights: NDArray[np.float64],
    kept: Sequence[int],
    max_points: int,
) -> list[int]:
    """Return at most `max_points` positions out of `kept`, its ends included.

    ticks, lots, weights: (N,) the whole curve and the probability of each of its points; `kept`
    are those at which it bends. One by one the point goes whose absence adds least to the
    probability-weighted squared volume by which the curve misses its N points.
    """
    misses = _Misses(ticks, lots, weights)
    after = dict(pairwise(kept))
    before = {right: left for left, right in after.items()}
    missed = dict.fromkeys(after, 0.0)  # between a point and the one after it
    joined = {point: misses(before[point], after[point]) for point in kept[1:-1]}
    queue = [(miss, point) for point, miss in joined.items()]
    heapq.heapify(queue)
    losses = dict(joined)
    while len(losses) + 2 > max_points:
        lost, point = heapq.heappop(queue)
        if losses.get(point) != lost:
            continue  # priced anew, or gone, since it was queued
        del losses[point]
        left, right = before.pop(point), after.pop(point)
        after[left], before[right] = right, left
        missed[left] = joined[point]
        for near in (left, right):
            if near in losses:
                joined[near] = misses(before[near], after[near])
                losses[near] = joined[near] - missed[before[near]] - missed[near]
                heapq.heappush(queue, (losses[near], near))
    return [kept[0], *sorted(losses), kept[-1]]


class _Misses:
    """Weighted squared misses of a straight line between two points of a curve.

    Sums up to each point answer for any stretch without a walk over it. Coordinates are taken
    from their weighted mean in units of their spread, which keeps the sums' digits.
    """

    def __init__(
        self, ticks: NDArray[np.int64], lots: NDArray[np.int64], weights: NDArray[np.float64]
    ) -> None:
        x, y = _standard(ticks, weights), _standard(lots, weights)
        self._x: list[float] = x.tolist()
        self._y: list[float] = y.tolist()
        moments = np.array([np.ones_like(x), x, y, x * x, x * y, y * y]) * weights
        sums = np.cumsum(np.hstack([np.zeros((6, 1)), moments]), axis=1)
        self._sums: list[list[float]] = sums.T.tolist()

    def __call__(self, left: int, right: int) -> float:
        slope = (self._y[right] - self._y[left]) / (self._x[right] - self._x[left])
        level = self._y[left] - slope * self._x[left]
        one0, x0, y0, xx0, xy0, yy0 = self._sums[left]
        one1, x1, y1, xx1, xy1, yy1 = self._sums[right + 1]
        # The sum of (y - slope x - level) squared, multiplied out.
        return (
            (yy1 - yy0)
            + slope * (slope * (xx1 - xx0) - 2 * (xy1 - xy0))
            + level * (level * (one1 - one0) + 2 * slope * (x1 - x0) - 2 * (y1 - y0))
        )


def _standard(values: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    mean = np.average(values, weights=weights)
    spread = np.sqrt(np.average((values - mean) ** 2, weights=weights))
    standard: NDArray[np.float64] = (values - mean) / (spread or 1.0)
    return standard
