"""What comes late changes nothing that is right: requests, answers, messages and switches, near the gate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from examples import DAY, SINTEF, published, with_asset_fields, with_water_values
from scripted import AREA, acts, fails, order_of, with_exchange

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.errors import ExchangeRefused, GateClosed, OutcomeUnknown, ServiceUnavailable
from hydrobid.domain.holds import Act, HoldKind
from hydrobid.domain.messages import AssetSettled, GuardTick
from hydrobid.domain.states import AssetState, OrderState, RunState
from hydrobid.pipeline import aggregate_asset, paths
from hydrobid.pipeline.hold_order import hold_orders, orders_of, release_orders, turn_kill_switch
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.read_run import RunView, newest_run, read_run
from hydrobid.schema import ClientInputs

ACT = Act(by="desk", reason="the plant is out")
REFUSED = ExchangeRefused("volume limit exceeded", status=400)


@pytest.fixture
def inputs(sintef_inputs: ClientInputs) -> ClientInputs:
    """The SINTEF example bid by its water values, so that nothing has to be solved."""
    return with_asset_fields(sintef_inputs, method={"name": "water_value"})


@pytest.fixture
def pipeline(inputs: ClientInputs) -> InProcessPipeline:
    return published(inputs)


def ports(pipeline: InProcessPipeline):
    return pipeline.documents, pipeline.clock, pipeline.messages


def next_inputs(pipeline: InProcessPipeline, inputs: ClientInputs) -> None:
    """Publish lower water values, a minute later: another bid."""
    pipeline.clock.advance(timedelta(minutes=1))
    other = with_water_values(inputs, 0.7)
    publish_inputs(pipeline.documents, pipeline.clock, other.configuration, other.scenario_sets)


def look(pipeline: InProcessPipeline, view: RunView) -> RunView:
    return read_run(pipeline.documents, view.plan.run)


def advance_to(pipeline: InProcessPipeline, instant: datetime) -> None:
    pipeline.clock.advance(instant - pipeline.clock.now())


def guard_after_the_gate(pipeline: InProcessPipeline, view: RunView) -> RunView:
    advance_to(pipeline, view.plan.cut_offs.gate + timedelta(seconds=30))
    pipeline.handle(GuardTick(client=SINTEF))
    return look(pipeline, view)


def open_alerts(pipeline: InProcessPipeline) -> list[str]:
    alerts = pipeline.documents.find(paths.ALERTS).values()
    return sorted(alert["code"] for alert in alerts if alert["resolved"] is None)


def test_request__of_a_frozen_instance__after_a_withdrawal_that_is_lifted__is_found_to_stand(
    pipeline: InProcessPipeline,
):
    # Given an order that was withdrawn and cancelled
    exchange = with_exchange(pipeline)
    view = pipeline.run(SINTEF, DAY)
    slot, order = next(iter(exchange.orders.items()))
    orders = orders_of(pipeline.documents, pipeline.clock, DAY)
    hold_orders(*ports(pipeline), orders, HoldKind.WITHDRAWN, ACT)
    pipeline.deliver()
    changes = exchange.changes

    # When a request that was made before arrives, and the desk lifts its hold
    exchange.orders[slot] = order
    release_orders(*ports(pipeline), orders, ACT)
    pipeline.deliver()

    # Then it stands as wanted, and nothing more is sent
    after = look(pipeline, view)
    assert (order_of(after).state, after.state) == (OrderState.STANDING, RunState.SUBMITTED)
    assert order_of(after).refused == {}
    assert exchange.changes == changes
    assert guard_after_the_gate(pipeline, view).state is RunState.SUBMITTED
    assert open_alerts(pipeline) == []


def test_request__that_lands_when_a_newer_bid_is_refused__is_found_to_stand(
    pipeline: InProcessPipeline, inputs: ClientInputs
):
    # Given a first bid whose request is on its way, and a second that is refused as it lands
    late: list[Callable[[], None]] = []

    def lost(act: Callable[[], None]) -> None:
        late.append(act)
        raise OutcomeUnknown("timed out")

    def refused_as_it_lands(_: Callable[[], None]) -> None:
        late.pop()()
        raise REFUSED

    with_exchange(pipeline, lost, fails(ServiceUnavailable("down")), refused_as_it_lands)
    with pytest.raises(ServiceUnavailable):
        pipeline.run(SINTEF, DAY)
    pipeline.messages.waiting.clear()
    next_inputs(pipeline, inputs)

    # When the second is bid
    second = pipeline.run(SINTEF, DAY)

    # Then the first stands as wanted, and the second alone was refused
    order = order_of(second)
    assert order.state is OrderState.STANDING
    assert order.stood == order.wanted == order.approved[0]
    assert list(order.refused) == [order.approved[1].matrix]
    assert open_alerts(pipeline) == ["ORDER_REFUSED"]


def test_request__between_a_look_and_the_gate__is_seen_by_the_last_look(
    pipeline: InProcessPipeline, monkeypatch: pytest.MonkeyPatch
):
    # Given a request whose outcome is unknown, seconds before the gate
    plan = pipeline.plan(SINTEF, DAY).plan
    pipeline.solve(plan)
    late: list[Callable[[], None]] = []

    def lost(act: Callable[[], None]) -> None:
        late.append(act)
        raise OutcomeUnknown("timed out")

    exchange = with_exchange(pipeline, lost)
    advance_to(pipeline, plan.cut_offs.gate - timedelta(seconds=20))
    list_orders = exchange.standing_orders

    def slow(*asked):
        """The request lands after the list was made, and the answer takes until after the gate."""
        found = list_orders(*asked)
        if late:
            late.pop()()
            advance_to(pipeline, plan.cut_offs.gate + timedelta(seconds=1))
        return found

    monkeypatch.setattr(exchange, "standing_orders", slow)

    # When the bid is sent and looked for
    pipeline.deliver()

    # Then it is known to have stood when the gate closed
    view = read_run(pipeline.documents, plan.run)
    assert (order_of(view).state, order_of(view).as_wanted) == (OrderState.CLOSED, True)
    assert view.state is RunState.SUBMITTED
    assert open_alerts(pipeline) == []


def test_message__of_an_overtaken_run_that_never_bid__after_the_gate__misses_nothing(
    pipeline: InProcessPipeline, inputs: ClientInputs
):
    # Given a first run whose message is on its way while a second is submitted, until after the gate
    first = pipeline.plan(SINTEF, DAY).plan
    pipeline.solve(first)
    waiting = list(pipeline.messages.waiting)
    pipeline.messages.waiting.clear()
    next_inputs(pipeline, inputs)
    second = pipeline.run(SINTEF, DAY)
    before = guard_after_the_gate(pipeline, second)
    pipeline.clock.advance(timedelta(hours=3))

    # When it arrives
    pipeline.messages.waiting.extend(waiting)
    pipeline.deliver()

    # Then the day is as it was
    after = look(pipeline, second)
    assert (after.state, after.orders) == (RunState.SUBMITTED, before.orders)
    assert read_run(pipeline.documents, first.run).state is RunState.SUPERSEDED
    assert open_alerts(pipeline) == []


def test_aggregator__that_looks_before_the_gate_and_writes_after__leaves_the_record(
    sintef: InProcessPipeline, monkeypatch: pytest.MonkeyPatch
):
    # Given an asset on its fallback, and all its scenarios solved just before the gate
    plan = sintef.plan(SINTEF, DAY).plan
    settled = AssetSettled(client=SINTEF, run=plan.run, asset=plan.assets[0].asset, cause="cut-off")
    sintef.handle(settled)
    sintef.deliver()
    advance_to(sintef, plan.cut_offs.gate - timedelta(seconds=2))
    sintef.solve(plan)
    sintef.messages.waiting.clear()
    put_blob = aggregate_asset.put_blob

    def slow(*content):
        digest = put_blob(*content)
        advance_to(sintef, plan.cut_offs.gate + timedelta(seconds=5))
        return digest

    monkeypatch.setattr(aggregate_asset, "put_blob", slow)

    # When they are aggregated, and the gate closes meanwhile
    sintef.handle(settled)
    sintef.deliver()

    # Then the record that was bid stays
    view = read_run(sintef.documents, plan.run)
    assert view.assets[settled.asset].state is AssetState.FALLBACK
    assert view.areas[AREA].bid_version == 1
    assert open_alerts(sintef) == ["ASSET_ON_FALLBACK"]


def test_kill_switch__off_after_the_gate__nothing_was_missed(pipeline: InProcessPipeline):
    # Given everything withdrawn before the gate
    view = pipeline.run(SINTEF, DAY)
    turn_kill_switch(*ports(pipeline), SINTEF, ACT, on=True)
    pipeline.deliver()
    advance_to(pipeline, view.plan.cut_offs.gate + timedelta(seconds=15))

    # When the switch is turned off after it, before anybody has looked again
    turn_kill_switch(*ports(pipeline), SINTEF, ACT, on=False)
    pipeline.deliver()

    # Then the day ends withheld, as it was when the gate closed
    assert guard_after_the_gate(pipeline, view).state is RunState.WITHHELD
    assert open_alerts(pipeline) == []


def test_kill_switch__on_before_the_gate_and_off_after__seen_by_nobody__counts_as_it_was(
    pipeline: InProcessPipeline,
):
    # Given a bid that is sent for the first time when everything was stopped a moment before
    plan = pipeline.plan(SINTEF, DAY).plan
    pipeline.solve(plan)
    with_exchange(pipeline, fails(ServiceUnavailable("down")))
    with pytest.raises(ServiceUnavailable):
        pipeline.deliver()
    turn_kill_switch(*ports(pipeline), SINTEF, ACT, on=True)
    pipeline.messages.waiting.clear()

    # When the gate closes before anybody looks, and the switch is turned off, on and off
    advance_to(pipeline, plan.cut_offs.gate + timedelta(seconds=15))
    for on in (False, True, False):
        turn_kill_switch(*ports(pipeline), SINTEF, ACT, on=on)
    pipeline.messages.waiting.clear()
    view = guard_after_the_gate(pipeline, read_run(pipeline.documents, plan.run))

    # Then the day was withheld
    assert view.state is RunState.WITHHELD
    assert order_of(view).stopped is not None
    assert open_alerts(pipeline) == []


def test_kill_switch__off_before_the_gate_and_heeded_after__the_gate_was_missed(
    pipeline: InProcessPipeline,
):
    view = pipeline.run(SINTEF, DAY)
    turn_kill_switch(*ports(pipeline), SINTEF, ACT, on=True)
    pipeline.deliver()
    advance_to(pipeline, view.plan.cut_offs.gate - timedelta(seconds=1))
    turn_kill_switch(*ports(pipeline), SINTEF, ACT, on=False)
    pipeline.messages.waiting.clear()

    assert guard_after_the_gate(pipeline, view).state is RunState.FAILED
    assert open_alerts(pipeline) == ["GATE_MISSED"]


@pytest.mark.parametrize("by_hand", [False, True])
def test_refusal__that_a_newer_bid_followed__is_not_told_again_when_nothing_stands(
    pipeline: InProcessPipeline, inputs: ClientInputs, by_hand: bool
):
    # Given a refused bid, and a newer one that stands
    exchange = with_exchange(pipeline, fails(REFUSED), acts)
    pipeline.run(SINTEF, DAY)
    assert open_alerts(pipeline) == ["ORDER_REFUSED"]
    next_inputs(pipeline, inputs)
    second = pipeline.run(SINTEF, DAY)
    assert open_alerts(pipeline) == []

    # When that is withdrawn, or somebody cancels it at the exchange
    told = len(pipeline.documents.find(paths.ALERTS))
    if by_hand:
        exchange.orders.clear()
        advance_to(pipeline, second.plan.cut_offs.gate - timedelta(minutes=2))
        pipeline.handle(GuardTick(client=SINTEF))
    else:
        orders = orders_of(pipeline.documents, pipeline.clock, DAY)
        hold_orders(*ports(pipeline), orders, HoldKind.WITHDRAWN, ACT)
        pipeline.deliver()

    # Then the old refusal is no news
    assert open_alerts(pipeline) == ([] if by_hand else ["BID_WITHHELD"])
    refusals = pipeline.documents.find(paths.ALERTS, code="ORDER_REFUSED").values()
    assert [alert["version"] for alert in refusals] == [2]
    assert len(pipeline.documents.find(paths.ALERTS)) == told + (not by_hand)


def test_plan__slept_over_until_after_the_gate__is_not_made(
    pipeline: InProcessPipeline, inputs: ClientInputs, monkeypatch: pytest.MonkeyPatch
):
    """Its draft is from before; a run of it would be a day's newest that bids nothing."""
    view = pipeline.run(SINTEF, DAY)
    next_inputs(pipeline, inputs)
    transact = pipeline.documents.transact

    def asleep(work):
        advance_to(pipeline, view.plan.cut_offs.gate + timedelta(minutes=2))
        return transact(work)

    monkeypatch.setattr(pipeline.documents, "transact", asleep)
    with pytest.raises(GateClosed):
        pipeline.plan(SINTEF, DAY)

    assert newest_run(pipeline.documents, view.plan.run.market, DAY) == view.plan.run
