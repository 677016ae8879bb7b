"""Makes `scenarios/prices.parquet`: 60 made-up price scenarios, joint over NO3 and NO5.

A scenario is a day: a level, a shape with a morning and an evening peak, a midday valley as deep as the
sun is strong, wind that weighs on NO3 more than on NO5, noise that lasts for some hours, and a step
within each hour while demand rises or falls. On some days the evening is scarce, and on some there is
more sun and wind than anyone needs. The same seed always gives the same prices.

Run it from anywhere: `python make_scenarios.py`.
"""  # noqa: INP001 - a script beside the data that it makes, part of no package

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

SEED = 20260101
SCENARIOS = 60
MTUS = 96
HOURS = (np.arange(MTUS) + 0.5) / 4
OUTPUT = Path(__file__).parent / "scenarios" / "prices.parquet"

# A usual price in EUR/MWh, and how much of the sun's and of the wind's pressure reaches the area.
AREAS = {"NO3": (37.0, 0.5, 1.0), "NO5": (47.0, 0.8, 0.35)}

Prices = NDArray[np.float64]


def bump(centre: float, width: float) -> Prices:
    """Return a bell over the day with height 1; centre and width in hours."""
    return np.exp(-0.5 * ((HOURS - centre) / width) ** 2)


def lasting_noise(random: np.random.Generator, spread: float) -> Prices:
    """Return noise over the day that forgets itself within a few hours."""
    noise = np.empty(MTUS)
    noise[0] = random.normal(0, spread)
    for at in range(1, MTUS):
        noise[at] = 0.96 * noise[at - 1] + random.normal(0, spread * np.sqrt(1 - 0.96**2))
    return noise


def day(random: np.random.Generator) -> dict[str, Prices]:
    """Return one scenario: (96,) prices in EUR/MWh for each area."""
    level = random.lognormal(0, 0.22)
    sun = random.beta(1.6, 2.2)
    wind = random.beta(1.8, 2.4)
    scarce = random.random() < 0.1
    common = lasting_noise(random, 0.08)
    demand = 0.86 + 0.30 * bump(8.2, 1.4) + 0.42 * bump(18.4, 1.9) - 0.16 * bump(3.2, 2.2)
    # Plants follow the hour; demand does not wait for it: quarters before a peak rise in steps.
    steps = 0.05 * (np.arange(MTUS) % 4 - 1.5) * np.sign(np.gradient(demand))
    prices = {}
    for area, (mean, by_sun, by_wind) in AREAS.items():
        valley = 1.5 * by_sun * sun * bump(13.2, 2.3)
        pressure = 0.9 * by_wind * wind * (1 - 0.35 * bump(18.4, 2.5))
        shape = demand + steps + common + lasting_noise(random, 0.06) - valley - pressure
        peak = random.uniform(1.5, 5.0) * bump(18.2, 0.9) if scarce else 0.0
        local = level * random.lognormal(0, 0.08)
        prices[area] = mean * local * (shape + 0.15 * (1 + by_wind) + peak)
    return prices


def table() -> pa.Table:
    """Return all scenarios in long form, with the columns that every scenario file has."""
    random = np.random.default_rng(SEED)
    times = [f"{at // 4:02}:{at % 4 * 15:02}" for at in range(MTUS)]
    rows = [
        (f"s{number:02}", area, time, round(float(price), 2))
        for number in range(1, SCENARIOS + 1)
        for area, prices in day(random).items()
        for time, price in zip(times, prices, strict=True)
    ]
    columns = dict(
        zip(("scenario", "price_area", "time", "price"), zip(*rows, strict=True), strict=True)
    )
    return pa.table({name: pa.array(column) for name, column in columns.items()})


if __name__ == "__main__":
    OUTPUT.parent.mkdir(exist_ok=True)
    parquet.write_table(table(), OUTPUT, compression="zstd")
