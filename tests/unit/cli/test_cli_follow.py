"""A run as the command follows it, on the pipeline in one process."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable

import pytest
from examples import DAY, SINTEF
from rich.console import Console

from hydrobid.adapters.workflows import Execution
from hydrobid.cli.render import progress_lines, result_view, submitted_table
from hydrobid.client import following
from hydrobid.client.errors import RunFailed
from hydrobid.client.following import FollowedRun, follow
from hydrobid.domain.errors import GateClosed, InvalidInput, ServiceUnavailable
from hydrobid.domain.identifiers import RunId
from hydrobid.pipeline.plan_run import PlanRequest, plan_run
from hydrobid.pipeline.run_inputs import plan_of
from hydrobid.pipeline.summarise_run import run_summary
from hydrobid.schema import configuration_of

NAME = "projects/p/locations/l/workflows/sintef-example-daily-bid/executions/e-1"
RUN = RunId.parse(f"nordic~{DAY}~r1")


class Script:
    """A console whose execution comes one step further at each look."""

    def __init__(self, steps: Iterable[Callable[[], Execution]]) -> None:
        self._steps = iter(steps)

    def execution(self, name: str) -> Execution:
        assert name == NAME
        return next(self._steps)()


def active() -> Execution:
    return Execution(NAME, "ACTIVE")


def failed(error: object, state: str = "FAILED") -> Callable[[], Execution]:
    return lambda: Execution(NAME, state, error=error)


@pytest.fixture(autouse=True)
def no_rest(monkeypatch):
    monkeypatch.setattr(following, "POLL_SECONDS", 0.0)


@pytest.fixture
def run(sintef, sintef_inputs) -> FollowedRun:
    """A run of the SINTEF example that was just started."""
    configuration = configuration_of(sintef_inputs.configuration)
    return FollowedRun(configuration, DAY, sintef.documents, NAME)


def text_of(renderable: object) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(renderable)
    return console.file.getvalue()


def test_follow__shows_a_run_from_its_start_to_its_end(sintef, run):
    def planned():
        request = PlanRequest(client=SINTEF, day=DAY, execution="e-1", callback="http://end")
        plan_run(sintef.documents, sintef.clock, request)
        return active()

    def solved():
        sintef.solve(plan_of(sintef.documents, RUN))
        return active()

    def submitted():
        sintef.deliver()
        result = {"run": str(RUN), "inputs": "new", "state": "submitted"}
        return Execution(NAME, "SUCCEEDED", result=result)

    seen: list[str] = []
    follow(
        Script([active, planned, solved, submitted]),
        [run],
        lambda runs: seen.extend(line for line in progress_lines(runs[0]) if line not in seen),
    )

    assert seen == [
        f"sintef-example {DAY}: started",
        f"{RUN} of sintef-example: planned",
        "sintef-example shop-standard: 0 of 52 solved, 0 failed",
        f"{RUN} of sintef-example: aggregating",
        "sintef-example shop-standard: 52 of 52 solved, 0 failed",
        f"{RUN} of sintef-example: submitted",
        "sintef-example shop-standard: 52 of 52 solved, 0 failed, COMPLETE",
        "sintef-example NO2: bid VALIDATED, STANDING",
    ]
    assert run.inputs == "new"
    assert str(run.finished_view().state) == "submitted"


def test_look__another_executions_run_is_not_shown(sintef, run):
    sintef.plan(SINTEF, DAY)
    run.look(Script([active]))
    assert run.view is None


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (GateClosed("the gate closed", gate="12:00").as_document(), GateClosed, "the gate closed"),
        (InvalidInput.of("a.csv", "row 2", "x", "a number").as_document(), InvalidInput, "row 2"),
        ({"tags": ["KeyError"], "message": "no such key"}, RunFailed, "no such key"),
        ("out of memory", RunFailed, "out of memory"),
        (None, RunFailed, "its execution is CANCELLED"),
    ],
)
def test_finished_view__raises_what_the_execution_ended_with(run, error, kind, words):
    run.look(Script([failed(error, "CANCELLED" if error is None else "FAILED")]))
    with pytest.raises(kind, match=words):
        run.finished_view()


def test_follow__gives_up_on_a_cloud_that_does_not_answer_for_long(run, monkeypatch):
    def gone():
        raise ServiceUnavailable("Workflows: gone")

    follow(Script([gone, gone, failed("ended")]), [run], lambda _: None)
    assert run.ended is not None

    run.ended = None
    monkeypatch.setattr(following, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(ServiceUnavailable):
        follow(Script([gone]), [run], lambda _: None)


def test_result_view__text_from_outside_is_shown_word_for_word(sintef):
    view = sintef.run(SINTEF, DAY)
    summary = run_summary(sintef.documents, view)
    hostile = "[bold red]all is well[/] [link=http://evil]click[/link]"
    alert = {"severity": "CRITICAL", "code": "X", "message": hostile, "resolved": None}
    summary["alerts"] = [alert, {**alert, "code": "Y", "resolved": "2026-11-24T10:00:00Z"}]

    shown = text_of(result_view(summary))

    assert f"CRITICAL X: {hostile}" in shown
    assert f"resolved: CRITICAL Y: {hostile}" in shown
    assert summary["areas"]["NO2"]["order_id"] in shown
    assert summary["areas"]["NO2"]["matrix"] in shown
    assert summary["areas"]["NO2"]["order_id"] in text_of(submitted_table([summary]))
    assert "96" in text_of(submitted_table([summary]))
