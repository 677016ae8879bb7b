"""Seconds and MB to make a bid of 1,000 solved scenarios of 96 MTUs, as one JSON.

    python tests/benchmarks/reconcile.py

Three kinds of volumes: a watercourse's own solves, whose curves have some ten bends; noise around a
slope, with a hundred; and a smooth rise with more bends than the market takes points, so that every
curve is reduced. Each time a tenth of the scenarios is missing, whose probability goes to the
nearest. Memory is the peak of what Python and numpy allocate above what was there before.
"""

from __future__ import annotations

import json
import sys
import time
import tracemalloc

import numpy as np

from hydrobid.bidding.methods import method_of
from hydrobid.bidding.scenarios.generation import gaussian_copula
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.hydro.solve import solve_scenarios
from hydrobid.schema.findings import Findings, Place
from hydrobid.schema.market_rules import market_of
from solver import GRID, MTUS, cascade

SEED, SCENARIOS, SOLVED, BASE = 20261127, 1000, 900, 100
AREA = PriceArea("NO2")
MARKET = Findings().settled(market_of("nordic", Place(Findings(), "market")))
ASSET = AssetConfiguration.model_validate(
    {"asset": "cascade", "price_area": AREA, "scenario_set": "day", "watercourse": cascade()}
)
Volumes = dict[ScenarioId, np.ndarray]


def scenario_set() -> ScenarioSet:
    """Return 1,000 scenarios around two daily peaks, errors drifting over the day."""
    rng = np.random.default_rng(SEED)
    hours = np.arange(MTUS) / 4
    shape = np.exp(-((hours - 8.5) ** 2) / 6) + np.exp(-((hours - 18.5) ** 2) / 8) - 0.4
    drift = rng.normal(0, 1.2, (BASE, 1, MTUS)).cumsum(axis=2) + rng.normal(0, 6, (BASE, 1, 1))
    prices = gaussian_copula((42 + 18 * shape)[None], drift, SCENARIOS, SEED)[:, 0]
    ids = tuple(ScenarioId(f"s{number:04}") for number in range(SCENARIOS))
    return ScenarioSet(ids, rng.dirichlet(np.full(SCENARIOS, 5.0)), {AREA: prices})


def kinds(scenarios: ScenarioSet) -> dict[str, Volumes]:
    """Return the volumes of the solved scenarios, by their kind."""
    rng = np.random.default_rng(SEED)
    ids = [scenarios.ids[at] for at in sorted(rng.permutation(SCENARIOS)[:SOLVED])]
    prices = {scenario: scenarios.prices_of(AREA, scenario) for scenario in ids}
    noise = rng.normal(0, 20, (SCENARIOS, MTUS))
    return {
        "solved": {s: v.net_power for s, v in solve_scenarios(ASSET.watercourse, GRID, prices)},
        "noisy": {
            s: np.clip(3 * (p - 20) + noise[at], 0, 300) for at, (s, p) in enumerate(prices.items())
        },
        "smooth": {s: 200 + 150 * ((p - 42) / 40) ** 3 for s, p in prices.items()},
    }


def bid(scenarios: ScenarioSet, volumes: Volumes) -> BidMatrix:
    """Return the bid that the aggregator makes."""
    return method_of(ASSET).bid(MARKET, GRID, ASSET, scenarios, volumes)


def measured(scenarios: ScenarioSet, volumes: Volumes) -> dict[str, float]:
    """Return seconds of processor time and, of another run, the peak of memory."""
    started = time.process_time()
    matrix = bid(scenarios, volumes)
    seconds = time.process_time() - started
    tracemalloc.start()
    bid(scenarios, volumes)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    points = [len(curve.ticks) for curve in matrix.curves]
    return {
        "processor_seconds": round(seconds, 3),
        "peak_mb": round(peak / 1e6, 1),
        "points_mean": round(float(np.mean(points)), 1),
        "points_most": max(points),
    }


def main() -> None:
    """Print the figures."""
    scenarios = scenario_set()
    results = {name: measured(scenarios, volumes) for name, volumes in kinds(scenarios).items()}
    document = {
        "case": {"scenarios": SCENARIOS, "solved": SOLVED, "mtus": MTUS},
        "seed": SEED,
        "results": results,
    }
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
