"""Points of a curve that go one by one, each the one that is missed least when it goes."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.expected_loss import Points


def shortlisted(points: Points, kept: Sequence[int], most: int) -> list[int]:
    """Return at most `most` positions out of `kept`, its ends included.

    One by one the point goes whose absence adds least to the squared volumes by which straight
    lines miss the points, each weighing its probability times the local rise of the price with the
    volume: the loss to second order. Quick, and near enough to choose candidates by.
    """
    if len(kept) <= most:
        return list(kept)
    misses = _Misses(points.ticks, points.lots, points.weights * _steepness(points))
    after = dict(pairwise(kept))
    before = {right: left for left, right in after.items()}
    missed = dict.fromkeys(after, 0.0)  # between a point and the one after it
    joined = {point: misses(before[point], after[point]) for point in kept[1:-1]}
    queue = [(miss, point) for point, miss in joined.items()]
    heapq.heapify(queue)
    losses = dict(joined)
    while len(losses) + 2 > most:
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


def _steepness(points: Points) -> NDArray[np.float64]:
    """Return the (N,) ticks a lot by which the price rises around each point."""
    # The price limits lie far from where prices are, and would make their neighbours steep.
    before = np.maximum(np.arange(len(points.ticks)) - 1, 1)
    after = np.minimum(np.arange(len(points.ticks)) + 1, len(points.ticks) - 2)
    rise = np.maximum(points.lots[after] - points.lots[before], 1)
    slopes: NDArray[np.float64] = np.maximum(points.ticks[after] - points.ticks[before], 1) / rise
    return slopes


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
