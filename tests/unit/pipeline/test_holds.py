"""Holds: what the desk withdraws or locks stays so, whatever comes, until the desk lifts it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from examples import CASCADE, DAY, SINTEF
from scripted import (
    AREA,
    acts,
    acts_and_fails,
    fails,
    next_prices,
    order_of,
    redeliver,
    with_exchange,
)

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import (
    ExchangeDenied,
    ExchangeRefused,
    GateClosed,
    InvalidInput,
    OutcomeUnknown,
)
from hydrobid.domain.holds import Act, HoldKind
from hydrobid.domain.messages import GuardTick, HoldChanged
from hydrobid.domain.orders import OrderRecord
from hydrobid.domain.states import OrderState, RunState
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.diagnose_run import diagnose_run
from hydrobid.pipeline.hold_order import hold_orders, orders_of, release_orders, turn_kill_switch
from hydrobid.pipeline.order_records import LeasedOrder
from hydrobid.pipeline.ports import Put
from hydrobid.pipeline.read_run import read_run, run_alerts, run_events, trail_faults
from hydrobid.pipeline.summarise_run import run_summary

ACT = Act(by="desk", reason="the plant is out")
WITHDRAWN, LOCKED = HoldKind.WITHDRAWN, HoldKind.LOCKED


def hold(pipeline: InProcessPipeline, kind: HoldKind, area: str | None = None, act: Act = ACT):
    orders = orders_of(pipeline.documents, pipeline.clock, DAY, area)
    return hold_orders(pipeline.documents, pipeline.clock, pipeline.messages, orders, kind, act)


def release(pipeline: InProcessPipeline):
    orders = orders_of(pipeline.documents, pipeline.clock, DAY)
    return release_orders(pipeline.documents, pipeline.clock, pipeline.messages, orders, ACT)


def switch(pipeline: InProcessPipeline, on: bool):
    return turn_kill_switch(
        pipeline.documents, pipeline.clock, pipeline.messages, SINTEF, ACT, on=on
    )


def standing(pipeline: InProcessPipeline) -> list[str]:
    return [order.matrix.digest() for order in pipeline.exchange.orders.values()]


def open_alerts(pipeline: InProcessPipeline, run) -> list[str]:
    return [a.code for a in run_alerts(pipeline.documents, run) if a.resolved is None]


def look(pipeline: InProcessPipeline, view):
    return read_run(pipeline.documents, view.plan.run)


def to_the_gate(pipeline: InProcessPipeline, view, before: timedelta = timedelta(0)) -> None:
    pipeline.clock.advance(view.plan.cut_offs.gate - before - pipeline.clock.now())


def test_withdraw__what_stands_is_cancelled_and_stays_so(sintef: InProcessPipeline):
    view = sintef.run(SINTEF, DAY)
    assert standing(sintef)

    hold(sintef, WITHDRAWN)
    sintef.deliver()

    after = look(sintef, view)
    assert standing(sintef) == []
    assert order_of(after).state is OrderState.WITHDRAWN
    assert after.state is RunState.WITHHELD
    assert open_alerts(sintef, view.plan.run) == ["BID_WITHHELD"]
    redeliver(sintef, view)
    assert standing(sintef) == []


def test_withdraw__diagnosis_and_summary_say_who_and_why(sintef: InProcessPipeline):
    view = sintef.run(SINTEF, DAY)
    hold(sintef, WITHDRAWN)
    sintef.deliver()

    told = diagnose_run(sintef.documents, sintef.clock, view.plan.run)
    summary = run_summary(sintef.documents, look(sintef, view))

    words = "withdrawn, by desk: the plant is out"
    assert (told.areas[0].held, summary["areas"][AREA]["held"]) == (words, words)
    (alert,) = told.alerts
    assert words in alert.message
    assert "release" in alert.action
    assert told.waits_for == ()


def test_withdraw__before_any_bid(sintef: InProcessPipeline):
    hold(sintef, WITHDRAWN)

    view = sintef.run(SINTEF, DAY)

    assert standing(sintef) == []
    assert view.state is RunState.WITHHELD
    assert open_alerts(sintef, view.plan.run) == ["BID_WITHHELD"]
    events = run_events(sintef.documents, view.plan.run)
    held = next(event for event in events if event.type == "order-held")
    assert (held.actor, held.data["by"], held.data["reason"]) == ("desk", "desk", ACT.reason)
    assert trail_faults(sintef.documents, view.plan.run) == []


def test_withdraw__a_newer_revision_does_not_bring_it_back(sintef, sintef_inputs):
    first = sintef.run(SINTEF, DAY)
    hold(sintef, WITHDRAWN)
    sintef.deliver()

    next_prices(sintef, sintef_inputs, 1.5)
    second = sintef.run(SINTEF, DAY)

    assert standing(sintef) == []
    assert second.state is RunState.WITHHELD
    assert look(sintef, first).state is RunState.SUPERSEDED
    assert open_alerts(sintef, first.plan.run) == []
    assert open_alerts(sintef, second.plan.run) == ["BID_WITHHELD"]


def test_release__the_newest_approved_bid_is_sent(sintef, sintef_inputs):
    first = sintef.run(SINTEF, DAY)
    hold(sintef, WITHDRAWN)
    next_prices(sintef, sintef_inputs, 1.5)
    second = sintef.run(SINTEF, DAY)

    release(sintef)
    sintef.deliver()

    assert standing(sintef) == [second.areas[AREA].matrix]
    assert second.areas[AREA].matrix != first.areas[AREA].matrix
    assert look(sintef, second).state is RunState.SUBMITTED
    assert open_alerts(sintef, second.plan.run) == []


def test_withdraw__again_changes_nothing_and_tells_again(sintef: InProcessPipeline):
    sintef.run(SINTEF, DAY)
    first = hold(sintef, WITHDRAWN)
    sintef.messages.waiting.clear()

    again = hold(sintef, WITHDRAWN, act=Act(by="other", reason="other"))

    assert again == first
    assert [type(m) for m in sintef.messages.waiting] == [HoldChanged]
    sintef.deliver()
    assert standing(sintef) == []


def test_withdraw__message_lost__the_guard_cancels(sintef: InProcessPipeline):
    view = sintef.run(SINTEF, DAY)
    hold(sintef, WITHDRAWN)
    sintef.messages.waiting.clear()

    to_the_gate(sintef, view, timedelta(minutes=2))
    sintef.handle(GuardTick(client=SINTEF))

    assert standing(sintef) == []


def test_withdraw__one_area_only(cascade: InProcessPipeline):
    view = cascade.run(CASCADE, DAY)
    (area, *others) = view.plan.price_areas

    hold(cascade, WITHDRAWN, area)
    cascade.deliver()

    assert [key[2] for key in cascade.exchange.orders] == others
    assert look(cascade, view).state is (RunState.PARTLY_SUBMITTED if others else RunState.WITHHELD)


def test_withdraw__and_release__reach_every_area(cascade: InProcessPipeline):
    def held() -> list[bool]:
        orders = map(OrderRecord.from_document, cascade.documents.find(paths.ORDERS).values())
        return [order.hold is not None for order in orders]

    withdrawn = hold(cascade, WITHDRAWN)
    assert len(withdrawn) == 2
    assert held() == [True, True]

    released = release(cascade)
    assert released.keys() == withdrawn.keys()
    assert held() == [False, False]


def test_withdraw__an_area_that_nobody_bids_in(sintef: InProcessPipeline):
    with pytest.raises(InvalidInput, match="one of NO2"):
        hold(sintef, WITHDRAWN, "NO9")


def test_withdraw__set_between_the_look_and_the_act(sintef: InProcessPipeline, monkeypatch):
    begin = LeasedOrder.begin

    def held_just_before(lease, *arguments):
        hold(sintef, WITHDRAWN)
        return begin(lease, *arguments)

    monkeypatch.setattr(LeasedOrder, "begin", held_just_before)
    exchange = with_exchange(sintef)

    view = sintef.run(SINTEF, DAY)

    assert exchange.changes == 0
    assert view.state is RunState.WITHHELD


def test_lock__in_a_withdrawals_place_between_the_look_and_the_cancel(sintef, monkeypatch):
    """Nothing is wanted either way, yet a lock cancels nothing."""
    sintef.run(SINTEF, DAY)
    hold(sintef, WITHDRAWN)
    begin = LeasedOrder.begin

    def locked_just_before(lease, *arguments):
        release(sintef)
        path = next(iter(orders_of(sintef.documents, sintef.clock, DAY).paths.values()))
        order = OrderRecord.from_document(sintef.documents.get(path))
        sintef.documents.commit(
            Put(path, order.model_copy(update={"standing": None}).to_document())
        )
        hold(sintef, LOCKED)
        return begin(lease, *arguments)

    monkeypatch.setattr(LeasedOrder, "begin", locked_just_before)
    sintef.handle(sintef.messages.waiting.popleft())

    assert len(standing(sintef)) == 1


def test_kill_switch__turned_between_the_look_and_the_act(sintef: InProcessPipeline, monkeypatch):
    begin = LeasedOrder.begin

    def turned_just_before(lease, *arguments):
        switch(sintef, on=True)
        return begin(lease, *arguments)

    monkeypatch.setattr(LeasedOrder, "begin", turned_just_before)
    exchange = with_exchange(sintef)

    view = sintef.run(SINTEF, DAY)

    assert exchange.changes == 0
    assert view.state is RunState.WITHHELD


def test_withdraw__while_the_order_is_being_sent(sintef: InProcessPipeline):
    """The exchange has the request already: it stands, is seen, and is cancelled."""

    def held_meanwhile(act) -> None:
        hold(sintef, WITHDRAWN)
        act()

    with_exchange(sintef, held_meanwhile)

    view = sintef.run(SINTEF, DAY)

    assert standing(sintef) == []
    assert order_of(look(sintef, view)).state is OrderState.WITHDRAWN
    types = [event.type for event in run_events(sintef.documents, view.plan.run)]
    assert types.index("order-held") < types.index("order-standing")


def test_withdraw__a_frozen_instance_wakes_up_and_sends(sintef: InProcessPipeline):
    view = sintef.run(SINTEF, DAY)
    (key, order), *_ = sintef.exchange.orders.items()
    hold(sintef, WITHDRAWN)
    sintef.deliver()

    sintef.exchange.orders[key] = order
    to_the_gate(sintef, view, timedelta(minutes=2))
    sintef.handle(GuardTick(client=SINTEF))

    assert standing(sintef) == []


@pytest.mark.parametrize("script", [fails, acts_and_fails])
def test_withdraw__outcome_of_the_cancel_unknown(sintef: InProcessPipeline, script):
    with_exchange(sintef, acts, script(OutcomeUnknown("broken")))
    view = sintef.run(SINTEF, DAY)

    hold(sintef, WITHDRAWN)
    sintef.deliver()

    assert standing(sintef) == []
    assert order_of(look(sintef, view)).state is OrderState.WITHDRAWN


def test_withdraw__the_exchange_does_not_cancel(sintef: InProcessPipeline):
    with_exchange(sintef, acts, fails(ExchangeRefused("no")))
    view = sintef.run(SINTEF, DAY)
    hold(sintef, WITHDRAWN)

    with pytest.raises(ExchangeDenied):
        sintef.deliver()
    assert "EXCHANGE_DENIED" in open_alerts(sintef, view.plan.run)

    to_the_gate(sintef, view, timedelta(minutes=2))
    sintef.handle(GuardTick(client=SINTEF))
    assert standing(sintef) == []
    assert open_alerts(sintef, view.plan.run) == ["BID_WITHHELD"]


def test_withdraw__cancelled_at_the_exchange_by_hand_before(sintef: InProcessPipeline):
    view = sintef.run(SINTEF, DAY)
    sintef.exchange.orders.clear()

    hold(sintef, WITHDRAWN)
    sintef.deliver()

    assert order_of(look(sintef, view)).state is OrderState.WITHDRAWN


def test_withdraw__gate_closes_before_it_is_cancelled(sintef: InProcessPipeline):
    view = sintef.run(SINTEF, DAY)
    hold(sintef, WITHDRAWN)
    to_the_gate(sintef, view)

    sintef.deliver()

    assert len(standing(sintef)) == 1
    assert open_alerts(sintef, view.plan.run) == ["GATE_MISSED"]


def test_withdraw__day_over__its_alert_is_resolved(sintef: InProcessPipeline):
    view = sintef.run(SINTEF, DAY)
    hold(sintef, WITHDRAWN)
    sintef.deliver()
    to_the_gate(sintef, view)

    sintef.handle(GuardTick(client=SINTEF))

    after = look(sintef, view)
    assert order_of(after).state is OrderState.CLOSED
    assert after.state is RunState.WITHHELD
    assert open_alerts(sintef, view.plan.run) == []


def test_hold__after_the_gate(sintef: InProcessPipeline):
    view = sintef.run(SINTEF, DAY)
    to_the_gate(sintef, view)

    for change in (lambda: hold(sintef, WITHDRAWN), lambda: release(sintef)):
        with pytest.raises(GateClosed, match="what stood then counts"):
            change()


def test_lock__a_newer_bid_does_not_take_over(sintef, sintef_inputs):
    first = sintef.run(SINTEF, DAY)
    hold(sintef, LOCKED)
    sintef.deliver()

    next_prices(sintef, sintef_inputs, 1.5)
    second = sintef.run(SINTEF, DAY)

    assert standing(sintef) == [first.areas[AREA].matrix]
    assert (look(sintef, first).state, second.state) == (RunState.SUBMITTED, RunState.WITHHELD)
    assert open_alerts(sintef, second.plan.run) == ["BID_LOCKED_OUT"]

    release(sintef)
    sintef.deliver()
    assert standing(sintef) == [second.areas[AREA].matrix]
    assert open_alerts(sintef, second.plan.run) == []


def test_lock__a_late_request_for_other_content_is_corrected(sintef, sintef_inputs):
    first = sintef.run(SINTEF, DAY)
    hold(sintef, LOCKED)
    next_prices(sintef, sintef_inputs, 1.5)
    second = sintef.run(SINTEF, DAY)
    (order,) = sintef.exchange.orders.values()
    market = orders_of(sintef.documents, sintef.clock, DAY).configuration.market
    auction = sintef.exchange.auction(market, DAY)
    other = BidMatrix.from_document(get_blob(sintef.documents, second.areas[AREA].matrix))

    sintef.exchange.amend(auction, order.order_id, other, "late")
    assert standing(sintef) == [second.areas[AREA].matrix]
    to_the_gate(sintef, second, timedelta(minutes=2))
    sintef.handle(GuardTick(client=SINTEF))

    assert standing(sintef) == [first.areas[AREA].matrix]


def test_lock__what_was_sent_by_hand_is_left_alone(sintef: InProcessPipeline):
    hold(sintef, LOCKED)
    view = sintef.run(SINTEF, DAY)
    market = orders_of(sintef.documents, sintef.clock, DAY).configuration.market
    auction = sintef.exchange.auction(market, DAY)
    approved = BidMatrix.from_document(get_blob(sintef.documents, view.areas[AREA].matrix))
    by_hand = replace(approved, curves=approved.curves[::-1])

    sintef.exchange.place(auction, view.plan.portfolio, by_hand, "by hand")
    to_the_gate(sintef, view, timedelta(minutes=2))
    sintef.handle(GuardTick(client=SINTEF))

    assert standing(sintef) == [by_hand.digest()]


def test_lock__nothing_stands__nothing_is_sent(sintef: InProcessPipeline):
    hold(sintef, LOCKED)

    view = sintef.run(SINTEF, DAY)

    assert standing(sintef) == []
    assert view.state is RunState.WITHHELD
    assert open_alerts(sintef, view.plan.run) == ["BID_WITHHELD"]


def test_lock__withdrawn__is_refused_since_it_would_let_it_stand(sintef: InProcessPipeline):
    sintef.run(SINTEF, DAY)
    hold(sintef, WITHDRAWN)

    with pytest.raises(InvalidInput, match="release it first"):
        hold(sintef, LOCKED)


def test_lock__then_withdrawn(sintef: InProcessPipeline):
    sintef.run(SINTEF, DAY)
    hold(sintef, LOCKED)
    hold(sintef, WITHDRAWN)
    sintef.deliver()

    assert standing(sintef) == []


def test_kill_switch__everything_is_cancelled_until_it_is_off(sintef, sintef_inputs):
    sintef.run(SINTEF, DAY)
    switch(sintef, on=True)
    sintef.deliver()
    assert standing(sintef) == []

    next_prices(sintef, sintef_inputs, 1.5)
    second = sintef.run(SINTEF, DAY)
    assert standing(sintef) == []
    assert open_alerts(sintef, second.plan.run) == ["BID_WITHHELD"]

    release(sintef)
    sintef.deliver()
    assert standing(sintef) == []

    switch(sintef, on=False)
    sintef.deliver()
    assert standing(sintef) == [second.areas[AREA].matrix]
    assert open_alerts(sintef, second.plan.run) == []
    told = sintef.documents.find(paths.EVENTS, entity="desk:kill-switch").values()
    assert [event["type"] for event in told] == ["kill-switch-on", "kill-switch-off"]


def test_kill_switch__an_order_that_cannot_be_read_does_not_save_the_others(sintef):
    sintef.run(SINTEF, DAY)
    sintef.documents.commit(Put(f"{paths.ORDERS}/corrupt", {"state": 1}))

    switch(sintef, on=True)
    sintef.deliver()

    assert standing(sintef) == []


def test_kill_switch__off__a_withdrawn_order_stays_withdrawn(sintef: InProcessPipeline):
    sintef.run(SINTEF, DAY)
    switch(sintef, on=True)
    hold(sintef, WITHDRAWN)
    switch(sintef, on=False)
    sintef.deliver()

    assert standing(sintef) == []


def test_kill_switch__before_any_inputs():
    pipeline = InProcessPipeline.starting_at(datetime(2026, 3, 28, 9, tzinfo=UTC))
    first = switch(pipeline, on=True)

    assert switch(pipeline, on=True) == first
    assert first.hold is not None
    assert not pipeline.messages.waiting


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_act__without_a_reason(reason: str):
    with pytest.raises(ValueError, match="reason"):
        Act(by="desk", reason=reason)
