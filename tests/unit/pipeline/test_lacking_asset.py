"""A newer revision's bid that lacks an asset: no rule puts it in the place of one that has it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from approver import Approver, with_policy
from examples import CASCADE, DAY, published, with_asset_fields
from scripted import fails, with_exchange

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.errors import ExchangeRefused, ServiceUnavailable
from hydrobid.domain.messages import AssetSettled, CutOffReached, GuardTick
from hydrobid.domain.plan import Plan
from hydrobid.domain.states import ApprovalState, AssetState, RunState
from hydrobid.pipeline import paths
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.read_run import read_run, run_alerts
from hydrobid.schema import ClientInputs

AREA = "NO5"
"""The example's area of two assets."""
LOST = "five-lakes"


@pytest.fixture
def inputs(cascade_inputs: ClientInputs) -> ClientInputs:
    """Assets with one scenario each, and nothing to fall back on."""
    return with_asset_fields(cascade_inputs, method={"name": "price_independent"}, fallback=[])


def next_plan(pipeline: InProcessPipeline, inputs: ClientInputs, number: int) -> Plan:
    """Plan another revision, a minute later."""
    pipeline.clock.advance(timedelta(minutes=1))
    configuration = {**inputs.configuration, "description": f"no. {number}"}
    publish_inputs(pipeline.documents, pipeline.clock, configuration, inputs.scenario_sets)
    return pipeline.plan(CASCADE, DAY).plan


def run_without(pipeline: InProcessPipeline, plan: Plan) -> dict[str, dict]:
    """Run a plan without one asset's solves; return those, to come late."""
    pipeline.solve(plan)
    (asset,) = (asset for asset in plan.assets if asset.asset == LOST)
    names = [paths.scenario(plan.run, LOST, scenario) for scenario in asset.scenarios]
    solves = {name: pipeline.documents._documents.pop(name) for name in names}
    pipeline.deliver()
    return solves


def come_late(pipeline: InProcessPipeline, plan: Plan, solves: dict[str, dict]) -> None:
    pipeline.documents._documents.update(solves)
    pipeline.messages.publish(AssetSettled(client=CASCADE, run=plan.run, asset=LOST))
    pipeline.deliver()


def standing(pipeline: InProcessPipeline) -> str | None:
    orders = pipeline.exchange.orders
    return next((o.matrix.digest() for (_, _, a), o in orders.items() if a == AREA), None)


def open_alerts(pipeline: InProcessPipeline, plan: Plan) -> dict[str, str]:
    alerts = run_alerts(pipeline.documents, plan.run)
    return {alert.code: alert.message for alert in alerts if alert.resolved is None}


def at_cut_off(pipeline: InProcessPipeline, plan: Plan, cut_off: str) -> None:
    pipeline.clock.advance(getattr(plan.cut_offs, cut_off) - pipeline.clock.now())
    if cut_off == "submission":
        pipeline.handle(GuardTick(client=CASCADE))
    else:
        pipeline.handle(CutOffReached(client=CASCADE, run=plan.run, cut_off=cut_off))
    pipeline.deliver()


def test_newer_revision__lacks_an_asset__what_stands_stays_until_it_comes(inputs: ClientInputs):
    pipeline = published(inputs)
    first = pipeline.run(CASCADE, DAY)
    plan = next_plan(pipeline, inputs, 2)

    solves = run_without(pipeline, plan)

    view = read_run(pipeline.documents, plan.run)
    assert view.areas[AREA].missing == {LOST: AssetState.FAILED}
    assert view.areas[AREA].pending
    assert view.state is RunState.AWAITING_APPROVAL
    assert standing(pipeline) == first.areas[AREA].matrix
    told = open_alerts(pipeline, plan)
    assert told.keys() == {"ASSET_WITHOUT_BID", "APPROVAL_AWAITED"}
    assert f"lacks {LOST}" in told["APPROVAL_AWAITED"]

    come_late(pipeline, plan, solves)

    view = read_run(pipeline.documents, plan.run)
    assert view.state is RunState.SUBMITTED
    assert standing(pipeline) == view.areas[AREA].matrix
    assert open_alerts(pipeline, plan) == {}


