"""Random watercourses against the water balance, an independent model and each other's order."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from hydrobid.domain.identifiers import ScenarioId
from hydrobid.hydro.curves import convex_production, pump_rate, start_heads
from hydrobid.hydro.penalties import penalty_prices
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.schedule import Termination
from hydrobid.hydro.solve import solve_scenarios

MTUS = 24


def _prices(rng, low=-30.0):
    prices = rng.uniform(low, 90, MTUS)
    prices[rng.integers(MTUS)] = 4000.0
    prices[3:6] = prices[3]  # equal prices, so that ties arise
    return prices


def _arrivals(flow, minutes, mtu_minutes):
    """What of a flow arrives in each MTU, followed drop by drop: each minute's water apart."""
    arrived = np.zeros(len(flow))
    for mtu, rate in enumerate(flow):
        for minute in range(mtu_minutes):
            at = (mtu * mtu_minutes + minute + minutes) // mtu_minutes
            if at < len(flow):
                arrived[at] += rate / mtu_minutes
    return arrived


@pytest.mark.parametrize("seed", range(12))
def test_solve__keeps_the_water_balance_and_every_limit(seed, random_watercourse, hours):
    rng = np.random.default_rng(seed)
    watercourse = random_watercourse(rng, flows=3)
    minutes = int(rng.choice([15, 60]))
    prices = {ScenarioId("s"): _prices(rng)}

    (schedule,) = dict(solve_scenarios(watercourse, hours(MTUS, minutes), prices)).values()

    gains = {r.name: np.full(MTUS, r.inflow) for r in watercourse.reservoirs}
    ways = [(p.reservoir, p.to, schedule.discharge[p.name]) for p in watercourse.plants]
    ways += [(g.reservoir, g.to, schedule.gate_flow[g.name]) for g in watercourse.gates]
    ways += [
        (plant.to, plant.reservoir, schedule.pumping[pump.name])
        for plant in watercourse.plants
        for pump in plant.pumps
    ]
    for reservoir, flow in schedule.spill.items():
        gates = [gate.to for gate in watercourse.gates if gate.reservoir == reservoir]
        plants = [plant.to for plant in watercourse.plants if plant.reservoir == reservoir]
        ways.append((reservoir, [*gates, *plants][0], flow))
    for source, to, flow in ways:
        assert flow.min() >= 0
        gains[source] -= flow
        target, delay = watercourse.downstream(to)
        if target is not None:
            gains[target] += _arrivals(flow, delay, minutes)
    for reservoir in watercourse.reservoirs:
        volume = schedule.volume[reservoir.name]
        assert volume[0] == pytest.approx(reservoir.start_volume)
        expected = gains[reservoir.name] * 60 * minutes / 1e6
        np.testing.assert_allclose(np.diff(volume), expected, atol=1e-6)
        assert volume.min() >= reservoir.volume_min - 1e-6
        assert volume.max() <= reservoir.volume_max + 1e-6
    for plant in watercourse.plants:
        (part,) = convex_production(Problem.of(watercourse, hours(1)))[plant.name].ranges
        assert schedule.discharge[plant.name].max() <= part.widths.sum() + 1e-6
    for gate in watercourse.gates:
        assert schedule.gate_flow[gate.name].max() <= (gate.flow_max or np.inf) + 1e-6
    np.testing.assert_allclose(
        schedule.net_power, np.sum(list(schedule.plant_power.values()), axis=0), atol=1e-5
    )


@pytest.mark.parametrize("seed", range(16))
def test_solve__is_worth_what_an_independent_model_is_worth(seed, random_watercourse, hours):
    rng = np.random.default_rng(1000 + seed)
    # With one segment a plant the model is exact below zero, too; with more it is not linear.
    one_segment = seed % 2 == 0
    watercourse = random_watercourse(rng, flows=1 if one_segment else 4)
    pumps = any(plant.pumps for plant in watercourse.plants)
    prices = _prices(rng, low=-200.0 if one_segment and not pumps else 0.0)
    grid = hours(MTUS, int(rng.choice([15, 60])))

    (schedule,) = dict(solve_scenarios(watercourse, grid, {ScenarioId("s"): prices})).values()

    expected = _independent_worth(watercourse, grid, prices)
    assert schedule.termination is Termination.OPTIMAL
    assert schedule.objective.total == pytest.approx(expected, rel=1e-6, abs=1e-3)


