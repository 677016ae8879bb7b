"""What is said of runs that went well, badly, slowly and not at all."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from examples import CASCADE, DAY, SINTEF, published, with_asset_fields

from hydrobid.adapters.memory import InProcessSolver
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.errors import NotFound, OutcomeUnknown, SolverDied
from hydrobid.domain.identifiers import RunId
from hydrobid.domain.messages import AssetSettled, CutOffReached
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.domain.scenarios import ScenarioSet
from hydrobid.domain.states import AssetState, RunState
from hydrobid.hydro.schedule import FailureCode, SolveFailure
from hydrobid.hydro.solve import solve_scenarios
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.diagnose_run import Diagnosis, diagnose_run
from hydrobid.pipeline.diagnosis.effect import Standing
from hydrobid.pipeline.diagnosis.expectation import Expectation
from hydrobid.pipeline.diagnosis.tasks import TryEnd
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.solve_task import TaskRequest, solve_task
from hydrobid.schema import ClientInputs

SECOND = timedelta(seconds=1)


def infeasible(where: Callable[[str], bool]) -> InProcessSolver:
    def solve(watercourse, grid, prices) -> Iterator:
        for scenario, result in solve_scenarios(watercourse, grid, prices):
            bad = SolveFailure(FailureCode.INFEASIBLE, "volumes below zero", {"row": 7})
            yield scenario, bad if where(scenario) else result

    return InProcessSolver(solve)


def ending_at(poison: str, error: BaseException) -> InProcessSolver:
    def solve(watercourse, grid, prices) -> Iterator:
        for scenario, result in solve_scenarios(watercourse, grid, prices):
            if scenario == poison:
                raise error
            yield scenario, result

    return InProcessSolver(solve)


def solve_one(pipeline: InProcessPipeline, plan: Plan, asset: AssetPlan, number: int) -> None:
    request = TaskRequest(
        client=plan.client, run=plan.run, asset=asset.asset, task=asset.tasks[number].id
    )
    solve_task(pipeline.documents, pipeline.clock, pipeline.solver, request)


def settle(pipeline: InProcessPipeline, plan: Plan, asset: AssetPlan) -> None:
    pipeline.messages.publish(AssetSettled(client=plan.client, run=plan.run, asset=asset.asset))
    pipeline.deliver()


def diagnosis_of(pipeline: InProcessPipeline, run: RunId) -> Diagnosis:
    diagnosis = diagnose_run(pipeline.documents, run)
    assert Diagnosis.from_document(diagnosis.to_document()) == diagnosis
    return diagnosis


def test_diagnose__a_run_that_went_well(sintef: InProcessPipeline):
    plan = sintef.plan(SINTEF, DAY).plan
    (asset,) = plan.assets
    for number in range(3):
        sintef.clock.advance((number + 1) * SECOND)
        solve_one(sintef, plan, asset, number)
    sintef.clock.advance(4 * SECOND)
    settle(sintef, plan, asset)

    found = diagnosis_of(sintef, plan.run)

    assert (found.state, found.waits_for) == (RunState.SUBMITTED, ())
    assert (found.stood, found.spare_seconds) == (sintef.clock.now(), 90 * 60 - 10)
    spans = {span.stage: (span.seconds, span.parts) for span in found.stages}
    assert spans == {"solve": (5, 3), "aggregate": (4, 1), "merge": (0, 1), "submit": (0, 1)}
    assert [(step.stage, step.seconds) for step in found.critical_path] == [
        ("plan", 0),
        ("solve", 6),
        ("solve", 0),
        ("aggregate", 4),
        ("merge", 0),
        ("approve", 0),
        ("submit", 0),
    ]
    assert found.critical_path[1].subject == "shop-standard~independent-003"
    assert all(task.smooth for task in found.tasks)
    assert all(asset.whole and not asset.absences for asset in found.assets)
    (area,) = found.areas
    assert (area.stands, area.idle, area.gain) == (Standing.THIS_BID, 0, None)
    assert area.by_state == {AssetState.COMPLETE: area.offered}
    assert area.assets[0].unfounded.energy == 0
    assert found.alerts == ()


def test_diagnose__partial_says_what_is_missing_and_what_rests_on_nothing(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    plan = sintef.plan(SINTEF, DAY).plan
    lost = plan.assets[0].scenarios[:10]
    sintef.solver = infeasible(lambda scenario: scenario in lost)
    sintef.run(SINTEF, DAY)

    found = diagnosis_of(sintef, plan.run)

    (asset,) = found.assets
    (absence,) = asset.absences
    assert (asset.solved, asset.planned) == (42, 52)
    assert (absence.reason, absence.scenarios) == ("INFEASIBLE", lost)
    assert (absence.message, absence.details) == ("volumes below zero", {"row": 7})
    assert absence.probability == pytest.approx(10 / 52)
    (area,) = found.areas
    (effect,) = area.assets
    assert effect.offered == area.offered == area.by_state[AssetState.PARTIAL]
    assert effect.unfounded == read_by_hand(sintef, plan, lost)
    assert effect.offered == read_by_hand(sintef, plan, plan.assets[0].scenarios)
    assert effect.obtainable is None
    assert "shop-standard would have sold in the 10 scenarios" in found.unknown[0]


def read_by_hand(
    pipeline: InProcessPipeline, plan: Plan, scenarios: tuple[str, ...]
) -> Expectation:
    """Return what the order's curves sell at some scenarios, one price after the other."""
    stored = get_blob(pipeline.documents, plan.inputs.scenario_sets["day-ahead"])
    known = ScenarioSet.from_document(stored)
    (order,) = pipeline.exchange.orders.values()
    energy = sales = 0.0
    for scenario in scenarios:
        weight = known.probability_of(scenario)
        for curve, price in zip(order.matrix.curves, known.prices_of("NO2", scenario), strict=True):
            volume = float(curve.lots_at([round(price / 0.1)])[0]) * 0.1
            energy += weight * volume / 4
            sales += weight * volume / 4 * price
    return Expectation(energy=round(energy, 3), power=round(energy / 24, 3), sales=round(sales, 2))


