"""The order book's file, also one that was written before there were block orders."""

from __future__ import annotations

import sqlite3
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emulators.exchange.orders import (
    Block,
    Curve,
    CurvePoint,
    Order,
    OrderBook,
    OrderKind,
    OrderState,
    Period,
    Slot,
)

SLOT = Slot("DA-2026-03-29", "cascade-example", "NO3")
BEFORE_BLOCKS = """
CREATE TABLE orders (
    sequence INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, auction_id TEXT NOT NULL,
    portfolio TEXT NOT NULL, area_code TEXT NOT NULL, standing INTEGER NOT NULL);
CREATE UNIQUE INDEX one_standing_order ON orders (auction_id, portfolio, area_code) WHERE standing;
CREATE TABLE versions (
    order_id TEXT NOT NULL REFERENCES orders (order_id), version INTEGER NOT NULL,
    state TEXT NOT NULL, modifier TEXT NOT NULL, modified TEXT NOT NULL, comment TEXT,
    curves TEXT NOT NULL, PRIMARY KEY (order_id, version));
INSERT INTO orders VALUES
    (1, '5d0f5f0e-6c0b-4f0b-9a39-0f6f8b1c8f53', 'DA-2026-03-29', 'cascade-example', 'NO3', 1);
INSERT INTO versions VALUES
    ('5d0f5f0e-6c0b-4f0b-9a39-0f6f8b1c8f53', 1, 'Accepted', 'trader', '2026-03-28T10:00:00+00:00',
     'digest', '[["c1", [[-500.0, 0.0], [4000.0, -5.0]]]]');
"""


def order(kind: OrderKind, number: int, **content) -> Order:
    return Order(
        order_id=uuid.UUID(int=number),
        kind=kind,
        slot=SLOT,
        version=1,
        state=OrderState.ACCEPTED,
        modifier="trader",
        modified=datetime(2026, 3, 28, 10, tzinfo=UTC),
        comment=None,
        **content,
    )


CURVE = Curve("c1", (CurvePoint(-500.0, 0.0), CurvePoint(4000.0, -5.0)))
BLOCK = Block("b1", 45.0, 1.0, (Period("c1", -3.0),), linked_to="b0")


def test_file__of_before_there_were_blocks_is_read_and_written_on(tmp_path: Path):
    path = tmp_path / "exchange.sqlite3"
    old = sqlite3.connect(path)
    old.executescript(BEFORE_BLOCKS)
    old.close()

    for _ in range(2):  # what is up to date is left as it is
        book = OrderBook(path)
        (found,) = [o for o in book.of_auction(SLOT.auction_id) if o.kind is OrderKind.CURVE]
        assert (found.curves, found.comment) == ((CURVE,), "digest")
        assert book.standing_curve(SLOT) == found
        book.close()

    book = OrderBook(path)
    with book.transaction():
        book.append(order(OrderKind.BLOCK, 1, blocks=(BLOCK,)))
    with pytest.raises(sqlite3.IntegrityError), book.transaction():
        book.append(order(OrderKind.CURVE, 2, curves=(CURVE,)))
    assert [o.blocks for o in book.of_auction(SLOT.auction_id)] == [(), (BLOCK,)]
    book.close()
