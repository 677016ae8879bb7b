"""What was sold is delivered as well as the water and the imbalance prices allow; by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hydrobid.bidding.backtest.delivery import Day, deliver, worth_idle
from hydrobid.domain.identifiers import Identifier, ScenarioId
from hydrobid.domain.imbalance import ImbalancePrices
from hydrobid.domain.watercourse import Pump
from hydrobid.hydro.solve import solve_scenarios

FULL = 8.829  # MW
WATER = 30 * 245.25  # EUR per Mm3: 30 EUR/MWh
PRICES = ImbalancePrices(share=0.2, margin=2.0)


def delivered(watercourse, grid, sold, spot):
    day = Day(watercourse, grid(len(spot)))
    return deliver(day, FULL * np.array(sold), np.array(spot, dtype=float), PRICES)


def test_deliver__what_pays_is_produced(watercourse, grid):
    done = delivered(watercourse(), grid, [1, 1], [50, 40])
    assert done.schedule.net_power == pytest.approx([FULL, FULL])
    assert done.value == pytest.approx(FULL * (50 + 40) + WATER * (0.5 - 0.072), abs=0.01)


def test_deliver__what_is_cheaper_to_buy_is_bought(watercourse, grid):
    # Water is worth 30; a shortage at a spot price of 10 costs 1.2 x 10 + 2 = 14.
    done = delivered(watercourse(), grid, [1, 1], [50, 10])
    assert done.shortage == pytest.approx([0, FULL])
    assert done.value == pytest.approx(
        FULL * (50 + 10) - FULL * 14 + WATER * (0.5 - 0.036), abs=0.01
    )


@pytest.mark.parametrize(("spot", "surplus"), [(41, FULL), (39, 0)])
def test_deliver__a_surplus_is_made_where_it_earns_more_than_the_water(
    watercourse, grid, spot, surplus
):
    # 0.8 x 41 - 2 = 30.8 and 0.8 x 39 - 2 = 29.2, with water worth 30.
    done = delivered(watercourse(), grid, [0], [spot])
    assert done.surplus == pytest.approx([surplus])
    used = 0.036 if surplus else 0.0
    assert done.value == pytest.approx(surplus * (0.8 * spot - 2) + WATER * (0.5 - used), abs=0.01)


def test_deliver__scarce_water_goes_where_a_shortage_costs_most(watercourse, grid):
    done = delivered(watercourse({"start_volume": 0.036}), grid, [1, 1, 1], [50, 70, 60])
    assert done.shortage == pytest.approx([FULL, 0, FULL], abs=1e-6)
    assert done.value == pytest.approx(FULL * (180 - 62 - 74), abs=0.01)


def test_deliver__below_zero_a_shortage_is_still_dearer_than_the_spot_price(watercourse, grid):
    # Away by 0.2 x 10 + 2 = 4: bought at -6, sold at -14.
    done = delivered(watercourse(), grid, [1], [-10])
    assert done.shortage == pytest.approx([FULL])
    assert done.value == pytest.approx(FULL * (-10 + 6) + WATER * 0.5, abs=0.01)


@pytest.mark.parametrize("seed", range(20))
def test_deliver__never_beats_perfect_foresight_and_reaches_it_with_its_volumes(
    watercourse, grid, seed
):
    print("seed", seed)
    rng = np.random.default_rng(seed)
    reservoir = {"start_volume": rng.uniform(0, 1), "inflow": rng.uniform(0, 12)}
    water, hours = watercourse(reservoir), grid(24)
    spot = rng.normal(30, 15, 24)
    perfect = dict(solve_scenarios(water, hours, {ScenarioId("p"): spot}))[ScenarioId("p")]

    ideal = deliver(Day(water, hours), perfect.net_power, spot, PRICES)
    assert ideal.value == pytest.approx(perfect.objective.total, abs=0.01)
    other = deliver(Day(water, hours), rng.uniform(-2, 12, 24), spot, PRICES)
    assert other.value <= perfect.objective.total + 0.01


def test_worth_idle__is_the_water_that_is_there_and_comes(watercourse, grid):
    made = watercourse({"inflow": 2.0})
    assert worth_idle(Day(made, grid(10))) == pytest.approx(WATER * (0.5 + 10 * 2 * 0.0036))


def test_worth_idle__does_not_pump_for_nothing(watercourse, grid):
    made = watercourse()
    lower = made.reservoirs[0].model_copy(update={"name": "Lower", "water_value": 0.0})
    pump = Pump(name=Identifier("Up"), power_max=5.0, efficiency=0.9)
    plant = made.plants[0].model_copy(update={"to": "Lower", "pumps": (pump,)})
    pumped = made.model_copy(update={"reservoirs": (*made.reservoirs, lower), "plants": (plant,)})
    assert worth_idle(Day(pumped, grid(10))) == pytest.approx(WATER * 0.5)


def test_worth_idle__what_overflows_is_lost(watercourse, grid):
    gate = {"name": "G", "reservoir": "Upper"}
    made = watercourse({"start_volume": 1.0, "inflow": 2.0}, gates=[gate])
    assert worth_idle(Day(made, grid(10))) == pytest.approx(WATER)
