"""No water is lost from one day to the next, and what is spilled is told."""

from __future__ import annotations

import numpy as np
import pytest

from hydrobid.bidding.backtest.water import running_plants, starts, with_water_after
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.solve import solve_scenarios


def solved(watercourse, grid, prices):
    only = ScenarioId("only")
    return dict(solve_scenarios(watercourse, grid, {only: np.array(prices, dtype=float)}))[only]


def chain(watercourse, lower_start: float) -> Watercourse:
    """The upper reservoir above a lower one without a plant, ninety minutes of river between."""
    made = watercourse({"inflow": 1.0})
    lower = made.reservoirs[0].model_copy(
        update={"name": "Lower", "start_volume": lower_start, "inflow": 0.0, "water_value": 0.0}
    )
    plant = made.plants[0].model_copy(update={"to": "V"})
    content = made.model_copy(
        update={"reservoirs": (*made.reservoirs, lower), "plants": (plant,)}
    ).to_document()
    content["rivers"] = [{"name": "V", "to": "Lower", "delay_minutes": 90}]
    return Watercourse.model_validate(content)


def test_with_water_after__water_under_way_is_there_when_the_next_day_begins(watercourse, grid):
    made, hours = chain(watercourse, 0.5), grid(4)
    schedule = solved(made, hours, [90, 90, 90, 90])
    after, spilled = with_water_after(made, hours, schedule)
    upper, lower = (r.start_volume for r in after.reservoirs)

    # 10 m3/s all day left, all of it has arrived below; 1 m3/s came in.
    assert upper == pytest.approx(0.5 - 4 * 0.036 + 4 * 0.0036)
    assert lower == pytest.approx(0.5 + 4 * 0.036)
    assert schedule.volume["Lower"][-1] == pytest.approx(0.5 + 2.5 * 0.036)
    assert spilled == 0


def test_with_water_after__what_a_full_reservoir_cannot_take_is_spilled(watercourse, grid):
    made, hours = chain(watercourse, 0.92), grid(4)
    after, spilled = with_water_after(made, hours, solved(made, hours, [90, 90, 90, 90]))
    assert after.reservoirs[1].start_volume == 1.0
    total = 0.5 + 0.92 + 4 * 0.0036
    assert sum(r.start_volume for r in after.reservoirs) + spilled == pytest.approx(total)
    assert spilled > 0


def test_with_water_after__gates_count_beyond_what_they_must_release(watercourse, grid):
    gate = {"name": "G", "reservoir": "Upper", "flow_min": 2.0}
    made = watercourse({"start_volume": 1.0, "inflow": 20.0}, gates=[gate])
    schedule = solved(made, grid(2), [50, 50])
    _, spilled = with_water_after(made, grid(2), schedule)
    # 20 m3/s come in, 10 run the plant, 2 must be released, and 8 are spilled.
    assert spilled == pytest.approx(2 * 8 * 0.0036)


def test_starts__counts_plants_that_begin_to_run_and_knows_the_day_before(watercourse, grid):
    schedule = solved(watercourse(), grid(5), [90, 0, 90, 0, 90])
    assert starts(schedule, running=frozenset()) == 3
    assert starts(schedule, running={"P"}) == 2
    assert running_plants(schedule) == {"P"}
