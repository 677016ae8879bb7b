"""The deployed functions: which use case each request and each message is for.

The one place to add a use case at.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from hydrobid.bootstrap.dispatcher import _answer
from hydrobid.domain.configuration import OWN_SOLVER
from hydrobid.domain.errors import HydrobidError, NotFound
from hydrobid.domain.messages import (
    ApprovalDecided,
    AssetBid,
    AssetSettled,
    CutOffReached,
    GuardTick,
    HoldChanged,
    ResultsDue,
)
from hydrobid.pipeline.aggregate_asset import aggregate_asset
from hydrobid.pipeline.alerts import send_alerts
from hydrobid.pipeline.fetch_results import fetch_results
from hydrobid.pipeline.guard_gate import guard_gate
from hydrobid.pipeline.plan_run import PlanRequest, plan_run
from hydrobid.pipeline.ports import (
    Callbacks,
    Clock,
    Document,
    Documents,
    Exchange,
    Messages,
    Notifier,
    Solver,
)
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.solve_task import TaskRequest, solve_task
from hydrobid.pipeline.submit_bid import submit_asset_bid, submit_at_cut_off, submit_for_desk
from hydrobid.schema import ClientInputs


@dataclass(frozen=True)
class Functions:
    """One client's functions on simulated ports."""

    documents: Documents
    clock: Clock
    messages: Messages
    exchange: Exchange
    callbacks: Callbacks
    solver: Solver
    notifier: Notifier

    def http(self, url: str, body: Any) -> tuple[int, Any]:
        """Answer a workflow's request: status and body."""
        try:
            match url:
                case "http://dispatcher":
                    request = PlanRequest.from_document(body)
                    return 200, _answer(plan_run(self.documents, self.clock, request))
                case "http://solver":
                    task = TaskRequest.from_document(body)
                    report = solve_task(self.documents, self.clock, {OWN_SOLVER: self.solver}, task)
                    return 200, asdict(report)
                case _:
                    raise LookupError(url)
        except HydrobidError as error:
            return _status(error), error.as_document()

    def handle(self, topic: str, content: Document, published: datetime, holder: str) -> None:
        """Act on a pushed message and tell alerts; an error is for Pub/Sub to judge."""
        try:
            self._act(topic, content, published, holder)
        finally:
            with suppress(HydrobidError):
                send_alerts(self.documents, self.clock, (self.notifier,))

    def _act(self, topic: str, content: Document, published: datetime, holder: str) -> None:
        ports = (self.documents, self.clock, self.exchange, self.callbacks)
        match topic, "run" in content:
            case AssetSettled.topic, _:
                settled = AssetSettled.from_document(content)
                aggregate_asset(self.documents, self.clock, self.messages, settled)
            case AssetBid.topic, _:
                submit_asset_bid(*ports, AssetBid.from_document(content), holder)
            case HoldChanged.topic, _:
                submit_for_desk(*ports, HoldChanged.from_document(content), holder)
            case ApprovalDecided.topic, _:
                submit_for_desk(*ports, ApprovalDecided.from_document(content), holder)
            case CutOffReached.topic, True:
                submit_at_cut_off(*ports, CutOffReached.from_document(content), holder)
            case GuardTick.topic, False:
                guard_gate(*ports, GuardTick.from_document(content), published, holder)
            case ResultsDue.topic, False:
                fetch_results(self.documents, self.clock, self.exchange)
            case _:
                raise LookupError(topic)

    def publish(self, inputs: ClientInputs) -> None:
        """Make inputs current, as an operator does."""
        publish_inputs(self.documents, self.clock, inputs.configuration, inputs.scenario_sets)


def _status(error: HydrobidError) -> int:
    if error.retryable:
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.NOT_FOUND if isinstance(error, NotFound) else HTTPStatus.BAD_REQUEST
