"""What stands at the exchange, as the order's document holds it: content, and the exchange's verdict."""

from __future__ import annotations

from datetime import datetime

from hydrobid.domain.errors import ExchangeDenied, ServiceUnavailable
from hydrobid.domain.orders import Standing
from hydrobid.pipeline.ports import Auction, Exchange, ExchangeOrder, Judgement


def standing_of(
    exchange: Exchange,
    auction: Auction,
    found: ExchangeOrder,
    before: Standing | None,
    seen: datetime,
) -> Standing:
    """Return what stands, with the exchange's verdict on it.

    A version that is approved stays so and is not asked about again.
    """
    same = before is not None and (before.order_id, before.exchange_version) == (
        found.order_id,
        found.version,
    )
    known = before if same else None
    if known is not None and known.approved:
        verdict = Judgement(approved=True)
    else:
        verdict = _verdict(exchange, auction, found, known)
    return Standing(
        order_id=found.order_id,
        matrix="" if found.matrix is None else found.matrix.digest(),
        exchange_version=found.version,
        state=found.state,
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
