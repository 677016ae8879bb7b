"""Scenarios solved again: the same, another, altered, absent."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from examples import DAY, SINTEF

from hydrobid.adapters.memory import InProcessSolver
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.errors import NotFound
from hydrobid.domain.identifiers import AssetId, RunId, ScenarioId
from hydrobid.domain.records import ScenarioOutcome
from hydrobid.domain.states import OutcomeState
from hydrobid.hydro.schedule import FailureCode, SolveFailure
from hydrobid.hydro.solve import solve_problem
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Put
from hydrobid.pipeline.replay_scenario import Difference, Replay, replay_scenario

RUN = RunId.parse(f"nordic~{DAY}~r1")
ASSET, SCENARIO = AssetId("shop-standard"), ScenarioId("s17")


def changing(change: Callable) -> InProcessSolver:
    """Return a solver whose results are changed before they are handed out."""

    def solve(problem, scenarios) -> Iterator:
        for scenario, result in solve_problem(problem, scenarios):
            yield scenario, change(result)

    return InProcessSolver(solve)


def failed(_: object) -> SolveFailure:
    return SolveFailure(FailureCode.INFEASIBLE, "no way", {"row": 7})


def replayed(pipeline: InProcessPipeline) -> Replay:
    found = replay_scenario(
        pipeline.documents, pipeline.clock, pipeline.solvers, RUN, ASSET, SCENARIO
    )
    assert Replay.from_document(found.to_document()) == found
    return found


def test_replay__finds_the_same_and_writes_nothing(sintef: InProcessPipeline):
    sintef.run(SINTEF, DAY)
    before = dict(sintef.documents._documents)

    found = replayed(sintef)

    assert found.equal
    assert found.stored == found.replayed
    assert found.differences == ()
    assert sintef.documents._documents == before


def test_replay__another_solver_is_shown_field_by_field(sintef: InProcessPipeline):
    sintef.run(SINTEF, DAY)
    whole = replayed(sintef)

    def nudge(schedule):
        power = schedule.net_power.copy()
        power[17] += 0.5
        return replace(schedule, net_power=power, iterations=schedule.iterations + 1)

    sintef.solver = changing(nudge)
    found = replayed(sintef)

    assert not found.equal
    assert not found.altered
    assert found.stored == whole.stored
    assert found.replayed.digest != whole.replayed.digest
    iterations, power = found.differences
    assert iterations.replayed - iterations.stored == 1
    assert power.field == "net_power[17]"
    assert power.replayed - power.stored == pytest.approx(0.5)


def test_replay__volumes_changed_and_the_event_made_to_fit__are_not_the_same_again(
    sintef: InProcessPipeline,
):
    sintef.run(SINTEF, DAY)
    path = paths.scenario(RUN, ASSET, SCENARIO)
    event = paths.event(f"{paths.entity_of(path)}~1")
    stored, told = sintef.documents.get(path), sintef.documents.get(event)
    stored["volumes"][3] += 100.0
    told["data"]["digest"] = ScenarioOutcome.from_document(stored).digest()
    sintef.documents.commit(Put(path, stored), Put(event, told))

    found = replayed(sintef)

    assert (found.altered, found.as_told, found.equal) == (False, False, False)
    assert found.stored == found.replayed
    (volume,) = found.differences
    assert volume.field == "outcome.volumes[3]"
    assert volume.stored - volume.replayed == pytest.approx(100.0)


def test_replay__a_failure_that_comes_again_is_equal(sintef: InProcessPipeline):
    sintef.solver = changing(failed)
    sintef.run(SINTEF, DAY)

    found = replayed(sintef)

    assert found.equal
    assert found.replayed.state is OutcomeState.FAILED


def test_replay__what_failed_can_be_solved_now(sintef: InProcessPipeline):
    whole, sintef.solver = sintef.solver, changing(failed)
    sintef.run(SINTEF, DAY)
    sintef.solver = whole

    found = replayed(sintef)

    assert not found.equal
    assert (found.stored.state, found.replayed.state) == (OutcomeState.FAILED, OutcomeState.SOLVED)
    assert Difference(field="code", stored="INFEASIBLE", replayed="absent") in found.differences


def test_replay__an_outcome_that_was_changed_since(sintef: InProcessPipeline):
    sintef.run(SINTEF, DAY)
    path = paths.scenario(RUN, ASSET, SCENARIO)
    stored = sintef.documents.get(path)
    stored["volumes"][0] += 100
    sintef.documents.commit(Put(path, stored))

    found = replayed(sintef)

    assert found.altered
    assert not found.equal
    assert found.stored == found.replayed


def test_replay__without_an_outcome_there_is_nothing_to_be_equal_to(sintef: InProcessPipeline):
    sintef.plan(SINTEF, DAY)

    found = replayed(sintef)

    assert found.stored is None
    assert found.replayed.state is OutcomeState.SOLVED
    assert not found.equal
    assert not found.altered


@pytest.mark.parametrize(
    ("run", "asset", "scenario", "named"),
    [
        (RunId.parse(f"nordic~{DAY}~r9"), ASSET, SCENARIO, "r9"),
        (RUN, AssetId("elsewhere"), SCENARIO, "elsewhere"),
        (RUN, ASSET, ScenarioId("s99"), "s99.*s01 to s52"),
    ],
)
def test_replay__of_what_was_not_planned(
    sintef: InProcessPipeline, run: RunId, asset: AssetId, scenario: ScenarioId, named: str
):
    sintef.plan(SINTEF, DAY)
    with pytest.raises(NotFound, match=named):
        replay_scenario(sintef.documents, sintef.clock, sintef.solvers, run, asset, scenario)
