"""The optimiser's problem once more, formulated independently in linopy.

Volumes are no variables here: their limits bind sums of all that has flowed, each drop followed
minute by minute. Shared with the product are only the production curves and the penalty prices.
"""

from __future__ import annotations

import linopy
import numpy as np
import pandas as pd
import xarray as xr

from hydrobid.hydro.penalties import penalty_prices

MINUTE = 1 / 60


class IndependentModel:
    """Built once; `worth` solves it."""

    def __init__(self, problem, production, prices, *, one_way=False):
        self.problem, self.production, self.prices = problem, production, prices
        self.hours = problem.horizon.hours
        self.time = pd.RangeIndex(len(problem), name="t")
        self.model = linopy.Model()
        self.names = 0
        self.costs = []
        self.penalties = penalty_prices(problem, production)
        reservoirs = problem.watercourse.reservoirs
        self.flows = {r.name: [] for r in reservoirs}  # expressions over time, Mm3 per period
        self.late = {r.name: [] for r in reservoirs}  # scalar expressions, Mm3
        self.power = []
        self._plants(one_way)
        self._gates()
        self._reservoirs()
        self._trade()

    def worth(self, gap=1e-9):
        """Return the optimum in currency, what is sold already taken at the price."""
        self.model.add_objective(sum(self.costs), sense="min")
        # A choice that is whole to 1e-6 only may save a millionth of a penalty.
        status, condition = self.model.solve(
            "highs",
            io_api="direct",
            output_flag=False,
            mip_rel_gap=gap,
            mip_feasibility_tolerance=1e-9,
        )
        assert (status, condition) == ("ok", "optimal")
        return self.constant - self.model.objective.value

    def array(self, values):
        values = np.broadcast_to(np.asarray(values, dtype=float), len(self.time))
        return xr.DataArray(values.copy(), coords=[self.time])

    def variable(self, lower=0.0, upper=np.inf, *, binary=False):
        self.names += 1
        name = f"v{self.names}"
        if binary:
            return self.model.add_variables(binary=True, coords=[self.time], name=name)
        return self.model.add_variables(self.array(lower), self.array(upper), name=name)

    def pay(self, expression, price):
        """Add a cost per hour and unit."""
        self.costs.append((expression * self.array(price * self.hours)).sum())

    def at_least(self, expression, limit, price=None):
        """Bound an expression where the limit is finite; a miss at a price per unit and hour."""
        limit = np.broadcast_to(np.asarray(limit, dtype=float), len(self.time))
        if price is not None:
            missed = self.variable()
            self.pay(missed, price)
            expression = expression + missed
        finite = np.isfinite(limit)
        if finite.any():
            mask = xr.DataArray(finite, coords=[self.time])
            bound = self.array(np.where(finite, limit, 0.0))
            self.model.add_constraints(expression >= bound, mask=mask)

    def over_time(self, expression, weights):
        """Return sums over time of an expression, one for each row of (T, T) weights."""
        coords = dict.fromkeys(("t", "s"), self.time.to_numpy())
        matrix = xr.DataArray(weights, dims=("t", "s"), coords=coords)
        return ((1 * expression).rename(t="s") * matrix).sum("s")

    def _weighted(self, expression, weights):
        """Return one weighted sum over time, in the first period; elsewhere nothing."""
        matrix = np.zeros((len(self.time), len(self.time)))
        matrix[0] = weights
        return self.over_time(expression, matrix)

    def before(self, expression, first):
        """Return an expression one period earlier, a number in the first."""
        earlier = self.over_time(expression, np.eye(len(self.time), k=-1))
        return earlier + self.array([first, *[0.0] * (len(self.time) - 1)])

    def move(self, source, to, flow):
        """Let a flow in m3/s take its way."""
        water = flow * self.array(0.0036 * self.hours)
        self.flows[source].append(-water)
        target, minutes = self.problem.watercourse.downstream(to)
        if target is not None:
            shares = self._shares(minutes)
            self.flows[target].append(self.over_time(water, shares.T))
            self.late[target].append((water * self.array(1.0 - shares.sum(axis=1))).sum())

    def _shares(self, minutes):
        """Return which part of a period's water (row) arrives when, a quarter hour at a time."""
        bounds = np.rint(self.problem.horizon.hours_since_start * 60).astype(int)
        shares = np.zeros((len(self.time), len(self.time)))
        for left in range(len(self.time)):
            for minute in range(bounds[left], bounds[left + 1]):
                came = int(np.searchsorted(bounds, minute + minutes, side="right")) - 1
                if came < len(self.time):
                    shares[left, came] += 1 / (bounds[left + 1] - bounds[left])
        return shares

    def sell(self, power, below_zero):
        """Earn by the price: (expression, what counts where the price is below zero)."""
        self.power.append((power, below_zero))

    def _plants(self, one_way):
        for plant in self.problem.watercourse.plants:
            names = [plant.name] if plant.name in self.production else [u.name for u in plant.units]
            machines = {name: self._machine(plant, name) for name in names}
            discharge = sum(flow for flow, _, _ in machines.values())
            self.move(plant.reservoir, plant.to, discharge)
            self._outlet(plant, discharge, self.problem.limits.discharge_min[plant.name])
            self.at_least(-discharge, -self.problem.limits.discharge_max[plant.name])
            self._reserves(plant, machines)
            pumps = [p for p in plant.pumps if p.name in self.production]
            lifted = []
            for pump in pumps:
                flow, _, _ = self._machine(plant, pump.name)
                self.move(plant.to, plant.reservoir, flow)
                lifted.append(flow)
            if one_way and pumps:
                way, most = self.variable(binary=True), 1000.0
                self.at_least(most * way - discharge, 0.0)
                self.at_least(most * (1 - way) - sum(lifted), 0.0)

    def _machine(self, plant, name):
        """Return a machine's flow, its room upwards and its room downwards."""
        curve = self.production[name]
        machine = next((m for m in plant.machines if m.name == name), None)
        flow, up, down, ons = 0, 0, 0, []
        for part in curve.ranges:
            segments = [
                (self.variable(upper=width), slope)
                for width, slope in zip(part.widths, part.slopes, strict=True)
            ]
            steepest = part.steepest
            moved = sum(x for x, _ in segments)
            made = sum(x * self.array(slope) for x, slope in segments)
            full, least = part.power_full, part.power
            if curve.committed:
                on = self.variable(binary=True)
                ons.append(on)
                self.at_least(self.array(part.usable) - on, 0.0)
                for (x, _), width in zip(segments, part.widths, strict=True):
                    self.at_least(on * self.array(width) - x, 0.0)
                base = on * self.array(least)
                flow = flow + on * self.array(part.flow) + moved
                self.sell(base + made, base + moved * self.array(steepest))
                up = up + on * self.array(full - least) - made
                down = down + made
            elif segments:
                flow = flow + moved
                self.sell(made, moved * self.array(steepest))
                up, down = up + self.array(full) - made, down + made
        if ons:
            self._commitment(machine, sum(ons))
        if isinstance(flow, int):  # nothing can flow
            flow = 0 * self.variable(upper=0.0)
        return flow, up, down

    def _commitment(self, machine, on):
        """Starts and stops, and times counted in hours from each."""
        self.at_least(1 - on, 0.0)
        start, stop = self.variable(upper=1.0), self.variable(upper=1.0)
        known = self.problem.start.on.get(machine.name)
        earlier = self.before(on, float(bool(known)))
        change = on - earlier - start + stop
        mask = np.ones(len(self.time), dtype=bool)
        mask[0] = known is not None
        every = xr.DataArray(mask, coords=[self.time])
        self.model.add_constraints(change == 0, mask=every)
        first = xr.DataArray(~mask, coords=[self.time])
        self.model.add_constraints(start + stop == 0, mask=first)
        self.costs.append((start * machine.start_cost).sum())
        self.costs.append((stop * getattr(machine, "stop_cost", 0.0)).sum())
        began = self.problem.horizon.hours_since_start[:-1]
        lasting = {
            True: getattr(machine, "up_time_min", 0.0) / 60,
            False: getattr(machine, "down_time_min", 0.0) / 60,
        }
        for up, hours in lasting.items():
            switch = start if up else stop
            for at in range(len(self.time)):
                for later in range(at, len(self.time)):
                    if began[later] < began[at] + hours - 1e-9:
                        # After a start it stays on, after a stop it stays off.
                        weights = np.zeros((2, len(self.time)))
                        weights[0, later], weights[1, at] = 1.0 if up else -1.0, -1.0
                        self.at_least(
                            self._weighted(on, weights[0]) + self._weighted(switch, weights[1]),
                            0.0 if up else -1.0,
                        )
        held = self.problem.start.hours_in_state.get(machine.name)
        if known is not None and held is not None:
            left = began < lasting[known] - held - 1e-9
            price = self.penalties.power * machine.power_max
            state = on if known else 1 - on
            self.at_least(state, np.where(left, 1.0, -np.inf), price)

    def _reserves(self, plant, machines):
        problem, nothing = self.problem, np.zeros(len(self.time))
        for room, reserves in ((1, problem.reserve_up), (2, problem.reserve_down)):
            of_units = [reserves.get(unit.name, nothing) for unit in plant.units]
            of_plant = reserves.get(plant.name, nothing)
            asked = [(list(machines), of_plant)]
            if plant.name in machines:
                asked = [([plant.name], np.maximum(of_plant, np.sum(of_units, axis=0)))]
            else:
                asked += [([u.name], r) for u, r in zip(plant.units, of_units, strict=True)]
            for names, limit in asked:
                if limit.any():
                    held = sum((machines[name][room] for name in names), 0 * self.variable(upper=0))
                    wanted = np.where(limit > 0, limit, -np.inf)
                    self.at_least(held, wanted, self.penalties.power)

    def _outlet(self, outlet, flow, least):
        """Minimum flow and ramping."""
        wanted = np.where(least > 0, least, -np.inf)
        self.at_least(flow, wanted, self.penalties.flow)
        known = self.problem.start.flow.get(outlet.name)
        hours = self.hours
        between = (np.concatenate([[hours[0]], hours[:-1]]) + hours) / 2
        between[0] = between[0] if known is not None else np.inf
        change = flow - self.before(flow, known or 0.0)
        for ramp, sign in ((outlet.ramp_up, -1), (outlet.ramp_down, 1)):
            if ramp is not None:
                self.at_least(sign * change, -ramp * between, self.penalties.flow)

    def _gates(self):
        for gate in self.problem.watercourse.gates:
            flow = 1 * self.variable(upper=self.problem.limits.gate_flow_max[gate.name])
            self.move(gate.reservoir, gate.to, flow)
            self._outlet(gate, flow, self.problem.limits.gate_flow_min[gate.name])

    def _spill(self, reservoir):
        outlets = [*self.problem.watercourse.gates, *self.problem.watercourse.plants]
        own = [outlet for outlet in outlets if outlet.reservoir == reservoir.name]
        gates = [g for g in self.problem.watercourse.gates if g.reservoir == reservoir.name]
        if reservoir.overflow is not None:
            self.move(reservoir.name, reservoir.overflow.to, 1 * self.variable())
        elif all(gate.flow_max for gate in gates):
            spill = 1 * self.variable()
            self.pay(spill, self.penalties.flow)
            self.move(reservoir.name, own[0].to, spill)

    def _reservoirs(self):
        problem, self.constant = self.problem, 0.0
        for reservoir in problem.watercourse.reservoirs:
            self._spill(reservoir)
        so_far = np.tril(np.ones((len(self.time), len(self.time))))
        left = []
        for at, reservoir in enumerate(problem.watercourse.reservoirs):
            start = problem.start.volume[at]
            under_way = problem.start.under_way.get(reservoir.name, np.zeros(len(self.time)))
            came = (problem.inflow[reservoir.name] + under_way) * 0.0036 * self.hours
            moved = self.over_time(sum(self.flows[reservoir.name]), so_far)
            volume = moved + self.array(start + np.cumsum(came))
            self._volume_limits(reservoir, start, volume)
            end = volume.isel(t=-1) + sum(self.late[reservoir.name])
            left.append(end)
        self._end_value(left)

    def _volume_limits(self, reservoir, start, volume):
        limits, price = self.problem.limits, self.penalties.volume
        least, most = limits.volume_min[reservoir.name], limits.volume_max[reservoir.name]
        floor, ceiling = min(reservoir.volume_min, start), max(reservoir.volume_max, start)
        self.at_least(volume, floor)
        self.at_least(volume, np.where(least > floor, least, -np.inf), price)
        self.at_least(-volume, np.where(most < ceiling, -most, -np.inf), price)
        crest = ceiling
        if reservoir.overflow is not None:
            level = reservoir.overflow.spill.x[0]
            crest = max(start, float(np.interp(level, reservoir.level.y, reservoir.level.x)))
        self.at_least(-volume, -crest)
        for soft, sign in ((reservoir.volume_soft_min, 1), (reservoir.volume_soft_max, -1)):
            if soft is not None:
                self.at_least(sign * volume, sign * soft.volume, soft.penalty)

    def _end_value(self, left):
        """Value what is left: the least of cuts, or of tangents to each reservoir's own worth."""
        end = self.problem.end
        if end.has_cuts:
            worth = self.model.add_variables(name="worth")
            for constant, slopes in zip(end.constants, end.slopes, strict=True):
                value = sum(slope * water for slope, water in zip(slopes, left, strict=True))
                self.model.add_constraints(worth - value <= constant)
            self.costs.append(-1 * worth)
            return
        for at, (water, widths, values) in enumerate(
            zip(left, end.widths, end.values, strict=True)
        ):
            worth = self.model.add_variables(name=f"worth{at}")
            starts = np.concatenate([[0.0], np.cumsum(widths[:-1])])
            heights = np.concatenate([[0.0], np.cumsum(widths[:-1] * values[:-1])])
            for start, height, value in zip(starts, heights, values, strict=True):
                self.model.add_constraints(worth - value * water <= height - value * start)
            self.costs.append(-1 * worth)

    def _trade(self):
        trade, power = self.problem.trade, sum((made for made, _ in self.power), 0)
        if isinstance(power, int):
            power = 0 * self.variable(upper=0.0)
        below = sum((worst - made for made, worst in self.power), 0 * self.variable(upper=0.0))
        negative = np.minimum(self.prices, 0.0)
        self.pay(below, -negative)
        sale = self.variable(upper=trade.sale_max)
        purchase = self.variable(upper=trade.purchase_max)
        free = np.isinf(trade.sale_max) & np.isinf(trade.purchase_max)
        missing, excess = self.variable(), self.variable()
        self.pay(missing + excess, self.penalties.power)
        balance = power - sale + purchase + missing - excess
        self.model.add_constraints(balance == self.array(trade.obligation))
        # Selling and buying the same at one price and without end would be free.
        self.at_least(-purchase - sale, np.where(free, -1e5, -np.inf))
        self.pay(sale, -self.prices)
        self.pay(purchase, self.prices + trade.purchase_markup)
