"""What a bid loses when time runs out: the order of dispatch beside random order, as one JSON.

    python tests/benchmarks/anytime.py

Days of 120 seeded price scenarios are solved for a cascade whose reservoirs fill and empty within the
day, hold a day's water, or more than they need. A bid is made of the scenarios that were solved first
and read at the prices of every scenario of the set, each is delivered as a backtest delivers, and its
regret is what perfect foresight of each scenario earns more: by probability, in % of what there is to
earn. Nothing of that is left to chance, so that orders are compared with what the whole set says.

`tasks_at_once` is the order in which solvers that work side by side, so many at once, finish the
method's own tasks. Each day has random orders of its own; the same weights are given to all. The
difference to their mean is taken day by day, with a 95 % interval over the days.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import zip_longest
from unittest.mock import patch

import numpy as np
from scipy.stats import t as student

from hydrobid.bidding.backtest.delivery import Day, deliver, worth_idle
from hydrobid.bidding.clearing import cleared
from hydrobid.bidding.independent import independent_tasks
from hydrobid.bidding.methods import multi_scenario
from hydrobid.bidding.scenarios.generation import gaussian_copula
from hydrobid.bidding.scenarios.selection import distances, representative_order
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.imbalance import ImbalancePrices
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.curves import convex_production
from hydrobid.hydro.formulation import formulate
from hydrobid.hydro.highs import LinearSolver, Solution
from hydrobid.hydro.problem import Trade
from hydrobid.hydro.solve import solve_scenarios
from hydrobid.schema.findings import Findings, Place
from hydrobid.schema.market_rules import market_of
from solver_routes.case import cascade

DAYS, SCENARIOS, RANDOM_ORDERS, CHUNK, MTUS = 12, 120, 6, 6, 24
SHARES, AT_ONCE = (0.1, 0.3, 0.5), (1, 20)
AREA = PriceArea("NO2")
MARKET = Findings().settled(market_of("nordic-hourly", Place(Findings(), "market")))
GRID = MtuGrid(datetime(2026, 3, 28, tzinfo=UTC), 60, MTUS)
STORAGES = {"within_the_day": 0.05, "a_day": 0.2, "ample": 1.0}
"""Times that of the cascade of `solver.py` with lakes."""
IMBALANCE = ImbalancePrices()
RANDOM = "random"
Weighing = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def asset_with(storage: float) -> AssetConfiguration:
    """Return the cascade with larger or smaller reservoirs."""
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
    hours = np.arange(MTUS) + 0.5
    shape = np.exp(-((hours - 8.5) ** 2) / 6) + np.exp(-((hours - 18.5) ** 2) / 8) - 0.4
    drift = rng.normal(0, 2.4, (90, 1, MTUS)).cumsum(axis=2) + rng.normal(0, 6, (90, 1, 1))
    prices = gaussian_copula((42 + 18 * shape)[None], drift, SCENARIOS, seed)[:, 0]
    ids = tuple(ScenarioId(f"s{number:03}") for number in range(SCENARIOS))
    return ScenarioSet(ids, np.full(SCENARIOS, 1 / SCENARIOS), {AREA: prices})


def in_proportion(
    _values: np.ndarray, probabilities: np.ndarray, present: np.ndarray
) -> np.ndarray:
    """Return the probabilities of the present, the others' shared in proportion."""
    return probabilities[present] / probabilities[present].sum()


class Deliveries:
    """What sold days of one water are worth: `deliver`, its model built once for all of them."""

    def __init__(self, day: Day) -> None:
        self.hours = day.grid.hours
        unlimited = np.full(len(day.grid), np.inf)
        trade = Trade(np.zeros(len(day.grid)), unlimited, unlimited, np.ones(len(day.grid)))
        problem = replace(day.problem, trade=trade)
        self.model = formulate(problem, convex_production(problem))
        buying = self.model.priced.energy < 0
        self.bought = self.model.priced.columns[buying]
        self.periods = self.model.priced.periods[buying]
        sparse = self.model.sparse
        self.solver = LinearSolver(sparse, self.model.basic, self.model.nonbasic)

    def worth(self, sold: np.ndarray, spot: np.ndarray) -> float:
        """Return what a sold day is worth, in currency."""
        away = IMBALANCE.away(spot)
        costs = self.model.costs(spot - away)
        costs[self.bought] += (2 * away[self.periods] - 1.0) * self.hours
        self.solver.change_rows(self.model.power_balance, sold)
        found = self.solver.solve(costs)
        assert isinstance(found, Solution)
        return self.hours * float(spot @ sold) - found.objective - self.model.constant


