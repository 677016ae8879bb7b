"""The dispatcher, wired: a request in, the run and its tasks out."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from hydrobid.adapters.clock import SystemClock
from hydrobid.adapters.firestore import FirestoreDocuments
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


def dispatch(content: Any) -> dict[str, Any]:
    """Plan the run that a request asks for, and return what the workflow needs of it.

    Raises:
        HydrobidError: as `plan_run` does, or the request is not of its form.
    """
    settings, documents, clock = _wired()
    request = request_of(PlanRequest, content)
    check_client(settings.client, request.client)
    return _answer(plan_run(documents, clock, request))


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
