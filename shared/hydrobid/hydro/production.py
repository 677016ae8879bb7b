"""What a plant produces from a flow, as concave segments at a reference head.

A linear model knows no commitment, so each unit's production curve is replaced by its concave
hull through the origin: `power_min` is not modelled, and a unit may run at any part of its first
segment. The head is that of the start volume over the plant's outlet level, whatever happens to
the level during the day or in the reservoir below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.watercourse import GeneratingUnit, Plant, Pump, Watercourse

# MW that 1 m3/s of water gives up over 1 m of fall: 1000 kg/m3 x 9.81 m/s2.
POWER_OF_WATER = 9.81e-3


@dataclass(frozen=True, eq=False)
class Segments:
    """A concave production curve through the origin.

    widths: (K,) flows in m3/s, above zero. slopes: (K,) MW per m3/s, above zero and strictly
    falling. K is zero where nothing can be produced.
    """

    widths: NDArray[np.float64]
    slopes: NDArray[np.float64]

    @property
    def flow_max(self) -> float:
        """The flow at the end of the last segment, m3/s."""
        return float(np.sum(self.widths))

    @property
    def steepest(self) -> float:
        """MW per m3/s of the first segment; zero where there is none."""
        return float(self.slopes[0]) if self.slopes.size else 0.0

    def power(self, flows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the MW of flows in m3/s, the best segments used first; flat beyond the last."""
        corners = np.concatenate([[0.0], np.cumsum(self.widths)])
        powers = np.concatenate([[0.0], np.cumsum(self.widths * self.slopes)])
        result: NDArray[np.float64] = np.interp(flows, corners, powers)
        return result

    def up_to(self, flow: float) -> Segments:
        """Return the part of the curve below a flow in m3/s."""
        starts = np.cumsum(self.widths) - self.widths
        widths = np.minimum(self.widths, flow - starts)
        kept = widths > 0
        return Segments(widths[kept], self.slopes[kept])

    def beyond(self, flow: float) -> Segments:
        """Return the part of the curve above a flow in m3/s."""
        widths = np.minimum(self.widths, np.cumsum(self.widths) - flow)
        kept = widths > 0
        return Segments(widths[kept], self.slopes[kept])


def reference_head(watercourse: Watercourse, plant: Plant) -> float:
    """Return the gross head in m: the reservoir's level at its start volume over the outlet."""
    reservoir = next(r for r in watercourse.reservoirs if r.name == plant.reservoir)
    level = float(np.interp(reservoir.start_volume, reservoir.level.x, reservoir.level.y))
    return level - plant.outlet_level


def unit_power(
    unit: GeneratingUnit, plant: Plant, gross_head: float, flows: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the MW of a unit at flows in m3/s, zero where losses leave no head.

    P = 9.81e-3 x turbine efficiency x generator efficiency x flow x net head. The net head is the
    gross head less main and penstock loss, each coefficient x flow squared, of this unit's flow
    alone. Turbine efficiency is linear in flow and between heads, flat beyond the curves;
    generator efficiency is read at the power of the turbine.
    """
    loss = plant.main_loss + plant.penstock_loss[unit.penstock - 1]
    net_heads = np.maximum(gross_head - loss * flows**2, 0.0)
    heads = [curve.head for curve in unit.turbine]
    by_head = np.array([np.interp(flows, curve.flow, curve.efficiency) for curve in unit.turbine])
    efficiency = np.array(
        [np.interp(head, heads, at) for head, at in zip(net_heads, by_head.T, strict=True)]
    )
    powers: NDArray[np.float64] = POWER_OF_WATER * efficiency * flows * net_heads
    if unit.generator_efficiency is not None:
        curve = unit.generator_efficiency
        powers = powers * np.interp(powers, curve.x, curve.y)
    return powers


def unit_segments(unit: GeneratingUnit, plant: Plant, gross_head: float) -> Segments:
    """Return the concave hull of a unit's production, up to power_max or its last flow.

    Flow beyond the highest power is left out: it would produce less with more water.
    """
    flows = np.unique(np.concatenate([curve.flow for curve in unit.turbine]))
    loss = plant.main_loss + plant.penstock_loss[unit.penstock - 1]
    last_flows = np.interp(
        gross_head - loss * flows**2,
        [curve.head for curve in unit.turbine],
        [curve.flow[-1] for curve in unit.turbine],
    )
    flows = flows[flows <= last_flows]
    hull = _concave_hull(flows, unit_power(unit, plant, gross_head, flows))
    powers = np.cumsum(hull.widths * hull.slopes)
    room = np.minimum(1.0, 1.0 - (powers - unit.power_max) / (hull.widths * hull.slopes))
    kept = room > 0
    return Segments((hull.widths * room)[kept], hull.slopes[kept])


def plant_segments(plant: Plant, gross_head: float) -> Segments:
    """Return a plant's production at a gross head in m: the best segment of any unit first."""
    merged = _merged([unit_segments(unit, plant, gross_head) for unit in plant.units])
    return merged if plant.discharge_max is None else merged.up_to(plant.discharge_max)


def pump_rate(pump: Pump, gross_head: float) -> float:
    """Return the MW that a pump draws per m3/s lifted over a gross head in m above zero."""
    return POWER_OF_WATER * gross_head / pump.efficiency


def _concave_hull(flows: NDArray[np.float64], powers: NDArray[np.float64]) -> Segments:
    """Return the rising part of the upper hull of the origin and (flow, power) points."""
    hull: list[tuple[float, float]] = [(0.0, 0.0)]
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


def _merged(curves: Sequence[Segments]) -> Segments:
    """Return the sum of curves that share their water best; equal slopes become one segment."""
    slopes = np.concatenate([curve.slopes for curve in curves])
    widths = np.concatenate([curve.widths for curve in curves])
    falling, group = np.unique(-slopes, return_inverse=True)
    summed = np.bincount(group, weights=widths, minlength=falling.size)
    return Segments(summed.astype(np.float64), -falling)
