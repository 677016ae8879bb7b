"""A bound for what a search has come to, at prices of water that are made for it; or why not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrobid.domain.canonical import MONEY_DECIMALS, rounded
from hydrobid.hydro.head_search import HeadSearch
from hydrobid.hydro.proof.bound import Bound
from hydrobid.hydro.proof.machines import NotCovered
from hydrobid.hydro.proof.options import Resolution
from hydrobid.hydro.schedule import ViolationCode

Array = NDArray[np.float64]

# Choices of flow times volumes times periods, of all plants: some seconds on one core. What is
# solved more often than that is solved on every so manieth volume and flow.
WORK = 6e8
FINEST = Resolution(volumes=1201, heads=601, flows=4000)
COARSE_VOLUMES = 400
COARSE_FLOWS = 200
# Moves of the prices, and after how many in vain they are halved.
ROUNDS = 24
PATIENCE = 3
# Share of its worth within which the best schedule is as good as the bound.
CLOSE = 1e-6

SOFT = (ViolationCode.VOLUME_BELOW_SOFT_MINIMUM, ViolationCode.VOLUME_ABOVE_SOFT_MAXIMUM)


@dataclass(frozen=True)
class Proof:
    """A bound in the currency of the prices; none: why there is none."""

    bound: float | None
    why_not: str = ""


def prove(found: HeadSearch) -> Proof:
    """Return what no schedule that keeps its limits can be worth more than, priced ones aside."""
    broken = _broken(found)
    if broken:
        return Proof(None, f"the best schedule known breaks limits itself: {broken}")
    water = found.best.outcome.water
    left = water.volume[:, -1] + water.under_way
    try:
        bound = Bound(found.search, _resolution(found))
        value, _ = bound.at(good_prices(bound, found, left), left)
    except NotCovered as uncovered:
        return Proof(None, str(uncovered))
    return Proof(rounded(value, MONEY_DECIMALS))


def _broken(found: HeadSearch) -> str:
    """Return the codes of limits that the best schedule breaks and no client has priced."""
    violations = found.search.limiter.violations(found.best.outcome)
    codes = {violation.code for violation in violations} - {*SOFT}
    return ", ".join(sorted(code.replace("_", " ") for code in codes))


def _resolution(found: HeadSearch) -> Resolution:
    problem = found.search.problem
    reservoirs = {model.upper for model in found.search.models.values()}
    parts = len(found.search.models) + len(problem.watercourse.reservoirs) - len(reservoirs)
    share = min(np.sqrt(WORK / (parts * len(problem) * FINEST.volumes * FINEST.flows)), 1.0)
    volumes = 1 + max(int(share * (FINEST.volumes - 1)), 60)
    return Resolution(volumes, FINEST.heads, max(int(share * FINEST.flows), 200))


def good_prices(bound: Bound, found: HeadSearch, left: Array) -> Array:
    """Return (P, T) prices of water at which the bound is low.

    A subgradient method: what is bought at a price, less what is sent for it, is the direction;
    how far, is what would bring the bound to the best schedule (Polyak, Introduction to
    Optimization, 1987), and less once that helps no more. Prices of long periods move no more
    than those of short ones, whatever water they pass.
    """
    coarse = bound.thinned(COARSE_VOLUMES, COARSE_FLOWS)
    hours = found.search.problem.horizon.hours
    prices = best = bound.first_prices(found.worth)
    least, pace, in_vain = np.inf, 1.0, 0
    for _ in range(ROUNDS):
        value, parts = coarse.at(prices, left, proven=False)
        if value < least:
            best, least, in_vain = prices, value, 0
        else:
            in_vain += 1
        if in_vain == PATIENCE:
            pace, in_vain = pace / 2, 0
        slopes = coarse.slopes(parts)
        steepness = float(np.sum(slopes**2 / hours))
        away = value - found.best.total
        if away <= CLOSE * abs(found.best.total) or steepness <= 0:
            break
        prices = prices - pace * away / steepness * slopes / hours
    return best
