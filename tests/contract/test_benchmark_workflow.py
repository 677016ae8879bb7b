"""The benchmark's workflow as it is deployed, on the use case: each method tried once, whatever fails."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from examples import DAY, ROOT, SINTEF

from emulators.clock import MarketClock
from emulators.process import Options
from emulators.workflows.server import WorkflowsOptions, serve
from hydrobid.bidding.backtest import entrant
from hydrobid.bootstrap import solver
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.bootstrap.settings import SolverSettings
from hydrobid.domain.errors import HydrobidError
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.messages import CutOffReached, ResultsDue
from hydrobid.pipeline.run_inputs import configuration_in

LOCATION = "projects/hydro/locations/europe-north1"


class Solver(BaseHTTPRequestHandler):
    """The solver function, which is away now and then, and cannot try one of the methods at all."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        method = None if body["benchmark"] is None else body["benchmark"]["method"]
        with self.server.lock:
            self.server.asked.append(method)
            away = self.server.asked.count(method) == 1 and method in (None, "price_independent")
            status, answer = (503, {}) if away else self._answered(body, method)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answered(self, body, method):
        if method == "stochastic":
            return 400, {"code": "INVALID_INPUT"}
        try:
            return 200, solver.solve(body).facts
        except HydrobidError as error:
            return 400, error.as_document()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def answering(sintef: InProcessPipeline, monkeypatch):
    """The solver function over a pipeline, and where it is."""
    methods = ("price_independent", "stochastic", "water_value")
    monkeypatch.setattr(entrant, "STANDARD", methods)
    settings = SolverSettings(client=SINTEF)
    wired = (settings, sintef.documents, sintef.clock, sintef.solvers)
    monkeypatch.setattr(solver, "_wired", lambda: wired)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Solver)
    server.asked, server.lock = [], threading.Lock()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_benchmark__methods_are_tried_once_and_one_that_cannot_be_keeps_none_back(
    sintef: InProcessPipeline, answering, tmp_path: Path
):
    plan = sintef.plan(SINTEF, DAY).plan
    sintef.handle(CutOffReached(client=SINTEF, run=plan.run, cut_off="submission"))
    sintef.clock.advance(plan.cut_offs.gate - sintef.clock.now())
    market = configuration_in(sintef.documents, plan).market
    auction = sintef.exchange.auction(market, DAY)
    sintef.exchange.publish(auction, PriceArea("NO2"), [45.0] * len(market.grid(DAY)))
    sintef.handle(ResultsDue(client=SINTEF))
    source = (ROOT / "workflows" / "benchmark_methods.yaml").read_text(encoding="utf-8")
    server = serve(
        WorkflowsOptions(Options(0, None, MarketClock(tmp_path / "clock.json")), 0, None)
    )
    try:
        url = f"http://127.0.0.1:{answering.server_port}"
        with httpx.Client(base_url=f"http://127.0.0.1:{server.rest_port}/v1/", timeout=60) as rest:
            body = {"sourceContents": source, "userEnvVars": {"SOLVER_URL": url}}
            made = rest.post(f"{LOCATION}/workflows", params={"workflowId": "benchmark"}, json=body)
            made.raise_for_status()
            first, again = (_ended(rest) for _ in range(2))
    finally:
        server.stop()

    assert first == {"due": 4, "given_up": 1}
    assert again == {"due": 1, "given_up": 1}  # what could not be tried, and nothing else
    kept = {document["method"] for document in sintef.documents.find("benchmarks").values()}
    assert kept == {"price_independent", "water_value", "multi_scenario"}
    asked = answering.asked
    # The list twice and once more for the 503, what was away twice, and the others once.
    assert [asked.count(method) for method in (None, "price_independent", "water_value")] == [
        3,
        2,
        1,
    ]


def _ended(rest: httpx.Client):
    argument = {"argument": json.dumps({"client": SINTEF})}
    name = rest.post(f"{LOCATION}/workflows/benchmark/executions", json=argument).json()["name"]
    deadline = time.monotonic() + 120
    while (found := rest.get(name).json())["state"] == "ACTIVE":
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    assert found["state"] == "SUCCEEDED", found
    return json.loads(found["result"])
