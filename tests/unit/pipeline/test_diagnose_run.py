"""What is said of runs that went well, slowly, badly and not at all."""

from datetime import timedelta

import pytest
from diagnosed_runs import SECOND, diagnosis_of, ending_at, settle, solve_one
from examples import CASCADE, DAY, SINTEF, published, with_asset_fields

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.errors import NotFound, OutcomeUnknown, SolverDied
from hydrobid.domain.identifiers import RunId
from hydrobid.domain.messages import CutOffReached
from hydrobid.domain.states import AssetState, OrderState, RunState
from hydrobid.pipeline.diagnose_run import diagnose_run
from hydrobid.pipeline.diagnosis.effect import Standing
from hydrobid.pipeline.diagnosis.tasks import TryEnd
from hydrobid.pipeline.diagnosis.trail import Trail, seconds_between
from hydrobid.pipeline.ports import ExchangeOrders
from hydrobid.schema import ClientInputs

ONE_BY_ONE = {"name": "multi_scenario", "chunk": 1}


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
        f"{max(stuck.tasks[0].scenarios[4:])} solved",  # all at one instant: the last by name
        "46 of 60 outcomes had not come by the submission-cut-off",
        "failed with 14 of 60 scenarios",
        "bid 1 validated",
        "approved",
        "stood as order order-2",
    ]
    assert f"with {poison} at hand: SOLVER_DIED" in after.critical_path[2].what
    assert max(after.critical_path, key=lambda step: step.seconds).subject == stuck.asset
    first, *rest = (task for task in after.tasks if task.asset == stuck.asset)
    assert [one.end for one in first.tries] == [TryEnd.GAVE_WAY, TryEnd.ENDED, TryEnd.GAVE_WAY]
    assert (first.absent, first.retry_seconds) == ((poison,), 5)
    assert all(task.tries == () for task in rest)
    reasons = {a.reason: a.scenarios for a in after.assets[0].absences}
    assert reasons["SKIPPED"] == (poison,)
    assert len(reasons["NOT_STARTED"]) == 45


