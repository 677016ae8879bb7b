"""What an auction came to, held against the bid that stood."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hydrobid.bidding.block_outcomes import block_faults
from hydrobid.bidding.clearing import clearable
from hydrobid.domain.blocks import BlockBid
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.market import Market
from hydrobid.domain.records import Finding
from hydrobid.domain.results import PublishedResult
from hydrobid.domain.time import utc_text

ROUNDING = 1e-6


def check_result(
    market: Market, bid: BidMatrix | None, published: PublishedResult
) -> tuple[Finding, ...]:
    """Return where a published result is not what follows from the bid.

    bid: what stood at the gate, None where nothing did. What the curves sold is told apart from the
    blocks by the trades: blocks are accepted by rules of their own.
    """
    if bid is not None and bid.grid != published.grid:
        return (
            Finding(
                code="RESULT_MTUS",
                severity="error",
                where=published.price_area,
                value=len(published.prices),
                rule=f"one price for each of the bid's {len(bid.grid)} MTUs",
            ),
        )
    return (
        *_against_bid(market, bid, published),
        *_against_trades(market, published),
        *_against_blocks(market, bid, published),
    )


def _against_bid(
    market: Market, bid: BidMatrix | None, published: PublishedResult
) -> Iterator[Finding]:
    prices = np.array(published.prices)
    nothing = np.zeros(len(prices))
    low, high = (nothing, nothing) if bid is None else clearable(bid, prices, market)
    blocks = [np.array(t.volumes) for t in published.trades if t.kind == "block"]
    sold = published.sold - np.sum([nothing, *blocks], axis=0)
    wrong = (sold < low - ROUNDING) | (sold > high + ROUNDING)
    for index in np.flatnonzero(wrong).tolist():
        yield Finding(
            code="RESULT_VOLUME",
            severity="error",
            where=_where(published, index),
            value=float(sold[index]),
            rule=f"{low[index]:g} to {high[index]:g} MW, as the bid sells at "
            f"{prices[index]:g} {market.currency}/MWh",
        )


def _against_trades(market: Market, published: PublishedResult) -> Iterator[Finding]:
    trades = [np.array(trade.volumes) for trade in published.trades]
    traded = np.sum([np.zeros(len(published.prices)), *trades], axis=0)
    wrong = np.abs(published.sold - traded) > float(market.volume_lot) / 2 + ROUNDING
    for index in np.flatnonzero(wrong).tolist():
        yield Finding(
            code="RESULT_TRADES",
            severity="error",
            where=_where(published, index),
            value=float(published.sold[index]),
            rule=f"the sum of the trades, {traded[index]:g} MW",
        )


def _against_blocks(
    market: Market, bid: BidMatrix | None, published: PublishedResult
) -> Iterator[Finding]:
    if bid is None:
        units = (market.price_tick, market.volume_lot)
        blocks = BlockBid(published.price_area, published.grid, *units, ())
    else:
        blocks = bid.block_bid
    traded = {trade.name: sum(trade.volumes) for trade in published.trades}
    for name, rule in block_faults(blocks, published):
        yield Finding(
            code="RESULT_BLOCK",
            severity="error",
            where=f"{published.price_area} {name}",
            value=traded.get(name),
            rule=rule,
        )


def _where(published: PublishedResult, index: int) -> str:
    return f"{published.price_area} {utc_text(published.grid.starts()[index])}"
