"""An alert is open while its cause is there: no crash loses one, and nobody who wakes up late leaves one."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from examples import (
    CASCADE,
    DAY,
    PRICE_COLUMNS,
    SINTEF,
    published,
    sintef_prices,
    with_asset_fields,
    with_water_values,
)
from scripted import AREA, Crash, Killing

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.bid_edits import VolumeEdit
from hydrobid.domain.errors import InputsStale
from hydrobid.domain.holds import Act
from hydrobid.domain.messages import CutOffReached, GuardTick
from hydrobid.domain.series import SeriesKind
from hydrobid.domain.stages import LEASE
from hydrobid.domain.states import ApprovalState, RunState
from hydrobid.pipeline import guard_gate, paths, plan_run, push_series
from hydrobid.pipeline.override_bid import Change, override_bid
from hydrobid.pipeline.plan_run import PlanRequest
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.push_series import PushedFile
from hydrobid.pipeline.read_run import newest_run, read_run
from hydrobid.schema import ClientInputs, configuration_of
from hydrobid.schema.price_files import SourceFile

ACT = Act(by="desk", reason="the plant is out")
REQUEST = PlanRequest(client=SINTEF, day=DAY)


@pytest.fixture
def inputs(sintef_inputs: ClientInputs) -> ClientInputs:
    """The SINTEF example bid by its water values, so that nothing has to be solved."""
    return with_asset_fields(sintef_inputs, method={"name": "water_value"})


@pytest.fixture
def refusing(inputs: ClientInputs) -> ClientInputs:
    """The same, not to be run without fresh prices."""
    freshness = {"prices": {"hours": 1, "if_stale": "refuse"}}
    stored = {**inputs.configuration["configuration"], "inputs": {"freshness": freshness}}
    configuration = {**inputs.configuration, "configuration": stored}
    return ClientInputs(configuration, inputs.scenario_sets)


def publish(pipeline: InProcessPipeline, inputs: ClientInputs) -> None:
    """Publish inputs, a minute later."""
    pipeline.clock.advance(timedelta(minutes=1))
    publish_inputs(pipeline.documents, pipeline.clock, inputs.configuration, inputs.scenario_sets)


def push_prices(pipeline: InProcessPipeline, factor: float = 1.5) -> None:
    pipeline.clock.advance(timedelta(minutes=1))
    file = SourceFile("prices.csv", (PRICE_COLUMNS + sintef_prices(factor)).encode())
    ports = (pipeline.documents, pipeline.clock, pipeline.messages)
    push_series.push_series(*ports, PushedFile(SeriesKind.PRICES, file, by="desk"))
    pipeline.messages.waiting.clear()


def alerts(pipeline: InProcessPipeline, code: str) -> list[tuple[str, bool]]:
    """Return the alerts of a code: of what, and whether it is open."""
    found = pipeline.documents.find(paths.ALERTS, code=code).values()
    return sorted((alert["run"], alert["resolved"] is None) for alert in found)


def before_the_gate(inputs: ClientInputs, minutes: int) -> datetime:
    gate = configuration_of(inputs.configuration).cut_offs_of(DAY).gate
    return gate - timedelta(minutes=minutes)


def guard(pipeline: InProcessPipeline, at: datetime, client: str = SINTEF) -> None:
    pipeline.clock.advance(at - pipeline.clock.now())
    pipeline.handle(GuardTick(client=client))


def guard_killed_once(
    pipeline: InProcessPipeline, inputs: ClientInputs, number: int, *, after: bool
) -> None:
    """Have the guard die before, or after, the nth of its writes, and come by again."""
    whole = pipeline.documents
    pipeline.documents = Killing(whole, ("transact", "write"), number, after=after)
    with suppress(Crash):
        guard(pipeline, before_the_gate(inputs, 3))
    pipeline.documents = whole
    pipeline.clock.advance_real(LEASE)
    guard(pipeline, before_the_gate(inputs, 2))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, 12))
def test_guard__killed_at_any_step_while_it_plans__tells_of_its_run(
    inputs: ClientInputs, number: int, after: bool
):
    # Given a day that nobody planned
    pipeline = published(inputs)

    # When the guard dies, and comes by again
    guard_killed_once(pipeline, inputs, number, after=after)

    # Then there is one run, and people know who has planned it
    run = newest_run(pipeline.documents, "nordic", DAY)
    assert run is not None
    assert read_run(pipeline.documents, run).state is RunState.SUBMITTED
    assert alerts(pipeline, "RUN_BY_GUARD") == [(str(run), True)]


def test_guard__that_meets_a_run_planned_this_moment__does_not_call_it_its_own(
    inputs: ClientInputs, monkeypatch: pytest.MonkeyPatch
):
    pipeline = published(inputs)
    newest = guard_gate.newest_run

    def planned_meanwhile(*of):
        found = newest(*of)
        if found is None:
            pipeline.plan(SINTEF, DAY)
        return found

    monkeypatch.setattr(guard_gate, "newest_run", planned_meanwhile)
    guard(pipeline, before_the_gate(inputs, 3))

    assert alerts(pipeline, "RUN_BY_GUARD") == []


def test_inputs_lacking__told_late__after_the_day_was_planned__is_no_alert(
    refusing: ClientInputs, monkeypatch: pytest.MonkeyPatch
):
    # Given a plan that is refused for want of prices, and sleeps before it tells
    pipeline = published(refusing)
    tell = plan_run.tell_refusal

    def slept(*told):
        monkeypatch.setattr(plan_run, "tell_refusal", tell)
        push_prices(pipeline)
        assert pipeline.run(SINTEF, DAY).state is RunState.SUBMITTED
        tell(*told)

    monkeypatch.setattr(plan_run, "tell_refusal", slept)

    # When prices come and the day is planned before it wakes up
    with pytest.raises(InputsStale):
        plan_run.plan_run(pipeline.documents, pipeline.clock, REQUEST)

    # Then it tells nobody
    assert alerts(pipeline, "INPUTS_LACKING") == []


def test_inputs_lacking__policy_taken_away__is_resolved_by_the_plan(
    refusing: ClientInputs, inputs: ClientInputs
):
    pipeline = published(refusing)
    with pytest.raises(InputsStale):
        plan_run.plan_run(pipeline.documents, pipeline.clock, REQUEST)
    assert [told for _, told in alerts(pipeline, "INPUTS_LACKING")] == [True]

    publish(pipeline, inputs)
    assert pipeline.run(SINTEF, DAY).state is RunState.SUBMITTED

    assert [told for _, told in alerts(pipeline, "INPUTS_LACKING")] == [False]


def test_left_out__an_asset_that_a_later_run_has_whole__is_resolved(cascade_inputs: ClientInputs):
    # Given an asset of two runs' day whose outcomes cannot be read in the first
    inputs = with_asset_fields(cascade_inputs, method={"name": "price_independent"})
    pipeline = published(inputs)
    plan = pipeline.plan(CASCADE, DAY).plan
    pipeline.solve(plan)
    pipeline.messages.waiting.clear()
    asset = plan.assets[0]
    outcome = paths.scenario(plan.run, asset.asset, asset.scenarios[0])
    pipeline.documents._documents[outcome]["state"] = "NONSENSE"
    pipeline.handle(CutOffReached(client=CASCADE, run=plan.run, cut_off="approval"))
    pipeline.deliver()
    assert alerts(pipeline, "CORRUPT_DOCUMENT") == [(str(plan.run), True)]

    # When another run has it, and the guard comes by
    publish(pipeline, with_water_values(inputs, 0.9))
    assert pipeline.run(CASCADE, DAY).state is RunState.SUBMITTED
    guard(pipeline, before_the_gate(inputs, 3), CASCADE)

    # Then nobody is told any more that it was left out
    assert alerts(pipeline, "CORRUPT_DOCUMENT") == [(str(plan.run), False)]


@pytest.mark.parametrize("number", range(1, 16))
def test_approval_awaited__of_an_older_run_whose_workflow_is_dead__ends_with_a_guard_that_is_killed(
    inputs: ClientInputs, number: int
):
    # Given a person's change that stands where rules approve, and two newer bids that wait for it
    pipeline = published(inputs)
    first = pipeline.run(SINTEF, DAY)
    ports = (pipeline.documents, pipeline.clock, pipeline.messages)
    edit = VolumeEdit(kind="at_most", volume=Decimal(10))
    override_bid(*ports, Change(first.plan.run, AREA, first.areas[AREA].matrix, edit, ACT))
    pipeline.deliver()
    waiting = []
    for factor in (0.7, 0.8):
        publish(pipeline, with_water_values(inputs, factor))
        waiting.append(pipeline.run(SINTEF, DAY).plan.run)
    assert alerts(pipeline, "APPROVAL_AWAITED") == [(str(run), True) for run in waiting]

    # When nobody has decided, and the guard comes by, dies at some step, and comes by again
    guard_killed_once(pipeline, inputs, number, after=True)

    # Then neither waits any more, and people are told of the newer
    for run in waiting:
        approval = read_run(pipeline.documents, run).areas[AREA].approval
        assert approval is not None
        assert approval.state is ApprovalState.EXPIRED
    assert alerts(pipeline, "APPROVAL_AWAITED") == [(str(run), False) for run in waiting]
    assert alerts(pipeline, "BID_UNAPPROVED") == [(str(waiting[-1]), True)]
