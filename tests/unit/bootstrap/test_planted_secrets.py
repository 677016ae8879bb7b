"""No secret and no token leaves the process: not in a log, a document, an event, an error, a report."""

from __future__ import annotations

import base64
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from examples import DAY, ROOT, SINTEF
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from werkzeug.exceptions import HTTPException

from emulators.clock import MarketClock
from emulators.exchange.auth import Credentials as Accounts
from emulators.exchange.market_file import load_market
from emulators.exchange.server import ExchangeOptions, serve
from emulators.faults.switch import Faults
from hydrobid.adapters.nordpool import NordPoolExchange
from hydrobid.adapters.nordpool_session import NordPoolSession
from hydrobid.adapters.secrets import secret_at
from hydrobid.bootstrap.exchange import account_in
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.bootstrap.outcomes import Done, handled
from hydrobid.cli.report import write_run
from hydrobid.domain.errors import HydrobidError
from hydrobid.domain.messages import CutOffReached, ResultsDue
from hydrobid.domain.results import AuctionResult

SECRET, PASSWORD = "planted-client-secret", "planted-password"
EVERY_FAULT = [
    {"where": {"path": "/auctions"}, "fault": "expire", "count": 1},
    {"where": {"path": "/connect/token"}, "fault": "error", "status": 503, "after": 1, "count": 1},
    {"where": {"method": "GET", "path": "/auctions/"}, "fault": "error", "status": 500, "count": 3},
    {
        "where": {"method": "GET"},
        "fault": "drift",
        "field": "deliveryStart",
        "after": 2,
        "count": 1,
    },
    {
        "where": {"method": "POST", "path": "/curveorders"},
        "fault": "error",
        "status": 403,
        "count": 1,
    },
    {"where": {"method": "POST", "path": "/curveorders"}, "fault": "accept_then_break", "count": 1},
]


class Echoing(httpx.HTTPTransport):
    """Repeats a request's headers and form in every refusal, as some gateways do; keeps the tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        response.read()
        if request.url.path == "/connect/token" and response.status_code == 200:
            self.tokens.append(response.json()["access_token"])
        if not response.is_error:
            return response
        form = request.content.decode() if request.url.path == "/connect/token" else ""
        body = {
            "detail": f"refused: {dict(request.headers)} {form}",
            "headers": [*request.headers.raw],
        }
        text = json.dumps(body, default=str)
        return httpx.Response(response.status_code, text=text, request=request)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


@pytest.fixture
def day(sintef: InProcessPipeline, tmp_path: Path):
    """The SINTEF example against an exchange at which everything goes wrong once."""
    clock, faults = tmp_path / "clock.json", tmp_path / "faults.json"
    faults.write_text(
        json.dumps({"rules": [{"service": "exchange", **rule} for rule in EVERY_FAULT]})
    )
    account = tmp_path / "account.json"
    account.write_text(
        json.dumps(
            {
                "client_id": "client",
                "client_secret": SECRET,
                "username": "trader",
                "password": PASSWORD,
            }
        )
    )
    accounts = Accounts(
        client_id="client",
        client_secret=SECRET,
        users={"trader": {"password": PASSWORD, "portfolios": ["sintef-example"]}},
    )
    server = serve(
        ExchangeOptions(
            load_market(ROOT / "emulators/exchange/markets/nordic.yaml"),
            accounts,
            clock=MarketClock(clock),
            faults=Faults("exchange", faults),
        )
    )
    url, transport = f"http://127.0.0.1:{server.port}", Echoing()
    secret = secret_at(f"file:{account}")
    with NordPoolSession(
        url, f"{url}/connect/token", lambda: account_in(secret), transport, sleep=lambda _: None
    ) as session:
        sintef.exchange = NordPoolExchange(session)
        yield sintef, transport, clock
    server.stop()


def turn(pipeline: InProcessPipeline, clock: Path) -> None:
    offset = (pipeline.clock.now() - datetime.now(UTC)).total_seconds()
    clock.write_text(json.dumps({"offset_seconds": offset}))


def tried(pipeline: InProcessPipeline, message, told: list[str]) -> None:
    """Hand a message to its function until it is done with, as Pub/Sub does; keep what errors say."""

    def act() -> Done:
        try:
            pipeline.handle(message)
        except HydrobidError as error:
            told.append(f"{error!r} {json.dumps(error.as_document())}")
            raise
        return Done("handled", message.to_document())

    for _ in range(12):
        try:
            handled("submission", {}, act)
        except HTTPException as refused:  # the framework tells Pub/Sub to try again
            told.append(repr(refused))
        else:
            return
    raise AssertionError(f"never done: {told[-1]}")


def test_a_day_on_which_everything_goes_wrong_gives_no_secret_away(
    day, tmp_path, spans, capsys, caplog
):
    pipeline, transport, clock = day
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    turn(pipeline, clock)
    plan = pipeline.plan(SINTEF, DAY).plan
    pipeline.solve(plan)
    while pipeline.messages.waiting:
        tried(pipeline, pipeline.messages.waiting.popleft(), told)
    pipeline.clock.advance(plan.cut_offs.gate - pipeline.clock.now())
    turn(pipeline, clock)
    tried(pipeline, CutOffReached(client=SINTEF, run=plan.run, cut_off="submission"), told)
    pipeline.clock.advance(timedelta(hours=1))
    turn(pipeline, clock)
    tried(pipeline, ResultsDue(client=SINTEF), told)

    documents = {
        collection: pipeline.documents.find(collection)
        for collection in ("orders", "events", "alerts", "results", f"runs/{plan.run}/areas")
    }
    (result,) = map(AuctionResult.from_document, documents["results"].values())
    assert result.published.status == "final"
    assert documents["alerts"]
    write_run(tmp_path / "out", SINTEF, pipeline.documents, plan.run, [])
    report = "".join(p.read_text(encoding="utf-8") for p in (tmp_path / "out").iterdir())
    traces = "".join(span.to_json() for span in spans.get_finished_spans())
    logged = capsys.readouterr()
    everything = "\n".join(
        [json.dumps(documents), *told, report, traces, logged.out, logged.err, caplog.text]
    )
    assert "exchange POST /curveorders" in traces
    assert "order-standing" in everything
    assert "[secret]" in everything  # what was echoed was told, without the secret
    assert len(transport.tokens) >= 2
    basic = base64.b64encode(f"client:{SECRET}".encode()).decode()
    for planted in (SECRET, PASSWORD, basic, *transport.tokens):
        assert planted not in everything
