"""Which of a day's runs the guard looks after, and from when on it takes nobody having decided for silence."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from approver import Approver, with_policy
from examples import CASCADE, DAY, SINTEF, published, with_asset_fields, with_water_values

from hydrobid.adapters.memory import MemoryExchange
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.errors import ServiceUnavailable
from hydrobid.domain.messages import AssetSettled, CutOffReached, GuardTick
from hydrobid.domain.plan import Plan
from hydrobid.domain.states import ApprovalState, OrderState, RunState
from hydrobid.pipeline import paths
from hydrobid.pipeline.plan_run import PlanRequest, plan_run
from hydrobid.pipeline.ports import Put
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.read_run import newest_run, read_run
from hydrobid.schema import ClientInputs, configuration_of

NO2, NO3, NO5 = "NO2", "NO3", "NO5"


@pytest.fixture
def inputs(sintef_inputs: ClientInputs) -> ClientInputs:
    """The SINTEF example, one area, bid by its water values, so that nothing has to be solved."""
    return with_asset_fields(sintef_inputs, method={"name": "water_value"})


@pytest.fixture
def cascades(cascade_inputs: ClientInputs) -> ClientInputs:
    """The cascade example, two areas, by its water values."""
    return with_asset_fields(cascade_inputs, method={"name": "water_value"})


class Down(MemoryExchange):
    """An exchange that takes no order for some areas."""

    areas: tuple[str, ...] = (NO3,)

    def place(self, auction, portfolio, matrix, comment) -> None:
        if matrix.price_area in self.areas:
            raise ServiceUnavailable("down")
        super().place(auction, portfolio, matrix, comment)


def guard(pipeline: InProcessPipeline, plan: Plan, minutes: float) -> None:
    """Have the guard look, so many minutes before the gate."""
    go_to(pipeline, plan.cut_offs.gate - timedelta(minutes=minutes))
    pipeline.handle(GuardTick(client=plan.client))


def go_to(pipeline: InProcessPipeline, at: datetime) -> None:
    pipeline.clock.advance(at - pipeline.clock.now())


def publish(pipeline: InProcessPipeline, inputs: ClientInputs) -> None:
    pipeline.clock.advance(timedelta(minutes=1))
    publish_inputs(pipeline.documents, pipeline.clock, inputs.configuration, inputs.scenario_sets)


def standing(pipeline: InProcessPipeline) -> list[str]:
    return sorted(order.matrix.price_area for order in pipeline.exchange.orders.values())


def alerts(pipeline: InProcessPipeline) -> list[tuple[str, str, str]]:
    """Return the alerts that are open: code, run and subject."""
    found = pipeline.documents.find(paths.ALERTS).values()
    return sorted((a["code"], a["run"], a["subject"]) for a in found if a["resolved"] is None)


def without(inputs: ClientInputs, area: str) -> ClientInputs:
    """Return inputs of which no asset is in a price area."""
    whole = inputs.configuration["configuration"]
    assets = [asset for asset in whole["assets"] if asset["price_area"] != area]
    configuration = {**inputs.configuration, "configuration": {**whole, "assets": assets}}
    return ClientInputs(configuration, inputs.scenario_sets)


def first_run(pipeline: InProcessPipeline) -> Plan:
    """Plan a first run for which an execution waits, and lose what it meets an error with."""
    request = PlanRequest(client=CASCADE, day=DAY, execution="first", callback="http://first")
    plan = plan_run(pipeline.documents, pipeline.clock, request).plan
    pipeline.solve(plan)
    while pipeline.messages.waiting:
        try:
            pipeline.handle(pipeline.messages.waiting.popleft())
        except ServiceUnavailable:
            continue
    return plan


@pytest.mark.parametrize("down_until_the_gate", [False, True])
def test_dropped_area__approved_by_an_older_run__is_sent_or_told_as_missed(
    cascades: ClientInputs, down_until_the_gate: bool
):
    # Given an order that could not be sent, and a newer run whose configuration lacks its area
    pipeline = published(cascades)
    pipeline.exchange = Down(pipeline.clock)
    first = first_run(pipeline)
    publish(pipeline, without(cascades, NO3))
    second = pipeline.run(CASCADE, DAY)
    assert (second.plan.price_areas, second.state) == ((NO5,), RunState.SUBMITTED)
    assert pipeline.callbacks.calls == []

    # When the guard looks before the gate and after
    if down_until_the_gate:
        with pytest.raises(ServiceUnavailable):
            guard(pipeline, second.plan, 5)
    else:
        pipeline.exchange.areas = ()
        guard(pipeline, second.plan, 5)
    guard(pipeline, second.plan, -1)

    # Then it was sent, or people are told, and nobody waits for the older run
    view = read_run(pipeline.documents, first.run)
    assert {order.state for order in view.orders.values()} == {OrderState.CLOSED}
    assert view.state is not None
    assert view.state.finished
    assert pipeline.callbacks.calls[-1][0] == "http://first"
    missed = [("GATE_MISSED", str(first.run), NO3)] if down_until_the_gate else []
    assert alerts(pipeline) == missed
    assert standing(pipeline) == ([NO5] if down_until_the_gate else [NO3, NO5])


def test_dropped_area__that_nobody_decided_on__waits_no_longer(cascades: ClientInputs):
    pipeline = published(with_policy(cascades, approval="required"))
    first = first_run(pipeline)
    publish(pipeline, with_policy(without(cascades, NO3), approval="required"))
    second = pipeline.run(CASCADE, DAY)

    guard(pipeline, second.plan, 5)

    view = read_run(pipeline.documents, first.run)
    assert {bid.approval.state for bid in view.areas.values()} == {ApprovalState.EXPIRED}
    assert view.state is RunState.WITHHELD
    assert alerts(pipeline) == [
        ("BID_UNAPPROVED", str(first.run), NO3),
        ("BID_UNAPPROVED", str(second.plan.run), NO5),
    ]


def test_dropped_area__in_which_an_older_run_has_not_bid__is_left_alone(cascades: ClientInputs):
    pipeline = published(cascades)
    first = pipeline.plan(CASCADE, DAY).plan
    publish(pipeline, without(cascades, NO3))
    second = pipeline.run(CASCADE, DAY)

    for minutes in (5, -1):
        guard(pipeline, second.plan, minutes)

    assert standing(pipeline) == [NO5]
    assert read_run(pipeline.documents, first.run).areas == {}
    assert alerts(pipeline) == []


def test_plan_that_cannot_be_read__is_told_until_it_can(inputs: ClientInputs):
    # Given a run whose plan holds a field that this release does not know
    pipeline = published(inputs)
    plan = pipeline.plan(SINTEF, DAY).plan
    path = paths.run(plan.run)
    stored = pipeline.documents.get(path)
    pipeline.documents.commit(Put(path, {**stored, "of_a_newer_release": 1}))

    # When the guard looks, then it is told, once
    for minutes in (5, 4):
        guard(pipeline, plan, minutes)
    day = f"nordic~{DAY.isoformat()}"
    assert alerts(pipeline) == [("DAY_WITHOUT_RUN", day, day)]
    (alert,) = pipeline.documents.find(paths.ALERTS).values()
    assert "of_a_newer_release" in alert["message"]
    assert alert["version"] == 1

    # And once it can be read the day is bid
    pipeline.documents.commit(Put(path, stored))
    guard(pipeline, plan, 3)
    assert standing(pipeline) == [NO2]
    assert alerts(pipeline) == []


def test_plan_that_cannot_be_read__an_older_run_is_bid_meanwhile(inputs: ClientInputs):
    pipeline = published(inputs)
    first = pipeline.plan(SINTEF, DAY).plan
    publish(pipeline, with_water_values(inputs, 0.7))
    second = pipeline.plan(SINTEF, DAY).plan
    path = paths.run(second.run)
    pipeline.documents.commit(Put(path, {**pipeline.documents.get(path), "newer": 1}))

    guard(pipeline, second, 5)

    assert read_run(pipeline.documents, first.run).state is RunState.SUBMITTED
    assert [code for code, _, _ in alerts(pipeline)] == ["DAY_WITHOUT_RUN"]


def test_plan_that_cannot_be_read__what_its_run_had_approved_is_sent(inputs: ClientInputs):
    # Given a run that has taken over an older one's order, and could not send its own bid
    pipeline = published(inputs)
    exchange = pipeline.exchange
    first = pipeline.run(SINTEF, DAY)
    publish(pipeline, with_water_values(inputs, 0.7))

    class Busy(MemoryExchange):
        def amend(self, auction, order_id, matrix, comment) -> None:
            raise ServiceUnavailable("busy")

    pipeline.exchange = Busy(pipeline.clock)
    pipeline.exchange.orders = exchange.orders
    with pytest.raises(ServiceUnavailable):
        pipeline.run(SINTEF, DAY)
    second = newest_run(pipeline.documents, first.plan.run.market, DAY)
    assert second != first.plan.run
    path = paths.run(second)
    pipeline.documents.commit(Put(path, {**pipeline.documents.get(path), "newer": 1}))
    pipeline.exchange = exchange

    # When the guard looks
    guard(pipeline, first.plan, 5)

    # Then what it had approved stands
    bid = pipeline.documents.get(paths.area(second, first.plan.portfolio, NO2))
    assert [order.matrix.digest() for order in exchange.orders.values()] == [bid["matrix"]]
    assert read_run(pipeline.documents, first.plan.run).state is RunState.SUPERSEDED


POLICIES = ("withhold", "submit")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("planned", "silent_at"), [(20, 5), (12, 3), (8, 2), (3, 2)])
def test_silence__of_a_run_that_is_planned_late__counts_from_its_own_approval_cut_off(
    inputs: ClientInputs, policy: str, planned: int, silent_at: int
):
    # Given a run that is planned so many minutes before the gate, and guarded from five before it
    required = with_policy(inputs, approval="required", on_silence=policy)
    gate = configuration_of(required.configuration).cut_offs_of(DAY).gate
    pipeline = published(required, gate - timedelta(minutes=planned))
    late = pipeline.plan(SINTEF, DAY)
    pipeline.solve(late.plan)
    pipeline.deliver()

    # When nobody decides, then the policy acts at its own approval cut-off, or two minutes before
    for minutes in range(min(5, planned), 0, -1):
        guard(pipeline, late.plan, minutes)
        approval = read_run(pipeline.documents, late.plan.run).areas[NO2].approval
        assert (approval is None) is (minutes > silent_at), minutes
    sent = policy == "submit"
    assert approval.state is (ApprovalState.APPROVED if sent else ApprovalState.EXPIRED)
    assert standing(pipeline) == ([NO2] if sent else [])


def test_silence__of_a_run_that_the_guard_plans__leaves_people_some_time(inputs: ClientInputs):
    required = with_policy(inputs, approval="required", on_silence="submit")
    cut_offs = configuration_of(required.configuration).cut_offs_of(DAY)
    pipeline = published(required, cut_offs.submission)
    pipeline.handle(GuardTick(client=SINTEF))
    (bid,) = Approver(pipeline).waiting()
    assert standing(pipeline) == []

    Approver(pipeline).approve()
    guard(pipeline, bid.plan, 2)

    assert standing(pipeline) == [NO2]
    approval = read_run(pipeline.documents, bid.plan.run).areas[NO2].approval
    assert approval.by == "anna"


def test_silence__at_a_late_runs_own_cut_off__counts_whatever_the_guard_does(inputs: ClientInputs):
    required = with_policy(inputs, approval="required", on_silence="submit")
    gate = configuration_of(required.configuration).cut_offs_of(DAY).gate
    pipeline = published(required, gate - timedelta(minutes=8))
    late = pipeline.plan(SINTEF, DAY)
    asset = late.plan.assets[0].asset
    pipeline.handle(AssetSettled(client=SINTEF, run=late.plan.run, asset=asset))
    pipeline.deliver()
    assert standing(pipeline) == []

    go_to(pipeline, late.cut_offs.approval)
    pipeline.handle(CutOffReached(client=SINTEF, run=late.plan.run, cut_off="approval"))

    assert standing(pipeline) == [NO2]
