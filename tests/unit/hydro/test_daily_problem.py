"""The way to a delivery day, by hand: what is sold is produced, and only the day is offered."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import Identifier, ScenarioId
from hydrobid.hydro.daily import daily_problem, offered
from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.optimise import optimise_problem
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import ViolationCode
from hydrobid.hydro.solve import solve_problem

FULL = 8.829  # MW of the one unit
HOUR = 0.036  # Mm3 that it takes in an hour
ONE_HOUR = timedelta(hours=1)
ONLY = ScenarioId("only")


@pytest.fixture
def day(hours):
    return hours(2)


def _solved(problem, prices, inflow=None):
    scenario = Scenario(np.array(prices, dtype=float), inflow or {})
    return dict(solve_problem(problem, {ONLY: scenario}))[ONLY]


def test_daily_problem__what_is_sold_is_produced_until_the_day_begins(watercourse, day):
    """Water for two hours: one is sold for tonight, so one is left for the dearest hour."""
    horizon = Horizon.mixed(day.start - 2 * ONE_HOUR, day)
    problem = daily_problem(watercourse({"start_volume": 2 * HOUR}), horizon, [FULL, 0.0])

    schedule = _solved(problem, [0, 0, 40, 50])

    assert schedule.net_power == pytest.approx([FULL, 0, 0, FULL], abs=1e-5)
    assert schedule.violations == ()
    assert offered(problem, schedule.net_power) == pytest.approx([0, FULL], abs=1e-5)
    assert schedule.objective.sales == pytest.approx(50 * FULL, abs=1e-3)


def test_daily_problem__what_cannot_be_produced_is_a_broken_limit_and_a_bid_all_the_same(
    watercourse, day
):
    horizon = Horizon.mixed(day.start - 2 * ONE_HOUR, day)
    problem = daily_problem(watercourse({"start_volume": HOUR}), horizon, [FULL, FULL])

    schedule = _solved(problem, [0, 0, 4000, 4000])

    (violation,) = schedule.violations
    assert violation.code is ViolationCode.OBLIGATION_NOT_MET
    assert violation.excess == pytest.approx(FULL, abs=1e-4)
    assert offered(problem, schedule.net_power) == pytest.approx([0, 0], abs=1e-5)


def test_daily_problem__an_hour_that_has_begun_is_delivered_to_its_end(watercourse, day):
    horizon = Horizon.mixed(day.start - 1.5 * ONE_HOUR, day)
    problem = daily_problem(watercourse({"start_volume": HOUR}), horizon, [FULL, 0.0])

    schedule = _solved(problem, [0, 0, 50, 40])

    assert offered(problem, schedule.net_power) == pytest.approx([FULL / 2, 0], abs=1e-5)


def test_daily_problem__dearer_hours_after_the_day_keep_water_and_are_no_part_of_the_bid(
    watercourse, day
):
    horizon = Horizon.mixed(day.start, day, [(ONE_HOUR, ONE_HOUR)])
    problem = daily_problem(watercourse({"start_volume": 2 * HOUR}), horizon, [])

    schedule = _solved(problem, [40, 50, 90])

    assert schedule.net_power == pytest.approx([0, FULL, FULL], abs=1e-5)
    assert offered(problem, schedule.net_power) == pytest.approx([0, FULL], abs=1e-5)


def test_daily_problem__what_is_sold_of_the_day_itself_is_delivered_and_not_sold_again(
    watercourse, day
):
    sold = {"times": [day.start - 1 * ONE_HOUR], "values": [5.0]}
    valley = watercourse({"start_volume": 3 * HOUR}, conditions={"trade": {"obligation": sold}})
    problem = daily_problem(valley, Horizon.mixed(day.start - ONE_HOUR, day), [5.0])

    schedule = _solved(problem, [0, 60, 50])

    assert schedule.net_power == pytest.approx([5, FULL, FULL], abs=1e-5)
    assert offered(problem, schedule.net_power) == pytest.approx([FULL - 5, FULL - 5], abs=1e-5)


def test_daily_problem__as_many_volumes_as_periods_before_the_day(watercourse, day):
    horizon = Horizon.mixed(day.start - 2 * ONE_HOUR, day)

    with pytest.raises(InvalidInput, match="one for each of 2 periods"):
        daily_problem(watercourse(), horizon, [1.0])


@pytest.mark.parametrize("solving", [solve_problem, optimise_problem])
def test_solving__each_scenario_has_its_own_inflow(watercourse, day, solving):
    problem = Problem.of(watercourse({"start_volume": 0.0}), day)
    prices, upper = np.array([40.0, 50.0]), Identifier("Upper")
    wet = {upper: np.array([10.0, 10.0])}
    scenarios = {
        ScenarioId("dry"): Scenario(prices),
        ScenarioId("wet"): Scenario(prices, wet),
        ScenarioId("dry-again"): Scenario(prices),
    }

    found = {name: schedule.net_power.sum() for name, schedule in solving(problem, scenarios)}

    assert found == pytest.approx({"dry": 0, "wet": 2 * FULL, "dry-again": 0}, abs=1e-4)


def test_horizon__shortened_keeps_the_delivery_day(day):
    horizon = Horizon.mixed(day.start - ONE_HOUR, day, [(ONE_HOUR, 3 * ONE_HOUR)])

    assert horizon.shortened(4).bounds == horizon.bounds[:5]
    with pytest.raises(InvalidInput, match="3 to 6"):
        horizon.shortened(2)
