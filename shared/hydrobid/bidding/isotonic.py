"""Rising values nearest to given ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def isotonic(values: Floats, weights: Floats) -> Floats:
    """Return the (N,) rising values of least weighted squared distance to (N,) values.

    Pool adjacent violators: Barlow et al., Statistical Inference under Order Restrictions (1972).
    Neighbours that fall are joined at their mean until none falls; each value is joined once.
    """
    means: list[float] = []
    masses: list[float] = []
    counts: list[int] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, mass, count = value, weight, 1
        while means and means[-1] >= mean:
            joined = masses[-1] + mass
            mean = (means.pop() * masses[-1] + mean * mass) / joined
            masses.pop()
            mass = joined
            count += counts.pop()
        means.append(mean)
        masses.append(mass)
        counts.append(count)
    return np.repeat(means, counts)
