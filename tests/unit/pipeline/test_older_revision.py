"""A newer revision that is worse: the older one's solves are the first fallback, whenever they come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from examples import DAY, SINTEF, published, with_asset_fields

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.domain.messages import AssetSettled, GuardTick
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import AssetRecord, ScenarioOutcome
from hydrobid.domain.states import AssetState, OutcomeState, RunState
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Put
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.read_run import read_run, run_alerts
from hydrobid.schema import ClientInputs


def planned_again(
    pipeline: InProcessPipeline, inputs: ClientInputs, revisions: int = 2
) -> list[Plan]:
    """Plan the day in several revisions that differ in nothing that matters."""
    plans = [pipeline.plan(SINTEF, DAY).plan]
    for number in range(2, revisions + 1):
        configuration = {**inputs.configuration, "description": f"no. {number}"}
        pipeline.clock.advance(timedelta(minutes=1))
        publish_inputs(pipeline.documents, pipeline.clock, configuration, inputs.scenario_sets)
        plans.append(pipeline.plan(SINTEF, DAY).plan)
    return plans


def solved(pipeline: InProcessPipeline, plan: Plan, scenarios: Sequence[ScenarioId]) -> None:
    """Have scenarios solved: nobody is told of it."""
    (asset,) = plan.assets
    for scenario in scenarios:
        outcome = ScenarioOutcome(
            run=plan.run,
            asset=asset.asset,
            scenario=scenario,
            state=OutcomeState.SOLVED,
            termination="OPTIMAL",
            volumes=tuple(40.0 + len(scenarios) for _ in range(96)),
        )
        pipeline.documents.commit(
            Put(paths.scenario(plan.run, asset.asset, scenario), outcome.to_document())
        )


def settle(pipeline: InProcessPipeline, plan: Plan) -> AssetRecord:
    (asset,) = plan.assets
    pipeline.handle(AssetSettled(client=SINTEF, run=plan.run, asset=asset.asset, cause="cut-off"))
    pipeline.deliver()
    return record_of(pipeline, plan)


def record_of(pipeline: InProcessPipeline, plan: Plan) -> AssetRecord:
    (record,) = read_run(pipeline.documents, plan.run).assets.values()
    return record


def guard(pipeline: InProcessPipeline, plan: Plan, minutes_before: float) -> None:
    at = plan.cut_offs.gate - timedelta(minutes=minutes_before)
    pipeline.clock.advance(at - pipeline.clock.now())
    pipeline.handle(GuardTick(client=SINTEF))
    pipeline.deliver()


def broken(pipeline: InProcessPipeline, path: str) -> None:
    """Have a document be as a newer release might write it."""
    stored = pipeline.documents.get(path)
    assert stored is not None
    pipeline.documents.commit(Put(path, {**stored, "of_a_newer_release": 1}))


def test_fallback__older_revision_whose_message_is_late__rises_at_the_next_look(
    sintef, sintef_inputs
):
    first, second = planned_again(sintef, sintef_inputs)
    assert settle(sintef, second).fallback == "water_value"

    solved(sintef, first, first.assets[0].scenarios)
    older = settle(sintef, first)
    guard(sintef, second, 4)

    record = record_of(sintef, second)
    assert (record.state, record.fallback) == (
        AssetState.FALLBACK,
        f"older_revision {first.run}",
    )
    assert record.matrix == older.matrix
    (order,) = sintef.exchange.orders.values()
    assert (order.version, order.matrix.digest()) == (
        2,
        read_run(sintef.documents, second.run).areas["NO2"].matrix,
    )


def test_fallback__older_revision_that_nobody_settled__is_what_its_solves_give(
    sintef, sintef_inputs
):
    first, second = planned_again(sintef, sintef_inputs)
    solved(sintef, first, first.assets[0].scenarios)

    record = settle(sintef, second)

    assert record.fallback == f"older_revision {first.run}"
    assert read_run(sintef.documents, first.run).assets == {}
    assert settle(sintef, first).matrix == record.matrix


def test_fallback__older_revision_that_gets_better__is_followed(sintef, sintef_inputs):
    first, second = planned_again(sintef, sintef_inputs)
    solved(sintef, first, first.assets[0].scenarios[:40])
    assert settle(sintef, second).fallback == f"older_revision {first.run} 40/52"

    solved(sintef, first, first.assets[0].scenarios)
    guard(sintef, second, 4)

    record = record_of(sintef, second)
    assert record.fallback == f"older_revision {first.run}"
    assert record.matrix == settle(sintef, first).matrix


def test_fallback__that_cannot_rise__is_left_as_it_is(sintef, sintef_inputs):
    first, second = planned_again(sintef, sintef_inputs)
    solved(sintef, first, first.assets[0].scenarios[:5])
    before = settle(sintef, second)
    events = len(sintef.documents.find(paths.EVENTS))

    for minutes in (4.5, 3.5, 2.5):
        guard(sintef, second, minutes)

    assert before.fallback == "water_value"
    assert record_of(sintef, second) == before
    assert len(sintef.documents.find(paths.EVENTS)) == events


def test_fallback__from_the_newest_older_revision__reads_no_other_run(sintef, sintef_inputs):
    first, second = planned_again(sintef, sintef_inputs)
    solved(sintef, first, first.assets[0].scenarios)
    settle(sintef, first)
    settle(sintef, second)
    asked: list[str] = []
    whole = sintef.documents

    class Watched:
        def __getattr__(self, name: str):
            return getattr(whole, name)

        def get(self, path: str):
            asked.append(path)
            return whole.get(path)

        def get_many(self, wanted):
            asked.extend(wanted)
            return whole.get_many(wanted)

    sintef.documents = Watched()
    record = settle(sintef, second)

    assert record.fallback == f"older_revision {first.run}"
    assert [path for path in asked if path.startswith(f"runs/{first.run}/scenarios")] == []


def test_fallback__an_older_revision_on_a_fallback__is_passed_over(sintef, sintef_inputs):
    first, second, third = planned_again(sintef, sintef_inputs, 3)
    solved(sintef, first, first.assets[0].scenarios)

    assert settle(sintef, second).fallback == f"older_revision {first.run}"
    assert settle(sintef, third).fallback == f"older_revision {first.run}"

    solved(sintef, second, second.assets[0].scenarios[:30])
    settle(sintef, second)
    guard(sintef, third, 4)
    assert record_of(sintef, third).fallback == f"older_revision {second.run} 30/52"


@pytest.mark.parametrize(("lost", "taken"), [("record", 2), ("plan", 1)])
def test_fallback__an_older_revision_of_which_something_cannot_be_read(
    sintef, sintef_inputs, lost: str, taken: int
):
    """Its solves count where its record cannot be read; without its plan it is passed over."""
    plans = planned_again(sintef, sintef_inputs, 3)
    for plan in plans[:2]:
        solved(sintef, plan, plan.assets[0].scenarios)
        settle(sintef, plan)
    run, asset = plans[1].run, plans[1].assets[0].asset
    broken(sintef, paths.asset(run, asset) if lost == "record" else paths.run(run))

    sintef.handle(AssetSettled(client=SINTEF, run=plans[2].run, asset=asset, cause="cut-off"))

    stored = sintef.documents.get(paths.asset(plans[2].run, asset))
    assert stored["fallback"] == f"older_revision {plans[taken - 1].run}"


def test_fallback__older_revision_not_allowed__does_not_rise(sintef_inputs: ClientInputs):
    inputs = with_asset_fields(sintef_inputs, fallback=["water_value"])
    pipeline = published(inputs)
    first, second = planned_again(pipeline, inputs)
    before = settle(pipeline, second)

    solved(pipeline, first, first.assets[0].scenarios)
    settle(pipeline, first)
    guard(pipeline, second, 4)

    assert record_of(pipeline, second) == before


@pytest.mark.parametrize("chain", [["water_value"], []])
def test_fallback__more_is_solved_and_still_too_little__says_so(sintef_inputs, chain):
    pipeline = published(with_asset_fields(sintef_inputs, fallback=chain))
    plan = pipeline.plan(SINTEF, DAY).plan
    before = settle(pipeline, plan)
    assert before.unsafe == "no scenario was solved"

    solved(pipeline, plan, plan.assets[0].scenarios[:20])
    record = settle(pipeline, plan)
    guard(pipeline, plan, 4)

    assert record.state is before.state
    assert record.unsafe == "38.5% of the probability was solved, 50.0% is needed"
    assert len(record.coverage.missing) == 32
    assert record_of(pipeline, plan) == record
    orders = [order.version for order in pipeline.exchange.orders.values()]
    assert orders == ([1] if chain else [])


def test_unreadable__outcomes__count_as_not_solved(sintef: InProcessPipeline):
    plan = sintef.plan(SINTEF, DAY).plan
    (asset,) = plan.assets
    solved(sintef, plan, asset.scenarios)
    lost = asset.scenarios[:3]
    for scenario in lost:
        broken(sintef, paths.scenario(plan.run, asset.asset, scenario))

    record = settle(sintef, plan)
    settle(sintef, plan)

    assert record.state is AssetState.PARTIAL
    assert record.coverage.missing == dict.fromkeys(lost, "CORRUPT_DOCUMENT")
    (alert,) = run_alerts(sintef.documents, plan.run)
    assert (alert.code, alert.severity, alert.version) == ("CORRUPT_DOCUMENT", "CRITICAL", 1)
    assert alert.context["unreadable"] == sorted(lost)
    assert read_run(sintef.documents, plan.run).state is RunState.SUBMITTED


@pytest.mark.parametrize(
    ("of", "reason"), [("shop-standard", "CORRUPT_DOCUMENT"), ("another", "NOT_STARTED")]
)
def test_unreadable__log_of_attempts__costs_only_its_assets_reasons(
    sintef: InProcessPipeline, of: str, reason: str
):
    plan = sintef.plan(SINTEF, DAY).plan
    (asset,) = plan.assets
    log = f"{paths.attempts(plan.run)}/{of}~independent-001~1"
    sintef.documents.commit(Put(log, {"of_a_newer_release": 1}))
    solved(sintef, plan, asset.scenarios[:-1])

    record = settle(sintef, plan)

    assert record.state is AssetState.PARTIAL
    assert record.coverage.missing == {asset.scenarios[-1]: reason}
