"""Approval: nothing is sent that was not approved as it is, and silence does what the client chose."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from approver import Approver, with_policy, yesterday_stood
from examples import DAY, SINTEF, published, with_asset_fields, with_water_values
from scripted import AREA, fails, with_exchange

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.bid_edits import ComputedEdit, VolumeEdit
from hydrobid.domain.errors import (
    BidChanged,
    BidDecided,
    BidFaulty,
    ExchangeRefused,
    GateClosed,
    InvalidInput,
    NotAllowed,
)
from hydrobid.domain.holds import Act, HoldKind
from hydrobid.domain.messages import AssetBid, CutOffReached, GuardTick
from hydrobid.domain.states import ApprovalState, OrderState, RunState
from hydrobid.pipeline.diagnose_run import diagnose_run
from hydrobid.pipeline.hold_order import hold_orders, orders_of
from hydrobid.pipeline.open_bids import bid_named
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.read_run import read_run, run_alerts, run_events, trail_faults
from hydrobid.pipeline.summarise_run import run_summary
from hydrobid.schema import ClientInputs

APPROVED, REJECTED = ApprovalState.APPROVED, ApprovalState.REJECTED
CAP = VolumeEdit(kind="at_most", volume=Decimal(300))


def bidding(inputs: ClientInputs, **policy: object) -> InProcessPipeline:
    """Return the SINTEF example bid by its water values, so that nothing has to be solved."""
    return published(with_policy(_unsolved(inputs), **policy))


def _unsolved(inputs: ClientInputs, water_value: float | None = None) -> ClientInputs:
    changed = with_asset_fields(inputs, method={"name": "water_value"})
    return changed if water_value is None else with_water_values(changed, water_value)


def next_inputs(pipeline: InProcessPipeline, inputs: ClientInputs, factor: float, **policy: object):
    """Publish inputs with other water values a minute later, and run the day again."""
    pipeline.clock.advance(timedelta(minutes=1))
    other = with_policy(_unsolved(inputs, factor), **policy)
    publish_inputs(pipeline.documents, pipeline.clock, other.configuration, other.scenario_sets)
    return pipeline.run(SINTEF, DAY)


def standing(pipeline: InProcessPipeline) -> list[str]:
    return [order.matrix.digest() for order in pipeline.exchange.orders.values()]


def alerts(pipeline: InProcessPipeline, run) -> list[str]:
    return [a.code for a in run_alerts(pipeline.documents, run) if a.resolved is None]


def state(pipeline: InProcessPipeline, view) -> RunState:
    return read_run(pipeline.documents, view.plan.run).state


def pass_cut_off(pipeline: InProcessPipeline, view, name: str = "approval") -> None:
    at = getattr(view.plan.cut_offs, name)
    pipeline.clock.advance(at - pipeline.clock.now())
    pipeline.handle(CutOffReached(client=SINTEF, run=view.plan.run, cut_off=name))


def redeliver(pipeline: InProcessPipeline, view) -> None:
    asset = view.plan.assets[0].asset
    pipeline.handle(AssetBid(client=SINTEF, run=view.plan.run, asset=asset, version=1))


def test_required__nothing_is_sent_until_a_person_approves(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    exchange = with_exchange(pipeline)

    view = pipeline.run(SINTEF, DAY)

    assert (view.state, exchange.changes) == (RunState.AWAITING_APPROVAL, 0)
    assert alerts(pipeline, view.plan.run) == ["APPROVAL_AWAITED"]
    redeliver(pipeline, view)
    assert exchange.changes == 0

    Approver(pipeline).approve()
    assert standing(pipeline) == [view.areas[AREA].matrix]
    assert state(pipeline, view) is RunState.SUBMITTED
    assert alerts(pipeline, view.plan.run) == []


def test_required__the_trail_says_who_when_and_what(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    view = pipeline.run(SINTEF, DAY)

    Approver(pipeline, "anna").approve()

    record = read_run(pipeline.documents, view.plan.run).areas[AREA]
    assert (record.approval.by, record.approval.digest) == ("anna", record.matrix)
    assert record.approval.at == pipeline.clock.now()
    events = run_events(pipeline.documents, view.plan.run)
    told = next(event for event in events if event.type == "area-approved")
    assert (told.actor, told.data["by"], told.data["matrix"]) == ("desk", "anna", record.matrix)
    assert trail_faults(pipeline.documents, view.plan.run) == []


def test_four_eyes__two_different_people(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="four_eyes")
    view = pipeline.run(SINTEF, DAY)

    Approver(pipeline, "Anna").approve()
    Approver(pipeline, " anna").approve()
    assert standing(pipeline) == []
    assert state(pipeline, view) is RunState.AWAITING_APPROVAL

    Approver(pipeline, "bo").approve()
    assert len(standing(pipeline)) == 1
    record = read_run(pipeline.documents, view.plan.run).areas[AREA]
    assert record.approval.by == "Anna and bo"


def test_reject__nothing_is_sent_and_everybody_is_told(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    view = pipeline.run(SINTEF, DAY)

    Approver(pipeline).reject()

    assert standing(pipeline) == []
    assert state(pipeline, view) is RunState.WITHHELD
    assert alerts(pipeline, view.plan.run) == ["BID_UNAPPROVED"]
    pass_cut_off(pipeline, view)
    pass_cut_off(pipeline, view, "submission")
    assert standing(pipeline) == []


def test_approve__the_same_again_changes_nothing_and_tells_again(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    pipeline.run(SINTEF, DAY)
    person = Approver(pipeline)
    (bid,) = person.waiting()
    first = person.decide(bid, APPROVED)
    pipeline.messages.waiting.clear()  # the message is lost with the process that sent it

    assert person.decide(bid, APPROVED) == first
    pipeline.deliver()
    assert len(standing(pipeline)) == 1


def test_approve__message_lost__the_guard_sends_it(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    view = pipeline.run(SINTEF, DAY)
    person = Approver(pipeline)
    person.decide(person.waiting()[0], APPROVED)
    pipeline.messages.waiting.clear()

    pipeline.clock.advance(view.plan.cut_offs.submission - pipeline.clock.now())
    pipeline.handle(GuardTick(client=SINTEF))

    assert len(standing(pipeline)) == 1


def test_approve__message_lost_while_a_newer_bid_waits__the_guard_sends_it(sintef_inputs):
    """The guard knows the newest run alone: what was approved of an older one is in the order."""
    pipeline = bidding(sintef_inputs, approval="required")
    first = pipeline.run(SINTEF, DAY)
    next_inputs(pipeline, sintef_inputs, 1.5, approval="required")
    person = Approver(pipeline)
    old = min(person.waiting(), key=lambda bid: bid.record.fence)
    person.decide(old, APPROVED)
    pipeline.messages.waiting.clear()

    pipeline.clock.advance(first.plan.cut_offs.submission - pipeline.clock.now())
    pipeline.handle(GuardTick(client=SINTEF))

    assert standing(pipeline) == [first.areas[AREA].matrix]


def test_approve__what_another_has_rejected(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    pipeline.run(SINTEF, DAY)
    (bid,) = Approver(pipeline).waiting()
    Approver(pipeline).reject()

    with pytest.raises(BidDecided, match="rejected by anna"):
        Approver(pipeline, "bo").decide(bid, APPROVED)
    assert standing(pipeline) == []


def test_approve__a_bid_that_has_changed_meanwhile(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    pipeline.run(SINTEF, DAY)
    (seen,) = Approver(pipeline).waiting()
    Approver(pipeline, "bo").override(seen, CAP)

    with pytest.raises(BidChanged):
        Approver(pipeline).decide(seen, APPROVED)
    assert standing(pipeline) == []


def test_newer_revision__leaves_the_approved_one_until_it_is_approved(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    first = pipeline.run(SINTEF, DAY)
    Approver(pipeline).approve()

    second = next_inputs(pipeline, sintef_inputs, 1.5, approval="required")

    old, new = (view.areas[AREA].matrix for view in (first, second))
    assert old != new
    assert standing(pipeline) == [old]
    assert second.state is RunState.AWAITING_APPROVAL
    pass_cut_off(pipeline, second)  # nobody answers: the policy withholds the newer one
    assert standing(pipeline) == [old]
    Approver(pipeline).approve()  # late, and in time for the gate
    assert standing(pipeline) == [new]
    assert state(pipeline, first) is RunState.SUPERSEDED
    assert alerts(pipeline, second.plan.run) == []


def test_newer_revision_approved__an_older_one_is_not_approved_any_more(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    first = pipeline.run(SINTEF, DAY)
    (old,) = Approver(pipeline).waiting()
    second = next_inputs(pipeline, sintef_inputs, 1.5, approval="required")
    newest = max(Approver(pipeline).waiting(), key=lambda bid: bid.record.fence)

    Approver(pipeline).decide(newest, APPROVED)
    pipeline.deliver()

    with pytest.raises(BidChanged, match="newer"):
        Approver(pipeline).decide(old, APPROVED)
    assert standing(pipeline) == [second.areas[AREA].matrix]
    assert alerts(pipeline, first.plan.run) == []
    assert Approver(pipeline).waiting() == []


@pytest.mark.parametrize("approval", ["required", "four_eyes"])
def test_silence__withhold(sintef_inputs, approval):
    pipeline = bidding(sintef_inputs, approval=approval)
    view = pipeline.run(SINTEF, DAY)
    Approver(pipeline, silent=True).approve()

    pass_cut_off(pipeline, view)

    assert standing(pipeline) == []
    assert state(pipeline, view) is RunState.WITHHELD
    assert alerts(pipeline, view.plan.run) == ["BID_UNAPPROVED"]
    pass_cut_off(pipeline, view, "submission")
    assert standing(pipeline) == []


def test_silence__withhold__one_of_two_had_approved(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="four_eyes")
    view = pipeline.run(SINTEF, DAY)
    Approver(pipeline, "anna").approve()

    pass_cut_off(pipeline, view)
    assert standing(pipeline) == []

    Approver(pipeline, "bo").approve()
    assert len(standing(pipeline)) == 1


def test_silence__withhold__two_come_late(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="four_eyes")
    view = pipeline.run(SINTEF, DAY)
    pass_cut_off(pipeline, view)

    Approver(pipeline, "anna").approve()
    assert standing(pipeline) == []
    assert alerts(pipeline, view.plan.run) == ["BID_UNAPPROVED"]
    Approver(pipeline, "bo").approve()

    assert len(standing(pipeline)) == 1
    events = run_events(pipeline.documents, view.plan.run)
    told = [event.type for event in events if event.type.startswith("area-")]
    assert told == ["area-validated", "area-expired", "area-signed", "area-approved"]


def test_silence__submit(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required", on_silence="submit")
    view = pipeline.run(SINTEF, DAY)
    assert standing(pipeline) == []

    pass_cut_off(pipeline, view)

    assert standing(pipeline) == [view.areas[AREA].matrix]
    assert alerts(pipeline, view.plan.run) == ["SENT_ON_SILENCE"]
    record = read_run(pipeline.documents, view.plan.run).areas[AREA]
    assert record.approval.by == "policy:submit"


def test_silence__submit_yesterday(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required", on_silence="submit_yesterday")
    yesterday_stood(pipeline)
    yesterdays = next(iter(pipeline.exchange.orders.values())).matrix.curves
    view = next_inputs(
        pipeline, sintef_inputs, 1.5, approval="required", on_silence="submit_yesterday"
    )

    pass_cut_off(pipeline, view)

    today = [o for (a, _, _), o in pipeline.exchange.orders.items() if DAY.isoformat() in a]
    assert [order.matrix.curves for order in today] == [yesterdays]
    assert alerts(pipeline, view.plan.run) == ["SENT_ON_SILENCE"]
    Approver(pipeline).approve()  # late: the day's own bid takes its place
    today = [o for (a, _, _), o in pipeline.exchange.orders.items() if DAY.isoformat() in a]
    assert [order.matrix.digest() for order in today] == [view.areas[AREA].matrix]
    assert alerts(pipeline, view.plan.run) == []


def test_silence__submit_yesterday__where_there_is_none(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required", on_silence="submit_yesterday")
    view = pipeline.run(SINTEF, DAY)

    pass_cut_off(pipeline, view)

    assert standing(pipeline) == []
    assert alerts(pipeline, view.plan.run) == ["BID_UNAPPROVED"]


def test_silence__twice_and_by_the_guard__acts_once(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    view = pipeline.run(SINTEF, DAY)
    pass_cut_off(pipeline, view)
    version = read_run(pipeline.documents, view.plan.run).areas[AREA].version

    pass_cut_off(pipeline, view, "submission")
    pipeline.handle(GuardTick(client=SINTEF))

    assert read_run(pipeline.documents, view.plan.run).areas[AREA].version == version


def test_silence__of_an_older_revision_is_no_news_once_the_newer_was_acted_on(sintef_inputs):
    policy = {"approval": "required", "on_silence": "submit"}
    pipeline = bidding(sintef_inputs, **policy)
    first = pipeline.run(SINTEF, DAY)
    second = next_inputs(pipeline, sintef_inputs, 1.5, **policy)

    pass_cut_off(pipeline, second)

    assert standing(pipeline) == [second.areas[AREA].matrix]
    assert alerts(pipeline, second.plan.run) == ["SENT_ON_SILENCE"]
    assert alerts(pipeline, first.plan.run) == []


def test_silence__sends_what_came_after_a_rejection__which_is_then_no_news_either(sintef_inputs):
    policy = {"approval": "required", "on_silence": "submit"}
    pipeline = bidding(sintef_inputs, **policy)
    first = pipeline.run(SINTEF, DAY)
    Approver(pipeline).reject()
    assert alerts(pipeline, first.plan.run) == ["BID_UNAPPROVED"]
    second = next_inputs(pipeline, sintef_inputs, 1.5, **policy)

    pass_cut_off(pipeline, second)

    assert standing(pipeline) == [second.areas[AREA].matrix]
    assert alerts(pipeline, first.plan.run) == []


def test_approve__delayed_beyond_the_gate(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    view = pipeline.run(SINTEF, DAY)
    late = Approver(pipeline, delay=view.plan.cut_offs.gate - pipeline.clock.now())

    with pytest.raises(GateClosed):
        late.approve()

    pipeline.handle(GuardTick(client=SINTEF))
    assert standing(pipeline) == []
    assert state(pipeline, view) is RunState.WITHHELD
    assert alerts(pipeline, view.plan.run) == ["BID_UNAPPROVED"]


def test_approve__just_before_the_gate_and_told_after__is_told_as_missed(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    view = pipeline.run(SINTEF, DAY)
    person = Approver(pipeline)
    (bid,) = person.waiting()
    gate = view.plan.cut_offs.gate
    pipeline.clock.advance(gate - timedelta(seconds=1) - pipeline.clock.now())
    person.decide(bid, APPROVED)
    pipeline.clock.advance(timedelta(seconds=2))

    pipeline.deliver()

    assert standing(pipeline) == []
    assert alerts(pipeline, view.plan.run) == ["GATE_MISSED"]


def test_approve__a_bid_that_the_exchange_refuses__its_words_are_told(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    with_exchange(pipeline, fails(ExchangeRefused("volume above the portfolio's limit")))
    view = pipeline.run(SINTEF, DAY)

    Approver(pipeline).approve()

    (alert,) = [a for a in run_alerts(pipeline.documents, view.plan.run) if a.resolved is None]
    assert (alert.code, "portfolio's limit" in alert.message) == ("ORDER_REFUSED", True)


def test_override__a_new_bid_that_another_person_approves(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    view = pipeline.run(SINTEF, DAY)
    anna, bo = Approver(pipeline, "anna"), Approver(pipeline, "bo")

    changed = anna.override(anna.waiting()[0], CAP)

    assert (changed.bid_version, changed.approval) == (2, None)
    with pytest.raises(NotAllowed, match="another person"):
        anna.approve()
    assert standing(pipeline) == []
    bo.approve()
    (order,) = pipeline.exchange.orders.values()
    assert max(order.matrix.volume(curve.lots[-1]) for curve in order.matrix.curves) == 300.0
    events = run_events(pipeline.documents, view.plan.run)
    told = next(event for event in events if event.type == "area-overridden")
    assert (told.data["by"], told.data["reason"]) == ("anna", "unit 2 is out")
    assert told.data["replaced"] == view.areas[AREA].matrix
    assert trail_faults(pipeline.documents, view.plan.run) == []


def test_override__of_what_stands__it_stays_until_the_change_is_approved(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    view = pipeline.run(SINTEF, DAY)
    seen = Approver(pipeline).waiting()[0]
    Approver(pipeline).approve()

    Approver(pipeline).override(seen, CAP)
    pipeline.deliver()

    assert standing(pipeline) == [view.areas[AREA].matrix]
    Approver(pipeline, "bo").approve()
    assert standing(pipeline) == [read_run(pipeline.documents, view.plan.run).areas[AREA].matrix]
    assert len(standing(pipeline)) == 1


def test_override__that_fails_its_checks__nothing_is_written(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    view = pipeline.run(SINTEF, DAY)
    person = Approver(pipeline)
    everything = VolumeEdit(kind="volume", volume=Decimal(5000))

    with pytest.raises(BidFaulty, match="within what the assets can do") as refused:
        person.override(person.waiting()[0], everything)

    assert {finding["code"] for finding in refused.value.details["findings"]} >= {"CAPACITY"}
    assert read_run(pipeline.documents, view.plan.run).areas == view.areas


def test_override__automatic__approved_by_the_rule_and_kept_from_later_rules(sintef_inputs):
    pipeline = bidding(sintef_inputs)
    view = pipeline.run(SINTEF, DAY)
    seen = bid_named(pipeline.documents, pipeline.clock, view.areas[AREA].matrix[:12])
    changed = Approver(pipeline).override(seen, CAP)
    pipeline.deliver()
    assert standing(pipeline) == [changed.matrix]

    second = next_inputs(pipeline, sintef_inputs, 1.5)

    assert standing(pipeline) == [changed.matrix]
    assert second.state is RunState.AWAITING_APPROVAL
    Approver(pipeline).approve()
    assert standing(pipeline) == [second.areas[AREA].matrix]


def test_override__again__changes_nothing(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    pipeline.run(SINTEF, DAY)
    person = Approver(pipeline)
    (bid,) = person.waiting()

    assert person.override(bid, CAP) == person.override(bid, CAP)


def test_override__late_outcomes_do_not_take_its_place(sintef_inputs):
    """A fallback is changed by hand; then the scenarios come after all."""
    pipeline = published(with_policy(sintef_inputs, approval="required"))
    plan = pipeline.plan(SINTEF, DAY).plan
    pipeline.clock.advance(plan.cut_offs.submission - pipeline.clock.now() - timedelta(minutes=1))
    pipeline.handle(CutOffReached(client=SINTEF, run=plan.run, cut_off="approval"))
    (bid,) = Approver(pipeline).waiting()
    changed = Approver(pipeline).override(bid, CAP)

    pipeline.solve(plan)
    pipeline.deliver()

    record = read_run(pipeline.documents, plan.run).areas[AREA]
    assert (record.matrix, record.bid_version) == (changed.matrix, changed.bid_version)


def test_approved__withdrawn_before__is_held(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="required")
    view = pipeline.run(SINTEF, DAY)
    ports = (pipeline.documents, pipeline.clock)
    act = Act(by="bo", reason="wait")
    hold_orders(*ports, pipeline.messages, orders_of(*ports, DAY), HoldKind.WITHDRAWN, act)

    Approver(pipeline).approve()

    assert standing(pipeline) == []
    assert alerts(pipeline, view.plan.run) == ["BID_WITHHELD"]


def test_before_sending__an_approved_bid_that_the_market_takes_no_more(sintef_inputs):
    """The rules have changed since it was approved: it is not sent, and everybody is told."""
    pipeline = bidding(sintef_inputs, approval="required")
    pipeline.run(SINTEF, DAY)
    person = Approver(pipeline)
    person.decide(person.waiting()[0], APPROVED)
    pipeline.messages.waiting.clear()
    document = with_policy(_unsolved(sintef_inputs), approval="required").configuration
    market = {**document["configuration"]["market"], "price_max": "5000"}
    changed = {**document, "configuration": {**document["configuration"], "market": market}}
    pipeline.clock.advance(timedelta(minutes=1))
    publish_inputs(pipeline.documents, pipeline.clock, changed, sintef_inputs.scenario_sets)
    exchange = with_exchange(pipeline)

    view = pipeline.run(SINTEF, DAY)
    pass_cut_off(pipeline, view)

    assert exchange.changes == 0
    (order,) = read_run(pipeline.documents, view.plan.run).orders.values()
    assert order.state is OrderState.REFUSED
    first = view.plan.run.revisions[0]
    told = {a.code: a.message for a in run_alerts(pipeline.documents, first) if a.resolved is None}
    assert "our own checks refused" in told["ORDER_REFUSED"]


@pytest.mark.parametrize("name", ["", "abc", "zzzzzzzz"])
def test_bid_named__what_names_no_bid(sintef_inputs, name):
    pipeline = bidding(sintef_inputs, approval="required")
    pipeline.run(SINTEF, DAY)

    with pytest.raises(InvalidInput, match="the digest of an open bid"):
        bid_named(pipeline.documents, pipeline.clock, name)


def test_diagnosis_and_summary__tell_who_changed_and_approved(sintef_inputs):
    pipeline = bidding(sintef_inputs, approval="four_eyes")
    view = pipeline.run(SINTEF, DAY)
    Approver(pipeline, "anna").override(Approver(pipeline).waiting()[0], CAP)
    pipeline.clock.advance(timedelta(minutes=3))
    Approver(pipeline, "bo").approve()
    waits = diagnose_run(pipeline.documents, pipeline.clock, view.plan.run).waits_for
    Approver(pipeline, "cai").approve()

    told = diagnose_run(pipeline.documents, pipeline.clock, view.plan.run)
    summary = run_summary(pipeline.documents, read_run(pipeline.documents, view.plan.run))

    assert waits == ("NO2: bid 2 waits for approval, approved by bo",)
    stages = {span.stage: span.seconds for span in told.stages}
    assert stages["approve"] == 180
    words = [step.what for step in told.critical_path if step.stage == "approve"]
    assert words == ["approved by bo and cai, and wanted at the exchange"]
    area = summary["areas"][AREA]
    assert (area["override"]["by"], area["approval"]["by"]) == ("anna", "bo and cai")


def test_override__all_back_as_it_was_computed(sintef_inputs):
    """After two changes, and one of them rejected."""
    pipeline = bidding(sintef_inputs, approval="required")
    computed = pipeline.run(SINTEF, DAY).areas[AREA].matrix
    anna, bo = Approver(pipeline, "anna"), Approver(pipeline, "bo")
    first = anna.override(anna.waiting()[0], CAP)
    anna.override(anna.waiting()[0], CAP.model_copy(update={"volume": Decimal(200)}))
    bid = anna.waiting()[0]
    bo.reject()

    back = anna.override(bid, ComputedEdit())

    assert computed not in (first.matrix, bid.record.matrix)
    assert (back.matrix, back.approval) == (computed, None)
    bo.approve()
    assert standing(pipeline) == [computed]
