"""A bid from water values alone: marginal costs, without price scenarios and without a solver.

A m3/s that runs for an hour takes 0.0036 Mm3 out of one reservoir and, sooner or later, into
another or the sea. What that costs, spread over the MWh it makes, is the price from which it is
worth running:

    price = (water value above - water value below) x 0.0036 / (MW per m3/s)

in currency per MWh, water values in currency per Mm3, the sea's zero. A pump takes water the other
way and is worth running below that price. Both are what the linear model of `hydro.formulation`
does while no reservoir meets a limit: a flow's reduced cost is zero at this price.

The limits are kept by a rule that needs no prices: a reservoir gives, at any one price, no more
than it can give evenly over the whole day. Only its own water counts, what it stores and its
natural inflow. What upstream plants and gates send is left out, since nothing says that they will
be accepted: the bid errs towards too little, most of all in a chain of small ponds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.fit import fit_curve
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.market import Market
from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.curves import convex_production
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.routing import WATER_OF_FLOW
from hydrobid.hydro.streams import StreamKind, Streams

# Of ticks and lots: a price or volume that arithmetic left this close to a whole one is on it.
DECIMALS = 6


def water_value_bid(market: Market, grid: MtuGrid, asset: AssetConfiguration) -> BidMatrix:
    """Return a bid that offers each plant from its marginal cost up, one curve in every MTU.

    Volumes are net MW, generation less pumping. Production segments are those of the linear model,
    at the head of the start volume; each is a step at the first tick that covers its cost. A pump
    is bought at the ticks below its break-even, as far as the reservoir it draws from has water to
    spare at such prices and the one above has room. Price-independent, down to the lowest price,
    is what `discharge_min` asks for and what would otherwise be spilled by a reservoir that its
    inflow fills; neither beyond the plant or the reservoir's water. Volumes are rounded towards
    zero, to stay within both. Should the steps need more than the market's `max_points`,
    neighbours are joined into slopes.
    """
    problem = Problem.of(asset.watercourse, grid)
    ways = list(_ways(problem))
    balances = _balances(problem)
    discharges = [
        step
        for source in range(len(balances))
        for step in _discharges(problem, ways, source, balances)
    ]
    curve = _curve([*discharges, *_pumping(problem, ways, balances, discharges)], market)
    curves = (curve,) * len(grid)
    return BidMatrix(asset.price_area, grid, market.price_tick, market.volume_lot, curves)


@dataclass(frozen=True)
class _Way:
    """A part of a plant's or pump's flow that is there all day, at most `capacity` in m3/s.

    source, target: positions of reservoirs; no target: the sea. power: MW per m3/s, a pump's
    negative; steepest: of the plant's first segment. asked: a minimum discharge asks for it.
    """

    kind: StreamKind
    source: int
    target: int | None
    capacity: float
    power: float
    steepest: float
    asked: bool = False


def _ways(problem: Problem) -> Iterator[_Way]:
    """Yield the linear model's segments and pumps, each with what it can always let through."""
    for stream in Streams.of(problem, convex_production(problem)).each:
        if stream.kind in (StreamKind.DISCHARGE, StreamKind.PUMPING):
            yield _Way(
                kind=stream.kind,
                source=stream.route.source,
                target=stream.route.target,
                capacity=float(np.min(stream.upper)),
                power=float(stream.power[0]),
                steepest=float(stream.steepest[0]),
                asked=stream.asked,
            )


@dataclass(frozen=True)
class _Balance:
    """A reservoir's own water as even flows over the day, in m3/s.

    supply: what can leave by plants and pumps before it is empty. surplus: what must leave before
    it is full; below zero, the room for what is pumped in.
    """

    supply: float
    surplus: float


@dataclass(frozen=True)
class _Step:
    """A flow in m3/s, let go from a price in currency per MWh up.

    A pump's flows below it. The price is minus infinity where the flow hangs on none.
    """

    way: _Way
    price: float
    flow: float

    @property
    def power(self) -> float:
        """MW, a pump's negative."""
        return self.way.power * self.flow


