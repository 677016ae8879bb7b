"""Cron jobs on a Scheduler that speaks Google's REST form without TLS: a local cloud's."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import httpx

from hydrobid.domain.canonical import canonical_json
from hydrobid.domain.errors import PermanentError, ServiceUnavailable
from hydrobid.pipeline.ports import Document

CALL_SECONDS = 20.0
EXECUTIONS = "https://workflowexecutions.googleapis.com/v1"


class JobRefused(PermanentError):
    """The Scheduler read a job and said no; its words are the message."""

    code = "JOB_REFUSED"


@dataclass(frozen=True)
class ScheduledJob:
    """A job as it should be. schedule: unix cron. target: what it does, in Google's form."""

    path: str
    schedule: str
    time_zone: str
    target: Document

    def document(self) -> Document:
        """Return the job as the Scheduler's API has it."""
        return {
            "name": self.path,
            "schedule": self.schedule,
            "timeZone": self.time_zone,
            **self.target,
        }


def workflow_target(workflow: str, argument: Document, identity: str) -> Document:
    """Return a target that starts an execution of a workflow."""
    body = json.dumps({"argument": json.dumps(argument)}).encode()
    return {
        "httpTarget": {
            "uri": f"{EXECUTIONS}/{workflow}/executions",
            "httpMethod": "POST",
            "headers": {"Content-Type": "application/json"},
            "body": base64.b64encode(body).decode(),
            "oauthToken": {"serviceAccountEmail": identity},
        }
    }


def topic_target(topic: str, message: Document) -> Document:
    """Return a target that publishes a message."""
    data = base64.b64encode(canonical_json(message)).decode()
    return {"pubsubTarget": {"topicName": topic, "data": data}}


class SchedulerJobs:
    """The jobs of a Scheduler."""

    def __init__(self, host: str) -> None:
        self._http = httpx.Client(
            base_url=f"http://{host}/v1/", timeout=CALL_SECONDS, trust_env=False
        )

    def ensure(self, job: ScheduledJob, *, paused: bool) -> None:
        """Return when the job is there as it should be, and fires unless `paused`.

        Raises:
            ServiceUnavailable: no answer. JobRefused: a fault in the job.
        """
        parent, _, _ = job.path.rpartition("/jobs/")
        made = self._send("POST", f"{parent}/jobs", job.document())
        if made.status_code == httpx.codes.CONFLICT:
            made = self._send("PATCH", job.path, job.document())
        if (self._accepted(made)["state"] == "PAUSED") is not paused:
            self._accepted(self._send("POST", f"{job.path}:{'pause' if paused else 'resume'}", {}))

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def _send(self, method: str, path: str, content: Document) -> httpx.Response:
        try:
            return self._http.request(method, path, json=content)
        except httpx.HTTPError as error:
            raise ServiceUnavailable(f"Scheduler: {error}", path=path) from error

    def _accepted(self, response: httpx.Response) -> Any:
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise ServiceUnavailable(f"Scheduler: {response.status_code}")
        if response.is_error:
            raise JobRefused(f"Scheduler: {response.text[:500]}", status=response.status_code)
        return response.json()
