"""The expected price moved or scaled as a whole, each shift solved, joined by straight lines.

What operators do without a distribution of prices: the day is solved at a few levels of its
profile, and each MTU's curve runs through what was sold at each level. Nothing tells one shift
from another as more probable, and nothing is known of a profile that changes its shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.fit import fit_curve
from hydrobid.bidding.independent import independent_tasks, solved_volumes
from hydrobid.bidding.tails import Reach
from hydrobid.domain.configuration import AssetConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.market import Market
from hydrobid.domain.methods import SHIFT_LISTS, PriceShifts
from hydrobid.domain.plan import Task
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.time import MtuGrid


@dataclass(frozen=True)
class _Shift:
    """A price becomes `factor` times itself, `move` added, in currency per MWh."""

    factor: float = 1.0
    move: float = 0.0

    @property
    def id(self) -> ScenarioId:
        """`times-0.9` for what scales, `minus-10` or `plus-10` for what moves."""
        if self.factor != 1.0:
            return ScenarioId(f"times-{self.factor:.12g}")
        sign = "minus" if self.move < 0 else "plus"
        return ScenarioId(f"{sign}-{abs(self.move):.12g}")


def scenarios(asset: AssetConfiguration, given: ScenarioSet) -> ScenarioSet:
    """Return an equally probable scenario for each shift of the expected price, lowest first."""
    shifts = _shifts(_method(asset))

    def shifted(expected: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([shift.factor * expected + shift.move for shift in shifts])

    return given.derived(tuple(shift.id for shift in shifts), shifted)


def tasks(asset: AssetConfiguration, scenarios: ScenarioSet) -> tuple[Task, ...]:
    """Return tasks of shifts, the middle ones first."""
    return independent_tasks(asset, scenarios, _method(asset).chunk)


def bid(
    market: Market,
    grid: MtuGrid,
    asset: AssetConfiguration,
    scenarios: ScenarioSet,
    volumes: Mapping[ScenarioId, NDArray[np.float64]],
) -> BidMatrix:
    """Return the curve through the shifts' volumes in each MTU, flat beyond the outermost shifts.

    Where a higher price sells less, the neighbours are joined at their mean.
    """
    present, solved = solved_volumes(grid, asset, scenarios, volumes)
    prices, weights = scenarios.prices[asset.price_area][present], scenarios.probabilities[present]
    reach = Reach.of(asset.watercourse, market)
    curves = tuple(
        fit_curve(prices[:, mtu], solved[:, mtu], weights, market, reach)
        for mtu in range(len(grid))
    )
    return BidMatrix(asset.price_area, grid, market.price_tick, market.volume_lot, curves)


def _method(asset: AssetConfiguration) -> PriceShifts:
    return cast("PriceShifts", asset.method)


def _shifts(method: PriceShifts) -> list[_Shift]:
    if isinstance(method.shifts, tuple):
        scaled = method.profile == "scaled"
        return [_Shift(factor=x) if scaled else _Shift(move=x) for x in method.shifts]
    moves = [_Shift(move=move) for move in SHIFT_LISTS[method.shifts]]
    longest = method.shifts == max(SHIFT_LISTS)
    return [moves[0], _Shift(factor=0.0), *moves[1:]] if longest else moves
