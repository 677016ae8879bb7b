"""What is bid when the scenarios give nothing, and who ends the day when everything else is dead."""

from __future__ import annotations

import copy
from datetime import date, timedelta

import numpy as np
import pytest
from examples import (
    CASCADE,
    DAY,
    MORNING,
    PRICE_COLUMNS,
    SINTEF,
    published,
    sintef_prices,
    with_asset_fields,
)

from hydrobid.adapters.memory import MemoryExchange
from hydrobid.bidding.fallback import bid_of_another_day
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.errors import ServiceUnavailable
from hydrobid.domain.messages import AssetSettled, GuardTick
from hydrobid.domain.records import AssetRecord
from hydrobid.domain.states import AssetState, OrderState, RunState
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.read_run import newest_run, read_run, run_alerts
from hydrobid.schema import ClientInputs, configuration_of, with_prices

FIRST_21 = [f"s{number:02}" for number in range(1, 22)]
"""One more than a task holds: must-have scenarios are dispatched first."""


def settled(pipeline: InProcessPipeline, day: date = DAY) -> AssetRecord:
    """Plan a day, settle the SINTEF example's asset on nothing, and return its record."""
    plan = pipeline.plan(SINTEF, day).plan
    asset = plan.assets[0].asset
    pipeline.handle(AssetSettled(client=SINTEF, run=plan.run, asset=asset, cause="cut-off"))
    pipeline.deliver()
    return read_run(pipeline.documents, plan.run).assets[asset]


def matrix_of(pipeline: InProcessPipeline, record: AssetRecord) -> BidMatrix:
    assert record.matrix is not None
    return BidMatrix.from_document(get_blob(pipeline.documents, record.matrix))


def publish_other_prices(pipeline: InProcessPipeline, inputs: ClientInputs) -> None:
    pipeline.clock.advance(timedelta(minutes=1))
    (name,) = inputs.scenario_sets
    other = with_prices(inputs, name, "other.csv", (PRICE_COLUMNS + sintef_prices(2)).encode())
    publish_inputs(pipeline.documents, pipeline.clock, other.configuration, other.scenario_sets)


