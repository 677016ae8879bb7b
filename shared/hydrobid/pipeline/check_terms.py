"""A bid held against what the exchange says of its auction, before it is approved, and against that and its
market's rules once more before it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from hydrobid.domain.auction import AuctionView
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import BidFaulty, ExchangeDenied, ExchangeRefused
from hydrobid.domain.identifiers import Portfolio, PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.records import Finding
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.check_bid import market_findings
from hydrobid.pipeline.ports import Auction, Terms


def view_of(
    market: Market, day: date, auction: Auction, terms: Terms, now: datetime
) -> AuctionView:
    """Return an auction and its terms as a bid of a delivery day is held against them."""
    return AuctionView(
        auction=auction.id,
        closes=auction.closes,
        takes_orders=auction.open and not auction.closed_at(now),
        currency=terms.currency,
        writable=terms.writable,
        price_min=terms.price_min,
        price_max=terms.price_max,
        contracts=len(terms.mtus),
        of_the_day=list(terms.mtus) == market.grid(day).starts(),
        most_sold=terms.most_sold,
        most_bought=terms.most_bought,
    )


def access_findings(
    market: Market, portfolio: Portfolio, area: PriceArea, view: AuctionView
) -> Iterator[Finding]:
    """Yield what keeps a portfolio from bidding in a price area, in the market's currency.

    The exchange reads prices in the portfolio's own currency, whatever they were meant in, and says
    nothing of it.
    """
    if view.currency is None:
        yield Finding(
            code="EXCHANGE_PORTFOLIO",
            severity="error",
            where=area,
            value=portfolio,
            rule=f"the exchange shows portfolio {portfolio} to this account",
        )
    elif view.currency != market.currency:
        yield Finding(
            code="EXCHANGE_CURRENCY",
            severity="error",
            where=area,
            value=view.currency,
            rule=f"portfolio {portfolio} is in {market.currency}, in which {market.id} is bid",
        )
    elif not view.writable:
        yield Finding(
            code="EXCHANGE_PERMISSION",
            severity="error",
            where=area,
            value=f"portfolio {portfolio}",
            rule=f"the account may bid with portfolio {portfolio} in {area}",
        )


def opening_findings(area: PriceArea, gate: datetime, view: AuctionView) -> Iterator[Finding]:
    """Yield where an auction takes no orders, or closes at another instant than the plan's gate."""
    closes = utc_text(view.closes)
    if not view.takes_orders:
        yield Finding(
            code="AUCTION_CLOSED",
            severity="error",
            where=area,
            value=f"auction {view.auction}, which closes at {closes}",
            rule="the auction takes orders",
        )
    if view.closes != gate:
        yield Finding(
            code="AUCTION_GATE",
            severity="warning",
            where=area,
            value=closes,
            rule=f"the auction closes at {utc_text(gate)}, the gate that the run is planned for",
        )


def terms_findings(market: Market, matrix: BidMatrix, view: AuctionView) -> Iterator[Finding]:
    """Yield what of a bid the exchange would not take, by its own contracts and limits."""
    area = matrix.price_area
    if not view.of_the_day:
        yield Finding(
            code="EXCHANGE_MTUS",
            severity="error",
            where=area,
            value=f"{len(matrix.grid)} MTUs of {matrix.grid.minutes} minutes",
            rule=f"the {view.contracts} contracts of the auction",
        )
    ends = {(curve.ticks[0], curve.ticks[-1]) for curve in matrix.curves}
    for low, high in sorted(ends):
        given = (matrix.tick * low, matrix.tick * high)
        if given != (view.price_min, view.price_max):
            yield Finding(
                code="EXCHANGE_PRICE_LIMITS",
                severity="error",
                where=area,
                value=f"{given[0]} to {given[1]} {market.currency}/MWh",
                rule=f"from {view.price_min} to {view.price_max}",
            )
    for block in matrix.blocks:
        price = matrix.tick * block.price
        low_price, high_price = view.price_min, view.price_max
        if low_price is None or high_price is None or not low_price <= price <= high_price:
            yield Finding(
                code="EXCHANGE_PRICE_LIMITS",
                severity="error",
                where=f"{area} {block.name}",
                value=f"{price} {market.currency}/MWh",
                rule=f"from {low_price} to {high_price}",
            )
    # The exchange's limits are of curves; how much a block may hold, the market's rules say.
    most = matrix.lot * max(curve.lots[-1] for curve in matrix.curves)
    least = matrix.lot * min(curve.lots[0] for curve in matrix.curves)
    for volume, limit, what in (
        (most, view.most_sold, "sold"),
        (-least, view.most_bought, "bought"),
    ):
        if limit is not None and volume > limit:
            yield Finding(
                code="EXCHANGE_VOLUME_LIMIT",
                severity="error",
                where=area,
                value=f"{volume} MW {what}",
                rule=f"at most {limit} MW, the portfolio's limit",
            )


def require_access(
    market: Market, portfolio: Portfolio, area: PriceArea, view: AuctionView
) -> None:
    """Return where a portfolio may bid in a price area.

    Raises:
        ExchangeDenied: nothing may be sent until a person has seen to it.
    """
    for finding in access_findings(market, portfolio, area, view):
        raise ExchangeDenied(
            f"not so at the exchange: {finding.rule}; it has {finding.value}",
            portfolio=portfolio,
            price_area=area,
            finding=finding.to_document(),
        )


def require_rules(market: Market, day: date, matrix: BidMatrix) -> None:
    """Return where a bid is one that its market takes: it may be old, and rules change.

    Raises:
        BidFaulty: it is not.
    """
    findings = list(market_findings(market, day, matrix))
    if findings:
        raise BidFaulty(
            f"it is not a bid that {market.id} takes: "
            + "; ".join(f"{finding.where}: {finding.rule}" for finding in findings),
            findings=[finding.to_document() for finding in findings],
        )


def require_terms(market: Market, matrix: BidMatrix, view: AuctionView) -> None:
    """Return where a bid is one that the exchange may take.

    Raises:
        ExchangeRefused: it is not, by the exchange's own limits and contracts.
    """
    findings = tuple(terms_findings(market, matrix, view))
    if findings:
        raise ExchangeRefused(
            "the exchange would not take it: "
            + "; ".join(f"{f.where}: {f.value}; rule: {f.rule}" for f in findings),
            findings=[finding.to_document() for finding in findings],
        )
