"""Production as a linear model takes it: concave pieces that may differ by period.

A plant is modelled as a whole, or each of its units and pumps for itself. Who linearises around
a trajectory states other numbers in other periods; the formulation is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.watercourse import GeneratingUnit, Plant, Pump
from hydrobid.hydro.hull import Segments, upper_hull
from hydrobid.hydro.physics import flow_range, gross_head, pump_power, unit_power
from hydrobid.hydro.problem import Problem

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OperatingRange:
    """A machine's production between its least and its greatest flow, in each of T periods.

    usable: (T,) whether it may be in the range. flow, power: (T,) m3/s and MW at the least flow.
    widths: (K, T) m3/s beyond it, zero where there is no such segment. slopes: (K, T) MW per
    m3/s, falling from segment to segment. What draws power has powers and slopes below zero.
    """

    usable: NDArray[np.bool_]
    flow: Array
    power: Array
    widths: Array
    slopes: Array

    @property
    def power_full(self) -> Array:
        """The (T,) MW at the greatest flow."""
        full: Array = self.power + np.sum(self.widths * self.slopes, axis=0)
        return full

    @property
    def steepest(self) -> Array:
        """The (T,) slope of the greatest size, MW per m3/s; zero where nothing more can flow."""
        if not self.slopes.size:
            return np.zeros(self.flow.size)
        slopes = np.where(self.widths > 0, self.slopes, 0.0)
        steepest: Array = slopes[np.argmax(np.abs(slopes), axis=0), np.arange(self.flow.size)]
        return steepest


@dataclass(frozen=True, eq=False)
class ProductionCurve:
    """The operating ranges of a plant, unit or pump.

    committed: it is off or in one of the ranges, between which lie forbidden zones, and starts and
    stops are counted. Otherwise it has one range, which begins at no flow and no power. settled:
    its commitment is decided: who solves the model fixes its choices, and no equation binds them.
    """

    ranges: tuple[OperatingRange, ...]
    committed: bool = False
    settled: bool = False


# By plant, or by unit; a plant whose own name is missing is modelled by its units. Pumps by name;
# one whose name is missing does not run.
Production = Mapping[Identifier, ProductionCurve]


def convex_production(problem: Problem) -> dict[Identifier, ProductionCurve]:
    """Return each plant as a whole and each pump at the head of the start, without commitment.

    A plant's segments are those of its available units, the best first, up to `discharge_max`;
    each unit is replaced by the concave hull of its curve and the origin, up to `power_max`.
    """
    production: dict[Identifier, ProductionCurve] = {}
    heads = start_heads(problem)
    for plant in problem.watercourse.plants:
        head = heads[plant.name]
        production[plant.name] = ProductionCurve((_plant_range(problem, plant, head),))
        production |= {
            pump.name: ProductionCurve((_pump_range(problem, pump, head, least=0.0),))
            for pump in plant.pumps
            if head > 0
        }
    return production


def committed_production(problem: Problem) -> dict[Identifier, ProductionCurve]:
    """Return each unit and pump for itself, on or off, at the head of the start.

    A running unit is within `power_min` and `power_max` and in none of its forbidden zones; in
    each range its curve is replaced by the concave hull.
    """
    production: dict[Identifier, ProductionCurve] = {}
    heads = start_heads(problem)
    for plant in problem.watercourse.plants:
        head = heads[plant.name]
        for unit in plant.units:
            ranges = tuple(_unit_ranges(problem, plant, unit, head))
            production[unit.name] = ProductionCurve(ranges, committed=True)
        for pump in plant.pumps if head > 0 else ():
            least = problem.limits.power_min[pump.name]
            committed = bool(np.any(least > 0) or pump.start_cost)
            part = _pump_range(problem, pump, head, least)
            production[pump.name] = ProductionCurve((part,), committed)
    return production


def start_heads(problem: Problem) -> dict[Identifier, float]:
    """Return each plant's gross head in m at the start volumes."""
    reservoirs = {r.name: at for at, r in enumerate(problem.watercourse.reservoirs)}
    heads = {}
    for plant in problem.watercourse.plants:
        upper, volumes = reservoirs[plant.reservoir], problem.start.volume
        lower = None if plant.to is None else reservoirs.get(plant.to)
        head = gross_head(
            plant,
            problem.watercourse.reservoirs[upper],
            None if lower is None else problem.watercourse.reservoirs[lower],
            *(volumes[at] for at in (upper, lower) if at is not None),
        )
        heads[plant.name] = float(head)
    return heads


def unit_curve(unit: GeneratingUnit, plant: Plant, head: float) -> tuple[Array, Array]:
    """Return the (M,) flows of a unit's turbine curves and the MW they make at a gross head in m.

    Losses are those of the unit's own flow. Flow beyond the curves at its net head is left out.
    """
    flows = np.unique(np.concatenate([curve.flow for curve in unit.turbine]))
    net_heads = head - (plant.main_loss + plant.penstock_loss[unit.penstock - 1]) * flows**2
    least, most = flow_range(unit, net_heads)
    within = (flows >= least) & (flows <= most) & (net_heads > 0)
    return flows[within], unit_power(unit, flows[within], net_heads[within])