def test_diagnose__a_hung_solver_is_waited_for_until_the_cut_off(sintef: InProcessPipeline):
    plan = sintef.plan(SINTEF, DAY).plan
    (asset,) = plan.assets
    hung = asset.tasks[0].scenarios[4]
    whole, sintef.solver = sintef.solver, ending_at(hung, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        solve_one(sintef, plan, asset, 0)
    sintef.solver = whole
    for number in (1, 2):
        sintef.clock.advance(SECOND)
        solve_one(sintef, plan, asset, number)
    sintef.clock.advance(plan.cut_offs.solve - sintef.clock.now())
    late = timedelta(milliseconds=300)
    sintef.clock.advance(late)
    settle(sintef, plan, asset, cause="cut-off")

    found = diagnosis_of(sintef, plan.run)

    until = seconds_between(plan.planned_at, plan.cut_offs.solve)
    spans = {span.stage: span for span in found.stages}
    assert (spans["solve"].seconds, spans["aggregate"].seconds) == (until, late.total_seconds())
    assert spans["solve"].slowest == f"{asset.asset}~{asset.tasks[0].id}"
    assert [(step.stage, step.seconds) for step in found.critical_path] == [
        ("plan", 0),
        ("solve", 2),
        ("solve", 0),
        ("solve", until - 2),
        ("aggregate", late.total_seconds()),
        ("merge", 0),
        ("approve", 0),
        ("submit", 0),
    ]
    absent = len(found.tasks[0].absent)
    assert found.critical_path[3].what == f"{absent} of 52 outcomes had not come by the cut-off"


def test_diagnose__a_task_that_was_never_begun_is_waited_for_too(sintef: InProcessPipeline):
    plan = sintef.plan(SINTEF, DAY).plan
    (asset,) = plan.assets
    sintef.clock.advance(SECOND)
    for number in (0, 1):
        solve_one(sintef, plan, asset, number)
    sintef.clock.advance(plan.cut_offs.solve - sintef.clock.now())
    settle(sintef, plan, asset, cause="cut-off")

    spans = {span.stage: span for span in diagnosis_of(sintef, plan.run).stages}

    until = seconds_between(plan.planned_at, plan.cut_offs.solve)
    assert (spans["solve"].seconds, spans["solve"].parts) == (until - 1, 3)
    assert spans["solve"].slowest == f"{asset.asset}~{asset.tasks[2].id}"
    assert spans["aggregate"].seconds == 0


def test_diagnose__a_message_that_is_lost_is_not_what_solvers_took(sintef: InProcessPipeline):
    """Every outcome is there, and the asset is settled only by the cut-off all the same."""
    plan = sintef.plan(SINTEF, DAY).plan
    sintef.solve(plan)
    sintef.messages.waiting.clear()
    sintef.clock.advance(plan.cut_offs.solve - sintef.clock.now() + SECOND)
    settle(sintef, plan, plan.assets[0], cause="cut-off")

    spans = {span.stage: span.seconds for span in diagnosis_of(sintef, plan.run).stages}

    waited = seconds_between(plan.planned_at, plan.cut_offs.solve)
    assert (spans["solve"], spans["aggregate"]) == (0, waited + 1)


def test_diagnose__outcomes_are_looked_up_once_an_asset(
    sintef_inputs: ClientInputs, monkeypatch: pytest.MonkeyPatch
):
    """A task for each of many scenarios must not cost a look at all of them."""
    pipeline = published(with_asset_fields(sintef_inputs, method=ONE_BY_ONE))
    run = pipeline.run(SINTEF, DAY).plan.run
    asked = []
    whole = Trail.of_outcomes

    def counted(self, asset):
        asked.append(asset.asset)
        return whole(self, asset)

    monkeypatch.setattr(Trail, "of_outcomes", counted)

    found = diagnosis_of(pipeline, run)

    assert len(found.tasks) == 52
    assert len(asked) < 15


def test_diagnose__the_path_leads_through_what_stands_now(sintef: InProcessPipeline):
    plan = sintef.plan(SINTEF, DAY).plan
    (asset,) = plan.assets
    solve_one(sintef, plan, asset, 0)
    solve_one(sintef, plan, asset, 1)
    settle(sintef, plan, asset)
    solve_one(sintef, plan, asset, 2)
    settle(sintef, plan, asset)

    found = diagnosis_of(sintef, plan.run)

    whats = [step.what for step in found.critical_path]
    assert "complete with 52 of 52 scenarios" in whats
    assert "bid 2 validated" in whats


def test_diagnose__a_closed_gate_does_not_hide_when_the_order_stood(sintef: InProcessPipeline):
    run = sintef.run(SINTEF, DAY).plan.run
    stood = sintef.clock.now()
    sintef.clock.advance(timedelta(hours=2))
    sintef.handle(CutOffReached(client=SINTEF, run=run, cut_off="submission"))

    found = diagnosis_of(sintef, run)

    assert (found.stood, found.spare_seconds) == (stood, 90 * 60)
    assert found.critical_path[-1].what == "stood as order order-1"
    assert found.areas[0].order is OrderState.CLOSED
    assert found.waits_for == ()


def test_diagnose__tries_after_the_bid_are_not_what_it_waited_for(sintef: InProcessPipeline):
    plan = sintef.plan(SINTEF, DAY).plan
    (asset,) = plan.assets
    lost = asset.tasks[2].scenarios[-1]
    solve_one(sintef, plan, asset, 0)
    solve_one(sintef, plan, asset, 1)
    whole, sintef.solver = sintef.solver, ending_at(lost, SolverDied("killed"))
    sintef.clock.advance(SECOND)
    with pytest.raises(SolverDied):
        solve_one(sintef, plan, asset, 2)
    settle(sintef, plan, asset)
    sintef.solver = whole
    sintef.clock.advance(SECOND)
    solve_one(sintef, plan, asset, 2)

    found = diagnosis_of(sintef, plan.run)

    began = [step.what for step in found.critical_path if step.what.startswith("try")]
    assert began == ["try 1 began"]
    assert "partial with 51 of 52 scenarios, once 1 of 3 tasks were given up" in {
        step.what for step in found.critical_path
    }


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
    assert any("what never ended (1 of the tries)" in line for line in found.unknown)
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
            self.within = exchange.within
            self.auction, self.terms = exchange.auction, exchange.terms

        def standing_orders(self, *_):
            return ExchangeOrders()

        def place(self, *_):
            raise OutcomeUnknown("no answer")

    sintef.exchange = Silent(sintef.exchange)
    with pytest.raises(OutcomeUnknown):
        sintef.run(SINTEF, DAY)

    found = diagnosis_of(sintef, RunId.parse(f"nordic~{DAY}~r1"))

    assert found.waits_for == ("NO2: the order is UNKNOWN at the exchange after 6 sendings",)
    assert found.areas[0].stands is Standing.NOTHING
    assert found.critical_path[-1].stage == "merge"


def test_diagnose__a_run_that_was_only_planned(sintef: InProcessPipeline):
    plan = sintef.plan(SINTEF, DAY).plan

    found = diagnosis_of(sintef, plan.run)

    assert (found.stages, found.state) == ((), RunState.PLANNED)
    assert [step.what for step in found.critical_path] == ["planned"]
    assert found.areas[0].state is None


def test_diagnose__no_such_run(sintef: InProcessPipeline):
    with pytest.raises(NotFound):
        diagnose_run(sintef.documents, sintef.clock, RunId.parse(f"nordic~{DAY}~r9"))
