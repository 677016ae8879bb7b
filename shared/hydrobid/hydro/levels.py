"""Levels at the beginning of a delivery day, without a solver: for bids that are made without one.

A bid from water values goes by the water of the day's beginning. What is sold until then takes some
of it, and how much of it from where is for a solver to choose. Here plants share what is sold in
proportion to their power, at the efficiency of full load, and water is where it flows to as soon as
it leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hydrobid.domain.canonical import WATER_DECIMALS, rounded
from hydrobid.domain.watercourse import Reservoir, Watercourse
from hydrobid.hydro.curves import convex_production
from hydrobid.hydro.daily import daily_problem
from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.problem import Problem, Series
from hydrobid.hydro.routing import WATER_OF_FLOW

Flow = tuple[str, str | None, Series]


def at_the_day(watercourse: Watercourse, horizon: Horizon, sold: Sequence[float]) -> Watercourse:
    """Return a watercourse whose start volumes are those expected when the delivery day begins.

    sold: MW of each period before it. What a reservoir has no room for is spilled, and none falls
    below its least volume.
    """
    before = horizon.delivery.start
    if not before:
        return watercourse
    problem = daily_problem(watercourse, horizon, sold)
    water = WATER_OF_FLOW * horizon.hours[:before]
    volumes = {
        str(reservoir.name): reservoir.start_volume
        + float(problem.inflow[reservoir.name][:before] @ water)
        for reservoir in watercourse.reservoirs
    }
    for source, to, flow in _flows(problem, np.asarray(sold, dtype=float)):
        moved = float(flow @ water)
        volumes[source] -= moved
        target, _ = watercourse.downstream(to)
        if target is not None:
            volumes[target] += moved
    reservoirs = (_starting(each, volumes[each.name]) for each in watercourse.reservoirs)
    return watercourse.model_copy(update={"reservoirs": tuple(reservoirs)})


def _starting(reservoir: Reservoir, volume: float) -> Reservoir:
    kept = min(max(volume, reservoir.volume_min), reservoir.volume_max)
    return reservoir.model_copy(update={"start_volume": rounded(kept, WATER_DECIMALS)})


def _flows(problem: Problem, sold: Series) -> Iterator[Flow]:
    """Yield (B,) m3/s of plants, pumps and gates with where they come from and go to."""
    watercourse, limits, before = problem.watercourse, problem.limits, sold.size
    production = convex_production(problem)
    full = {
        name: (np.sum(part.widths, axis=0)[:before], part.power_full[:before])
        for name, curve in production.items()
        for part in curve.ranges
    }
    making = _share(sold, sum(full[p.name][1] for p in watercourse.plants))
    pumps = [pump.name for plant in watercourse.plants for pump in plant.pumps]
    drawing = _share(sold, sum(full[pump][1] for pump in pumps if pump in full))
    for plant in watercourse.plants:
        least = limits.discharge_min[plant.name][:before]
        yield plant.reservoir, plant.to, np.maximum(making * full[plant.name][0], least)
        for pump in plant.pumps:
            if pump.name in full and plant.to is not None:
                yield plant.to, plant.reservoir, drawing * full[pump.name][0]
    for gate in watercourse.gates:
        yield gate.reservoir, gate.to, limits.gate_flow_min[gate.name][:before]


def _share(sold: Series, full: Series | int) -> Series:
    """Return (B,) shares from 0 to 1 of what all can do; none of the opposite sign, or of nothing."""
    whole = np.broadcast_to(np.asarray(full, dtype=float), sold.shape)
    share: Series = np.divide(sold, whole, out=np.zeros_like(sold), where=whole != 0)
    return np.clip(share, 0.0, 1.0)
