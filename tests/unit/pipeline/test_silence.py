"""Silence never sends or replaces what people have changed, and what is told of it is what stands."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from approver import Approver, with_policy, yesterday_stood
from examples import DAY, SINTEF, published, with_asset_fields, with_water_values
from scripted import AREA, fails, with_exchange

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.bid_edits import VolumeEdit
from hydrobid.domain.errors import ExchangeRefused
from hydrobid.domain.messages import AssetSettled, CutOffReached, GuardTick
from hydrobid.domain.records import AreaRecord
from hydrobid.domain.states import ApprovalState, RunState
from hydrobid.pipeline import paths
from hydrobid.pipeline.open_bids import open_bids
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.read_run import RunView, read_run
from hydrobid.schema import ClientInputs

CAP = VolumeEdit(kind="at_most", volume=Decimal(300))
SUBMIT = {"approval": "required", "on_silence": "submit"}
YESTERDAY = {"approval": "required", "on_silence": "submit_yesterday"}
EXPIRED = ApprovalState.EXPIRED


@pytest.fixture
def unsolved(sintef_inputs: ClientInputs) -> ClientInputs:
    """The SINTEF example bid by its water values, so that nothing has to be solved."""
    return with_asset_fields(sintef_inputs, method={"name": "water_value"})


def run_again(pipeline: InProcessPipeline, inputs: ClientInputs, factor: float) -> RunView:
    """Publish other water values a minute later, and run the day with them."""
    pipeline.clock.advance(timedelta(minutes=1))
    other = with_water_values(inputs, factor)
    publish_inputs(pipeline.documents, pipeline.clock, other.configuration, other.scenario_sets)
    return pipeline.run(SINTEF, DAY)


def with_yesterday(inputs: ClientInputs) -> InProcessPipeline:
    """Return a pipeline where a bid was approved, and stood at its gate, for the day before."""
    pipeline = published(inputs)
    yesterday_stood(pipeline)
    return pipeline


def on_fallback(pipeline: InProcessPipeline, inputs: ClientInputs) -> RunView:
    """Publish inputs a minute later, and settle the day's asset with nothing solved."""
    pipeline.clock.advance(timedelta(minutes=1))
    publish_inputs(pipeline.documents, pipeline.clock, inputs.configuration, inputs.scenario_sets)
    plan = pipeline.plan(SINTEF, DAY).plan
    pipeline.clock.advance(plan.cut_offs.solve - pipeline.clock.now())
    asset = plan.assets[0].asset
    pipeline.handle(AssetSettled(client=SINTEF, run=plan.run, asset=asset, cause="cut-off"))
    pipeline.deliver()
    return read_run(pipeline.documents, plan.run)


def pass_cut_off(pipeline: InProcessPipeline, view: RunView) -> None:
    pipeline.clock.advance(view.plan.cut_offs.approval - pipeline.clock.now())
    pipeline.handle(CutOffReached(client=SINTEF, run=view.plan.run, cut_off="approval"))
    pipeline.deliver()


def guard(pipeline: InProcessPipeline, view: RunView, minutes: int = 3) -> None:
    """Have the guard come by so many minutes before the gate."""
    at = view.plan.cut_offs.gate - timedelta(minutes=minutes)
    pipeline.clock.advance(at - pipeline.clock.now())
    pipeline.handle(GuardTick(client=SINTEF))


def standing(pipeline: InProcessPipeline) -> list[str]:
    """Return the digests of what stands for the day."""
    orders = pipeline.exchange.orders.items()
    return [order.matrix.digest() for (name, _, _), order in orders if DAY.isoformat() in name]


def bid_of(pipeline: InProcessPipeline, view: RunView) -> AreaRecord:
    return read_run(pipeline.documents, view.plan.run).areas[AREA]


def alerts(pipeline: InProcessPipeline) -> dict[tuple[int, str], str]:
    """Return the messages of the day's open alerts by revision and code."""
    found = pipeline.documents.find(paths.ALERTS).values()
    return {
        (int(alert["run"].rpartition("~r")[2]), alert["code"]): alert["message"]
        for alert in found
        if alert["resolved"] is None and DAY.isoformat() in alert["run"]
    }


@pytest.mark.parametrize("approval", ["required", "four_eyes"])
def test_silence__a_change_that_nobody_else_approved__is_not_sent(unsolved, approval):
    pipeline = published(with_policy(unsolved, **{**SUBMIT, "approval": approval}))
    view = pipeline.run(SINTEF, DAY)
    changed = Approver(pipeline, "anna").override(Approver(pipeline).waiting()[0], CAP)

    pass_cut_off(pipeline, view)
    guard(pipeline, view)

    assert standing(pipeline) == []
    assert bid_of(pipeline, view).approval.state is EXPIRED
    told = alerts(pipeline)
    assert told.keys() == {(1, "BID_UNAPPROVED")}
    assert "what anna changed" in told[1, "BID_UNAPPROVED"]
    assert "nothing takes its place" in told[1, "BID_UNAPPROVED"]
    for name in ("bo", "cai"):  # late, and in time for the gate
        Approver(pipeline, name).approve()
    assert standing(pipeline) == [changed.matrix]
    assert alerts(pipeline) == {}


