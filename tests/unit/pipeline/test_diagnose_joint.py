"""What is said of bids that a joint task makes of all scenarios together."""

from collections.abc import Iterator
from contextlib import nullcontext

from block_bids import bid_the_day, block_pipeline
from diagnosed_runs import SECOND, diagnosis_of, printed, settle, solve_one
from examples import DAY, SINTEF

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.cli.diagnosis_view import diagnosis_view
from hydrobid.domain.states import AssetState
from hydrobid.schema import ClientInputs

TOGETHER = "scenarios taken together"


def test_diagnose__a_joint_bid_rests_on_all_scenarios(sintef_inputs: ClientInputs):
    pipeline = block_pipeline(sintef_inputs, 50.0, 30.0)
    plan = bid_the_day(pipeline).plan
    alone = diagnosis_of(pipeline, plan.run)
    for number in range(1, len(plan.assets[0].tasks)):
        solve_one(pipeline, plan, plan.assets[0], number)
    late = diagnosis_of(pipeline, plan.run)

    for found in (alone, late):
        (asset,), (area,) = found.assets, found.areas
        assert (asset.state, asset.joint, asset.solved) == (AssetState.COMPLETE, "SOLVED", 0)
        assert (asset.absences, asset.late) == ((), ())
        assert area.assets[0].unfounded.energy == 0
        assert (area.assets[0].obtainable, area.gain) == (None, None)
        assert not any("that its bid does without" in line for line in found.unknown)
        # An order of curves and one of blocks, each sent once.
        assert found.critical_path[-1].what == "stood as order order-1, order-2"
        assert "at scenarios that it does not rest on" not in printed(diagnosis_view(found))


def test_diagnose__a_joint_task_is_on_the_path(sintef_inputs: ClientInputs):
    pipeline = block_pipeline(sintef_inputs, 50.0)
    plan = pipeline.plan(SINTEF, DAY).plan
    (asset,) = plan.assets
    assert asset.tasks[0].kind == "joint"
    for number in range(1, len(asset.tasks)):
        solve_one(pipeline, plan, asset, number)
    waiting = diagnosis_of(pipeline, plan.run).waits_for
    slow(pipeline, 20)
    solve_one(pipeline, plan, asset, 0)
    pipeline.clock.advance(3 * SECOND)
    settle(pipeline, plan, asset)

    found = diagnosis_of(pipeline, plan.run)

    assert waiting == (f"{asset.asset}: its joint task has no outcome",)
    assert [(step.seconds, step.what) for step in found.critical_path[1:4]] == [
        (0, "try 1 began"),
        (20, f"{TOGETHER} solved, the last"),
        (3, f"complete with {TOGETHER}"),
    ]
    assert found.critical_path[2].subject == f"{asset.asset}~joint"
    spans = {span.stage: span.seconds for span in found.stages}
    assert (spans["solve"], spans["aggregate"]) == (20, 3)


def test_diagnose__a_joint_task_without_an_outcome_was_given_up(sintef_inputs: ClientInputs):
    pipeline = block_pipeline(sintef_inputs, 50.0)
    plan = pipeline.plan(SINTEF, DAY).plan
    (asset,) = plan.assets
    for number in range(1, len(asset.tasks)):
        solve_one(pipeline, plan, asset, number)
    settle(pipeline, plan, asset)

    found = diagnosis_of(pipeline, plan.run)

    assert found.assets[0].joint == found.assets[0].stand_in == "NOT_STARTED"
    whats = [step.what for step in found.critical_path]
    assert "partial with 52 of 52 scenarios, once 1 of 4 tasks were given up" in whats


def slow(pipeline: InProcessPipeline, seconds: float) -> None:
    """Have joint tasks take so long from now on."""
    inner = pipeline.solver

    class Slow:
        def solve_jointly(self, *arguments: object) -> object:
            def results() -> Iterator:
                pipeline.clock.advance(seconds * SECOND)
                with inner.solve_jointly(*arguments) as found:
                    yield from found

            return nullcontext(results())

    pipeline.solver = Slow()