def test_diagnose__retries_and_the_wait_for_a_cut_off(cascade_inputs: ClientInputs):
    cascade = published(with_asset_fields(cascade_inputs, fallback=[]))
    plan = cascade.plan(CASCADE, DAY).plan
    stuck, *others = plan.assets
    poison = stuck.tasks[0].scenarios[3]
    whole, cascade.solver = cascade.solver, ending_at(poison, SolverDied("killed"))
    for _ in range(2):
        cascade.clock.advance(5 * SECOND)
        with pytest.raises(SolverDied):
            solve_one(cascade, plan, stuck, 0)
    cascade.solver = whole
    cascade.clock.advance(5 * SECOND)
    solve_one(cascade, plan, stuck, 0)
    for asset in others:
        for number in range(len(asset.tasks)):
            solve_one(cascade, plan, asset, number)
        settle(cascade, plan, asset)

    before = diagnosis_of(cascade, plan.run)
    assert before.waits_for == (f"{stuck.asset}: 46 of 60 scenarios have no outcome",)
    cascade.clock.advance(timedelta(hours=1))
    cascade.handle(CutOffReached(client=CASCADE, run=plan.run, cut_off="submission"))
    after = diagnosis_of(cascade, plan.run)

    assert before.stood is None
    assert before.critical_path[-1].subject == f"{stuck.asset}~{stuck.tasks[0].id}"
    assert [step.what.split(",")[0] for step in after.critical_path] == [
        "planned",
        "try 1 began",
        "try 2 began",
        "try 3 began",
        f"{stuck.tasks[0].scenarios[-1]} solved",
        "failed with 14 of 60 scenarios",
        "bid 1 validated",
        "approved",
        "stood as order order-2",
    ]
    assert f"with {poison} at hand: SOLVER_DIED" in after.critical_path[2].what
    assert max(after.critical_path, key=lambda step: step.seconds).subject == stuck.asset
    first, *rest = (task for task in after.tasks if task.asset == stuck.asset)
    assert [one.end for one in first.tries] == [TryEnd.GAVE_WAY, TryEnd.GAVE_WAY, TryEnd.ENDED]
    assert (first.absent, first.retry_seconds) == ((poison,), 10)
    assert all(task.tries == () for task in rest)
    reasons = {a.reason: a.scenarios for a in after.assets[0].absences}
    assert reasons["SKIPPED"] == (poison,)
    assert len(reasons["NOT_STARTED"]) == 45


