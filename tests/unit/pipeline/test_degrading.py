"""What the pipeline does with what is not there: scenarios, assets, messages and answers."""

import copy
import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from examples import CASCADE, DAY, SINTEF, published, with_asset_fields

from hydrobid.adapters.memory import InProcessSolver
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.errors import RetryableError, SolverDied
from hydrobid.domain.messages import AssetBid, AssetSettled, CutOffReached
from hydrobid.domain.states import AssetState, RunState
from hydrobid.hydro.schedule import FailureCode, SolveFailure
from hydrobid.hydro.solve import solve_problem
from hydrobid.pipeline import paths
from hydrobid.pipeline.plan_run import PlanRequest, plan_run
from hydrobid.pipeline.read_run import read_run, run_alerts, run_events
from hydrobid.pipeline.solve_task import TaskRequest, solve_task
from hydrobid.schema import ClientInputs, configuration_of


def failing(where: Callable[[str], bool]) -> InProcessSolver:
    """Return a solver to which the scenarios that `where` picks are infeasible."""

    def solve(problem, scenarios) -> Iterator:
        for scenario, result in solve_problem(problem, scenarios):
            if where(scenario):
                yield scenario, SolveFailure(FailureCode.INFEASIBLE, "no way", {})
            else:
                yield scenario, result

    return InProcessSolver(solve)


def dying_at(*poisons: str) -> InProcessSolver:
    """Return a solver that dies over some scenarios."""

    def solve(problem, scenarios) -> Iterator:
        for scenario, result in solve_problem(problem, scenarios):
            if scenario in poisons:
                raise SolverDied("killed")
            yield scenario, result

    return InProcessSolver(solve)


def first_task(pipeline: InProcessPipeline) -> TaskRequest:
    plan = pipeline.plan(SINTEF, DAY).plan
    asset = plan.assets[0]
    return TaskRequest(client=SINTEF, run=plan.run, asset=asset.asset, task=asset.tasks[0].id)


def test_some_scenarios_fail__partial_bid_that_says_what_is_missing(sintef: InProcessPipeline):
    plan = sintef.plan(SINTEF, DAY).plan
    lost = set(plan.assets[0].scenarios[:10])
    sintef.solver = failing(lambda scenario: scenario in lost)

    view = sintef.run(SINTEF, DAY)

    (asset,) = view.assets.values()
    assert asset.state is AssetState.PARTIAL
    assert asset.coverage.missing == dict.fromkeys(sorted(lost), "INFEASIBLE")
    assert view.areas["NO2"].partial
    assert [finding.code for finding in view.areas["NO2"].findings] == ["ASSET_PARTIAL"]
    assert view.state is RunState.SUBMITTED


def test_all_scenarios_fail_and_no_fallback__nothing_is_submitted_and_an_alert_says_so(
    sintef_inputs: ClientInputs,
):
    sintef = published(with_asset_fields(sintef_inputs, fallback=[]))
    sintef.solver = failing(lambda _: True)

    view = sintef.run(SINTEF, DAY)

    alerts = run_alerts(sintef.documents, view.plan.run)
    assert view.state is RunState.FAILED
    assert sintef.exchange.orders == {}
    assert {(a.code, a.severity) for a in alerts} == {
        ("ASSET_WITHOUT_BID", "CRITICAL"),
        ("AREA_WITHOUT_BID", "CRITICAL"),
    }
    (asset_alert,) = [a for a in alerts if a.code == "ASSET_WITHOUT_BID"]
    assert set(asset_alert.context["missing"].values()) == {"INFEASIBLE"}
    assert len(asset_alert.context["missing"]) == 52


