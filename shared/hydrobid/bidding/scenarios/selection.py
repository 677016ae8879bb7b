"""Which scenarios represent a set best, and whose probability the others' goes to.

The distance between two scenarios is that of their values over the day, root mean square. A subset
represents a set the better, the nearer each scenario of the set is to one of the subset, by
probability: the Kantorovich distance of Heitsch and Römisch, Scenario Reduction Algorithms in
Stochastic Programming (2003).
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DECIMALS = 9
"""Of distances and gains: equal ones must be equal, whatever the order in which they were summed."""

MOST_ORDERED = 2000
"""Scenarios whose distances to each other fit into memory. The less probable rest comes after, and is
not looked at when others are weighed."""


def distances(left: Floats, right: Floats) -> Floats:
    """Return the (A, B) root mean square distances of (A, T) to (B, T) values."""
    squares = np.sum(left**2, axis=1)[:, None] + np.sum(right**2, axis=1) - 2 * left @ right.T
    rounded: Floats = np.round(
        np.sqrt(np.maximum(squares, 0.0) / max(left.shape[1], 1)), decimals=DECIMALS - 3
    )
    return rounded


def representative_order(values: Floats, probabilities: Floats) -> NDArray[np.intp]:
    """Return the (S,) positions of scenarios such that each beginning represents the set well.

    values: (S, T). Fast forward selection: next comes the scenario that most lessens the expected
    distance of the set to what has been chosen. A scenario gains less the more are chosen, so one
    whose last known gain is less than another's newest need not be looked at again.
    """
    count = len(values)
    ranked = np.argsort(-probabilities, kind="stable")
    pool = np.sort(ranked[:MOST_ORDERED])
    weights = probabilities[pool]
    apart = distances(values[pool], values[pool])
    first = int(np.argmin(np.round(apart @ weights, DECIMALS)))
    nearest = apart[first].copy()
    chosen = [first]

    def gain(candidate: int) -> float:
        return round(float(weights @ np.maximum(nearest - apart[candidate], 0.0)), DECIMALS)

    queue = [(-gain(candidate), candidate) for candidate in range(len(pool)) if candidate != first]
    heapq.heapify(queue)
    while queue:
        _, candidate = heapq.heappop(queue)
        now = (-gain(candidate), candidate)
        if queue and now > queue[0]:
            heapq.heappush(queue, now)
            continue
        chosen.append(candidate)
        np.minimum(nearest, apart[candidate], out=nearest)
    return np.concatenate([pool[chosen], ranked[MOST_ORDERED:count]])


def redistributed(values: Floats, probabilities: Floats, present: NDArray[np.bool_]) -> Floats:
    """Return the (N,) probabilities of the present scenarios, summing to one.

    values: (S, T). present: (S,), one or more true. The probability of each absent scenario goes to
    the nearest present one, the first of several: no other sharing brings the present ones nearer
    to the whole set.
    """
    weights = probabilities[present].astype(np.float64)
    if not present.all():
        heirs = np.argmin(distances(values[~present], values[present]), axis=1)
        np.add.at(weights, heirs, probabilities[~present])
    result: Floats = weights / np.sum(weights)
    return result
