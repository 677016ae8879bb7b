"""What a bid sells at given price scenarios, weighted by probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.clearing import sold_over
from hydrobid.domain.base import Value
from hydrobid.domain.canonical import rounded
from hydrobid.domain.curve import BidMatrix

Floats = NDArray[np.float64]

ENERGY_DECIMALS = 3
SALES_DECIMALS = 2


class Expectation(Value):
    """What a bid sells at given scenarios, weighted by probability.

    energy: MWh over the day, bought energy subtracted. power: its mean in MW. sales: worth of the
    energy at the scenarios' prices, in the market's currency.
    """

    energy: float = 0.0
    power: float = 0.0
    sales: float = 0.0

    def __add__(self, other: Expectation) -> Expectation:
        return Expectation(
            energy=rounded(self.energy + other.energy, ENERGY_DECIMALS),
            power=rounded(self.power + other.power, ENERGY_DECIMALS),
            sales=rounded(self.sales + other.sales, SALES_DECIMALS),
        )

    def __neg__(self) -> Expectation:
        return Expectation(energy=-self.energy, power=-self.power, sales=-self.sales)

    def __sub__(self, other: Expectation) -> Expectation:
        return self + -other


def expectation(matrix: BidMatrix, prices: Floats, weights: Floats) -> Expectation:
    """Return what a bid sells at (S, T) prices, each scenario by its (S,) weight; these may sum
    to less than one.
    """
    energy = sold_over(matrix, prices) * matrix.grid.hours
    total = float(weights @ energy.sum(axis=1))
    return Expectation(
        energy=rounded(total, ENERGY_DECIMALS),
        power=rounded(total / (len(matrix.grid) * matrix.grid.hours), ENERGY_DECIMALS),
        sales=rounded(weights @ (energy * prices).sum(axis=1), SALES_DECIMALS),
    )
