"""A watercourse over a horizon with all that varies by time or day, in arrays.

Every series is of (T,) periods and is there for every element, so that who reads a problem looks
up no defaults: what the watercourse states holds in every period unless the day says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from math import inf

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.conditions import under_conditions
from hydrobid.hydro.end_value import EndValuation
from hydrobid.hydro.horizon import Horizon

Series = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Limits:
    """What may be chosen in each period; (T,) by element.

    volume: Mm3 at the end of a period. discharge: m3/s of a plant. gate_flow: m3/s of a gate,
    infinite where nothing limits it. power: MW of a unit that is on, or of what a pump draws.
    available: of a unit or pump; one in maintenance is off.
    """

    volume_min: Mapping[Identifier, Series]
    volume_max: Mapping[Identifier, Series]
    discharge_min: Mapping[Identifier, Series]
    discharge_max: Mapping[Identifier, Series]
    gate_flow_min: Mapping[Identifier, Series]
    gate_flow_max: Mapping[Identifier, Series]
    power_min: Mapping[Identifier, Series]
    power_max: Mapping[Identifier, Series]
    available: Mapping[Identifier, Flags]

    @classmethod
    def of(cls, watercourse: Watercourse, periods: int) -> Limits:
        """Return what the watercourse states, in every period."""

        def each(values: Mapping[Identifier, float]) -> dict[Identifier, Series]:
            return {name: np.full(periods, value) for name, value in values.items()}

        reservoirs, plants, gates = watercourse.reservoirs, watercourse.plants, watercourse.gates
        machines = [machine for plant in plants for machine in plant.machines]
        return cls(
            volume_min=each({r.name: r.volume_min for r in reservoirs}),
            volume_max=each({r.name: r.volume_max for r in reservoirs}),
            discharge_min=each({p.name: p.discharge_min for p in plants}),
            discharge_max=each({p.name: p.discharge_max or inf for p in plants}),
            gate_flow_min=each({g.name: g.flow_min for g in gates}),
            gate_flow_max=each({g.name: g.flow_max or inf for g in gates}),
            power_min=each({machine.name: machine.power_min for machine in machines}),
            power_max=each({machine.name: machine.power_max for machine in machines}),
            available={machine.name: np.ones(periods, dtype=bool) for machine in machines},
        )


@dataclass(frozen=True, eq=False)
class StartState:
    """The watercourse at the first instant of the horizon.

    volume: (R,) Mm3 in the order of the reservoirs. under_way: (T,) m3/s by reservoir of water
    that left before the horizon and arrives during it; a reservoir that is not named awaits none.
    on: of units and pumps; one that is not named is free: its first period is neither a start
    nor a stop. hours_in_state: for how long it has been on, or off; one that is not named for
    long enough. flow: m3/s of plants and gates in the period before; one that is not named is not
    held to its ramping in the first period.
    """

    volume: Series
    under_way: Mapping[Identifier, Series] = field(default_factory=dict)
    on: Mapping[Identifier, bool] = field(default_factory=dict)
    hours_in_state: Mapping[Identifier, float] = field(default_factory=dict)
    flow: Mapping[Identifier, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Trade:
    """What the market asks and allows, (T,) each: net power = obligation + sale - purchase.

    obligation: MW sold already; negative: bought. sale_max, purchase_max: MW of what may be traded
    on top; infinite where nothing limits it. purchase_markup: currency per MWh that buying costs
    over the price at which is sold, zero or above. Before the delivery day begins there is nothing
    left to trade: both limits are zero and the obligation is produced.
    """

    obligation: Series
    sale_max: Series
    purchase_max: Series
    purchase_markup: Series

    @classmethod
    def free(cls, periods: int) -> Trade:
        """Return a market without limits in which nothing is sold yet."""
        zero, unlimited = np.zeros(periods), np.full(periods, inf)
        return cls(zero, unlimited, unlimited, zero)


@dataclass(frozen=True, eq=False)
class Problem:
    """All that a schedule depends on, save prices.

    inflow: natural inflow to each reservoir, m3/s. reserve_up, reserve_down: MW by plant or unit
    that must be held below power_max and above power_min of running units; what is not named
    holds none. trade, limits, start, end: see there.
    """

    watercourse: Watercourse
    horizon: Horizon
    inflow: Mapping[Identifier, Series]
    limits: Limits
    start: StartState
    trade: Trade
    end: EndValuation
    reserve_up: Mapping[Identifier, Series] = field(default_factory=dict)
    reserve_down: Mapping[Identifier, Series] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, values in self._series():
            if values.shape != (len(self),):
                raise InvalidInput.of(
                    "problem", name, values.shape, f"one value for each of {len(self)} periods"
                )
            if np.any(np.isnan(values)):
                raise InvalidInput.of("problem", name, "NaN", "a number in each period")

    def __len__(self) -> int:
        return len(self.horizon)

    @classmethod
    def of(cls, watercourse: Watercourse, grid: MtuGrid) -> Problem:
        """Return a delivery day by itself: what the watercourse states holds all day."""
        return cls.over(watercourse, Horizon.of(grid))

    @classmethod
    def over(cls, watercourse: Watercourse, horizon: Horizon) -> Problem:
        """Return a horizon through which what the watercourse states holds, under its conditions."""
        periods = len(horizon)
        problem = cls(
            watercourse=watercourse,
            horizon=horizon,
            inflow={r.name: np.full(periods, r.inflow) for r in watercourse.reservoirs},
            limits=Limits.of(watercourse, periods),
            start=StartState(np.array([r.start_volume for r in watercourse.reservoirs])),
            trade=Trade.free(periods),
            end=EndValuation.of(watercourse),
        )
        conditions = watercourse.conditions
        return problem if conditions is None else under_conditions(problem, conditions)

    def _series(self) -> Iterator[tuple[str, NDArray[np.generic]]]:
        """Yield each series with its name."""
        for name in ("inflow", "reserve_up", "reserve_down"):
            yield from _named(name, getattr(self, name))
        yield from _named("start.under_way", self.start.under_way)
        for limit in fields(self.limits):
            yield from _named(f"limits.{limit.name}", getattr(self.limits, limit.name))
        for part in fields(self.trade):
            yield f"trade.{part.name}", getattr(self.trade, part.name)


def _named(
    name: str, series: Mapping[Identifier, NDArray[np.generic]]
) -> Iterator[tuple[str, NDArray[np.generic]]]:
    return ((f"{name}.{element}", values) for element, values in series.items())
