"""What stood yesterday: an order of the day before, as its last look left it."""

from __future__ import annotations

from datetime import timedelta

from simulation import client

from hydrobid.adapters.memory import MemoryDocuments
from hydrobid.bidding.fallback import bid_of_another_day
from hydrobid.domain.curve import BidCurve, BidMatrix
from hydrobid.domain.identifiers import Portfolio, PriceArea, RunId
from hydrobid.domain.market import Market
from hydrobid.domain.orders import OrderRecord, Standing, Wanted
from hydrobid.domain.states import Actor, OrderState
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import put_blob
from hydrobid.pipeline.ports import Clock
from hydrobid.pipeline.recording import record_writes

SHARE = 0.5
"""The share of schedules in which something stood yesterday."""
YESTERDAY = client.DAY - timedelta(days=1)
SOLD = {"NO1": 300, "NO2": 200}
"""Lots that are sold from 40 EUR/MWh on."""


def let_stand(
    documents: MemoryDocuments, clock: Clock, market: Market, areas: tuple[str, ...]
) -> dict[str, str]:
    """Write what stood yesterday; return, by area, the digests of the same bids for today."""
    today = {}
    for area in map(PriceArea, areas):
        ends = (market.min_ticks, 200, 400, market.max_ticks)
        curve = BidCurve(ends, (0, 0, SOLD[area], SOLD[area]))
        grid = market.grid(YESTERDAY)
        curves = (curve,) * len(grid)
        matrix = BidMatrix(area, grid, market.price_tick, market.volume_lot, curves)
        _write(documents, clock, market, matrix, put_blob(documents, matrix.to_document()))
        today[str(area)] = bid_of_another_day(matrix, market, client.DAY).digest()
    return today


def _write(
    documents: MemoryDocuments, clock: Clock, market: Market, matrix: BidMatrix, digest: str
) -> None:
    run, portfolio = RunId(market.id, YESTERDAY, 1), Portfolio("simulated")
    order = OrderRecord(
        run=run,
        portfolio=portfolio,
        price_area=matrix.price_area,
        state=OrderState.CLOSED,
        approved=(Wanted(run=run, bid_version=1, matrix=digest),),
        standing=Standing(
            order_id="yesterdays",
            matrix=digest,
            exchange_version=1,
            state="Accepted",
            seen=clock.now(),
        ),
    )
    _, writes = record_writes(
        paths.order(run, portfolio, matrix.price_area),
        order,
        None,
        run=run,
        event="order-closed",
        actor=Actor.RECONCILER,
        clock=clock,
        data={"matrix": digest},
    )
    documents.commit(*writes)
