"""From a solver's choices to a schedule: rounded first, everything else computed from the rounded.

Volumes follow from the flows by the water balance, power by the production curves, money by both.
What the solver thought of them is not used, so its tolerances never reach a bid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hydrobid.domain.canonical import MONEY_DECIMALS, POWER_DECIMALS, WATER_DECIMALS, rounded
from hydrobid.domain.identifiers import Identifier
from hydrobid.hydro.filling import Filling
from hydrobid.hydro.formulation import natural_water
from hydrobid.hydro.highs import Solution
from hydrobid.hydro.model import HydroModel, Shortfall
from hydrobid.hydro.penalties import penalty_prices
from hydrobid.hydro.routing import WATER_OF_FLOW
from hydrobid.hydro.schedule import Method, Objective, Schedule, Series, Violation, ViolationCode
from hydrobid.hydro.simulator import switches
from hydrobid.hydro.streams import StreamKind

Array = NDArray[np.float64]

# A cubic centimetre a second: above the solver's noise, below what any gauge shows.
FLOW_DECIMALS = 6
# What is missed by less, in the limit's own unit, is rounding and no violation.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Choice:
    """Which model a schedule comes from, and why this one."""

    method: Method
    reason: str


class Accounts:
    """Makes schedules of one model's solutions; what no scenario changes is prepared once."""

    def __init__(self, model: HydroModel) -> None:
        self.model, self.problem = model, model.problem
        watercourse = self.problem.watercourse
        each = model.streams.each
        self._plants = [plant.name for plant in watercourse.plants]
        pumps = [(pump.name, plant.name) for plant in watercourse.plants for pump in plant.pumps]
        self._machines = [n for n, curve in model.production.items() if curve.committed]
        keys = [
            *((StreamKind.DISCHARGE, name) for name in self._plants),
            *((StreamKind.PUMPING, name) for name, _ in pumps),
            *((StreamKind.GATE, gate.name) for gate in watercourse.gates),
            *((kind, r.name) for r in watercourse.reservoirs for kind in _SPILLS),
        ]
        self._keys = keys
        self._sums = np.array([[(s.kind, s.element) == key for s in each] for key in keys], float)
        owner = dict(pumps) | {name: name for name in self._plants}
        self._powers = np.array(
            [[owner.get(s.element) == name for s in each] for name in self._plants], float
        )
        self._by_machine = np.array(
            [[s.machine == name for s in each] for name in self._machines], float
        ).reshape(len(self._machines), len(each))
        self._fill = Filling(model.streams)
        self.moves = _moves(model)
        self._flow_price = penalty_prices(self.problem, model.production).flow
        of_flows = list(self._limits_of_flows())
        self._limited, self._codes = [at for at, *_ in of_flows], [code for _, code, *_ in of_flows]
        self._sign = np.array([sign for *_, sign, _ in of_flows]).reshape(-1, 1)
        self._least = np.array([least for *_, least in of_flows]).reshape(-1, len(self.problem))
        self.natural = np.array(
            [natural_water(self.problem, at) for at in range(model.volume.shape[0])]
        )
        self._under_way = self._late_water()
        self._missed = np.concatenate(
            [np.zeros(0, dtype=np.int64), *(s.columns for s in model.shortfalls)]
        )

    def schedule(
        self,
        solution: Solution,
        prices: Series,
        choice: Choice,
        natural: Array,
    ) -> Schedule:
        """Return the schedule of a solution at (T,) prices.

        natural: (R, T) Mm3 that come by themselves; the problem's are `self.natural`.
        """
        model, streams = self.model, self.model.streams
        choices = self._fill(
            _rounded(np.maximum(model.choices(solution.columns), 0.0), FLOW_DECIMALS)
        )
        flows = _rounded(self._sums @ (choices * streams.flow), FLOW_DECIMALS)
        powers = choices * streams.power
        plant_power = _rounded(self._powers @ powers, POWER_DECIMALS)
        net_power = _rounded(np.sum(plant_power, axis=0), POWER_DECIMALS)
        volumes, left = self._water(choices, natural)
        by_kind: dict[StreamKind, dict[Identifier, Series]] = {kind: {} for kind in StreamKind}
        for (kind, name), flow in zip(self._keys, flows, strict=True):
            by_kind[kind][name] = flow
        violations = self._violations(solution.columns, flows)
        spill = {
            name: flow + by_kind[StreamKind.OVERFLOW][name]
            for name, flow in by_kind[StreamKind.EMERGENCY_SPILL].items()
        }
        schedule = Schedule(
            net_power=net_power,
            plant_power=dict(zip(self._plants, plant_power, strict=True)),
            discharge=by_kind[StreamKind.DISCHARGE],
            pumping=by_kind[StreamKind.PUMPING],
            gate_flow=by_kind[StreamKind.GATE],
            spill={name: flow for name, flow in spill.items() if np.any(flow > TOLERANCE)},
            volume=self._by_reservoir(volumes),
            objective=self._objective(self._sales(net_power, prices), left, violations),
            violations=violations,
            termination=solution.termination,
            iterations=solution.iterations,
            method=choice.method,
            reason=choice.reason,
            water_price=self._by_reservoir(
                _rounded(-solution.row_duals[model.balance], MONEY_DECIMALS)
            ),
        )
        if self._machines:
            schedule = self._committed(schedule, choices, powers)
        if solution.bound is None:
            return schedule
        gap = max(solution.objective - solution.bound, 0.0)
        return replace(schedule, bound=rounded(schedule.objective.total + gap, MONEY_DECIMALS))

    def _by_reservoir(self, values: Array) -> dict[Identifier, Series]:
        reservoirs = self.problem.watercourse.reservoirs
        return {r.name: row for r, row in zip(reservoirs, values, strict=True)}

    def _water(self, choices: Array, natural: Array) -> tuple[Array, Array]:
        """Return (R, T + 1) volumes and the (R,) water left at the end, under way included, Mm3."""
        flat = choices.ravel()
        start = self.problem.start.volume[:, None]
        changes = natural - (self.moves @ flat).reshape(natural.shape)
        volumes = _rounded(np.hstack([start, np.cumsum(changes, axis=1)]), WATER_DECIMALS)
        return volumes, volumes[:, -1] + _rounded(self._under_way @ flat, WATER_DECIMALS)

    def _sales(self, net_power: Series, prices: Series) -> float:
        trade, hours = self.problem.trade, self.problem.horizon.hours
        traded = net_power - trade.obligation
        sale = np.clip(traded, 0.0, trade.sale_max)
        purchase = np.clip(-traded, 0.0, trade.purchase_max)
        return float((prices * (sale - purchase) - trade.purchase_markup * purchase) @ hours)

    def _objective(
        self, sales: float, left: Array, violations: Sequence[Violation], start_costs: float = 0.0
    ) -> Objective:
        """Return the parts and their sum; left: (R,) Mm3 that is left for each reservoir."""
        end_value = self.problem.end.worth(left)
        penalties = sum(violation.penalty for violation in violations)
        return Objective(
            sales=rounded(sales, MONEY_DECIMALS),
            end_value=rounded(end_value, MONEY_DECIMALS),
            penalties=rounded(penalties, MONEY_DECIMALS),
            total=rounded(sales + end_value - start_costs - penalties, MONEY_DECIMALS),
            start_costs=rounded(start_costs, MONEY_DECIMALS),
        )

    def _late_water(self) -> csr_array:
        """Return the (R, S T) Mm3 of each choice that have not arrived at the end."""
        streams, periods = self.model.streams, len(self.problem)
        under_way = streams.under_way(self.problem.horizon)
        targets = [-1 if s.route.target is None else s.route.target for s in streams.each]
        rows = np.repeat(targets, periods)
        late = np.flatnonzero(under_way.ravel())
        shape = (self.model.volume.shape[0], under_way.size)
        return csr_array((under_way.ravel()[late], (rows[late], late)), shape=shape)

    def _violations(self, columns: Array, flows: Array) -> tuple[Violation, ...]:
        """Return what misses of (C,) columns and (E, T) flows of elements break."""
        missed = self._least + self._sign * flows[self._limited]
        limits = [
            (self._of_flow(self._limited[at], self._codes[at]), missed[at])
            for at in np.flatnonzero(missed.max(axis=1, initial=0.0) > TOLERANCE)
        ]
        if np.any(columns[self._missed] > TOLERANCE):
            limits += [(limit, columns[limit.columns]) for limit in self.model.shortfalls]
        found = (_violation(limit, missed) for limit, missed in limits)
        return tuple(violation for violation in found if violation is not None)

    def _limits_of_flows(self) -> Iterator[tuple[int, ViolationCode, float, Array]]:
        """Yield flows that miss a limit by themselves: position, code, sign and limit.

        What is missed is limit + sign x flow: all of a spill, and what a minimum lacks.
        """
        limits, code = self.problem.limits, ViolationCode
        for at, (kind, name) in enumerate(self._keys):
            if kind is StreamKind.EMERGENCY_SPILL:
                yield at, code.EMERGENCY_SPILL, 1.0, np.zeros(len(self.problem))
            elif kind is StreamKind.GATE:
                yield at, code.GATE_FLOW_BELOW_MINIMUM, -1.0, limits.gate_flow_min[name]
            elif kind is StreamKind.DISCHARGE and name in self.model.production:
                yield at, code.DISCHARGE_BELOW_MINIMUM, -1.0, limits.discharge_min[name]

    def _of_flow(self, at: int, code: ViolationCode) -> Shortfall:
        """Return the limit of an element's flow."""
        hours, periods = self.problem.horizon.hours, np.arange(len(self.problem))
        price, water = self._flow_price * hours, WATER_OF_FLOW * hours
        return Shortfall(code, self._keys[at][1], "m3/s", periods, periods, price, water)

    def _committed(self, schedule: Schedule, choices: Array, powers: Array) -> Schedule:
        """Return the schedule with its units and pumps, and what starting and stopping them cost."""
        streams = self.model.streams
        whole = np.array([[stream.whole] for stream in streams.each])
        on = self._by_machine @ np.where(whole, choices, 0.0) > 0.5
        flows = _rounded(self._by_machine @ (choices * streams.flow), FLOW_DECIMALS)
        power = _rounded(self._by_machine @ powers, POWER_DECIMALS)
        costs = self._start_costs(dict(zip(self._machines, on, strict=True)))
        objective = replace(
            schedule.objective,
            start_costs=rounded(costs, MONEY_DECIMALS),
            total=rounded(schedule.objective.total - costs, MONEY_DECIMALS),
        )
        return replace(
            schedule,
            objective=objective,
            unit_on=dict(zip(self._machines, on, strict=True)),
            unit_flow=dict(zip(self._machines, flows, strict=True)),
            unit_power=dict(zip(self._machines, power, strict=True)),
        )

    def _start_costs(self, on: Mapping[Identifier, NDArray[np.bool_]]) -> float:
        costs = 0.0
        for plant in self.problem.watercourse.plants:
            for machine in plant.machines:
                if machine.name in on:
                    before = self.problem.start.on.get(machine.name)
                    starts, stops = switches(on[machine.name], before)
                    costs += machine.start_cost * float(np.count_nonzero(starts))
                    costs += getattr(machine, "stop_cost", 0.0) * float(np.count_nonzero(stops))
        return costs