def test_fallback__older_revision_of_the_day(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    first = sintef.run(SINTEF, DAY)
    publish_other_prices(sintef, sintef_inputs)

    record = settled(sintef)

    (before,) = first.assets.values()
    assert (record.state, record.matrix) == (AssetState.FALLBACK, before.matrix)
    assert record.fallback == f"older_revision {first.plan.run}"
    (order,) = sintef.exchange.orders.values()
    assert order.version == 1  # the content that stands is the content that is wanted


def test_fallback__yesterdays_accepted_bid(sintef: InProcessPipeline, sintef_inputs: ClientInputs):
    first = sintef.run(SINTEF, DAY)
    sintef.clock.advance(timedelta(days=1))
    tomorrow = DAY + timedelta(days=1)

    record = settled(sintef, tomorrow)

    (before,) = first.assets.values()
    market = configuration_of(sintef_inputs.configuration).market
    expected = bid_of_another_day(matrix_of(sintef, before), market, tomorrow)
    assert record.fallback == f"yesterday {first.plan.run}"
    assert matrix_of(sintef, record) == expected


def test_fallback__yesterdays_bid_was_all_in_blocks__gives_way_to_water_values(
    sintef_inputs: ClientInputs,
):
    method = {"name": "exclusive_group", "scenarios": 2}
    pipeline = published(with_asset_fields(sintef_inputs, method=method))
    first = pipeline.run(SINTEF, DAY)
    pipeline.clock.advance(timedelta(days=1))

    record = settled(pipeline, DAY + timedelta(days=1))

    (before,) = first.assets.values()
    assert matrix_of(pipeline, before).blocks
    assert (record.state, record.fallback) == (AssetState.FALLBACK, "water_value")
    assert any(any(curve.lots) for curve in matrix_of(pipeline, record).curves)


def test_fallback__yesterdays_bid_is_moved_to_todays_water(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    first = sintef.run(SINTEF, DAY)
    sintef.clock.advance(timedelta(days=1))
    dearer = copy.deepcopy(sintef_inputs.configuration)
    for reservoir in dearer["configuration"]["assets"][0]["watercourse"]["reservoirs"]:
        reservoir["water_value"] *= 1.5
    publish_inputs(sintef.documents, sintef.clock, dearer, sintef_inputs.scenario_sets)

    record = settled(sintef, DAY + timedelta(days=1))

    (before,) = first.assets.values()
    assert record.fallback == f"yesterday {first.plan.run}"
    offered, moved = (
        [curve.lots_at(np.arange(100, 801, 50)).sum() for curve in matrix_of(sintef, one).curves]
        for one in (before, record)
    )
    assert all(now <= then for then, now in zip(offered, moved, strict=True))
    assert sum(moved) < 0.9 * sum(offered)


def test_fallback__water_values_where_there_is_no_earlier_bid(sintef: InProcessPipeline):
    record = settled(sintef)

    assert (record.state, record.fallback) == (AssetState.FALLBACK, "water_value")
    assert record.unsafe == "no scenario was solved"
    run = record.run
    assert read_run(sintef.documents, run).areas["NO2"].partial
    (alert,) = run_alerts(sintef.documents, run)
    assert (alert.code, alert.severity) == ("ASSET_ON_FALLBACK", "WARNING")
    assert len(alert.context["missing"]) == 52


def test_fallback__only_the_links_that_the_asset_allows(sintef_inputs: ClientInputs):
    pipeline = published(with_asset_fields(sintef_inputs, fallback=["yesterday"]))

    assert settled(pipeline).state is AssetState.FAILED


@pytest.mark.parametrize(
    ("coverage", "task", "reason"),
    [
        ({"minimum_probability": 0.9}, 0, "38.5% of the probability was solved, 90.0% is needed"),
        ({"minimum_probability": 0.1, "must_have": FIRST_21}, 0, "were not: s21"),
        ({"minimum_probability": 0.1, "minimum_price_span": 1.0}, 1, "of the prices, 100.0% is"),
    ],
)
def test_coverage__below_the_policy_the_chain_takes_over(
    sintef_inputs: ClientInputs, coverage: dict, task: int, reason: str
):
    pipeline = published(with_asset_fields(sintef_inputs, coverage=coverage))
    plan = pipeline.plan(SINTEF, DAY).plan
    asset = plan.assets[0]
    pipeline.solve(plan.model_copy(update={"assets": (one_task(asset, task),)}))
    pipeline.deliver()

    record = read_run(pipeline.documents, plan.run).assets[asset.asset]

    assert record.coverage.solved == 20
    assert record.state is AssetState.FALLBACK
    assert record.unsafe is not None
    assert reason in record.unsafe


def one_task(asset, task):
    return asset.model_copy(update={"tasks": asset.tasks[task : task + 1]})


def test_fallback__scenarios_that_come_late_take_over(sintef: InProcessPipeline):
    record = settled(sintef)

    view = sintef.run(SINTEF, DAY)

    assert view.assets[record.asset].state is AssetState.COMPLETE
    (order,) = sintef.exchange.orders.values()
    assert order.version == 2


def at(pipeline: InProcessPipeline, hour: int, minute: int) -> None:
    """Turn the market's clock to a time of the morning before delivery."""
    wanted = MORNING.replace(hour=hour, minute=minute)
    pipeline.clock.advance(wanted - pipeline.clock.now())


def test_guard__outside_its_window_it_does_nothing(sintef: InProcessPipeline):
    for hour, minute in ((10, 30), (11, 54), (12, 5), (15, 0)):
        at(sintef, hour, minute)
        sintef.handle(GuardTick(client=SINTEF))

    assert newest_run(sintef.documents, "nordic", DAY) is None
    assert newest_run(sintef.documents, "nordic", DAY + timedelta(days=1)) is None


def test_guard__nobody_planned_the_day__one_bid_and_one_critical_alert(sintef: InProcessPipeline):
    at(sintef, 11, 55)
    for _ in range(3):
        sintef.handle(GuardTick(client=SINTEF))

    run = newest_run(sintef.documents, "nordic", DAY)
    assert run is not None
    assert read_run(sintef.documents, run).state is RunState.SUBMITTED
    (order,) = sintef.exchange.orders.values()
    assert order.version == 1
    critical = [a.code for a in run_alerts(sintef.documents, run) if a.severity == "CRITICAL"]
    assert critical == ["RUN_BY_GUARD"]


def test_guard__a_dead_workflow__what_was_solved_is_submitted(cascade: InProcessPipeline):
    plan = cascade.plan(CASCADE, DAY).plan
    cascade.solve(plan)
    cascade.messages.waiting.clear()
    at(cascade, 11, 56)

    cascade.handle(GuardTick(client=CASCADE))

    view = read_run(cascade.documents, plan.run)
    assert view.state is RunState.SUBMITTED
    assert {record.state for record in view.assets.values()} == {AssetState.COMPLETE}


def test_guard__a_late_request_of_a_frozen_instance_is_put_right(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    first = sintef.run(SINTEF, DAY)
    auction = sintef.exchange.auction(configuration_of(sintef_inputs.configuration).market, DAY)
    old = matrix_of(sintef, next(iter(first.assets.values())))
    publish_other_prices(sintef, sintef_inputs)
    second = sintef.run(SINTEF, DAY)
    (order,) = sintef.exchange.orders.values()
    sintef.exchange.amend(auction, order.order_id, old, "woken up late")
    at(sintef, 11, 57)

    sintef.handle(GuardTick(client=SINTEF))

    (order,) = sintef.exchange.orders.values()
    assert order.matrix is not None
    assert order.matrix.digest() == second.areas["NO2"].matrix


def test_guard__after_the_gate_it_closes_the_order(sintef: InProcessPipeline):
    view = sintef.run(SINTEF, DAY)
    at(sintef, 12, 1)

    sintef.handle(GuardTick(client=SINTEF))

    after = read_run(sintef.documents, view.plan.run)
    assert after.orders["NO2"].state is OrderState.CLOSED
    assert after.state is RunState.SUBMITTED
    assert run_alerts(sintef.documents, view.plan.run) == []


def test_guard__a_day_that_cannot_be_planned_is_told(sintef_inputs: ClientInputs):
    dated = PRICE_COLUMNS + "".join(
        f"s{n},NO2,2026-01-05T{quarter // 4:02}:{quarter % 4 * 15:02}:00+01:00,{40 + n}\n"
        for n in range(3)
        for quarter in range(96)
    )
    (name,) = sintef_inputs.scenario_sets
    pipeline = published(with_prices(sintef_inputs, name, "january.csv", dated.encode()))
    at(pipeline, 11, 55)

    for _ in range(2):
        pipeline.handle(GuardTick(client=SINTEF))

    (alert,) = pipeline.documents.find("alerts").values()
    assert alert["code"] == "DAY_WITHOUT_RUN"
    assert "january.csv" in alert["message"]


def test_guard__exchange_down_until_the_gate__told_and_closed(sintef: InProcessPipeline):
    class Down(MemoryExchange):
        def place(self, auction, portfolio, matrix, comment) -> None:
            raise ServiceUnavailable("down")

    sintef.exchange = Down(sintef.clock)
    with pytest.raises(ServiceUnavailable):
        sintef.run(SINTEF, DAY)
    at(sintef, 12, 0)

    sintef.handle(GuardTick(client=SINTEF))

    run = newest_run(sintef.documents, "nordic", DAY)
    assert run is not None
    assert read_run(sintef.documents, run).state is RunState.FAILED
    assert [a.code for a in run_alerts(sintef.documents, run)] == ["GATE_MISSED"]


def test_guard__a_client_without_inputs_is_told_once():
    pipeline = InProcessPipeline.starting_at(MORNING)
    at(pipeline, 11, 55)

    for _ in range(3):
        pipeline.handle(GuardTick(client=SINTEF))

    (alert,) = pipeline.documents.find("alerts").values()
    assert (alert["code"], alert["severity"]) == ("CLIENT_WITHOUT_INPUTS", "CRITICAL")


def test_bid_approved_after_the_gate__is_told(sintef: InProcessPipeline):
    plan = sintef.plan(SINTEF, DAY).plan
    sintef.solve(plan)
    at(sintef, 12, 10)

    sintef.deliver()

    assert sintef.exchange.orders == {}
    assert [a.code for a in run_alerts(sintef.documents, plan.run)] == ["GATE_MISSED"]
    assert read_run(sintef.documents, plan.run).state is RunState.FAILED
