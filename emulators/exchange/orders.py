"""The order book: every version of every curve order, in SQLite.

An order that is not cancelled stands, and an index of the database lets only one stand for a
portfolio, price area and auction. A version is written once and never changed.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    sequence INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    auction_id TEXT NOT NULL,
    portfolio TEXT NOT NULL,
    area_code TEXT NOT NULL,
    standing INTEGER NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_standing_order
    ON orders (auction_id, portfolio, area_code) WHERE standing;
CREATE TABLE IF NOT EXISTS versions (
    order_id TEXT NOT NULL REFERENCES orders (order_id),
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    modifier TEXT NOT NULL,
    modified TEXT NOT NULL,
    comment TEXT,
    curves TEXT NOT NULL,
    PRIMARY KEY (order_id, version)
);
"""
_COLUMNS = (
    "o.order_id, o.auction_id, o.portfolio, o.area_code, "
    "v.version, v.state, v.modifier, v.modified, v.comment, v.curves"
)
_LATEST = "v.version = (SELECT MAX(version) FROM versions WHERE order_id = o.order_id)"
_ORDER_IDS = uuid.UUID("5d0f5f0e-6c0b-4f0b-9a39-0f6f8b1c8f52")


class OrderState(StrEnum):
    """The states of a curve order, as the API spells them.

    NEW has been received and failed the reasonability check; ACCEPTED has passed it.
    """

    NEW = "New"
    ACCEPTED = "Accepted"
    CANCELLED = "Cancelled"
    RESULTS_PUBLISHED = "ResultsPublished"


class CurvePoint(NamedTuple):
    """A price (currency per MWh) and the volume wanted at it (MW, buying positive)."""

    price: float
    volume: float


@dataclass(frozen=True)
class Curve:
    """What is wanted of one contract, by rising price; linear between neighbouring points."""

    contract_id: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class Slot:
    """Where one curve order may stand."""

    auction_id: str
    portfolio: str
    area_code: str


@dataclass(frozen=True)
class CurveOrder:
    """One version of a curve order, as it was accepted; `modified` is an instant of market time."""

    order_id: uuid.UUID
    slot: Slot
    version: int
    state: OrderState
    modifier: str
    modified: datetime
    comment: str | None
    curves: tuple[Curve, ...]


class OrderBook:
    """All orders of the exchange. An acknowledged version outlives the process and the machine."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; the book cannot be used afterwards."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what is read and written inside one step that nobody comes between."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def new_order_id(self, slot: Slot) -> uuid.UUID:
        """Return the id of the slot's next order: the same history gives the same ids."""
        (earlier,) = self._rows(
            "SELECT COUNT(*) FROM orders WHERE auction_id = ? AND portfolio = ? AND area_code = ?",
            *astuple(slot),
        )[0]
        name = json.dumps([*astuple(slot), earlier])
        return uuid.uuid5(_ORDER_IDS, name)

    def append(self, order: CurveOrder) -> None:
        """Write a version, inside a transaction; the first one opens the order and takes its slot.

        Raises `sqlite3.IntegrityError` when another order stands in the slot or the version exists.
        """
        standing = order.state is not OrderState.CANCELLED
        self._connection.execute(
            "INSERT INTO orders (order_id, auction_id, portfolio, area_code, standing)"
            " VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (order_id) DO UPDATE SET standing = excluded.standing",
            (str(order.order_id), *astuple(order.slot), standing),
        )
        self._connection.execute(
            "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                str(order.order_id),
                order.version,
                order.state,
                order.modifier,
                order.modified.isoformat(),
                order.comment,
                json.dumps([[curve.contract_id, curve.points] for curve in order.curves]),
            ),
        )

    def latest(self, order_id: uuid.UUID) -> CurveOrder | None:
        """Return the newest version of an order, or None when there is no such order."""
        orders = self._orders(f"o.order_id = ? AND {_LATEST}", str(order_id))
        return orders[0] if orders else None

    def versions(self, order_id: uuid.UUID) -> list[CurveOrder]:
        """Return all versions of an order, oldest first; empty when there is no such order."""
        return self._orders("o.order_id = ?", str(order_id))

    def standing(self, slot: Slot) -> CurveOrder | None:
        """Return the order that stands in a slot, or None when it is free."""
        orders = self._orders(
            f"o.auction_id = ? AND o.portfolio = ? AND o.area_code = ? AND o.standing AND {_LATEST}",
            *astuple(slot),
        )
        return orders[0] if orders else None

    def of_auction(self, auction_id: str) -> list[CurveOrder]:
        """Return the newest version of every order of an auction, cancelled ones too, as placed."""
        return self._orders(f"o.auction_id = ? AND {_LATEST}", auction_id)

    def _orders(self, condition: str, *values: str) -> list[CurveOrder]:
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM orders o JOIN versions v USING (order_id)"  # noqa: S608 - conditions are this module's constants
            f" WHERE {condition} ORDER BY o.sequence, v.version",
            *values,
        )
        return [_order_of(row) for row in rows]

    def _rows(self, query: str, *values: str) -> list[tuple[str, ...]]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()


def _order_of(row: tuple[str, ...]) -> CurveOrder:
    (
        order_id,
        auction_id,
        portfolio,
        area_code,
        version,
        state,
        modifier,
        modified,
        comment,
        curves,
    ) = row
    return CurveOrder(
        order_id=uuid.UUID(order_id),
        slot=Slot(auction_id, portfolio, area_code),
        version=int(version),
        state=OrderState(state),
        modifier=modifier,
        modified=datetime.fromisoformat(modified),
        comment=comment,
        curves=tuple(
            Curve(contract_id, tuple(CurvePoint(*point) for point in points))
            for contract_id, points in json.loads(curves)
        ),
    )
