"""What was solved for a run may expire: which documents do, and what is said where one is gone."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO

import pytest
from examples import DAY, MORNING, SINTEF, published, with_asset_fields
from rich.console import Console, RenderableType

from hydrobid.adapters.memory import MemoryDocuments
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.bootstrap.topology import topology
from hydrobid.cli import replay as command
from hydrobid.cli.diagnosis_view import diagnosis_view
from hydrobid.cli.render import result_view
from hydrobid.cli.report.facts import gather
from hydrobid.cli.report.tables import asset_rows
from hydrobid.domain.errors import NotFound
from hydrobid.domain.identifiers import AssetId, ScenarioId
from hydrobid.domain.messages import AssetSettled
from hydrobid.domain.plan import SOLVES_DAYS_MIN, Plan
from hydrobid.pipeline import paths
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.closed_days import LOOK_BACK
from hydrobid.pipeline.diagnose_run import Diagnosis, diagnose_run
from hydrobid.pipeline.plan_run import PlanRequest, plan_run
from hydrobid.pipeline.ports import Put
from hydrobid.pipeline.read_run import read_run, trail_faults
from hydrobid.pipeline.replay_scenario import Replay, replay_scenario
from hydrobid.pipeline.summarise_run import run_summary
from hydrobid.schema import ClientInputs

KEPT = timedelta(days=SOLVES_DAYS_MIN)
ASSET, SCENARIO = AssetId("shop-standard"), ScenarioId("s17")
STOCHASTIC = {"name": "stochastic", "scenarios": 4}


@dataclass(frozen=True)
class Day:
    """A day that was bid, as each of these tests may have it to itself."""

    pipeline: InProcessPipeline
    plan: Plan

    def copy(self) -> InProcessPipeline:
        copied, documents = InProcessPipeline.starting_at(MORNING), self.pipeline.documents
        for path, document in documents._documents.items():
            copied.documents.commit(Put(path, document, documents._expires.get(path)))
        return copied


@pytest.fixture(scope="module")
def day(sintef_inputs: ClientInputs) -> Day:
    pipeline = published(with_asset_fields(sintef_inputs, method=STOCHASTIC))
    return Day(pipeline, ran(pipeline))


@pytest.fixture(scope="module")
def lasting(sintef_inputs: ClientInputs) -> Day:
    """The same, where nothing expires."""
    pipeline = published(with_asset_fields(sintef_inputs, method=STOCHASTIC))
    return Day(pipeline, ran(pipeline, None))


@pytest.fixture
def plan(day: Day) -> Plan:
    return day.plan


@pytest.fixture
def pipeline(day: Day) -> InProcessPipeline:
    return day.copy()


def ran(pipeline: InProcessPipeline, kept: timedelta | None = KEPT) -> Plan:
    """Take the day from its plan to its order, with an execution that waits for it."""
    request = PlanRequest(client=SINTEF, day=DAY, execution="first", callback="http://first")
    plan = plan_run(pipeline.documents, pipeline.clock, request, kept).plan
    pipeline.solve(plan)
    pipeline.messages.waiting.clear()
    settled = AssetSettled(client=SINTEF, run=plan.run, asset=ASSET, execution="first")
    pipeline.messages.publish(settled)
    pipeline.deliver()
    return plan


def after(pipeline: InProcessPipeline, plan: Plan) -> None:
    """Let the time come at which a database deletes what has expired."""
    assert plan.kept_until is not None
    pipeline.clock.advance(plan.kept_until - pipeline.clock.now())
    pipeline.documents.expire(pipeline.clock.now())


def replayed(pipeline: InProcessPipeline, plan: Plan) -> Replay:
    ports = (pipeline.documents, pipeline.clock, pipeline.solvers)
    return replay_scenario(*ports, plan.run, ASSET, SCENARIO)


def diagnosed(pipeline: InProcessPipeline, plan: Plan) -> Diagnosis:
    return diagnose_run(pipeline.documents, pipeline.clock, plan.run)


def printed(content: RenderableType) -> str:
    console = Console(width=200, file=StringIO())
    console.print(content)
    return console.file.getvalue()


def collections(documents: MemoryDocuments) -> dict[str, dict[str, object]]:
    """Return when each document expires, by the collection that it is in."""
    found: defaultdict[str, dict[str, object]] = defaultdict(dict)
    for path in documents._documents:
        found[path.split("/")[-2]][path] = documents._expires.get(path)
    return found


def test_expiry__is_of_all_that_was_solved_and_of_nothing_else(
    pipeline: InProcessPipeline, plan: Plan
):

    assert plan.kept_until == plan.cut_offs.gate + KEPT
    found = collections(pipeline.documents)
    expiring = {c for c, documents in found.items() if any(documents.values())}
    assert expiring == set(topology().expiring)
    for collection in expiring - {"blobs"}:
        assert set(found[collection].values()) == {plan.kept_until}
    view = read_run(pipeline.documents, plan.run)
    outcomes = view.outcomes[ASSET].values()
    solved = {str(o.schedule) for o in outcomes} | {str(o.curves) for o in view.joint.values()}
    gone = {path.split("/")[1].split("~")[0] for path, at in found["blobs"].items() if at}
    assert gone == solved


def test_expiry__without_a_retention_nothing_expires_and_no_document_is_another(
    day: Day, lasting: Day
):
    assert "kept_until" not in lasting.plan.to_document()
    assert lasting.pipeline.documents._expires == {}
    assert lasting.pipeline.documents._documents == {
        **day.pipeline.documents._documents,
        paths.run(day.plan.run): lasting.plan.to_document(),
    }
    assert day.plan.model_copy(update={"kept_until": None}) == lasting.plan


def test_minimum__is_beyond_what_later_days_look_back_at():
    assert KEPT > 2 * LOOK_BACK


def test_expired__bid_order_and_trail_are_whole(pipeline: InProcessPipeline, plan: Plan):
    before = read_run(pipeline.documents, plan.run)
    after(pipeline, plan)

    view = read_run(pipeline.documents, plan.run)
    assert view.outcomes == {ASSET: {}}
    assert (view.state, view.assets, view.orders) == (before.state, before.assets, before.orders)
    for record in (*view.assets.values(), *view.areas.values()):
        assert get_blob(pipeline.documents, str(record.matrix))
    assert trail_faults(pipeline.documents, plan.run) == []


def test_replay__of_what_has_expired_is_held_against_its_event(
    pipeline: InProcessPipeline, plan: Plan, capsys: pytest.CaptureFixture[str]
):
    after(pipeline, plan)

    found = replayed(pipeline, plan)
    assert found.stored is None
    assert found.expired == plan.kept_until
    assert found.equal

    pipeline.solver = _Nudged(pipeline.solver)
    another = replayed(pipeline, plan)
    assert not another.equal
    assert not another.altered

    for replay, words in ((found, "the same was found again"), (another, "something else")):
        command._print(replay)
        said = " ".join("".join(capsys.readouterr()).split())
        assert "its outcome has expired" in said
        assert words in said


def test_replay__where_the_schedule_alone_has_gone(pipeline: InProcessPipeline, plan: Plan):
    """Given that a database deletes in no order, when a chunk is gone and its outcome is not."""
    digest = str(read_run(pipeline.documents, plan.run).outcomes[ASSET][SCENARIO].schedule)
    pipeline.documents._expires = {paths.blob(digest, 0): plan.kept_until}
    after(pipeline, plan)

    found = replayed(pipeline, plan)
    assert found.equal
    assert found.stored is not None
    assert found.expired == plan.kept_until
    assert SCENARIO not in gather(pipeline.documents, plan.run).end_volumes[ASSET]


def test_replay__of_what_went_before_its_time_is_altered(pipeline: InProcessPipeline, plan: Plan):
    pipeline.documents.expire(plan.kept_until)

    found = replayed(pipeline, plan)
    assert found.expired is None
    assert found.altered
    assert not found.equal


def test_gone__what_was_to_be_kept_for_ever_is_an_error(lasting: Day):
    pipeline, plan = lasting.copy(), lasting.plan
    digest = str(read_run(pipeline.documents, plan.run).outcomes[ASSET][SCENARIO].schedule)
    del pipeline.documents._documents[paths.blob(digest, 0)]

    with pytest.raises(NotFound, match=digest):
        replayed(pipeline, plan)


def test_diagnose__says_what_has_expired_and_takes_nothing_for_never_begun(
    pipeline: InProcessPipeline, plan: Plan
):
    fresh = diagnosed(pipeline, plan)
    after(pipeline, plan)
    found = diagnosed(pipeline, plan)

    assert fresh.expired is None
    assert found.expired == plan.kept_until
    assert found.unknown[0].startswith("What was solved")
    assert found.state == fresh.state
    assert found.areas[0].offered == fresh.areas[0].offered
    assert [(t.task, t.absent) for t in found.tasks] == [(t.task, t.absent) for t in fresh.tasks]
    until = f"{plan.kept_until:%Y-%m-%dT%H:%M:%SZ}"
    assert f"Their log was kept until {until}" in printed(diagnosis_view(found))
    assert "never begun" not in printed(diagnosis_view(found))
    assert until not in printed(diagnosis_view(fresh))


def test_show_and_report__say_why_outcomes_are_not_counted(pipeline: InProcessPipeline, plan: Plan):
    after(pipeline, plan)

    summary = run_summary(pipeline.documents, read_run(pipeline.documents, plan.run))
    assert f"kept until {summary['kept_until']}" in printed(result_view(summary))
    (row,) = asset_rows(gather(pipeline.documents, plan.run))
    assert any("have expired" in line for line in row.missing)


class _Nudged:
    """Another solver, whose schedules differ."""

    def __init__(self, whole) -> None:
        self._whole = whole

    def solve(self, *given):
        return _nudging(self._whole, given)


@contextmanager
def _nudging(whole, given):
    with whole.solve(*given) as results:
        scenario, schedule = next(results)
    schedule.net_power[17] += 0.5
    yield iter([(scenario, schedule)])