_SPILLS = (StreamKind.OVERFLOW, StreamKind.EMERGENCY_SPILL)


def _moves(model: HydroModel) -> csr_array:
    """Return the (R T, S T) Mm3 that leave the balance of each row by one unit of each choice."""
    sparse, choices = model.sparse, model.stream.size
    ends = sparse.starts[: choices + 1]
    entries = slice(0, ends[-1])
    columns = np.repeat(np.arange(choices), np.diff(ends))
    rows = sparse.index[entries]
    kept = rows < model.balance.size
    shape = (model.balance.size, choices)
    return csr_array((sparse.value[entries][kept], (rows[kept], columns[kept])), shape=shape)


def _violation(limit: Shortfall, missed: Series) -> Violation | None:
    """Return the violation of a limit that is missed by (N,) of its unit; None where it is kept."""
    at = np.flatnonzero(missed > TOLERANCE)
    if not at.size:
        return None
    missed = _rounded(missed[at], FLOW_DECIMALS)
    return Violation(
        limit.code,
        limit.element,
        tuple(limit.periods[at].tolist()),
        water=rounded(float(missed @ limit.water[at]), WATER_DECIMALS),
        penalty=rounded(float(missed @ limit.price[at]), MONEY_DECIMALS),
        excess=float(np.max(missed)),
        unit=limit.unit,
    )


def _rounded(values: Array, decimals: int) -> Array:
    """Return values as `canonical.rounded` gives them one by one: adding zero drops its sign."""
    result: Array = np.round(values, decimals) + 0.0
    return result
