"""The bound: above whatever is tried within limits, at any prices of water, and near to the best."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_problems.strategies import prices, problems
from random_problems.valleys import valley_of

from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.head_search import searched
from hydrobid.hydro.modes import all_modes
from hydrobid.hydro.optimise import optimise
from hydrobid.hydro.physics import machine_powers
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.proof.bound import Bound
from hydrobid.hydro.proof.ceilings import Ceilings, Member
from hydrobid.hydro.proof.machines import Ceiling
from hydrobid.hydro.proof.options import Resolution
from hydrobid.hydro.proof.proving import SOFT, good_prices
from hydrobid.hydro.schedule import SolveFailure
from hydrobid.hydro.search import Search

START = datetime(2026, 3, 28, tzinfo=UTC)
TURBINE = {"head": 100, "flow": [10, 16, 20], "efficiency": [0.85, 0.92, 0.9]}
HIGHER = {"head": 130, "flow": [11, 16, 21], "efficiency": [0.8, 0.94, 0.91]}
UNIT = {"power_min": 6, "power_max": 18, "start_cost": 50, "turbine": [TURBINE]}
LARGE = {
    "power_min": 6,
    "power_max": 28,
    "turbine": [{"head": 100, "flow": [14, 24, 30], "efficiency": [0.86, 0.93, 0.91]}],
    "generator_efficiency": {"x": [8, 18, 28], "y": [0.9, 0.98, 0.96]},
}
DAY = np.array([20, 18, 17, 19, 30, 55, 60, 45, 35, 33, 50, 25], dtype=float)
COARSE = Resolution(volumes=61, heads=31, flows=90)
UPPER = {
    "level": {"x": [0, 1, 4], "y": [90, 105, 120]},
    "volume_max": 4,
    "start_volume": 2.5,
    "water_value": 7000,
    "inflow": 5,
}


@pytest.fixture
def two_units(watercourse):
    """Two unlike units on two penstocks under a reservoir whose head changes."""
    units = [
        UNIT | {"name": "Small", "penstock": 1, "turbine": [TURBINE, HIGHER]},
        LARGE | {"name": "Large", "penstock": 2},
    ]
    spot = watercourse(
        reservoir=UPPER, plant={"units": units, "penstock_loss": [0.01, 0.004], "main_loss": 0.001}
    )
    return Problem.of(spot, MtuGrid(START, 60, DAY.size))


def left_of(found):
    """Return the Mm3 that the best plan leaves in each reservoir, under way to it included."""
    water = found.best.outcome.water
    return water.volume[:, -1] + water.under_way


def worth_of(found, evaluated):
    """Return what a plan is worth where it keeps the limits that no client has priced."""
    violations = found.search.limiter.violations(evaluated.outcome)
    return None if any(v.code not in SOFT for v in violations) else evaluated.total


def rivals(found, rng, count):
    """Yield the best plan and others near it, each with its worth if it keeps its limits."""
    best, models = found.best, found.search.models
    yield worth_of(found, best)
    for _ in range(count):
        mode, flow = dict(best.plan.mode), dict(best.plan.flow)
        name = rng.choice(list(models))
        at = rng.integers(len(mode[name]))
        model, head = models[name], best.outcome.head[name]
        mode[name], flow[name] = mode[name].copy(), flow[name].copy()
        mode[name][at] = rng.choice(np.flatnonzero(model.allowed[at]))
        least, most = model.limits(head)
        least, most = least[at, mode[name][at]], most[at, mode[name][at]]
        flow[name][at] = least + rng.random() * (most - least)
        yield worth_of(found, found.search.evaluate(replace(best.plan, mode=mode, flow=flow)))


@pytest.mark.parametrize("seed", range(12))
def test_bound__is_above_the_best_of_any_valley_and_near_it(seed):
    # Given a valley with what the bound tells apart: plants, pumps, delays, soft limits
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    problem = Problem.of(valley_of(rng), MtuGrid(START, 60, 8))
    at = rng.uniform(5, 70, 8) - (40 if rng.random() < 0.2 else 0)
    found = searched(problem, at)
    best = worth_of(found, found.best)
    # When it is bounded at prices of water that are made for it
    bound, left = Bound(found.search, Resolution(161, 81, 300)), left_of(found)
    value, _ = bound.at(good_prices(bound, found, left), left)
    # Then nothing within limits is worth more, and the best is worth little less
    for worth in rivals(found, rng, 10):
        assert worth is None or worth <= value + 1e-6 * abs(worth)
    assert best is None or value - best < 0.012 * best


@settings(max_examples=12, deadline=None)
@given(data=st.data(), problem=problems(commitment=True, siblings=True))
def test_bound__is_above_any_schedule_within_limits(data, problem):
    # Given any watercourse, with limits of all kinds, at any prices
    at = data.draw(prices(len(problem), low=data.draw(st.sampled_from([0.0, -60.0]))))
    found = searched(problem, at)
    if isinstance(found, SolveFailure):
        return
    # When it is bounded at prices of water that are good, and at others
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    bound, left = Bound(found.search, COARSE), left_of(found)
    first = bound.first_prices(found.worth)
    bounds = [bound.at(first * factor, left)[0] for factor in (1.0, 0.6)]
    bounds.append(bound.at(first + rng.uniform(-3000, 3000, first.shape), left)[0])
    # Then nothing within limits is worth more
    for worth in rivals(found, rng, 8):
        assert worth is None or worth <= min(bounds) + 1e-6 * max(abs(worth), 1.0)


def test_bound__holds_at_any_worth_of_water_and_is_near(two_units):
    schedule = optimise(two_units, DAY, prove=True).result
    assert 0 <= schedule.gap < 0.004
    bound, rng = Bound(Search(two_units, DAY), COARSE), np.random.default_rng(5)
    end = schedule.volume["Upper"][-1:]
    for _ in range(5):
        value, _ = bound.at(rng.uniform(0, 20_000, (1, DAY.size)), end)
        assert value >= schedule.objective.total


@pytest.fixture
def valley(watercourse):
    """Two plants at one reservoir, one of them over a lower one that has its own."""

    def make(upper=None, **changes):
        plant = {"to": "Lower", "outlet_level": 0, "units": [UNIT | {"name": "U"}]}
        other = {
            "name": "Q",
            "reservoir": "Upper",
            "outlet_level": 5,
            "units": [LARGE | {"name": "V"}],
        }
        lowest = {
            "name": "R",
            "reservoir": "Lower",
            "outlet_level": -60,
            "units": [UNIT | {"name": "W", "turbine": [TURBINE | {"head": 60}], "power_min": 2}],
        }
        spot = watercourse(
            reservoir=UPPER | (upper or {}),
            plant=plant | changes,
            below=[{"name": "Lower", "level": {"x": [0, 1], "y": [0, 6]}, "water_value": 3000}],
            plants_below=[other, lowest],
        )
        return Problem.of(spot, MtuGrid(START, 60, DAY.size))

    return make


def test_bound__is_near_for_several_plants_at_a_reservoir(valley):
    schedule = optimise(valley(), DAY, prove=True).result
    assert schedule.violations == ()
    assert 0 <= schedule.gap < 0.01


def test_bound__is_near_with_pumps(valley):
    curve = {"head": 100, "flow": [8, 12], "efficiency": [0.8, 0.85]}
    pump = {"name": "X", "power_max": 20, "efficiency": 0.85, "curves": [curve], "penstock": 1}
    spread = np.array([1.0] * 6 + [70.0] * 6)
    schedule = optimise(valley(pumps=[pump], penstock_loss=[0.005]), spread, prove=True).result
    assert schedule.violations == ()
    assert np.any(schedule.pumping["X"] > 0)
    assert 0 <= schedule.gap < 0.02


def test_bound__counts_what_priced_limits_cost(valley):
    soft = {"volume_soft_min": {"volume": 2.4, "penalty": 20.0}}
    free = optimise(valley(), DAY, prove=True).result
    priced = optimise(valley(soft), DAY, prove=True)
    schedule = priced.result
    assert {v.code for v in schedule.violations} == {SOFT[0]}
    assert schedule.objective.total <= schedule.bound < free.bound
    assert schedule.gap < 0.01
    assert priced.unproven == ""


def test_bound__says_why_there_is_none(valley):
    impossible = valley({"inflow": 500})
    optimised = optimise(impossible, DAY, prove=True)
    assert optimised.result.bound is None
    assert "emergency spill" in optimised.unproven


def test_bound__covers_a_plant_of_too_many_modes_as_if_each_unit_were_free(watercourse):
    # Given nine unlike units, of which the search sees only some combinations
    units = [
        UNIT | {"name": f"U{at}", "power_max": 18 + at / 10, "start_cost": 10} for at in range(9)
    ]
    spot = watercourse(reservoir=UPPER | {"inflow": 60}, plant={"units": units})
    problem = Problem.of(spot, MtuGrid(START, 60, DAY.size))
    found = searched(problem, DAY)
    (model,) = found.search.models.values()
    assert not all_modes(model.kinds)
    # When it is bounded
    bound = Bound(found.search, COARSE)
    value, _ = bound.at(bound.first_prices(found.worth), left_of(found))
    # Then the bound holds for a combination that no mode of the search has
    on = {f"U{at}": np.full(DAY.size, at == 8) for at in range(9)}
    flow = {name: 16.0 * states for name, states in on.items()}
    outcome = found.search.simulator.run(type(found.best.outcome.operation)(on, flow, {}), DAY)
    assert value >= max(found.best.total, outcome.sales + outcome.end_value - outcome.start_costs)
    assert value < 1.05 * found.best.total


def interpolated(ceiling: Ceiling, flow, head):
    row = np.clip((head - ceiling.heads[0]) / ceiling.step, 0, ceiling.heads.size - 1 - 1e-9)
    column = np.clip((flow - ceiling.flows[0]) / ceiling.cell, 0, ceiling.flows.size - 1 - 1e-9)
    i, j = row.astype(int), column.astype(int)
    a, b, power = row - i, column - j, ceiling.power
    low = power[i, j] * (1 - b) + power[i, j + 1] * b
    return low * (1 - a) + (power[i + 1, j] * (1 - b) + power[i + 1, j + 1] * b) * a


@pytest.mark.parametrize(("heads", "cell", "off"), [(12, 2.0, 0.05), (201, 0.05, 0.004)])
@pytest.mark.parametrize("optional", [False, True])
def test_ceiling__is_above_what_any_split_makes_and_near_the_best(
    two_units, heads, cell, off, optional
):
    (model,) = Search(two_units, DAY).models.values()
    rng, count = np.random.default_rng(11), 40_000
    ceilings = Ceilings(model.plant, np.linspace(55, 125, heads), cell, optional=optional)
    for position, mode in enumerate(model.modes[1:], start=1):
        members, flows = [], {u.name: np.zeros(count) for u in model.plant.units}
        for kind, running in zip(model.kinds, mode.running, strict=True):
            for name in kind.names[: len(running)]:
                unit = kind.ranges[0].machine
                members.append(Member(unit, unit.power_max))
                least = min(curve.flow[0] for curve in unit.turbine)
                most = max(curve.flow[-1] for curve in unit.turbine)
                flows[name] = rng.uniform(least, most, count)
        ceiling = ceilings.of(members)
        head = rng.uniform(80, 120, count)
        power = machine_powers(model.plant, flows, head)
        kept = np.all([power[u.name] <= u.power_max for u in model.plant.units], axis=0)
        most = interpolated(ceiling, sum(flows.values()), head)
        above = (most - sum(power.values()))[kept]
        assert above.min() >= -1e-9, position
        if len(members) == 1 and not optional:
            assert np.median(above / most[kept]) < off
        elif not optional:
            assert np.quantile(above / most[kept], 0.02) < off


def test_ceiling__of_pumps_is_the_least_that_they_draw(watercourse):
    curves = [
        {"head": 90, "flow": [8, 12], "efficiency": [0.8, 0.86]},
        {"head": 120, "flow": [7, 10, 11], "efficiency": [0.75, 0.88, 0.8]},
    ]
    pump = {"name": "X", "power_max": 20, "efficiency": 0.85, "curves": curves, "penstock": 1}
    spot = watercourse(
        plant={"pumps": [pump], "to": "Lower", "penstock_loss": [0.02], "main_loss": 0.003},
        below=[{"name": "Lower"}],
    )
    (plant,) = spot.plants
    rng, count = np.random.default_rng(3), 40_000
    for heads, cell, off in ((9, 1.0, 0.1), (201, 0.02, 0.002)):
        members = [Member(plant.pumps[0], 20.0)]
        ceiling = Ceilings(plant, np.linspace(80, 140, heads), cell).of(members)
        flow, lift = rng.uniform(7, 12, count), rng.uniform(82, 130, count)
        drawn = machine_powers(plant, {"U": np.zeros(count), "X": flow}, lift)["X"]
        above = interpolated(ceiling, flow, lift) - drawn
        assert above.min() >= -1e-9
        assert np.median(above / -drawn) < off
