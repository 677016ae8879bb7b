"""What a bid loses when time runs out: representative order beside random order, as one JSON.

    python tests/benchmarks/anytime.py

Days of 120 seeded price scenarios are solved for a cascade with storage of a day, a few days and
weeks. A bid on the scenarios that were solved first is cleared at the prices of every eighth
scenario of the set and delivered as a backtest does, with imbalance prices of 20 % and 2 EUR/MWh around
the spot price. Its regret is what perfect foresight earns more there, in % of what there is to earn,
averaged over the days. Random orders are averaged. `dispatched` is the order in which solvers that
work side by side, so many at once, finish the method's own tasks.
"""

from __future__ import annotations

import json
import sys
from itertools import zip_longest
from unittest.mock import patch

import numpy as np

from hydrobid.bidding.backtest.delivery import Day, deliver, worth_idle
from hydrobid.bidding.clearing import cleared
from hydrobid.bidding.independent import independent_tasks
from hydrobid.bidding.methods import multi_scenario
from hydrobid.bidding.scenarios.generation import gaussian_copula
from hydrobid.bidding.scenarios.selection import distances, representative_order
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.imbalance import ImbalancePrices
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.hydro.solve import solve_scenarios
from hydrobid.schema.findings import Findings, Place
from hydrobid.schema.market_rules import market_of
from solver import GRID, MTUS, cascade

SEEDS, SCENARIOS, RANDOM_ORDERS, CHUNK, EVERY = (1, 2), 120, 4, 10, 8
SHARES = (0.1, 0.3, 0.5)
AREA = PriceArea("NO2")
MARKET = Findings().settled(market_of("nordic", Place(Findings(), "market")))
STORAGES = (1.0, 4.0, 40.0)
"""Times that of the cascade of `solver.py`, whose reservoirs fill and empty within the day."""
IMBALANCE = ImbalancePrices()


def asset_with(storage: float) -> AssetConfiguration:
    """Return the cascade with larger reservoirs."""
    content = cascade().to_document()
    for reservoir in content["reservoirs"]:
        for name in ("volume_max", "start_volume"):
            reservoir[name] *= storage
        reservoir["level"]["x"] = [storage * volume for volume in reservoir["level"]["x"]]
    return AssetConfiguration.model_validate(
        {"asset": "cascade", "price_area": AREA, "scenario_set": "day", "watercourse": content}
    )


def scenario_set(seed: int) -> ScenarioSet:
    """Return scenarios around two daily peaks, errors drifting over the day, all as probable."""
    rng = np.random.default_rng(seed)
    hours = np.arange(MTUS) / 4
    shape = np.exp(-((hours - 8.5) ** 2) / 6) + np.exp(-((hours - 18.5) ** 2) / 8) - 0.4
    drift = rng.normal(0, 1.2, (90, 1, MTUS)).cumsum(axis=2) + rng.normal(0, 6, (90, 1, 1))
    prices = gaussian_copula((42 + 18 * shape)[None], drift, SCENARIOS, seed)[:, 0]
    ids = tuple(ScenarioId(f"s{number:03}") for number in range(SCENARIOS))
    return ScenarioSet(ids, np.full(SCENARIOS, 1 / SCENARIOS), {AREA: prices})