def test_stuck_asset__the_others_are_submitted_at_the_cut_off(cascade_inputs: ClientInputs):
    cascade = published(with_asset_fields(cascade_inputs, fallback=[]))
    plan = cascade.plan(CASCADE, DAY).plan
    cascade.solve(plan)
    settled = [m for m in cascade.messages.waiting if isinstance(m, AssetSettled)]
    shared_area = next(area for area in plan.price_areas if len(plan.assets_in(area)) > 1)
    stuck = plan.assets_in(shared_area)[0].asset
    for scenario in plan.assets_in(shared_area)[0].scenarios:
        del cascade.documents._documents[f"runs/{plan.run}/scenarios/{stuck}~{scenario}"]
    cascade.messages.waiting.clear()
    cascade.messages.waiting.extend(m for m in settled if m.asset != stuck)

    cascade.deliver()
    before = read_run(cascade.documents, plan.run)
    cascade.handle(CutOffReached(client=CASCADE, run=plan.run, cut_off="submission"))
    after = read_run(cascade.documents, plan.run)

    assert shared_area not in before.areas
    assert after.state is RunState.SUBMITTED
    assert after.assets[stuck].state is AssetState.FAILED
    assert after.areas[shared_area].missing == {stuck: "FAILED"}
    assert len(cascade.exchange.orders) == 2


def test_late_scenarios__lift_the_asset_and_amend_the_order(sintef: InProcessPipeline):
    plan = sintef.plan(SINTEF, DAY).plan
    asset = plan.assets[0]
    for task in asset.tasks[:-1]:
        request = TaskRequest(client=SINTEF, run=plan.run, asset=asset.asset, task=task.id)
        solve_task(sintef.documents, sintef.clock, sintef.solvers, request)
    early = AssetSettled(client=SINTEF, run=plan.run, asset=asset.asset, cause="cut-off")
    sintef.messages.publish(early)
    sintef.deliver()
    partial = read_run(sintef.documents, plan.run)

    sintef.solve(plan)
    sintef.deliver()
    whole = read_run(sintef.documents, plan.run)

    assert partial.assets[asset.asset].state is AssetState.PARTIAL
    assert set(partial.assets[asset.asset].coverage.missing.values()) == {"NOT_STARTED"}
    assert whole.assets[asset.asset].state is AssetState.COMPLETE
    (order,) = sintef.exchange.orders.values()
    assert (len(sintef.exchange.orders), order.version) == (1, 2)


def test_messages_three_times_and_out_of_order__change_nothing(sintef: InProcessPipeline):
    view = sintef.run(SINTEF, DAY)
    asset = view.plan.assets[0].asset
    again = [
        AssetBid(client=SINTEF, run=view.plan.run, asset=asset, version=1),
        CutOffReached(client=SINTEF, run=view.plan.run, cut_off="approval"),
        AssetSettled(client=SINTEF, run=view.plan.run, asset=asset, cause="cut-off"),
    ]
    events = run_events(sintef.documents, view.plan.run)

    for message in again * 3:
        sintef.messages.publish(message)
    sintef.deliver()

    assert run_events(sintef.documents, view.plan.run) == events
    (order,) = sintef.exchange.orders.values()
    assert order.version == 1


def test_solve_task__twice_writes_nothing_the_second_time(sintef: InProcessPipeline):
    request = first_task(sintef)
    first = solve_task(sintef.documents, sintef.clock, sintef.solvers, request)
    second = solve_task(sintef.documents, sintef.clock, sintef.solvers, request)

    assert first.written == first.planned == first.solved
    assert (second.written, second.solved) == (0, first.solved)


def test_solve_task__a_scenario_that_kills_twice_is_left_out(sintef: InProcessPipeline):
    request = first_task(sintef)
    plan = sintef.plan(SINTEF, DAY).plan
    poison = plan.assets[0].tasks[0].scenarios[3]
    sintef.solver = dying_at(poison)

    for _ in range(2):
        with pytest.raises(SolverDied):
            solve_task(sintef.documents, sintef.clock, sintef.solvers, request)
    report = solve_task(sintef.documents, sintef.clock, sintef.solvers, request)

    assert report.skipped == (poison,)
    assert report.solved == report.planned - 1
    assert solve_task(
        sintef.documents, sintef.clock, sintef.solvers, request
    ) == dataclasses.replace(report, written=0)


