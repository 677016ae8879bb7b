"""The two-reservoir valley of SDDP.jl's documentation, whose optimum is published.

Source: SDDP.jl (github.com/odow/SDDP.jl), examples, "hydro valley": three stages, two reservoirs of
200 units that begin full, turbines with 50, 60 and 70 units of flow for 55, 65 and 70 units of
power, prices 1, 2 and 3, no inflow: 835.0. Here a stage is an hour and a unit of water is what
1 m3/s brings in it.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from hydrobid.domain.watercourse import Gate
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.solve import ScenarioSolver

WATER = 0.0036
HEAD = 200
FLOW, POWER = (50, 60, 70), (55, 65, 70)


@pytest.fixture
def valley(watercourse):
    efficiency = [power / (9.81e-3 * HEAD * q) for q, power in zip(FLOW, POWER, strict=True)]
    unit = {
        "power_max": 1000,
        "turbine": [{"head": HEAD, "flow": FLOW, "efficiency": efficiency}],
    }
    full = {"volume_max": 200 * WATER, "start_volume": 200 * WATER}
    return watercourse(
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


def test_solve__finds_the_published_optimum_of_the_deterministic_valley(valley, solve):
    schedule = solve(valley, [1, 2, 3])

    assert schedule.objective.total == pytest.approx(835.0, abs=1e-3)
    assert schedule.violations == ()


def test_solve__of_the_price_tree_is_worth_what_is_published(valley, solve):
    """Prices by a Markov chain: 851.8 by stages, and knowing them from the start adds nothing."""
    second, third = {2: 0.6, 1: 0.4}, {2: {3: 0.6, 4: 0.4}, 1: {3: 0.3, 4: 0.7}}
    expected = sum(
        chance * chance_of * solve(valley, [1, price, later]).objective.total
        for price, chance in second.items()
        for later, chance_of in third[price].items()
    )
    assert expected == pytest.approx(851.8, abs=1e-3)


def test_solve__knows_the_inflow_that_stages_do_not(valley, hours):
    """Inflow that is known only as it comes: 838.33 by stages; who knows it all makes more of it."""
    to_sea = [{"name": f"G{name}", "reservoir": name} for name in ("Upper", "Lower")]
    refusing = valley.model_copy(update={"gates": tuple(map(Gate.model_validate, to_sea))})
    solver = ScenarioSolver(Problem.of(refusing, hours(3)))
    worths = []
    for second, third in product([(0, 0), (20, 0), (50, 20)], repeat=2):
        upper, lower = np.array([(0, 0), second, third], dtype=float).T
        found = solver.solve(np.array([1.0, 2.0, 3.0]), {"Upper": upper, "Lower": lower})
        assert found.violations == ()
        worths.append(found.objective.total)
    assert worths[0] == pytest.approx(835.0, abs=1e-3)
    assert np.mean(worths) == pytest.approx(839.44, abs=0.01)
