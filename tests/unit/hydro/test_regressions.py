"""Problems that random tests found, and that once had no answer."""

from __future__ import annotations

import numpy as np

from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.schedule import Termination
from hydrobid.hydro.solve import solve_scenarios


def _unit(name, power_max, flow, efficiency):
    turbine = [{"head": 90.0, "flow": flow, "efficiency": efficiency}]
    return {"name": name, "power_max": power_max, "turbine": turbine}


def test_solve__penalties_that_leave_no_digits_to_a_tolerance_are_no_failure(hours):
    """Given a spike beside negative prices where penalties pass from reservoir to reservoir.

    The water's price is 1e8 there; its last digit is beyond a tolerance of 1e-9, and the solver
    stopped at an optimum that it called unknown.
    """
    top, middle, bottom = (
        {"name": f"R{at}", "volume_max": size, "level": {"x": [0, size], "y": [low, low + 5]}}
        for at, size, low in ((0, 0.2, 300), (1, 1.928, 200), (2, 0.2, 100))
    )
    soft = {
        "volume_soft_min": {"volume": 0.964, "penalty": 400.0},
        "volume_soft_max": {"volume": 1.3496, "penalty": 100.0},
    }
    watercourse = Watercourse.model_validate(
        {
            "name": "found",
            "reservoirs": [
                top | {"start_volume": 0.02, "water_value": 15750.0},
                middle | {"start_volume": 0.1928, "inflow": 60.0, "water_value": 0.0} | soft,
                bottom | {"start_volume": 0.2, "water_value": 0.0},
            ],
            "plants": [
                {
                    "name": "P0",
                    "reservoir": "R0",
                    "to": "R1",
                    "outlet_level": 210.0,
                    "units": [_unit("U00", 4.0, [4], [0.8])],
                    "pumps": [{"name": "X0", "power_max": 20.0, "efficiency": 0.85}],
                    "discharge_min": 3.0,
                },
                {
                    "name": "P1",
                    "reservoir": "R1",
                    "to": "R2",
                    "outlet_level": 110.0,
                    "units": [_unit("U11", 60.0, [26, 29], [0.8, 0.8345])],
                    "discharge_max": 25.0,
                    "ramp_up": 12.0,
                    "ramp_down": 8.0,
                },
                {
                    "name": "P2",
                    "reservoir": "R2",
                    "outlet_level": 10.0,
                    "units": [
                        _unit("U20", 4.0, [4, 24, 38], [0.8, 0.9125, 0.8]),
                        _unit("U21", 60.0, [4, 15, 35], [0.8525, 0.893, 0.8]),
                    ],
                    "discharge_min": 3.0,
                    "discharge_max": 25.0,
                },
            ],
            "gates": [{"name": "G0", "reservoir": "R0", "flow_min": 1.0, "flow_max": 20.0}],
        }
    )
    prices = np.array([-75.0, -75.0, 0, 0, 4000, 0, 4000, 0, -300, 0, 0, -75])
    scenario = ScenarioId("found")

    schedule = dict(solve_scenarios(watercourse, hours(12, 15), {scenario: prices}))[scenario]

    assert schedule.termination is Termination.OPTIMAL
