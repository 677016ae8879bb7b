"""Random watercourses and what is asked of them, for hypothesis: small, hostile and shrinkable."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from hydrobid.domain.watercourse import Watercourse
from hydrobid.hydro.horizon import Horizon
from hydrobid.hydro.problem import Problem, Trade

START = datetime(2026, 3, 28, tzinfo=UTC)


def _number(low, high):
    """A number with few digits, so that what fails can be read."""
    return st.integers(0, 100).map(lambda share: round(low + (high - low) * share / 100, 6))


_seldom = st.integers(0, 9).map(lambda number: number > 7)


@st.composite
def horizons(draw, periods=(3, 6)):
    steps = draw(
        st.lists(st.sampled_from([15, 30, 60, 240]), min_size=periods[0], max_size=periods[1])
    )
    bounds = START + np.cumsum([0, *steps]) * timedelta(minutes=1)
    return Horizon(tuple(bounds), slice(0, len(steps)))


@st.composite
def _units(draw, plant, commitment):
    units = []
    for number in range(draw(st.integers(1, 2))):
        flows = sorted(draw(st.sets(st.integers(4, 40), min_size=1, max_size=3)))
        efficiency = draw(st.lists(_number(0.8, 0.95), min_size=len(flows), max_size=len(flows)))
        unit = {
            "name": f"U{plant}{number}",
            "power_max": draw(st.sampled_from([4.0, 60.0])),
            "turbine": [{"head": 90, "flow": flows, "efficiency": efficiency}],
        }
        if commitment:
            unit |= {
                "power_min": draw(st.sampled_from([0.0, 3.0])),
                "start_cost": draw(st.sampled_from([0.0, 50.0, 400.0])),
                "stop_cost": draw(st.sampled_from([0.0, 20.0])),
                "up_time_min": draw(st.sampled_from([0, 60, 150])),
                "down_time_min": draw(st.sampled_from([0, 60, 150])),
            }
        units.append(unit)
    return units


@st.composite
def _reservoirs(draw, level, top):
    size = draw(_number(0.2, 2.0))
    worth = 30 * 250 * top / 100
    reservoir = {
        "name": f"R{level}",
        "volume_min": size * 0.1,
        "volume_max": size,
        "start_volume": size * draw(st.sampled_from([0.1, 0.4, 0.8, 1.0])),
        "level": {"x": [0, size], "y": [top, top + 5]},
        "inflow": draw(st.sampled_from([0.0, 5.0, 60.0])),
        "water_value": worth * draw(st.sampled_from([0.0, 0.01, 0.7, 1.3])),
    }
    if draw(_seldom):
        reservoir["water_value_segments"] = [
            {"width": size / 3, "water_value": 250 * value} for value in (90.0, 40.0, 5.0)
        ]
    if draw(_seldom):
        reservoir["volume_soft_min"] = {"volume": size * 0.5, "penalty": 400.0}
        reservoir["volume_soft_max"] = {"volume": size * 0.7, "penalty": 100.0}
    if draw(_seldom):
        reservoir["overflow"] = {"to": None, "spill": {"x": [top + 4.5, top + 5], "y": [0, 500]}}
    return reservoir


@st.composite
def _plants(draw, level, top, way, commitment):
    plant = {
        "name": f"P{level}",
        "reservoir": f"R{level}",
        "to": way,
        "outlet_level": top - 90,
        "main_loss": 0.002,
        "units": draw(_units(level, commitment)),
        "discharge_min": draw(st.sampled_from([0.0, 3.0])),
    }
    if draw(st.booleans()):
        plant["discharge_max"] = draw(st.sampled_from([5.0, 25.0]))
    if draw(_seldom):
        plant |= {"ramp_up": 12.0, "ramp_down": 8.0}
    if way is not None and way.startswith("R") and draw(st.booleans()):
        plant["pumps"] = [{"name": f"X{level}", "power_max": 20, "efficiency": 0.85}]
    return plant


_GATES = [None, {}, {"flow_max": 20.0, "flow_min": 1.0}, {"flow_min": 2.0, "ramp_up": 4.0}]


@st.composite
def watercourses(draw, *, commitment=False, siblings=False):
    """A chain of one to three reservoirs with whatever may hang on it.

    siblings: whether a reservoir may feed a second plant, whose water leaves the watercourse.
    """
    count = draw(st.integers(1, 3))
    content = {"name": "random", "reservoirs": [], "plants": [], "rivers": [], "gates": []}
    for level in range(count):
        top, way = 100 * (count - level), None if level == count - 1 else f"R{level + 1}"
        content["reservoirs"].append(draw(_reservoirs(level, top)))
        if way is not None and draw(st.booleans()):
            delay = draw(st.sampled_from([0, 15, 40, 130, 1000]))
            content["rivers"].append({"name": f"V{level}", "to": way, "delay_minutes": delay})
            way = f"V{level}"
        content["plants"].append(draw(_plants(level, top, way, commitment)))
        if siblings and draw(st.booleans()):
            content["plants"].append(draw(_plants(f"{level}b", top, None, commitment)))
            content["plants"][-1]["reservoir"] = f"R{level}"
        gate = draw(st.sampled_from(_GATES))
        if gate is not None:
            outlet = {"name": f"G{level}", "reservoir": f"R{level}", "to": way}
            content["gates"].append(outlet | gate)
    if draw(_seldom):
        content["cuts"] = [
            {"constant": constant, "slopes": {r["name"]: slope for r in content["reservoirs"]}}
            for constant, slope in ((0.0, 9000.0), (3000.0, 2000.0))
        ]
    return Watercourse.model_validate(content)


@st.composite
def problems(draw, *, commitment=False, siblings=False):
    """A watercourse over a horizon of mixed resolution with what a day may ask of it."""
    watercourse = draw(watercourses(commitment=commitment, siblings=siblings))
    problem = Problem.over(watercourse, draw(horizons()))
    periods = len(problem)

    def some(of):
        return np.array(draw(st.lists(of, min_size=periods, max_size=periods)), dtype=float)

    limits, units = problem.limits, [unit for plant in watercourse.plants for unit in plant.units]
    if draw(_seldom):
        off = some(st.booleans()).astype(bool)
        limits = replace(limits, available=limits.available | {units[0].name: off})
    if draw(_seldom):
        reservoir = watercourse.reservoirs[0]
        least = reservoir.volume_max * some(st.sampled_from([0.1, 0.1, 0.6]))
        limits = replace(limits, volume_min=limits.volume_min | {reservoir.name: least})
    start = problem.start
    if draw(st.booleans()):
        start = replace(
            start,
            flow={watercourse.plants[0].name: 7.0},
            on={unit.name: draw(st.booleans()) for unit in units},
            hours_in_state={units[0].name: draw(st.sampled_from([0.25, 1.0]))},
            under_way={watercourse.reservoirs[-1].name: some(st.sampled_from([0.0, 4.0]))},
        )
    changes = {}
    if draw(_seldom):
        changes["trade"] = Trade(
            obligation=some(st.sampled_from([0.0, 5.0])),
            sale_max=some(st.sampled_from([0.0, 10.0, np.inf])),
            purchase_max=some(st.sampled_from([0.0, 10.0, np.inf])),
            purchase_markup=some(st.sampled_from([0.0, 2.5])),
        )
    if draw(_seldom):
        changes["reserve_up"] = {watercourse.plants[0].name: some(st.sampled_from([0.0, 2.0]))}
        changes["reserve_down"] = {units[-1].name: some(st.sampled_from([0.0, 1.0]))}
    return replace(problem, limits=limits, start=start, **changes)


def prices(periods, *, low=0.0):
    """Prices with a spike and with ties."""
    usual = st.sampled_from([low, low / 4, 0.0, 20.0, 35.5, 35.5, 61.0, 4000.0])
    return st.lists(usual, min_size=periods, max_size=periods).map(
        lambda values: np.array(values, dtype=float)
    )
