"""A bid of curves and blocks at the exchange, from the asset to what has to be delivered."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from block_bids import bid_the_day, block_pipeline, content
from examples import DAY, ROOT, SINTEF

from emulators.clock import MarketClock
from emulators.exchange.auth import Credentials as Accounts
from emulators.exchange.market_file import load_market
from emulators.exchange.server import ExchangeOptions, serve
from hydrobid.adapters.nordpool import NordPoolExchange
from hydrobid.adapters.nordpool_session import NordPoolSession
from hydrobid.adapters.nordpool_token import Credentials
from hydrobid.bidding.block_clearing import accepted_blocks, sold_in_blocks
from hydrobid.bidding.clearing import cleared
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.messages import CutOffReached, ResultsDue
from hydrobid.domain.states import OrderState, RunState
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.read_results import result_of
from hydrobid.pipeline.read_run import read_run, run_alerts
from hydrobid.pipeline.run_inputs import configuration_in
from hydrobid.schema import ClientInputs

NO2 = PriceArea("NO2")
ACCOUNT = Credentials(
    client_id="client",
    client_secret="planted-secret",
    username="trader",
    password="planted-password",
)


def test_bid_with_blocks__is_placed_cleared_and_owed(sintef_inputs: ClientInputs, tmp_path: Path):
    pipeline = block_pipeline(sintef_inputs, 30.0, 0.0, 20.0)
    market = load_market(ROOT / "emulators/exchange/markets/nordic.yaml")
    users = {"trader": {"password": "planted-password", "portfolios": (SINTEF,)}}
    accounts = Accounts(client_id="client", client_secret="planted-secret", users=users)
    clock_file, prices_file = tmp_path / "clock.json", tmp_path / "prices.csv"

    def turn_both_clocks_to(instant: datetime) -> None:
        offset = (instant - datetime.now(UTC)).total_seconds()
        clock_file.write_text(json.dumps({"offset_seconds": offset}))
        pipeline.clock.advance(instant - pipeline.clock.now())

    turn_both_clocks_to(pipeline.clock.now())
    options = ExchangeOptions(
        market, accounts, clock=MarketClock(clock_file), prices_file=prices_file
    )
    server = serve(options)
    url = f"http://127.0.0.1:{server.port}"
    try:
        with NordPoolSession(url, f"{url}/connect/token", lambda: ACCOUNT) as session:
            # Given: the exchange in the place of the one in memory.
            exchange = NordPoolExchange(session)
            pipeline.exchange = exchange

            # When: the day is bid, and its gate closes.
            view = bid_the_day(pipeline)
            plan, rules = view.plan, configuration_in(pipeline.documents, view.plan).market
            bid = content(pipeline, view.areas[NO2].matrix)
            auction = exchange.auction(rules, DAY)
            curves, blocks = exchange.orders(auction, plan.portfolio, NO2)
            turn_both_clocks_to(plan.cut_offs.gate + timedelta(seconds=1))
            pipeline.handle(CutOffReached(client=SINTEF, run=plan.run, cut_off="submission"))
            closed = read_run(pipeline.documents, plan.run)

            # And it comes to prices that take one of the blocks.
            prices = np.full(len(bid.grid), 10.0)
            prices[bid.blocks[0].mtus] = float(bid.tick) * bid.blocks[0].price + 5
            rows = [
                f"NO2,{utc_text(start)},{price:.2f}"
                for start, price in zip(bid.grid.starts(), prices, strict=True)
            ]
            prices_file.write_text("\n".join(["price_area,delivery_start,price", *rows]))
            turn_both_clocks_to(plan.cut_offs.gate + timedelta(hours=1))
            pipeline.handle(ResultsDue(client=SINTEF))
    finally:
        server.stop()

    # Then: each order stood once, with the content that was approved.
    assert (view.state, closed.state) == (RunState.SUBMITTED, RunState.SUBMITTED)
    assert closed.orders[NO2].state is OrderState.CLOSED
    assert len(curves["versions"]) == len(blocks["versions"]) == 1
    assert [block["name"] for block in blocks["blocks"]] == [str(b.name) for b in bid.blocks]
    assert all(p["volume"] < 0 for block in blocks["blocks"] for p in block["periods"])
    assert str(view.areas[NO2].matrix)[:16] in blocks["comment"]

    # And what has to be delivered is what the curves sold and the block that was accepted.
    result = result_of(pipeline.documents, rules.id, DAY, plan.portfolio, NO2)
    assert result is not None
    taken = accepted_blocks(bid.block_bid, prices)
    assert len(taken) == 1
    assert {t.name for t in result.published.trades if t.kind == "block"} == taken
    owed = cleared(bid, prices, rules) + sold_in_blocks(bid.block_bid, prices)
    assert result.published.volumes == pytest.approx(owed, abs=0.05 + 1e-9)
    assert (result.run, result.matrix) == (plan.run, bid.digest())
    assert [a.code for a in run_alerts(pipeline.documents, plan.run) if a.resolved is None] == []
