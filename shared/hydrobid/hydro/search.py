"""Improves a watercourse's operation plant by plant, each judged by exact simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.watercourse import Plant, Reservoir
from hydrobid.hydro.curves import convex_production
from hydrobid.hydro.dispatch import Dispatch
from hydrobid.hydro.penalties import PENALTY_PRICE, penalty_prices
from hydrobid.hydro.physics import level
from hydrobid.hydro.plant_model import PlantModel, Positions, plant_model
from hydrobid.hydro.problem import Flags, Problem, Series
from hydrobid.hydro.routing import WATER_OF_FLOW, Route
from hydrobid.hydro.schedule import Schedule
from hydrobid.hydro.simulator import Operation, Outcome, Simulator
from hydrobid.hydro.violations import Limiter
from hydrobid.hydro.water_values import VOLUMES, Course, Surroundings, best_course

Array = NDArray[np.float64]

# Rounds in which flows are cut to what their heads allow; each changes heads by less.
AGREEMENTS = 4
# m3/s by which flows may differ between rounds that agree.
SAME_FLOW = 1e-5
FLOW_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class Plan:
    """An operation by plants: (T,) modes and machine flows in m3/s of each, gates as they are."""

    mode: Mapping[Identifier, Positions]
    flow: Mapping[Identifier, Array]
    gate_flow: Mapping[Identifier, Series]


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A plan with what it comes to; total: its worth less its penalties."""

    plan: Plan
    outcome: Outcome
    total: float


