"""After the gate: results are found, kept once, held against the bid, and missed when they are late."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from examples import DAY, SINTEF

from hydrobid.adapters.memory import MemoryExchange
from hydrobid.bidding.clearing import cleared
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.alerts import AlertCode
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import NotFound, ServiceUnavailable
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.messages import CutOffReached, ResultsDue
from hydrobid.domain.results import AuctionResult
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.closed_days import LOOK_BACK
from hydrobid.pipeline.fetch_results import fetch_results
from hydrobid.pipeline.read_results import result_of
from hydrobid.pipeline.read_run import RunView, run_alerts, run_events, trail_faults
from hydrobid.pipeline.run_inputs import configuration_in

AREA = PriceArea("NO2")
AN_HOUR = timedelta(hours=1)


class AlteredExchange(MemoryExchange):
    """Publishes what `alter` makes of each result; it may raise."""

    def __init__(self, clock, alter) -> None:
        super().__init__(clock)
        self.alter = alter

    def result(self, market, day, auction, portfolio, area):
        found = super().result(market, day, auction, portfolio, area)
        return None if found is None else self.alter(found)


def after_the_gate(pipeline: InProcessPipeline, alter=None) -> RunView:
    """Bid the day, and let its gate close."""
    if alter is not None:
        pipeline.exchange = AlteredExchange(pipeline.clock, alter)
    view = pipeline.run(SINTEF, DAY)
    pipeline.clock.advance(view.plan.cut_offs.gate - pipeline.clock.now())
    pipeline.handle(CutOffReached(client=SINTEF, run=view.plan.run, cut_off="submission"))
    return view


def publish(pipeline: InProcessPipeline, view: RunView, price: float = 50.0) -> list[float]:
    market = configuration_in(pipeline.documents, view.plan).market
    prices = [price + 0.25 * index for index in range(len(market.grid(DAY)))]
    pipeline.exchange.publish(pipeline.exchange.auction(market, DAY), AREA, prices)
    return prices


def tick(pipeline: InProcessPipeline) -> None:
    pipeline.handle(ResultsDue(client=SINTEF))


def stored(pipeline: InProcessPipeline, view: RunView) -> AuctionResult | None:
    plan = view.plan
    return result_of(pipeline.documents, plan.run.market, plan.run.day, plan.portfolio, AREA)


def open_alerts(pipeline: InProcessPipeline, view: RunView) -> list[AlertCode]:
    return [a.code for a in run_alerts(pipeline.documents, view.plan.run) if a.resolved is None]


def test_fetch__keeps_prices_obligation_and_the_bid_it_came_of(sintef: InProcessPipeline):
    view = after_the_gate(sintef)
    prices = publish(sintef, view)

    tick(sintef)

    result = stored(sintef, view)
    assert result is not None
    assert result.published.prices == tuple(prices)
    assert (result.run, result.matrix) == (view.plan.run, view.areas[AREA].matrix)
    bid = BidMatrix.from_document(get_blob(sintef.documents, str(result.matrix)))
    market = configuration_in(sintef.documents, view.plan).market
    sold = cleared(bid, np.array(prices), market)
    assert result.expected == pytest.approx(sold)
    assert result.published.volumes == pytest.approx(sold, abs=0.05 + 1e-9)
    assert result.published_at == sintef.clock.now()
    assert open_alerts(sintef, view) == []


def test_fetch__before_publication_nothing_is_kept_and_after_it_nothing_is_written_twice(
    sintef: InProcessPipeline,
):
    view = after_the_gate(sintef)
    tick(sintef)
    assert stored(sintef, view) is None

    publish(sintef, view)
    for _ in range(3):
        tick(sintef)

    events = run_events(sintef.documents, view.plan.run)
    assert [event.type for event in events].count("result-final") == 1
    assert trail_faults(sintef.documents, view.plan.run) == []


def test_fetch__an_open_day_is_not_asked_for(sintef: InProcessPipeline):
    view = sintef.run(SINTEF, DAY)
    publish(sintef, view)

    tick(sintef)

    assert stored(sintef, view) is None


def test_fetch__overdue_is_told_once_and_resolved_when_results_come(sintef: InProcessPipeline):
    view = after_the_gate(sintef)
    sintef.clock.advance(AN_HOUR)
    tick(sintef)
    assert open_alerts(sintef, view) == []

    sintef.clock.advance(AN_HOUR)
    tick(sintef)
    tick(sintef)
    assert open_alerts(sintef, view) == ["RESULTS_OVERDUE"]

    publish(sintef, view)
    tick(sintef)
    assert open_alerts(sintef, view) == []


def test_fetch__an_exchange_that_does_not_answer_is_asked_again_and_told_of_when_overdue(
    sintef: InProcessPipeline,
):
    def down(_):
        raise ServiceUnavailable("exchange: down")

    view = after_the_gate(sintef, down)
    publish(sintef, view)
    with pytest.raises(ServiceUnavailable):
        tick(sintef)
    assert open_alerts(sintef, view) == []

    sintef.clock.advance(2 * AN_HOUR)
    with pytest.raises(ServiceUnavailable):
        tick(sintef)
    assert open_alerts(sintef, view) == ["RESULTS_OVERDUE"]

    sintef.exchange.alter = lambda found: found
    tick(sintef)
    assert open_alerts(sintef, view) == []


def test_fetch__preliminary_is_kept_and_followed_by_final(sintef: InProcessPipeline):
    view = after_the_gate(sintef, lambda r: r.model_copy(update={"status": "preliminary"}))
    publish(sintef, view)
    tick(sintef)
    first = stored(sintef, view)

    sintef.clock.advance(timedelta(minutes=5))
    sintef.exchange.alter = lambda found: found
    tick(sintef)

    second = stored(sintef, view)
    assert first is not None
    assert second is not None
    assert (first.version, first.published.status) == (1, "preliminary")
    assert (second.version, second.published.status) == (2, "final")
    assert second.published_at == first.published_at + timedelta(minutes=5)


def more_of_one(found):
    volumes = (found.volumes[0] + 1.0, *found.volumes[1:])
    (trade,) = found.trades
    return found.model_copy(
        update={"volumes": volumes, "trades": (trade.model_copy(update={"volumes": volumes}),)}
    )


def test_fetch__a_volume_that_the_bid_does_not_explain_is_told_and_kept(sintef: InProcessPipeline):
    view = after_the_gate(sintef, more_of_one)
    publish(sintef, view)

    tick(sintef)

    result = stored(sintef, view)
    assert result is not None
    assert result.expected is not None
    assert result.published.volumes[0] == pytest.approx(result.expected[0] + 1, abs=0.06)
    (alert,) = run_alerts(sintef.documents, view.plan.run)
    assert (alert.code, alert.context["count"]) == ("RESULT_MISMATCH", 1)
    assert alert.context["findings"][0]["code"] == "RESULT_VOLUME"


def test_fetch__trades_that_do_not_add_up_are_told(sintef: InProcessPipeline):
    view = after_the_gate(sintef, lambda r: r.model_copy(update={"trades": ()}))
    publish(sintef, view, price=80.0)

    tick(sintef)

    (alert,) = run_alerts(sintef.documents, view.plan.run)
    assert {finding["code"] for finding in alert.context["findings"]} == {"RESULT_TRADES"}


def test_fetch__without_inputs_it_is_an_error(sintef: InProcessPipeline):
    empty = InProcessPipeline.starting_at(sintef.clock.now())
    with pytest.raises(NotFound):
        fetch_results(empty.documents, empty.clock, empty.exchange)


def test_fetch__ends_some_days_after_the_gate(sintef: InProcessPipeline):
    view = after_the_gate(sintef)
    publish(sintef, view)
    sintef.clock.advance(LOOK_BACK)

    tick(sintef)

    assert stored(sintef, view) is None