def test_silence__a_change_of_what_stands__leaves_it_standing(unsolved):
    pipeline = published(with_policy(unsolved, **SUBMIT))
    view = pipeline.run(SINTEF, DAY)
    seen = Approver(pipeline).waiting()[0]
    Approver(pipeline).approve()
    Approver(pipeline).override(seen, CAP)

    pass_cut_off(pipeline, view)

    assert standing(pipeline) == [view.areas[AREA].matrix]
    assert "the bid approved before stays" in alerts(pipeline)[1, "BID_UNAPPROVED"]


def test_silence__a_change_followed_by_scenarios__can_still_be_approved(sintef_inputs):
    """What is solved after a change does not take its place, nor is it sent there, when it expires."""
    inputs = with_policy(sintef_inputs, **SUBMIT)
    pipeline = published(inputs)
    view = on_fallback(pipeline, inputs)
    changed = Approver(pipeline, "anna").override(Approver(pipeline).waiting()[0], CAP)
    pipeline.solve(view.plan)
    pipeline.deliver()

    pass_cut_off(pipeline, view)
    guard(pipeline, view)

    assert standing(pipeline) == []
    assert alerts(pipeline).keys() == {(1, "BID_UNAPPROVED")}
    Approver(pipeline, "bo").approve()
    assert standing(pipeline) == [changed.matrix]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_silence__a_newer_change_that_nobody_approved__sends_no_older_bid_either(unsolved, order):
    """Whichever run's cut-off is told first."""
    pipeline = published(with_policy(unsolved, **SUBMIT))
    first = pipeline.run(SINTEF, DAY)
    second = run_again(pipeline, with_policy(unsolved, **SUBMIT), 1.5)
    newest = max(Approver(pipeline).waiting(), key=lambda bid: bid.record.fence)
    Approver(pipeline).override(newest, CAP)

    for told in order:
        pass_cut_off(pipeline, (first, second)[told])

    assert standing(pipeline) == []
    assert [bid_of(pipeline, view).approval.state for view in (first, second)] == [EXPIRED] * 2
    assert alerts(pipeline).keys() == {(2, "BID_UNAPPROVED")}


@pytest.mark.parametrize("approval", ["automatic", "required"])
def test_silence__what_would_replace_an_approved_change__is_not_sent(unsolved, approval):
    policy = {**SUBMIT, "approval": approval}
    pipeline = published(with_policy(unsolved, **policy))
    pipeline.run(SINTEF, DAY)
    (seen,) = open_bids(pipeline.documents, pipeline.clock)
    changed = Approver(pipeline, "anna").override(seen, CAP)
    Approver(pipeline, "bo").approve()
    assert standing(pipeline) == [changed.matrix]
    second = run_again(pipeline, with_policy(unsolved, **policy), 1.5)

    pass_cut_off(pipeline, second)
    guard(pipeline, second)

    assert standing(pipeline) == [changed.matrix]
    assert bid_of(pipeline, second).approval.state is EXPIRED
    told = alerts(pipeline)
    assert told.keys() == {(2, "BID_UNAPPROVED")}
    assert "the bid that a person changed stays" in told[2, "BID_UNAPPROVED"]
    Approver(pipeline, "cai").approve()  # a person may
    assert standing(pipeline) == [bid_of(pipeline, second).matrix]


def test_silence__a_better_version_after_yesterdays_was_sent__yesterdays_stays_and_is_told(
    sintef_inputs, unsolved
):
    # Given yesterday's bid, sent on silence, as an asset was on its fallback
    pipeline = with_yesterday(with_policy(unsolved, **YESTERDAY))
    view = on_fallback(pipeline, with_policy(sintef_inputs, **YESTERDAY))
    pass_cut_off(pipeline, view)
    sent = standing(pipeline)
    instead = bid_of(pipeline, view).approval.instead
    assert sent == [instead]

    # When its scenarios come after all, and nobody decides on that bid either
    pipeline.solve(view.plan)
    pipeline.deliver()
    assert bid_of(pipeline, view).pending
    guard(pipeline, view)

    # Then yesterday's stands, the record says so, and so does the one alert, past the gate
    guard(pipeline, view, minutes=-1)
    bid = bid_of(pipeline, view)
    assert (bid.bid_version, bid.approval.state, bid.approval.instead) == (2, EXPIRED, instead)
    assert standing(pipeline) == sent
    assert alerts(pipeline).keys() == {(1, "SENT_ON_SILENCE")}
    assert read_run(pipeline.documents, view.plan.run).state is RunState.SUBMITTED


