"""A market's rules as data: calendar, gate closure, limits, ticks and lots."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from hydrobid.domain.base import Value
from hydrobid.domain.identifiers import MarketId, PriceArea
from hydrobid.domain.reserves import ReserveProduct
from hydrobid.domain.time import MtuGrid, delivery_grid, local_instant


class GateClosure(Value):
    """When an auction stops taking orders: a local time, so many days before delivery."""

    local_time: time
    days_before: Annotated[int, Field(ge=0, le=30)] = 1


class BlockRules(Value):
    """What a market takes of block orders, of one portfolio in one price area.

    volume_max: MW of a block in any of its MTUs. mtus_min: the fewest MTUs of a block. orders_max:
    blocks of a day. group_max: blocks of one exclusive group. None: as many as there are.
    """

    volume_max: Annotated[Decimal, Field(gt=0)] = Decimal(900)
    mtus_min: Annotated[int, Field(ge=1)] = 1
    orders_max: Annotated[int, Field(ge=1)] | None = None
    group_max: Annotated[int, Field(ge=1)] | None = None


class Market(Value):
    """One auction a delivery day under one set of rules.

    Prices are in `currency` per MWh, volumes in MW. The two price limits are end points of every
    curve; `max_points` counts them. Between neighbouring points a curve is linear, so that a step
    takes two of them, or it keeps the lower one's volume. blocks: None where it takes no blocks. reserve:
    set where reserves are bid, by documents to a system operator.
    """

    id: MarketId
    time_zone: str
    mtu_minutes: Literal[15, 30, 60]
    gate_closure: GateClosure
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    price_min: Decimal
    price_max: Decimal
    price_tick: Annotated[Decimal, Field(gt=0)]
    volume_lot: Annotated[Decimal, Field(gt=0)]
    max_points: Annotated[int, Field(ge=2)]
    interpolation: Literal["linear", "step"] = "linear"
    # The usual rules are not written: documents keep the digests they had before there were any.
    blocks: Annotated[BlockRules | None, Field(exclude_if=lambda it: it == BlockRules())] = (
        BlockRules()
    )
    # Of reserves, as what they are; None where it is energy that is bid.
    reserve: Annotated[ReserveProduct | None, Field(exclude_if=lambda it: it is None)] = None
    price_areas: Annotated[tuple[PriceArea, ...], Field(min_length=1)]

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("a time zone of the IANA database, as Europe/Oslo") from error
        return value

    @model_validator(mode="after")
    def _limits_on_ticks(self) -> Self:
        if self.price_min >= self.price_max:
            raise ValueError("price_min below price_max")
        for name in ("price_min", "price_max"):
            if getattr(self, name) % self.price_tick:
                raise ValueError(f"{name} on a multiple of price_tick")
        if self.interpolation == "step" and self.max_points < 3:
            raise ValueError("max_points 3 or more on a step market: two volumes and the end")
        if self.reserve is not None:
            if self.interpolation != "step" or self.price_min < 0:
                raise ValueError("interpolation step and price_min 0 or more for reserves")
            if self.reserve.currency != self.currency:
                raise ValueError("reserve.currency as currency")
        return self

    @cached_property
    def zone(self) -> ZoneInfo:
        """The market's time zone."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def min_ticks(self) -> int:
        """The lowest price, in ticks."""
        return int(self.price_min / self.price_tick)

    @cached_property
    def max_ticks(self) -> int:
        """The highest price, in ticks."""
        return int(self.price_max / self.price_tick)

    def grid(self, day: date) -> MtuGrid:
        """Return the market time units of a delivery day."""
        return delivery_grid(day, self.zone, self.mtu_minutes)

    def gate(self, day: date) -> datetime:
        """Return the UTC instant at which the auction of a delivery day closes."""
        closing_day = day - timedelta(days=self.gate_closure.days_before)
        return local_instant(closing_day, self.gate_closure.local_time, self.zone)

    def next_open_day(self, now: datetime) -> date:
        """Return the first delivery day whose gate is still open at `now`."""
        day = now.astimezone(self.zone).date()
        while self.gate(day) <= now:
            day += timedelta(days=1)
        return day
