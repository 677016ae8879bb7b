"""SHOP cases made for the tests: a small one of made-up figures, and the standard example."""

from __future__ import annotations

import json
from typing import Any

from examples import CLIENTS

from hydrobid.schema.yaml_document import read_yaml

START = "2018-01-23 00:00:00"
EXAMPLE = CLIENTS / "sintef-example" / "watercourses" / "shop-standard-example.yaml"


def small_case() -> dict[str, Any]:
    """Return two reservoirs in a row with a plant each; 100 m and 50 m of fall, without losses."""
    unit = {
        "penstock": 1,
        "p_min": 4,
        "p_max": 20,
        "turb_eff_curves": [{"ref": 100, "x": [10, 20], "y": [80, 90]}],
        "startcost": {START: 50},
    }
    level = {"ref": 0, "x": [0, 50], "y": [150, 160]}
    return {
        "time": {
            "starttime": START,
            "endtime": "2018-01-24 00:00:00",
            "timeunit": "hour",
            "timeresolution": {START: 1, "2018-01-23 12:00:00": 4},
        },
        "model": {
            "reservoir": {
                "Upper": {
                    "max_vol": 40,
                    "lrl": 150,
                    "vol_head": level,
                    "start_head": 155,
                    "energy_value_input": 30,
                },
                "Lower": {
                    "max_vol": 20,
                    "lrl": 50,
                    "vol_head": {"ref": 0, "x": [0, 25], "y": [50, 60]},
                    "start_vol": 0,
                    "inflow": {START: 5, "2018-01-23 18:00:00": 9},
                    "water_value_input": [{"ref": 0, "x": [0], "y": [1000]}],
                },
            },
            "plant": {
                "High": {"outlet_line": 55, "penstock_loss": [0.0]},
                "Low": {"outlet_line": 0, "main_loss": [0], "penstock_loss": [0.0]},
            },
            "generator": {"HighUnit": unit, "LowUnit": unit},
            "market": {
                "Spot": {
                    "market_type": "ENERGY",
                    "sale_price": {START: 40, "2018-01-23 06:00:00": 50},
                    "buy_price": {START: 40.5, "2018-01-23 06:00:00": 51},
                }
            },
        },
        "connections": [
            {"from": "Upper", "to": "High"},
            {"from": "HighUnit", "to": "High"},
            {"from": "High", "to": "Lower"},
            {"from": "Lower", "to": "Low"},
            {"from": "LowUnit", "to": "Low"},
        ],
        "commands": ["start sim 5"],
    }


def standard_example() -> dict[str, Any]:
    """Return SINTEF's standard example in SHOP's own form, from the figures of our example client.

    Energy values, prices and time are those of sintefenergy/shop-documentation.
    """
    ours = read_yaml(EXAMPLE.read_bytes(), EXAMPLE.name)
    model: dict[str, Any] = {"reservoir": {}, "plant": {}, "generator": {}}
    connections = []
    for name, energy_value in (("Reservoir1", 30), ("Reservoir2", 10)):
        fields = ours["reservoirs"][name]
        model["reservoir"][name] = {
            "max_vol": fields["volume_max"],
            "lrl": fields["level"]["level"][0],
            "vol_head": {"ref": 0, "x": fields["level"]["volume"], "y": fields["level"]["level"]},
            "start_head": fields["start_level"],
            "energy_value_input": energy_value,
        }
    for name, plant in ours["plants"].items():
        model["plant"][name] = {
            "outlet_line": plant["outlet_level"],
            "main_loss": [plant["main_loss"]],
            "penstock_loss": plant["penstock_loss"],
        }
        connections.append({"from": plant["reservoir"], "to": name})
        if "to" in plant:
            connections.append({"from": name, "to": plant["to"]})
        for unit, fields in plant["units"].items():
            connections.append({"from": unit, "to": name})
            model["generator"][unit] = {
                "penstock": fields["penstock"],
                "p_min": fields["power_min"],
                "p_max": fields["power_max"],
                "turb_eff_curves": [
                    {"ref": t["head"], "x": t["flow"], "y": t["efficiency_percent"]}
                    for t in fields["turbine"]
                ],
            }
    time = {"starttime": START, "endtime": "2018-01-26 00:00:00", "timeunit": "hour"}
    return {"time": time, "model": model, "connections": connections}


def as_bytes(case: dict[str, Any]) -> bytes:
    """Return a case as a document: JSON is YAML as well."""
    return json.dumps(case).encode()
