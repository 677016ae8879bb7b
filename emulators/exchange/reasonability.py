"""The reasonability check: the exchange's own judgement of an order that it has received.

The rules come with the market (`reasonability` of its file). Without a rule that objects, an order is
approved, automatically.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from emulators.exchange.market import Auction
from emulators.exchange.market_file import ReasonabilityRule
from emulators.exchange.orders import Curve, Order, OrderKind, OrderState, Slot


class ApprovalState(StrEnum):
    """The outcome for a whole order; Undefined when there is nothing to judge."""

    UNDEFINED = "Undefined"
    APPROVED = "Approved"
    NOT_APPROVED = "NotApproved"


@dataclass(frozen=True)
class JudgedCurve:
    """One curve of an order: `time_step` counts its contract from 1; `objection` None is valid."""

    id: uuid.UUID
    time_step: int
    contract_id: str
    objection: str | None


@dataclass(frozen=True)
class Judgement:
    """What the exchange thinks of one version of an order."""

    state: ApprovalState
    curves: tuple[JudgedCurve, ...]


def judge(order: Order, auction: Auction, rules: Sequence[ReasonabilityRule]) -> Judgement:
    """Return the judgement of an order; a cancelled one has none, nor has one of blocks."""
    if not order.standing or order.kind is not OrderKind.CURVE:
        return Judgement(ApprovalState.UNDEFINED, ())
    curves = tuple(
        JudgedCurve(
            id=uuid.uuid5(order.order_id, f"{order.version}/{curve.contract_id}"),
            time_step=auction.time_steps[curve.contract_id],
            contract_id=curve.contract_id,
            objection=_objection(curve, order.slot, rules),
        )
        for curve in order.curves
    )
    approved = all(curve.objection is None for curve in curves)
    return Judgement(ApprovalState.APPROVED if approved else ApprovalState.NOT_APPROVED, curves)


def state_of_new_version(order: Order, rules: Sequence[ReasonabilityRule]) -> OrderState:
    """Return the state that a version of an order takes when it is received."""
    reasonable = all(_objection(curve, order.slot, rules) is None for curve in order.curves)
    return OrderState.ACCEPTED if reasonable else OrderState.NEW


def _objection(curve: Curve, slot: Slot, rules: Sequence[ReasonabilityRule]) -> str | None:
    largest = max(abs(point.volume) for point in curve.points)
    for rule in rules:
        if rule.concerns(slot.portfolio, slot.area_code) and largest > rule.largest_volume:
            return f"{largest} MW is more than {rule.largest_volume} MW, which is judged reasonable"
    return None
