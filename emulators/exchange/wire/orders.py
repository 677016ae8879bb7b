"""Curve orders and the exchange's judgement of them."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field, FiniteFloat

from emulators.exchange.exchange import Draft
from emulators.exchange.market_file import MarketRules, Portfolio
from emulators.exchange.orders import Curve, CurvePoint, Order, OrderKind, OrderState, Slot
from emulators.exchange.reasonability import ApprovalState, Judgement
from emulators.exchange.wire.base import Document, RequestDocument

LONGEST_COMMENT = 255


class CurvePointDocument(RequestDocument):
    price: FiniteFloat
    volume: FiniteFloat


class CurveDocument(RequestDocument):
    contract_id: str = Field(min_length=1)
    curve_points: list[CurvePointDocument]

    def curve(self) -> Curve:
        """Return the curve that the document holds."""
        points = tuple(CurvePoint(point.price, point.volume) for point in self.curve_points)
        return Curve(self.contract_id, points)

    @classmethod
    def of(cls, curve: Curve) -> Self:
        points = [CurvePointDocument(price=p.price, volume=p.volume) for p in curve.points]
        return cls(contract_id=curve.contract_id, curve_points=points)


class CurveOrderRequest(RequestDocument):
    auction_id: str = Field(min_length=1)
    portfolio: str = Field(min_length=1)
    area_code: str = Field(min_length=1)
    comment: str | None = Field(default=None, max_length=LONGEST_COMMENT)
    curves: list[CurveDocument]

    def draft(self) -> Draft:
        """Return the order that is wanted."""
        return Draft(
            OrderKind.CURVE,
            Slot(self.auction_id, self.portfolio, self.area_code),
            self.comment,
            curves=tuple(curve.curve() for curve in self.curves),
        )


class CurveOrderPatch(RequestDocument):
    curves: list[CurveDocument] | None = None
    comment: str | None = Field(default=None, max_length=LONGEST_COMMENT)


class CurveOrderDocument(Document):
    order_id: UUID
    area_code: str
    portfolio: str
    currency_code: str
    auction_id: str
    modifier: str
    modified: datetime
    state: OrderState
    curves: list[CurveDocument]
    comment: str | None
    company_name: str
    version: int

    @classmethod
    def of(cls, order: Order, rules: MarketRules, portfolio: Portfolio) -> Self:
        return cls(
            order_id=order.order_id,
            area_code=order.slot.area_code,
            portfolio=order.slot.portfolio,
            currency_code=rules.currency,
            auction_id=order.slot.auction_id,
            modifier=order.modifier,
            modified=order.modified,
            state=order.state,
            curves=[CurveDocument.of(curve) for curve in order.curves],
            comment=order.comment,
            company_name=portfolio.company_name,
            version=order.version,
        )


class CancelledOrdersDocument(Document):
    cancelled_order_ids: list[UUID]


class ValidatedCurve(Document):
    id: UUID
    time_step: int
    contract_id: str
    is_valid: bool
    validation_message: str | None


class ReasonabilityResults(Document):
    portfolio: str
    area: str
    order_approval_state: ApprovalState
    curves: list[ValidatedCurve]
    # Rules judge an order by itself; none compares it with another day yet.
    reference_day: str | None = None
    auction_id: str
    order_id: UUID
    approval_modifier: str | None = None
    approval_source: str = "Automatic"

    @classmethod
    def of(cls, order: Order, judgement: Judgement) -> Self:
        return cls(
            portfolio=order.slot.portfolio,
            area=order.slot.area_code,
            order_approval_state=judgement.state,
            curves=[
                ValidatedCurve(
                    id=curve.id,
                    time_step=curve.time_step,
                    contract_id=curve.contract_id,
                    is_valid=curve.objection is None,
                    validation_message=curve.objection,
                )
                for curve in judgement.curves
            ],
            auction_id=order.slot.auction_id,
            order_id=order.order_id,
        )
