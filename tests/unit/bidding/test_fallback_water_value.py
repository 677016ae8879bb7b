"""Bids from water values: by hand, against the optimiser, and what holds for the examples."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime

import numpy as np
import pytest

from hydrobid.bidding.water_value import water_value_bid
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.solve import solve_scenarios
from hydrobid.schema import configuration_of

DAY = MtuGrid(datetime(2026, 3, 28, tzinfo=UTC), 60, 24)
# 10 m3/s over 100 m at 90 %: 8.829 MW, bid as 88 lots of 0.1 MW. A Mm3 makes 245.25 MWh, so that
# 9810 EUR/Mm3 are 40 EUR/MWh: tick 400. Over 24 h 1 m3/s takes 0.0864 Mm3, 5 m3/s 0.432 Mm3.
FORTY = 9810.0
LIMITS = (-5000, 40000)
# 10 m3/s lifted 100 m at 75 %: 13.08 MW, breaking even at 9810 x 0.0036 / 1.308 = 27 EUR/MWh.
PUMP = {"name": "X", "power_max": 13.08, "efficiency": 0.75}


def _unit(name="U", flows=(10,), efficiencies=(0.9,)):
    turbine = [{"head": 100, "flow": flows, "efficiency": efficiencies}]
    return {"name": name, "power_max": 100, "turbine": turbine}


def _reservoir(name="Upper", **changes):
    content = {"volume_max": 100, "start_volume": 50, "water_value": FORTY}
    level = 100 if name == "Upper" else 0
    return content | {"name": name, "level": {"x": [0, 100], "y": [level, level]}} | changes


def _plant(name="P", reservoir="Upper", **changes):
    content = {"name": name, "reservoir": reservoir, "units": [_unit(f"{name}_U")]}
    return content | {"outlet_level": 0 if reservoir == "Upper" else -100} | changes


@pytest.fixture
def bid(market):
    def make(reservoirs, plants, grid=DAY, market=market, **others):
        asset = AssetConfiguration.model_validate(
            {
                "asset": "valley",
                "price_area": "NO2",
                "scenario_set": "prices",
                "watercourse": {"name": "w", "reservoirs": reservoirs, "plants": plants} | others,
            }
        )
        matrix = water_value_bid(market, grid, asset)
        assert (matrix.price_area, matrix.grid) == ("NO2", grid)
        assert (matrix.tick, matrix.lot) == (market.price_tick, market.volume_lot)
        assert len(set(matrix.curves)) == 1
        return matrix.curves[0]

    return make


def _steps(curve):
    """The lots at the lowest price, and {tick: lots} wherever the volume steps up to a tick."""
    rises = zip(curve.ticks[1:], curve.lots[1:], curve.lots, curve.ticks, strict=False)
    steps = {}
    for tick, lots, before, tick_before in rises:
        if lots > before:
            assert tick - tick_before == 1
            steps[tick] = lots
    return curve.lots[0], steps


def test_water_value_bid__sells_from_the_tick_that_covers_the_water_value(bid):
    curve = bid([_reservoir()], [_plant()])

    assert curve.ticks == (-5000, 399, 400, 40000)
    assert curve.lots == (0, 0, 88, 88)


@pytest.mark.parametrize(("water_value", "tick"), [(9811.0, 401), (9809.0, 400), (9785.0, 399)])
def test_water_value_bid__never_sells_below_cost(bid, water_value, tick):
    assert _steps(bid([_reservoir(water_value=water_value)], [_plant()])) == (0, {tick: 88})


def test_water_value_bid__offers_a_units_last_lot(bid):
    # In floating point its 7 MW come to a little less than 70 lots of 0.1 MW.
    plant = _plant(units=[_unit() | {"power_max": 7}])

    assert _steps(bid([_reservoir()], [plant])) == (0, {400: 70})


def test_water_value_bid__sells_less_efficient_flow_at_a_higher_price(bid):
    # From 10 to 20 m3/s: 15.696 - 8.829 MW, 0.6867 MW per m3/s, 51.43 EUR/MWh.
    plant = _plant(units=[_unit(flows=(10, 20), efficiencies=(0.9, 0.8))])

    assert _steps(bid([_reservoir()], [plant])) == (0, {400: 88, 515: 156})


@pytest.mark.parametrize(("hours", "lots"), [(23, 54), (24, 52), (25, 51)])
def test_water_value_bid__offers_what_the_water_lasts_for_all_day(bid, hours, lots):
    # Stored above the minimum 0.432 Mm3 and 1 m3/s of inflow: 6 m3/s for 24 hours.
    reservoir = _reservoir(volume_min=10, start_volume=10.432, inflow=1)

    assert _steps(bid([reservoir], [_plant()], grid=MtuGrid(DAY.start, 60, hours))) == (
        0,
        {400: lots},
    )


def test_water_value_bid__counts_the_days_hours_not_its_mtus(bid, market):
    quarters = MtuGrid(DAY.start, 15, 96)

    curve = bid([_reservoir(start_volume=0.432)], [_plant()], grid=quarters)

    assert _steps(curve) == (0, {400: 44})


@pytest.mark.parametrize(("inflow", "steps"), [(4, {400: 35}), (0, {})])
def test_water_value_bid__offers_only_the_inflow_of_an_empty_reservoir(bid, inflow, steps):
    assert _steps(bid([_reservoir(start_volume=0, inflow=inflow)], [_plant()])) == (0, steps)


@pytest.mark.parametrize(
    ("start", "inflow", "expected"),
    [
        (100, 4, (35, {400: 88})),
        (100 - 0.0864, 4, (26, {400: 88})),  # room for 1 of the 4 m3/s
        (100, 25, (88, {})),  # the rest is spilled
        (100, 0, (0, {400: 88})),
    ],
)
def test_water_value_bid__sells_what_would_be_spilled_at_any_price(bid, start, inflow, expected):
    assert _steps(bid([_reservoir(start_volume=start, inflow=inflow)], [_plant()])) == expected


def test_water_value_bid__sells_the_minimum_discharge_at_any_price(bid):
    assert _steps(bid([_reservoir()], [_plant(discharge_min=3)])) == (26, {400: 88})


def test_water_value_bid__takes_the_surplus_out_of_the_minimum_discharge_first(bid):
    full = _reservoir(start_volume=100, inflow=4)

    assert _steps(bid([full], [_plant(discharge_min=3)])) == (35, {400: 88})


def test_water_value_bid__sells_no_minimum_discharge_without_its_water(bid):
    dry = _reservoir(start_volume=0, inflow=2)

    assert _steps(bid([dry], [_plant(discharge_min=3)])) == (17, {})


def test_water_value_bid__leaves_gates_what_they_must_release(bid):
    gates = [{"name": "G", "reservoir": "Upper", "flow_min": 3}]
    dry = _reservoir(start_volume=0, inflow=4)
    full = _reservoir(start_volume=100, inflow=4)

    assert _steps(bid([dry], [_plant()], gates=gates)) == (0, {400: 8})
    assert _steps(bid([full], [_plant()], gates=gates)) == (8, {400: 88})
    assert _steps(bid([dry | {"inflow": 2}], [_plant()], gates=gates)) == (0, {})


def test_water_value_bid__two_plants_share_the_water_of_their_reservoir(bid):
    # The weaker unit's 60 % make 60 EUR/MWh of the same water; 2 of 12 m3/s are left to it.
    weak = _plant("Weak", units=[_unit("W", efficiencies=(0.6,))])
    reservoir = _reservoir(start_volume=0, inflow=12)

    assert _steps(bid([reservoir], [weak, _plant()])) == (0, {400: 88, 600: 100})
    assert _steps(bid([reservoir], [weak | {"discharge_min": 5}, _plant()])) == (29, {400: 91})


def test_water_value_bid__counts_only_the_value_that_water_loses_on_its_way(bid):
    # 60 - 20 EUR/MWh of value for the upper plant, 20 for the lower; the river only delays.
    reservoirs = [_reservoir(water_value=1.5 * FORTY), _reservoir("Lower", water_value=FORTY / 2)]
    plants = [_plant(to="River"), _plant("Q", "Lower")]
    rivers = [{"name": "River", "to": "Lower", "delay_minutes": 90}]

    assert _steps(bid(reservoirs, plants, rivers=rivers)) == (0, {200: 88, 400: 176})


def test_water_value_bid__does_not_count_on_water_from_upstream(bid):
    reservoirs = [
        _reservoir(water_value=1.5 * FORTY),
        _reservoir("Lower", water_value=FORTY / 2, start_volume=0),
    ]

    assert _steps(bid(reservoirs, [_plant(to="Lower"), _plant("Q", "Lower")])) == (0, {400: 88})


def test_water_value_bid__runs_below_zero_where_water_is_worth_more_below(bid):
    # 40 EUR/MWh of gain at the best efficiency; the weaker segment never comes first.
    reservoirs = [_reservoir(water_value=0), _reservoir("Lower")]
    plant = _plant(to="Lower", units=[_unit(flows=(10, 20), efficiencies=(0.9, 0.8))])

    assert _steps(bid(reservoirs, [plant])) == (0, {-400: 156})


@pytest.mark.parametrize(
    ("water_value", "expected"),
    [(1e7, (0, {})), (-1e7, (88, {})), (4000 * 245.25, (0, {40000: 88}))],
)
def test_water_value_bid__stays_within_the_price_limits(bid, water_value, expected):
    curve = bid([_reservoir(water_value=water_value)], [_plant()])

    assert (curve.ticks[0], curve.ticks[-1]) == LIMITS
    assert _steps(curve) == expected


def test_water_value_bid__is_flat_at_nothing_without_head(bid):
    curve = bid([_reservoir()], [_plant(outlet_level=100)])

    assert (curve.ticks, curve.lots) == (LIMITS, (0, 0))


@pytest.mark.parametrize(
    ("upper", "lower", "pumped"),
    [
        ({}, {}, -130),
        ({"start_volume": 100 - 0.432}, {}, -65),  # room for 5 m3/s
        ({"start_volume": 100 - 0.432, "inflow": 2}, {}, -39),
        ({}, {"start_volume": 0.432}, -65),  # water for 5 m3/s
        ({}, {"start_volume": 0, "inflow": 2}, -26),
    ],
)
def test_water_value_bid__a_pumped_pair_buys_low_and_sells_high(bid, upper, lower, pumped):
    reservoirs = [_reservoir(**{"water_value": FORTY} | upper)]
    reservoirs.append(_reservoir("Lower", **{"water_value": 0} | lower))

    curve = bid(reservoirs, [_plant(to="Lower", pumps=[PUMP])])

    assert _steps(curve) == (pumped, {270: 0, 400: 88})


def test_water_value_bid__does_not_pump_into_a_full_reservoir(bid):
    reservoirs = [_reservoir(start_volume=100, inflow=4), _reservoir("Lower", water_value=0)]

    curve = bid(reservoirs, [_plant(to="Lower", pumps=[PUMP])])

    assert _steps(curve) == (35, {400: 88})


@pytest.mark.parametrize(
    ("lower_price", "expected"),
    [
        # Below 27 EUR/MWh the lower plant takes 10 of the 14 m3/s, and 4 are left to the pump.
        (20.0, (-52, {200: 35, 270: 88, 400: 176})),
        # The lower plant runs where the pump does not: both count on the same water.
        (30.0, (-130, {270: 0, 300: 88, 400: 176})),
    ],
)
def test_water_value_bid__no_water_is_pumped_and_run_through_at_one_price(
    bid, lower_price, expected
):
    value = lower_price * 245.25
    reservoirs = [
        _reservoir(water_value=value + FORTY),
        _reservoir("Lower", water_value=value, start_volume=0, inflow=14),
    ]

    curve = bid(reservoirs, [_plant(to="Lower", pumps=[PUMP]), _plant("Q", "Lower")])

    assert _steps(curve) == expected


@pytest.mark.parametrize(
    "scarce", [({"start_volume": 100 - 12 * 0.0864}, {}), ({}, {"start_volume": 12 * 0.0864})]
)
def test_water_value_bid__the_better_pump_lifts_first(bid, scarce):
    # At 60 % 2 m3/s draw 3.27 MW and break even at 21.6 EUR/MWh; 10 of 12 m3/s go to the other.
    weak = {"name": "Weak", "power_max": 50, "efficiency": 0.6}
    reservoirs = [_reservoir(**scarce[0]), _reservoir("Lower", **{"water_value": 0} | scarce[1])]

    curve = bid(reservoirs, [_plant(to="Lower", pumps=[weak, PUMP])])

    assert _steps(curve) == (-163, {216: -130, 270: 0, 400: 88})


def test_water_value_bid__joins_steps_into_slopes_where_points_are_few(bid, market):
    units = [_unit(flows=(10, 20, 30), efficiencies=(0.9, 0.85, 0.8))]

    curve = bid(
        [_reservoir()], [_plant(units=units)], market=market.model_copy(update={"max_points": 4})
    )

    assert len(curve.ticks) == 4
    assert (curve.ticks[0], curve.ticks[-1]) == LIMITS
    assert (curve.lots[0], curve.lots[-1]) == (0, 235)


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 25)])
def test_water_value_bid__example_clients_get_curves_that_the_market_takes(
    sintef_inputs, cascade_inputs, day
):
    for inputs in (sintef_inputs, cascade_inputs):
        configuration = configuration_of(inputs.configuration)
        market = configuration.market
        for asset in configuration.assets:
            matrix = water_value_bid(market, market.grid(day), asset)
            plants = asset.watercourse.plants
            most = sum(unit.power_max for plant in plants for unit in plant.units)
            least = -sum(pump.power_max for plant in plants for pump in plant.pumps)
            (curve,) = set(matrix.curves)
            assert (curve.ticks[0], curve.ticks[-1]) == (market.min_ticks, market.max_ticks)
            assert len(curve.ticks) <= market.max_points
            assert least <= matrix.volume(curve.lots[0])
            assert max(0.0, matrix.volume(curve.lots[0])) < matrix.volume(curve.lots[-1]) <= most


@pytest.mark.parametrize("name", ["shop-standard", "pumped-pair"])
def test_water_value_bid__is_what_the_optimiser_does_where_no_reservoir_meets_a_limit(
    sintef_inputs, cascade_inputs, name
):
    configurations = [
        configuration_of(inputs.configuration) for inputs in (sintef_inputs, cascade_inputs)
    ]
    market = configurations[0].market
    (asset,) = (a for c in configurations for a in c.assets if a.asset == name)
    ticks = range(-100, 700, 7)
    prices = {
        ScenarioId(f"s{tick}"): np.full(24, float(market.price_tick * tick)) for tick in ticks
    }

    matrix = water_value_bid(market, DAY, asset)

    offered = matrix.curves[0].lots_at(np.array(ticks)) * float(market.volume_lot)
    schedules = [schedule for _, schedule in solve_scenarios(asset.watercourse, DAY, prices)]
    assert len(set(offered)) >= 5
    for schedule, volume in zip(schedules, offered, strict=True):
        assert schedule.net_power == pytest.approx(np.full(24, volume), abs=0.1001)


def test_water_value_bid__loads_no_solver():
    probe = (
        "import sys, hydrobid.bidding.water_value, hydrobid.bidding.fallback;"
        "print([name for name in ('highspy', 'scipy') if name in sys.modules])"
    )

    run = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True
    )

    assert run.stdout.strip() == "[]"
