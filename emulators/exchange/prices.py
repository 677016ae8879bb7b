"""The prices that auctions come to: the market file's hours, and what a file of prices says instead.

The file is CSV with the columns `price_area,delivery_start,price`. A row is of one MTU, or of a whole
hour where its MTUs have no rows of their own. It is read when results are asked for, and may be written
while the exchange runs.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

from emulators.exchange.market import Auction
from emulators.exchange.market_file import MarketRules

COLUMNS = ["price_area", "delivery_start", "price"]

AreaPrices = Mapping[str, tuple[Decimal, ...]]


class PricesFileError(Exception):
    """A file of prices that cannot be used; the message names the file, the line and the value."""


class Prices:
    """The prices of each delivery day, by price area, in currency per MWh."""

    def __init__(self, rules: MarketRules, path: Path | None) -> None:
        self._rules = rules
        self._path = path
        self._zone = ZoneInfo(rules.time_zone)

    def of(self, auction: Auction) -> AreaPrices:
        """Return a price for each of an auction's MTUs in each price area.

        Raises `PricesFileError` when the file cannot be read.
        """
        given = self._given()
        hours = self._rules.results.prices
        return {
            area.code: tuple(
                given.get(
                    (area.code, start),
                    given.get(
                        (area.code, start.replace(minute=0)),
                        hours[start.astimezone(self._zone).hour],
                    ),
                )
                for start in (contract.delivery_start for contract in auction.contracts)
            )
            for area in self._rules.price_areas
        }

    def _given(self) -> dict[tuple[str, datetime], Decimal]:
        if self._path is None or not self._path.exists():
            return {}
        found: dict[tuple[str, datetime], Decimal] = {}
        with self._path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if rows.fieldnames != COLUMNS:
                raise PricesFileError(f"{self._path}: its columns have to be {','.join(COLUMNS)}")
            for row in rows:
                found[self._key(row, rows.line_num)] = self._price(row, rows.line_num)
        return found

    def _key(self, row: dict[str, str], line: int) -> tuple[str, datetime]:
        text = row["delivery_start"] or ""
        try:
            start = datetime.fromisoformat(text)
        except ValueError:
            start = datetime.min  # noqa: DTZ901 - refused below, as one without an offset is
        if start.tzinfo is None:
            raise PricesFileError(
                f"{self._path}, line {line}: {text!r} is no instant with an offset"
            )
        return row["price_area"], start.astimezone(UTC)

    def _price(self, row: dict[str, str], line: int) -> Decimal:
        limits = self._rules.price_limits
        try:
            price = Decimal(row["price"] or "")
        except InvalidOperation:
            price = Decimal("NaN")
        if price.is_nan() or not limits.minimum <= price <= limits.maximum:
            expected = f"a price from {limits.minimum} to {limits.maximum}"
            raise PricesFileError(f"{self._path}, line {line}: {row['price']!r} is not {expected}")
        return price
