"""What no schedule can be worth more than: a Lagrangian bound in which every step errs upwards.

Plants are told apart: each has its reservoir to itself and trades with it what others send there
and take from there, at prices of water. Every such problem is solved at its best, over its volume
and its plant's mode, and the prices are moved to where the sum is least.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.watercourse import Reservoir
from hydrobid.hydro.plant_model import PlantModel
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.proof.course import course_of
from hydrobid.hydro.proof.machines import NotCovered
from hydrobid.hydro.proof.options import Options, Resolution, options_of, without_plant
from hydrobid.hydro.proof.values import Market, Own, Values
from hydrobid.hydro.routing import WATER_OF_FLOW, Route
from hydrobid.hydro.search import Search

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Part:
    """A plant with its reservoir to itself; a reservoir that feeds no plant by itself.

    shared: how many parts have the same reservoir.
    """

    reservoir: int
    model: PlantModel | None
    shared: int
    own: Own


class Bound:
    """Upper bounds of one problem, at prices of water that may be chosen at will."""

    def __init__(self, search: Search, resolution: Resolution) -> None:
        self._search = search
        self._problem = problem = search.problem
        self._per_flow = WATER_OF_FLOW * problem.horizon.hours
        reservoirs = problem.watercourse.reservoirs
        self._volumes = [
            _volumes(problem, at, reservoir, resolution.volumes)
            for at, reservoir in enumerate(reservoirs)
        ]
        self.parts: list[Part] = []
        for at, reservoir in enumerate(reservoirs):
            models = [m for m in search.models.values() if m.upper == at]
            alone: list[PlantModel | None] = [*models] or [None]
            for model in alone:
                own = self._own(at, reservoir, model, resolution)
                self.parts.append(Part(at, model, max(len(models), 1), own))

    def thinned(self, volumes: int, flows: int) -> Bound:
        """Return the same on as many volumes and flows of each plant at least, if it has them."""
        other = copy(self)
        other.parts = [replace(part, own=part.own.thinned(volumes, flows)) for part in self.parts]
        return other

    def first_prices(self, worth: Array) -> Array:
        """Return (P, T) prices of parts' water from (R, T) currency of a reservoir's Mm3."""
        return np.array([worth[part.reservoir] / part.shared for part in self.parts])

    def at(
        self, prices: Array, end_volume: Array, *, proven: bool = True
    ) -> tuple[float, list[Values]]:
        """Return a bound at (P, T) prices of what each part trades, and the parts' values.

        end_volume: (R,) Mm3 around which the end valuation is taken as its tangent.
        """
        problem = self._problem
        marginal = problem.end.marginal(end_volume)
        total = problem.end.worth(end_volume) - float(marginal @ end_volume)
        # Who sells at most at the price, and buys at least at it, never earns more than this.
        sold = self._search.prices * problem.trade.obligation
        total -= float(sold @ problem.horizon.hours)
        markets = self._markets(prices, marginal)
        values = [
            Values(part.own, market, float(marginal[part.reservoir]) / part.shared, proven=proven)
            for part, market in zip(self.parts, markets, strict=True)
        ]
        return total + sum(value.start for value in values), values

    def slopes(self, values: list[Values]) -> Array:
        """Return (P, T) Mm3 by which the bound changes with each price: what is sent, less bought."""
        courses = [course_of(value) for value in values]
        slopes = -np.array([bought for _, bought in courses])
        for part, (leaving, _) in zip(self.parts, courses, strict=True):
            if part.model is None:
                continue
            route = self._route(part.model)
            arriving = route.arriving(leaving)
            for at, other in enumerate(self.parts):
                if other is not part and other.reservoir == part.reservoir:
                    slopes[at] -= leaving
                if other.reservoir == route.target:
                    slopes[at] += arriving
        return slopes

    def _own(
        self, at: int, reservoir: Reservoir, model: PlantModel | None, resolution: Resolution
    ) -> Own:
        problem, volumes = self._problem, self._volumes[at]
        hours, limits = problem.horizon.hours, problem.limits
        natural = problem.inflow[reservoir.name] + problem.start.under_way.get(reservoir.name, 0.0)
        unlimited = np.full(hours.size, np.inf)
        shared = sum(m.upper == at for m in self._search.models.values())
        return Own(
            options=self._options(model, volumes, resolution),
            natural=natural * self._per_flow,
            per_flow=self._per_flow,
            worth=self._search.prices * hours,
            kept=_soft_limits(reservoir, volumes)[None, :] * hours[:, None] / max(shared, 1),
            lowest=limits.volume_min[reservoir.name],
            highest=limits.volume_max[reservoir.name],
            discharge_max=unlimited if model is None else limits.discharge_max[model.plant.name],
            start=float(problem.start.volume[at]),
        )

    def _options(self, model: PlantModel | None, volumes: Array, resolution: Resolution) -> Options:
        if model is None:
            return without_plant(self._problem, volumes)
        lower = self._volumes[model.upper if model.lower is None else model.lower]
        before = self._search.mode_before(model)
        return options_of(self._problem, model, volumes, lower, before, resolution)

    def _markets(self, prices: Array, marginal: Array) -> list[Market]:
        """Return the market of each part at (P, T) prices."""
        total = np.zeros((len(self._volumes), prices.shape[1]))
        for part, price in zip(self.parts, prices, strict=True):
            total[part.reservoir] += price
        past, over = self._past(total, marginal)
        fed = {way.target for way in self._ways_past()}
        inward, outward = self._traded()
        markets = []
        for at, (part, price) in enumerate(zip(self.parts, prices, strict=True)):
            r, shared = part.reservoir, part.shared
            beyond = price + (past[r] - total[r]) / shared
            markets.append(
                Market(
                    price=price,
                    inward=inward[at],
                    outward=outward[at],
                    past=beyond if r in fed else np.full(price.size, np.inf),
                    over=beyond - (past[r] - over[r]) / shared,
                    through=self._through(part, price, total, marginal),
                )
            )
        return markets

    def _through(self, part: Part, price: Array, total: Array, marginal: Array) -> Array:
        """Return the (T,) currency of a Mm3 that leaves by a part's plant.

        Who else has the same reservoir to itself gives it away too.
        """
        if part.model is None:
            return np.zeros(price.size)
        arriving = _arriving(self._route(part.model), total, marginal)
        through: Array = arriving - (total[part.reservoir] - price)
        return through

    def _past(self, total: Array, marginal: Array) -> tuple[Array, Array]:
        """Return (R, T) prices of water that comes past plants, and of what is let go past them.

        What comes is no cheaper than what is let go, so that nobody gains by doing both, and what
        is let go brings what it costs below. Water that would rather stay is half way.
        """
        ways = self._ways_past()
        least = total.copy()
        for way in ways:
            if way.target is not None:
                between = (total[way.source] + total[way.target]) / 2
                least[way.target] = np.maximum(least[way.target], between)
        past = least
        for _ in range(total.shape[0] + 1):
            over = np.array(
                [
                    np.max([_arriving(w, past, marginal) for w in ways if w.source == r], axis=0)
                    for r in range(total.shape[0])
                ]
            )
            before, past = past, np.maximum(least, over)
            if np.array_equal(before, past):
                return past, over
        raise NotCovered("what runs over may come back to where it ran over")

    def _traded(self) -> tuple[Array, Array]:
        """Return (P, T) Mm3 that others' plants may bring each part's reservoir, and may take."""
        inward = np.zeros((len(self.parts), len(self._problem)))
        outward = np.zeros_like(inward)
        for sender in self.parts:
            if sender.model is None:
                continue
            route, most = self._route(sender.model), sender.own.options.most
            sent = np.minimum(sender.own.discharge_max, most[0]) * self._per_flow
            lifted = most[1] * self._per_flow
            for at, part in enumerate(self.parts):
                if part.reservoir == sender.reservoir and part is not sender:
                    outward[at] += sent
                    inward[at] += lifted
                if part.reservoir == route.target:
                    inward[at] += route.arriving(sent)
                    outward[at] += lifted
        return inward, outward

    def _route(self, model: PlantModel) -> Route:
        return self._search.simulator.routes[model.plant.units[0].name]

    def _ways_past(self) -> list[Route]:
        simulator = self._search.simulator
        return [*simulator.overflow_routes, *simulator.gate_routes.values()]


def _volumes(problem: Problem, at: int, reservoir: Reservoir, count: int) -> Array:
    """Return even volumes in Mm3 that hold all that a reservoir may."""
    limits, start = problem.limits, float(problem.start.volume[at])
    least = min(float(limits.volume_min[reservoir.name].min()), start)
    most = max(float(limits.volume_max[reservoir.name].max()), start)
    return np.linspace(least, max(most, least + 1e-6), count)


def _soft_limits(reservoir: Reservoir, volumes: Array) -> Array:
    """Return the (N,) currency per hour that volumes cost by soft limits, zero or below.

    Where a limit lies between two volumes both are spared what its corner rises above a line.
    """
    cost = np.zeros(volumes.size)
    step = volumes[1] - volumes[0]
    for soft, sign in ((reservoir.volume_soft_min, 1.0), (reservoir.volume_soft_max, -1.0)):
        if soft is not None:
            beyond = np.maximum(sign * (soft.volume - volumes), 0.0)
            near = np.abs(volumes - soft.volume) < step
            cost -= soft.penalty * (beyond - np.where(near, step / 4, 0.0))
    return cost


def _arriving(route: Route, worth: Array, marginal: Array) -> Array:
    """Return the (T,) worth of a Mm3 that takes a route in each period."""
    if route.target is None:
        return np.zeros(worth.shape[1])
    arriving: Array = worth[route.target]
    if route.shares is not None:
        late = 1.0 - route.shares.sum(axis=1)
        arriving = route.shares @ arriving + late * marginal[route.target]
    return arriving
