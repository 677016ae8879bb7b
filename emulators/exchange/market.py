"""The calendar of a market: one auction a delivery day, its contracts, and its state by the clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from emulators.exchange.market_file import MarketRules


class AuctionState(StrEnum):
    """Where an auction is in its life, as the API spells it."""

    OPEN = "Open"
    CLOSED = "Closed"
    RESULTS_PUBLISHED = "ResultsPublished"


@dataclass(frozen=True)
class Contract:
    """One MTU of a delivery day, or several, `[delivery_start, delivery_end)` in UTC."""

    id: str
    delivery_start: datetime
    delivery_end: datetime

    @property
    def hours(self) -> float:
        """The length in hours: MW times this is MWh."""
        return (self.delivery_end - self.delivery_start) / timedelta(hours=1)


@dataclass(frozen=True)
class Auction:
    """The auction of one delivery day; all instants are UTC.

    contracts: those of one MTU. longer: those of other resolutions.
    """

    id: str
    name: str
    close_for_bidding: datetime
    results_published: datetime
    results_final: datetime
    contracts: tuple[Contract, ...]
    longer: tuple[Contract, ...] = ()

    @property
    def delivery_start(self) -> datetime:
        return self.contracts[0].delivery_start

    @property
    def delivery_end(self) -> datetime:
        return self.contracts[-1].delivery_end

    @cached_property
    def by_id(self) -> dict[str, Contract]:
        """Every contract, of whatever length, by its id."""
        return {contract.id: contract for contract in (*self.contracts, *self.longer)}

    @cached_property
    def time_steps(self) -> dict[str, int]:
        """The place of each contract among those of its length, counted from 1."""
        return {
            contract.id: round((contract.delivery_start - self.delivery_start) / length) + 1
            for contract in self.by_id.values()
            for length in [contract.delivery_end - contract.delivery_start]
        }

    def place_of(self, contract_id: str) -> tuple[datetime, datetime]:
        """Return what contracts are sorted by; an id that is none comes last."""
        contract = self.by_id.get(contract_id)
        after = self.delivery_end
        return (contract.delivery_start, contract.delivery_end) if contract else (after, after)

    @cached_property
    def units(self) -> dict[str, tuple[Contract, ...]]:
        """The MTUs that each contract covers: itself where it is one."""
        own = {unit.id: (unit,) for unit in self.contracts}
        longer = {
            whole.id: tuple(
                unit
                for unit in self.contracts
                if whole.delivery_start <= unit.delivery_start < whole.delivery_end
            )
            for whole in self.longer
        }
        return {**own, **longer}

    def state(self, now: datetime) -> AuctionState:
        """Return the state at an instant; at the closing instant itself the gate is shut."""
        if now < self.close_for_bidding:
            return AuctionState.OPEN
        if now < self.results_published:
            return AuctionState.CLOSED
        return AuctionState.RESULTS_PUBLISHED


class Calendar:
    """The auctions of a market. A day's contracts follow from its midnights, counted in UTC."""

    def __init__(self, rules: MarketRules) -> None:
        self._rules = rules
        self._zone = ZoneInfo(rules.time_zone)
        self._of_day = lru_cache(maxsize=64)(self._build)

    def auction(self, auction_id: str) -> Auction | None:
        """Return the auction of that id, or None when the exchange holds no such auction."""
        text = auction_id.removeprefix(f"{self._rules.auction_prefix}-")
        try:
            day = date.fromisoformat(text)
        except ValueError:
            return None
        days = self._rules.delivery_days
        if not days.first <= day <= days.last or self._id_of(day) != auction_id:
            return None
        return self._of_day(day)

    def closing_between(self, start: datetime, end: datetime) -> Iterator[Auction]:
        """Yield the auctions whose bidding closes in `[start, end]`, by delivery day."""
        # A local date differs from the UTC date by a day at most; the instants decide.
        ahead = timedelta(days=self._rules.gate_closure.days_before_delivery)
        day = _shifted(start.date(), ahead - timedelta(days=1))
        last = _shifted(end.date(), ahead + timedelta(days=1))
        days = self._rules.delivery_days
        day, last = max(day, days.first), min(last, days.last)
        while day <= last:
            auction = self._of_day(day)
            if start <= auction.close_for_bidding <= end:
                yield auction
            day += timedelta(days=1)

    def _id_of(self, day: date) -> str:
        return f"{self._rules.auction_prefix}-{day.isoformat()}"

    def _build(self, day: date) -> Auction:
        rules = self._rules
        gate_day = day - timedelta(days=rules.gate_closure.days_before_delivery)
        return Auction(
            id=self._id_of(day),
            name=f"{rules.name} {day.isoformat()}",
            close_for_bidding=self._instant(gate_day, rules.gate_closure.time),
            results_published=self._instant(gate_day, rules.results.published),
            results_final=self._instant(gate_day, rules.results.final),
            contracts=tuple(self._contracts(day, rules.mtu_minutes)),
            longer=tuple(
                contract
                for minutes in rules.longer_contracts
                for contract in self._contracts(day, minutes)
            ),
        )

    def _contracts(self, day: date, minutes: int) -> Iterator[Contract]:
        length = timedelta(minutes=minutes)
        start = self._instant(day, time.min)
        end = self._instant(day + timedelta(days=1), time.min)
        prefix = f"{self._id_of(day)}-PT{minutes}M"
        for index in range((end - start) // length):
            contract_id = f"{prefix}-{index + 1:02d}"
            yield Contract(contract_id, start + index * length, start + (index + 1) * length)

    def _instant(self, day: date, reading: time) -> datetime:
        return datetime.combine(day, reading, tzinfo=self._zone).astimezone(UTC)


def _shifted(day: date, by: timedelta) -> date:
    """Return the day moved by `by`, held within the dates that exist."""
    try:
        return day + by
    except OverflowError:
        return date.max if by > timedelta(0) else date.min
