"""A run as it goes on: started, looked at again and again, until its execution has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from hydrobid.client.errors import RunFailed
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import (
    GateClosed,
    HydrobidError,
    InvalidInput,
    Problem,
    RetryableError,
)
from hydrobid.domain.identifiers import AssetId, RunId, ScenarioId
from hydrobid.domain.plan import Plan
from hydrobid.domain.records import ScenarioOutcome
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.read_run import RunView, newest_run, readable_outcomes, view_of
from hydrobid.pipeline.readable import Readable
from hydrobid.pipeline.run_inputs import plan_of
from hydrobid.schema import ClientInputs

if TYPE_CHECKING:
    from hydrobid.bootstrap.console import Console, Execution

POLL_SECONDS = 0.25
PATIENCE_SECONDS = 30.0
ACTIVE = "ACTIVE"
SUCCEEDED = "SUCCEEDED"


@dataclass
class FollowedRun:
    """A run that was asked for. view: at the last look, None until it is planned.

    ended: the execution once it is over.
    """

    configuration: ClientConfiguration
    day: date
    documents: Documents
    execution: str
    view: RunView | None = None
    ended: Execution | None = None
    _outcomes: dict[AssetId, dict[ScenarioId, ScenarioOutcome]] = field(default_factory=dict)

    def look(self, console: Console) -> None:
        """See how the run stands now."""
        # Before the documents: what is read after the end is the end.
        execution = console.execution(self.execution)
        plan = self.view.plan if self.view is not None else self._find_plan(execution)
        if plan is not None:
            self.view = self._read(plan)
        if execution.state != ACTIVE:
            self.ended = execution

    @property
    def inputs(self) -> str:
        """Whether the inputs were new, unchanged or older than the run's; known at a good end."""
        return str(self.ended.result["inputs"]) if self.ended is not None else ""

    def finished_view(self) -> RunView:
        """Return the run as it ended.

        Raises:
            InvalidInput, GateClosed: it was refused before anything was solved.
            RunFailed: the execution ended without a result.
        """
        if self.ended is None or self.ended.state != SUCCEEDED or self.view is None:
            raise self._failure()
        return self.view

    def _find_plan(self, execution: Execution) -> Plan | None:
        """Return the plan that the execution works on, once it has said so."""
        if execution.state == SUCCEEDED:
            return plan_of(self.documents, RunId.parse(execution.result["run"]))
        newest = newest_run(self.documents, self.configuration.market.id, self.day)
        if newest is None:
            return None
        registered = f"{paths.executions(newest)}/{self.execution.rpartition('/')[2]}"
        if self.documents.get(registered) is None:
            return None
        return plan_of(self.documents, newest)

    def _read(self, plan: Plan) -> RunView:
        readable = Readable(self.documents)
        for asset in plan.assets:
            known = self._outcomes.setdefault(asset.asset, {})
            # An outcome is written once: only those not seen yet are read.
            absent = [scenario for scenario in asset.scenarios if scenario not in known]
            known.update(readable_outcomes(readable, plan.run, asset.asset, absent))
        return view_of(readable, plan, self._outcomes)

    def _failure(self) -> HydrobidError:
        state, error = (self.ended.state, self.ended.error) if self.ended else (ACTIVE, None)
        told: dict[str, Any] = error if isinstance(error, dict) else {}
        message = str(told.get("message") or error or f"its execution is {state}")
        details = told.get("details") or {}
        match told.get("code"):
            case InvalidInput.code:
                return InvalidInput([Problem(**problem) for problem in details["problems"]])
            case GateClosed.code:
                return GateClosed(message, **details)
            case _:
                return RunFailed(
                    f"the run of {self.configuration.client} for {self.day} failed: {message}",
                    execution=self.execution,
                    error=error,
                )


def start_run(
    console: Console,
    configuration: ClientConfiguration,
    day: date,
    inputs: ClientInputs | None = None,
) -> FollowedRun:
    """Start a client's run for a delivery day, from inputs that become its current ones.

    inputs: None to bid from what is current.
    """
    documents = console.documents(configuration.client)
    if inputs is not None:
        publish_inputs(documents, console.clock, inputs.configuration, inputs.scenario_sets)
    execution = console.start_run(configuration.client, day)
    return FollowedRun(configuration, day, documents, execution)


def follow(
    console: Console,
    runs: Sequence[FollowedRun],
    show: Callable[[Sequence[FollowedRun]], None],
) -> None:
    """Look at runs until all their executions have ended, and show them after each look.

    Raises:
        RetryableError: the cloud did not answer for a while.
    """
    for _ in looks(console, runs):
        show(runs)


def looks(console: Console, runs: Sequence[FollowedRun]) -> Iterator[None]:
    """Look at runs until all their executions have ended; yield after each look.

    Raises:
        RetryableError: the cloud did not answer for a while.
    """
    answered = time.monotonic()
    while True:
        began = time.monotonic()
        try:
            for run in runs:
                if run.ended is None:
                    run.look(console)
            answered = time.monotonic()
        except RetryableError:
            if time.monotonic() - answered > PATIENCE_SECONDS:
                raise
        yield
        if all(run.ended is not None for run in runs):
            return
        # As long a rest as the look took: whoever watches leaves the machine to those who work.
        time.sleep(max(POLL_SECONDS, time.monotonic() - began))
