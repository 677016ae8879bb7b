"""The dispatcher, wired: a request in, the run and its tasks out."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from hydrobid.adapters.clock import SystemClock
from hydrobid.adapters.firestore import FirestoreDocuments
from hydrobid.adapters.structured_logs import label
from hydrobid.bootstrap.outcomes import Done
from hydrobid.bootstrap.requests import check_client, request_of
from hydrobid.bootstrap.settings import FunctionSettings
from hydrobid.bootstrap.topology import database_id
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.plan_run import PlannedRun, PlanRequest, plan_run


@lru_cache(maxsize=1)
def _wired() -> tuple[FunctionSettings, FirestoreDocuments, SystemClock]:
    settings = FunctionSettings()
    documents = FirestoreDocuments(settings.project, database_id(settings.client))
    return settings, documents, SystemClock(settings.clock_file)


def dispatch(content: Any) -> Done:
    """Plan the run that a request asks for, and return what the workflow needs of it.

    Raises:
        HydrobidError: as `plan_run` does, or the request is not of its form.
    """
    settings, documents, clock = _wired()
    request = request_of(PlanRequest, content)
    label(request.to_document())
    check_client(settings.client, request.client)
    planned = plan_run(documents, clock, request)
    answer = _answer(planned)
    label({"run": answer["run"]})
    tasks = sum(len(asset["tasks"]) for asset in answer["assets"])
    assets = len(answer["assets"])
    message = f"{answer['run']} planned: {tasks} tasks of {assets} assets, inputs {planned.inputs}"
    return Done(message, answer)


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