class SolvedDay:
    """A day solved for each scenario, and what bids on some of them regret over all."""

    def __init__(self, storage: str, seed: int) -> None:
        self.storage, self.rng = storage, np.random.default_rng(seed)
        self.asset, self.scenarios = asset_with(STORAGES[storage]), scenario_set(seed)
        self.prices = self.scenarios.prices[AREA]
        by_id = dict(zip(self.scenarios.ids, self.prices, strict=True))
        self.schedules = dict(solve_scenarios(self.asset.watercourse, GRID, by_id))
        self.day = Day(self.asset.watercourse, GRID)
        self.deliveries, self.idle = Deliveries(self.day), worth_idle(self.day)
        self.random = [self.rng.permutation(SCENARIOS).tolist() for _ in range(RANDOM_ORDERS)]
        self.dispatched = {count: self._finished(count) for count in AT_ONCE}
        self.nearest = representative_order(self.prices, self.scenarios.probabilities).tolist()

    def _finished(self, at_once: int) -> list[int]:
        """Return positions in the order in which solvers, so many at once, finish the tasks."""
        tasks = independent_tasks(self.asset, self.scenarios, CHUNK)
        order = []
        for start in range(0, len(tasks), at_once):
            side_by_side = [task.scenarios for task in tasks[start : start + at_once]]
            order += [s for finished in zip_longest(*side_by_side) for s in finished if s]
        return [self.scenarios.ids.index(scenario) for scenario in order]

    def bid(self, first: list[int], weighing: Weighing | None = None) -> BidMatrix:
        """Return the bid on these scenarios."""
        ids = [self.scenarios.ids[at] for at in first]
        volumes = {scenario: self.schedules[scenario].net_power for scenario in ids}
        given = multi_scenario.redistributed if weighing is None else weighing
        with patch.object(multi_scenario, "redistributed", given):
            return multi_scenario.bid(MARKET, GRID, self.asset, self.scenarios, volumes)

    def regret(self, first: list[int], weighing: Weighing | None = None) -> float:
        """Return the expected regret of the bid on these scenarios, in %."""
        bid = self.bid(first, weighing)
        worth = [self.deliveries.worth(cleared(bid, spot, MARKET), spot) for spot in self.prices]
        perfect = [schedule.objective.total for schedule in self.schedules.values()]
        return 100 * float((np.mean(perfect) - np.mean(worth)) / (np.mean(perfect) - self.idle))

    def apart(self, first: list[int]) -> float:
        """Return the expected distance of a scenario to the nearest of these, EUR/MWh."""
        return float(distances(self.prices, self.prices[first]).min(axis=1).mean())

    def delivery_error(self) -> float:
        """Return how far, in EUR, one delivery is from the one of a backtest."""
        spot = self.prices[0]
        sold = cleared(self.bid(self.random[0][:10]), spot, MARKET)
        exact = deliver(self.day, sold, spot, IMBALANCE).value
        return abs(self.deliveries.worth(sold, spot) - exact)


@dataclass(frozen=True)
class Found:
    """regret, apart: by way of ordering, the mean of the random orders for RANDOM."""

    storage: str
    regret: dict[str, float]
    apart: dict[str, float]

    @classmethod
    def of(cls, day: SolvedDay, share: float) -> Found:
        """Return what a day comes to with a share of its scenarios solved."""
        count = round(share * SCENARIOS)
        orders = {f"tasks_at_once_{n}": order[:count] for n, order in day.dispatched.items()}
        orders["forward_selection"] = day.nearest[:count]
        regret = {name: day.regret(first) for name, first in orders.items()}
        first = orders["tasks_at_once_1"]
        regret["tasks_at_once_1_in_proportion"] = day.regret(first, in_proportion)
        apart = {name: day.apart(first) for name, first in orders.items()}
        random = [order[:count] for order in day.random]
        regret[RANDOM] = float(np.mean([day.regret(order) for order in random]))
        apart[RANDOM] = float(np.mean([day.apart(order) for order in random]))
        return cls(day.storage, regret, apart)


def compared(days: list[Found]) -> dict[str, dict[str, float | list[float] | bool]]:
    """Return each way's mean regret, and how far it is from random order's, day by day."""
    table: dict[str, dict[str, float | list[float] | bool]] = {}
    for name in days[0].regret:
        values = np.array([day.regret[name] for day in days])
        away = values - np.array([day.regret[RANDOM] for day in days])
        half = float(student.ppf(0.975, len(days) - 1) * away.std(ddof=1) / np.sqrt(len(days)))
        table[name] = {"regret_percent": round(float(values.mean()), 4)}
        if name != RANDOM:
            low, high = float(away.mean()) - half, float(away.mean()) + half
            table[name] |= {
                "to_random": round(float(away.mean()), 4),
                "interval": [round(low, 4), round(high, 4)],
                "beats_random": high < 0,
            }
    return table


def main() -> None:
    """Print the comparison."""
    days = [
        SolvedDay(storage, seed)
        for at, storage in enumerate(STORAGES)
        for seed in range(100 * at, 100 * at + DAYS)
    ]
    by_share = {f"{share:.0%}": [Found.of(day, share) for day in days] for share in SHARES}
    everything = list(range(SCENARIOS))
    document = {
        "case": {
            "scenarios": SCENARIOS,
            "mtus": MTUS,
            "chunk": CHUNK,
            "days_by_storage": DAYS,
            "random_orders": RANDOM_ORDERS,
        },
        "all_days": {share: compared(found) for share, found in by_share.items()},
        "by_storage": {
            storage: {
                share: compared([day for day in found if day.storage == storage])
                for share, found in by_share.items()
            }
            for storage in STORAGES
        },
        "expected_distance": {
            share: {
                name: round(float(np.mean([day.apart[name] for day in found])), 3)
                for name in found[0].apart
            }
            for share, found in by_share.items()
        },
        "regret_percent_of_all_scenarios": {
            storage: round(
                float(np.mean([d.regret(everything) for d in days if d.storage == storage])), 4
            )
            for storage in STORAGES
        },
        "largest_error_of_a_delivery": round(max(day.delivery_error() for day in days), 3),
    }
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
