"""The emulated cloud in a test's own process, and what its REST API says of workflows."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Self

import httpx

from emulators.cloud import CloudOptions
from emulators.in_process import InProcess

PARENT = "projects/local/locations/here"


class WorkflowCloud:
    """Workflows that run beside the services that a test names; with a folder they are kept."""

    def __init__(self, data_dir: Path | None = None, beside: tuple[str, ...] = ()) -> None:
        self.cloud = InProcess(CloudOptions(("workflows", *beside), data_dir=data_dir))
        url = f"http://{self.cloud.address('workflows-rest')}/v1/"
        self.rest = httpx.Client(base_url=url, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.rest.close()
        self.cloud.stop()

    def deploy(self, identifier: str, source: str) -> httpx.Response:
        """Deploy a workflow, or the next revision of one that is there."""
        body = {"sourceContents": source}
        workflows = f"{PARENT}/workflows"
        answer = self.rest.post(workflows, params={"workflowId": identifier}, json=body)
        if answer.status_code == httpx.codes.CONFLICT:
            answer = self.rest.patch(f"{workflows}/{identifier}", json=body)
        return answer

    def start(self, identifier: str, source: str, argument: object = None) -> dict:
        """Start an execution of a source and return it as it begins."""
        self.deploy(identifier, source).raise_for_status()
        body = {} if argument is None else {"argument": json.dumps(argument)}
        answer = self.rest.post(f"{PARENT}/workflows/{identifier}/executions", json=body)
        answer.raise_for_status()
        return answer.json()

    def run(self, identifier: str, source: str, argument: object = None) -> dict:
        """Execute a source to its end and return the execution."""
        return self.ended(self.start(identifier, source, argument)["name"])

    def ended(self, execution: str) -> dict:
        """Return an execution once it has ended."""
        return eventually(
            lambda: self.rest.get(execution).json(), lambda found: found["state"] != "ACTIVE"
        )


def eventually(look, wanted, seconds: float = 60):
    """Return what `look` gives as soon as it is `wanted`."""
    deadline = time.monotonic() + seconds
    while not wanted(found := look()):
        assert time.monotonic() < deadline, f"still {found}"
        time.sleep(0.01)
    return found