def test_solve_task__a_mended_day_is_run_again__what_was_left_out_is_tried_again(
    sintef: InProcessPipeline,
):
    request = first_task(sintef)
    poison = sintef.plan(SINTEF, DAY).plan.assets[0].tasks[0].scenarios[3]
    ports = (sintef.documents, sintef.clock)
    good, sintef.solver = sintef.solver, dying_at(poison)
    for execution in ("e1", "e1"):
        plan_run(*ports, PlanRequest(client=SINTEF, day=DAY, execution=execution, callback="x"))
        sintef.clock.advance(timedelta(minutes=1))
        with pytest.raises(SolverDied):
            solve_task(*ports, sintef.solvers, request)
    assert solve_task(*ports, sintef.solvers, request).skipped == (poison,)

    sintef.solver = good
    sintef.clock.advance(timedelta(minutes=1))
    plan_run(*ports, PlanRequest(client=SINTEF, day=DAY, execution="e2", callback="x"))
    report = solve_task(*ports, sintef.solvers, request)

    assert (report.solved, report.skipped) == (report.planned, ())


def test_thirty_percent_hang__the_others_are_bid_at_the_cut_off(sintef: InProcessPipeline):
    """One try at each task is all that there was time for before the cut-off."""
    plan = sintef.plan(SINTEF, DAY).plan
    asset = plan.assets[0]
    hung = {scenario for at, scenario in enumerate(asset.scenarios) if at % 10 in (2, 3, 7)}
    sintef.solver = dying_at(*hung)

    for task in asset.tasks:
        request = TaskRequest(client=SINTEF, run=plan.run, asset=asset.asset, task=task.id)
        with pytest.raises(SolverDied):
            solve_task(sintef.documents, sintef.clock, sintef.solvers, request)
    sintef.handle(AssetSettled(client=SINTEF, run=plan.run, asset=asset.asset, cause="cut-off"))
    sintef.deliver()

    view = read_run(sintef.documents, plan.run)
    coverage = view.assets[asset.asset].coverage
    assert view.assets[asset.asset].state is AssetState.PARTIAL
    assert coverage.solved == len(asset.scenarios) - len(hung)
    assert set(coverage.missing) == hung
    assert view.state is RunState.SUBMITTED


def test_solve_task__a_solver_that_waits_has_nothing_at_hand(sintef: InProcessPipeline):
    """Attempts that die before a worker was free say nothing against the first scenario."""

    class NeverFree:
        def solve(self, problem, scenarios, scenario_seconds):
            raise KeyboardInterrupt

    request = first_task(sintef)
    whole, sintef.solver = sintef.solver, NeverFree()
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            solve_task(sintef.documents, sintef.clock, sintef.solvers, request)

    sintef.solver = whole
    report = solve_task(sintef.documents, sintef.clock, sintef.solvers, request)

    assert (report.skipped, report.solved) == ((), report.planned)


def test_solve_task__solver_gives_way(sintef: InProcessPipeline):
    def solve(problem, scenarios):
        results = solve_problem(problem, scenarios)
        yield next(results)
        raise RetryableError("lost")

    request = first_task(sintef)
    whole = sintef.solver
    sintef.solver = InProcessSolver(solve)
    with pytest.raises(RetryableError):
        solve_task(sintef.documents, sintef.clock, sintef.solvers, request)
    sintef.solver = whole

    report = solve_task(sintef.documents, sintef.clock, sintef.solvers, request)

    assert report.written == report.planned - 1


def test_outcomes_that_came_late__count_at_the_cut_off(sintef_inputs: ClientInputs):
    """A solver that outlived its caller's patience finished after the asset was settled."""
    sintef = published(with_asset_fields(sintef_inputs, fallback=[]))
    plan = sintef.plan(SINTEF, DAY).plan
    asset = plan.assets[0].asset
    sintef.handle(AssetSettled(client=SINTEF, run=plan.run, asset=asset, cause="cut-off"))
    sintef.deliver()
    sintef.solve(plan)
    sintef.messages.waiting.clear()
    before = read_run(sintef.documents, plan.run)

    sintef.handle(CutOffReached(client=SINTEF, run=plan.run, cut_off="submission"))

    after = read_run(sintef.documents, plan.run)
    assert (before.state, after.state) == (RunState.FAILED, RunState.SUBMITTED)
    assert after.assets[asset].state is AssetState.COMPLETE


