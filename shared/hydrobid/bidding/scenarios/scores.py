"""How well scenario sets told what happened: sharp enough, wide enough, and together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.scenarios.selection import distances

Floats = NDArray[np.float64]


def energy_score(values: Floats, probabilities: Floats, happened: Floats) -> float:
    """Return the energy score of (S, T) scenarios, in the unit of the values; less is better.

    E|X - y| - E|X - X'| / 2 with the root mean square over the day as distance, so that sets of
    days of unequal length compare. It is least for the distribution that what happened was drawn
    from (Gneiting and Raftery, Strictly Proper Scoring Rules, 2007).
    """
    missed = float(probabilities @ distances(values, happened[None, :])[:, 0])
    spread = float(probabilities @ distances(values, values) @ probabilities)
    return missed - spread / 2


def band(values: Floats, probabilities: Floats, share: float) -> tuple[Floats, Floats]:
    """Return the (T,) ends of each MTU's central band that holds a share of the probability.

    A quantile lies between scenarios, each of which stands for the middle of its probability, and
    is no further out than the outermost scenario.
    """
    order = np.argsort(values, axis=0, kind="stable")
    ranked = np.take_along_axis(values, order, axis=0)
    weights = probabilities[order]
    levels = np.cumsum(weights, axis=0) - weights / 2
    tail = (1 - share) / 2
    low, high = (
        np.array([np.interp(at, levels[:, t], ranked[:, t]) for t in range(values.shape[1])])
        for at in (tail, 1 - tail)
    )
    return low, high


def covered(
    values: Floats, probabilities: Floats, happened: Floats, shares: Sequence[float]
) -> dict[float, int]:
    """Return for each share how many of the (T,) values that happened lay in its central band."""
    counts = {}
    for share in shares:
        low, high = band(values, probabilities, share)
        counts[share] = int(np.count_nonzero((happened >= low) & (happened <= high)))
    return counts
