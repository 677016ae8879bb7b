"""Water that leaves a full reservoir by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.watercourse import Reservoir

Series = NDArray[np.float64]


def spill_of(reservoir: Reservoir, start: float, change: Series, per_flow: Series) -> Series:
    """Return the (T,) water in Mm3 that runs over, given what else comes and goes.

    start: volume in Mm3 before the first period. change: (T,) Mm3 that come, less what goes.
    per_flow: (T,) Mm3 that 1 m3/s brings. Without a described overflow whatever exceeds the
    greatest volume runs over. With one the spill is that of the volume at the end of the period,
    which it lowers itself: taken at the start it would swing in a small reservoir.
    """
    spill = np.zeros_like(change)
    volumes, flows = _spill_curve(reservoir)
    if start + np.max(np.cumsum(change), initial=0.0) <= volumes[0]:
        return spill
    volume = start
    for period, (arriving, water) in enumerate(zip(change.tolist(), per_flow, strict=True)):
        volume += arriving
        if volume > volumes[0]:
            if flows is None:
                spill[period] = volume - volumes[0]
            else:
                # A corner of the curve is passed by the volume that leaves it there after spilling.
                before = volumes + flows * water
                spill[period] = volume - _through(volume, before, volumes)
            volume -= spill[period]
    return spill


def _spill_curve(reservoir: Reservoir) -> tuple[Series, Series | None]:
    """Return volumes in Mm3, rising, and the spill in m3/s at each; none: all that is beyond."""
    if reservoir.overflow is None:
        return np.array([reservoir.volume_max]), None
    curve, level = reservoir.overflow.spill, reservoir.level
    # Corners of both curves: between them the spill is linear in the volume.
    levels = np.unique([*curve.x, *(y for y in level.y if curve.x[0] < y < curve.x[-1])])
    slope = (level.x[-1] - level.x[-2]) / (level.y[-1] - level.y[-2])
    volumes = np.interp(levels, level.y, level.x) + slope * np.maximum(levels - level.y[-1], 0.0)
    return volumes, np.interp(levels, curve.x, curve.y)


def _through(x: float, xs: Series, ys: Series) -> float:
    """Return the value at x of the line through points, its last piece going on for ever."""
    if x <= xs[-1]:
        return float(np.interp(x, xs, ys))
    return float(ys[-1] + (x - xs[-1]) * (ys[-1] - ys[-2]) / (xs[-1] - xs[-2]))
