"""Which limits an operation breaks, by how much and at what price."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from hydrobid.domain.canonical import MONEY_DECIMALS, WATER_DECIMALS, rounded
from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.watercourse import Gate, GeneratingUnit, Plant, Pump
from hydrobid.hydro.curves import convex_production
from hydrobid.hydro.limits import ramping_hours
from hydrobid.hydro.penalties import penalty_prices
from hydrobid.hydro.physics import flow_range, losses
from hydrobid.hydro.problem import Flags, Problem, Series
from hydrobid.hydro.routing import WATER_OF_FLOW
from hydrobid.hydro.schedule import Violation, ViolationCode
from hydrobid.hydro.simulator import Outcome, switches

# What rounding and a solver's tolerance leave beyond a limit is no violation.
FLOW_TOLERANCE = 1e-5
VOLUME_TOLERANCE = 1e-6
POWER_TOLERANCE = 1e-4
HOUR_TOLERANCE = 1e-6


class _Excess(NamedTuple):
    """By how much a limit is passed in each of (T,) periods, and the price of a unit and hour.

    Where the amounts are hours themselves the price is that of one.
    """

    code: ViolationCode
    element: Identifier
    amount: Series
    unit: str
    price: float


TOLERANCES = {
    "m3/s": FLOW_TOLERANCE,
    "Mm3": VOLUME_TOLERANCE,
    "MW": POWER_TOLERANCE,
    "h": HOUR_TOLERANCE,
}


class Limiter:
    """Finds the broken limits of one problem's operations."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._hours = problem.horizon.hours
        self._prices = penalty_prices(problem, convex_production(problem))

    def violations(self, outcome: Outcome) -> tuple[Violation, ...]:
        """Return every limit that is broken beyond tolerance."""
        found = (self._violation(excess) for excess in self._excesses(outcome))
        return tuple(violation for violation in found if violation is not None)

    def _violation(self, excess: _Excess) -> Violation | None:
        periods = np.flatnonzero(excess.amount > TOLERANCES[excess.unit])
        if not periods.size:
            return None
        amount = excess.amount[periods]
        hours = np.ones(periods.size) if excess.unit == "h" else self._hours[periods]
        water = {"m3/s": float(amount @ hours) * WATER_OF_FLOW, "Mm3": float(amount.max())}
        return Violation(
            excess.code,
            excess.element,
            tuple(periods.tolist()),
            water=rounded(water.get(excess.unit, 0.0), WATER_DECIMALS),
            penalty=rounded(float(amount @ hours) * excess.price, MONEY_DECIMALS),
            excess=rounded(float(amount.max()), WATER_DECIMALS),
            unit=excess.unit,
        )

    def _excesses(self, outcome: Outcome) -> Iterator[_Excess]:
        yield from self._reservoirs(outcome)
        for plant in self._problem.watercourse.plants:
            yield from self._plant(outcome, plant)
            for machine in plant.machines:
                yield from self._states(outcome, machine)
            for unit in plant.units:
                yield from self._unit(outcome, unit)
        for gate in self._problem.watercourse.gates:
            yield from self._gate(outcome, gate)
        yield from self._reserves(outcome)
        yield from self._trade(outcome)

    def _reservoirs(self, outcome: Outcome) -> Iterator[_Excess]:
        limits, code = self._problem.limits, ViolationCode
        for r, reservoir in enumerate(self._problem.watercourse.reservoirs):
            name, volume = reservoir.name, outcome.water.volume[r, 1:]
            price = self._prices.volume
            below, above = limits.volume_min[name] - volume, volume - limits.volume_max[name]
            yield _Excess(code.VOLUME_BELOW_MINIMUM, name, below, "Mm3", price)
            yield _Excess(code.VOLUME_ABOVE_MAXIMUM, name, above, "Mm3", price)
            soft = reservoir.volume_soft_min
            if soft is not None:
                lack = soft.volume - volume
                yield _Excess(code.VOLUME_BELOW_SOFT_MINIMUM, name, lack, "Mm3", soft.penalty)
            soft = reservoir.volume_soft_max
            if soft is not None:
                excess = volume - soft.volume
                yield _Excess(code.VOLUME_ABOVE_SOFT_MAXIMUM, name, excess, "Mm3", soft.penalty)
            if reservoir.overflow is None:
                spill = outcome.water.spill[r]
                yield _Excess(code.EMERGENCY_SPILL, name, spill, "m3/s", self._prices.flow)

    def _plant(self, outcome: Outcome, plant: Plant) -> Iterator[_Excess]:
        limits, code, price = self._problem.limits, ViolationCode, self._prices.flow
        discharge = discharge_of(outcome, plant)
        below = limits.discharge_min[plant.name] - discharge
        above = discharge - limits.discharge_max[plant.name]
        yield _Excess(code.DISCHARGE_BELOW_MINIMUM, plant.name, below, "m3/s", price)
        yield _Excess(code.DISCHARGE_ABOVE_MAXIMUM, plant.name, above, "m3/s", price)
        ramp = self._ramp(plant, discharge)
        yield _Excess(code.DISCHARGE_RAMP, plant.name, ramp, "m3/s", price)
        lost = losses(plant, outcome.operation.flow)
        for machine in plant.machines:
            if isinstance(machine, GeneratingUnit) or machine.curves:
                lifted = 1.0 if isinstance(machine, GeneratingUnit) else -1.0
                net_head = outcome.head[plant.name] - lifted * lost[machine.name]
                least, most = flow_range(machine, net_head)
                flow = outcome.operation.flow[machine.name]
                outside = np.maximum(least - flow, flow - most)
                outside = np.where(outcome.operation.on[machine.name], outside, 0.0)
                yield _Excess(code.UNIT_FLOW_OUTSIDE_CURVE, machine.name, outside, "m3/s", price)

    def _gate(self, outcome: Outcome, gate: Gate) -> Iterator[_Excess]:
        limits, code, price = self._problem.limits, ViolationCode, self._prices.flow
        flow = outcome.operation.gate_flow[gate.name]
        below, above = (
            limits.gate_flow_min[gate.name] - flow,
            flow - limits.gate_flow_max[gate.name],
        )
        yield _Excess(code.GATE_FLOW_BELOW_MINIMUM, gate.name, below, "m3/s", price)
        yield _Excess(code.GATE_FLOW_ABOVE_MAXIMUM, gate.name, above, "m3/s", price)
        yield _Excess(code.GATE_FLOW_RAMP, gate.name, self._ramp(gate, flow), "m3/s", price)

    def _ramp(self, element: Plant | Gate, flow: Series) -> Series:
        """Return (T,) by how much a flow rises or falls too fast, m3/s."""
        before = self._problem.start.flow.get(element.name, float(flow[0]))
        change = np.diff(flow, prepend=before)
        hours = ramping_hours(self._problem.horizon)
        excess = np.zeros_like(flow)
        if element.ramp_up is not None:
            excess = np.maximum(excess, change - element.ramp_up * hours)
        if element.ramp_down is not None:
            excess = np.maximum(excess, -change - element.ramp_down * hours)
        return excess

    def _states(self, outcome: Outcome, machine: GeneratingUnit | Pump) -> Iterator[_Excess]:
        limits, code, name = self._problem.limits, ViolationCode, machine.name
        on, power = outcome.operation.on[name], np.abs(outcome.power[name])
        against = np.where(on & ~limits.available[name], self._hours, 0.0)
        below = np.where(on, limits.power_min[name] - power, 0.0)
        above = np.where(on, power - limits.power_max[name], 0.0)
        yield _Excess(code.UNIT_UNAVAILABLE, name, against, "h", self._idle(machine))
        yield _Excess(code.POWER_BELOW_MINIMUM, name, below, "MW", self._prices.power)
        yield _Excess(code.POWER_ABOVE_MAXIMUM, name, above, "MW", self._prices.power)

    def _unit(self, outcome: Outcome, unit: GeneratingUnit) -> Iterator[_Excess]:
        on, power = outcome.operation.on[unit.name], outcome.power[unit.name]
        code = ViolationCode
        for zone in unit.forbidden_zones:
            within = np.where(on, np.minimum(power - zone.power_from, zone.power_to - power), 0.0)
            yield _Excess(code.FORBIDDEN_ZONE, unit.name, within, "MW", self._prices.power)
        for least, states, reason in (
            (unit.up_time_min, on, code.UP_TIME),
            (unit.down_time_min, ~on, code.DOWN_TIME),
        ):
            if least:
                lack = self._too_short(
                    unit.name, states, least / 60, running=reason is code.UP_TIME
                )
                yield _Excess(reason, unit.name, lack, "h", self._idle(unit))

    def _idle(self, machine: GeneratingUnit | Pump) -> float:
        """Return the price of an hour in which a machine is on or off against its limits."""
        return self._prices.power * machine.power_max

    def _too_short(self, name: Identifier, states: Flags, least: float, *, running: bool) -> Series:
        """Return (T,) hours by which states that end in a period were too short.

        What began before the horizon has lasted as long as the start state says; where it says
        nothing, for long enough.
        """
        bounds, start = self._problem.horizon.hours_since_start, self._problem.start
        lack = np.zeros(states.size)
        begins, ends = switches(states, before=None)
        before = start.on.get(name)
        if before is running and name in start.hours_in_state:
            began = -start.hours_in_state[name]
        else:
            began = 0.0 if before is not None and before is not running else -np.inf
        for period in np.flatnonzero(begins | ends | (np.arange(states.size) == 0)).tolist():
            if begins[period]:
                began = float(bounds[period])
            elif ends[period] or (period == 0 and before is running and not states[0]):
                lack[period] = least - (bounds[period] - began)
        return lack

    def _reserves(self, outcome: Outcome) -> Iterator[_Excess]:
        problem, price = self._problem, self._prices.power
        for plant in problem.watercourse.plants:
            names = [unit.name for unit in plant.units]
            for holder, units in ((plant.name, names), *((name, [name]) for name in names)):
                if holder in problem.reserve_up:
                    room = sum(self._room(outcome, unit, upwards=True) for unit in units)
                    lack = problem.reserve_up[holder] - room
                    yield _Excess(ViolationCode.RESERVE_UP, holder, lack, "MW", price)
                if holder in problem.reserve_down:
                    room = sum(self._room(outcome, unit, upwards=False) for unit in units)
                    lack = problem.reserve_down[holder] - room
                    yield _Excess(ViolationCode.RESERVE_DOWN, holder, lack, "MW", price)

    def _room(self, outcome: Outcome, unit: Identifier, *, upwards: bool) -> Series:
        """Return the (T,) MW that a unit that is on can still rise, or fall, by."""
        power, limits = outcome.power[unit], self._problem.limits
        room = limits.power_max[unit] - power if upwards else power - limits.power_min[unit]
        return np.where(outcome.operation.on[unit], room, 0.0)

    def _trade(self, outcome: Outcome) -> Iterator[_Excess]:
        """Yield what is made beyond what may be sold, or missing beyond what may be bought."""
        name, price = self._problem.watercourse.name, self._prices.power
        surplus = outcome.net - self._problem.trade.obligation - outcome.sale + outcome.purchase
        code = ViolationCode
        yield _Excess(code.OBLIGATION_EXCEEDED, name, surplus, "MW", price)
        yield _Excess(code.OBLIGATION_NOT_MET, name, -surplus, "MW", price)


def discharge_of(outcome: Outcome, plant: Plant) -> Series:
    """Return the (T,) m3/s that a plant's units let down."""
    flows = [outcome.operation.flow[unit.name] for unit in plant.units]
    discharge: Series = np.sum(flows, axis=0)
    return discharge
