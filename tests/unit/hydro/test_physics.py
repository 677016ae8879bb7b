"""Heads, losses and efficiencies by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hydrobid.domain.watercourse import GeneratingUnit, Plant, Pump, Reservoir
from hydrobid.hydro.physics import (
    efficiency,
    flow_range,
    gross_head,
    losses,
    machine_powers,
    pump_power,
    unit_power,
)

TURBINE = [
    {"head": 100, "flow": [10, 20], "efficiency": [0.8, 0.9]},
    {"head": 200, "flow": [12, 20], "efficiency": [0.9, 1.0]},
]
UNIT = {"name": "U", "power_max": 100, "turbine": TURBINE}


def plant(**changes):
    content = {"name": "P", "reservoir": "R", "outlet_level": 50, "units": [UNIT]}
    return Plant.model_validate(content | changes)


def reservoir(name, levels):
    return Reservoir.model_validate(
        {
            "name": name,
            "volume_max": 10,
            "level": {"x": [0, 10], "y": levels},
            "start_volume": 5,
            "water_value": 0,
        }
    )


def test_unit_power__is_the_formula():
    unit = GeneratingUnit.model_validate(UNIT)
    power = unit_power(unit, np.array([20.0]), np.array([100.0]))
    assert power == pytest.approx(9.81e-3 * 0.9 * 20 * 100)


def test_efficiency__is_linear_in_flow_and_head_and_flat_beyond():
    curves = GeneratingUnit.model_validate(UNIT).turbine
    flow, head = np.array([15.0, 15.0, 20.0, 30.0]), np.array([100.0, 150.0, 300.0, 50.0])
    at_200 = 0.9 + 0.1 * 3 / 8
    expected = [0.85, (0.85 + at_200) / 2, 1.0, 0.9]
    assert efficiency(curves, flow, head) == pytest.approx(expected)


def test_generator_efficiency__is_read_at_the_turbines_power():
    unit = GeneratingUnit.model_validate(
        UNIT | {"generator_efficiency": {"x": [0, 100], "y": [0.5, 1.0]}}
    )
    turbine = 9.81e-3 * 0.9 * 20 * 100
    power = unit_power(unit, np.array([20.0]), np.array([100.0]))
    assert power == pytest.approx(turbine * (0.5 + turbine / 200))


def test_losses__tunnel_by_all_flow_penstock_by_its_own():
    units = [UNIT | {"name": name, "penstock": p} for name, p in (("A", 1), ("B", 2), ("C", 2))]
    spot = plant(main_loss=0.001, penstock_loss=[0.01, 0.02], units=units)
    lost = losses(spot, {"A": np.array(10.0), "B": np.array(12.0), "C": np.array(18.0)})
    tunnel = 0.001 * 40**2
    assert lost["A"] == pytest.approx(tunnel + 0.01 * 10**2)
    assert lost["B"] == lost["C"] == pytest.approx(tunnel + 0.02 * 30**2)


def test_gross_head__ends_at_the_outlet_or_the_lower_reservoirs_level():
    upper, lower = reservoir("R", [100, 110]), reservoir("L", [40, 60])
    volumes = np.array([5.0, 5.0]), np.array([2.0, 8.0])  # lower at 44 and 56 m
    assert gross_head(plant(to="L"), upper, lower, *volumes) == pytest.approx([55, 49])
    assert gross_head(plant(), upper, None, volumes[0]) == pytest.approx([55, 55])


def test_flow_range__moves_with_the_head():
    unit = GeneratingUnit.model_validate(UNIT)
    least, most = flow_range(unit, np.array([100.0, 150.0, 250.0]))
    assert least == pytest.approx([10, 11, 12])
    assert most == pytest.approx([20, 20, 20])


def test_pump_power__lifts_over_losses_too():
    pump = {"name": "X", "power_max": 50, "efficiency": 0.8, "penstock": 1}
    spot = plant(to="L", penstock_loss=[0.1], pumps=[pump])
    flows = {"U": np.array([0.0]), "X": np.array([10.0])}
    power = machine_powers(spot, flows, np.array([60.0]))["X"]
    assert power == pytest.approx(-9.81e-3 * 10 * (60 + 0.1 * 10**2) / 0.8)


def test_pump_power__of_efficiency_curves():
    pump = Pump.model_validate({"name": "X", "power_max": 50, "efficiency": 0.8, "curves": TURBINE})
    power = pump_power(pump, np.array([15.0]), np.array([100.0]))
    assert power == pytest.approx(9.81e-3 * 15 * 100 / 0.85)


def test_unit_power__is_none_where_losses_leave_no_head():
    unit = GeneratingUnit.model_validate(UNIT)
    assert unit_power(unit, np.array([20.0]), np.array([-5.0])) == pytest.approx(0.0)
