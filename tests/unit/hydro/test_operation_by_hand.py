"""What a day may ask of a plant, by hand: limits by time, ramping, trade, reserves, end values.

The plant makes FULL MW of 10 m3/s, 0.036 Mm3 an hour.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.problem import Problem, Trade
from hydrobid.hydro.schedule import Method, ViolationCode
from hydrobid.hydro.solve import ScenarioSolver

FULL = 9.81e-3 * 0.9 * 100 * 10
HOUR = 0.036
LONG_AGO = datetime(2026, 3, 28, tzinfo=UTC)


@pytest.fixture
def day(watercourse, hours):
    def make(periods, reservoir=None, plant=None, **others):
        return Problem.of(watercourse(reservoir, plant, **others), hours(periods))

    return make


def _solved(problem, prices, **options):
    return ScenarioSolver(problem, **options).solve(np.array(prices, dtype=float))


def _limited(problem, **limits):
    changed = {
        name: getattr(problem.limits, name)
        | {element: np.array(values) for element, values in by_element.items()}
        for name, by_element in limits.items()
    }
    return replace(problem, limits=replace(problem.limits, **changed))


def _told(schedule):
    return {
        violation.code: (violation.element, violation.mtus, violation.excess, violation.unit)
        for violation in schedule.violations
    }


def test_solve__follows_maintenance_and_a_power_limit_by_time(day):
    problem = _limited(
        day(3, {"start_volume": 1.0}),
        available={"U": [True, False, True]},
        power_max={"U": [100, 100, FULL / 2]},
    )

    schedule = _solved(problem, [50, 50, 50])

    assert schedule.plant_power["P"] == pytest.approx([FULL, 0, FULL / 2], abs=1e-5)


def test_solve__keeps_ramping_from_the_period_before(day):
    problem = day(4, {"start_volume": 1.0}, {"ramp_up": 3.0, "ramp_down": 6.0})
    problem = replace(problem, start=replace(problem.start, flow={"P": 1.0}))

    schedule = _solved(problem, [50, 50, 50, -50])

    assert schedule.discharge["P"] == pytest.approx([4, 7, 6, 0], abs=1e-6)


def test_solve__names_a_ramp_that_cannot_be_kept(day):
    problem = day(2, {"start_volume": 0.0, "inflow": 0}, {"ramp_down": 2.0})
    problem = replace(problem, start=replace(problem.start, flow={"P": 9.0}))

    schedule = _solved(problem, [50, 50])

    assert _told(schedule) == {ViolationCode.DISCHARGE_RAMP: ("P", (0,), 7.0, "m3/s")}


def test_solve__holds_back_water_for_a_limit_that_comes_later_or_names_it(day):
    least = {"volume_min": {"Upper": [0.0, 0.0, 0.46]}}
    kept = _limited(day(3, {"start_volume": 0.5}), **least)
    missed = _limited(day(3, {"start_volume": 0.4}), **least)

    assert _solved(kept, [50, 90, 60]).discharge["P"] == pytest.approx([0, 10, 40 / 36], abs=1e-5)
    told = _told(_solved(missed, [50, 90, 60]))
    assert told == {ViolationCode.VOLUME_BELOW_MINIMUM: ("Upper", (2,), pytest.approx(0.06), "Mm3")}


def test_solve__passes_a_soft_limit_where_that_pays(day):
    soft = {"volume_soft_min": {"volume": 0.5, "penalty": 3000.0}}
    problem = day(1, {"start_volume": 0.5, **soft})

    cheap = _solved(problem, [3000 * HOUR / FULL - 0.1])
    dear = _solved(problem, [3000 * HOUR / FULL + 0.1])

    assert (cheap.discharge["P"].tolist(), cheap.violations) == ([0.0], ())
    (violation,) = dear.violations
    assert violation.code is ViolationCode.VOLUME_BELOW_SOFT_MINIMUM
    assert violation.penalty == pytest.approx(3000 * HOUR)
    assert dear.objective.total == pytest.approx(0.1 * FULL, abs=1e-3)


def test_solve__produces_what_is_sold_before_the_delivery_day(day):
    none, free = np.zeros(3), np.array([0.0, 0.0, np.inf])
    trade = Trade(np.array([2.0, 5.0, 1.0]), free, free, none)
    problem = replace(day(3, {"start_volume": 1.0}), trade=trade)

    schedule = _solved(problem, [900, 1, 30])

    assert schedule.net_power == pytest.approx([2, 5, FULL], abs=1e-5)
    assert schedule.objective.sales == pytest.approx(30 * (FULL - 1), abs=1e-3)


def test_solve__names_an_obligation_that_the_water_does_not_suffice_for(day):
    none = np.zeros(2)
    trade = Trade(np.array([0.0, FULL]), none, none, none)
    problem = replace(day(2, {"start_volume": HOUR / 4}), trade=trade)

    told = _told(_solved(problem, [50, 50]))

    missing = ViolationCode.OBLIGATION_NOT_MET
    assert told == {missing: ("example", (1,), pytest.approx(0.75 * FULL, abs=1e-5), "MW")}


def test_solve__does_not_buy_for_less_than_the_markup(day):
    zero, unlimited = np.zeros(2), np.full(2, np.inf)
    trade = Trade(np.array([FULL, FULL]), unlimited, unlimited, zero + 5.0)
    water_value = 40 * FULL / HOUR
    problem = replace(day(2, {"start_volume": 0.5, "water_value": water_value}), trade=trade)

    schedule = _solved(problem, [36, 34])

    # Own water is worth 40; bought power costs 41 in the first hour and 39 in the second.
    assert schedule.net_power == pytest.approx([FULL, 0], abs=1e-5)
    assert schedule.objective.sales == pytest.approx(-39 * FULL, abs=1e-3)


def test_solve__keeps_room_for_reserves(day):
    up, down = np.array([2.0, 0.0]), np.array([0.0, 3.0])
    problem = replace(day(2, {"start_volume": 1.0}), reserve_up={"P": up}, reserve_down={"U": down})

    schedule = _solved(problem, [50, -1])

    assert schedule.net_power == pytest.approx([FULL - 2, 3], abs=1e-5)
    assert schedule.violations == ()


def test_solve__names_a_reserve_beyond_the_plant(day):
    problem = replace(day(1), reserve_up={"P": np.array([FULL + 1])})

    told = _told(_solved(problem, [50]))

    reserve = ViolationCode.RESERVE_UP
    assert told == {reserve: ("P", (0,), pytest.approx(1, abs=1e-5), "MW")}


def test_solve__sells_stored_water_down_to_the_segment_that_is_worth_more(day):
    segments = [{"width": 0.3, "water_value": 60 * FULL / HOUR}, {"width": 1, "water_value": 0.0}]
    problem = day(9, {"start_volume": 0.5, "water_value_segments": segments})

    schedule = _solved(problem, [50] * 9)

    assert schedule.volume["Upper"][-1] == pytest.approx(0.3, abs=1e-6)
    expected = 0.3 * 60 * FULL / HOUR + 50 * FULL * 0.2 / HOUR
    assert schedule.objective.total == pytest.approx(expected, abs=1e-2)


def test_solve__values_what_is_left_by_the_lowest_cut(day):
    worth = FULL / HOUR
    cuts = [
        {"constant": 0.0, "slopes": {"Upper": 60 * worth}},
        {"constant": 0.4 * 60 * worth, "slopes": {"Upper": 0.0}},
    ]
    problem = day(9, {"start_volume": 0.5}, cuts=cuts)

    schedule = _solved(problem, [50] * 9)

    assert schedule.volume["Upper"][-1] == pytest.approx(0.4, abs=1e-6)
    assert schedule.objective.end_value == pytest.approx(0.4 * 60 * worth, abs=1e-2)


def test_solve__water_arrives_by_the_clock_on_a_grid_of_mixed_resolution(watercourse):
    steps = np.cumsum([0, 30, 30, 60, 120]) * timedelta(minutes=1)
    horizon = Horizon(tuple(LONG_AGO + steps), slice(0, 4))
    below = [{"name": "Lower", "start_volume": 0.0}]
    river = {"name": "V", "to": "Lower", "delay_minutes": 45}
    valley = watercourse({"start_volume": HOUR / 2}, {"to": "V"}, below=below, rivers=[river])

    schedule = _solved(Problem.over(valley, horizon), [50, 1, 1, 1])

    # What left from 0:00 to 0:30 arrives from 0:45 to 1:15: half of it by 1:00.
    arrived = np.array([0, 0, 0.5, 1, 1]) * HOUR / 2
    assert schedule.volume["Lower"] == pytest.approx(arrived, abs=1e-9)


def test_solve__water_under_way_at_the_start_arrives(day):
    problem = day(2, {"start_volume": 0.0})
    under_way = {"Upper": np.array([0.0, 4.0])}
    problem = replace(problem, start=replace(problem.start, under_way=under_way))

    schedule = _solved(problem, [50, 10])

    assert schedule.discharge["P"] == pytest.approx([0, 4], abs=1e-6)


def test_solve__does_not_pump_and_generate_at_once_to_use_up_power(day):
    pump = {"name": "X", "power_max": 9.81, "efficiency": 0.8}  # 8 m3/s over 100 m
    problem = day(
        2,
        {"start_volume": 0.5},
        {"to": "Lower", "pumps": [pump], "discharge_min": 2.0},
        below=[{"name": "Lower", "start_volume": 0.9}],
    )

    schedule = _solved(problem, [-100, 20])

    # Below zero it would pump and let the minimum through; a minimum is dearer than any price.
    assert np.minimum(schedule.pumping["X"], schedule.discharge["P"]).tolist() == [0.0, 0.0]
    assert schedule.discharge["P"][0] == pytest.approx(2)
    assert schedule.method is Method.MIXED_INTEGER
    assert "either pumping or generating" in schedule.reason


def test_solve__says_what_another_mm3_is_worth(day):
    spare = {"volume_max": 100.0, "level": {"x": [0, 100], "y": [100, 100]}, "start_volume": 50}
    problem = day(2, spare | {"water_value": 700.0})
    scarce = day(2, {"start_volume": HOUR / 2, "water_value": 700.0})

    plenty, little = _solved(problem, [50, 90]), _solved(scarce, [50, 90])

    assert plenty.water_price["Upper"] == pytest.approx([700, 700], abs=0.01)
    assert little.water_price["Upper"] == pytest.approx([90 * FULL / HOUR] * 2, rel=1e-4)