def pump_rate(pump: Pump, head: float) -> float:
    """Return the MW that a pump draws per m3/s lifted over a gross head in m above zero.

    Where its efficiency varies, at its best.
    """
    flows = np.array([flow for curve in pump.curves for flow in curve.flow] or [1.0])
    return float(np.min(pump_power(pump, flows, np.full(flows.size, head)) / flows))


def _plant_range(problem: Problem, plant: Plant, head: float) -> OperatingRange:
    periods, limits = len(problem), problem.limits
    slopes, widths = [np.zeros(0)], [np.zeros((0, periods))]
    for unit in plant.units:
        flows, powers = unit_curve(unit, plant, head)
        hull = upper_hull(np.append(0.0, flows), np.append(0.0, powers))
        room = np.where(limits.available[unit.name], limits.power_max[unit.name], 0.0)
        slopes.append(hull.slopes)
        widths.append(_within_power(hull, room))
    # The best segment of any unit first; equal slopes are one segment.
    falling, group = np.unique(-np.concatenate(slopes), return_inverse=True)
    merged = np.zeros((falling.size, periods))
    np.add.at(merged, group, np.vstack(widths))
    starts = np.cumsum(merged, axis=0) - merged
    merged = np.clip(limits.discharge_max[plant.name] - starts, 0.0, merged)
    return OperatingRange(
        usable=np.ones(periods, dtype=bool),
        flow=np.zeros(periods),
        power=np.zeros(periods),
        widths=merged,
        slopes=np.repeat(-falling[:, None], periods, axis=1),
    )


def _within_power(hull: Segments, power_max: Array) -> Array:
    """Return the (K, T) widths of a hull from the origin up to a power in each period."""
    powers = hull.widths * hull.slopes
    starts = np.cumsum(powers) - powers
    shares = np.clip((power_max - starts[:, None]) / powers[:, None], 0.0, 1.0)
    widths: Array = hull.widths[:, None] * shares
    return widths


def _unit_ranges(
    problem: Problem, plant: Plant, unit: GeneratingUnit, head: float
) -> Iterator[OperatingRange]:
    """Yield what lies between forbidden zones, by rising power; at least one range."""
    flows, powers = unit_curve(unit, plant, head)
    rising = powers > np.maximum.accumulate(np.append(0.0, powers))[:-1]
    flows, powers = flows[rising], powers[rising]
    ends = [
        0.0,
        *(end for zone in unit.forbidden_zones for end in (zone.power_from, zone.power_to)),
        np.inf,
    ]
    least, most = problem.limits.power_min[unit.name], problem.limits.power_max[unit.name]
    available = problem.limits.available[unit.name]
    for power_from, power_to in zip(ends[::2], ends[1::2], strict=True):
        low, high = np.maximum(least, power_from), np.minimum(most, power_to)
        yield _range_between(flows, powers, low, high, available)


def _range_between(
    flows: Array, powers: Array, low: Array, high: Array, available: NDArray[np.bool_]
) -> OperatingRange:
    """Return a rising curve's (M,) points between (T,) powers; unusable where none lies there."""
    periods = low.size
    usable = available & (low <= high) & bool(powers.size)
    if powers.size:
        usable &= (low <= powers[-1]) & (high >= powers[0])
    if not np.any(usable):
        nothing, none = np.zeros(periods), np.zeros((0, periods))
        return OperatingRange(usable, nothing, nothing, none, none)
    low, high = np.clip(low, powers[0], powers[-1]), np.clip(high, powers[0], powers[-1])
    first, last = float(np.min(low[usable])), float(np.max(high[usable]))
    within = (powers > first) & (powers < last)
    between = np.concatenate([[first], powers[within], [last]])
    corners = np.interp(between, powers, flows)
    hull = upper_hull(corners, between)
    ends = corners[0] + np.concatenate([[0.0], np.cumsum(hull.widths)])
    tops = first + np.concatenate([[0.0], np.cumsum(hull.widths * hull.slopes)])
    lowest, highest = np.interp(low, tops, ends), np.interp(high, tops, ends)
    widths = np.minimum(ends[1:, None], highest) - np.maximum(ends[:-1, None], lowest)
    return OperatingRange(
        usable=usable,
        flow=np.where(usable, lowest, 0.0),
        power=np.where(usable, np.interp(lowest, ends, tops), 0.0),
        widths=np.where(usable, np.maximum(widths, 0.0), 0.0),
        slopes=np.repeat(hull.slopes[:, None], periods, axis=1),
    )


def _pump_range(problem: Problem, pump: Pump, head: float, least: Array | float) -> OperatingRange:
    """Return a pump's flow and draw between a least draw in MW and `power_max`."""
    rate, periods = pump_rate(pump, head), len(problem)
    most = problem.limits.power_max[pump.name]
    low = np.broadcast_to(least, periods)
    usable = problem.limits.available[pump.name] & (low <= most)
    return OperatingRange(
        usable=usable,
        flow=np.where(usable, low / rate, 0.0),
        power=np.where(usable, -low, 0.0),
        widths=np.where(usable, (most - low) / rate, 0.0)[None, :],
        slopes=np.full((1, periods), -rate),
    )
