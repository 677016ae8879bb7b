"""The dispatcher, wired: requests and arrivals of inputs in, runs and their tasks out."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hydrobid.adapters.bucket import BucketFiles, notified_file
from hydrobid.adapters.clock import SystemClock
from hydrobid.adapters.firestore import FirestoreDocuments
from hydrobid.adapters.pushes import pushed_message
from hydrobid.adapters.structured_logs import label
from hydrobid.bootstrap.alerting import alerts_sent
from hydrobid.bootstrap.outcomes import Done
from hydrobid.bootstrap.requests import check_client, request_of
from hydrobid.bootstrap.settings import DispatcherSettings, FunctionSettings
from hydrobid.bootstrap.topology import (
    DAILY_BID,
    bucket_id,
    database_id,
    resource_id,
    topic_path,
    workflow_path,
)
from hydrobid.domain.errors import CorruptDocument
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.messages import FileArrived, InputsArrived
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.arrivals import seconds_to_wait, start_after_arrival
from hydrobid.pipeline.plan_run import PlannedRun, PlanRequest, plan_run
from hydrobid.pipeline.ports import Clock, Documents, Messages
from hydrobid.pipeline.take_file import take_file

if TYPE_CHECKING:
    from hydrobid.adapters.workflows import WorkflowExecutions


@dataclass(frozen=True)
class _Wired:
    settings: DispatcherSettings
    documents: Documents
    clock: Clock


@lru_cache(maxsize=1)
def _wired() -> _Wired:
    settings = DispatcherSettings()
    documents = FirestoreDocuments(settings.project, database_id(settings.client))
    return _Wired(settings, documents, SystemClock(settings.clock_file))


def dispatch(content: Any) -> Done:
    """Plan the run that a request asks for, and return what the workflow needs of it.

    Raises:
        HydrobidError: as `plan_run` does, or the request is not of its form.
    """
    wired = _wired()
    request = request_of(PlanRequest, content)
    label(request.to_document())
    check_client(wired.settings.client, request.client)
    if request.settle and (seconds := seconds_to_wait(wired.documents, wired.clock)):
        return Done(f"inputs still arrive: {seconds} s to wait", {"wait": seconds})
    days = wired.settings.solves_days
    kept = None if days is None else timedelta(days=days)
    with alerts_sent("dispatcher", request.client, wired.documents, wired.clock):
        planned = plan_run(wired.documents, wired.clock, request, kept)
    answer = _answer(planned)
    label({"run": answer["run"]})
    tasks = sum(len(asset["tasks"]) for asset in answer["assets"])
    assets = len(answer["assets"])
    message = f"{answer['run']} planned: {tasks} tasks of {assets} assets, inputs {planned.inputs}"
    return Done(message, answer)


def arrive(topic: str, data: Any) -> Done:
    """Act on a pushed message: a file in the client's bucket, or new inputs.

    topic: its id. Raises:
        HydrobidError: as the use cases do, or the message is not of its topic's form.
    """
    wired = _wired()
    client = wired.settings.client
    if topic == resource_id(client, InputsArrived.topic):
        message = pushed_message(InputsArrived, data)
        check_client(client, message.client)
        done = start_after_arrival(wired.documents, wired.clock, _DailyBids(wired.settings), client)
        return Done(f"inputs arrived: {done}", message.to_document())
    if topic == resource_id(client, FileArrived.topic):
        notified = notified_file(client, data)
        if notified is None:
            return Done("a file changed otherwise than by arriving", {})
        bucket, file = notified
        if bucket != bucket_id(wired.settings.project, client):
            raise CorruptDocument(f"a file of {bucket}, which is not for {client}", bucket=bucket)
        with alerts_sent("dispatcher", client, wired.documents, wired.clock):
            return _take(wired, bucket, file)
    raise CorruptDocument(f"a message of topic {topic}, which is not for {client}", topic=topic)


def _take(wired: _Wired, bucket: str, file: FileArrived) -> Done:
    settings = wired.settings
    with closing(BucketFiles(bucket)) as files:
        taken = take_file(wired.documents, wired.clock, _messages(settings), files, file)
    told = "replaced by a newer one" if taken is None else taken.outcome
    return Done(f"{file.name}: {told}", file.to_document())


@dataclass(frozen=True)
class _DailyBids:
    """The client's daily bid, started by an arrival."""

    settings: FunctionSettings

    def start(self, client: ClientId, day: date) -> None:
        """Start an execution that waits for the pause."""
        settings = self.settings
        workflow = workflow_path(settings.project, settings.location, client, DAILY_BID)
        argument = {"client": client, "day": day.isoformat(), "settle": True}
        _executions(settings.workflows_host).start(workflow, argument)


# Half a second to import, each: planning a run needs neither.
def _messages(settings: FunctionSettings) -> Messages:
    from hydrobid.adapters.pubsub import PubSubMessages  # noqa: PLC0415 - see above

    return PubSubMessages(lambda name: topic_path(settings.project, settings.client, name))


@lru_cache(maxsize=1)
def _executions(host: str | None) -> WorkflowExecutions:
    from hydrobid.adapters.workflows import WorkflowExecutions  # noqa: PLC0415 - see above

    return WorkflowExecutions(host)


def _answer(planned: PlannedRun) -> dict[str, Any]:
    plan = planned.plan
    return {
        "run": str(plan.run),
        "inputs": planned.inputs,
        "state": str(planned.state),
        "done": planned.done,
        "cut_offs": {
            name: utc_text(getattr(planned.cut_offs, name))
            for name in ("solve", "approval", "submission", "gate")
        },
        "solve": planned.solve.to_document(),
        "assets": [
            {"asset": asset.asset, "tasks": [task.id for task in asset.tasks]}
            for asset in plan.assets
        ],
    }