def _independent_worth(watercourse, grid, prices):
    """Return the optimum of a dense model of its own, in currency."""
    problem = Problem.of(watercourse, grid)
    production, heads = convex_production(problem), start_heads(problem)
    penalty = penalty_prices(problem, production).flow * grid.hours
    model = _DenseModel(watercourse, grid)
    for plant in watercourse.plants:
        (part,) = production[plant.name].ranges
        widths, slopes = part.widths[:, 0], part.slopes[:, 0]
        flow = model.add_flow(plant.reservoir, plant.to, 0.0, widths.sum())
        power = model.add(-prices * grid.hours, np.inf)
        if len(slopes) == 1:
            model.at_most([(power, -1.0), (flow, slopes[0])], 0.0)
        starts, tops = np.cumsum(widths) - widths, np.cumsum(widths * slopes) - widths * slopes
        for start, top, slope in zip(starts, tops, slopes, strict=True):
            tangent = top - slope * start
            model.at_most([(power, 1.0), (flow, -slope)], tangent)
        lacking = model.add(penalty, np.inf)
        model.at_most([(flow, -1.0), (lacking, -1.0)], -plant.discharge_min)
        for pump in plant.pumps:
            rate = pump_rate(pump, heads[plant.name])
            cost = prices * rate * grid.hours
            model.add_flow(plant.to, plant.reservoir, cost, pump.power_max / rate)
    for gate in watercourse.gates:
        flow = model.add_flow(gate.reservoir, gate.to, 0.0, gate.flow_max or np.inf)
        lacking = model.add(penalty, np.inf)
        model.at_most([(flow, -1.0), (lacking, -1.0)], -gate.flow_min)
    for reservoir in watercourse.reservoirs:
        gates = [gate for gate in watercourse.gates if gate.reservoir == reservoir.name]
        plants = [plant for plant in watercourse.plants if plant.reservoir == reservoir.name]
        if all(gate.flow_max for gate in gates):
            model.add_flow(reservoir.name, [*gates, *plants][0].to, penalty, np.inf)
    return model.worth()


class _DenseModel:
    """A model without volumes as variables: their limits bind the sum of what has flowed."""

    def __init__(self, watercourse, grid):
        self.watercourse, self.minutes = watercourse, grid.minutes
        self.water = 0.0036 * grid.hours
        names = [reservoir.name for reservoir in watercourse.reservoirs]
        self.volume = {name: [] for name in names}  # (T, T) of each block of T variables
        self.end = {name: [] for name in names}  # Mm3 at the end, what is under way included
        self.costs, self.uppers, self.rows, self.limits = [], [], [], []

    def add(self, cost, upper):
        """Append T variables that move no water; return the number of their block."""
        self.costs.append(np.broadcast_to(cost, MTUS))
        self.uppers += [upper] * MTUS
        for name in self.volume:
            self.volume[name].append(np.zeros((MTUS, MTUS)))
            self.end[name].append(np.zeros(MTUS))
        return len(self.costs) - 1

    def add_flow(self, source, to, cost, upper):
        """Append T flows in m3/s from a reservoir; return the number of their block."""
        block = self.add(cost, upper)
        so_far = np.tril(np.full((MTUS, MTUS), self.water))
        self.volume[source][block] -= so_far
        self.end[source][block] -= self.water
        target, delay = self.watercourse.downstream(to)
        if target is not None:
            drops = np.eye(MTUS)
            arriving = np.array([_arrivals(drop, delay, self.minutes) for drop in drops]).T
            self.volume[target][block] += so_far @ arriving
            self.end[target][block] += self.water
        return block

    def at_most(self, terms, limit):
        """Bound the sum of (block, coefficient) in each MTU."""
        self.rows.append(terms)
        self.limits += [limit] * MTUS

    def worth(self):
        zero = np.zeros((MTUS, MTUS))
        matrix = []
        for terms in self.rows:
            row = [zero] * len(self.costs)
            for block, coefficient in terms:
                row[block] = coefficient * np.eye(MTUS)
            matrix.append(np.hstack(row))
        costs, constant, limits = np.concatenate(self.costs), 0.0, list(self.limits)
        for reservoir in self.watercourse.reservoirs:
            inflow = self.water * reservoir.inflow * np.arange(1, MTUS + 1)
            natural = reservoir.start_volume + inflow
            volume = np.hstack(self.volume[reservoir.name])
            matrix += [volume, -volume]
            limits += [*(reservoir.volume_max - natural), *(natural - reservoir.volume_min)]
            costs = costs - reservoir.water_value * np.concatenate(self.end[reservoir.name])
            constant += reservoir.water_value * natural[-1]
        bounds = [(0, upper) for upper in self.uppers]
        result = linprog(costs, np.vstack(matrix), limits, bounds=bounds)
        assert result.status == 0, result.message
        return constant - result.fun


@pytest.mark.parametrize("seed", range(4))
def test_solve__is_the_same_whatever_the_chunk_and_the_order(seed, random_watercourse, hours):
    rng = np.random.default_rng(2000 + seed)
    watercourse, grid = random_watercourse(rng, flows=3), hours(MTUS, 15)
    prices = {ScenarioId(f"s{number}"): _prices(rng) for number in range(12)}

    together = dict(solve_scenarios(watercourse, grid, prices))
    reversed_order = dict(solve_scenarios(watercourse, grid, dict(reversed(prices.items()))))
    alone = {
        scenario: dict(solve_scenarios(watercourse, grid, {scenario: values}))[scenario]
        for scenario, values in prices.items()
    }

    for scenario in prices:
        document = together[scenario].to_document()
        assert reversed_order[scenario].to_document() == document
        assert alone[scenario].to_document() == document  # iterations included


def test_solve__yields_in_the_order_given_before_the_next_is_solved(watercourse, hours):
    prices = {ScenarioId(name): np.array([1.0, 2.0]) for name in ("b", "a")}
    prices[ScenarioId("c")] = np.array([np.inf, 0.0])

    outcomes = solve_scenarios(watercourse(), hours(2), prices)

    assert next(outcomes)[0] == "b"
    assert [scenario for scenario, _ in outcomes] == ["a", "c"]
