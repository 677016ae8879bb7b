"""What a plan of operation comes to: exact physics from flows to volumes, power and money.

The optimiser's models are approximations; what is reported is this module's. Heads are those of
the volumes at the start of each period, as SINTEF's SHOP takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.watercourse import Plant
from hydrobid.hydro.overflow import spill_of
from hydrobid.hydro.physics import gross_head, machine_powers
from hydrobid.hydro.problem import Flags, Problem, Series
from hydrobid.hydro.routing import WATER_OF_FLOW, Route, Routes


@dataclass(frozen=True, eq=False)
class Operation:
    """What an operator chooses, (T,) each: which units and pumps are on, and the flows in m3/s."""

    on: Mapping[Identifier, Flags]
    flow: Mapping[Identifier, Series]
    gate_flow: Mapping[Identifier, Series]


@dataclass(frozen=True, eq=False)
class Water:
    """Where the water is. volume: (R, T + 1) Mm3. spill: (R, T) m3/s. under_way: (R,) Mm3."""

    volume: NDArray[np.float64]
    spill: NDArray[np.float64]
    under_way: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What an operation comes to.

    power: (T,) MW of each unit, of each pump below zero. head: gross, (T,) m of each plant. net:
    (T,) MW of all together. sale, purchase: (T,) MW at the market, within its limits. sales,
    end_value, start_costs: in the market's currency.
    """

    operation: Operation
    water: Water
    power: Mapping[Identifier, Series]
    head: Mapping[Identifier, Series]
    net: Series
    sale: Series
    purchase: Series
    sales: float
    end_value: float
    start_costs: float


class Simulator:
    """Simulates operations of one problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        watercourse = problem.watercourse
        self.reservoirs = {r.name: index for index, r in enumerate(watercourse.reservoirs)}
        routes = Routes(watercourse, problem.horizon)
        self.routes: dict[Identifier, Route] = {}
        for plant in watercourse.plants:
            self.routes |= {unit.name: routes.of(plant.reservoir, plant.to) for unit in plant.units}
            if plant.to is not None:
                for pump in plant.pumps:
                    self.routes[pump.name] = routes.of(plant.to, plant.reservoir)
        self.gate_routes = {g.name: routes.of(g.reservoir, g.to) for g in watercourse.gates}
        self.overflow_routes = [routes.overflow(r) for r in watercourse.reservoirs]
        self._downwards = _downwards(self.overflow_routes)

    def run(self, operation: Operation, prices: Series) -> Outcome:
        """Return what an operation comes to at (T,) prices in currency per MWh."""
        problem = self.problem
        water = self.water(operation)
        head = {p.name: self.head(p, water.volume[:, :-1]) for p in problem.watercourse.plants}
        power: dict[Identifier, Series] = {}
        for plant in problem.watercourse.plants:
            for name, values in machine_powers(plant, operation.flow, head[plant.name]).items():
                power[name] = np.where(operation.on[name], values, 0.0)
        net: Series = np.sum(list(power.values()), axis=0)
        trade, hours = problem.trade, problem.horizon.hours
        traded = net - trade.obligation
        sale = np.clip(traded, 0.0, trade.sale_max)
        purchase = np.clip(-traded, 0.0, trade.purchase_max)
        earned = prices * sale - (prices + trade.purchase_markup) * purchase
        return Outcome(
            operation=operation,
            water=water,
            power=power,
            head=head,
            net=net,
            sale=sale,
            purchase=purchase,
            sales=float(earned @ hours),
            end_value=problem.end.worth(water.volume[:, -1] + water.under_way),
            start_costs=self.start_costs(operation.on),
        )

    def water(self, operation: Operation) -> Water:
        """Return where the water is; what a reservoir cannot hold runs over, from top to bottom."""
        problem = self.problem
        per_flow = WATER_OF_FLOW * problem.horizon.hours
        change, under_way = self._natural(per_flow)
        for routes, flows in (
            (self.routes, operation.flow),
            (self.gate_routes, operation.gate_flow),
        ):
            for name, route in routes.items():
                _move(route, flows[name] * per_flow, change, under_way)
        volume = np.empty((change.shape[0], change.shape[1] + 1))
        spill = np.zeros_like(change)
        for r in self._downwards:
            reservoir = problem.watercourse.reservoirs[r]
            start = float(problem.start.volume[r])
            spilled = spill_of(reservoir, start, change[r], per_flow)
            if np.any(spilled):
                spill[r] = spilled / per_flow
                _move(self.overflow_routes[r], spilled, change, under_way)
            volume[r] = start + np.concatenate([[0.0], np.cumsum(change[r])])
        return Water(volume, spill, under_way)

    def head(self, plant: Plant, volume: NDArray[np.float64]) -> Series:
        """Return a plant's (T,) gross head in m at (R, T) volumes."""
        reservoirs = self.problem.watercourse.reservoirs
        upper = self.reservoirs[plant.reservoir]
        lower = None if plant.to is None else self.reservoirs.get(plant.to)
        if lower is None:  # it discharges to the sea or into a river
            return gross_head(plant, reservoirs[upper], None, volume[upper])
        return gross_head(plant, reservoirs[upper], reservoirs[lower], volume[upper], volume[lower])

    def start_costs(self, on: Mapping[Identifier, Flags]) -> float:
        """Return what the starts and stops cost."""
        return sum(
            unit.start_cost * float(np.count_nonzero(starts))
            + getattr(unit, "stop_cost", 0.0) * float(np.count_nonzero(stops))
            for plant in self.problem.watercourse.plants
            for unit in plant.machines
            for starts, stops in [switches(on[unit.name], self.problem.start.on.get(unit.name))]
        )

    def _natural(self, per_flow: Series) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (R, T) inflow and arrivals of water under way at the start, and (R,) zeros."""
        problem = self.problem
        nothing = np.zeros(len(problem))
        inflow = [
            problem.inflow[r.name] + problem.start.under_way.get(r.name, nothing)
            for r in problem.watercourse.reservoirs
        ]
        return np.array(inflow) * per_flow, np.zeros(len(inflow))


def switches(on: Flags, before: bool | None) -> tuple[Flags, Flags]:
    """Return in which of (T,) periods a machine starts and stops, given its state before."""
    earlier = np.concatenate([[on[0] if before is None else before], on[:-1]])
    return on & ~earlier, earlier & ~on


def _move(
    route: Route, water: Series, change: NDArray[np.float64], under_way: NDArray[np.float64]
) -> None:
    """Take (T,) water in Mm3 along a route."""
    change[route.source] -= water
    if route.target is not None:
        change[route.target] += route.arriving(water)
        under_way[route.target] += route.under_way(water)


def _downwards(routes: list[Route]) -> list[int]:
    """Return positions of reservoirs so that none comes before one that runs over into it."""
    order: list[int] = []
    seen: set[int] = set()

    def visit(position: int) -> None:
        if position not in seen:
            seen.add(position)
            for source, route in enumerate(routes):
                if route.target == position:
                    visit(source)
            order.append(position)

    for position in range(len(routes)):
        visit(position)
    return order
