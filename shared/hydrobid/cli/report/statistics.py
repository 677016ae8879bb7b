"""Scenarios summed up: quantiles by probability, and what a bid offers at expected prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.block_clearing import sold_in_blocks
from hydrobid.cli.report.facts import RunFacts
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.identifiers import PriceArea

Floats = NDArray[np.float64]

WIDEST = 2.0
TAILS = (0.01, 0.99)


def quantiles(values: Floats, weights: Floats, shares: tuple[float, ...]) -> Floats:
    """Return (Q, T) quantiles of (S, T) values whose rows weigh (S,), of any sum above zero.

    A quantile is the lowest value at or below which at least its share of the weight lies, so it
    is always one of the values.
    """
    order = np.argsort(values, axis=0, kind="stable")
    ranked = np.take_along_axis(values, order, axis=0)
    reached = np.cumsum(weights[order], axis=0) / np.sum(weights)
    # Sums of probabilities miss round shares by a few units in the last place.
    at = [np.argmax(reached >= share - 1e-9, axis=0) for share in shares]
    return np.array([ranked[row, np.arange(values.shape[1])] for row in at])


@dataclass(frozen=True, eq=False)
class Fan:
    """Series of scenarios and how they spread. values: (S, T); the others (T,)."""

    values: Floats
    weights: Floats
    lowest: Floats
    low: Floats
    median: Floats
    high: Floats
    highest: Floats

    @property
    def mean(self) -> Floats:
        """The (T,) expected values."""
        return self.weights @ self.values / np.sum(self.weights)


def fan(values: Floats, weights: Floats) -> Fan:
    """Return the extremes, the median and the 10 % and 90 % quantiles of (S, T) values."""
    low, median, high = quantiles(values, weights, (0.1, 0.5, 0.9))
    return Fan(values, weights, values.min(axis=0), low, median, high, values.max(axis=0))


def area_prices(facts: RunFacts, area: PriceArea) -> Fan:
    """Return the scenario prices of an area, in currency per MWh.

    Where assets of the area rest on several scenario sets, all are in it with equal weight.
    """
    names = dict.fromkeys(asset.scenario_set for asset in facts.plan.assets_in(area))
    sets = [facts.scenario_sets[name] for name in names]
    return fan(
        np.concatenate([scenarios.prices[area] for scenarios in sets]),
        np.concatenate([scenarios.probabilities / len(sets) for scenarios in sets]),
    )


def price_span(prices: Fan) -> tuple[float, float]:
    """Return the prices between which curves are worth drawing.

    All scenario prices, unless few lie so far out that they would squeeze the rest: then 98 % of
    them, and in any MTU those between 10 % and 90 %. A little room is left on both sides.
    """
    low, high = float(prices.lowest.min()), float(prices.highest.max())
    mtus = prices.values.shape[1]
    pooled = prices.values.reshape(-1, 1)
    inner_low, inner_high = quantiles(pooled, np.repeat(prices.weights, mtus), TAILS)[:, 0]
    inner_low = min(float(inner_low), float(prices.low.min()))
    inner_high = max(float(inner_high), float(prices.high.max()))
    if high - low > WIDEST * (inner_high - inner_low) > 0:
        low, high = inner_low, inner_high
    room = 0.04 * (high - low) or 1.0
    return low - room, high + room


def volumes_at(matrix: BidMatrix, prices: Floats) -> Floats:
    """Return the (T,) MW that a bid offers at (T,) prices in currency per MWh, not rounded."""
    ticks = prices / float(matrix.tick)
    lots = [np.interp(at, c.ticks, c.lots) for at, c in zip(ticks, matrix.curves, strict=True)]
    return np.array(lots) * float(matrix.lot) + sold_in_blocks(matrix.block_bid, prices)


@dataclass(frozen=True)
class Offer:
    """What a total bid offers over the day, MW, and MWh where it says energy.

    at_expected: the mean over the MTUs of the volume at the scenarios' mean price.
    """

    lowest: float
    highest: float
    at_expected: float
    energy: float


def offer_of(matrix: BidMatrix, prices: Fan) -> Offer:
    """Return a bid's extreme volumes and what it offers at expected prices."""
    expected = volumes_at(matrix, prices.mean)
    lowest, highest = matrix.span
    return Offer(
        lowest=lowest,
        highest=highest,
        at_expected=float(expected.mean()),
        energy=float(expected.sum() * matrix.grid.hours),
    )
