"""What a watercourse document may state beside the plain physics: operation, end value, conditions."""

from __future__ import annotations

from datetime import date

import pytest

from hydrobid.domain.canonical import digest
from hydrobid.domain.watercourse import ForbiddenZone, SoftLimit
from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.problem import Problem
from hydrobid.schema import configuration_of, read_client

VALLEY = "watercourses/valley.yaml"
POWER = "        power_max: 20\n"
UPPER = "    water_value: 900\n"
STATION = "    outlet_level: 50\n"
PUMP = "Pump1: {power_max: 10, efficiency: 0.85}"
END = "rivers:\n"


@pytest.fixture
def valley(edited):
    """Return a function that reads the valley with one text replaced."""

    def read(old, new):
        inputs = read_client(edited(VALLEY, old, new), "small-client")
        return configuration_of(inputs.configuration).assets[0].watercourse

    return read


def test_read_client__what_is_not_stated_leaves_no_trace(files):
    """A configuration without the newer fields keeps its digest: its runs are the same runs."""
    inputs = read_client(files, "small-client")

    expected = "e43a16c42bda25fd3bc2e93ddc9afdb812c467694dfa4841f595473bd69ce0dd"
    assert digest(inputs.configuration) == expected


def test_read_client__unit_operation(valley):
    fields = (
        "stop_cost: 20",
        "up_time_min: 120",
        "down_time_min: 60",
        "forbidden_zones: [{power_from: 8, power_to: 11}]",
    )
    found = valley(POWER, POWER + "".join(f"        {field}\n" for field in fields))

    unit = found.plants[0].units[0]
    assert (unit.stop_cost, unit.up_time_min, unit.down_time_min) == (20, 120, 60)
    assert unit.forbidden_zones == (ForbiddenZone(power_from=8, power_to=11),)


def test_read_client__soft_limits_and_overflow(valley):
    found = valley(
        UPPER,
        UPPER
        + "    volume_soft_min: {volume: 5, penalty: 12}\n"
        + "    overflow: {to: Lower, level: [135, 137], flow: [0, 80]}\n",
    )

    upper = found.reservoirs[1]
    assert upper.volume_soft_min == SoftLimit(volume=5, penalty=12)
    assert (upper.overflow.to, upper.overflow.spill.y) == ("Lower", (0, 80))


def test_read_client__water_value_segments(valley):
    segments = "[{width: 10, water_value: 1200}, {width: 30, water_value: 800}]"
    found = valley(UPPER, f"    water_value_segments: {segments}\n")

    # The level of 130 m is that of 30 Mm3, in the second segment.
    assert found.reservoirs[1].water_value == 800
    assert [part.width for part in found.reservoirs[1].water_value_segments] == [10, 30]


def test_read_client__cuts_ramping_and_pump_curves(valley):
    found = valley(END, "cuts: [{constant: 5000, slopes: {Upper: 900, Lower: 300}}]\n" + END)
    assert found.cuts[0].slopes == {"Upper": 900, "Lower": 300}

    found = valley(STATION, STATION + "    ramp_up: 5\n    ramp_down: 4\n")
    assert (found.plants[0].ramp_up, found.plants[0].ramp_down) == (5, 4)

    curves = "[{head: 60, flow: [5, 8], efficiency_percent: [85, 88]}]"
    found = valley(PUMP, f"Pump1: {{power_max: 10, power_min: 4, penstock: 1, curves: {curves}}}")
    pump = found.plants[0].pumps[0]
    assert (pump.efficiency, pump.power_min, pump.curves[0].flow) == (0.88, 4, (5, 8))


CONDITIONS = """
conditions:
  inflow:
    Upper: {2026-11-25T00:00+01:00: 8, 2026-11-25T06:00+01:00: 10, 2026-11-25T18:00+01:00: null}
  limits:
    discharge_min: {Station: {2026-11-25T12:00+01:00: 4}}
    volume_max: {Lower: {2026-11-24T00:00+01:00: 18}}
  maintenance:
    Unit2: [{start: 2026-11-25T08:00+01:00, end: 2026-11-25T10:30+01:00}]
  machines: {Unit1: {on: true, hours: 3}}
  flow: {Station: 12}
  trade:
    obligation: {2026-11-25T00:00+01:00: -2}
  reserve_up: {Unit1: {2026-11-25T00:00+01:00: 3}}
"""