def _balances(problem: Problem) -> list[_Balance]:
    """Return each reservoir's balance; what gates must release is gone before plants get any."""
    hours, limits = problem.horizon.hours, problem.limits
    day = WATER_OF_FLOW * float(np.sum(hours))
    reservoirs = problem.watercourse.reservoirs
    balances = []
    for reservoir, start in zip(reservoirs, problem.start.volume.tolist(), strict=True):
        gates = (gate for gate in problem.watercourse.gates if gate.reservoir == reservoir.name)
        released = sum(_mean(limits.gate_flow_min[gate.name], hours) for gate in gates)
        natural = _mean(problem.inflow[reservoir.name], hours) - released
        stored = (start - float(np.max(limits.volume_min[reservoir.name]))) / day
        room = (float(np.min(limits.volume_max[reservoir.name])) - start) / day
        balances.append(_Balance(supply=max(natural + stored, 0.0), surplus=natural - room))
    return balances


def _mean(flow: NDArray[np.float64], hours: NDArray[np.float64]) -> float:
    """Return the even flow in m3/s that brings as much water as a (T,) one."""
    return float(np.average(flow, weights=hours))


def _price(water_values: NDArray[np.float64], way: _Way) -> float:
    """Return the price in currency per MWh at which a stream's water is worth its power.

    Where water is worth more below, a plant earns at prices under zero, and its flattest segment
    would come first. As in the linear model all its segments then have the first one's slope.
    """
    below = 0.0 if way.target is None else float(water_values[way.target])
    lost = float(water_values[way.source]) - below
    return lost * WATER_OF_FLOW / (way.power if lost >= 0 else way.steepest)


def _discharges(
    problem: Problem, ways: Sequence[_Way], source: int, balances: Sequence[_Balance]
) -> Iterator[_Step]:
    """Yield what the plants of one reservoir share of its water.

    First what their minimum discharges ask for, then the cheapest segment of any, until the
    supply is used; the surplus is taken out of the first of it.
    """
    balance = balances[source]
    water_values = problem.end.marginal(problem.start.volume)
    own = [
        (not way.asked, _price(water_values, way), way)
        for way in ways
        if way.kind is StreamKind.DISCHARGE and way.source == source
    ]
    used = 0.0
    for free, price, way in sorted(own, key=lambda entry: entry[:2]):
        flow = min(way.capacity, balance.supply - used)
        must_run = min(flow, max(balance.surplus - used, 0.0)) if free else flow
        yield _Step(way, -inf, must_run)
        yield _Step(way, price, flow - must_run)
        used += flow


def _pumping(
    problem: Problem,
    ways: Sequence[_Way],
    balances: Sequence[_Balance],
    discharges: Sequence[_Step],
) -> Iterator[_Step]:
    """Yield what pumps lift, the one that pays most first.

    The plants that draw on a pump's lower reservoir come before it with what they take at prices
    at which it runs.
    """
    water_values = problem.end.marginal(problem.start.volume)
    pumps = [(_price(water_values, way), way) for way in ways if way.kind is StreamKind.PUMPING]
    lifted: list[_Step] = []
    for price, way in sorted(pumps, key=lambda entry: -entry[0]):
        source, target = way.source, way.target
        taken = sum(
            step.flow
            for step in (*discharges, *lifted)
            if step.way.source == source
            and (step.price < price or step.way.kind is StreamKind.PUMPING)
        )
        # A pump always lifts into a reservoir; only the type of a route allows the sea.
        room = 0.0 if target is None else -balances[target].surplus
        filled = sum(step.flow for step in lifted if step.way.target == target)
        flow = min(way.capacity, balances[source].supply - taken, room - filled)
        lifted.append(_Step(way, price, max(flow, 0.0)))
    yield from lifted


def _curve(steps: Sequence[_Step], market: Market) -> BidCurve:
    """Return the net volume of steps over the price, each step two points one tick apart."""
    tick, lot = float(market.price_tick), float(market.volume_lot)
    prices = np.array([step.price for step in steps])
    powers = np.array([step.power for step in steps])
    first = np.ceil(np.round(prices / tick, DECIMALS))
    first = np.clip(first, market.min_ticks, market.max_ticks + 1)
    ticks = np.unique(np.concatenate([[market.min_ticks, market.max_ticks], first - 1, first]))
    ticks = ticks[(ticks >= market.min_ticks) & (ticks <= market.max_ticks)]
    drawn = np.sum(powers[powers < 0])
    reached = ticks[:, None] >= first
    volumes = drawn + reached @ np.abs(powers)
    lots = np.trunc(np.round(volumes / lot, DECIMALS))
    return fit_curve(ticks * tick, lots * lot, np.ones(ticks.size), market)
