"""Makes `past.csv`: three made-up months of hourly prices, and forecasts of them.

A day has a level that wanders from day to day and comes back to 28 EUR/MWh, a shape with a morning and
an evening peak, and noise that lasts for some hours. The forecast of a day knows the shape, and
misses the level and the noise by errors of its own. Times are local and without an offset, with 24
hours on every day, as in many published files. The same seed always gives the same prices.

Run it from anywhere: `python make_past.py`.
"""  # noqa: INP001 - a script beside the data that it makes, part of no package

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

SEED = 20250101
FIRST = datetime(2025, 1, 1)  # noqa: DTZ001 - local times without an offset are the point
DAYS = 90
HOURS = np.arange(24)
USUAL_PRICE = 28.0
OUTPUT = Path(__file__).parent / "past.csv"


def lasting_noise(random: np.random.Generator, spread: float) -> np.ndarray:
    """Return noise over the day that forgets itself within a few hours."""
    noise = np.empty(24)
    noise[0] = random.normal(0, spread)
    for at in range(1, 24):
        noise[at] = 0.8 * noise[at - 1] + random.normal(0, 0.6 * spread)
    return noise


def rows() -> Iterator[str]:
    """Yield the lines of the file."""
    random = np.random.default_rng(SEED)
    peaks = np.exp(-0.5 * ((HOURS - 8.5) / 1.6) ** 2) + np.exp(-0.5 * ((HOURS - 18) / 2.2) ** 2)
    level = 0.0
    yield "time,price,forecast"
    for day in range(DAYS):
        level = 0.85 * level + random.normal(0, 1.6)
        known = USUAL_PRICE + level + 7 * (peaks - 0.45)
        price = known + lasting_noise(random, 2.0)
        forecast = known + random.normal(0, 0.8) + lasting_noise(random, 0.5)
        for hour in range(24):
            time = FIRST + timedelta(days=day, hours=hour)
            yield f"{time:%Y-%m-%dT%H:%M},{price[hour]:.2f},{forecast[hour]:.2f}"


if __name__ == "__main__":
    OUTPUT.write_text("\n".join(rows()) + "\n", encoding="utf-8")