@pytest.mark.parametrize("minutes", [3, -1])
def test_silence__a_change_after_yesterdays_was_sent__yesterdays_stays_and_is_told(
    unsolved, minutes
):
    """Also where nobody looked before the gate closed."""
    pipeline = with_yesterday(with_policy(unsolved, **YESTERDAY))
    view = run_again(pipeline, with_policy(unsolved, **YESTERDAY), 1.5)
    pass_cut_off(pipeline, view)
    sent = standing(pipeline)
    Approver(pipeline, "anna").override(Approver(pipeline).waiting()[0], CAP)

    guard(pipeline, view, minutes)

    assert bid_of(pipeline, view).approval.instead == sent[0]
    assert standing(pipeline) == sent
    assert alerts(pipeline).keys() == {(1, "SENT_ON_SILENCE")}
    if minutes > 0:
        Approver(pipeline, "bo").approve()
        assert standing(pipeline) == [bid_of(pipeline, view).matrix]
        assert alerts(pipeline) == {}


def test_silence__a_newer_run_after_yesterdays_was_sent__sends_nothing_new(unsolved):
    pipeline = with_yesterday(with_policy(unsolved, **YESTERDAY))
    exchange = with_exchange(pipeline)
    first = run_again(pipeline, with_policy(unsolved, **YESTERDAY), 1.5)
    pass_cut_off(pipeline, first)
    second = run_again(pipeline, with_policy(unsolved, **YESTERDAY), 1.4)

    guard(pipeline, second)

    assert bid_of(pipeline, second).approval.instead == bid_of(pipeline, first).approval.instead
    assert (len(standing(pipeline)), exchange.changes) == (1, 1)
    assert "BID_UNAPPROVED" not in {code for _, code in alerts(pipeline)}
    Approver(pipeline).approve()
    assert standing(pipeline) == [bid_of(pipeline, second).matrix]
    assert alerts(pipeline) == {}


def test_silence__a_newer_run_after_a_bid_of_today_was_approved__sends_no_bid_of_yesterday(
    unsolved,
):
    policy = with_policy(unsolved, **YESTERDAY)
    pipeline = with_yesterday(policy)
    first = pipeline.run(SINTEF, DAY)
    Approver(pipeline).approve()
    second = run_again(pipeline, policy, 1.5)

    pass_cut_off(pipeline, second)
    guard(pipeline, second)

    expired = bid_of(pipeline, second).approval
    assert expired is not None
    assert (expired.state, expired.instead) == (EXPIRED, None)
    assert standing(pipeline) == [first.areas[AREA].matrix]
    assert "the bid approved before stays" in alerts(pipeline)[2, "BID_UNAPPROVED"]


def test_silence__a_newer_run_that_is_looked_at_after_the_gate__says_that_yesterdays_stays(
    unsolved,
):
    pipeline = with_yesterday(with_policy(unsolved, **YESTERDAY))
    first = run_again(pipeline, with_policy(unsolved, **YESTERDAY), 1.5)
    pass_cut_off(pipeline, first)
    second = run_again(pipeline, with_policy(unsolved, **YESTERDAY), 1.4)

    guard(pipeline, second, minutes=-1)

    assert standing(pipeline) == [bid_of(pipeline, first).approval.instead]
    told = alerts(pipeline)
    assert told.keys() == {(1, "SENT_ON_SILENCE"), (2, "BID_UNAPPROVED")}
    assert told[2, "BID_UNAPPROVED"].endswith("it was not sent: yesterday's stays")


def test_silence__yesterdays_that_the_exchange_refused__is_not_said_to_be_sent_again(unsolved):
    pipeline = with_yesterday(with_policy(unsolved, **YESTERDAY))
    with_exchange(pipeline, fails(ExchangeRefused("volume limit exceeded", status=400)))
    view = run_again(pipeline, with_policy(unsolved, **YESTERDAY), 1.5)
    pass_cut_off(pipeline, view)
    Approver(pipeline).override(Approver(pipeline).waiting()[0], CAP)

    guard(pipeline, view)

    assert standing(pipeline) == []
    assert bid_of(pipeline, view).approval.instead is None
    assert alerts(pipeline).keys() == {(1, "BID_UNAPPROVED"), (1, "ORDER_REFUSED")}


def test_unapproved__an_older_bid__is_resolved_once_a_newer_waits(unsolved):
    pipeline = published(with_policy(unsolved, approval="required"))
    pipeline.run(SINTEF, DAY)
    Approver(pipeline).reject()
    assert alerts(pipeline).keys() == {(1, "BID_UNAPPROVED")}

    second = run_again(pipeline, with_policy(unsolved, approval="required"), 1.5)

    assert alerts(pipeline).keys() == {(2, "APPROVAL_AWAITED")}
    pass_cut_off(pipeline, second)  # nobody is left without a word
    assert alerts(pipeline).keys() == {(2, "BID_UNAPPROVED")}


def test_unapproved__an_older_bid_rejected_while_a_newer_waits__leaves_no_alert(unsolved):
    pipeline = published(with_policy(unsolved, approval="required"))
    pipeline.run(SINTEF, DAY)
    (old,) = Approver(pipeline).waiting()
    run_again(pipeline, with_policy(unsolved, approval="required"), 1.5)

    Approver(pipeline).decide(old, ApprovalState.REJECTED)
    pipeline.deliver()

    assert alerts(pipeline).keys() == {(2, "APPROVAL_AWAITED")}
