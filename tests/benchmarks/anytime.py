"""What a bid loses when time runs out: representative order beside random order, as one JSON.

    python tests/benchmarks/anytime.py

A day of 120 seeded price scenarios is solved for a cascade, and the bid on all of them is the yardstick.
Of a bid on the scenarios that were solved first, the expected loss is what it would earn less over
all scenarios by that yardstick's marginal costs, in EUR a day. Two ways to choose what is solved
first, and two to share the probability of what is not; random orders are averaged. `dispatched` is
the order in which solvers that work side by side, so many at once, finish the method's own tasks.
"""

from __future__ import annotations

import json
import sys
from itertools import zip_longest

import numpy as np

from hydrobid.bidding.day_energy import within_the_days
from hydrobid.bidding.fit import fit_curve, fitted
from hydrobid.bidding.independent import independent_tasks
from hydrobid.bidding.methods import method_of
from hydrobid.bidding.scenarios.generation import gaussian_copula
from hydrobid.bidding.scenarios.selection import redistributed, representative_order
from hydrobid.bidding.tails import Reach
from hydrobid.bidding.water_value import water_value_bid
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.identifiers import PriceArea, ScenarioId
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.hydro.solve import solve_scenarios
from hydrobid.schema.findings import Findings, Place
from hydrobid.schema.market_rules import market_of
from solver import GRID, MTUS, cascade

SEED, SCENARIOS, RANDOM_ORDERS, CHUNK = 20261127, 120, 20, 10
SHARES = (0.1, 0.3, 0.5)
AREA = PriceArea("NO2")
MARKET = Findings().settled(market_of("nordic", Place(Findings(), "market")))
ASSET = AssetConfiguration.model_validate(
    {"asset": "cascade", "price_area": AREA, "scenario_set": "day", "watercourse": cascade()}
)


def scenario_set() -> ScenarioSet:
    """Return scenarios around two daily peaks, errors drifting over the day, all as probable."""
    rng = np.random.default_rng(SEED)
    hours = np.arange(MTUS) / 4
    shape = np.exp(-((hours - 8.5) ** 2) / 6) + np.exp(-((hours - 18.5) ** 2) / 8) - 0.4
    drift = rng.normal(0, 1.2, (90, 1, MTUS)).cumsum(axis=2) + rng.normal(0, 6, (90, 1, 1))
    prices = gaussian_copula((42 + 18 * shape)[None], drift, SCENARIOS, SEED)[:, 0]
    ids = tuple(ScenarioId(f"s{number:03}") for number in range(SCENARIOS))
    return ScenarioSet(ids, np.full(SCENARIOS, 1 / SCENARIOS), {AREA: prices})


def dispatched(scenarios: ScenarioSet, at_once: int) -> list[int]:
    """Return positions in the order in which solvers, so many at once, finish the tasks."""
    tasks = independent_tasks(ASSET, scenarios, CHUNK)
    order = []
    for start in range(0, len(tasks), at_once):
        side_by_side = [task.scenarios for task in tasks[start : start + at_once]]
        order += [s for finished in zip_longest(*side_by_side) for s in finished if s]
    return [scenarios.ids.index(scenario) for scenario in order]


def main() -> None:
    """Print the comparison."""
    scenarios = scenario_set()
    prices, equal = scenarios.prices[AREA], scenarios.probabilities
    by_id = dict(zip(scenarios.ids, prices, strict=True))
    solved = np.array([s.net_power for _, s in solve_scenarios(cascade(), GRID, by_id)])
    marginal = water_value_bid(MARKET, GRID, ASSET).curves[0]
    reach = Reach.of(ASSET.watercourse, MARKET, marginal)
    rising = within_the_days(prices, solved, equal)
    whole = [fitted(prices[:, t], rising[:, t], equal, MARKET, reach) for t in range(MTUS)]
    worth = float(MARKET.price_tick * MARKET.volume_lot) * GRID.hours

    def loss(first: list[int], *, nearest: bool) -> float:
        present = np.isin(np.arange(SCENARIOS), first)
        weights = redistributed(prices, equal, present) if nearest else equal[present]
        rising = within_the_days(prices[present], solved[present], weights)
        total = 0.0
        for mtu, points in enumerate(whole):
            curve = fit_curve(prices[present, mtu], rising[:, mtu], weights, MARKET, reach)
            total += points.expected_loss(np.array(curve.ticks), np.array(curve.lots))
        return total * worth

    rng = np.random.default_rng(SEED)
    random = [rng.permutation(SCENARIOS).tolist() for _ in range(RANDOM_ORDERS)]
    chosen = representative_order(prices, equal).tolist()
    report: dict[str, object] = {}
    for share in SHARES:
        count = round(share * SCENARIOS)
        by_nearest = [loss(order[:count], nearest=True) for order in random]
        by_share = [loss(order[:count], nearest=False) for order in random]
        report[f"{share:.0%}"] = {
            "representative_order_nearest": round(loss(chosen[:count], nearest=True), 1),
            "representative_order_proportional": round(loss(chosen[:count], nearest=False), 1),
            "random_order_nearest": round(float(np.mean(by_nearest)), 1),
            "random_order_proportional": round(float(np.mean(by_share)), 1),
            "random_orders_that_were_better": sum(
                one < loss(chosen[:count], nearest=True) for one in by_nearest
            ),
            "dispatched_nearest": {
                f"{at_once} at once": round(
                    loss(dispatched(scenarios, at_once)[:count], nearest=True), 1
                )
                for at_once in (1, 2, 4, 20)
            },
        }
    volumes = dict(zip(scenarios.ids, solved, strict=True))
    bid = method_of(ASSET).bid(MARKET, GRID, ASSET, scenarios, volumes)
    document = {
        "case": {"scenarios": SCENARIOS, "mtus": MTUS, "chunk": CHUNK, "orders": RANDOM_ORDERS},
        "seed": SEED,
        "bid": bid.digest()[:16],
        "expected_loss_eur_a_day": report,
    }
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
