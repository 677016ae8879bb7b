"""Curves that scenarios share: by hand, against each scenario's best day, and as they are delivered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from hydrobid.domain.imbalance import ImbalancePrices
from hydrobid.hydro.curve_program import CurveProgram, SharedCurves
from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.problem import Problem, Trade
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import Schedule, SolveFailure
from hydrobid.hydro.solve import ScenarioSolver
from hydrobid.hydro.two_stage import shared_curves

FULL = 8.829  # MW; an hour of it takes 0.036 Mm3
IMBALANCE = ImbalancePrices(share=0.2, margin=2.0)


def program_on(prices, most=FULL, least=0.0, steps=False) -> CurveProgram:
    prices = np.asarray(prices, dtype=float)
    points = tuple(np.unique(column) for column in prices.T)
    return CurveProgram(prices, np.ones(len(prices)), points, least, most, IMBALANCE, steps)


def shared(problem, program, *, commitment=False) -> SharedCurves:
    scenarios = [Scenario(prices) for prices in program.prices]
    found = shared_curves(problem, scenarios, program, commitment=commitment)
    assert not isinstance(found, SolveFailure), found
    return found


def sold_in(program, curves, scenario):
    return np.array(
        [
            program.taken(mtu)[scenario] @ np.diff(volumes, prepend=0.0)
            for mtu, volumes in enumerate(curves.volumes)
        ]
    )


def test_shared_curves__water_for_one_hour__is_not_sold_twice(watercourse, hours):
    # Sold at 60 in both hours, the day that has 60 twice buys one of them back at 74; sold in the
    # first hour at whatever price, nothing is bought back: (50 + 60 + 60) / 3.
    program = program_on([[50, 60], [60, 50], [60, 60]])
    problem = Problem.of(watercourse({"start_volume": 0.036}), hours(2))

    curves = shared(problem, program)

    assert curves.worth == pytest.approx(FULL * 170 / 3, abs=0.01)
    assert sum(sold_in(program, curves, 2)) == pytest.approx(FULL, abs=1e-6)


def test_shared_curves__water_enough__sell_in_each_scenario_what_it_would_alone(watercourse, hours):
    water = watercourse({"water_value": 40 * 245.25})
    program = program_on([[30, 50], [45, 35], [50, 60]])

    curves = shared(Problem.of(water, hours(2)), program)

    volumes = [sold_in(program, curves, s) for s in range(3)]
    assert np.array(volumes) == pytest.approx(FULL * np.array([[0, 1], [1, 0], [1, 1]]), abs=1e-6)


@pytest.mark.parametrize("steps", [False, True])
def test_curve_program__a_price_between_points__takes_what_the_market_says(steps):
    program = replace(program_on([[10], [20], [15], [30], [5]], steps=steps))
    program = replace(program, points=(np.array([10.0, 20.0]),))
    taken = program.taken(0)[:, 1].tolist()
    assert taken == ([0, 1, 0, 1, 0] if steps else [0, 1, 0.5, 1, 0])


def _random(seed, watercourse, hours, count, mtus=6, **unit):
    print("seed", seed)
    rng = np.random.default_rng(seed)
    reservoir = {
        "start_volume": rng.uniform(0.02, 0.3),
        "inflow": rng.uniform(0, 6),
        "water_value": rng.uniform(25, 40) * 245.25,
    }
    prices = np.round(rng.normal(35, 8, (count, mtus)), 1)
    return Problem.of(watercourse(reservoir, **unit), hours(mtus)), program_on(prices)


STARTS = {
    "plant": {
        "units": [
            {
                "name": "U",
                "power_min": 5.0,
                "power_max": 15.0,
                "start_cost": 60.0,
                "turbine": [{"head": 100, "flow": [5, 10, 15], "efficiency": [0.88, 0.9, 0.87]}],
            }
        ]
    }
}


@pytest.mark.parametrize("commitment", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_shared_curves__worth__is_what_delivering_them_earns_and_less_than_foresight(
    seed, commitment, watercourse, hours
):
    machines = STARTS if commitment else {}
    problem, program = _random(seed, watercourse, hours, 5, **machines)
    program = replace(program, most=15.0)

    curves = shared(problem, program, commitment=commitment)

    delivered = [
        _delivered(problem, prices, sold_in(program, curves, s), commitment=commitment)
        for s, prices in enumerate(program.prices)
    ]
    ahead = ScenarioSolver(problem, commitment=commitment)
    foresight = [_worth(ahead, prices) for prices in program.prices]
    # Delivered by a search of its own, a curve is worth what the programme says, or a little more.
    slack = 1e-4 * curves.worth if commitment else 0.05
    assert curves.worth - 0.05 <= np.mean(delivered) <= curves.worth + slack
    assert curves.worth <= np.mean(foresight) + 0.05
    for volumes in curves.volumes:
        assert np.all(np.diff(volumes) >= 0)
        assert volumes[0] >= 0
        assert volumes[-1] <= 15.0 + 1e-9


def _worth(solver, prices):
    schedule = solver.solve(prices)
    assert isinstance(schedule, Schedule)
    return schedule.objective.total


def _delivered(problem, spot, sold, *, commitment):
    away, unlimited = IMBALANCE.away(spot), problem.trade.sale_max
    settled = replace(problem, trade=Trade(sold, unlimited, unlimited, 2 * away))
    return spot @ sold + _worth(ScenarioSolver(settled, commitment=commitment), spot - away)


@pytest.mark.parametrize("seed", range(4))
def test_shared_curves__one_scenario_with_starts__is_its_best_day(seed, watercourse, hours):
    problem, program = _random(seed, watercourse, hours, 1, **STARTS)
    program = replace(program, most=15.0)
    curves = shared(problem, program, commitment=True)
    alone = _worth(ScenarioSolver(problem, commitment=True), program.prices[0])
    assert curves.worth == pytest.approx(alone, rel=1e-5)


def test_shared_curves__solved_again__are_the_same(watercourse, hours):
    problem, program = _random(11, watercourse, hours, 8, **STARTS)
    first, second = (shared(problem, program, commitment=True) for _ in range(2))
    assert all(np.array_equal(*each) for each in zip(first.volumes, second.volumes, strict=True))


def test_shared_curves__hours_before_and_after_the_day__are_no_part_of_them(watercourse, hours):
    # Two hours are sold before the day begins, and the day after may use what is left.
    day, hour = hours(2), timedelta(hours=1)
    horizon = Horizon.mixed(day.start - 2 * hour, day, [(hour, 2 * hour)])
    water = watercourse({"start_volume": 5 * 0.036})
    free = Problem.over(water, horizon)
    sold = np.array([FULL, FULL, 0, 0, 0, 0])
    closed = np.array([0.0, 0.0, np.inf, np.inf, np.inf, np.inf])
    problem = replace(free, trade=Trade(sold, closed, closed, np.zeros(6)))
    program = program_on([[50, 60], [60, 70]])
    before, after = np.zeros(2), np.array([40.0, 65.0])
    scenarios = [Scenario(np.concatenate([before, p, after])) for p in program.prices]

    curves = shared_curves(problem, scenarios, program)

    assert isinstance(curves, SharedCurves)
    # Of three hours' water left one goes to the next day's 65, two are sold at 50 and 60, or 60 and 70.
    assert curves.worth == pytest.approx(FULL * (65 + (50 + 60 + 60 + 70) / 2), abs=0.05)