class Search:
    """Searches better plans of one problem at (T,) prices in currency per MWh."""

    def __init__(self, problem: Problem, prices: Series) -> None:
        self.problem = problem
        self.prices = prices
        self.simulator = Simulator(problem)
        self.limiter = Limiter(problem)
        self.models = {p.name: plant_model(problem, p) for p in problem.watercourse.plants}
        self.dispatch = {name: Dispatch(problem, model) for name, model in self.models.items()}
        self._penalties = penalty_prices(problem, convex_production(problem))

    def evaluate(self, plan: Plan, shares: Mapping[Identifier, Series] | None = None) -> Evaluated:
        """Return a plan as it comes out, its flows cut to what the heads allow.

        shares: m3/s of each machine; where none are given each plant's flow is split at its best.
        What a mode can take hangs on the head, and the head on what all plants took before.
        """
        on: dict[Identifier, Flags] = {}
        for name in self.models:
            on |= self.dispatch[name].on(plan.mode[name])
        flow = self._rough(plan) if shares is None else dict(shares)
        for _ in range(AGREEMENTS):
            volume = self.simulator.water(Operation(on, flow, plan.gate_flow)).volume[:, :-1]
            before = flow.copy()
            for name, model in self.models.items():
                head = self.simulator.head(model.plant, volume)
                dispatch, mode = self.dispatch[name], plan.mode[name]
                states = {machine.name: on[machine.name] for machine in model.plant.machines}
                if shares is None:
                    flow |= dispatch.share(mode, plan.flow[name], head, states)
                else:
                    flow |= dispatch.fitted(mode, shares, head, states)
            if all(np.allclose(before[name], flow[name], rtol=0, atol=SAME_FLOW) for name in flow):
                break
        rounded = {name: np.round(values, FLOW_DECIMALS) for name, values in flow.items()}
        outcome = self.simulator.run(Operation(on, rounded, plan.gate_flow), self.prices)
        penalties = sum(violation.penalty for violation in self.limiter.violations(outcome))
        total = outcome.sales + outcome.end_value - outcome.start_costs - penalties
        totals = {
            name: np.sum([rounded[machine.name] for machine in model.plant.machines], axis=0)
            for name, model in self.models.items()
        }
        return Evaluated(replace(plan, flow=totals), outcome, total)

    def _rough(self, plan: Plan) -> dict[Identifier, Series]:
        """Return flows of machines that move the water; to it the split does not matter."""
        flow: dict[Identifier, Series] = {}
        for name, model in self.models.items():
            total = plan.flow[name]
            flow |= {machine.name: 0.0 * total for machine in model.plant.machines}
            pumping = model.sign[plan.mode[name]] < 0
            flow[model.plant.units[0].name] = np.where(pumping, 0.0, total)
            if model.plant.pumps:
                flow[model.plant.pumps[0].name] = np.where(pumping, total, 0.0)
        return flow

    def sweep(self, at: Evaluated, worth: Array, span: float) -> Evaluated:
        """Return the plan with each plant's course made the best, from the top of the river down.

        worth: (R, T) currency of a Mm3 that arrives in each period; it is brought up to date.
        span: share of a reservoir's volume by which a course may leave the present one.
        """
        for plant in self.problem.watercourse.plants:
            model = self.models[plant.name]
            course = self._course(at, plant, model, worth, span)
            plan = replace(
                at.plan,
                mode={**at.plan.mode, plant.name: course.mode},
                flow={**at.plan.flow, plant.name: course.flow},
            )
            at = self.evaluate(plan)
            worth[model.upper] = course.worth

        return at

    def water_price(self, model: PlantModel, worth: Array, at: Evaluated) -> Array:
        """Return the (T,) currency that a Mm3 loses in worth by leaving through a plant."""
        route = self.simulator.routes[model.plant.units[0].name]
        end = self._end_worth(at)
        price: Array = worth[model.upper] - self._arriving(route, worth, end)
        return price

    def mode_before(self, model: PlantModel) -> int | None:
        """Return the mode before the horizon; None where not all machines' states are known."""
        on = self.problem.start.on
        if not all(machine.name in on for machine in model.plant.machines):
            return None
        running = [sum(on[name] for name in kind.names) for kind in model.kinds]
        return int(np.argmin(np.abs(model.counts - running).sum(axis=1)))

    def plan_of(self, schedule: Schedule) -> Plan:
        """Return the plan that a schedule with committed machines is."""
        modes, flows = {}, {}
        # A pump that nothing binds to its commitment has a flow alone.
        flow = {**schedule.pumping, **schedule.unit_flow}
        on = {name: values > 0 for name, values in flow.items()} | dict(schedule.unit_on)
        for name, model in self.models.items():
            machines = [machine.name for machine in model.plant.machines]
            flows[name] = np.sum([flow[machine] for machine in machines], axis=0)
            running = np.array(
                [np.sum([on[machine] for machine in kind.names], axis=0) for kind in model.kinds]
            )
            off_by = np.abs(running.T[:, None, :] - model.counts[None, :, :]).sum(axis=2)
            modes[name] = np.argmin(off_by, axis=1)
        return Plan(modes, flows, dict(schedule.gate_flow))

    def _end_worth(self, at: Evaluated) -> Array:
        water = at.outcome.water
        return self.problem.end.marginal(water.volume[:, -1] + water.under_way)

    def _course(
        self, best: Evaluated, plant: Plant, model: PlantModel, worth: Array, span: float
    ) -> Course:
        problem, outcome = self.problem, best.outcome
        per_flow = WATER_OF_FLOW * problem.horizon.hours
        reservoir = problem.watercourse.reservoirs[model.upper]
        volume = outcome.water.volume
        leaving = self._leaving(best.plan, model)
        change = np.diff(volume[model.upper]) + per_flow * (
            leaving + outcome.water.spill[model.upper]
        )
        tail = np.full(len(problem), plant.outlet_level)
        if model.lower is not None:
            below = level(problem.watercourse.reservoirs[model.lower], volume[model.lower][:-1])
            tail = np.maximum(tail, below)
        route = self.simulator.routes[plant.units[0].name]
        over = self.simulator.overflow_routes[model.upper]
        end = self._end_worth(best)
        others = outcome.net - sum(outcome.power[m.name] for m in plant.machines)
        left = volume[:, -1] + outcome.water.under_way
        around = Surroundings(
            start=float(volume[model.upper, 0]),
            change=change,
            per_flow=per_flow,
            tail=tail,
            worth_below=self._arriving(route, worth, end),
            earned=lambda power, when: self._earned(power, others, when),
            kept=lambda volumes, when: self._kept(reservoir, volumes, when),
            beside=lambda volumes: self._beside(best, plant, model.upper, volumes),
            end=lambda volumes: self._end(left, model.upper, volume[model.upper, -1], volumes),
            discharge_min=problem.limits.discharge_min[plant.name],
            discharge_max=problem.limits.discharge_max[plant.name],
            missed=self._penalties.flow * problem.horizon.hours,
            crest=_crest(reservoir),
            worth_over=self._arriving(over, worth, end)
            - (0.0 if reservoir.overflow else self._penalties.volume),
            mode=self.mode_before(model),
        )
        grid = self._grid(model, around, reservoir, volume[model.upper], span)
        return best_course(model, lambda volumes: level(reservoir, volumes), around, grid)

    def _leaving(self, plan: Plan, model: PlantModel) -> Array:
        name = model.plant.name
        leaving: Array = model.sign[plan.mode[name]] * plan.flow[name]
        return leaving

    def _arriving(self, route: Route, worth: Array, end: Array) -> Array:
        if route.target is None:
            return np.zeros(len(self.problem))
        arriving: Array = worth[route.target]
        if route.shares is not None:
            late = 1.0 - route.shares.sum(axis=1)
            arriving = route.shares @ arriving + late * end[route.target]
        return arriving

    def _earned(self, power: Array, others: Array, when: slice) -> Array:
        shape = (slice(None), *[None] * (power.ndim - 1))
        trade, hours = self.problem.trade, self.problem.horizon.hours[when][shape]
        prices = self.prices[when][shape]
        traded = power + (others - trade.obligation)[when][shape]
        sale = np.clip(traded, 0.0, trade.sale_max[when][shape])
        bought = np.clip(-traded, 0.0, trade.purchase_max[when][shape])
        amiss = np.abs(traded - sale + bought)
        markup = trade.purchase_markup[when][shape]
        return hours * (prices * sale - (prices + markup) * bought - PENALTY_PRICE * amiss)

    def _kept(self, reservoir: Reservoir, volumes: Array, when: slice) -> Array:
        shape = (slice(None), *[None] * (volumes.ndim - 1))
        hours, limits = self.problem.horizon.hours[when][shape], self.problem.limits
        below = np.maximum(limits.volume_min[reservoir.name][when][shape] - volumes, 0.0)
        above = np.maximum(volumes - limits.volume_max[reservoir.name][when][shape], 0.0)
        lost = self._penalties.volume * (below + above)
        if reservoir.volume_soft_min is not None:
            soft = reservoir.volume_soft_min
            lost = lost + soft.penalty * np.maximum(soft.volume - volumes, 0.0)
        if reservoir.volume_soft_max is not None:
            soft = reservoir.volume_soft_max
            lost = lost + soft.penalty * np.maximum(volumes - soft.volume, 0.0)
        return -hours * lost

    def _beside(self, best: Evaluated, plant: Plant, position: int, volumes: Array) -> Array:
        """Return (T, K) what other plants earn at (T, K) volumes of a reservoir that they use."""
        total = np.zeros_like(volumes)
        state = best.outcome.water.volume[:, :-1]
        for name, model in self.models.items():
            if name == plant.name or position not in (model.upper, model.lower):
                continue
            heads = []
            for column in volumes.T:
                moved = state.copy()
                moved[position] = column
                heads.append(self.simulator.head(model.plant, moved))
            head = np.array(heads).T
            mode = np.broadcast_to(best.plan.mode[name][:, None], head.shape)
            flow = np.broadcast_to(best.plan.flow[name][:, None], head.shape)
            power = model.powers(mode, flow, head)
            own = sum(best.outcome.power[m.name] for m in model.plant.machines)
            total += self._earned(power, best.outcome.net - own, slice(0, len(self.problem)))
        return total

    def _end(self, left: Array, position: int, own: float, volumes: Array) -> Array:
        """Return (K,) what all water left is worth at (K,) volumes of one reservoir."""
        worths = []
        for volume in volumes.tolist():
            water = left.copy()
            water[position] += volume - own
            worths.append(self.problem.end.worth(water))
        return np.array(worths)

    def _grid(
        self,
        model: PlantModel,
        around: Surroundings,
        reservoir: Reservoir,
        present: Array,
        span: float,
    ) -> Array:
        """Return (T + 1, K) volumes that the plant can reach within the limits, near the present."""
        most = model.most.max(initial=0.0, where=model.sign[:, None] > 0)
        lifted = model.most.max(initial=0.0, where=model.sign[:, None] < 0)
        natural = np.concatenate([[0.0], np.cumsum(around.change)])
        water = np.concatenate([[0.0], np.cumsum(around.per_flow)])
        high = around.start + natural + lifted * water
        low = around.start + natural - most * water
        floor, top = reservoir.volume_min, min(reservoir.volume_max, around.crest)
        near = span * (top - floor)
        low = np.clip(np.maximum(low, present - near), floor, top)
        high = np.clip(np.minimum(high, present + near), floor, top)
        high = np.maximum(high, low + 1e-3 * (top - floor))
        grid: Array = low[:, None] + np.linspace(0.0, 1.0, VOLUMES) * (high - low)[:, None]
        return grid


def _crest(reservoir: Reservoir) -> float:
    if reservoir.overflow is None:
        return reservoir.volume_max
    return float(np.interp(reservoir.overflow.spill.x[0], reservoir.level.y, reservoir.level.x))
