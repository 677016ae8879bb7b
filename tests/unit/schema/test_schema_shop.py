"""SHOP's documents, read as our own watercourses."""

from __future__ import annotations

import numpy as np
import pytest
from shop_documents import START, as_bytes, small_case, standard_example

from hydrobid.hydro.problem import Problem
from hydrobid.schema.findings import Findings, Place
from hydrobid.schema.shop import is_shop, shop_case_of
from hydrobid.schema.yaml_document import read_yaml

LATER = "2018-01-23 06:00:00"


def read(case):
    findings = Findings()
    content = read_yaml(as_bytes(case), "case.yaml")
    found = shop_case_of(content, "case", Place(findings, "case.yaml"))
    return findings.settled(found)


def refusals(case):
    findings = Findings()
    found = shop_case_of(case, "case", Place(findings, "case.yaml"))
    assert found is None
    with pytest.raises(Exception, match="expected") as error:
        findings.raise_if_any()
    return {problem.field: (problem.value, problem.expected) for problem in error.value.problems}


def set_at(case, path, value):
    *steps, last = path.split("/")
    at = case
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if isinstance(at, list):
        at[int(last)] = value
    else:
        at[last] = value
    return case


@pytest.fixture
def case():
    return small_case()


def test_is_shop__by_its_sections(case):
    assert is_shop(case)
    assert not is_shop({"version": 1, "watercourse": "w", "reservoirs": {}})
    assert not is_shop(["model", "connections"])


def test_shop_case_of__elements(case):
    found = read(case).watercourse

    upper, lower = found.reservoirs[1], found.reservoirs[0]
    high, low = found.plants
    assert (upper.name, upper.start_volume, upper.volume_max) == ("Upper", 25.0, 40.0)
    assert (lower.name, lower.start_volume, lower.volume_min) == ("Lower", 0.0, 0.0)
    assert (high.reservoir, high.to, low.reservoir, low.to) == ("Upper", "Lower", "Lower", None)
    (unit,) = high.units
    assert (unit.power_min, unit.power_max, unit.start_cost) == (4.0, 20.0, 50.0)
    assert unit.turbine[0].efficiency == (0.8, 0.9)


def test_shop_case_of__time_of_mixed_resolution(case):
    found = read(case)

    assert found.horizon.hours.tolist() == [1.0] * 12 + [4.0] * 3
    problem = Problem.over(found.watercourse, found.horizon)
    # 5 m3/s until 18:00, then 9: in the period from 16:00 to 20:00 one half of each.
    assert problem.inflow["Lower"].tolist() == [5.0] * 13 + [7.0, 9.0]
    assert problem.inflow["Upper"].tolist() == [0.0] * 15
    assert found.prices.tolist() == [40.0] * 6 + [50.0] * 9
    assert problem.trade.purchase_markup.tolist() == [0.5] * 6 + [1.0] * 9


def test_shop_case_of__energy_value_becomes_a_water_value(case):
    lower, upper = read(case).watercourse.reservoirs

    # Best point: 90 % over 155 - 55 = 100 m; what flows on is worth the lower reservoir's 1000.
    assert upper.water_value == pytest.approx(30 * 9.81e-3 * 0.9 * 100 / 0.0036 + 1000)
    assert lower.water_value == 1000.0


def test_shop_case_of__standard_example_has_shops_own_water_values():
    """SHOP's results of the example: calc_global_water_value of both reservoirs."""
    upper, lower = read(standard_example()).watercourse.reservoirs

    assert upper.water_value == pytest.approx(19542.268046223, abs=1e-8)
    assert lower.water_value == pytest.approx(2052.2491585375, abs=1e-8)


def test_shop_case_of__water_value_table(case):
    table = [{"ref": 0, "x": [0, 10], "y": [900, 700]}]
    found = read(set_at(case, "model/reservoir/Lower/water_value_input", table))

    lower, upper = found.watercourse.reservoirs
    segments = [(part.width, part.water_value) for part in lower.water_value_segments]
    assert segments == [(10.0, 900.0), (10.0, 700.0)]
    # It starts empty: what comes down is worth the first value.
    assert upper.water_value == pytest.approx(30 * 9.81e-3 * 0.9 * 100 / 0.0036 + 900)


def test_shop_case_of__cuts(case):
    case["model"]["cut_group"] = {"Cuts": {"rhs": [{"ref": 0, "x": [0, 0], "y": [5000, 6000]}]}}
    case["connections"].append({"from": "Cuts", "to": "Upper"})
    slopes = [{"ref": 0, "x": [10, 20], "y": [300, 200]}]
    found = read(set_at(case, "model/reservoir/Upper/water_value_input", slopes))

    first, second = found.watercourse.cuts
    assert (first.constant, second.constant) == (5000 - 300 * 10, 6000 - 200 * 20)
    assert first.slopes == {"Upper": 300.0, "Lower": 1000.0}
    assert "model.reservoir.Upper.energy_value_input" in found.ignored


