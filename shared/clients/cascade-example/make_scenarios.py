"""Makes `scenarios/`: 60 made-up scenarios of prices, joint over NO3 and NO5, and of inflow.

A scenario is a day: a level, a shape with a morning and an evening peak, a midday valley as deep as the
sun is strong, wind that weighs on NO3 more than on NO5, noise that lasts for some hours, and a step
within each hour while demand rises or falls. On some days the evening is scarce, and on some there is
more sun and wind than anyone needs. Wind brings rain: on windy days more comes into the ponds, and more
and more towards the evening. The same seed always gives the same scenarios.

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
FOLDER = Path(__file__).parent / "scenarios"

# A usual price in EUR/MWh, and how much of the sun's and of the wind's pressure reaches the area.
AREAS = {"NO3": (37.0, 0.5, 1.0), "NO5": (47.0, 0.8, 0.35)}
# A usual inflow in m3/s.
PONDS = {"Pond1": 85.0, "Pond2": 14.0, "Pond3": 19.0}

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


def day(random: np.random.Generator) -> tuple[dict[str, Prices], float]:
    """Return one scenario: (96,) prices in EUR/MWh for each area, and its wind from 0 to 1."""
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
    return prices, wind


def rain(random: np.random.Generator, wind: float) -> dict[str, Prices]:
    """Return one scenario's (96,) inflows in m3/s to each pond."""
    wet = 1.3 * (wind - 0.43) + random.normal(0, 0.12)
    growing = np.exp(wet * (0.5 + HOURS / 24))
    return {pond: mean * growing * random.lognormal(0, 0.04) for pond, mean in PONDS.items()}


def table(group: str, value: str, days: list[dict[str, Prices]]) -> pa.Table:
    """Return all scenarios in long form, with the columns that every scenario file has."""
    times = [f"{at // 4:02}:{at % 4 * 15:02}" for at in range(MTUS)]
    rows = [
        (f"s{number:02}", name, time, round(float(number_of), 2))
        for number, series in enumerate(days, start=1)
        for name, values in series.items()
        for time, number_of in zip(times, values, strict=True)
    ]
    columns = dict(zip(("scenario", group, "time", value), zip(*rows, strict=True), strict=True))
    return pa.table({name: pa.array(column) for name, column in columns.items()})


def tables() -> dict[str, pa.Table]:
    """Return the content of each file."""
    random = np.random.default_rng(SEED)
    drawn = [day(random) for _ in range(SCENARIOS)]
    return {
        "prices.parquet": table("price_area", "price", [prices for prices, _ in drawn]),
        "inflows.parquet": table("inflow", "value", [rain(random, wind) for _, wind in drawn]),
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, content in tables().items():
        parquet.write_table(content, FOLDER / file, compression="zstd")
