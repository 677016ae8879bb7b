"""A bid method on a day that is over: what its bid would have come to on the day's own water."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Protocol

from pydantic import Field, StringConstraints

from hydrobid.domain.base import Value
from hydrobid.domain.identifiers import AssetId, MarketId, PriceArea, RunId

MethodLabel = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,40}(:[0-9]{1,4})?$")]
"""A method as a backtest names it, as price_shifts:20."""


class MethodTask(Value):
    """A method to be tried on a delivery day of one asset."""

    day: date
    asset: AssetId
    method: MethodLabel


class _Figures(Protocol):
    @property
    def value(self) -> float: ...
    @property
    def perfect(self) -> float: ...
    @property
    def no_production(self) -> float: ...
    @property
    def water_before(self) -> float: ...


class DayWorth:
    """What follows from the figures of a method's day, in the market's currency."""

    @property
    def gain(self: _Figures) -> float:
        """Money earned, and what the water is worth more at the end of the day than before it."""
        return self.value - self.water_before

    @property
    def regret(self: _Figures) -> float:
        """What perfect foresight would have earned more."""
        return self.perfect - self.value

    @property
    def trading_value(self: _Figures) -> float:
        """What there was to earn: perfect foresight less no production."""
        return self.perfect - self.no_production


class MethodDay(DayWorth, Value):
    """What a method's bid came to; created once and never changed.

    run: whose inputs it was made from. own: whether the asset was bid by it. Money is in `currency`,
    energy in MWh, spill in Mm3. value: of the day as it was sold and delivered, water left included;
    perfect, no_production: the same had the prices been known, and had no power been traded.
    water_before: the worth of the water that the day began with. failure: why the method has no
    bid; all figures are zero then.
    """

    market: MarketId
    day: date
    asset: AssetId
    price_area: PriceArea
    method: MethodLabel
    own: bool
    run: RunId
    currency: str
    value: float = 0.0
    perfect: float = 0.0
    no_production: float = 0.0
    water_before: float = 0.0
    sold: float = 0.0
    shortage: float = 0.0
    surplus: float = 0.0
    starts: int = 0
    spill: float = 0.0
    failure: Annotated[str | None, Field(max_length=500)] = None
