"""The exchange's word on a bid before anybody approves it: is the auction open, may we bid, does it fit.

Approval does not depend on the exchange's answer: what it does not say in time is a warning, and is
asked again before the bid is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hydrobid.domain.auction import AuctionView
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import ExchangeDenied, ServiceUnavailable
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.market import Market
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AreaRecord, Finding
from hydrobid.domain.states import AreaState
from hydrobid.pipeline.check_terms import (
    access_findings,
    opening_findings,
    terms_findings,
    view_of,
)
from hydrobid.pipeline.ports import Clock, Exchange

UNKNOWN = "EXCHANGE_UNKNOWN"
_OF_EXCHANGE = ("EXCHANGE_", "AUCTION_")
NOT_ASKED = "not asked: the gate has closed"


@dataclass(frozen=True)
class Asked:
    """What the exchange said. view: None where it did not, for the reason in `words`."""

    view: AuctionView | None
    words: str = ""


def ask_auction(
    exchange: Exchange,
    clock: Clock,
    configuration: ClientConfiguration,
    plan: Plan,
    area: PriceArea,
) -> Asked:
    """Return what the exchange says of a plan's auction, in its share of an attempt's time."""
    market, day = configuration.market, plan.run.day
    if clock.now() >= plan.cut_offs.gate:
        return Asked(None, NOT_ASKED)
    try:
        with exchange.within(configuration.stages.asking):
            auction = exchange.auction(market, day)
            terms = exchange.terms(market, day, auction, plan.portfolio, area)
    except (ServiceUnavailable, ExchangeDenied) as error:
        return Asked(None, error.message)
    return Asked(view_of(market, day, auction, terms, clock.now()))


def auction_findings(
    market: Market, plan: Plan, area: PriceArea, matrix: BidMatrix | None, asked: Asked
) -> Iterator[Finding]:
    """Yield what the exchange has against a bid, or that it could not be asked."""
    view = asked.view
    if view is None:
        yield Finding(
            code=UNKNOWN,
            severity="warning",
            where=area,
            value=asked.words,
            rule="the exchange has said whether the auction is open, we may bid and the bid fits; "
            "what it has not is asked again before sending",
        )
        return
    yield from opening_findings(area, plan.cut_offs.gate, view)
    yield from access_findings(market, plan.portfolio, area, view)
    if matrix is not None:
        yield from terms_findings(market, matrix, view)


def refused_by_exchange_alone(record: AreaRecord) -> bool:
    """Whether nothing but the exchange's word stops a bid: that may change without a newer bid."""
    errors = [finding for finding in record.findings if finding.severity == "error"]
    return record.state is AreaState.REFUSED and _all_of_exchange(errors)


def _all_of_exchange(findings: Sequence[Finding]) -> bool:
    return all(finding.code.startswith(_OF_EXCHANGE) for finding in findings)
