"""What no schedule can be worth more than: a Lagrangian bound in which every step errs upwards.

Reservoirs are told apart: each buys what arrives from above, and is paid for what it sends down,
at a worth of water, so that every reservoir has its own problem over its volume and its plant's
mode. That problem is solved backwards on even volumes with functions that lie above what they
stand for. `docs/head-search.md`, "Why the bound holds", has the argument.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrobid.hydro.ceilings import mode_ceiling
from hydrobid.hydro.physics import level
from hydrobid.hydro.plant_model import PlantModel
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.routing import WATER_OF_FLOW, Route
from hydrobid.hydro.search import Search

Array = NDArray[np.float64]

# Volumes of a reservoir on which its problem is solved.
VOLUMES = 1201
# Worth of an impossible choice: less than any water, and finite, so that lines can be drawn to it.
NEVER = -1e15


@dataclass(frozen=True, eq=False)
class _Choices:
    """What a reservoir's plant may do: (K,) modes in rising order and flows in m3/s, and the
    (K, N) MW that each cannot exceed where the volume is at most each of (N,).
    """

    mode: NDArray[np.intp]
    flow: Array
    power: Array


@dataclass(frozen=True)
class _Market:
    """At what a reservoir trades water in a period, currency per Mm3.

    price: of what plants send it, `most` Mm3 at most. past: of what comes past them, as much as it
    likes; infinite where nothing can. over: what it is paid for letting water go past its own.
    """

    price: float
    most: float
    past: float
    over: float


class Bound:
    """Upper bounds of one problem, at worths of water that may be chosen at will."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._problem = problem = search.problem
        self._per_flow = WATER_OF_FLOW * problem.horizon.hours
        self._plants = {model.upper: model for model in search.models.values()}
        nothing = np.zeros(len(problem))
        reservoirs = problem.watercourse.reservoirs
        self._natural = [
            (problem.inflow[r.name] + problem.start.under_way.get(r.name, nothing)) * self._per_flow
            for r in reservoirs
        ]
        self._volumes = [
            np.linspace(min(r.volume_min, start), max(r.volume_max, start), VOLUMES)
            for r, start in zip(reservoirs, problem.start.volume, strict=True)
        ]
        self._choices = [self._choices_of(at) for at in range(len(reservoirs))]

    def at(self, worth: Array, end_volume: Array) -> float:
        """Return a bound at (R, T) currency for a Mm3 that arrives in each period.

        end_volume: (R,) Mm3 around which the end valuation is taken as its tangent.
        """
        problem = self._problem
        marginal = problem.end.marginal(end_volume)
        total = problem.end.worth(end_volume) - float(marginal @ end_volume)
        # Who sells at most at the price, and buys at least at it, never earns more than this.
        sold = self._search.prices * problem.trade.obligation
        total -= float(sold @ problem.horizon.hours)
        for at in range(len(self._volumes)):
            total += self._of_reservoir(at, worth, marginal)
        return total

    def _of_reservoir(self, at: int, worth: Array, marginal: Array) -> float:
        """Return what a reservoir's own problem is worth at most."""
        volumes, choices, model = self._volumes[at], self._choices[at], self._plants.get(at)
        below, markets = self._markets(at, worth, marginal)
        hours = self._problem.horizon.hours
        price = np.maximum(self._search.prices, 0.0) * hours
        value = np.tile(marginal[at] * volumes[:, None], (1, int(choices.mode[-1]) + 1))
        best = value
        for period in range(hours.size - 1, -1, -1):
            water = self._per_flow[period] * choices.flow
            gain = price[period] * choices.power + (below[period] * water)[:, None]
            later = _traded(value, volumes, markets[period])
            change = self._natural[at][period] - water
            best = _best(later, volumes, choices, gain, change, markets[period])
            if model is None:
                value = best
            else:
                best[:, ~model.allowed[period]] = NEVER
                value = np.max(best[:, None, :] - model.switching, axis=2)
        start = float(self._problem.start.volume[at])
        return max(float(np.interp(start, volumes, column)) for column in best.T)

    def _choices_of(self, at: int) -> _Choices:
        """Return what may be done with a reservoir's water: nothing, or what its plant can."""
        volumes, model = self._volumes[at], self._plants.get(at)
        mode, flow = [np.zeros(1, dtype=np.intp)], [np.zeros(1)]
        power = [np.zeros((1, volumes.size))]
        if model is not None:
            heads = self._highest(model, volumes)
            most = float(self._problem.limits.discharge_max[model.plant.name].max())
            for position, running in enumerate(model.modes[1:], start=1):
                ceiling = mode_ceiling(model, running)
                step = (heads - ceiling.heads[0]) / (ceiling.heads[1] - ceiling.heads[0])
                place = np.clip(step, 0.0, ceiling.heads.size - 1 - 1e-9)
                row = place.astype(np.intp)
                share = (place - row)[:, None]
                rows = ceiling.power[row] * (1 - share) + ceiling.power[row + 1] * share
                # One flow beyond the greatest, so that lines reach it.
                kept = np.arange(ceiling.flows.size) <= np.searchsorted(ceiling.flows, most)
                mode.append(np.full(int(kept.sum()), position, dtype=np.intp))
                flow.append(ceiling.flows[kept])
                power.append(rows.T[kept])
        return _Choices(np.concatenate(mode), np.concatenate(flow), np.vstack(power))

    def _highest(self, model: PlantModel, volumes: Array) -> Array:
        """Return the head at the upper end of the cell that begins at each volume.

        The tailwater stands as low as it may.
        """
        reservoirs = self._problem.watercourse.reservoirs
        tail = model.plant.outlet_level
        if model.lower is not None:
            lowest = float(level(reservoirs[model.lower], self._volumes[model.lower][:1])[0])
            tail = max(tail, lowest)
        upper = np.append(volumes[1:], volumes[-1])
        head: Array = level(reservoirs[model.upper], upper) - tail
        return head

    def _markets(self, at: int, worth: Array, marginal: Array) -> tuple[Array, list[_Market]]:
        """Return the (T,) currency of a Mm3 sent through the plant, and a market for each period.

        Water past plants has prices of its own, between what it is worth above and below: so that
        nobody gains by sending it that way who would not in earnest.
        """
        simulator, problem = self._search.simulator, self._problem
        past = self._past(worth)
        through = np.zeros(worth.shape[1])
        if at in self._plants:
            route = simulator.routes[self._plants[at].plant.units[0].name]
            through = _arriving(route, worth, marginal)
        ways = self._ways_past()
        over = np.max([_arriving(way, past, marginal) for way in ways if way.source == at], axis=0)
        fed = any(way.target == at for way in ways)
        most = np.zeros(worth.shape[1])
        for model in self._plants.values():
            route = simulator.routes[model.plant.units[0].name]
            if route.target == at:
                limit = problem.limits.discharge_max[model.plant.name]
                greatest = self._choices[model.upper].flow.max()
                most += route.arriving(np.minimum(limit, greatest) * self._per_flow)
        markets = [
            _Market(price, float(water), bypass if fed else np.inf, paid)
            for price, water, bypass, paid in zip(
                worth[at].tolist(), most, past[at].tolist(), over.tolist(), strict=True
            )
        ]
        return through, markets

    def _ways_past(self) -> list[Route]:
        simulator = self._search.simulator
        return [*simulator.overflow_routes, *simulator.gate_routes.values()]

    def _past(self, worth: Array) -> Array:
        """Return (R, T) prices of what arrives past plants: half way to what it is worth above."""
        past = worth.copy()
        for way in self._ways_past():
            if way.target is not None:
                between = (worth[way.source] + worth[way.target]) / 2
                past[way.target] = np.maximum(past[way.target], between)
        return past


