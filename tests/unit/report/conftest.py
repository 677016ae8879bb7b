"""Whole runs in memory, through the use cases, for the report to write down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from hydrobid.adapters.memory import (
    InProcessSolver,
    MemoryCallbacks,
    MemoryClock,
    MemoryDocuments,
    MemoryExchange,
    MemoryMessages,
)
from hydrobid.domain.configuration import OWN_SOLVER, ClientConfiguration
from hydrobid.domain.errors import ServiceUnavailable
from hydrobid.domain.identifiers import ClientId, RunId, ScenarioId
from hydrobid.domain.messages import AssetBid, AssetSettled, CutOffReached
from hydrobid.hydro.problem import Problem
from hydrobid.hydro.scenario import Scenario
from hydrobid.hydro.schedule import FailureCode, SolveFailure
from hydrobid.hydro.solve import solve_problem
from hydrobid.pipeline.aggregate_asset import aggregate_asset
from hydrobid.pipeline.plan_run import PlanRequest, plan_run
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.run_inputs import plan_of
from hydrobid.pipeline.solve_task import TaskRequest, solve_task
from hydrobid.pipeline.submit_bid import submit_asset_bid, submit_at_cut_off

CLIENT = ClientId("two-valleys")
DAY = date(2026, 11, 25)
NOW = datetime.fromisoformat("2026-11-24T10:30+01:00")
ClientDocuments = tuple[dict[str, Any], dict[str, dict[str, Any]]]


@dataclass
class World:
    """One client's pipeline in memory."""

    clock: MemoryClock
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    messages: MemoryMessages = field(default_factory=MemoryMessages)
    callbacks: MemoryCallbacks = field(default_factory=MemoryCallbacks)

    def __post_init__(self) -> None:
        self.exchange = MemoryExchange(self.clock)

    def plan(
        self,
        configuration: Mapping[str, Any],
        scenario_sets: Mapping[str, Mapping[str, Any]],
        day: date = DAY,
    ) -> RunId:
        """Publish inputs and plan a run of them."""
        publish_inputs(self.documents, self.clock, configuration, scenario_sets)
        client = ClientId(configuration["configuration"]["client"])
        return plan_run(self.documents, self.clock, PlanRequest(client=client, day=day)).plan.run

    def run(
        self,
        configuration: Mapping[str, Any],
        scenario_sets: Mapping[str, Mapping[str, Any]],
        day: date = DAY,
        *,
        failing: tuple[str, ...] = (),
        unreachable: tuple[str, ...] = (),
        passing: timedelta = timedelta(milliseconds=37),
    ) -> RunId:
        """Plan and finish a run.

        failing: scenarios that are infeasible. unreachable: scenarios before which the solver
        dies each time. passing: market time that a scenario takes.
        """
        client = ClientId(configuration["configuration"]["client"])
        plan = plan_of(self.documents, self.plan(configuration, scenario_sets, day))
        solvers = {OWN_SOLVER: InProcessSolver(self._solving(failing, unreachable, passing))}
        for asset in plan.assets:
            for task in asset.tasks:
                request = TaskRequest(client=client, run=plan.run, asset=asset.asset, task=task.id)
                try:
                    solve_task(self.documents, self.clock, solvers, request)
                except ServiceUnavailable:
                    continue
            self.clock.advance(passing)
            settled = AssetSettled(client=client, run=plan.run, asset=asset.asset)
            aggregate_asset(self.documents, self.clock, self.messages, settled)
        self._submit(passing)
        reached = CutOffReached(client=client, run=plan.run, cut_off="submission")
        submit_at_cut_off(
            self.documents, self.clock, self.exchange, self.callbacks, reached, "test"
        )
        return plan.run

    def _submit(self, passing: timedelta) -> None:
        while self.messages.waiting:
            message = self.messages.waiting.popleft()
            assert isinstance(message, AssetBid)
            self.clock.advance(passing)
            submit_asset_bid(
                self.documents, self.clock, self.exchange, self.callbacks, message, "test"
            )

    def _solving(
        self, failing: tuple[str, ...], unreachable: tuple[str, ...], passing: timedelta
    ) -> Any:
        def solve(problem: Problem, scenarios: Mapping[ScenarioId, Scenario]) -> Iterator[Any]:
            for scenario, values in scenarios.items():
                self.clock.advance(passing)
                if scenario in unreachable:
                    raise ServiceUnavailable("the solver's process died")
                if scenario in failing:
                    yield scenario, SolveFailure(FailureCode.INFEASIBLE, "no schedule keeps limits")
                    continue
                yield from solve_problem(problem, {scenario: values})

        return solve


