"""SHOP's standard example: worth more than SHOP's own schedule, by a simulation of the test's own."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from shop_documents import STANDARD_PRICES, as_bytes, standard_example

# SINTEF's published results of the example: objective of the schedule that SHOP found.
PUBLISHED = 1_208_745.21
GOAL = 1_214_000.0
WATER_VALUES = {"Reservoir1": 19542.268046, "Reservoir2": 2052.249158}


def series(path, element):
    """Return the columns of a CSV file of ours by element."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = dict.fromkeys(row[element] for row in rows)
    columns = [name for name in rows[0] if name not in (element, "start")]
    return {
        name: {c: np.array([float(r[c]) for r in rows if r[element] == name]) for c in columns}
        for name in names
    }


def power(generator, flow, net_head):
    curves = generator["turb_eff_curves"]
    along = [np.interp(flow, curve["x"], curve["y"]) for curve in curves]
    percent = np.interp(net_head, [curve["ref"] for curve in curves], along)
    return 9.81e-3 * percent / 100 * flow * net_head


def test_solve__standard_example(command, tmp_path):
    case = standard_example()
    (tmp_path / "standard.yaml").write_bytes(as_bytes(case))
    result = command("solve", tmp_path / "standard.yaml", "--json", "--csv", tmp_path)
    found = json.loads(result.stdout)
    units = series(tmp_path / "units.csv", "unit")
    water = series(tmp_path / "reservoirs.csv", "reservoir")

    worth = simulated(case["model"], units, water)
    assert found["violations"] == []
    assert worth == pytest.approx(found["objective"]["total"], abs=0.1)
    assert worth >= GOAL > PUBLISHED


def simulated(model, units, water):
    """Return what the units' flows are worth; assert that they keep every limit."""
    volume = {name: water[name]["volume_mm3"][0] for name in model["reservoir"]}
    worth = 0.0
    for hour, price in enumerate(STANDARD_PRICES):
        levels = {}
        for name, reservoir in model["reservoir"].items():
            table = reservoir["vol_head"]
            assert -1e-6 <= volume[name] <= reservoir["max_vol"] + 1e-6
            assert volume[name] == pytest.approx(water[name]["volume_mm3"][hour], abs=1e-6)
            levels[name] = np.interp(volume[name], table["x"], table["y"])
        left = {name: water[name]["spill_m3s"][hour] for name in volume}
        heads = {
            "Plant1": levels["Reservoir1"] - max(levels["Reservoir2"], 672),
            "Plant2": levels["Reservoir2"] - 586,
        }
        for name in units:
            plant, flow = name.split("_")[0], units[name]["discharge_m3s"][hour]
            generator = model["generator"][name]
            sharing = [n for n, g in model["generator"].items()
                       if n.startswith(plant) and g["penstock"] == generator["penstock"]]  # fmt: skip
            loss = model["plant"][plant]["penstock_loss"][generator["penstock"] - 1]
            through = sum(units[other]["discharge_m3s"][hour] for other in sharing)
            if units[name]["on"][hour]:
                made = power(generator, flow, heads[plant] - loss * through**2)
                assert made == pytest.approx(units[name]["power_mw"][hour], abs=1e-5)
                assert generator["p_min"] - 1e-4 <= made <= generator["p_max"] + 1e-4
                flows = generator["turb_eff_curves"][0]["x"]
                assert flows[0] - 1e-5 <= flow <= flows[-1] + 1e-5
                worth += price * made
                started = hour > 0 and not units[name]["on"][hour - 1]
                worth -= started * next(iter(generator["startcost"].values()))
            else:
                assert flow == 0
            left["Reservoir1" if plant == "Plant1" else "Reservoir2"] += flow
        volume["Reservoir1"] -= 0.0036 * left["Reservoir1"]
        volume["Reservoir2"] += 0.0036 * (60 + left["Reservoir1"] - left["Reservoir2"])
    assert all(rest >= -1e-6 for rest in volume.values())
    return worth + sum(WATER_VALUES[name] * rest for name, rest in volume.items())
