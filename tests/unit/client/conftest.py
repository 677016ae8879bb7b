"""A cloud in this process, as the library sees one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from examples import SINTEF, published, with_asset_fields

from hydrobid.adapters.workflows import Execution
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.client import Client, Platform, following
from hydrobid.domain.errors import HydrobidError
from hydrobid.domain.identifiers import ClientId


@dataclass
class InProcessConsole:
    """A console whose executions have ended as soon as they are started."""

    pipeline: InProcessPipeline
    ended: dict[str, Execution] = field(default_factory=dict)

    @property
    def clock(self):
        return self.pipeline.clock

    def documents(self, _client: ClientId):
        return self.pipeline.documents

    def messages(self, _client: ClientId):
        return self.pipeline.messages

    def start_run(self, client: ClientId, day: date | None) -> str:
        name = f"executions/e-{len(self.ended) + 1}"
        try:
            planned = self.pipeline.plan(client, day)
            view = self.pipeline.run(client, day)
            result: dict[str, Any] = {
                "run": str(view.plan.run),
                "inputs": planned.inputs,
                "state": view.state,
            }
            self.ended[name] = Execution(name, "SUCCEEDED", result=result)
        except HydrobidError as error:
            self.ended[name] = Execution(name, "FAILED", error=error.as_document())
        return name

    def execution(self, name: str) -> Execution:
        return self.ended[name]


@pytest.fixture(autouse=True)
def no_rest(monkeypatch):
    monkeypatch.setattr(following, "POLL_SECONDS", 0.0)


@pytest.fixture
def pipeline(sintef_inputs) -> InProcessPipeline:
    """The SINTEF example with two solves a day."""
    return published(with_asset_fields(sintef_inputs, method={"name": "price_shifts", "shifts": 2}))


@pytest.fixture
def platform(pipeline) -> Platform:
    return Platform(InProcessConsole(pipeline), (SINTEF,))  # type: ignore[arg-type]


@pytest.fixture
def client(platform) -> Client:
    return platform.client(SINTEF)
