"""What a watercourse's water could make at the very most: a bound, and no schedule."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.watercourse import Plant, Reservoir, Watercourse
from hydrobid.hydro.physics import POWER_OF_WATER

MWH_PER_MM3_AND_METRE = POWER_OF_WATER * 1e6 / 3600
"""What 1e6 m3 that fall one metre give up."""


def available_energy(
    watercourse: Watercourse, seconds: float, inflows: Mapping[Identifier, float]
) -> float:
    """Return MWh that no schedule of a stretch of time can exceed, from the start volumes on.

    inflows: highest m3/s by reservoir, where they may be above what the watercourse states. All water
    above its reservoir's least volume, and all that flows in at its highest rate, falls
    from full reservoirs through the best units of the best way down, without loss or delay.
    Pumping costs more than it brings, so that it adds nothing to a day's net energy.
    """
    reservoirs = {reservoir.name: reservoir for reservoir in watercourse.reservoirs}

    @cache
    def worth(name: str) -> float:
        """Return MWh that a Mm3 in a reservoir could make on its way down."""
        overflow = reservoirs[Identifier(name)].overflow
        ends = [gate.to for gate in watercourse.gates if gate.reservoir == name]
        ends += [] if overflow is None else [overflow.to]
        return max(
            0.0,
            *(below(end) for end in ends),
            *(
                _at_best(plant, reservoirs[plant.reservoir]) + below(plant.to)
                for plant in watercourse.plants
                if plant.reservoir == name
            ),
        )

    def below(end: str | None) -> float:
        name, _ = watercourse.downstream(end)
        return 0.0 if name is None else worth(name)

    return sum(
        _water(watercourse, reservoir, seconds, inflows) * worth(reservoir.name)
        for reservoir in watercourse.reservoirs
    )


def _at_best(plant: Plant, above: Reservoir) -> float:
    """Return MWh that a plant makes of a Mm3 at its highest head and best efficiency."""
    head = max(max(above.level.y) - plant.outlet_level, 0.0)
    efficiency = max(
        max(max(curve.efficiency) for curve in unit.turbine)
        * (1.0 if unit.generator_efficiency is None else max(unit.generator_efficiency.y))
        for unit in plant.units
    )
    return MWH_PER_MM3_AND_METRE * head * efficiency


def _water(
    watercourse: Watercourse,
    reservoir: Reservoir,
    seconds: float,
    inflows: Mapping[Identifier, float],
) -> float:
    """Return Mm3 that there is at most to use of a reservoir."""
    rates = [reservoir.inflow, inflows.get(reservoir.name, 0.0)]
    if watercourse.conditions is not None and reservoir.name in watercourse.conditions.inflow:
        steps = watercourse.conditions.inflow[reservoir.name].values
        rates += [rate for rate in steps if rate is not None]
    return reservoir.start_volume - reservoir.volume_min + max(rates) * seconds / 1e6
