"""What a backtest holds equal for all methods."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from hydrobid.domain.base import Value
from hydrobid.domain.imbalance import ImbalancePrices


class Generator(StrEnum):
    """How scenarios are drawn from a forecast and past errors."""

    GAUSSIAN_COPULA = "gaussian_copula"
    BLOCK_BOOTSTRAP = "block_bootstrap"


class BacktestSettings(Value):
    """The days, first and last included, and the rules of a backtest.

    commitment: whether units are on or off, at the heads of each day's start, in scenarios, perfect
    foresight and delivery alike. seed: of the scenarios and of the intervals. history_days: the most past days whose forecast
    errors scenarios are made from, the newest ones.
    """

    first: date
    last: date
    commitment: bool = False
    seed: Annotated[int, Field(ge=0)] = 1
    generator: Generator = Generator.GAUSSIAN_COPULA
    history_days: Annotated[int, Field(ge=1)] = 365
    imbalance: ImbalancePrices = ImbalancePrices()

    def days(self) -> list[date]:
        """Return the days, in order."""
        count = (self.last - self.first).days + 1
        return [self.first + timedelta(days=at) for at in range(count)]
