"""SHOP cases made for the tests: a small one of made-up figures, and the standard example."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from examples import CLIENTS

from hydrobid.schema.yaml_document import read_yaml

START = "2018-01-23 00:00:00"
EXAMPLE = CLIENTS / "sintef-example" / "watercourses" / "shop-standard-example.yaml"

# Currency per MWh from START on, hour by hour: the sale prices of SHOP's standard example
# (sintefenergy/shop-documentation, SINTEF Energy Research).
STANDARD_PRICES = (
    32.992,
    31.122,
    29.312,
    28.072,
    30.012,
    33.362,
    42.682,
    74.822,
    77.732,
    62.332,
    55.892,
    46.962,
    42.582,
    40.942,
    39.212,
    39.142,
    41.672,
    46.922,
    37.102,
    32.992,
    31.272,
    29.752,
    28.782,
    28.082,
    27.242,
    26.622,
    25.732,
    25.392,
    25.992,
    27.402,
    28.942,
    32.182,
    33.082,
    32.342,
    30.912,
    30.162,
    30.062,
    29.562,
    29.462,
    29.512,
    29.672,
    30.072,
    29.552,
    28.862,
    28.412,
    28.072,
    27.162,
    25.502,
    26.192,
    25.222,
    24.052,
    23.892,
    23.682,
    26.092,
    28.202,
    30.902,
    31.572,
    31.462,
    31.172,
    30.912,
    30.572,
    30.602,
    30.632,
    31.062,
    32.082,
    36.262,
    34.472,
    32.182,
    31.492,
    30.732,
    29.712,
    28.982,
)


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

    Energy values, prices, time and start costs are those of sintefenergy/shop-documentation; its
    bypasses, of the same way as the spill gates, are the gates.
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
            "inflow": {START: fields.get("inflow", 0)},
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
                "startcost": {START: fields["start_cost"]},
                "turb_eff_curves": [
                    {"ref": t["head"], "x": t["flow"], "y": t["efficiency_percent"]}
                    for t in fields["turbine"]
                ],
            }
    model["gate"] = {"Bypass1": {}, "Bypass2": {}}
    connections += [
        {"from": "Reservoir1", "to": "Bypass1"},
        {"from": "Bypass1", "to": "Reservoir2"},
        {"from": "Reservoir2", "to": "Bypass2"},
    ]
    start = datetime.fromisoformat(START)
    hours = [str(start + timedelta(hours=hour)) for hour in range(len(STANDARD_PRICES))]
    model["market"] = {"Spot": {"sale_price": dict(zip(hours, STANDARD_PRICES, strict=True))}}
    time = {"starttime": START, "endtime": "2018-01-26 00:00:00", "timeunit": "hour"}
    return {"time": time, "model": model, "connections": connections}


def as_bytes(case: dict[str, Any]) -> bytes:
    """Return a case as a document: JSON is YAML as well."""
    return json.dumps(case).encode()
