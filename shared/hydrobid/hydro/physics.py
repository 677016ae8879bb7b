"""Power of water: heads, head losses, and the efficiencies of turbines, generators and pumps.

P [MW] = 9.81e-3 x efficiency x flow [m3/s] x net head [m]. A turbine's efficiency is linear in
flow along each of its curves and linear in net head between them, flat beyond the outermost; a
generator's is read at the turbine's power. Losses are coefficient x flow squared: in the tunnel
of the plant's total flow, in a penstock of that penstock's. Arrays may be of any one shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.watercourse import GeneratingUnit, Plant, Pump, Reservoir, TurbineCurve

Array = NDArray[np.float64]

# MW that 1 m3/s of water gives up over 1 m of fall: 1000 kg/m3 x 9.81 m/s2.
POWER_OF_WATER = 9.81e-3


def level(reservoir: Reservoir, volume: Array) -> Array:
    """Return the water level in m at volumes in Mm3."""
    return np.interp(volume, reservoir.level.x, reservoir.level.y)


def gross_head(plant: Plant, upper: Reservoir, lower: Reservoir | None, *volumes: Array) -> Array:
    """Return the gross head in m at the volumes of the upper and, where there is one, the lower.

    The tailwater stands at the plant's outlet or, where higher, as high as the reservoir that the
    plant discharges into directly.
    """
    if lower is None:
        return level(upper, volumes[0]) - plant.outlet_level
    return level(upper, volumes[0]) - np.maximum(level(lower, volumes[1]), plant.outlet_level)


def efficiency(curves: Sequence[TurbineCurve], flow: Array, net_head: Array) -> Array:
    """Return the efficiency, as a fraction, at flows in m3/s and net heads in m."""
    along = [np.interp(flow, curve.flow, curve.efficiency) for curve in curves]
    result = along[0]
    for lower, upper, to in zip(curves, curves[1:], along[1:], strict=False):
        share = np.clip((net_head - lower.head) / (upper.head - lower.head), 0.0, 1.0)
        result = result + share * (to - result)
    return result


def flow_range(unit: GeneratingUnit | Pump, net_head: Array) -> tuple[Array, Array]:
    """Return the least and the greatest flow in m3/s at net heads that the curves reach."""
    curves = unit.turbine if isinstance(unit, GeneratingUnit) else unit.curves
    heads = [curve.head for curve in curves]
    return (
        np.interp(net_head, heads, [curve.flow[0] for curve in curves]),
        np.interp(net_head, heads, [curve.flow[-1] for curve in curves]),
    )


def unit_power(unit: GeneratingUnit, flow: Array, net_head: Array) -> Array:
    """Return the MW of flows in m3/s at net heads in m; none where losses leave no head."""
    head = np.maximum(net_head, 0.0)
    power: Array = POWER_OF_WATER * efficiency(unit.turbine, flow, head) * flow * head
    curve = unit.generator_efficiency
    return power if curve is None else power * np.interp(power, curve.x, curve.y)


def pump_power(pump: Pump, flow: Array, lift: Array) -> Array:
    """Return the MW drawn for lifting flows in m3/s over `lift` in m, losses included."""
    lift = np.maximum(lift, 0.0)
    at = efficiency(pump.curves, flow, lift) if pump.curves else pump.efficiency
    power: Array = POWER_OF_WATER * flow * lift / at
    return power


def losses(plant: Plant, flows: Mapping[Identifier, Array]) -> dict[Identifier, Array]:
    """Return the head loss in m of each unit and pump at the flows of all of them in m3/s.

    Units and pumps use the tunnel and a penstock each in their own direction: what pumps lift
    does not help what units let down, and never do both run at a time in earnest.
    """
    lost: dict[Identifier, Array] = {}
    for machines in (plant.units, plant.pumps):
        nothing = np.zeros(())
        total = sum((flows[machine.name] for machine in machines), nothing)
        for machine in machines:
            loss = plant.main_loss * total**2
            if machine.penstock is not None:
                sharing = (m for m in machines if m.penstock == machine.penstock)
                through = sum((flows[other.name] for other in sharing), nothing)
                loss = loss + plant.penstock_loss[machine.penstock - 1] * through**2
            lost[machine.name] = loss
    return lost


def machine_powers(
    plant: Plant, flows: Mapping[Identifier, Array], head: Array
) -> dict[Identifier, Array]:
    """Return the MW of each unit, and of each pump below zero, at gross heads in m."""
    lost = losses(plant, flows)
    powers = {u.name: unit_power(u, flows[u.name], head - lost[u.name]) for u in plant.units}
    for pump in plant.pumps:
        powers[pump.name] = -pump_power(pump, flows[pump.name], head + lost[pump.name])
    return powers
