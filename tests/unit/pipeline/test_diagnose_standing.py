"""What is said of a bid that is not what stands: changed, rejected, refused, or the same again."""

from datetime import timedelta

import pytest
from approver import Approver, with_policy
from diagnosed_runs import SECOND, diagnosis_of, printed, run_twice_alike
from examples import DAY, SINTEF, published
from scripted import acts, fails, next_prices, with_exchange

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.cli.diagnosis_view import diagnosis_view
from hydrobid.cli.render import result_view, submitted_table
from hydrobid.cli.report.facts import gather
from hydrobid.cli.report.page import report_page
from hydrobid.cli.report.tables import area_rows
from hydrobid.domain.bid_edits import VolumeEdit
from hydrobid.domain.errors import ExchangeRefused, OutcomeUnknown, ServiceUnavailable
from hydrobid.domain.holds import Act, HoldKind
from hydrobid.domain.identifiers import RunId
from hydrobid.domain.messages import GuardTick
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.states import RunState
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.diagnosis.effect import Standing
from hydrobid.pipeline.diagnosis.expectation import Expectation, expectation
from hydrobid.pipeline.hold_order import hold_orders, orders_of, release_orders
from hydrobid.pipeline.read_run import read_run, run_events
from hydrobid.pipeline.summarise_run import run_summary
from hydrobid.schema import ClientInputs

AT_MOST = VolumeEdit(kind="at_most", volume="100")
REFUSED = ExchangeRefused("volume limit exceeded", status=400)
FIRST = RunId.parse(f"nordic~{DAY}~r1")


def sold_by_what_stands(pipeline: InProcessPipeline) -> Expectation:
    """Return what the order at the exchange sells at the newest scenarios."""
    (order,) = pipeline.exchange.orders.values()
    plan = pipeline.plan(SINTEF, DAY).plan
    stored = get_blob(pipeline.documents, plan.inputs.scenario_sets["day-ahead"])
    scenarios = ScenarioSet.from_document(stored)
    return expectation(order.matrix, scenarios.prices["NO2"], scenarios.probabilities)


@pytest.fixture
def by_people(sintef_inputs: ClientInputs) -> InProcessPipeline:
    """A client whose bids wait for a person."""
    return published(with_policy(sintef_inputs, approval="required"))


def change(pipeline: InProcessPipeline, after: timedelta = SECOND) -> None:
    """Have anna change the newest bid."""
    anna = Approver(pipeline, "anna")
    bid = anna.waiting()[0]
    pipeline.clock.advance(after)
    anna.override(bid, AT_MOST)
    pipeline.deliver()


def test_diagnose__a_changed_bid_is_told_as_it_stands(by_people: InProcessPipeline):
    by_people.run(SINTEF, DAY)
    change(by_people, 7 * SECOND)
    assert diagnosis_of(by_people, FIRST).critical_path[-1].stage == "change"
    Approver(by_people, "bo", delay=2 * SECOND).approve()

    found = diagnosis_of(by_people, FIRST)

    (area,) = found.areas
    assert (area.stands, area.bid_version) == (Standing.THIS_BID, 2)
    assert area.offered == sold_by_what_stands(by_people)
    assert area.computed == area.assets[0].offered
    assert area.computed.energy > 2 * area.offered.energy
    assert (area.override.by, area.approval.by) == ("anna", "bo")
    assert [(step.stage, step.seconds, step.what) for step in found.critical_path[-4:]] == [
        ("merge", 0, "bid 1 validated"),
        ("change", 7, "bid 2: changed by anna: unit 2 is out"),
        ("approve", 2, "approved by bo, and wanted at the exchange"),
        ("submit", 0, "stood as order order-1"),
    ]
    spans = {span.stage: span.seconds for span in found.stages}
    assert (spans["change"], spans["approve"]) == (7, 2)
    shown = printed(diagnosis_view(found))
    assert f"approved by bo; this bid stands at the exchange; expected to sell {1658.4:,}" in shown
    assert "bid 2 was changed by anna: unit 2 is out" in shown


