"""A market as a file describes it: its rules, price areas and the portfolios that trade in it."""

from __future__ import annotations

import json
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)


class MarketFileError(Exception):
    """A market file that cannot be used; the message names the file, the field and the value."""


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Return whether `value` lies on the grid of `step`, exactly."""
    return value % step == 0


def _clock_reading(value: object) -> object:
    if not isinstance(value, str):
        # YAML 1.1 reads an unquoted 12:00 as the number 720.
        raise ValueError(f'{value!r} is not a time of day: write it quoted, as "12:00"')  # noqa: TRY004 - pydantic reports ValueError only
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{value!r} is not an IANA time zone, as Europe/Oslo is") from error
    return value


TimeOfDay = Annotated[time, BeforeValidator(_clock_reading)]
TimeZoneName = Annotated[str, AfterValidator(_time_zone)]
Name = Annotated[str, Field(min_length=1)]
PositiveDecimal = Annotated[Decimal, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Permission(StrEnum):
    """What a company may do with a portfolio, as the API spells it."""

    READ = "READ"
    WRITE = "WRITE"


class DeliveryDays(_Section):
    """First and last delivery day that the exchange holds an auction for."""

    first: date = Field(ge=date(1990, 1, 1))
    last: date = Field(le=date(2999, 12, 31))


class GateClosure(_Section):
    """When bidding ends: a local time of day, some days before delivery."""

    days_before_delivery: int = Field(ge=0, le=30)
    time: TimeOfDay


class PriceLimits(_Section):
    """The harmonised lowest and highest price, in currency per MWh; mandatory points of a curve."""

    minimum: Decimal
    maximum: Decimal


class PriceArea(_Section):
    code: Name
    name: Name
    eic_code: Name


class PortfolioArea(_Section):
    """Where a portfolio may trade, and between which volumes (MW, selling negative)."""

    code: Name
    curve_min_volume_limit: Decimal = Field(le=0)
    curve_max_volume_limit: Decimal = Field(ge=0)


class Portfolio(_Section):
    name: Name
    id: Name
    company_id: Name
    company_name: Name
    permission: Permission
    areas: tuple[PortfolioArea, ...] = Field(min_length=1)

    def area(self, code: str) -> PortfolioArea | None:
        """Return the area of that code, or None when the portfolio does not trade there."""
        return next((area for area in self.areas if area.code == code), None)


class ReasonabilityRule(_Section):
    """A curve with more than this volume, bought or sold (MW), is not judged reasonable.

    Without `portfolio` or `area` the rule holds for all of them.
    """

    portfolio: str | None = None
    area: str | None = None
    largest_volume: Decimal = Field(ge=0)

    def concerns(self, portfolio: str, area: str) -> bool:
        """Return whether the rule judges orders of this portfolio in this price area."""
        return self.portfolio in (None, portfolio) and self.area in (None, area)


class BlockRules(_Section):
    """What is taken of block orders.

    largest_volume: MW of a block in any contract. most_blocks: of one order; most_in_group: of one
    exclusive group.
    """

    largest_volume: Decimal = Field(default=Decimal(900), gt=0)
    most_blocks: int = Field(default=100, ge=1)
    most_in_group: int = Field(default=24, ge=1)


class Results(_Section):
    """What an auction comes to.

    published, final: local times on the day of gate closure; between them results are preliminary.
    prices: of each local hour of a day, in currency per MWh, where no file of prices says otherwise.
    accepted_at_limits: the share that the long side gets where the price is at a limit: sellers at
    the minimum, buyers at the maximum.
    """

    published: TimeOfDay
    final: TimeOfDay
    prices: tuple[Decimal, ...] = Field(min_length=24, max_length=24)
    accepted_at_limits: Decimal = Field(default=Decimal(1), ge=0, le=1)


class MarketRules(_Section):
    """Everything that makes one market; prices in `currency` per MWh, volumes in MW.

    longer_contracts: minutes of further products, traded beside those of one MTU.
    """

    name: Name
    auction_prefix: str = Field(pattern=r"^[A-Za-z0-9_]+$")
    time_zone: TimeZoneName
    delivery_days: DeliveryDays
    gate_closure: GateClosure
    results: Results
    mtu_minutes: int = Field(gt=0, le=60)
    longer_contracts: tuple[int, ...] = ()
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    price_limits: PriceLimits
    price_tick: PositiveDecimal
    volume_lot: PositiveDecimal
    maximum_points: int = Field(ge=2)
    price_areas: tuple[PriceArea, ...] = Field(min_length=1)
    portfolios: tuple[Portfolio, ...]
    blocks: BlockRules = BlockRules()
    reasonability: tuple[ReasonabilityRule, ...] = ()

    @model_validator(mode="after")
    def _numbers_fit_together(self) -> Self:
        if 60 % self.mtu_minutes:
            raise ValueError(f"mtu_minutes: {self.mtu_minutes} does not divide an hour")
        if self.price_limits.minimum >= self.price_limits.maximum:
            raise ValueError("price_limits: the minimum has to be below the maximum")
        for field, price in self.price_limits:
            if not is_multiple(price, self.price_tick):
                raise ValueError(f"price_limits.{field}: {price} is off tick {self.price_tick}")
        for minutes in self.longer_contracts:
            if minutes <= self.mtu_minutes or 60 % minutes or minutes % self.mtu_minutes:
                raise ValueError(f"longer_contracts: {minutes} is no multiple within an hour")
        if not self.gate_closure.time <= self.results.published <= self.results.final:
            raise ValueError("results: published has to follow gate_closure.time, final published")
        limits = self.price_limits
        if not all(limits.minimum <= price <= limits.maximum for price in self.results.prices):
            raise ValueError("results.prices: outside of price_limits")
        if self.delivery_days.first > self.delivery_days.last:
            raise ValueError("delivery_days: the first has to be no later than the last")
        return self

    @model_validator(mode="after")
    def _names_are_known_and_single(self) -> Self:
        codes = [area.code for area in self.price_areas]
        names = [portfolio.name for portfolio in self.portfolios]
        _refuse_repeated("price_areas", codes)
        _refuse_repeated("portfolios", names)
        for portfolio in self.portfolios:
            areas = [area.code for area in portfolio.areas]
            _refuse_repeated(f"portfolios {portfolio.name}", areas)
            _refuse_unknown(f"portfolios {portfolio.name}", areas, codes)
        for rule in self.reasonability:
            _refuse_unknown("reasonability", [rule.area] if rule.area else [], codes)
            _refuse_unknown("reasonability", [rule.portfolio] if rule.portfolio else [], names)
        return self

    def price_area(self, code: str) -> PriceArea:
        """Return the price area of that code; a KeyError means that the market has no such area."""
        return {area.code: area for area in self.price_areas}[code]


def load_market(path: Path) -> MarketRules:
    """Return the rules that a YAML or JSON file holds, or raise `MarketFileError`."""
    try:
        text = path.read_text(encoding="utf-8")
        document: Any = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        return MarketRules.model_validate(document)
    except ValidationError as error:
        findings = "; ".join(
            f"{'.'.join(str(step) for step in item['loc'])}: {item['msg']}"
            for item in error.errors()
        )
        raise MarketFileError(f"{path}: {findings}") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise MarketFileError(f"{path}: {error}") from error


def _refuse_repeated(where: str, names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{where}: {', '.join(repeated)} is there more than once")


def _refuse_unknown(where: str, names: list[str], known: list[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f"{where}: {', '.join(unknown)} is not one of {', '.join(known)}")
