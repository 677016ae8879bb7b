"""Models damaged in any way are read or refused with words, and never end otherwise."""

from __future__ import annotations

import copy
import json
import random

import pytest
from shop_documents import START, small_case

from hydrobid.domain.errors import InvalidInput
from hydrobid.schema.models import read_model
from hydrobid.schema.price_files import SourceFile

MIDNIGHT, NEXT = "2026-01-01T00:00Z", "2026-01-02T00:00Z"
PRICES = SourceFile("prices.csv", f"time,price\n{MIDNIGHT},1\n{NEXT},2\n".encode())
VALUES = (
    None, 0, -1, 1, 0.5, 1e308, -1e308, 1e-300, 10**30, float("nan"), float("inf"), True, "", "x",
    "High", "Upper", START, "9999-12-31 23:00:00", [], [1], [[]], {}, {"a": 1},
    {"ref": 0, "x": [1, 2], "y": [1, 2]},
)  # fmt: skip
NAMES = ("", "a b", "Lower", "High", "min_flow", "9999-12-31 23:00:00", "0001-01-01 00:00:00")
OURS = {
    "version": 1,
    "watercourse": "w",
    "reservoirs": {
        "Upper": {
            "volume_max": 40,
            "level": {"volume": [0, 10, 50], "level": [100, 120, 140]},
            "start_level": 130,
            "water_value_segments": [
                {"width": 10, "water_value": 900},
                {"width": 30, "water_value": 700},
            ],
            "volume_soft_min": {"volume": 5, "penalty": 3},
            "overflow": {"level": [138, 139], "flow": [0, 50]},
        }
    },
    "plants": {
        "Station": {
            "reservoir": "Upper",
            "outlet_level": 50,
            "ramp_up": 5,
            "units": {
                "U": {
                    "power_max": 20,
                    "up_time_min": 30,
                    "forbidden_zones": [{"power_from": 8, "power_to": 9}],
                    "turbine": [{"head": 70, "flow": [10, 20], "efficiency": [0.8, 0.9]}],
                }
            },
        }
    },
    "gates": {"G": {"reservoir": "Upper", "to": "R", "ramp_down": 3}},
    "rivers": {"R": {"delay_minutes": 30}},
    "cuts": [{"constant": 5, "slopes": {"Upper": 3}}],
    "conditions": {
        "inflow": {"Upper": {MIDNIGHT: 3}},
        "limits": {"discharge_min": {"Station": {MIDNIGHT: 3, NEXT: None}}},
        "maintenance": {"U": [{"start": MIDNIGHT, "end": NEXT}]},
        "machines": {"U": {"on": True, "hours": 3}},
        "trade": {"obligation": {MIDNIGHT: -3}},
        "reserve_up": {"U": {MIDNIGHT: 1}},
    },
}


def shop():
    case = small_case()
    case["model"]["gate"] = {"S": {"max_discharge": 3, "min_flow": {START: 1}, "time_delay": 1}}
    case["model"]["river"] = {"R": {"time_delay_const": 1}}
    case["model"]["cut_group"] = {"C": {"rhs": [{"ref": 0, "x": [0], "y": [1]}]}}
    upper = case["model"]["reservoir"]["Upper"]
    upper["flow_descr"] = {"ref": 0, "x": [158, 159], "y": [0, 90]}
    upper |= {"tactical_limit_min": {START: 1}, "tactical_cost_min": {START: 1}}
    case["connections"] += [
        {"from": "Upper", "to": "S", "connection_type": "connection_spill"},
        {"from": "S", "to": "Lower"},
        {"from": "Lower", "to": "R"},
        {"from": "C", "to": "Lower"},
    ]
    return case


def places(content, steps=()):
    """Yield the way to everything in a document."""
    if steps:
        yield steps
    inner = ()
    if isinstance(content, dict):
        inner = content.items()
    elif isinstance(content, list):
        inner = enumerate(content)
    for step, part in inner:
        yield from places(part, (*steps, step))


def damage(content, chance):
    """Replace, drop or rename one part of a document."""
    *way, last = chance.choice(list(places(content)))
    at = content
    for step in way:
        at = at[step]
    kind = chance.random()
    if isinstance(at, dict) and kind < 0.15:
        del at[last]
    elif isinstance(at, dict) and kind < 0.25:
        at[chance.choice(NAMES)] = at.pop(last)
    else:
        at[last] = copy.deepcopy(chance.choice(VALUES))


@pytest.mark.parametrize("seed", range(8))
def test_read_model__damaged(seed):
    print(f"seed {seed}")
    chance = random.Random(seed)
    read = 0
    for _ in range(60):
        content, prices = (shop(), None) if chance.random() < 0.5 else (copy.deepcopy(OURS), PRICES)
        for _ in range(chance.randint(1, 2)):
            damage(content, chance)
        text = json.dumps(content).replace("NaN", ".nan").replace("Infinity", ".inf")
        refusal = refused(SourceFile("model.yaml", text.encode()), prices)
        if refusal is None:
            read += 1
        else:
            assert all(problem.field and problem.expected for problem in refusal.problems)
            json.dumps(refusal.as_document(), allow_nan=False)
    assert 0 < read < 60


def refused(model, prices):
    """Return why a model is refused, None where it is read."""
    try:
        read_model(model, prices)
    except InvalidInput as error:
        return error
    return None