@pytest.fixture
def make_world() -> Callable[..., World]:
    """Return a maker of worlds, each at a market time of its own."""
    return lambda now=NOW: World(MemoryClock(now))


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.fixture
def client_documents() -> Callable[..., ClientDocuments]:
    """Return a maker of a configuration and its scenario sets."""
    return _client_documents


def _client_documents(
    assets: Mapping[str, str],
    *,
    scenarios: int = 6,
    description: str = "Two small valleys, made up for this test.",
    chunk: int = 3,
    fallback: tuple[str, ...] = (),
) -> ClientDocuments:
    """Return a configuration and its scenario sets. assets: price area by asset."""
    areas = sorted(set(assets.values()))
    configuration = ClientConfiguration.from_document(
        {
            "client": CLIENT,
            "portfolio": "two-valleys",
            "market": _market(areas),
            "assets": [
                {
                    "asset": asset,
                    "price_area": area,
                    "scenario_set": "prices",
                    "method": {"name": "multi_scenario", "chunk": chunk},
                    "fallback": list(fallback),
                    "watercourse": _watercourse(asset, power=40.0 + 10.0 * index),
                }
                for index, (asset, area) in enumerate(assets.items())
            ],
        }
    )
    document = {
        "version": 1,
        "description": description,
        "sources": {"client": "client.yaml", "watercourses": {}},
        "configuration": configuration.to_document(),
    }
    return document, {"prices": _scenario_set(areas, scenarios)}


def _market(areas: list[str]) -> dict[str, Any]:
    return {
        "id": "nordic",
        "time_zone": "Europe/Oslo",
        "mtu_minutes": 60,
        "gate_closure": {"local_time": "12:00"},
        "currency": "EUR",
        "price_min": "-500",
        "price_max": "4000",
        "price_tick": "0.1",
        "volume_lot": "0.1",
        "max_points": 200,
        "price_areas": areas,
    }


def _watercourse(name: str, power: float) -> dict[str, Any]:
    return {
        "name": name,
        "reservoirs": [
            {
                "name": "lake",
                "volume_max": 20.0,
                "level": {"x": [0.0, 20.0], "y": [480.0, 500.0]},
                "start_volume": 10.0,
                "inflow": 6.0,
                "water_value": 40_000.0,
            }
        ],
        "plants": [
            {
                "name": "station",
                "reservoir": "lake",
                "outlet_level": 100.0,
                "units": [
                    {
                        "name": "unit",
                        "power_max": power,
                        "turbine": [
                            {"head": 390.0, "flow": [6.0, 14.0], "efficiency": [0.9, 0.88]}
                        ],
                    }
                ],
            }
        ],
        "gates": [{"name": "spillway", "reservoir": "lake"}],
    }


def _scenario_set(areas: list[str], scenarios: int) -> dict[str, Any]:
    times = [f"{hour:02}:00" for hour in range(24)]
    shape = 45 + 12 * np.sin((np.arange(24) - 6) * np.pi / 9)
    shifts = np.linspace(-18, 22, scenarios)
    return {
        "version": 1,
        "file": "prices.csv",
        "kind": "profile",
        "scenarios": [f"s{number:02}" for number in range(1, scenarios + 1)],
        "probabilities": [1 / scenarios] * scenarios,
        "probability_source": "equal",
        "prices": {
            area: {
                "times": times,
                "values": [np.round(shape + shift + at, 2).tolist() for shift in shifts],
            }
            for at, area in enumerate(areas)
        },
    }