def provable(problem: Problem) -> bool:
    """Whether the argument covers a problem: at most one plant a reservoir, and no pumps."""
    plants = problem.watercourse.plants
    alone = len({plant.reservoir for plant in plants}) == len(plants)
    return alone and not any(plant.pumps for plant in plants)


def _arriving(route: Route, worth: Array, marginal: Array) -> Array:
    """Return the (T,) worth of a Mm3 that takes a route in each period."""
    if route.target is None:
        return np.zeros(worth.shape[1])
    arriving: Array = worth[route.target]
    if route.shares is not None:
        late = 1.0 - route.shares.sum(axis=1)
        arriving = route.shares @ arriving + late * marginal[route.target]
    return arriving


def _traded(value: Array, volumes: Array, market: _Market) -> Array:
    """Return (N, M) values of volumes from which water may still be bought and let go.

    Each is the greatest of lines and constants between two volumes, which bends upwards only, so
    that lines between the volumes stay above. What may be bought is rounded up to whole steps.
    """
    water = volumes[:, None]
    cells = min(int(np.ceil(market.most / (volumes[1] - volumes[0]) - 1e-9)), volumes.size - 1)
    paid = value - market.price * water
    bought = paid.copy()
    for shift in range(1, cells + 1):
        np.maximum(bought[:-shift], paid[shift:], out=bought[:-shift])
    traded = bought + market.price * water
    if np.isfinite(market.past):
        paid = traded - market.past * water
        traded = np.maximum.accumulate(paid[::-1], axis=0)[::-1] + market.past * water
    paid = traded - market.over * water
    result: Array = np.maximum.accumulate(paid, axis=0) + market.over * water
    return result


