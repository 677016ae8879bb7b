"""A watercourse small enough to compute by hand, a market by the hour, and a made-up past.

The one unit runs at 10 m3/s over 100 m at 90 %: 8.829 MW, 0.036 Mm3 and so 245.25 MWh for each Mm3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest

from hydrobid.bidding.backtest.archive import Archive
from hydrobid.bidding.scenarios.history import ForecastSeries
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.market import Market
from hydrobid.domain.time import MtuGrid
from hydrobid.domain.watercourse import Watercourse
from hydrobid.schema.daily_series import DailySeries, Issue

FIRST = date(2018, 2, 1)


def _watercourse(reservoir: dict[str, Any] | None = None, **others: Any) -> Watercourse:
    upper = {
        "name": "Upper",
        "volume_max": 1.0,
        "level": {"x": [0, 1], "y": [100, 100]},
        "start_volume": 0.5,
        "water_value": 30 * 245.25,
    }
    unit = {
        "name": "U",
        "power_max": 100,
        "turbine": [{"head": 100, "flow": [10], "efficiency": [0.9]}],
    }
    plant = {"name": "P", "reservoir": "Upper", "outlet_level": 0, "units": [unit]}
    content = {"name": "w", "reservoirs": [upper | (reservoir or {})], "plants": [plant]}
    return Watercourse.model_validate(content | others)


@pytest.fixture
def watercourse() -> Callable[..., Watercourse]:
    return _watercourse


@pytest.fixture
def grid() -> Callable[[int], MtuGrid]:
    return lambda count: MtuGrid(datetime(2018, 2, 1, tzinfo=UTC), 60, count)


@pytest.fixture
def asset() -> AssetConfiguration:
    return AssetConfiguration.model_validate(
        {
            "asset": "upper-valley",
            "price_area": "NO2",
            "scenario_set": "prices",
            # Half a day's water, so that the day's shape counts and not the price alone.
            "watercourse": _watercourse({"start_volume": 0.4, "inflow": 5.0}).to_document(),
        }
    )


@pytest.fixture(scope="session")
def market() -> Market:
    return Market.model_validate(
        {
            "id": "hourly",
            "time_zone": "Europe/Oslo",
            "mtu_minutes": 60,
            "gate_closure": {"local_time": "12:00"},
            "currency": "EUR",
            "price_min": "-500",
            "price_max": "3000",
            "price_tick": "0.01",
            "volume_lot": "0.001",
            "max_points": 200,
            "price_areas": ["NO2"],
        }
    )


@pytest.fixture
def told() -> Callable[..., Archive]:
    """An archive in which some days' prices or forecasts are others."""

    def change(
        archive: Archive,
        prices: dict[date, tuple[Issue, ...]] | None = None,
        forecasts: dict[date, tuple[Issue, ...]] | None = None,
    ) -> Archive:
        known = archive.prices
        changed = [
            replace(series, issues={**series.issues, **(others or {})})
            for series, others in ((known.forecast, forecasts), (known.actual, prices))
        ]
        return replace(archive, prices=ForecastSeries(*changed))

    return change


@pytest.fixture
def past(market) -> Callable[..., Archive]:
    """An archive of days from 1 February 2018 on, forecast at eight and bid at ten."""

    def make(days: int, error: float = 3.0, seed: int = 7) -> Archive:
        rng = np.random.default_rng(seed)
        prices, forecasts = {}, {}
        for at in range(days):
            day = FIRST + timedelta(days=at)
            mtus = len(market.grid(day))
            expected = 30 + 6 * np.sin(np.arange(mtus) / 3) + rng.normal(0, 3)
            came = expected + rng.normal(0, error, mtus) if error else expected
            prices[day] = (Issue(None, came),)
            published = datetime.combine(day - timedelta(days=1), time(8), market.zone)
            forecasts[day] = (Issue(published.astimezone(UTC), expected),)
        series = [DailySeries(issues, {}, frozenset()) for issues in (forecasts, prices)]
        return Archive(market, time(10), ForecastSeries(*series))

    return make