def proportional(_values: np.ndarray, probabilities: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return the probabilities of the present, the others' shared in proportion."""
    return probabilities[present] / probabilities[present].sum()


class SolvedDay:
    """A day solved for each scenario, and what bids on some of them regret."""

    def __init__(self, asset: AssetConfiguration, scenarios: ScenarioSet) -> None:
        self.asset, self.scenarios = asset, scenarios
        self.prices = scenarios.prices[AREA]
        by_id = dict(zip(scenarios.ids, self.prices, strict=True))
        self.schedules = dict(solve_scenarios(asset.watercourse, GRID, by_id))
        self.idle = worth_idle(Day(asset.watercourse, GRID))

    def dispatched(self, at_once: int) -> list[int]:
        """Return positions in the order in which solvers, so many at once, finish the tasks."""
        tasks = independent_tasks(self.asset, self.scenarios, CHUNK)
        order = []
        for start in range(0, len(tasks), at_once):
            side_by_side = [task.scenarios for task in tasks[start : start + at_once]]
            order += [s for finished in zip_longest(*side_by_side) for s in finished if s]
        return [self.scenarios.ids.index(scenario) for scenario in order]

    def regret(self, first: list[int], *, nearest: bool = True) -> float:
        """Return the regret of the bid on these scenarios, in %."""
        ids = [self.scenarios.ids[at] for at in first]
        volumes = {scenario: self.schedules[scenario].net_power for scenario in ids}
        weighing = multi_scenario.redistributed if nearest else proportional
        with patch.object(multi_scenario, "redistributed", weighing):
            bid = multi_scenario.bid(MARKET, GRID, self.asset, self.scenarios, volumes)
        regret = earned = 0.0
        for scenario, prices in list(zip(self.scenarios.ids, self.prices, strict=True))[::EVERY]:
            sold = cleared(bid, prices, MARKET)
            value = deliver(Day(self.asset.watercourse, GRID), sold, prices, IMBALANCE).value
            perfect = self.schedules[scenario].objective.total
            regret, earned = regret + perfect - value, earned + perfect - self.idle
        return 100 * regret / earned


def regrets(day: Day, seed: int, share: float) -> dict[str, float]:
    """Return the regret of each way to choose and weigh a share of a day's scenarios."""
    count = round(share * SCENARIOS)
    rng = np.random.default_rng(seed)
    random = [rng.permutation(SCENARIOS).tolist()[:count] for _ in range(RANDOM_ORDERS)]
    best = representative_order(day.prices, day.scenarios.probabilities).tolist()[:count]
    return {
        "representative_order_nearest": day.regret(best),
        "representative_order_proportional": day.regret(best, nearest=False),
        "random_order_nearest": float(np.mean([day.regret(order) for order in random])),
        **{
            f"dispatched_{at_once}_at_once": day.regret(day.dispatched(at_once)[:count])
            for at_once in (1, 20)
        },
    }


def apart(day: Day, seed: int, share: float) -> dict[str, float]:
    """Return the expected distance of a scenario to the nearest solved one, EUR/MWh."""
    count = round(share * SCENARIOS)
    rng = np.random.default_rng(seed)
    random = [rng.permutation(SCENARIOS).tolist()[:count] for _ in range(RANDOM_ORDERS)]
    best = representative_order(day.prices, day.scenarios.probabilities).tolist()[:count]

    def missed(chosen: list[int]) -> float:
        return float(distances(day.prices, day.prices[chosen]).min(axis=1).mean())

    return {
        "representative_order": missed(best),
        "random_order": float(np.mean([missed(order) for order in random])),
        **{
            f"dispatched_{at_once}_at_once": missed(day.dispatched(at_once)[:count])
            for at_once in (1, 20)
        },
    }


def averaged(found: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean over the days."""
    return {name: round(float(np.mean([one[name] for one in found])), 3) for name in found[0]}


def main() -> None:
    """Print the comparison."""
    days = [
        (seed, SolvedDay(asset_with(size), scenario_set(seed)))
        for seed in SEEDS
        for size in STORAGES
    ]
    report = {
        f"{share:.0%}": averaged([regrets(day, seed, share) for seed, day in days])
        for share in SHARES
    }
    missed = {
        f"{share:.0%}": averaged([apart(day, seed, share) for seed, day in days])
        for share in SHARES
    }
    everything = [day.regret(list(range(SCENARIOS))) for _, day in days]
    document = {
        "case": {"scenarios": SCENARIOS, "mtus": MTUS, "chunk": CHUNK, "days": len(days)},
        "seeds": SEEDS,
        "expected_distance": missed,
        "regret_percent": report,
        "regret_percent_of_all_scenarios": round(float(np.mean(everything)), 3),
    }
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
