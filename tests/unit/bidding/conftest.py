"""A market, an asset and scenarios that the bidding tests share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import settings

from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.scenarios import ScenarioSet

NO2 = PriceArea("NO2")

# Optimal choices are looked for by trying all: on a busy machine an example may take its time.
settings.register_profile("bidding", deadline=None)
settings.load_profile("bidding")


@pytest.fixture(scope="session")
def market() -> Market:
    return Market.model_validate(
        {
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
            "price_areas": ["NO2"],
        }
    )


@pytest.fixture(scope="session")
def asset() -> Callable[..., AssetConfiguration]:
    def make(chunk: int = 2) -> AssetConfiguration:
        reservoir = {
            "name": "R",
            "volume_max": 1,
            "level": {"x": [0, 1], "y": [100, 110]},
            "start_volume": 0.5,
            "water_value": 0,
        }
        turbine = [{"head": 100, "flow": [10], "efficiency": [0.9]}]
        unit = {"name": "U", "power_max": 100, "turbine": turbine}
        plant = {"name": "P", "reservoir": "R", "outlet_level": 0, "units": [unit]}
        return AssetConfiguration.model_validate(
            {
                "asset": "upper-valley",
                "price_area": "NO2",
                "scenario_set": "prices",
                "method": {"name": "multi_scenario", "chunk": chunk},
                "watercourse": {"name": "w", "reservoirs": [reservoir], "plants": [plant]},
            }
        )

    return make


@pytest.fixture(scope="session")
def scenario_set() -> Callable[..., ScenarioSet]:
    def make(prices: list[list[float]], probabilities: list[float]) -> ScenarioSet:
        ids = tuple(ScenarioId(f"s{number}") for number in range(len(prices)))
        return ScenarioSet(ids, np.array(probabilities), {NO2: np.array(prices)})

    return make