def test_shop_case_of__spill_and_bypass(case):
    case["model"]["gate"] = {
        "Spill": {"max_discharge": 90},
        "Bypass": {"max_discharge": 30, "time_delay": 2},
    }
    case["model"]["reservoir"]["Upper"]["flow_descr"] = {"ref": 0, "x": [158, 159], "y": [0, 90]}
    for gate, kind in (("Spill", "connection_spill"), ("Bypass", "connection_bypass")):
        case["connections"].append({"from": "Upper", "to": gate, "connection_type": kind})
        case["connections"].append({"from": gate, "to": "Lower"})
    case_read = read(case)
    found = case_read.watercourse

    (gate,), (river,) = found.gates, found.rivers
    assert (gate.name, gate.flow_max, gate.to) == ("Bypass", 30.0, river.name)
    assert (river.to, river.delay_minutes) == ("Lower", 120)
    assert "model.gate.Spill.max_discharge" in case_read.ignored
    overflow = found.reservoirs[1].overflow
    assert (overflow.to, overflow.spill.x, overflow.spill.y) == ("Lower", (158, 159), (0, 90))


def test_shop_case_of__delay_in_the_unit_that_a_command_sets(case):
    case["model"]["plant"]["High"]["time_delay"] = 90
    case["commands"].append("set time_delay_unit minute")
    found = read(case)

    assert found.watercourse.rivers[0].delay_minutes == 90
    assert found.ignored == ("commands[0]",)


def test_shop_case_of__river_from_a_reservoir(case):
    case["model"]["river"] = {"Bed": {"time_delay_const": 1.5, "min_flow": {START: 2}}}
    case["connections"] += [{"from": "Upper", "to": "Bed"}, {"from": "Bed", "to": "Lower"}]
    found = read(case)

    assert found.watercourse.gates[0].to == found.watercourse.rivers[0].name == "Bed"
    problem = Problem.over(found.watercourse, found.horizon)
    assert problem.limits.gate_flow_min["Bed"].tolist() == [2.0] * 15


def test_shop_case_of__limits_maintenance_and_start(case):
    plant, unit = case["model"]["plant"]["High"], case["model"]["generator"]["HighUnit"]
    plant |= {"min_q_constr": {START: 3}, "min_q_constr_flag": {START: 0, LATER: 1}}
    case["model"]["generator"]["HighUnit"] = unit | {
        "maintenance_flag": {START: 0, "2018-01-23 02:00:00": 1, "2018-01-23 04:00:00": 0},
        "initial_state": 1,
    }
    found = read(case)

    problem = Problem.over(found.watercourse, found.horizon)
    assert problem.limits.discharge_min["High"].tolist() == [0.0] * 6 + [3.0] * 9
    assert np.flatnonzero(~problem.limits.available["HighUnit"]).tolist() == [2, 3]
    assert problem.start.on == {"HighUnit": True}


def test_shop_case_of__pump(case):
    curves = [{"ref": 100, "x": [6, 8], "y": [88, 90]}]
    pump = {"p_min": 5, "p_max": 10, "turb_eff_curves": curves}
    case["model"]["pump"] = {"P": pump | {"gen_eff_curve": {"ref": 0, "x": [0, 10], "y": [98, 98]}}}
    case["connections"].append({"from": "P", "to": "High"})
    (found,) = read(case).watercourse.plants[0].pumps

    assert (found.power_min, found.power_max, found.penstock) == (5.0, 10.0, 1)
    assert found.curves[0].efficiency == pytest.approx((0.88 * 0.98, 0.9 * 0.98))
    assert found.efficiency == found.curves[0].efficiency[1]


def test_shop_case_of__pump_of_one_flow_draws_what_its_curves_say(case):
    curves = [{"ref": 90, "x": [8], "y": [88]}, {"ref": 110, "x": [7], "y": [86]}]
    case["model"]["pump"] = {"P": {"p_min": 9, "p_max": 9, "turb_eff_curves": curves}}
    case["connections"].append({"from": "P", "to": "High"})
    found = read(case)

    (pump,) = found.watercourse.plants[0].pumps
    assert pump.power_min == 0
    assert pump.power_max == pytest.approx(9.81e-3 * 7 * 110 / 0.86)
    assert {"model.pump.P.p_min", "model.pump.P.p_max"} <= set(found.ignored)


def test_shop_case_of__what_is_not_understood_is_listed(case):
    case["model"] |= {"thermal": {"Gas": {}}, "reserve_group": {"R": {}}}
    case["model"]["market"]["Reserve"] = {"market_type": "FCR_N_UP", "sale_price": {START: 5}}
    unit = case["model"]["generator"]["HighUnit"]
    case["model"]["generator"] |= {
        "Alone": unit,
        "HighUnit": unit | {"p_nom": 20},
        "LowUnit": unit | {"startcost": {START: 50, LATER: 80}},
    }
    case["connections"] += [{"from": "R", "to": "HighUnit"}]
    case["time"]["timezone"] = "CET"
    found = read(case)

    assert set(found.ignored) == {
        "commands[0]",
        "time.timezone",
        "model.thermal",
        "model.reserve_group",
        "model.market.Reserve",
        "model.generator.Alone",
        "model.generator.HighUnit.p_nom",
        "model.generator.LowUnit.startcost after its first value",
        "connections[5]",
    }


