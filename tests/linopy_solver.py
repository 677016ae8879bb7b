"""A solver of another make: reads a task, solves it with linopy, writes its result.

Units are on or off and run on the concave hull of their production at the head of the start; it
knows volume and discharge limits, gates, inflow, start costs and constant water values, and no
delays. Run it as a program: the task on standard input, the result on standard output.
"""

from __future__ import annotations

import json
import os
import sys

import linopy
import numpy as np
import pandas as pd

POWER_OF_WATER, WATER_OF_FLOW = 9.81e-3, 0.0036


def points(unit, plant, head):
    """Return flows and powers of the corners of a unit's turbine curve, within its power limits."""
    curve = min(unit["turbine"], key=lambda c: abs(c["head"] - head))
    flow = np.array(curve["flow"])
    loss = plant["main_loss"] + plant["penstock_loss"][unit["penstock"] - 1]
    power = POWER_OF_WATER * np.array(curve["efficiency"]) * flow * (head - loss * flow**2)
    kept = (power >= unit["power_min"]) & (power <= unit["power_max"])
    return flow[kept], power[kept]


def solve(task):
    periods = pd.RangeIndex(len(task["prices"]), name="period")
    hours, prices = np.array(task["periods"]["hours"]), np.array(task["prices"])
    course, limits = task["watercourse"], task["limits"]
    model = linopy.Model()
    earned, change, decisions = 0, {}, []
    for reservoir in course["reservoirs"]:
        name = reservoir["name"]
        volume = model.add_variables(
            np.array(limits["volume_min"][name]), np.array(limits["volume_max"][name]),
            coords=[periods], name=f"volume {name}",
        )  # fmt: skip
        change[name] = (volume, 0)
        earned = earned + reservoir["water_value"] * volume.isel(period=-1)

    def flows_away(source, target, flow):
        volume, sum_ = change[source]
        change[source] = (volume, sum_ - flow)
        if target is not None:
            volume, sum_ = change[target]
            change[target] = (volume, sum_ + flow)

    for plant in course["plants"]:
        upper = next(r for r in course["reservoirs"] if r["name"] == plant["reservoir"])
        level = np.interp(upper["start_volume"], upper["level"]["x"], upper["level"]["y"])
        for unit in plant["units"]:
            name = unit["name"]
            corners, powers = points(unit, plant, level - plant["outlet_level"])
            on = model.add_variables(binary=True, coords=[periods], name=f"on {name}")
            flow = model.add_variables(0, coords=[periods], name=f"flow {name}")
            power = model.add_variables(0, coords=[periods], name=f"power {name}")
            model.add_constraints(flow >= corners[0] * on, name=f"least {name}")
            model.add_constraints(flow <= corners[-1] * on, name=f"most {name}")
            for k in range(len(corners) - 1):
                slope = (powers[k + 1] - powers[k]) / (corners[k + 1] - corners[k])
                line = (powers[k] - slope * corners[k]) * on + slope * flow
                model.add_constraints(power <= line, name=f"curve {name} {k}")
            start = model.add_variables(0, coords=[periods], name=f"start {name}")
            model.add_constraints(start >= on - on.shift(period=1), name=f"starts {name}",
                                  mask=periods.to_numpy() > 0)  # fmt: skip
            earned = earned + (prices * hours * power - unit["start_cost"] * start).sum()
            flows_away(plant["reservoir"], plant.get("to"), flow)
            decisions.append((name, on, flow))
    gates = {}
    for gate in course["gates"]:
        gates[gate["name"]] = model.add_variables(
            0, 1e4, coords=[periods], name=f"gate {gate['name']}"
        )
        flows_away(gate["reservoir"], gate.get("to"), gates[gate["name"]])
    for reservoir in course["reservoirs"]:
        name = reservoir["name"]
        volume, sum_ = change[name]
        water = WATER_OF_FLOW * hours
        model.add_constraints(
            volume - volume.shift(period=1) - water * sum_
            == water * np.array(task["inflow"][name])
            + np.where(periods == 0, task["start"]["volume"][name], 0.0),
            name=f"balance {name}",
        )
    model.add_objective(earned, sense="max")
    model.solve("highs", mip_rel_gap=1e-3, output_flag=False, io_api="direct")
    values = model.solution
    return {
        "on": {name: (values[on.name] > 0.5).to_numpy().tolist() for name, on, _ in decisions},
        "flow": {
            name: np.round(np.maximum(values[flow.name].to_numpy(), 0), 6).tolist()
            for name, _, flow in decisions
        },
        "gate_flow": {
            name: np.round(np.maximum(values[gate.name].to_numpy(), 0), 6).tolist()
            for name, gate in gates.items()
        },
    }


if __name__ == "__main__":
    given = json.load(sys.stdin)
    # A solver's banner is no part of the result, whoever prints it.
    with os.fdopen(os.dup(1), "w") as results:
        os.dup2(2, 1)
        result = {"format": "hydrobid-result", "version": 1, "termination": "gap_reached"}
        json.dump(result | {"decisions": solve(given)}, results)