def test_outcomes_that_came_after_the_gate__change_nothing(sintef_inputs: ClientInputs):
    """A solver that was frozen wakes up when the day is over, and a message is delivered again."""
    sintef = published(with_asset_fields(sintef_inputs, fallback=[]))
    plan = sintef.plan(SINTEF, DAY).plan
    asset = plan.assets[0].asset
    settled = AssetSettled(client=SINTEF, run=plan.run, asset=asset, cause="cut-off")
    sintef.handle(settled)
    sintef.deliver()
    before = read_run(sintef.documents, plan.run)
    sintef.clock.advance(plan.cut_offs.gate - sintef.clock.now())
    sintef.solve(plan)

    sintef.handle(settled)
    sintef.deliver()

    after = read_run(sintef.documents, plan.run)
    assert (after.state, after.assets) == (before.state, before.assets)


def test_outcomes_read_after_the_gate__by_who_knew_of_no_record__change_nothing(
    sintef_inputs: ClientInputs, monkeypatch: pytest.MonkeyPatch
):
    """Whoever looked for the record before it was written slept until the gate had closed."""
    sintef = published(with_asset_fields(sintef_inputs, fallback=[]))
    plan = sintef.plan(SINTEF, DAY).plan
    settled = AssetSettled(client=SINTEF, run=plan.run, asset=plan.assets[0].asset, cause="cut-off")
    sintef.handle(settled)
    sintef.deliver()
    before = read_run(sintef.documents, plan.run)
    sintef.clock.advance(plan.cut_offs.gate - sintef.clock.now())
    sintef.solve(plan)
    record, get = paths.asset(plan.run, settled.asset), sintef.documents.get
    early = iter([record])

    def read(path: str):
        return None if path == record and next(early, None) else get(path)

    monkeypatch.setattr(sintef.documents, "get", read)
    sintef.handle(settled)

    assert read_run(sintef.documents, plan.run).assets == before.assets


def test_failed_run__is_solved_again_when_it_is_run_again(sintef_inputs: ClientInputs):
    sintef = published(with_asset_fields(sintef_inputs, fallback=[]))
    plan = sintef.plan(SINTEF, DAY).plan
    asset = plan.assets[0].asset
    sintef.handle(AssetSettled(client=SINTEF, run=plan.run, asset=asset, cause="solved"))
    sintef.deliver()
    assert read_run(sintef.documents, plan.run).state is RunState.FAILED

    again = sintef.run(SINTEF, DAY)

    assert (again.plan.run, again.state) == (plan.run, RunState.SUBMITTED)


def test_plan_after_the_solve_cut_off__what_is_left_is_shared_out(sintef: InProcessPipeline):
    sintef.clock.advance(timedelta(hours=1, minutes=10))  # 11:40; the gate closes at 12:00

    planned = sintef.plan(SINTEF, DAY)

    waits = [
        (cut_off - sintef.clock.now()).total_seconds() / 60
        for cut_off in (
            planned.cut_offs.solve,
            planned.cut_offs.approval,
            planned.cut_offs.submission,
        )
    ]
    assert waits == [10, 15, 17.5]
    assert planned.plan.cut_offs.solve < sintef.clock.now()


def test_plan_just_before_the_solve_cut_off__what_is_left_is_shared_out(
    sintef_inputs: ClientInputs,
):
    cut_offs = configuration_of(sintef_inputs.configuration).cut_offs_of(DAY)
    pipeline = published(sintef_inputs, cut_offs.solve - timedelta(seconds=5))

    planned = pipeline.plan(SINTEF, DAY)

    left = cut_offs.gate - pipeline.clock.now()
    assert planned.cut_offs.solve - pipeline.clock.now() == left / 2
    assert planned.plan.cut_offs == cut_offs


def test_total_with_more_points_than_the_market_takes__is_reduced(
    cascade_inputs: ClientInputs,
):
    configuration = copy.deepcopy(cascade_inputs.configuration)
    configuration["configuration"]["market"]["max_points"] = 8
    pipeline = published(ClientInputs(configuration, cascade_inputs.scenario_sets))

    view = pipeline.run(CASCADE, DAY)

    assert view.state is RunState.SUBMITTED
    for order in pipeline.exchange.orders.values():
        assert order.matrix is not None
        assert max(len(curve.ticks) for curve in order.matrix.curves) == 8
