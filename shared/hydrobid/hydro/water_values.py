"""The best course of one plant over a horizon, all else as it is: dynamic programming over the
volume of its reservoir and its mode.

The value of a volume at the end of a period is computed backwards on a few volumes and linear
between them, which it nearly is: it bends by the head's worth and by start costs only. The course
is then chosen forwards from the start volume itself, so that no flow is rounded to a grid. What
the rest of the watercourse makes of the plant's water comes in as its worth below.

Source: the water value method, as in Doorman, Hydro Power Scheduling (NTNU, 2012), with a mode of
commitment beside the volume as state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrobid.hydro.plant_model import IMPOSSIBLE, PlantModel, Positions

Array = NDArray[np.float64]

# Volumes on which the value of water is computed.
VOLUMES = 17
# Choices that are held in memory at a time, in numbers an array.
AT_ONCE = 500_000


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What a plant's course is chosen in.

    start: Mm3 in its reservoir. change: (T,) Mm3 that come and go otherwise. per_flow: (T,) Mm3
    of 1 m3/s. tail: (T,) m of the tailwater. worth_below: (T,) currency of a Mm3 that leaves the
    plant downwards in each period. earned: currency of (T, ...) MW of the plant by period.
    kept: currency of (T, ...) volumes at the end of each period, as limits on them have it.
    beside: currency of (T, K) volumes at the start of each, as other plants' heads have it. end: currency of (...) volumes left. discharge_min, discharge_max:
    (T,) m3/s. missed: currency of 1 m3/s missing in each of (T,) periods. crest: Mm3 above which
    water runs over. worth_over: (T,) currency of a Mm3 that does. mode: the one before the
    horizon; none: the first period starts nothing.
    """

    start: float
    change: Array
    per_flow: Array
    tail: Array
    worth_below: Array
    earned: Callable[[Array, slice], Array]
    kept: Callable[[Array, slice], Array]
    beside: Callable[[Array], Array]
    end: Callable[[Array], Array]
    discharge_min: Array
    discharge_max: Array
    missed: Array
    crest: float
    worth_over: Array
    mode: int | None


@dataclass(frozen=True, eq=False)
class Course:
    """(T,) modes and flows of a plant's machines in m3/s, and the (T,) worth of its water.

    worth: currency of another Mm3 in its reservoir at the end of each period.
    """

    mode: Positions
    flow: Array
    worth: Array


def best_course(
    model: PlantModel, level: Callable[[Array], Array], around: Surroundings, volumes: Array
) -> Course:
    """Return the best course by values of water at (T + 1, K) rising volumes in Mm3.

    level: m of the reservoir at volumes.
    """
    value = _values(model, level, around, volumes)
    periods = around.change.size
    mode, flow = np.zeros(periods, dtype=np.intp), np.zeros(periods)
    worth = np.zeros(periods)
    before, volume = around.mode, around.start
    for period in range(periods):
        now = slice(period, period + 1)
        flows, gains, after = _choices(model, level, around, np.array([[volume]]), now)
        later = _interpolated(value[period + 1], volumes[period + 1], after[0])
        total = (gains[0] + later)[0]
        if before is not None:
            total = total - model.switching[before][:, None]
        best = np.unravel_index(int(np.argmax(total)), total.shape)
        before, flow[period] = int(best[0]), flows[0, 0][best]
        mode[period], volume = before, float(after[0, 0][best])
        worth[period] = _slope(value[period + 1][:, before], volumes[period + 1], volume)
    return Course(mode, flow, worth)


def _values(
    model: PlantModel, level: Callable[[Array], Array], around: Surroundings, volumes: Array
) -> Array:
    """Return (T + 1, K, M) values of volumes, by the mode of the period before them."""
    periods, modes = around.change.size, len(model.modes)
    value = np.empty((periods + 1, volumes.shape[1], modes))
    value[-1] = around.end(volumes[-1])[:, None]
    beside = around.beside(volumes[:-1])
    at_once = max(AT_ONCE // (volumes.shape[1] * model.power[:, :, 0].size), 1)
    for last in range(periods, 0, -at_once):
        now = slice(max(last - at_once, 0), last)
        _, gains, after = _choices(model, level, around, volumes[now], now)
        for period in range(last - 1, now.start - 1, -1):
            later = _interpolated(value[period + 1], volumes[period + 1], after[period - now.start])
            best = np.max(gains[period - now.start] + later, axis=2)
            value[period] = np.max(best[:, None, :] - model.switching[None, :, :], axis=2)
            value[period] += beside[period][:, None]
    return value


def _choices(
    model: PlantModel,
    level: Callable[[Array], Array],
    around: Surroundings,
    volumes: Array,
    when: slice,
) -> tuple[Array, Array, Array]:
    """Return (T, K, M, F) flows, what each gains at once, and the volume that it leaves.

    volumes: (T, K) at the start of the periods `when`.
    """
    head = level(volumes) - around.tail[when, None]
    least, most = model.limits(head)
    # A mode runs at its least flow at worst, whatever the plant may discharge.
    most = np.maximum(np.minimum(most, around.discharge_max[when, None, None]), least)
    rows = np.linspace(0.0, 1.0, model.power.shape[1])
    flows = least[..., None] + rows * (most - least)[..., None]
    flows[:, :, 0, :] = 0.0
    mode = np.arange(len(model.modes))[:, None]
    power = model.powers(
        np.broadcast_to(mode, flows.shape),
        flows,
        np.broadcast_to(head[..., None, None], flows.shape),
    )
    leaving = flows * model.sign[:, None]
    each = (slice(None), None, None, None)
    missing = np.maximum(around.discharge_min[when][each] - np.maximum(leaving, 0.0), 0.0)
    beyond = np.maximum(leaving - around.discharge_max[when][each], 0.0)
    gains = around.earned(power, when) - (missing + beyond) * around.missed[when][each]
    gains += around.worth_below[when][each] * around.per_flow[when][each] * leaving
    can = model.allowed[when][:, None, :, None] & (power > IMPOSSIBLE)
    gains = np.where(can, gains, -np.inf)
    after = volumes[..., None, None] + around.change[when][each]
    after = after - around.per_flow[when][each] * leaving
    over = np.maximum(after - around.crest, 0.0)
    gains += around.worth_over[when][each] * over
    after -= over
    gains += around.kept(after, when)
    return flows, gains, after


def _interpolated(value: Array, volumes: Array, at: Array) -> Array:
    """Return (K', M, F) values at volumes of (K, M) values at (K,) evenly spaced ones.

    Beyond the outermost the line goes on.
    """
    step = volumes[1] - volumes[0]
    place = (at - volumes[0]) / step
    below = np.clip(place, 0, volumes.size - 2).astype(np.intp)
    part = place - below
    mode = np.arange(value.shape[1])[:, None]
    low = value[below, mode]
    result: Array = low + part * (value[below + 1, mode] - low)
    return result


def _slope(value: Array, volumes: Array, at: float) -> float:
    step = volumes[1] - volumes[0]
    below = int(np.clip((at - volumes[0]) / step, 0, volumes.size - 2))
    return float((value[below + 1] - value[below]) / step)
