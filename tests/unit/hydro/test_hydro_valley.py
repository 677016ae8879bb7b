"""The two-reservoir valley of SDDP.jl's documentation, whose optimum is published.

Source: SDDP.jl (github.com/odow/SDDP.jl), examples, "hydro valley": three stages, two reservoirs of
200 units that begin full, turbines with 50, 60 and 70 units of flow for 55, 65 and 70 units of
power, prices 1, 2 and 3, no inflow: 835.0. Here a stage is an hour and a unit of water is what
1 m3/s brings in it.
"""

from __future__ import annotations

import pytest

WATER = 0.0036
HEAD = 200
FLOW, POWER = (50, 60, 70), (55, 65, 70)


def test_solve__finds_the_published_optimum_of_the_deterministic_valley(watercourse, solve):
    efficiency = [power / (9.81e-3 * HEAD * q) for q, power in zip(FLOW, POWER, strict=True)]
    unit = {
        "power_max": 1000,
        "turbine": [{"head": HEAD, "flow": FLOW, "efficiency": efficiency}],
    }
    full = {"volume_max": 200 * WATER, "start_volume": 200 * WATER}
    valley = watercourse(
        full | {"level": {"x": [0, 1], "y": [2 * HEAD, 2 * HEAD]}},
        {"to": "Lower", "outlet_level": HEAD, "units": [unit | {"name": "U1"}]},
        below=[full | {"level": {"x": [0, 1], "y": [HEAD, HEAD]}}],
        plants_below=[
            {
                "name": "P2",
                "reservoir": "Lower",
                "outlet_level": 0,
                "units": [unit | {"name": "U2"}],
            }
        ],
    )

    schedule = solve(valley, [1, 2, 3])

    assert schedule.objective.total == pytest.approx(835.0, abs=1e-3)
    assert schedule.violations == ()