def test_diagnose__a_change_that_waits_is_not_what_stands(by_people: InProcessPipeline):
    by_people.run(SINTEF, DAY)
    anna = Approver(by_people, "anna")
    (bid,) = anna.waiting()
    anna.approve()
    anna.override(bid, AT_MOST)
    by_people.deliver()

    found = diagnosis_of(by_people, FIRST)

    (area,) = found.areas
    assert area.standing == sold_by_what_stands(by_people) == area.computed
    assert area.standing.energy > 2 * area.offered.energy
    assert found.stood is None
    shown = printed(diagnosis_view(found))
    assert "waits for approval; another bid stands at the exchange; would sell 1,658.4 MWh" in shown
    assert "expected to sell" not in shown
    (row,) = area_rows(gather(by_people.documents, FIRST))
    assert row.order_id is row.exchange is None
    assert row.remarks[-1] == "another bid stands at the exchange: order-1"


def test_diagnose__a_rejected_change_leaves_the_bid_before_it(by_people: InProcessPipeline):
    by_people.run(SINTEF, DAY)
    anna = Approver(by_people, "anna")
    (bid,) = anna.waiting()
    anna.approve()
    stood = by_people.clock.now()
    by_people.clock.advance(SECOND)
    anna.override(bid, AT_MOST)
    Approver(by_people, "bo").reject()

    found = diagnosis_of(by_people, FIRST)

    assert (found.state, found.stood) == (RunState.SUBMITTED, stood)
    assert found.areas[0].stands is Standing.ANOTHER_BID
    assert "rejected by bo: too much at night; another bid stands" in printed(diagnosis_view(found))


