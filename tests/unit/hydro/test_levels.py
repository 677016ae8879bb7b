"""Levels of a day's beginning, by hand: what flows in, and what is sold until then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.levels import at_the_day

FULL = 8.829  # MW of the one unit, at 10 m3/s
HOUR = 0.036  # Mm3 of 10 m3/s
BELOW = [{"name": "Lower", "start_volume": 0.2}]


@pytest.fixture
def before(hours):
    """Return a horizon of some hours before a day of two."""

    def make(count):
        day = hours(2)
        return Horizon.mixed(day.start - timedelta(hours=count), day)

    return make


def volumes(watercourse):
    return {reservoir.name: reservoir.start_volume for reservoir in watercourse.reservoirs}


def test_at_the_day__sold_power_takes_water_from_above_to_below(watercourse, before):
    valley = watercourse({"start_volume": 0.5}, {"to": "Lower"}, below=BELOW)

    found = volumes(at_the_day(valley, before(3), [FULL, FULL / 2, 0.0]))

    assert found == pytest.approx({"Upper": 0.5 - 1.5 * HOUR, "Lower": 0.2 + 1.5 * HOUR})


def test_at_the_day__inflow_and_what_gates_must_release(watercourse, before):
    gate = {"name": "G", "reservoir": "Upper", "to": "Lower", "flow_min": 1.0}
    valley = watercourse(
        {"start_volume": 0.5, "inflow": 5.0}, {"to": "Lower"}, below=BELOW, gates=[gate]
    )

    found = volumes(at_the_day(valley, before(2), [0.0, 0.0]))

    assert found == pytest.approx({"Upper": 0.5 + 0.8 * HOUR, "Lower": 0.2 + 0.2 * HOUR})


def test_at_the_day__bought_power_is_pumped(watercourse, before):
    pump = {"name": "X", "power_max": 9.81, "efficiency": 0.8}  # 8 m3/s over 100 m
    valley = watercourse({"start_volume": 0.5}, {"to": "Lower", "pumps": [pump]}, below=BELOW)

    found = volumes(at_the_day(valley, before(1), [-9.81]))

    assert found == pytest.approx({"Upper": 0.5 + 0.8 * HOUR, "Lower": 0.2 - 0.8 * HOUR})


def test_at_the_day__within_the_reservoirs_limits(watercourse, before):
    empty = watercourse({"start_volume": 0.5 * HOUR})
    full = watercourse({"start_volume": 0.99, "inflow": 20.0})

    assert volumes(at_the_day(empty, before(2), [FULL, FULL])) == {"Upper": 0.0}
    assert volumes(at_the_day(full, before(2), [0.0, 0.0])) == {"Upper": 1.0}


def test_at_the_day__more_than_the_units_can_do_takes_what_they_can(watercourse, before):
    found = volumes(at_the_day(watercourse({"start_volume": 0.5}), before(1), [10 * FULL]))

    assert found == pytest.approx({"Upper": 0.5 - HOUR})


def test_at_the_day__a_day_by_itself_stays_as_it_is(watercourse, before):
    valley = watercourse()

    assert at_the_day(valley, before(0), []) is valley
