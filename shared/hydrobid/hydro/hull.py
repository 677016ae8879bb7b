"""Concave hulls: what a linear model makes of a production curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Segments:
    """The pieces of a concave curve from its first point on.

    widths: (K,) flows in m3/s, above zero. slopes: (K,) MW per m3/s, above zero and strictly
    falling. K is zero where nothing more can be produced.
    """

    widths: NDArray[np.float64]
    slopes: NDArray[np.float64]


def upper_hull(flows: NDArray[np.float64], powers: NDArray[np.float64]) -> Segments:
    """Return the rising part of the upper hull of (M,) points by rising flow, from the first on.

    Flow beyond the highest power is left out: it would produce less with more water.
    """
    hull: list[tuple[float, float]] = []
    for flow, power in zip(flows.tolist(), powers.tolist(), strict=True):
        while len(hull) > 1 and _turns_up(hull[-2], hull[-1], (flow, power)):
            hull.pop()
        hull.append((flow, power))
    steps = np.diff(np.array(hull), axis=0)
    rising = steps[:, 1] > 0
    widths, rises = steps[rising, 0], steps[rising, 1]
    return Segments(widths, rises / widths)


def _turns_up(
    before: tuple[float, float], corner: tuple[float, float], after: tuple[float, float]
) -> bool:
    return (corner[1] - before[1]) * (after[0] - corner[0]) <= (after[1] - corner[1]) * (
        corner[0] - before[0]
    )
