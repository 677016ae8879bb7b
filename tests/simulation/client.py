"""A tiny client: three assets in two price areas, four scenarios, hourly MTUs, and a solver of it.

Its inputs come in a few editions that differ in their prices. Everything is plausible and as small
as it can be, since the simulator is after the order of things and not after their size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Any

import numpy as np

from hydrobid.adapters.memory import SolveJointly, SolveProblem
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.market import Market
from hydrobid.hydro.curve_program import CurveProgram, SharedCurves
from hydrobid.hydro.schedule import FailureCode, Objective, Schedule, SolveFailure, Termination
from hydrobid.schema import ClientInputs

CLIENT = ClientId("simulated")
DAY = date(2026, 6, 10)
GATE = datetime(2026, 6, 9, 12, tzinfo=UTC)
PROBABILITY = {"s1": 0.5, "s2": 0.3, "s3": 0.2}
SCENARIOS = tuple(PROBABILITY)
ENOUGH = 0.5
HOURS = 3
SHAPES: dict[str, dict[str, str]] = {
    "one asset": {"upper": "NO1"},
    "two assets": {"upper": "NO1", "lower": "NO1"},
    "two areas": {"upper": "NO1", "lower": "NO1", "coast": "NO2"},
}
POWER = 100.0

_MARKET = {
    "id": "hourly",
    "time_zone": "UTC",
    "mtu_minutes": 60,
    "gate_closure": {"local_time": "12:00", "days_before": 1},
    "currency": "EUR",
    "price_min": "-500",
    "price_max": "4000",
    "price_tick": "0.1",
    "volume_lot": "0.1",
    "max_points": 200,
    "price_areas": ["NO1", "NO2"],
}


MARKET = Market.from_document(_MARKET)


def _watercourse(name: str) -> dict[str, Any]:
    unit = {
        "name": f"{name}-unit",
        "power_max": POWER,
        "turbine": [{"head": 100.0, "flow": [60.0, 110.0], "efficiency": [0.9, 0.92]}],
    }
    reservoir = {
        "name": f"{name}-lake",
        "volume_max": 100.0,
        "start_volume": 50.0,
        "water_value": 10_000.0,
        "level": {"x": [0.0, 100.0], "y": [190.0, 210.0]},
    }
    plant = {
        "name": f"{name}-plant",
        "reservoir": f"{name}-lake",
        "outlet_level": 100.0,
        "units": [unit],
    }
    return {"name": f"{name}-river", "reservoirs": [reservoir], "plants": [plant]}


METHODS: tuple[tuple[str, ...], ...] = (
    *(("multi_scenario",),) * 5,
    ("stochastic", "multi_scenario"),
    ("blocks",),
    ("multi_scenario", "blocks"),
)
"""How assets are bid: each by itself, some with curves that all scenarios share, some with blocks."""

POLICIES: tuple[dict[str, str], ...] = (
    {"approval": "required", "on_silence": "withhold"},
    {"approval": "required", "on_silence": "submit"},
    {"approval": "required", "on_silence": "submit_yesterday"},
    {"approval": "four_eyes", "on_silence": "withhold"},
    {"approval": "four_eyes", "on_silence": "submit"},
)
"""How bids are approved where people are asked, and what follows on their silence."""

BY_RULE = {"approval": "automatic"}


def people_needed(policy: Mapping[str, str]) -> int:
    """Return how many people approve a bid under a policy of those that ask people."""
    return 2 if policy["approval"] == "four_eyes" else 1


@dataclass(frozen=True)
class Inputs:
    """The client's inputs in one of its shapes, which differ in what there is to bid.

    policy: the number of its approval policy, None where its bids are approved by rule. methods: of
    its assets, in turn. by_water_values: whether an asset's bid may be made of them alone.
    """

    shape: str
    policy: int | None = None
    methods: tuple[str, ...] = ("multi_scenario",)
    by_water_values: bool = True

    @property
    def approval(self) -> dict[str, str]:
        """The fields of the client's configuration that say how bids are approved."""
        return BY_RULE if self.policy is None else POLICIES[self.policy]

    @property
    def areas(self) -> tuple[str, ...]:
        """The price areas that are bid in."""
        return tuple(sorted(set(SHAPES[self.shape].values())))

    def edition(self, number: int) -> ClientInputs:
        """Return one edition; equal editions are equal content."""
        return _inputs(self, number)


