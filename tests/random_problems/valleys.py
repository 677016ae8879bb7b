"""Seeded watercourses whose limits are easily kept, so that a bound can be seen to be near."""

from __future__ import annotations

import numpy as np

from hydrobid.domain.watercourse import Watercourse


def valley_of(rng: np.random.Generator) -> Watercourse:
    """One to three reservoirs with one or two plants each, pumps, soft limits and a slow river."""
    count = int(rng.integers(1, 4))
    content = {"name": "valley", "reservoirs": [], "plants": [], "gates": [], "rivers": []}
    for at in range(count):
        top, below = 100.0 * (count - at), f"R{at + 1}" if at < count - 1 else None
        content["reservoirs"].append(_reservoir(rng, at, top, 15 * (count - at)))
        content["gates"].append({"name": f"G{at}", "reservoir": f"R{at}", "to": below})
        content["rivers"].append({"name": f"V{at}", "to": below, "delay_minutes": 90})
        for number in range(int(rng.integers(1, 3))):
            way = f"V{at}" if below and number and rng.random() < 0.7 else below
            content["plants"].append(_plant(rng, f"{at}{number}", f"R{at}", way, top))
    return Watercourse.model_validate(content)


def _reservoir(rng, at, top, worth):
    size = float(rng.uniform(0.5, 3))
    reservoir = {
        "name": f"R{at}",
        "volume_max": size,
        "start_volume": size * float(rng.uniform(0.3, 0.7)),
        "level": {"x": [0, size / 3, size], "y": [top, top + 6, top + 12]},
        "inflow": float(rng.uniform(0, 6)),
        "water_value": 240 * worth * float(rng.uniform(1, 3)),
    }
    if rng.random() < 0.3:
        soft = {"volume": reservoir["start_volume"], "penalty": 300.0}
        reservoir[rng.choice(["volume_soft_min", "volume_soft_max"])] = soft
    return reservoir


def _plant(rng, name, reservoir, way, top):
    plant = {
        "name": f"P{name}",
        "reservoir": reservoir,
        "to": way,
        "outlet_level": top - 90,
        "main_loss": 0.003,
        "units": [_unit(rng, f"U{name}{at}") for at in range(int(rng.integers(1, 3)))],
    }
    if way and way.startswith("R") and rng.random() < 0.6:
        curves = [{"head": 95, "flow": [6, 9], "efficiency": [0.8, 0.86]}]
        plant["pumps"] = [
            {"name": f"X{name}", "power_max": 15, "efficiency": 0.85, "curves": curves}
        ]
    return plant


def _unit(rng, name):
    first = float(rng.uniform(6, 12))
    efficiency = rng.uniform(0.82, 0.94, 3).tolist()
    flow = [first, 1.4 * first, 1.9 * first]
    return {
        "name": name,
        "power_max": float(rng.uniform(9, 22)),
        "start_cost": float(rng.choice([0, 60])),
        "turbine": [{"head": 92, "flow": flow, "efficiency": efficiency}],
    }
