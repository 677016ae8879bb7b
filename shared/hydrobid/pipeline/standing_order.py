"""What stands at the exchange, as the order's document holds it: content, and the exchange's verdict."""

from __future__ import annotations

from datetime import datetime

from hydrobid.domain.errors import ExchangeDenied, ServiceUnavailable
from hydrobid.domain.orders import Standing, StandingBlocks
from hydrobid.pipeline.ports import Auction, Exchange, ExchangeOrder, ExchangeOrders, Judgement


def standing_of(
    exchange: Exchange,
    auction: Auction,
    found: ExchangeOrders,
    before: Standing | None,
    seen: datetime,
) -> Standing | None:
    """Return what stands, with the exchange's verdict on its curves; None where nothing does.

    A version that is approved stays so and is not asked about again. Blocks are not judged.
    """
    if found.nothing:
        return None
    curves = found.curves
    same = before is not None and (before.order_id, before.exchange_version) == (
        curves and curves.order_id,
        curves and curves.version,
    )
    known = before if same else None
    if curves is None:
        verdict = Judgement(approved=None)
    elif known is not None and known.approved:
        verdict = Judgement(approved=True)
    else:
        verdict = _verdict(exchange, auction, curves, known)
    return Standing(
        order_id=curves and curves.order_id,
        matrix="" if found.matrix is None else found.matrix.digest(),
        exchange_version=curves and curves.version,
        state=curves and curves.state,
        blocks=tuple(
            StandingBlocks(order_id=order.order_id, exchange_version=order.version)
            for order in found.blocks
        ),
        approved=verdict.approved,
        objections=verdict.objections,
        seen=seen,
    )


def _verdict(
    exchange: Exchange, auction: Auction, found: ExchangeOrder, known: Standing | None
) -> Judgement:
    """Return the exchange's judgement; what was known of it where it does not say now.

    The order stands either way, so nothing waits for it.
    """
    try:
        return exchange.judgement(auction, found.order_id)
    except (ServiceUnavailable, ExchangeDenied):
        return Judgement(None) if known is None else Judgement(known.approved, "", known.objections)