def test_diagnose__what_was_refused_is_not_told_as_placed(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    """A newer revision's bid is refused, and the older one, which never stood, is placed instead."""
    with_exchange(sintef, fails(ServiceUnavailable("down")), fails(REFUSED))
    with pytest.raises(ServiceUnavailable):
        sintef.run(SINTEF, DAY)
    sintef.messages.waiting.clear()
    next_prices(sintef, sintef_inputs, 1.5)
    second = sintef.run(SINTEF, DAY).plan.run

    older, newer = diagnosis_of(sintef, FIRST), diagnosis_of(sintef, second)

    assert (newer.state, newer.stood) == (RunState.FAILED, None)
    assert newer.areas[0].refused == REFUSED.message
    assert newer.areas[0].standing == sold_by_what_stands(sintef)
    assert newer.critical_path[-1].what == "refused by the exchange"
    shown = printed(diagnosis_view(newer))
    assert f"refused by the exchange: {REFUSED.message}; another bid stands" in shown
    assert "expected to sell" not in shown
    assert (older.state, older.stood) == (RunState.SUBMITTED, sintef.clock.now())
    assert older.critical_path[-1].what == "stood as order order-1, sent 2 times"


def test_diagnose__a_revision_with_the_same_bid_stands_from_when_it_is_wanted(
    cascade: InProcessPipeline, cascade_inputs: ClientInputs
):
    before = cascade.clock.now()
    first, second = run_twice_alike(cascade, cascade_inputs)

    older, newer = diagnosis_of(cascade, first), diagnosis_of(cascade, second)

    assert (older.stood, newer.stood) == (before, cascade.clock.now())
    assert older.critical_path[-1].what == "stood as order order-1"
    assert newer.critical_path[-1].what == "stood as order order-1, as it had before"
    assert "submit" in {span.stage for span in newer.stages}
    assert gather(cascade.documents, second).stood == newer.stood


def test_diagnose__an_amendment_that_came_to_nothing_moves_no_time(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    with_exchange(sintef, acts, fails(OutcomeUnknown("broken")), fails(REFUSED))
    sintef.run(SINTEF, DAY)
    stood = sintef.clock.now()
    next_prices(sintef, sintef_inputs, 1.5)
    sintef.run(SINTEF, DAY)

    found = diagnosis_of(sintef, FIRST)

    looks = [e.type for e in run_events(sintef.documents, RunId.parse(f"nordic~{DAY}~r2"))]
    assert "order-standing" in looks  # the older bid, found again after the first amendment
    assert (found.state, found.stood) == (RunState.SUBMITTED, stood)
    assert found.critical_path[-1].what == "stood as order order-1"


def test_diagnose__what_was_withdrawn_and_let_go_stands_from_then_on(sintef: InProcessPipeline):
    sintef.run(SINTEF, DAY)
    ports, act = (sintef.documents, sintef.clock, sintef.messages), Act(by="anna", reason="unit 2")
    orders = orders_of(sintef.documents, sintef.clock, DAY)
    sintef.clock.advance(SECOND)
    hold_orders(*ports, orders, HoldKind.WITHDRAWN, act)
    sintef.deliver()
    withdrawn = diagnosis_of(sintef, FIRST)
    sintef.clock.advance(SECOND)
    release_orders(*ports, orders, act)
    sintef.deliver()
    released = diagnosis_of(sintef, FIRST)

    assert (withdrawn.state, withdrawn.stood) == (RunState.WITHHELD, None)
    assert "; nothing stands at the exchange; would sell" in printed(diagnosis_view(withdrawn))
    assert (released.state, released.stood) == (RunState.SUBMITTED, sintef.clock.now())
    assert released.critical_path[-1].what == "stood as order order-2, sent 2 times"


def test_diagnose__an_order_seen_after_the_gate_has_no_time_to_spare(sintef: InProcessPipeline):
    def acts_unseen(act):
        act()
        sintef.exchange.standing_orders = unanswered
        raise OutcomeUnknown("no answer")

    def unanswered(*_):
        raise ServiceUnavailable("the function was killed here")

    exchange = with_exchange(sintef, acts_unseen)
    answered = exchange.standing_orders
    plan = sintef.plan(SINTEF, DAY).plan
    sintef.solve(plan)
    sintef.clock.advance(plan.cut_offs.gate - sintef.clock.now() - 10 * SECOND)
    with pytest.raises(ServiceUnavailable):
        sintef.deliver()
    exchange.standing_orders = answered
    sintef.clock.advance(40 * SECOND)
    sintef.handle(GuardTick(client=SINTEF))

    found = diagnosis_of(sintef, plan.run)

    assert found.spare_seconds == -30
    seen = "all orders were seen to stand at 2026-11-24T11:00:30Z, 30.0 s after the gate"
    assert seen in printed(diagnosis_view(found))
    page = report_page(gather(sintef.documents, plan.run))
    assert "after gate closure the last order was first seen to stand" in page


def test_diagnose__an_approved_bid_that_nobody_wants_yet_is_waited_for(
    sintef: InProcessPipeline, monkeypatch: pytest.MonkeyPatch
):
    def killed(*_):
        raise KeyboardInterrupt

    plan = sintef.plan(SINTEF, DAY).plan
    sintef.solve(plan)
    monkeypatch.setattr("hydrobid.pipeline.submission.want", killed)
    with pytest.raises(KeyboardInterrupt):
        sintef.deliver()

    (line,) = diagnosis_of(sintef, plan.run).waits_for

    assert "NO2: bid 1 is approved, and not wanted yet" in line
    assert "the guard acts from the submission cut-off on" in line


def test_show__volumes_are_of_what_stands(by_people: InProcessPipeline):
    by_people.run(SINTEF, DAY)
    nothing = run_summary(by_people.documents, read_run(by_people.documents, FIRST))
    anna = Approver(by_people, "anna")
    (bid,) = anna.waiting()
    anna.approve()
    stands = run_summary(by_people.documents, read_run(by_people.documents, FIRST))
    anna.override(bid, AT_MOST)
    other = run_summary(by_people.documents, read_run(by_people.documents, FIRST))

    range_of = {"volume_min": 0, "volume_max": 100, "standing_volume_min": 0}
    assert other["areas"]["NO2"].items() >= {**range_of, "standing_volume_max": 585}.items()
    assert nothing["areas"]["NO2"]["standing_volume_max"] is None
    for shown in (printed(result_view(other)), printed(submitted_table([other]))):
        (row,) = (line for line in shown.splitlines() if "order-1" in line)
        assert row.rstrip().endswith("0.0 to 585.0")
    assert "0.0 to" not in printed(submitted_table([nothing]))
    said = "NO2: this run's bid, 0.0 to {} MW, does not stand at the exchange; {}"
    assert said.format(585.0, "nothing does") in printed(result_view(nothing))
    assert said.format(100.0, "another does") in printed(result_view(other))
    assert "does not stand" not in printed(result_view(stands))


def test_show__what_is_none_of_ours_has_no_known_volumes(sintef: InProcessPipeline):
    view = sintef.run(SINTEF, DAY)
    summary = run_summary(sintef.documents, view)
    area = summary["areas"]["NO2"]
    summary["areas"]["NO2"] = area | {
        "standing_matrix": "",
        "standing_volume_min": None,
        "standing_volume_max": None,
    }

    assert "unknown" in printed(submitted_table([summary]))
    assert "another does" in printed(result_view(summary))
