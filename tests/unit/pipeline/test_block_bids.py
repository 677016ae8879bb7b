"""Bids with blocks: both orders stand as they were approved, or neither is added to, and each once."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from block_bids import BLOCKS, bid_the_day, block_pipeline, content, offer
from examples import DAY, SINTEF, with_asset_fields
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

from hydrobid.bidding.block_clearing import accepted_blocks, sold_in_blocks
from hydrobid.bidding.clearing import cleared
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.cli.report import write_run
from hydrobid.domain.bid_edits import ComputedEdit, VolumeEdit
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import BidFaulty, ExchangeRefused, OutcomeUnknown, ServiceUnavailable
from hydrobid.domain.holds import Act, HoldKind
from hydrobid.domain.identifiers import AssetId, PriceArea
from hydrobid.domain.market import BlockRules
from hydrobid.domain.messages import CutOffReached, ResultsDue
from hydrobid.domain.states import ApprovalState, OrderState, RunState
from hydrobid.pipeline.check_bid import market_findings
from hydrobid.pipeline.check_result import check_result
from hydrobid.pipeline.decide_approval import NamedBid, decide_approval
from hydrobid.pipeline.hold_order import hold_orders, orders_of, release_orders, turn_kill_switch
from hydrobid.pipeline.order_acts import next_step
from hydrobid.pipeline.order_records import LEASE
from hydrobid.pipeline.order_steps import Act as Deed
from hydrobid.pipeline.order_steps import Step
from hydrobid.pipeline.override_bid import Change, override_bid
from hydrobid.pipeline.ports import ExchangeBlocks, ExchangeOrder, ExchangeOrders
from hydrobid.pipeline.position import position_for
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.read_results import result_of
from hydrobid.pipeline.read_run import RunView, read_run, run_alerts, run_events, trail_faults
from hydrobid.pipeline.run_inputs import configuration_in
from hydrobid.pipeline.summarise_run import run_summary
from hydrobid.schema import ClientInputs

ACT = Act(by="desk", reason="why")
REFUSED = ExchangeRefused("too many blocks", status=400)


@pytest.fixture
def pipeline(sintef_inputs: ClientInputs) -> InProcessPipeline:
    return block_pipeline(sintef_inputs, 30.0, 0.0, 20.0)


def standing(pipeline: InProcessPipeline) -> ExchangeOrders:
    exchange = pipeline.exchange
    (slot,) = exchange.orders.keys() | exchange.blocks.keys()
    return ExchangeOrders(exchange.orders.get(slot), tuple(exchange.blocks.get(slot, ())))


def told(pipeline: InProcessPipeline, view: RunView) -> list[str]:
    alerts = run_alerts(pipeline.documents, view.plan.run)
    return [alert.code for alert in alerts if alert.resolved is None]


def test_run__with_blocks__has_curves_and_blocks_stand_as_one_bid(pipeline):
    exchange = with_exchange(pipeline)

    view = bid_the_day(pipeline)

    bid = content(pipeline, view.areas[AREA].matrix)
    stands = standing(pipeline)
    assert [block.name for block in bid.blocks] == ["shop-standard-1", "shop-standard-2"]
    assert stands.curves is not None
    assert stands.curves.matrix == bid.without_blocks
    assert [order.blocks for order in stands.blocks] == [bid.blocks]
    assert stands.blocks[0].comment == stands.curves.comment
    assert str(view.areas[AREA].matrix)[:16] in stands.curves.comment
    assert (view.state, order_of(view).as_wanted) == (RunState.SUBMITTED, True)
    redeliver(pipeline, view)
    assert exchange.changes == 2
    assert trail_faults(pipeline.documents, view.plan.run) == []


@pytest.mark.parametrize("script", [fails, acts_and_fails])
def test_blocks__of_unknown_outcome__stand_once_and_are_not_sent_again_at_once(pipeline, script):
    exchange = with_exchange(pipeline, acts, script(OutcomeUnknown("broken")))
    taken = script is acts_and_fails

    if taken:
        view = bid_the_day(pipeline)
    else:
        with pytest.raises(OutcomeUnknown, match="may still be on their way"):
            bid_the_day(pipeline)
        view = read_run(pipeline.documents, pipeline.plan(SINTEF, DAY).plan.run)
        assert (view.state, exchange.changes) == (RunState.SUBMITTING, 2)
        pipeline.clock.advance_real(LEASE + timedelta(seconds=1))
        view = redeliver(pipeline, view)

    assert (view.state, exchange.changes) == (RunState.SUBMITTED, 2 if taken else 3)
    assert len(standing(pipeline).blocks) == 1


def test_blocks__not_taken_by_an_exchange_that_was_down__are_sent_again_at_once(pipeline):
    exchange = with_exchange(pipeline, acts, fails(ServiceUnavailable("down")))

    with pytest.raises(ServiceUnavailable):
        bid_the_day(pipeline)
    run = pipeline.plan(SINTEF, DAY).plan.run
    view = redeliver(pipeline, read_run(pipeline.documents, run))

    assert (view.state, exchange.changes) == (RunState.SUBMITTED, 3)


def test_blocks__that_come_twice_as_after_a_late_request__one_order_is_cancelled(pipeline):
    view = bid_the_day(pipeline)
    bid = content(pipeline, view.areas[AREA].matrix)
    auction = pipeline.exchange.auction(market_of(pipeline, view), DAY)
    pipeline.exchange.place_blocks(auction, view.plan.portfolio, bid, "late")

    view = redeliver(pipeline, view)

    assert (view.state, len(standing(pipeline).blocks)) == (RunState.SUBMITTED, 1)
    assert standing(pipeline).matrix == bid


def market_of(pipeline, view: RunView):
    return configuration_in(pipeline.documents, view.plan).market


@pytest.mark.parametrize(
    ("later", "acts_of_blocks"),
    [
        ((25.0, 0.0, 25.0), ["amend-blocks"]),
        ((25.0,), ["cancel-blocks", "place-blocks"]),
        ((), ["cancel-blocks"]),
    ],
)
def test_newer_bid__takes_the_place_of_curves_and_blocks(
    pipeline, sintef_inputs, later, acts_of_blocks
):
    bid_the_day(pipeline)
    next_prices(pipeline, with_asset_fields(sintef_inputs, method=BLOCKS), 1.5)
    offer(pipeline, *later)

    view = bid_the_day(pipeline)

    bid = content(pipeline, view.areas[AREA].matrix)
    assert (view.state, standing(pipeline).matrix) == (RunState.SUBMITTED, bid)
    assert len(bid.blocks) == sum(volume > 0 for volume in later)
    done = [e.data["act"] for e in run_events(pipeline.documents, view.plan.run) if "act" in e.data]
    assert [act for act in done if "blocks" in act] == acts_of_blocks


def test_blocks__refused_alone__leave_the_curves_and_an_alert(pipeline):
    exchange = with_exchange(pipeline, acts, fails(REFUSED))

    view = bid_the_day(pipeline)
    for _ in range(3):
        view = redeliver(pipeline, view)

    assert exchange.changes == 2
    assert told(pipeline, view) == ["ORDER_REFUSED"]
    assert standing(pipeline).blocks == ()
    assert standing(pipeline).curves is not None
    assert view.state is RunState.FAILED


def test_blocks__of_a_newer_bid_refused__the_whole_older_bid_stands_again(pipeline, sintef_inputs):
    first = bid_the_day(pipeline)
    next_prices(pipeline, with_asset_fields(sintef_inputs, method=BLOCKS), 1.5)
    offer(pipeline, 25.0)
    older = content(pipeline, first.areas[AREA].matrix)
    exchange = with_exchange(pipeline, acts, acts, fails(REFUSED))
    exchange.orders, exchange.blocks = first_exchange(pipeline, first, older)

    view = bid_the_day(pipeline)

    assert standing(pipeline).matrix == older
    assert "ORDER_REFUSED" in told(pipeline, view)


def first_exchange(pipeline, view: RunView, bid: BidMatrix):
    """Return orders that stand as a bid was sent."""
    auction = pipeline.exchange.auction(market_of(pipeline, view), DAY)
    slot = (auction.id, view.plan.portfolio, PriceArea(AREA))
    order = order_of(view).standing
    curves = ExchangeOrder(str(order.order_id), 1, "Accepted", "", bid.without_blocks)
    blocks = ExchangeBlocks(order.blocks[0].order_id, 1, "Accepted", "", bid.blocks)
    return {slot: curves}, {slot: [blocks]}


def test_holds__withdraw_lock_and_kill_switch__are_of_both_orders(pipeline):
    view = bid_the_day(pipeline)
    ports = (pipeline.documents, pipeline.clock, pipeline.messages)
    orders = orders_of(*ports[:2], DAY, AREA)

    hold_orders(*ports, orders, HoldKind.WITHDRAWN, ACT)
    pipeline.deliver()
    assert standing_is_empty(pipeline)
    assert read_run(pipeline.documents, view.plan.run).orders[AREA].state is OrderState.WITHDRAWN

    release_orders(*ports, orders, ACT)
    pipeline.deliver()
    assert standing(pipeline).matrix == content(pipeline, view.areas[AREA].matrix)

    hold_orders(*ports, orders, HoldKind.LOCKED, ACT)
    pipeline.deliver()
    assert standing(pipeline).matrix == content(pipeline, view.areas[AREA].matrix)

    turn_kill_switch(*ports, SINTEF, ACT, on=True)
    pipeline.deliver()
    assert standing_is_empty(pipeline)


def standing_is_empty(pipeline) -> bool:
    return not pipeline.exchange.orders and not any(pipeline.exchange.blocks.values())


def test_override__of_some_hours__takes_the_blocks_in_them_out(pipeline):
    view = bid_the_day(pipeline)
    area = view.areas[AREA]
    before = content(pipeline, area.matrix)
    touched = before.blocks[0]
    starts = before.grid.starts()
    cap = VolumeEdit(kind="at_most", volume=Decimal(10), start=starts[touched.first], end=None)
    cap = cap.model_copy(update={"end": starts[touched.first] + before.grid.step})
    ports = (pipeline.documents, pipeline.clock, pipeline.messages)

    changed = override_bid(*ports, Change(view.plan.run, PriceArea(AREA), area.matrix, cap, ACT))

    after = content(pipeline, changed.matrix)
    assert touched.name not in {block.name for block in after.blocks}
    assert after.curves[touched.first].lots[-1] <= 100
    assert all(touched.first not in block.mtus for block in after.blocks)
    back = Change(view.plan.run, PriceArea(AREA), changed.matrix, ComputedEdit(), ACT)
    assert override_bid(*ports, back).matrix == area.matrix


def test_findings__blocks_that_the_market_does_not_take__are_named(pipeline):
    view = bid_the_day(pipeline)
    market, bid = market_of(pipeline, view), content(pipeline, view.areas[AREA].matrix)
    rules = BlockRules(volume_max=Decimal(25), mtus_min=9, orders_max=1)
    limited = market.model_copy(update={"blocks": rules})
    cheap = replace(bid, blocks=(replace(bid.blocks[0], price=market.max_ticks + 1),))

    found = [*market_findings(limited, DAY, bid), *market_findings(market, DAY, cheap)]

    assert list(market_findings(market, DAY, bid)) == []
    assert {finding.code for finding in found} == {
        "BLOCK_VOLUME",
        "BLOCK_MTUS",
        "BLOCK_COUNT",
        "BLOCK_PRICE",
    }
    assert {finding.severity for finding in found} == {"error"}
    (volume,) = (f for f in found if f.code == "BLOCK_VOLUME")
    assert (volume.where, volume.value) == ("NO2 block shop-standard-1", "30.0")
    assert volume.rule == "at most 25 MW"


def test_run__with_more_than_the_units_can_do_in_curves_and_blocks__is_stopped(
    sintef_inputs: ClientInputs,
):
    pipeline = block_pipeline(sintef_inputs, 30.0)
    view = bid_the_day(pipeline)
    bid = content(pipeline, view.areas[AREA].matrix)
    most = max(curve.lots[-1] for curve in bid.curves) / 10
    assert bid.span[1] >= most
    edit = VolumeEdit(kind="at_least", volume=Decimal(9000))
    ports = (pipeline.documents, pipeline.clock, pipeline.messages)
    with pytest.raises(BidFaulty, match="within what the assets can do"):
        override_bid(
            *ports, Change(view.plan.run, PriceArea(AREA), view.areas[AREA].matrix, edit, ACT)
        )


def after_the_gate(pipeline: InProcessPipeline) -> RunView:
    view = bid_the_day(pipeline)
    pipeline.clock.advance(view.plan.cut_offs.gate - pipeline.clock.now())
    pipeline.handle(CutOffReached(client=SINTEF, run=view.plan.run, cut_off="submission"))
    return read_run(pipeline.documents, view.plan.run)


def published_result(pipeline, view: RunView, prices):
    market = market_of(pipeline, view)
    auction = pipeline.exchange.auction(market, DAY)
    pipeline.exchange.publish(auction, PriceArea(AREA), prices)
    pipeline.handle(ResultsDue(client=SINTEF))
    plan = view.plan
    result = result_of(pipeline.documents, market.id, DAY, plan.portfolio, PriceArea(AREA))
    assert result is not None
    return result


def test_result__obligation_is_curves_and_accepted_blocks(pipeline):
    view = after_the_gate(pipeline)
    market, bid = market_of(pipeline, view), content(pipeline, view.areas[AREA].matrix)
    # One block is taken and the other is not.
    prices = np.full(len(bid.grid), float(bid.tick) * bid.blocks[0].price - 5)
    prices[bid.blocks[0].mtus] += 10
    prices[[mtu for mtu in bid.blocks[1].mtus if mtu not in bid.blocks[0].mtus]] -= 400

    result = published_result(pipeline, view, prices.tolist())

    taken = accepted_blocks(bid.block_bid, prices)
    assert taken == {bid.blocks[0].name}
    owed = cleared(bid, prices, market) + sold_in_blocks(bid.block_bid, prices)
    assert result.expected == pytest.approx(owed)
    assert result.published.volumes == pytest.approx(owed, abs=0.05 + 1e-9)
    assert {t.name for t in result.published.trades if t.kind == "block"} == taken
    assert (result.run, result.matrix) == (view.plan.run, bid.digest())
    assert told(pipeline, view) == []


@pytest.mark.parametrize(
    ("share", "named", "rule"),
    [
        (0.5, None, "a share of 1 to 1"),
        (1.0, "another", "a block of the bid that stood"),
        (1.0, None, None),
    ],
)
def test_check_result__blocks_that_could_not_have_been_traded_so__are_told(
    pipeline, share, named, rule
):
    view = after_the_gate(pipeline)
    market, bid = market_of(pipeline, view), content(pipeline, view.areas[AREA].matrix)
    prices = np.full(len(bid.grid), 3000.0)
    result = published_result(pipeline, view, prices.tolist()).published
    first, *others = (t for t in result.trades if t.kind == "block")
    changed = first.model_copy(
        update={
            "name": named or first.name,
            "volumes": tuple(share * volume for volume in first.volumes),
        }
    )
    off = np.array(changed.volumes) - np.array(first.volumes)
    altered = result.model_copy(
        update={
            "trades": (*(t for t in result.trades if t.kind == "curve"), changed, *others),
            "volumes": tuple((result.sold + off).tolist()),
        }
    )

    findings = check_result(market, bid, altered)

    assert [f.rule for f in findings if f.code == "RESULT_BLOCK"] == (
        [] if rule is None else [rule]
    )


def test_check_result__an_out_of_the_money_block_traded__is_told(pipeline):
    view = after_the_gate(pipeline)
    market, bid = market_of(pipeline, view), content(pipeline, view.areas[AREA].matrix)
    dear = published_result(pipeline, view, [3000.0] * len(bid.grid)).published
    cheap = dear.model_copy(update={"prices": (1.0,) * len(bid.grid)})
    rules = [f.rule for f in check_result(market, bid, cheap) if f.code == "RESULT_BLOCK"]
    assert rules == ["not accepted at an average price of 1.00"] * 2


def test_next_step__what_is_not_wanted_goes_first_and_blocks_come_last(pipeline):
    bid = content(pipeline, bid_the_day(pipeline).areas[AREA].matrix)
    curves = ExchangeOrder("c", 1, "Accepted", "", bid.without_blocks)
    other = replace(bid.blocks[0], price=bid.blocks[0].price + 1)

    def order(name, *blocks):
        return ExchangeBlocks(name, 1, "Accepted", "", blocks)

    steps = [
        next_step(ExchangeOrders(None, (order("b", other),)), bid),
        next_step(ExchangeOrders(), bid),
        next_step(ExchangeOrders(curves), bid),
        next_step(ExchangeOrders(curves, (order("b", other, bid.blocks[1]),)), bid),
        next_step(ExchangeOrders(curves, (order("b", *bid.blocks), order("d", *bid.blocks))), bid),
        next_step(ExchangeOrders(curves, (ExchangeBlocks("e", 1, "Accepted", "", None),)), bid),
    ]

    assert steps == [
        Step(Deed.CANCEL_BLOCKS, "b"),
        Step(Deed.PLACE),
        Step(Deed.PLACE_BLOCKS),
        Step(Deed.AMEND_BLOCKS, "b"),
        Step(Deed.CANCEL_BLOCKS, "d"),
        Step(Deed.CANCEL_BLOCKS, "e"),
    ]


def test_report__of_a_bid_with_blocks__lists_them_and_what_they_came_to(pipeline, tmp_path):
    view = after_the_gate(pipeline)
    bid = content(pipeline, view.areas[AREA].matrix)
    published_result(pipeline, view, [3000.0] * len(bid.grid))

    write_run(tmp_path, SINTEF, pipeline.documents, view.plan.run, [])

    rows = list(csv.DictReader((tmp_path / "blocks.csv").read_text().splitlines()))
    assert len(rows) == sum(len(block.lots) for block in bid.blocks)
    assert {row["volume"] for row in rows if row["block"] == "shop-standard-1"} == {"30.0"}
    page = (tmp_path / "report.html").read_text()
    assert page.count('<td class="outside">shop-standard-') == 2
    assert "with 2 blocks" in page
    (summary,) = run_summary(pipeline.documents, view)["areas"].values()
    assert (summary["blocks"], len(summary["block_orders"])) == (2, 1)


def test_approval__of_a_bid__is_not_of_one_with_other_blocks(sintef_inputs):
    pipeline = block_pipeline(with_approval(sintef_inputs, "required"), 30.0)
    first = bid_the_day(pipeline)
    bid = NamedBid(first.plan.run, PriceArea(AREA), str(first.areas[AREA].matrix))
    ports = (pipeline.documents, pipeline.clock, pipeline.messages)
    assert standing_is_empty(pipeline)
    decide_approval(*ports, bid, ApprovalState.APPROVED, ACT)
    pipeline.deliver()
    approved = content(pipeline, bid.matrix)
    assert standing(pipeline).matrix == approved

    offer(pipeline, 29.0)
    pipeline.clock.advance(timedelta(minutes=1))
    slower = with_asset_fields(
        with_approval(sintef_inputs, "required"), method={**BLOCKS, "seconds": 9}
    )
    publish_inputs(pipeline.documents, pipeline.clock, slower.configuration, slower.scenario_sets)
    second = bid_the_day(pipeline)

    other = content(pipeline, second.areas[AREA].matrix)
    assert other.blocks[0].lots != approved.blocks[0].lots
    assert second.areas[AREA].pending
    assert standing(pipeline).matrix == approved


def with_approval(inputs: ClientInputs, mode: str) -> ClientInputs:
    changed = with_asset_fields(inputs)
    changed.configuration["configuration"]["approval"] = mode
    return changed


def test_position__after_a_result__has_an_assets_own_blocks_as_they_were_accepted(pipeline):
    view = after_the_gate(pipeline)
    bid = content(pipeline, view.areas[AREA].matrix)
    result = published_result(pipeline, view, [3000.0] * len(bid.grid)).published
    noon = len(bid.grid) // 2
    as_of = bid.grid.starts()[noon]
    configuration = configuration_in(pipeline.documents, view.plan)

    levels_at = {AssetId("shop-standard"): as_of}
    found, _ = position_for(
        pipeline.documents, configuration, DAY + timedelta(days=1), levels_at, as_of
    )

    sold = found.assets[AssetId("shop-standard")]
    assert sold.volumes == pytest.approx(result.volumes[noon:])
    assert sold.sources == (f"{view.plan.run} as cleared",)
    assert len({trade.name for trade in result.trades if trade.kind == "block"}) == 2


def test_fallback__to_an_older_revision__keeps_its_blocks_on_the_same_water(
    pipeline, sintef_inputs
):
    first = bid_the_day(pipeline)
    next_prices(pipeline, with_asset_fields(sintef_inputs, method=BLOCKS), 1.5)
    plan = pipeline.plan(SINTEF, DAY).plan
    pipeline.handle(CutOffReached(client=SINTEF, run=plan.run, cut_off="submission"))

    view = read_run(pipeline.documents, plan.run)

    (record,) = view.assets.values()
    assert record.fallback == f"older_revision {first.plan.run}"
    assert record.matrix == next(iter(first.assets.values())).matrix
    assert standing(pipeline).matrix == content(pipeline, first.areas[AREA].matrix)


def test_newer_bid__that_the_exchange_would_not_take__leaves_the_blocks_that_stand(
    pipeline, sintef_inputs
):
    first = bid_the_day(pipeline)
    next_prices(pipeline, with_asset_fields(sintef_inputs, method=BLOCKS), 1.5)
    offer(pipeline)
    placed, terms, asked = standing(pipeline).blocks, pipeline.exchange.terms, []

    def lowered(*given):
        """A limit that is lowered between approval and sending."""
        asked.append(given)
        return terms(*given) if len(asked) == 1 else replace(terms(*given), most_sold=Decimal(1))

    pipeline.exchange.terms = lowered
    view = bid_the_day(pipeline)

    assert told(pipeline, view) == ["ORDER_REFUSED"]
    assert standing(pipeline).blocks == placed
    assert standing(pipeline).matrix == content(pipeline, first.areas[AREA].matrix)
