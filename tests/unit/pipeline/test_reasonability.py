"""An order that stands and that the exchange doubts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from examples import DAY, SINTEF
from scripted import next_prices, order_of, redeliver

from hydrobid.adapters.memory import MemoryExchange
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.errors import ExchangeDenied, ServiceUnavailable
from hydrobid.domain.messages import GuardTick
from hydrobid.domain.states import OrderState, RunState
from hydrobid.pipeline.order_alerts import tell_of_order
from hydrobid.pipeline.ports import Judgement
from hydrobid.pipeline.read_run import RunView, read_run, run_alerts, run_events, trail_faults
from hydrobid.schema import ClientInputs

WHY = ("PT15M-01: 120 MW is more than 100 MW", "PT15M-02: 130 MW is more than 100 MW")


class DoubtingExchange(MemoryExchange):
    """Judges every order as `verdict` says, which may raise; counts how often it is asked."""

    verdict: Judgement | Exception = Judgement(approved=False, by="Automatic", objections=WHY)
    asked = 0

    def judgement(self, auction, order_id) -> Judgement:
        self.asked += 1
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict


@pytest.fixture
def exchange(sintef: InProcessPipeline) -> DoubtingExchange:
    sintef.exchange = DoubtingExchange(sintef.clock)
    return sintef.exchange


def open_alerts(pipeline: InProcessPipeline, view: RunView) -> list[str]:
    return [a.code for a in run_alerts(pipeline.documents, view.plan.run) if a.resolved is None]


def event_types(pipeline: InProcessPipeline, view: RunView) -> list[str]:
    events = run_events(pipeline.documents, view.plan.run)
    assert trail_faults(pipeline.documents, view.plan.run) == []
    return [event.type for event in events if event.type.startswith("order-")]


def test_doubted__is_a_state_of_its_own_with_an_alert_that_says_why(
    sintef: InProcessPipeline, exchange: DoubtingExchange
):
    view = sintef.run(SINTEF, DAY)

    order = order_of(view)
    assert order.state is OrderState.NOT_APPROVED
    assert order.standing is not None
    assert order.standing.objections == WHY
    assert view.state is RunState.FAILED
    (alert,) = run_alerts(sintef.documents, view.plan.run)
    assert alert.code == "ORDER_NOT_APPROVED"
    assert "PT15M-01: 120 MW is more than 100 MW" in alert.message
    assert event_types(sintef, view)[-2:] == ["order-standing", "order-not-approved"]


def test_doubted__is_not_sent_again_however_often_it_is_looked_at(
    sintef: InProcessPipeline, exchange: DoubtingExchange
):
    view = sintef.run(SINTEF, DAY)
    before = event_types(sintef, view)
    for _ in range(3):
        view = redeliver(sintef, view)

    (order,) = exchange.orders.values()
    assert order.version == 1
    assert event_types(sintef, view) == before
    assert open_alerts(sintef, view) == ["ORDER_NOT_APPROVED"]


def test_doubted__whoever_tells_of_the_order_as_it_was_before_changes_no_alert(
    sintef: InProcessPipeline, exchange: DoubtingExchange
):
    view = sintef.run(SINTEF, DAY)
    order = order_of(view)
    before = {"state": OrderState.STANDING, "version": order.version - 1}
    undoubted = order.standing.model_copy(update={"approved": None, "objections": ()})
    late = order.model_copy(update={**before, "standing": undoubted})

    tell_of_order(sintef.documents, sintef.clock, late, view.plan.run)
    assert open_alerts(sintef, view) == ["ORDER_NOT_APPROVED"]

    tell_of_order(
        sintef.documents,
        sintef.clock,
        late.model_copy(update={"version": order.version}),
        view.plan.run,
    )
    assert open_alerts(sintef, view) == []


def test_doubted__approved_by_a_person_there_it_stands_and_the_alert_is_resolved(
    sintef: InProcessPipeline, exchange: DoubtingExchange
):
    view = sintef.run(SINTEF, DAY)
    exchange.verdict = Judgement(approved=True, by="Operator")

    view = redeliver(sintef, view)

    assert order_of(view).state is OrderState.STANDING
    assert view.state is RunState.SUBMITTED
    assert open_alerts(sintef, view) == []
    assert event_types(sintef, view)[-1] == "order-approved"
    asked = exchange.asked
    redeliver(sintef, view)
    assert exchange.asked == asked  # an approved version is not asked about again


def test_approved__and_doubted_after_all__is_seen_with_the_next_version(
    sintef: InProcessPipeline, exchange: DoubtingExchange, sintef_inputs: ClientInputs
):
    exchange.verdict = Judgement(approved=True)
    first = sintef.run(SINTEF, DAY)
    exchange.verdict = Judgement(approved=False, objections=WHY)
    next_prices(sintef, sintef_inputs, 1.5)

    second = sintef.run(SINTEF, DAY)

    assert order_of(second).state is OrderState.NOT_APPROVED
    assert open_alerts(sintef, first) == []
    assert open_alerts(sintef, second) == ["ORDER_NOT_APPROVED"]


def test_doubted__a_newer_bid_amends_it_and_the_older_runs_alert_goes(
    sintef: InProcessPipeline, exchange: DoubtingExchange, sintef_inputs: ClientInputs
):
    first = sintef.run(SINTEF, DAY)
    exchange.verdict = Judgement(approved=True)
    next_prices(sintef, sintef_inputs, 1.5)

    second = sintef.run(SINTEF, DAY)

    assert order_of(second).state is OrderState.STANDING
    assert second.state is RunState.SUBMITTED
    assert open_alerts(sintef, first) == []


@pytest.mark.parametrize("error", [ServiceUnavailable("down"), ExchangeDenied("not there")])
def test_verdict__that_cannot_be_had_holds_nothing_up(
    sintef: InProcessPipeline, exchange: DoubtingExchange, error: Exception
):
    exchange.verdict = error

    view = sintef.run(SINTEF, DAY)

    assert order_of(view).state is OrderState.STANDING
    assert view.state is RunState.SUBMITTED
    exchange.verdict = Judgement(approved=False, objections=WHY)
    assert order_of(redeliver(sintef, view)).state is OrderState.NOT_APPROVED
    exchange.verdict = error
    assert order_of(redeliver(sintef, view)).state is OrderState.NOT_APPROVED


def test_doubted__until_the_gate__the_run_has_not_submitted_its_bid(
    sintef: InProcessPipeline, exchange: DoubtingExchange
):
    view = sintef.run(SINTEF, DAY)
    sintef.clock.advance(view.plan.cut_offs.gate + timedelta(seconds=1) - sintef.clock.now())

    sintef.handle(GuardTick(client=SINTEF))

    view = read_run(sintef.documents, view.plan.run)
    assert order_of(view).state is OrderState.CLOSED
    assert view.state is RunState.FAILED
    assert open_alerts(sintef, view) == ["ORDER_NOT_APPROVED"]
