"""Block orders, and those of exclusive groups with linked blocks; all the orders of an auction."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field, FiniteFloat

from emulators.exchange.exchange import Draft
from emulators.exchange.market_file import MarketRules, Portfolio
from emulators.exchange.orders import Block, Order, OrderKind, OrderState, Period, Slot
from emulators.exchange.wire.base import Document, RequestDocument
from emulators.exchange.wire.orders import LONGEST_COMMENT, CurveOrderDocument

LONGEST_NAME = 80


class PeriodDocument(RequestDocument):
    contract_id: str = Field(min_length=1)
    volume: FiniteFloat


class BlockRequest(RequestDocument):
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    price: FiniteFloat
    minimum_acceptance_ratio: FiniteFloat
    linked_to: str | None = None
    exclusive_group: str | None = None
    is_spread_block: bool = False
    periods: list[PeriodDocument]

    def block(self) -> Block:
        """Return the block that the document holds; an empty name of another is none."""
        return Block(
            name=self.name,
            price=self.price,
            minimum_acceptance_ratio=self.minimum_acceptance_ratio,
            periods=tuple(Period(p.contract_id, p.volume) for p in self.periods),
            linked_to=self.linked_to or None,
            exclusive_group=self.exclusive_group or None,
            is_spread_block=self.is_spread_block,
        )


class BlockOrderRequest(RequestDocument):
    auction_id: str = Field(min_length=1)
    portfolio: str = Field(min_length=1)
    area_code: str = Field(min_length=1)
    comment: str | None = Field(default=None, max_length=LONGEST_COMMENT)
    blocks: list[BlockRequest]

    def draft(self, kind: OrderKind) -> Draft:
        """Return the order that is wanted."""
        return Draft(
            kind,
            Slot(self.auction_id, self.portfolio, self.area_code),
            self.comment,
            blocks=tuple(block.block() for block in self.blocks),
        )


class BlockOrderPatch(RequestDocument):
    blocks: list[BlockRequest] | None = None
    comment: str | None = Field(default=None, max_length=LONGEST_COMMENT)


class BlockDocument(Document):
    modifier: str
    state: OrderState
    name: str
    price: float
    minimum_acceptance_ratio: float
    linked_to: str | None
    exclusive_group: str | None
    is_spread_block: bool
    periods: list[PeriodDocument]


class BlockListDocument(Document):
    order_id: UUID
    area_code: str
    portfolio: str
    auction_id: str
    modifier: str
    currency_code: str
    modified: datetime
    blocks: list[BlockDocument]
    comment: str | None
    company_name: str
    version: int

    @classmethod
    def of(cls, order: Order, rules: MarketRules, portfolio: Portfolio) -> Self:
        return cls(
            order_id=order.order_id,
            area_code=order.slot.area_code,
            portfolio=order.slot.portfolio,
            auction_id=order.slot.auction_id,
            modifier=order.modifier,
            currency_code=rules.currency,
            modified=order.modified,
            blocks=[
                BlockDocument(
                    modifier=order.modifier,
                    state=order.state,
                    name=block.name,
                    price=block.price,
                    minimum_acceptance_ratio=block.minimum_acceptance_ratio,
                    linked_to=block.linked_to,
                    exclusive_group=block.exclusive_group,
                    is_spread_block=block.is_spread_block,
                    periods=[PeriodDocument(**period._asdict()) for period in block.periods],
                )
                for block in order.blocks
            ],
            comment=order.comment,
            company_name=portfolio.company_name,
            version=order.version,
        )


class OrdersDocument(Document):
    """A block order of which nothing stands any more has no blocks left."""

    curve_orders: list[CurveOrderDocument]
    block_lists: list[BlockListDocument]