def _best(
    later: Array,
    volumes: Array,
    choices: _Choices,
    gain: Array,
    change: Array,
    market: _Market,
) -> Array:
    """Return (N, M) values above the best of the choices from each volume on.

    later: (N, M) values of the volumes at the end. gain: (K, N) currency at once. change: (K,)
    Mm3. Where the later value bends down between two points a line
    would cut the bend off: what that could be is added.
    """
    step, count = float(volumes[1] - volumes[0]), volumes.size
    whole = np.floor(change / step).astype(np.intp)
    part = change / step - whole
    below, above = max(int(-whole.min()), 0) + 3, max(int(whole.max()), 0) + 4
    best = np.full((count, later.shape[1]), NEVER)
    for mode in np.unique(choices.mode).tolist():
        here = slice(*np.searchsorted(choices.mode, [mode, mode + 1]))
        width = float(np.max(-np.diff(change[here]), initial=0.0))
        padded, bends = _padded(later[:, mode], step, (below, above), market)
        # Between flows the later volume moves on by `width`, over the bends of that many cells.
        reach = 1 + int(np.ceil(width / step))
        near = np.max(
            [bends, *(np.roll(bends, s) for r in range(1, reach + 1) for s in (r, -r))], axis=0
        )
        index = np.arange(count) + whole[here, None] + below
        share = part[here, None]
        total = padded[index] * (1 - share) + padded[index + 1] * share + gain[here]
        total += np.maximum(near[index], near[index + 1]) * (step + reach * width) / 4
        best[:, mode] = np.max(total, axis=0)
    return best


def _padded(
    value: Array, step: float, pads: tuple[int, int], market: _Market
) -> tuple[Array, Array]:
    """Return values of volumes beyond both ends too, and by how much their slopes fall at each.

    What exceeds the greatest volume is let go. What is missing from the least is bought, past
    plants without end and else as far as `most` goes; below there is nothing, but for the first
    point, which lines reach.
    """
    down, up = np.arange(pads[0], 0, -1) * step, np.arange(1, pads[1] + 1) * step
    cells = int(np.ceil(market.most / step - 1e-9))
    price = min(market.price, market.past) if cells or np.isfinite(market.past) else 0.0
    padded = np.concatenate([value[0] - price * down, value, value[-1] + market.over * up])
    slopes = np.diff(padded) / step
    bends = np.concatenate([[0.0], np.maximum(slopes[:-1] - slopes[1:], 0.0), [0.0]])
    if not np.isfinite(market.past):
        padded[: max(pads[0] - 1 - cells, 0)] = NEVER
    return padded, bends
