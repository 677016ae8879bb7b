"""The order: what is wanted, what stands, and how they are brought together when things go wrong."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from examples import CASCADE, DAY, SINTEF, published, with_asset_fields, with_water_values
from scripted import (
    AREA,
    Crash,
    Killing,
    acts,
    acts_and_fails,
    fails,
    next_prices,
    order_of,
    redeliver,
    with_exchange,
)

from hydrobid.adapters.memory import MemoryDocuments, MemoryExchange
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.errors import (
    Contended,
    ExchangeDenied,
    ExchangeRefused,
    HydrobidError,
    IllegalTransition,
    OutcomeUnknown,
    ServiceUnavailable,
)
from hydrobid.domain.messages import AssetSettled, CutOffReached
from hydrobid.domain.states import AssetState, OrderState, RunState
from hydrobid.pipeline.order_records import LEASE, LeasedOrder
from hydrobid.pipeline.plan_run import PlanRequest, plan_run
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.read_run import RunView, read_run, run_alerts, run_events
from hydrobid.schema import ClientInputs

REFUSED = ExchangeRefused("volume limit exceeded", status=400)


def alert_codes(pipeline: InProcessPipeline, view: RunView) -> list[str]:
    return [alert.code for alert in run_alerts(pipeline.documents, view.plan.run)]


@pytest.mark.parametrize("script", [fails, acts_and_fails])
def test_place__outcome_unknown__one_order_stands_whether_it_was_taken_or_not(
    sintef: InProcessPipeline, script
):
    exchange = with_exchange(sintef, script(OutcomeUnknown("broken")))

    view = sintef.run(SINTEF, DAY)

    (order,) = exchange.orders.values()
    assert view.state is RunState.SUBMITTED
    assert order.version == 1
    assert "order-unknown" in [e.type for e in run_events(sintef.documents, view.plan.run)]


@pytest.mark.parametrize("script", [fails, acts_and_fails])
def test_amend__outcome_unknown__the_new_content_stands_once(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs, script
):
    exchange = with_exchange(sintef, acts, script(OutcomeUnknown("broken")))
    sintef.run(SINTEF, DAY)
    next_prices(sintef, sintef_inputs, 1.5)

    view = sintef.run(SINTEF, DAY)

    (order,) = exchange.orders.values()
    assert order.version == 2
    assert order.matrix is not None
    assert order.matrix.digest() == view.areas[AREA].matrix


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("port", ["documents", "exchange"])
@pytest.mark.parametrize("before", ["nothing", "an older bid"])
def test_submission__killed_at_every_step__one_order_with_what_was_approved(
    sintef_inputs: ClientInputs, port: str, after: bool, before: str
):
    for number in range(1, 60):
        # Given bids that are ready, where nothing stands or an older bid does
        inputs = with_asset_fields(sintef_inputs, method={"name": "water_value"})
        pipeline = published(inputs)
        exchange, documents = pipeline.exchange, pipeline.documents
        if before == "an older bid":
            pipeline.run(SINTEF, DAY)
            pipeline.clock.advance(timedelta(minutes=1))
            other = with_water_values(inputs, 0.7)
            publish_inputs(documents, pipeline.clock, other.configuration, other.scenario_sets)
        plan = pipeline.plan(SINTEF, DAY).plan
        pipeline.solve(plan)
        pipeline.handle(pipeline.messages.waiting.popleft())

        # When submission's process dies at one step of its way
        names = ("commit", "transact") if port == "documents" else ("place", "amend")
        killing = Killing(getattr(pipeline, port), names, number, after=after)
        setattr(pipeline, port, killing)
        with suppress(Crash, HydrobidError):
            pipeline.deliver()
        pipeline.documents, pipeline.exchange = documents, exchange
        if killing.left > 0:
            assert number > 1
            return

        # Then whoever looks next, after its lease, leaves one order as it was approved
        pipeline.clock.advance_real(LEASE * 2)
        cut_off = CutOffReached(client=SINTEF, run=plan.run, cut_off="submission")
        pipeline.handle(cut_off)
        (order,) = exchange.orders.values()
        view = read_run(documents, plan.run)
        assert view.state is RunState.SUBMITTED
        assert order.matrix is not None
        assert order.matrix.digest() == view.areas[AREA].matrix
        assert order.version == (1 if before == "nothing" else 2)
    raise AssertionError("it has more steps than were tried")


def test_refused__is_not_sent_again_and_raises_one_alert(sintef: InProcessPipeline):
    exchange = with_exchange(sintef, *[fails(REFUSED)] * 9)

    view = sintef.run(SINTEF, DAY)
    for _ in range(3):
        view = redeliver(sintef, view)
    sintef.handle(CutOffReached(client=SINTEF, run=view.plan.run, cut_off="submission"))

    assert exchange.changes == 1
    assert order_of(view).state is OrderState.REFUSED
    assert view.state is RunState.FAILED
    assert alert_codes(sintef, view) == ["ORDER_REFUSED"]


def test_refused_amendment__what_stood_is_wanted_again(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    exchange = with_exchange(sintef, acts, fails(REFUSED))
    first = sintef.run(SINTEF, DAY)
    next_prices(sintef, sintef_inputs, 1.5)

    second = sintef.run(SINTEF, DAY)
    first = read_run(sintef.documents, first.plan.run)

    assert order_of(second).settled
    assert (first.state, second.state) == (RunState.SUBMITTED, RunState.FAILED)
    assert exchange.changes == 2
    assert alert_codes(sintef, first) == []
    assert alert_codes(sintef, second) == ["ORDER_REFUSED"]


def test_refused_newer_bid__an_older_approved_one_that_never_stood_is_placed(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    exchange = with_exchange(sintef, fails(ServiceUnavailable("down")), fails(REFUSED))
    with pytest.raises(ServiceUnavailable):
        sintef.run(SINTEF, DAY)
    sintef.messages.waiting.clear()
    next_prices(sintef, sintef_inputs, 1.5)

    second = sintef.run(SINTEF, DAY)

    (order,) = exchange.orders.values()
    first = read_run(sintef.documents, order_of(second).approved[0].run)
    assert first.plan.run.revision == 1
    assert order.matrix is not None
    assert order.matrix.digest() == first.areas[AREA].matrix
    assert first.state is RunState.SUBMITTED


def test_refused__a_bid_that_became_wanted_meanwhile_is_not_lost(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    """While the exchange refuses the first bid, the second is approved by another instance."""

    def overtaken(_: Callable[[], None]) -> None:
        next_prices(sintef, sintef_inputs, 1.5)
        plan = sintef.plan(SINTEF, DAY).plan
        sintef.solve(plan)
        with pytest.raises(Contended):
            sintef.deliver()
        raise REFUSED

    exchange = with_exchange(sintef, overtaken)
    sintef.run(SINTEF, DAY)

    second = sintef.run(SINTEF, DAY)

    (order,) = exchange.orders.values()
    assert second.state is RunState.SUBMITTED
    assert order.matrix is not None
    assert order.matrix.digest() == second.areas[AREA].matrix


def test_denied__is_tried_again_and_told(sintef: InProcessPipeline):
    with_exchange(sintef, fails(ExchangeDenied("no permission", status=403)))
    with pytest.raises(ExchangeDenied):
        sintef.run(SINTEF, DAY)
    run = sintef.plan(SINTEF, DAY).plan.run
    denied = read_run(sintef.documents, run)

    view = redeliver(sintef, denied)

    assert denied.state is RunState.SUBMITTING
    assert view.state is RunState.SUBMITTED
    assert alert_codes(sintef, view) == ["EXCHANGE_DENIED"]


def test_gate_closes_while_sending__is_no_word_on_the_content(sintef: InProcessPipeline):
    def too_late(act: Callable[[], None]) -> None:
        sintef.clock.advance(timedelta(hours=2))
        act()

    with_exchange(sintef, too_late)

    view = sintef.run(SINTEF, DAY)

    assert order_of(view).state is OrderState.CLOSED
    assert order_of(view).refused == {}
    assert view.state is RunState.FAILED
    assert alert_codes(sintef, view) == ["GATE_MISSED"]
    (alert,) = run_alerts(sintef.documents, view.plan.run)
    assert "the exchange said: the auction is closed" in alert.message
    assert alert.context["words"]["code"] == "EXCHANGE_REFUSED"


def test_after_the_gate__what_stands_is_what_was_submitted(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    """The first bid stands; the second is approved but does not reach the exchange in time."""
    with_exchange(sintef, acts, fails(ServiceUnavailable("down")))
    first = sintef.run(SINTEF, DAY)
    next_prices(sintef, sintef_inputs, 1.5)
    with pytest.raises(ServiceUnavailable):
        sintef.run(SINTEF, DAY)
    second = sintef.plan(SINTEF, DAY).plan
    sintef.clock.advance(timedelta(hours=2))

    late = redeliver(sintef, read_run(sintef.documents, second.run))
    first = read_run(sintef.documents, first.plan.run)

    assert order_of(late).state is OrderState.CLOSED
    assert (first.state, late.state) == (RunState.SUBMITTED, RunState.FAILED)
    assert alert_codes(sintef, late) == ["GATE_MISSED"]


def test_lease__whoever_meets_it_raises_until_it_runs_out(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    view = sintef.run(SINTEF, DAY)
    next_prices(sintef, sintef_inputs, 1.5)
    LeasedOrder.take(
        sintef.documents, sintef.clock, view.plan.run, view.plan.portfolio, AREA, "frozen"
    )

    with pytest.raises(Contended):
        sintef.run(SINTEF, DAY)
    sintef.clock.advance_real(LEASE + timedelta(seconds=1))

    newer = read_run(sintef.documents, sintef.plan(SINTEF, DAY).plan.run)
    assert newer.plan.run.revision == 2
    assert redeliver(sintef, newer).state is RunState.SUBMITTED


def test_look__order_as_it_was_seen_and_wanted__needs_no_lease_and_writes_nothing(
    sintef: InProcessPipeline, monkeypatch: pytest.MonkeyPatch
):
    view = sintef.run(SINTEF, DAY)
    before = sintef.documents.find("orders")
    monkeypatch.delattr(LeasedOrder, "take")

    assert redeliver(sintef, view).state is RunState.SUBMITTED
    assert sintef.documents.find("orders") == before


def test_lease__a_frozen_holder_cannot_write_after_losing_it(sintef: InProcessPipeline):
    view = sintef.run(SINTEF, DAY)
    run, portfolio = view.plan.run, view.plan.portfolio
    frozen, _ = LeasedOrder.take(sintef.documents, sintef.clock, run, portfolio, AREA, "frozen")
    sintef.clock.advance_real(LEASE + timedelta(seconds=1))
    LeasedOrder.take(sintef.documents, sintef.clock, run, portfolio, AREA, "awake")

    with pytest.raises(Contended, match="lost"):
        frozen.move(OrderState.SENDING, "order-sending", {})


def test_one_area_unavailable__the_other_is_submitted(cascade: InProcessPipeline):
    plan = cascade.plan(CASCADE, DAY).plan
    cascade.solve(plan)
    first, other = plan.price_areas

    class WithoutFirst(MemoryExchange):
        def standing_orders(self, market, day, auction, portfolio, area):
            if area == first:
                raise ServiceUnavailable("down")
            return super().standing_orders(market, day, auction, portfolio, area)

    cascade.exchange = WithoutFirst(cascade.clock)
    with pytest.raises(ServiceUnavailable):
        cascade.handle(CutOffReached(client=CASCADE, run=plan.run, cut_off="submission"))

    assert [area for _, _, area in cascade.exchange.orders] == [other]


@pytest.mark.parametrize(
    ("enough", "state", "codes"),
    [
        (0.5, AssetState.PARTIAL, ["CORRUPT_DOCUMENT"]),
        (1.0, AssetState.FALLBACK, ["ASSET_ON_FALLBACK", "CORRUPT_DOCUMENT"]),
    ],
)
def test_one_asset_corrupt__it_is_bid_on_what_can_be_read_and_an_alert_says_so(
    cascade_inputs: ClientInputs, enough: float, state: AssetState, codes: list[str]
):
    cascade = published(with_asset_fields(cascade_inputs, coverage={"minimum_probability": enough}))
    plan = cascade.plan(CASCADE, DAY).plan
    cascade.solve(plan)
    broken = plan.assets[0]
    path = f"runs/{plan.run}/scenarios/{broken.asset}~{broken.scenarios[0]}"
    cascade.documents._documents[path]["state"] = "NONSENSE"

    cascade.handle(CutOffReached(client=CASCADE, run=plan.run, cut_off="submission"))

    view = read_run(cascade.documents, plan.run)
    assert view.assets[broken.asset].state is state
    assert view.assets[broken.asset].coverage.missing == {broken.scenarios[0]: "CORRUPT_DOCUMENT"}
    assert view.areas[broken.price_area].missing == {}
    assert len(cascade.exchange.orders) == 2
    assert sorted(alert.code for alert in run_alerts(cascade.documents, plan.run)) == codes


def wait_for(pipeline: InProcessPipeline, execution: str) -> None:
    request = PlanRequest(
        client=SINTEF, day=DAY, execution=execution, callback=f"http://{execution}"
    )
    plan_run(pipeline.documents, pipeline.clock, request)


def test_superseded_run__its_execution_is_told(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    wait_for(sintef, "first")
    next_prices(sintef, sintef_inputs, 1.5)
    wait_for(sintef, "second")

    view = sintef.run(SINTEF, DAY)

    for asset in view.plan.assets:
        sintef.messages.publish(
            AssetSettled(client=SINTEF, run=view.plan.run, asset=asset.asset, execution="second")
        )
    sintef.deliver()
    calls = {url: content["state"] for url, content in sintef.callbacks.calls}
    assert view.plan.run.revision == 2
    assert calls == {"http://first": "superseded", "http://second": "submitted"}


def test_superseded_run__its_cut_off_raises_no_alert(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    first = sintef.plan(SINTEF, DAY).plan
    next_prices(sintef, sintef_inputs, 1.5)
    sintef.run(SINTEF, DAY)

    sintef.handle(CutOffReached(client=SINTEF, run=first.run, cut_off="submission"))

    assert run_alerts(sintef.documents, first.run) == []
    assert read_run(sintef.documents, first.run).state is RunState.SUPERSEDED


class ForgetfulDocuments(MemoryDocuments):
    """Loses the answer of the transactions that write an event, whose client runs them again."""

    def __init__(self, event: str) -> None:
        super().__init__()
        self.event, self.again = event, 0

    def transact(self, work):
        events = len(self.find("events"))
        result = super().transact(work)
        newer = list(self.find("events", type=self.event).values())
        if len(self.find("events")) > events and newer and not self.again:
            self.again += 1
            return super().transact(work)
        return result


@pytest.mark.parametrize("event", ["order-sending", "order-standing", "order-wanted"])
def test_move__answer_lost_and_transaction_run_again(sintef: InProcessPipeline, event: str):
    documents = ForgetfulDocuments(event)
    documents._documents = sintef.documents._documents
    sintef.documents = documents
    exchange = with_exchange(sintef)

    view = sintef.run(SINTEF, DAY)

    assert documents.again == 1
    assert view.state is RunState.SUBMITTED
    assert (exchange.changes, order_of(view).attempts) == (1, 1)
    assert alert_codes(sintef, view) == []


def test_plan__answer_lost_and_transaction_run_again__the_run_is_new(sintef: InProcessPipeline):
    documents = ForgetfulDocuments("run-planned")
    documents._documents = sintef.documents._documents
    sintef.documents = documents

    planned = sintef.plan(SINTEF, DAY)

    assert (documents.again, planned.inputs, planned.plan.run.revision) == (1, "new", 1)


def test_move__made_twice_by_mistake__is_no_lost_answer(sintef: InProcessPipeline):
    """Only the same transaction run again is done already: a second move is refused."""
    view = sintef.run(SINTEF, DAY)
    order = order_of(view)
    lease, _ = LeasedOrder.take(
        sintef.documents, sintef.clock, order.run, order.portfolio, order.price_area, "one"
    )
    lease.move(OrderState.SENDING, "order-sending", {})

    with pytest.raises(IllegalTransition):
        lease.move(OrderState.SENDING, "order-sending", {})
