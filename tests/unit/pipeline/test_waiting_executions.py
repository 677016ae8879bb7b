"""Who waits for a run is told of its end once what it had solved is in the bid, or its time is over."""

from __future__ import annotations

from contextlib import nullcontext

from examples import CASCADE, DAY, SINTEF

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.messages import AssetSettled, CutOffReached
from hydrobid.domain.plan import AssetPlan, Plan
from hydrobid.hydro.schedule import FailureCode, SolveFailure
from hydrobid.pipeline.plan_run import PlanRequest, plan_run


class Failing:
    """A solver to which every scenario is infeasible."""

    def solve(self, problem, scenarios, scenario_seconds):
        return nullcontext(
            (s, SolveFailure(FailureCode.INFEASIBLE, "no way", {})) for s in scenarios
        )


def waiting_plan(pipeline: InProcessPipeline, client: str, execution: str) -> Plan:
    """Register an execution that waits for the day's run, and return its plan."""
    request = PlanRequest(
        client=client, day=DAY, execution=execution, callback=f"http://{execution}"
    )
    return plan_run(pipeline.documents, pipeline.clock, request).plan


def solved_for(pipeline: InProcessPipeline, plan: Plan, asset: AssetPlan, execution: str) -> None:
    """Tell that an execution's solving of an asset has ended, and deliver what follows."""
    pipeline.messages.publish(
        AssetSettled(client=plan.client, run=plan.run, asset=asset.asset, execution=execution)
    )
    pipeline.deliver()


def test_callbacks__every_waiting_execution_is_called_when_its_own_solving_is_in_the_bid(
    sintef: InProcessPipeline,
):
    for name in ("first", "second"):
        plan = waiting_plan(sintef, SINTEF, name)
    sintef.solve(plan)
    sintef.messages.waiting.clear()

    solved_for(sintef, plan, plan.assets[0], "first")
    early = dict(sintef.callbacks.calls)
    solved_for(sintef, plan, plan.assets[0], "second")

    told = {"run": str(plan.run), "state": "submitted"}
    assert early == {"http://first": told}
    assert dict(sintef.callbacks.calls) == {"http://first": told, "http://second": told}


def test_callbacks__failed_run_again__called_once_all_its_assets_are_solved_anew(
    cascade: InProcessPipeline,
):
    cascade.solver = Failing()
    failed = cascade.run(CASCADE, DAY)
    plan = waiting_plan(cascade, CASCADE, "again")
    first, *others = plan.assets

    waiting_plan(cascade, CASCADE, "again")  # the request comes twice
    solved_for(cascade, plan, first, "again")
    waiting_plan(cascade, CASCADE, "again")  # and once more, late
    early = list(cascade.callbacks.calls)
    for asset in others:
        solved_for(cascade, plan, asset, "again")

    assert failed.state.finished
    assert others
    assert early == []
    assert dict(cascade.callbacks.calls) == {
        "http://again": {"run": str(plan.run), "state": str(failed.state)}
    }


def test_callbacks__solving_never_ends__called_at_the_cut_off(cascade: InProcessPipeline):
    cascade.solver = Failing()
    failed = cascade.run(CASCADE, DAY)
    plan = waiting_plan(cascade, CASCADE, "again")
    passed = CutOffReached(client=CASCADE, run=plan.run, cut_off="approval")

    cascade.handle(passed)
    early = list(cascade.callbacks.calls)
    cascade.clock.advance(plan.cut_offs.solve - cascade.clock.now())
    cascade.handle(passed)

    assert early == []
    assert dict(cascade.callbacks.calls) == {
        "http://again": {"run": str(plan.run), "state": str(failed.state)}
    }
