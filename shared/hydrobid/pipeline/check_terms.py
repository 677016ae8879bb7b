"""A bid that is about to be sent, held against its market's rules and what the exchange says of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import BidFaulty, ExchangeDenied, ExchangeRefused
from hydrobid.domain.identifiers import Portfolio
from hydrobid.domain.market import Market
from hydrobid.domain.records import Finding
from hydrobid.pipeline.check_bid import market_findings
from hydrobid.pipeline.ports import Terms


def require_access(market: Market, portfolio: Portfolio, area: str, terms: Terms) -> None:
    """Return where a portfolio may bid in a price area, in the market's currency.

    The exchange reads prices in the portfolio's own currency, whatever they were meant in, and says
    nothing of it. Raises:
        ExchangeDenied: nothing may be sent until a person has seen to it.
    """
    if terms.currency is None:
        wrong = f"the exchange shows no portfolio {portfolio} to this account"
    elif terms.currency != market.currency:
        wrong = (
            f"portfolio {portfolio} is in {terms.currency} at the exchange, and {market.id} is bid "
            f"in {market.currency}"
        )
    elif not terms.writable:
        wrong = f"portfolio {portfolio} may not be bid with in {area}"
    else:
        return
    raise ExchangeDenied(wrong, portfolio=portfolio, price_area=area)


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


def require_terms(market: Market, matrix: BidMatrix, terms: Terms) -> None:
    """Return where a bid is one that the exchange may take.

    Raises:
        ExchangeRefused: it is not, by the exchange's own limits and contracts.
    """
    findings = tuple(_findings(market, matrix, terms))
    if findings:
        raise ExchangeRefused(
            "the exchange would not take it: "
            + "; ".join(f"{f.where}: {f.value}; rule: {f.rule}" for f in findings),
            findings=[finding.to_document() for finding in findings],
        )


def _findings(market: Market, matrix: BidMatrix, terms: Terms) -> Iterator[Finding]:
    area = matrix.price_area
    if list(terms.mtus) != matrix.grid.starts():
        yield Finding(
            code="EXCHANGE_MTUS",
            severity="error",
            where=area,
            value=f"{len(matrix.grid)} MTUs of {matrix.grid.minutes} minutes",
            rule=f"the {len(terms.mtus)} contracts of the auction",
        )
    ends = {(curve.ticks[0], curve.ticks[-1]) for curve in matrix.curves}
    for low, high in sorted(ends):
        given = (matrix.tick * low, matrix.tick * high)
        if given != (terms.price_min, terms.price_max):
            yield Finding(
                code="EXCHANGE_PRICE_LIMITS",
                severity="error",
                where=area,
                value=f"{given[0]} to {given[1]} {market.currency}/MWh",
                rule=f"from {terms.price_min} to {terms.price_max}",
            )
    for block in matrix.blocks:
        price, (low_price, high_price) = (
            matrix.tick * block.price,
            (terms.price_min, terms.price_max),
        )
        if low_price is None or high_price is None or not low_price <= price <= high_price:
            yield Finding(
                code="EXCHANGE_PRICE_LIMITS",
                severity="error",
                where=f"{area} {block.name}",
                value=f"{price} {market.currency}/MWh",
                rule=f"from {terms.price_min} to {terms.price_max}",
            )
    # The exchange's limits are of curves; how much a block may hold, the market's rules say.
    most = matrix.lot * max(curve.lots[-1] for curve in matrix.curves)
    least = matrix.lot * min(curve.lots[0] for curve in matrix.curves)
    if terms.most_sold is not None and most > terms.most_sold:
        yield Finding(
            code="EXCHANGE_VOLUME_LIMIT",
            severity="error",
            where=area,
            value=f"{most} MW sold",
            rule=f"at most {terms.most_sold} MW, the portfolio's limit",
        )
    if terms.most_bought is not None and -least > terms.most_bought:
        yield Finding(
            code="EXCHANGE_VOLUME_LIMIT",
            severity="error",
            where=area,
            value=f"{-least} MW bought",
            rule=f"at most {terms.most_bought} MW, the portfolio's limit",
        )