def test_read_client__conditions_become_a_problem(edited, files):
    document = files[VALLEY].decode() + CONDITIONS
    inputs = read_client({**files, VALLEY: document.encode()}, "small-client")
    configuration = configuration_of(inputs.configuration)
    grid = configuration.market.grid(date(2026, 11, 25))
    problem = Problem.over(configuration.assets[0].watercourse, Horizon.of(grid))

    quarters = 4
    # What ends with null is what the watercourse states for good: no inflow to Upper.
    expected = [8.0] * 6 * quarters + [10.0] * 12 * quarters + [0.0] * 6 * quarters
    assert problem.inflow["Upper"].tolist() == expected
    assert problem.inflow["Lower"].tolist() == [12.5] * 96
    limits = problem.limits
    assert limits.discharge_min["Station"].tolist() == [0.0] * 48 + [4.0] * 48
    assert limits.volume_max["Lower"].tolist() == [18.0] * 96
    off = (~limits.available["Unit2"]).nonzero()[0].tolist()
    assert off == list(range(8 * quarters, 10 * quarters + 2))
    assert problem.start.on == {"Unit1": True}
    assert problem.start.hours_in_state == {"Unit1": 3.0}
    assert problem.start.flow == {"Station": 12.0}
    assert problem.trade.obligation.tolist() == [-2.0] * 96
    assert problem.reserve_up["Unit1"].tolist() == [3.0] * 96


@pytest.mark.parametrize(
    ("old", "new", "field", "value", "expected"),
    [
        (POWER, POWER + "        stop_cost: -1\n", "plants.Station.units.Unit1.stop_cost", -1, "0 or more"),
        (POWER, POWER + "        up_time_min: 1.5\n", "plants.Station.units.Unit1.up_time_min", 1.5, "a whole number"),
        (
            POWER,
            POWER + "        forbidden_zones: [{power_from: 9, power_to: 8}]\n",
            "plants.Station.units.Unit1.forbidden_zones[0].power_from",
            9,
            "below power_to, 8",
        ),
        (UPPER, "    inflow: 1\n", "reservoirs.Upper.water_value", None, "or water_value_segments"),
        (
            UPPER,
            "    water_value_segments: [{width: 1, water_value: 5}, {width: 1, water_value: 6}]\n",
            "reservoirs.Upper.water_value_segments",
            None,
            "falling order",
        ),
        (
            UPPER,
            UPPER + "    overflow: {to: Lowr, level: [135, 137], flow: [0, 80]}\n",
            "reservoirs.Upper.overflow.to",
            "Lowr",
            "Lower perhaps",
        ),
        (
            UPPER,
            UPPER + "    overflow: {level: [135, 137], flow: [5, 80]}\n",
            "reservoirs.Upper.overflow.flow[0]",
            5,
            "0: where it begins to run over",
        ),
        (
            UPPER,
            UPPER + "    volume_soft_max: {volume: 30}\n",
            "reservoirs.Upper.volume_soft_max.penalty",
            None,
            "a value",
        ),
        (PUMP, "Pump1: {power_max: 10, efficiency: 0.85, penstock: 2}", "plants.Station.pumps.Pump1.penstock", 2, "1 to 1"),
        (STATION, STATION + "    ramp_up: 0\n", "plants.Station.ramp_up", 0, "above 0"),
        (END, "cuts: [{constant: 1}]\n" + END, "cuts[0].slopes", None, "a value"),
        (END, "cuts: [{constant: 1, slopes: {Uper: 3}}]\n" + END, "cuts.slopes", "Uper", "Upper perhaps"),
        (
            END,
            "conditions: {inflow: {Upper: {2026-11-25 00:00: 3}}}\n" + END,
            "conditions.inflow.Upper.2026-11-25 00:00",
            "2026-11-25 00:00",
            "an instant with an offset",
        ),
        (
            END,
            "conditions: {inflow: {Upper: {2026-11-25T00:00Z: -3}}}\n" + END,
            "conditions.inflow.Upper.2026-11-25T00:00Z",
            -3,
            "0 or more",
        ),
        (
            END,
            "conditions: {maintenance: {Unt1: [{start: 2026-11-25T00:00Z, end: 2026-11-26T00:00Z}]}}\n" + END,
            "conditions.maintenance.Unt1",
            "Unt1",
            "Unit1, Unit2",
        ),
        (
            END,
            "conditions: {maintenance: {Unit1: [{start: 2026-11-25T00:00Z, end: 2026-11-24T00:00Z}]}}\n" + END,
            "conditions.maintenance.Unit1[0].end",
            "2026-11-24T00:00Z",
            "after its start",
        ),
        (END, "conditions: {limits: {head_min: {}}}\n" + END, "conditions.limits.head_min", "head_min", "volume_min"),
        (END, "conditions: {inflows: {}}\n" + END, "conditions.inflows", None, "inflow perhaps"),
    ],
)  # fmt: skip
def test_read_client__one_fault(edited, problems, old, new, field, value, expected):
    found = problems(edited(VALLEY, old, new))

    assert (VALLEY, field) in found, found
    shown, right = found[VALLEY, field]
    if value is not None:
        assert shown == value
    assert expected in right