@pytest.mark.parametrize(
    ("path", "value", "field", "expected"),
    [
        ("time/endtime", "2018-01-22", "time.endtime", "after starttime"),
        ("time/starttime", "23.01.2018", "time.starttime", "a time as 2018-01-23 00:00:00"),
        ("time/timeunit", "day", "time.timeunit", "'hour' or 'minute'"),
        ("time/timeresolution", {START: 5}, "time.timeresolution", "that divide"),
        ("time/timeresolution", {START: 1e-15}, "time.timeresolution", "whole minutes"),
        ("time/timeresolution", {START: 1e-9}, "time.timeresolution", "whole minutes"),
        ("time/timeresolution", {START: 1e30}, f"time.timeresolution.{START}", "at most 43200"),
        ("time/timeresolution", {LATER: 1}, "time.timeresolution", "at or before starttime"),
        ("model/reservoir/Upper/max_vol", "much", "model.reservoir.Upper.max_vol", "a number"),
        ("model/reservoir/Upper/start_head", 170, "model.reservoir.Upper.start_head", "150 to 158"),
        ("model/reservoir/Upper/lrl", 99, "model.reservoir.Upper.lrl", "150 to 160 m"),
        ("model/reservoir/Lower/start_vol", None, "model.reservoir.Lower.start_head", "start_vol"),
        ("model/reservoir/Up per", {}, "model.reservoir.Up per", "a name of letters"),
        ("model/reservoir", [], "model.reservoir", "objects by name"),
        ("model/plant/High/outlet_line", None, "model.plant.High.outlet_line", "a number"),
        ("model/plant/High/main_loss", [0, 1], "model.plant.High.main_loss", "at most 1"),
        ("model/plant/Third", {"outlet_line": 1}, "model.plant.Third", "one reservoir"),
        ("model/generator/LowUnit", {"p_max": 3}, "model.generator.LowUnit.turb_eff_curves", "a value"),
        ("model/market/Spot/sale_price", {LATER: 1}, "model.market.Spot.sale_price", "at or before"),
        ("model/market/Spot/buy_price", {START: 1}, "model.market.Spot.buy_price", "sale_price"),
        ("model/market/Spot/sale_price", {"x": 1}, "model.market.Spot.sale_price.x", "a time as"),
        ("model/market/Two", {"sale_price": {START: 1}}, "model.market.Two", "one market"),
        ("connections/0", {"from": "Uper", "to": "High"}, "connections[0].from", "Upper perhaps"),
        ("connections/0", {"to": "High"}, "connections[0].from", "a value"),
        ("connections/1", {"from": "Upper", "to": "High"}, "connections[1]", "each connection once"),
    ],
)  # fmt: skip
def test_shop_case_of__one_fault(case, path, value, field, expected):
    found = refusals(set_at(case, path, value))

    assert field in found, found
    assert expected in found[field][1]


def test_shop_case_of__name_of_two_objects_needs_a_type(case):
    case["model"]["gate"] = {"High": {}}

    found = refusals(case)
    assert "with a to_type, one of plant, gate" in found["connections[0].to"][1]

    case["connections"] = [
        connection | {"from_type": "plant"} if connection["from"] == "High" else connection
        for connection in case["connections"]
    ]
    case["connections"] = [
        connection | {"to_type": "plant"} if connection["to"] == "High" else connection
        for connection in case["connections"]
    ]
    assert refusals(case)["model.gate.High"][1] == "a connection from one reservoir"


def through_a_junction(case, *others: str) -> None:
    """Lead Upper's water, and that of others, through a creek intake and a junction to the plant High."""
    case["model"] |= {"creek_intake": {"Brook": {"net_head": 140}}, "junction": {"Fork": None}}
    case["connections"][0]["to"] = "Brook"
    case["connections"] += [{"from": "Brook", "to": "Fork"}, {"from": "Fork", "to": "High"}]
    case["connections"] += [{"from": other, "to": "Fork"} for other in others]


def test_shop_case_of__a_plant_behind_a_junction_and_a_creek_intake(case):
    direct = read(case)
    through_a_junction(case)

    behind = read(case)

    assert behind.watercourse == direct.watercourse
    assert set(behind.ignored) - set(direct.ignored) == {"model.creek_intake", "model.junction"}


def test_shop_case_of__reservoirs_that_share_a_tunnel(case):
    through_a_junction(case, "Lower")

    stated, expected = refusals(case)["model.plant.High"]
    assert set(stated.split(", ")) == {"Upper", "Lower"}
    assert expected.endswith("reservoirs that share a tunnel have no counterpart")


def test_shop_case_of__water_that_would_run_in_a_circle(case):
    case["connections"].append({"from": "Low", "to": "Upper"})

    assert any("lead back" in expected for _, expected in refusals(case).values())


def test_shop_case_of__no_market_no_prices(case):
    del case["model"]["market"]

    assert read(case).prices is None
