"""Production curves: the physics by hand, and the pieces that a linear model needs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hydrobid.domain.watercourse import GeneratingUnit, Plant, Pump
from hydrobid.hydro.curves import (
    committed_production,
    convex_production,
    pump_rate,
    start_heads,
    unit_curve,
)
from hydrobid.hydro.problem import Problem


def _unit(name="U", power_max=1000.0, **changes):
    turbine = [{"head": 100, "flow": [10, 20, 30], "efficiency": [0.8, 0.9, 0.85]}]
    return {"name": name, "power_max": power_max, "turbine": turbine} | changes


@pytest.fixture
def problem(watercourse, hours):
    def make(*units, reservoir=None, periods=1, **changes):
        plant = {"units": [*units] or [_unit()]} | changes
        return Problem.of(watercourse(reservoir, plant), hours(periods))

    return make


def _plant(problem):
    (part,) = convex_production(problem)["P"].ranges
    return part


def _ranges(problem):
    return committed_production(problem)["U"].ranges


def test_unit_curve__is_the_product_of_flow_net_head_and_efficiencies():
    generator = {"x": [0, 20], "y": [0.9, 1.0]}
    unit = GeneratingUnit.model_validate(_unit(generator_efficiency=generator))
    plant = Plant(
        name="P",
        reservoir="R",
        outlet_level=0,
        units=(unit,),
        main_loss=0.01,
        penstock_loss=(0.02,),
    )

    flows, powers = unit_curve(unit, plant, 100.0)

    turbine = 9.81e-3 * 0.9 * 20 * (100 - 0.03 * 400)
    assert flows.tolist() == [10, 20, 30]
    assert powers[1] == pytest.approx(turbine * (0.9 + 0.1 * turbine / 20))


def test_convex_production__is_the_hull_of_the_curve_and_the_origin(problem):
    part = _plant(problem())

    # 10 m3/s at 80 % lies below the line from standstill to the best point, 20 m3/s at 90 %.
    best, last = 9.81e-3 * 100 * 20 * 0.9, 9.81e-3 * 100 * 30 * 0.85
    assert part.widths[:, 0] == pytest.approx([20, 10])
    assert part.slopes[:, 0] == pytest.approx([best / 20, (last - best) / 10])


def test_convex_production__ends_at_power_max(problem):
    part = _plant(problem(_unit(power_max=10.0)))

    assert part.power_full == pytest.approx([10.0])
    assert part.widths.sum() == pytest.approx(10 / (9.81e-3 * 100 * 0.9))


def test_convex_production__leaves_out_flow_that_loses_power(problem):
    part = _plant(problem(penstock_loss=(0.1,)))

    assert part.widths.sum() == pytest.approx(20)  # at 30 m3/s the losses take 90 m of head


@pytest.mark.parametrize("level", [0, -5])
def test_production__is_none_without_head(problem, level):
    without = problem(reservoir={"level": {"x": [0, 1], "y": [level, level]}})

    assert _plant(without).widths.size == 0
    assert not any(part.usable.any() for part in _ranges(without))


def test_convex_production__takes_the_best_unit_first_and_pools_twins(problem):
    weak = _unit("Weak", turbine=[{"head": 100, "flow": [10], "efficiency": [0.7]}])
    strong = {"turbine": [{"head": 100, "flow": [10], "efficiency": [0.9]}]}

    part = _plant(problem(weak, _unit("A", **strong), _unit("B", **strong), discharge_max=25))

    assert part.widths[:, 0] == pytest.approx([20, 5])
    assert part.slopes[:, 0] == pytest.approx([9.81e-3 * 90, 9.81e-3 * 70])


def test_convex_production__follows_maintenance_and_limits_by_time(problem):
    of_day = problem(_unit(), _unit("V"), periods=3)
    limits = replace(
        of_day.limits,
        available=of_day.limits.available | {"V": np.array([True, False, True])},
        power_max=of_day.limits.power_max | {"U": np.array([1000.0, 1000.0, 0.0])},
        discharge_max=of_day.limits.discharge_max | {"P": np.array([50.0, np.inf, np.inf])},
    )

    part = _plant(replace(of_day, limits=limits))

    assert part.widths.tolist() == [[40, 20, 20], [pytest.approx(10), 10, 10]]


def test_committed_production__runs_between_its_power_limits(problem):
    best = 9.81e-3 * 100 * 20 * 0.9

    (part,) = _ranges(problem(_unit(power_min=10.0, power_max=best)))

    half = 9.81e-3 * 100 * 10 * 0.8  # at 10 m3/s
    assert part.power == pytest.approx([10.0])
    assert part.flow == pytest.approx([10 + 10 * (10 - half) / (best - half)])
    assert part.power_full == pytest.approx([best])


def test_committed_production__leaves_out_forbidden_zones(problem):
    zones = [{"power_from": 10, "power_to": 12}, {"power_from": 15, "power_to": 900}]

    low, middle, high = _ranges(problem(_unit(forbidden_zones=zones)))

    assert (low.power_full[0], middle.power[0]) == (pytest.approx(10), pytest.approx(12))
    assert middle.power_full[0] == pytest.approx(15)
    assert [part.usable[0] for part in (low, middle, high)] == [True, True, False]


def test_committed_production__narrows_a_range_where_a_limit_changes(problem):
    of_day = problem(_unit(), periods=3)
    limits = replace(
        of_day.limits,
        power_min=of_day.limits.power_min | {"U": np.array([0.0, 12.0, 0.0])},
        power_max=of_day.limits.power_max | {"U": np.array([100.0, 100.0, 5.0])},
    )

    (part,) = _ranges(replace(of_day, limits=limits))

    assert part.usable.tolist() == [True, True, False]  # 5 MW are less than the unit can make
    assert part.power[:2] == pytest.approx([9.81e-3 * 100 * 10 * 0.8, 12.0])
    assert part.power_full[:2] == pytest.approx(2 * [9.81e-3 * 100 * 30 * 0.85])


def test_start_heads__are_the_start_level_over_the_outlet_or_the_lower_water(watercourse, hours):
    sloping = {"level": {"x": [0, 1], "y": [100, 120]}}
    below = [{"name": "Lower", "level": {"x": [0, 1], "y": [40, 60]}}]

    to_sea = Problem.of(watercourse(sloping, {"outlet_level": 30}), hours(1))
    drowned = Problem.of(
        watercourse(sloping, {"outlet_level": 30, "to": "Lower"}, below=below), hours(1)
    )

    assert start_heads(to_sea) == {"P": pytest.approx(80)}
    assert start_heads(drowned) == {"P": pytest.approx(60)}


def test_pump_rate__is_the_head_over_the_efficiency():
    pump = Pump(name="X", power_max=5, efficiency=0.8)

    assert pump_rate(pump, 100.0) == pytest.approx(9.81e-3 * 100 / 0.8)