def test_newer_revision__lacks_an_asset__nobody_decides(inputs: ClientInputs):
    pipeline = published(inputs)
    first = pipeline.run(CASCADE, DAY)
    plan = next_plan(pipeline, inputs, 2)
    solves = run_without(pipeline, plan)

    for cut_off in ("approval", "submission"):
        at_cut_off(pipeline, plan, cut_off)

    assert standing(pipeline) == first.areas[AREA].matrix
    area = read_run(pipeline.documents, plan.run).areas[AREA]
    assert area.approval.state is ApprovalState.EXPIRED
    assert open_alerts(pipeline, plan).keys() == {"ASSET_WITHOUT_BID", "BID_UNAPPROVED"}

    come_late(pipeline, plan, solves)

    whole = read_run(pipeline.documents, plan.run).areas[AREA]
    assert standing(pipeline) == whole.matrix != area.matrix
    assert open_alerts(pipeline, plan) == {}


@pytest.mark.parametrize("by", ["anna", "policy:submit"])
def test_newer_revision__lacks_an_asset__is_approved_all_the_same(inputs: ClientInputs, by: str):
    chosen = with_policy(inputs, on_silence="submit")
    pipeline = published(chosen)
    pipeline.run(CASCADE, DAY)
    plan = next_plan(pipeline, chosen, 2)
    run_without(pipeline, plan)

    if by == "anna":
        Approver(pipeline).approve()
        pipeline.deliver()
    at_cut_off(pipeline, plan, "approval")

    area = read_run(pipeline.documents, plan.run).areas[AREA]
    assert area.approval.by == by
    assert standing(pipeline) == area.matrix


def test_newer_revision__lacks_what_the_older_lacks_too__is_approved(inputs: ClientInputs):
    pipeline = published(inputs)
    first = pipeline.plan(CASCADE, DAY).plan
    run_without(pipeline, first)
    plan = next_plan(pipeline, inputs, 2)

    run_without(pipeline, plan)

    area = read_run(pipeline.documents, plan.run).areas[AREA]
    assert area.missing == {LOST: AssetState.FAILED}
    assert area.approval.state is ApprovalState.APPROVED


def test_newer_revision__lacks_an_asset__the_older_is_refused_before_it(inputs: ClientInputs):
    pipeline = published(inputs)
    with_exchange(pipeline, *[fails(ExchangeRefused("no"))] * 2)
    pipeline.run(CASCADE, DAY)
    plan = next_plan(pipeline, inputs, 2)

    run_without(pipeline, plan)

    area = read_run(pipeline.documents, plan.run).areas[AREA]
    assert area.approval.state is ApprovalState.APPROVED
    assert standing(pipeline) == area.matrix


def test_newer_revision__lacks_an_asset__the_older_is_refused_after_it(inputs: ClientInputs):
    """What was only left to people for the sake of the older one is approved by rule after all."""
    pipeline = published(inputs)
    first = pipeline.plan(CASCADE, DAY).plan
    pipeline.solve(first)
    with_exchange(pipeline, *[fails(ServiceUnavailable("down"))] * 99)
    late = []
    while pipeline.messages.waiting:
        message = pipeline.messages.waiting.popleft()
        try:
            pipeline.handle(message)
        except ServiceUnavailable:
            late.append(message)
    with_exchange(pipeline)
    plan = next_plan(pipeline, inputs, 2)
    run_without(pipeline, plan)
    assert read_run(pipeline.documents, plan.run).areas[AREA].pending

    with_exchange(pipeline, fails(ExchangeRefused("no")))
    for message in late:
        if first.asset(message.asset).price_area == AREA:
            pipeline.handle(message)
    at_cut_off(pipeline, plan, "approval")

    area = read_run(pipeline.documents, plan.run).areas[AREA]
    assert area.approval.by == "rule:automatic"
    assert standing(pipeline) == area.matrix
    assert "APPROVAL_AWAITED" not in open_alerts(pipeline, plan)
