"""What the exchange says of an auction is a finding before a bid is approved, and again before sending."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from approver import with_policy
from examples import DAY, SINTEF, published, with_asset_fields
from scripted import AREA, AlteredExchange, order_of

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.bid_edits import VolumeEdit
from hydrobid.domain.errors import BidFaulty, ExchangeDenied, ServiceUnavailable
from hydrobid.domain.holds import Act
from hydrobid.domain.messages import CutOffReached, GuardTick
from hydrobid.domain.records import Finding
from hydrobid.domain.states import AreaState, OrderState, RunState
from hydrobid.pipeline.override_bid import Change, override_bid
from hydrobid.pipeline.read_run import RunView, read_run, run_alerts, trail_faults
from hydrobid.schema import ClientInputs

OF_EXCHANGE = ("EXCHANGE_", "AUCTION_")


@pytest.fixture
def pipeline(sintef_inputs: ClientInputs) -> InProcessPipeline:
    """The SINTEF example bid by its water values, so that nothing has to be solved."""
    return published(with_asset_fields(sintef_inputs, method={"name": "water_value"}))


def altered(pipeline: InProcessPipeline, honest: int = 0, **says) -> AlteredExchange:
    pipeline.exchange = AlteredExchange(pipeline.clock, honest, **says)
    return pipeline.exchange


def found(view: RunView) -> list[Finding]:
    return [f for f in view.areas[AREA].findings if f.code.startswith(OF_EXCHANGE)]


def told(pipeline: InProcessPipeline, view: RunView) -> list[tuple[str, bool]]:
    alerts = run_alerts(pipeline.documents, view.plan.run)
    return [(alert.code, alert.resolved is None) for alert in alerts]


def look_again(pipeline: InProcessPipeline, view: RunView) -> RunView:
    pipeline.handle(CutOffReached(client=SINTEF, run=view.plan.run, cut_off="submission"))
    return read_run(pipeline.documents, view.plan.run)


def test_bid__that_the_exchange_takes__keeps_what_it_said_and_has_no_finding(pipeline):
    view = pipeline.run(SINTEF, DAY)

    assert found(view) == []
    said = view.areas[AREA].auction
    assert said is not None
    assert (said.auction, said.takes_orders, said.of_the_day) == (f"nordic-{DAY}", True, True)
    assert (said.closes, said.contracts) == (view.plan.cut_offs.gate, 96)


@pytest.mark.parametrize(
    ("says", "code", "value", "rule"),
    [
        ({"currency": "NOK"}, "EXCHANGE_CURRENCY", "NOK", "is in EUR"),
        ({"currency": None}, "EXCHANGE_PORTFOLIO", SINTEF, "shows portfolio"),
        ({"writable": False}, "EXCHANGE_PERMISSION", f"portfolio {SINTEF}", "may bid with"),
        ({"price_max": Decimal(5000)}, "EXCHANGE_PRICE_LIMITS", "4000", "from -500 to 5000"),
        ({"price_min": None, "price_max": None}, "EXCHANGE_PRICE_LIMITS", "", "from None to None"),
        ({"mtus": ()}, "EXCHANGE_MTUS", "96 MTUs", "the 0 contracts of the auction"),
        ({"most_sold": Decimal(1)}, "EXCHANGE_VOLUME_LIMIT", "MW sold", "at most 1 MW"),
    ],
)
def test_bid__against_which_the_exchange_has_something__is_refused_and_tried_again_until_the_gate(
    pipeline: InProcessPipeline, says, code: str, value: str, rule: str
):
    # Given an exchange that would not take the bid
    exchange = altered(pipeline, **says)

    # When it is made, and looked at again
    view = pipeline.run(SINTEF, DAY)
    again = look_again(pipeline, view)

    # Then nobody can approve it, it says why, and looking again made nothing new of it
    (finding,) = found(view)
    assert (finding.code, finding.severity, finding.where) == (code, "error", AREA)
    assert value in finding.value
    assert rule in finding.rule
    assert view.areas[AREA].state is AreaState.REFUSED
    assert again.areas == view.areas
    assert exchange.orders == {}
    assert told(pipeline, view) == [("AREA_WITHOUT_BID", True)]

    # And when the exchange has come to take it, it is approved and stands
    exchange.says = {}
    view = look_again(pipeline, view)
    assert order_of(view).state is OrderState.STANDING
    assert view.state is RunState.SUBMITTED
    assert told(pipeline, view) == [("AREA_WITHOUT_BID", False)]
    assert trail_faults(pipeline.documents, view.plan.run) == []


@pytest.mark.parametrize("changes", [{"open": False}, {"ahead": timedelta(days=1)}])
def test_bid__to_an_auction_that_takes_no_orders(pipeline: InProcessPipeline, changes):
    altered(pipeline).auctions = changes

    (finding,) = found(pipeline.run(SINTEF, DAY))

    assert (finding.code, finding.severity) == ("AUCTION_CLOSED", "error")
    assert f"nordic-{DAY}, which closes at 2026-11-24T11:00:00Z" in finding.value


def test_bid__to_an_auction_that_closes_at_another_time__is_told_to_the_approver(pipeline):
    gate = pipeline.plan(SINTEF, DAY).plan.cut_offs.gate
    altered(pipeline).auctions = {"closes": gate - timedelta(minutes=5)}

    view = pipeline.run(SINTEF, DAY)

    (finding,) = found(view)
    assert (finding.code, finding.severity) == ("AUCTION_GATE", "warning")
    assert (finding.value, order_of(view).state) == ("2026-11-24T10:55:00Z", OrderState.STANDING)


@pytest.mark.parametrize("error", [ServiceUnavailable("it is down"), ExchangeDenied("not you")])
def test_bid__of_which_the_exchange_says_nothing__waits_for_people_all_the_same(
    sintef_inputs: ClientInputs, error: Exception
):
    inputs = with_asset_fields(sintef_inputs, method={"name": "water_value"})
    pipeline = published(with_policy(inputs, approval="required"))
    altered(pipeline, error=error)

    view = pipeline.run(SINTEF, DAY)

    (finding,) = found(view)
    assert (finding.code, finding.severity) == ("EXCHANGE_UNKNOWN", "warning")
    assert finding.value == error.message
    assert (view.areas[AREA].pending, view.areas[AREA].auction) == (True, None)


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ({"currency": "NOK"}, "is in EUR, in which nordic is bid; it has NOK"),
        ({"writable": False}, f"the account may bid with portfolio {SINTEF} in {AREA}"),
    ],
)
def test_sending__the_account_does_not_fit_any_more__nothing_is_sent_until_it_does(
    pipeline: InProcessPipeline, says, words: str
):
    exchange = altered(pipeline, honest=1, **says)

    with pytest.raises(ExchangeDenied, match=words):
        pipeline.run(SINTEF, DAY)

    assert exchange.orders == {}
    exchange.says = {}
    view = look_again(pipeline, pipeline.run(SINTEF, DAY))
    assert order_of(view).state is OrderState.STANDING
    assert told(pipeline, view) == [("EXCHANGE_DENIED", False)]


def test_sending__a_limit_that_was_lowered_since__the_bid_is_refused_unsent(pipeline):
    exchange = altered(pipeline, honest=1, most_sold=Decimal(1))

    view = pipeline.run(SINTEF, DAY)

    assert exchange.orders == {}
    assert order_of(view).state is OrderState.REFUSED
    (alert,) = run_alerts(pipeline.documents, view.plan.run)
    assert (alert.code, "at most 1 MW" in alert.message) == ("ORDER_REFUSED", True)


def test_sending__the_gate_is_the_exchanges_by_its_own_clock(pipeline: InProcessPipeline):
    exchange = altered(pipeline, honest=1)
    plan = pipeline.plan(SINTEF, DAY).plan
    pipeline.solve(plan)
    pipeline.clock.advance(plan.cut_offs.gate - timedelta(minutes=4) - pipeline.clock.now())
    exchange.auctions = {"ahead": timedelta(minutes=5)}

    pipeline.deliver()

    assert exchange.orders == {}
    assert order_of(read_run(pipeline.documents, plan.run)).state is OrderState.CLOSED


def test_bid__that_comes_after_the_gate__asks_nobody(pipeline: InProcessPipeline):
    plan = pipeline.plan(SINTEF, DAY).plan
    pipeline.solve(plan)
    pipeline.clock.advance(plan.cut_offs.gate + timedelta(minutes=1) - pipeline.clock.now())
    altered(pipeline, writable=False)

    pipeline.deliver()
    pipeline.handle(GuardTick(client=SINTEF))

    view = read_run(pipeline.documents, plan.run)
    assert [f.value for f in found(view)] == ["not asked: the gate has closed"]
    assert told(pipeline, view) == [("GATE_MISSED", True)]


def test_override__is_held_against_what_the_exchange_said(sintef_inputs: ClientInputs):
    inputs = with_asset_fields(sintef_inputs, method={"name": "water_value"})
    pipeline = published(with_policy(inputs, approval="required"))
    altered(pipeline, most_sold=Decimal(100))
    view = pipeline.run(SINTEF, DAY)
    record = view.areas[AREA]
    assert record.state is AreaState.REFUSED

    def capped(volume: int):
        edit = VolumeEdit(kind="at_most", volume=Decimal(volume))
        act = Act(by="anna", reason="the portfolio's limit")
        change = Change(view.plan.run, record.price_area, record.matrix, edit, act)
        return override_bid(pipeline.documents, pipeline.clock, pipeline.messages, change)

    with pytest.raises(BidFaulty, match="at most 100 MW"):
        capped(120)
    assert (capped(90).state, capped(90).findings) == (AreaState.VALIDATED, ())
