"""One bid curve an MTU that all scenarios share, found together with what each then does.

A scenario that is solved by itself knows its prices of the whole day; a bid does not. Here each
scenario delivers what its prices take of curves that are the same for all, so that the curves know
what water they ask for in each. Where that has not been solved in time, independent scenarios make
the bid as `multi_scenario` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.fit import fit_curve
from hydrobid.bidding.independent import independent_tasks
from hydrobid.bidding.methods import multi_scenario
from hydrobid.bidding.scenarios.selection import redistributed, representative_order
from hydrobid.bidding.tails import Reach
from hydrobid.bidding.water_value import water_value_bid
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import ScenarioId, TaskId
from hydrobid.domain.market import Market
from hydrobid.domain.methods import Joint, JointCurves
from hydrobid.domain.plan import Task
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid
from hydrobid.hydro.curve_program import CurveProgram, SharedCurves

JOINT = TaskId("joint")


def scenarios(_asset: AssetConfiguration, given: ScenarioSet) -> ScenarioSet:
    """Return the given set."""
    return given


def tasks(asset: AssetConfiguration, scenarios: ScenarioSet) -> tuple[Task, ...]:
    """Return the joint task, and independent ones that stand by."""
    joint = Task(id=JOINT, kind="joint")
    return (joint, *independent_tasks(asset, scenarios, _method(asset).chunk))


def bid(
    market: Market,
    grid: MtuGrid,
    asset: AssetConfiguration,
    scenarios: ScenarioSet,
    volumes: Mapping[ScenarioId, NDArray[np.float64]],
) -> BidMatrix:
    """Return what `multi_scenario` makes of the scenarios that have been solved by themselves."""
    return multi_scenario.bid(market, grid, asset, scenarios, volumes)


def taken_together(asset: AssetConfiguration, scenarios: ScenarioSet) -> tuple[ScenarioId, ...]:
    """Return the scenarios that represent the set best, as many as the method allows."""
    return tuple(scenarios.ids[at] for at in _representative(asset, scenarios))


def seconds(asset: AssetConfiguration) -> float:
    """Return how long the joint task may take."""
    return _method(asset).seconds


def program(
    market: Market, _grid: MtuGrid, asset: AssetConfiguration, scenarios: ScenarioSet
) -> CurveProgram:
    """Return the curves to be found: a point at each price that one of the scenarios has."""
    prices, weights = represented(market, asset, scenarios)
    tick, lot = float(market.price_tick), float(market.volume_lot)
    reach = Reach.of(asset.watercourse, market)
    return CurveProgram(
        prices=prices,
        weights=weights,
        points=tuple(np.unique(np.rint(of_mtu / tick)) * tick for of_mtu in prices.T),
        least=reach.least * lot,
        most=reach.most * lot,
        imbalance=cast("JointCurves", asset.method).imbalance,
        steps=market.interpolation == "step",
    )


def represented(
    market: Market, asset: AssetConfiguration, scenarios: ScenarioSet
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the (S, T) prices and (S,) weights of the scenarios that are taken together.

    Prices are brought to ticks within the market's limits. The probability of a scenario that is
    not taken goes to the nearest that is.
    """
    chosen, prices = _representative(asset, scenarios), scenarios.prices[asset.price_area]
    present = np.isin(np.arange(len(prices)), chosen)
    shared = dict(
        zip(
            np.flatnonzero(present).tolist(),
            redistributed(prices, scenarios.probabilities, present).tolist(),
            strict=True,
        )
    )
    tick = float(market.price_tick)
    ticks = np.clip(np.rint(prices[chosen] / tick), market.min_ticks, market.max_ticks)
    return ticks * tick, np.array([shared[at] for at in chosen])


def joint_bid(
    market: Market,
    grid: MtuGrid,
    asset: AssetConfiguration,
    program: CurveProgram,
    curves: SharedCurves,
) -> BidMatrix:
    """Return the curves on lots, beyond the scenarios' prices by marginal cost."""
    return bid_with_room(market, grid, asset, program, curves, np.zeros(len(grid), dtype=np.int64))


def bid_with_room(
    market: Market,
    grid: MtuGrid,
    asset: AssetConfiguration,
    program: CurveProgram,
    curves: SharedCurves,
    held: NDArray[np.int64],
) -> BidMatrix:
    """Return the curves with (T,) `held` lots of the most that can be sold left to something else."""
    marginal = water_value_bid(market, grid, asset).curves[0]
    reach = Reach.of(asset.watercourse, market, marginal)
    fitted = []
    for mtu, (points, volumes) in enumerate(zip(program.points, curves.volumes, strict=True)):
        room = replace(reach, most=max(reach.most - int(held[mtu]), reach.least))
        weights = _weights_at(program, mtu)
        fitted.append(fit_curve(points, volumes, weights, market, room))
    return BidMatrix(asset.price_area, grid, market.price_tick, market.volume_lot, tuple(fitted))


def _weights_at(program: CurveProgram, mtu: int) -> NDArray[np.float64]:
    """Return the (K,) weights of the scenarios whose price each point of an MTU is."""
    points = program.points[mtu]
    at = np.searchsorted(points, program.prices[:, mtu])
    return np.bincount(at, program.weights, points.size).astype(np.float64)


def _method(asset: AssetConfiguration) -> Joint:
    return cast("Joint", asset.method)


def _representative(asset: AssetConfiguration, scenarios: ScenarioSet) -> list[int]:
    """Return the positions of the scenarios that are taken together, the best first."""
    order = representative_order(scenarios.prices[asset.price_area], scenarios.probabilities)
    best: list[int] = order[: _method(asset).scenarios].tolist()
    return best