def test_diagnose__what_came_late_would_have_sold_as_a_whole_run_does(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    plan = sintef.plan(SINTEF, DAY).plan
    (asset,) = plan.assets
    for number in range(2):
        solve_one(sintef, plan, asset, number)
    settle(sintef, plan, asset)
    solve_one(sintef, plan, asset, 2)

    found = diagnosis_of(sintef, plan.run)
    whole = published(sintef_inputs)
    whole.run(SINTEF, DAY)
    (whole_area,) = diagnosis_of(whole, plan.run).areas

    (area,) = found.areas
    assert found.assets[0].late == asset.tasks[2].scenarios
    assert area.assets[0].obtainable == whole_area.offered
    assert area.gain == whole_area.offered - area.offered
    assert area.gain.sales != 0


def test_diagnose__failed_asset_leaves_capacity_idle(sintef_inputs: ClientInputs):
    pipeline = published(with_asset_fields(sintef_inputs, fallback=[]))
    plan = pipeline.plan(SINTEF, DAY).plan
    kept = plan.assets[0].scenarios[:5]
    pipeline.solver = infeasible(lambda scenario: scenario not in kept)
    pipeline.run(SINTEF, DAY)

    found = diagnosis_of(pipeline, plan.run)

    (area,) = found.areas
    (effect,) = area.assets
    assert found.state is RunState.FAILED
    assert (area.stands, area.offered.energy, area.by_state) == (Standing.NOTHING, 0, {})
    assert area.idle == effect.capacity == 585
    assert (effect.state, effect.offered) == (AssetState.FAILED, None)
    assert effect.solved_probability == pytest.approx(5 / 52)
    assert effect.obtainable.energy > 0
    assert area.gain == effect.obtainable
    assert "9.6% of the probability" in found.assets[0].unsafe
    assert {a.alert.code for a in found.alerts} == {"ASSET_WITHOUT_BID", "AREA_WITHOUT_BID"}
    assert all("before the gate" in advised.advice for advised in found.alerts)


def test_diagnose__nothing_solved_at_all_is_said_to_be_unknown(sintef_inputs: ClientInputs):
    pipeline = published(with_asset_fields(sintef_inputs, fallback=[]))
    pipeline.solver = infeasible(lambda _: True)
    view = pipeline.run(SINTEF, DAY)

    found = diagnosis_of(pipeline, view.plan.run)

    assert found.areas[0].gain is None
    assert any("585 MW, 14040 MWh a day" in line for line in found.unknown)


def test_diagnose__a_fallback_rests_on_no_scenario(sintef: InProcessPipeline):
    plan = sintef.plan(SINTEF, DAY).plan
    kept = plan.assets[0].scenarios[:5]
    sintef.solver = infeasible(lambda scenario: scenario not in kept)
    sintef.run(SINTEF, DAY)

    found = diagnosis_of(sintef, plan.run)

    (effect,) = found.areas[0].assets
    assert (effect.state, found.assets[0].fallback) == (AssetState.FALLBACK, "water_value")
    assert effect.unfounded == effect.offered
    assert effect.obtainable is not None
    assert found.areas[0].gain == effect.obtainable - effect.offered


def test_diagnose__a_try_that_never_ended(sintef: InProcessPipeline):
    plan = sintef.plan(SINTEF, DAY).plan
    (asset,) = plan.assets
    at_hand = asset.tasks[0].scenarios[4]
    sintef.solver = ending_at(at_hand, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        solve_one(sintef, plan, asset, 0)

    found = diagnosis_of(sintef, plan.run)

    (one,) = found.tasks[0].tries
    assert (one.end, one.at_hand, one.seconds) == (TryEnd.NEVER_ENDED, at_hand, None)
    assert one.words == f"never ended with {at_hand} at hand"
    assert len(found.tasks[0].absent) == 16
    assert any("Whether the 1 tries that never ended" in line for line in found.unknown)
    assert {absence.reason for absence in found.assets[0].absences} == {"NOT_SETTLED"}


def test_diagnose__a_message_that_does_not_arrive_is_waited_for(sintef: InProcessPipeline):
    plan = sintef.plan(SINTEF, DAY).plan
    sintef.solve(plan)
    unsettled = diagnosis_of(sintef, plan.run)
    sintef.handle(sintef.messages.waiting.popleft())
    unmerged = diagnosis_of(sintef, plan.run)

    assert "the aggregator has not settled it" in unsettled.waits_for[0]
    assert unsettled.critical_path[-1].what == "s52 solved, the last"
    assert "submission has not merged them" in unmerged.waits_for[0]
    assert unmerged.critical_path[-1].stage == "aggregate"


def test_diagnose__an_order_that_the_exchange_does_not_take(sintef: InProcessPipeline):
    class Silent:
        """An exchange that takes orders, and of which nobody ever sees one."""

        def __init__(self, exchange) -> None:
            self.auction = exchange.auction

        def standing_order(self, *_):
            return None

        def place(self, *_):
            raise OutcomeUnknown("no answer")

    sintef.exchange = Silent(sintef.exchange)
    with pytest.raises(OutcomeUnknown):
        sintef.run(SINTEF, DAY)

    found = diagnosis_of(sintef, RunId.parse(f"nordic~{DAY}~r1"))

    assert found.waits_for == ("NO2: the order is UNKNOWN at the exchange after 4 sendings",)
    assert found.areas[0].stands is Standing.NOTHING
    assert found.critical_path[-1].stage == "merge"


def test_diagnose__a_run_that_was_only_planned(sintef: InProcessPipeline):
    plan = sintef.plan(SINTEF, DAY).plan

    found = diagnosis_of(sintef, plan.run)

    assert (found.stages, found.state) == ((), RunState.PLANNED)
    assert [step.what for step in found.critical_path] == ["planned"]
    assert found.areas[0].state is None


def test_diagnose__superseded_by_an_equal_bid_whose_content_stands(
    cascade: InProcessPipeline, cascade_inputs: ClientInputs
):
    first = cascade.run(CASCADE, DAY).plan.run
    fewer = with_asset_fields(cascade_inputs, method={"name": "multi_scenario", "chunk": 30})
    cascade.clock.advance(SECOND)
    publish_inputs(
        cascade.documents, cascade.clock, fewer.configuration, cascade_inputs.scenario_sets
    )
    second = cascade.run(CASCADE, DAY).plan.run

    older, newer = diagnosis_of(cascade, first), diagnosis_of(cascade, second)

    assert (older.state, newer.state) == (RunState.SUPERSEDED, RunState.SUBMITTED)
    # Other chunks make the same bid: it is the content that stands, not the run.
    assert {area.stands for area in (*older.areas, *newer.areas)} == {Standing.THIS_BID}


def test_diagnose__another_bid_stands(sintef: InProcessPipeline, sintef_inputs: ClientInputs):
    plan = sintef.plan(SINTEF, DAY).plan
    lost = plan.assets[0].scenarios[:10]
    whole, sintef.solver = sintef.solver, infeasible(lambda scenario: scenario in lost)
    sintef.run(SINTEF, DAY)
    sintef.solver = whole
    fewer = with_asset_fields(sintef_inputs, method={"name": "multi_scenario", "chunk": 26})
    sintef.clock.advance(SECOND)
    publish_inputs(sintef.documents, sintef.clock, fewer.configuration, sintef_inputs.scenario_sets)
    newer = diagnosis_of(sintef, sintef.run(SINTEF, DAY).plan.run)

    older = diagnosis_of(sintef, plan.run)

    (area,) = older.areas
    assert area.stands is Standing.ANOTHER_BID
    assert area.standing == newer.areas[0].offered != area.offered
    assert older.stood is None


def test_diagnose__no_such_run(sintef: InProcessPipeline):
    with pytest.raises(NotFound):
        diagnose_run(sintef.documents, RunId.parse(f"nordic~{DAY}~r9"))
