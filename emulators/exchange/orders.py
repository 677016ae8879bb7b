"""The order book: every version of every order, in SQLite.

An order that is not cancelled stands. An index of the database lets only one curve order stand for a
portfolio, price area and auction; of block orders any number may. A version is written once and
never changed.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    sequence INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    auction_id TEXT NOT NULL,
    portfolio TEXT NOT NULL,
    area_code TEXT NOT NULL,
    kind TEXT NOT NULL,
    standing INTEGER NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_standing_curve_order
    ON orders (auction_id, portfolio, area_code) WHERE standing AND kind = 'curve';
CREATE TABLE IF NOT EXISTS versions (
    order_id TEXT NOT NULL REFERENCES orders (order_id),
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    modifier TEXT NOT NULL,
    modified TEXT NOT NULL,
    comment TEXT,
    content TEXT NOT NULL,
    PRIMARY KEY (order_id, version)
);
"""
_COLUMNS = (
    "o.order_id, o.auction_id, o.portfolio, o.area_code, o.kind, "
    "v.version, v.state, v.modifier, v.modified, v.comment, v.content"
)
_LATEST = "v.version = (SELECT MAX(version) FROM versions WHERE order_id = o.order_id)"
_ORDER_IDS = uuid.UUID("5d0f5f0e-6c0b-4f0b-9a39-0f6f8b1c8f52")


class OrderKind(StrEnum):
    """What an order consists of: curves, blocks, or exclusive groups with blocks linked to them."""

    CURVE = "curve"
    BLOCK = "block"
    LINKED_EG = "linkedeg"


class OrderState(StrEnum):
    """The states of an order, as the API spells them.

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


class Period(NamedTuple):
    """A block's volume (MW, buying positive) in one contract."""

    contract_id: str
    volume: float


@dataclass(frozen=True)
class Block:
    """One block: a price (currency per MWh) for consecutive contracts.

    minimum_acceptance_ratio: the least share that may be accepted. linked_to: another block of the
    same order, by name. A spread is two blocks that are linked to each other.
    """

    name: str
    price: float
    minimum_acceptance_ratio: float
    periods: tuple[Period, ...]
    linked_to: str | None = None
    exclusive_group: str | None = None
    is_spread_block: bool = False


@dataclass(frozen=True)
class Slot:
    """Whose order it is and where it counts; one curve order may stand in each."""

    auction_id: str
    portfolio: str
    area_code: str


@dataclass(frozen=True)
class Order:
    """One version of an order, as it was accepted; `modified` is an instant of market time.

    curves: of a curve order. blocks: of the others.
    """

    order_id: uuid.UUID
    kind: OrderKind
    slot: Slot
    version: int
    state: OrderState
    modifier: str
    modified: datetime
    comment: str | None
    curves: tuple[Curve, ...] = ()
    blocks: tuple[Block, ...] = ()

    @property
    def standing(self) -> bool:
        """Whether the order is not cancelled."""
        return self.state is not OrderState.CANCELLED


class OrderBook:
    """All orders of the exchange. An acknowledged version outlives the process and the machine."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._bring_up_to_date()
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

    def new_order_id(self, slot: Slot, kind: OrderKind) -> uuid.UUID:
        """Return the id of the slot's next order: the same history gives the same ids."""
        (earlier,) = self._rows(
            "SELECT COUNT(*) FROM orders"
            " WHERE auction_id = ? AND portfolio = ? AND area_code = ? AND kind = ?",
            *astuple(slot),
            kind,
        )[0]
        # A curve order's name is what it was before there were other kinds.
        named = [] if kind is OrderKind.CURVE else [kind]
        return uuid.uuid5(_ORDER_IDS, json.dumps([*astuple(slot), *named, earlier]))

    def append(self, order: Order) -> None:
        """Write a version, inside a transaction; the first one opens the order.

        Raises `sqlite3.IntegrityError` when another curve order stands in the slot, or the version
        exists.
        """
        self._connection.execute(
            "INSERT INTO orders (order_id, auction_id, portfolio, area_code, kind, standing)"
            " VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (order_id) DO UPDATE SET standing = excluded.standing",
            (str(order.order_id), *astuple(order.slot), order.kind, order.standing),
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
                _content_of(order),
            ),
        )

    def latest(self, order_id: uuid.UUID) -> Order | None:
        """Return the newest version of an order, or None when there is no such order."""
        orders = self._orders(f"o.order_id = ? AND {_LATEST}", str(order_id))
        return orders[0] if orders else None

    def versions(self, order_id: uuid.UUID) -> list[Order]:
        """Return all versions of an order, oldest first; empty when there is no such order."""
        return self._orders("o.order_id = ?", str(order_id))

    def standing_curve(self, slot: Slot) -> Order | None:
        """Return the curve order that stands in a slot, or None when it is free."""
        orders = self._orders(
            "o.auction_id = ? AND o.portfolio = ? AND o.area_code = ? AND o.kind = 'curve'"
            f" AND o.standing AND {_LATEST}",
            *astuple(slot),
        )
        return orders[0] if orders else None

    def of_auction(self, auction_id: str) -> list[Order]:
        """Return the newest version of every order of an auction, cancelled ones too, as placed."""
        return self._orders(f"o.auction_id = ? AND {_LATEST}", auction_id)

    def _bring_up_to_date(self) -> None:
        """Change a file of before there were block orders into today's form."""
        columns = {name for _, name, *_ in self._rows("PRAGMA table_info(orders)")}
        if columns and "kind" not in columns:
            self._connection.executescript(
                "ALTER TABLE orders ADD COLUMN kind TEXT NOT NULL DEFAULT 'curve';"
                "ALTER TABLE versions RENAME COLUMN curves TO content;"
                "DROP INDEX one_standing_order;"
            )

    def _orders(self, condition: str, *values: str) -> list[Order]:
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM orders o JOIN versions v USING (order_id)"  # noqa: S608 - conditions are this module's constants
            f" WHERE {condition} ORDER BY o.sequence, v.version",
            *values,
        )
        return [_order_of(row) for row in rows]

    def _rows(self, query: str, *values: str) -> list[tuple[str, ...]]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()


def _content_of(order: Order) -> str:
    if order.kind is OrderKind.CURVE:
        return json.dumps([[curve.contract_id, curve.points] for curve in order.curves])
    return json.dumps([asdict(block) for block in order.blocks])


def _order_of(row: tuple[str, ...]) -> Order:
    order_id, auction_id, portfolio, area_code, kind, *written = row
    version, state, modifier, modified, comment, content = written
    order = Order(
        order_id=uuid.UUID(order_id),
        kind=OrderKind(kind),
        slot=Slot(auction_id, portfolio, area_code),
        version=int(version),
        state=OrderState(state),
        modifier=modifier,
        modified=datetime.fromisoformat(modified),
        comment=comment,
    )
    stored = json.loads(content)
    if order.kind is OrderKind.CURVE:
        return replace(order, curves=tuple(_curve_of(*curve) for curve in stored))
    return replace(order, blocks=tuple(_block_of(block) for block in stored))


def _curve_of(contract_id: str, points: list[list[float]]) -> Curve:
    return Curve(contract_id, tuple(CurvePoint(*point) for point in points))


def _block_of(stored: dict[str, Any]) -> Block:
    periods = tuple(Period(*period) for period in stored["periods"])
    return Block(**{**stored, "periods": periods})