@lru_cache(maxsize=256)
def _inputs(inputs: Inputs, edition: int) -> ClientInputs:
    shape = inputs.shape
    assets = [
        {
            "asset": asset,
            "price_area": area,
            "scenario_set": "prices",
            "method": {"name": inputs.methods[at % len(inputs.methods)], "chunk": 2},
            "coverage": {"minimum_probability": ENOUGH},
            "watercourse": _watercourse(asset),
            **({} if inputs.by_water_values else {"fallback": ["older_revision", "yesterday"]}),
        }
        for at, (asset, area) in enumerate(SHAPES[shape].items())
    ]
    configuration = ClientConfiguration.from_document(
        {
            "client": CLIENT,
            "market": _MARKET,
            "portfolio": "simulated",
            # One shape is solved from when its levels hold: the position is one input more.
            **({"horizon": {}} if shape == "two assets" else {}),
            "assets": assets,
            **inputs.approval,
        }
    )
    return ClientInputs(
        {
            "version": 1,
            "description": "simulated",
            "sources": {"client": "client.yaml"},
            "configuration": configuration.to_document(),
        },
        {"prices": _scenario_set(edition)},
    )


def _scenario_set(edition: int) -> dict[str, Any]:
    hours = np.arange(HOURS)
    shape = 30 + 10 * np.sin(hours)
    values = [
        np.round(shape * (1 + 0.2 * rank) + 3 * edition, 2).tolist()
        for rank in range(len(SCENARIOS))
    ]
    series = {"times": [f"{hour:02}:00" for hour in hours], "values": values}
    return {
        "version": 1,
        "file": f"edition-{edition}.csv",
        "kind": "profile",
        "scenarios": list(SCENARIOS),
        "probabilities": list(PROBABILITY.values()),
        "probability_source": "equal",
        "prices": dict.fromkeys(_MARKET["price_areas"], series),
    }


def solver(fails: Callable[[str, bytes], bool]) -> SolveProblem:
    """Return a solver that sells more at higher prices.

    fails: whether a scenario, by watercourse and prices, is infeasible.
    """

    def solve(
        problem: Any, scenarios: Mapping[Any, Any]
    ) -> Iterator[tuple[Any, Schedule | SolveFailure]]:
        name = problem.watercourse.name
        for scenario, values in scenarios.items():
            if fails(name, values.prices.tobytes()):
                yield scenario, SolveFailure(FailureCode.INFEASIBLE, "no way")
            else:
                yield scenario, _schedule(name, values.prices)

    return solve


def joint_solver(fails: Callable[[str, bytes], bool]) -> SolveJointly:
    """Return a solver of joint tasks; fails: as above, of the prices of all scenarios."""

    def share(problem: Any, _: Any, program: CurveProgram) -> SharedCurves | SolveFailure:
        if fails(problem.watercourse.name, program.prices.tobytes()):
            return SolveFailure(FailureCode.INFEASIBLE, "no way")
        return _shared_curves(program)

    return share


def _shared_curves(program: CurveProgram) -> SharedCurves:
    """Return curves that sell more at higher prices, and a few blocks where they may be."""
    volumes = tuple(np.clip(points - 20.0, 0.0, POWER / 2) for points in program.points)
    blocks = np.where(np.arange(len(program.blocks)) % 3 == 0, POWER / 20, 0.0)
    blocks[program.blocks_max :] = 0.0
    return SharedCurves(volumes, 1.0, blocks)


def sold_at(prices: Any) -> Any:
    """Return the volumes in MW that the solver sells at prices in EUR/MWh."""
    return np.round(np.clip((prices - 20.0) * 2, 0.0, POWER), 6)


def _schedule(name: str, prices: Any) -> Schedule:
    return _schedule_at(name, tuple(prices.tolist()))


@cache
def _schedule_at(name: str, at: tuple[float, ...]) -> Schedule:
    prices = np.asarray(at)
    net = sold_at(prices)
    flow = np.round(net, 6)
    volume = np.round(50.0 - np.concatenate([[0.0], np.cumsum(flow * 0.0036)]), 9)
    sales = round(float(prices @ net), 4)
    return Schedule(
        net_power=net,
        plant_power={f"{name}-plant": net},
        discharge={f"{name}-plant": flow},
        pumping={},
        gate_flow={},
        spill={},
        volume={f"{name}-lake": volume},
        objective=Objective(sales, 0.0, 0.0, sales),
        violations=(),
        termination=Termination.OPTIMAL,
        iterations=1,
    )
