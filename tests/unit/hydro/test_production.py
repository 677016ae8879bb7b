"""Production segments: the physics by hand, and the form that a linear model needs."""

from __future__ import annotations

import numpy as np
import pytest

from hydrobid.domain.watercourse import GeneratingUnit, Plant, Pump
from hydrobid.hydro.production import (
    Segments,
    plant_segments,
    pump_rate,
    reference_head,
    unit_power,
    unit_segments,
)


def _unit(name="U", power_max=1000.0, **changes):
    turbine = [{"head": 100, "flow": [10, 20, 30], "efficiency": [0.8, 0.9, 0.85]}]
    return GeneratingUnit.model_validate(
        {"name": name, "power_max": power_max, "turbine": turbine} | changes
    )


def _plant(*units, **changes):
    content = {"name": "P", "reservoir": "R", "outlet_level": 0, "units": units or (_unit(),)}
    return Plant.model_validate(content | changes)


def test_unit_power__is_the_product_of_flow_net_head_and_efficiencies():
    generator = {"x": [0, 20], "y": [0.9, 1.0]}
    unit = _unit(generator_efficiency=generator)
    plant = _plant(unit, main_loss=0.01, penstock_loss=(0.02,))

    (power,) = unit_power(unit, plant, 100.0, np.array([15.0]))

    turbine = 9.81e-3 * 0.85 * 15 * (100 - 0.03 * 225)
    assert power == pytest.approx(turbine * (0.9 + 0.1 * turbine / 20))


def test_unit_power__interpolates_efficiency_between_heads_and_keeps_it_beyond():
    turbine = [
        {"head": 80, "flow": [10, 20], "efficiency": [0.7, 0.8]},
        {"head": 100, "flow": [10, 20], "efficiency": [0.8, 0.9]},
    ]
    unit = _unit(turbine=turbine)

    efficiencies = [
        float(unit_power(unit, _plant(unit), head, np.array([15.0]))[0]) / (9.81e-3 * 15 * head)
        for head in (60, 90, 120)
    ]

    assert efficiencies == pytest.approx([0.75, 0.80, 0.85])


def test_unit_segments__are_the_concave_hull_through_the_origin():
    segments = unit_segments(_unit(), _plant(), 100.0)

    # 10 m3/s at 80 % lies below the line from standstill to the best point, 20 m3/s at 90 %.
    best, last = 9.81e-3 * 100 * 20 * 0.9, 9.81e-3 * 100 * 30 * 0.85
    assert segments.widths == pytest.approx([20, 10])
    assert segments.slopes == pytest.approx([best / 20, (last - best) / 10])


def test_unit_segments__end_at_power_max():
    segments = unit_segments(_unit(power_max=10.0), _plant(), 100.0)

    assert segments.power(np.array([1e3])) == pytest.approx([10.0])
    assert segments.flow_max == pytest.approx(10 / (9.81e-3 * 100 * 0.9))


def test_unit_segments__leave_out_flow_that_loses_power():
    segments = unit_segments(_unit(), _plant(penstock_loss=(0.1,)), 100.0)

    assert segments.flow_max == pytest.approx(20)  # at 30 m3/s the losses take 90 m of head


@pytest.mark.parametrize("head", [0.0, -5.0])
def test_unit_segments__are_none_without_head(head):
    segments = unit_segments(_unit(), _plant(), head)

    assert (segments.flow_max, segments.steepest) == (0.0, 0.0)
    assert segments.power(np.array([7.0])) == pytest.approx([0.0])


def test_plant_segments__take_the_best_unit_first_and_pool_twins():
    weak = _unit("Weak", turbine=[{"head": 100, "flow": [10], "efficiency": [0.7]}])
    strong = {"turbine": [{"head": 100, "flow": [10], "efficiency": [0.9]}]}
    plant = _plant(weak, _unit("A", **strong), _unit("B", **strong), discharge_max=25)

    segments = plant_segments(plant, 100.0)

    assert segments.widths == pytest.approx([20, 5])
    assert segments.slopes == pytest.approx([9.81e-3 * 90, 9.81e-3 * 70])


def test_segments__split_at_a_flow_and_lose_nothing():
    whole = Segments(np.array([10.0, 5.0]), np.array([0.9, 0.5]))

    lower, upper = whole.up_to(12), whole.beyond(12)

    assert [*lower.widths, *upper.widths] == pytest.approx([10, 2, 3])
    assert [*lower.slopes, *upper.slopes] == pytest.approx([0.9, 0.5, 0.5])


def test_reference_head__is_the_start_level_over_the_outlet(watercourse):
    sloping = watercourse({"level": {"x": [0, 1], "y": [100, 120]}}, {"outlet_level": 30})

    assert reference_head(sloping, sloping.plants[0]) == pytest.approx(80)


def test_pump_rate__is_the_head_over_the_efficiency():
    pump = Pump(name="X", power_max=5, efficiency=0.8)

    assert pump_rate(pump, 100.0) == pytest.approx(9.81e-3 * 100 / 0.8)
